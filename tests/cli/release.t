# The whole way of a release: one line of a shell script packs it, checks the
# time, uploads and releases it, and tells two hosts, whose three players each
# then run the new code. Against each of three FTP servers, while somebody lists
# the release folder all the time.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/peers.sh"
. "$HOTFIX_TOP/tests/ntpd.sh"

HOME=$PWD
export HOME
"$hotfix" keygen key >/dev/null
game

# The game as it was sold, and its next release.
mkdir old new new/data
cp game.lua old/game.lua
cp client.lua old/client.lua
sed 's/return 1/return 2/' game.lua >new/game.lua
cp client.lua new/client.lua
head -c 300000 /dev/urandom >new/data/map
echo 'the naïve "map", spaced' >'new/data/a map'

# Who lists the release folder: each other state it sees is a line.
cat >watch.pl <<'END'
use strict;
use Net::FTP;
$| = 1;
my ($port, $user) = @ARGV;
my $ftp = Net::FTP->new("127.0.0.1", Port => $port, Passive => 1) or die;
$ftp->login($user, "secret") or die;
$ftp->binary;
my $before = "none";
while (1) {
	my @names = sort map { s,.*/,,r } $ftp->ls("base/release");
	my $state = join " ", map {
		$_ . "=" . ($ftp->size("base/release/$_") // "gone") } @names;
	print "saw $state\n" if $state ne $before;
	$before = $state;
}
END

# players HOST: three clients of the host at $addr.
players() {
	for p in 1 2 3; do
		start "$1$p" "$hotfix" client -p key.pub --id "$1$p" \
			--version 1 --state "$1$p.state" "$addr" old/client.lua
		await "$1$p.out" '^welcome 1' || ok 1 "$1$p logs in"
	done
}

if ! perl -MNet::FTP -e 1 2>/dev/null; then
	skip 'no Net::FTP of perl here'
	finish
fi
clock=
if ntpd; then
	clock="--ntp $ntp_server"
else
	skip "$ntp_why"
fi

for server in $ftp_servers; do
	rm -rf root
	mkdir root
	if ! ftpd "$server" root; then
		skip "$ftp_why"
		continue
	fi
	echo "machine 127.0.0.1 login $ftp_user password secret" >.netrc
	chmod 600 .netrc
	rm -rf ./*.state arena-2.tar*
	serve east -p key.pub --state east.state --version 1 server.lua
	east=$addr
	players east
	serve west -p key.pub --state west.state
	west=$addr
	players west
	start watch perl watch.pl "$ftp_port" "$ftp_user"
	await watch.out '^saw'

	cat >release.sh <<-END
	"$hotfix" publish -k key.sec --to "$ftp_url/base" -n arena -r 2 \
		--version 1 $clock --notify $east --notify $west new
	END
	run sh release.sh
	exits 0 "$server: one line publishes a release"
	out_has '^released: yes$' "$server: S4.5 it is released"
	out_has '^notified: 2 of 2$' "$server: S4.6 both hosts are told"
	is "$(grep -c '^clients: targeted=3 applied=3 ' out)" 2 \
		"$server: S4.7 and all six players have it" || t_show
	[ -z "$clock" ] || out_has '^offset: ' "$server: S4.1 the time was checked"
	for p in east1 east2 east3 west1 west2 west3; do
		sees "$p.out" '^updated arena applied 2' \
			"$server: S2.6 $p runs the new code"
	done
	base=root/base
	cmp -s arena-2.tar "$base/release/arena-2.tar"
	ok $? "$server: S4.3 what lies there are the bytes that were packed"
	is "$(field remote-md5 out)" "$(md5sum <arena-2.tar | cut -d' ' -f1)" \
		"$server: S4.4 the copy was read back and digested"
	is "$(field md5 out)" "$(field remote-md5 out)" \
		"$server: S4.4 both digests are the same"
	cmp -s arena-2.tar east.state/packages/arena-2.tar
	ok $? "$server: S4.7 so does the host's copy"
	folder=$(readlink east1.state/packages/arena/current)
	(cd "east1.state/packages/arena/$folder" && md5sum --quiet -c MD5SUMS)
	ok $? "$server: S2.6 md5sum agrees with what a client has unpacked"
	"$hotfix" verify -q -p key.pub "$base/release/arena.latest" \
		"$base/release/arena-2.tar"
	ok $? "$server: what lies there is signed"
	is "$(find "$base" -path "$base/staging/*" -o -name '.lock*')" '' \
		"$server: nothing is left in staging, nor the lock"

	# What was seen: nothing but whole files, the latest's document last.
	await watch.out 'arena\.latest'
	stop watch
	sed -n 's/^saw //p' watch.out >states
	tar_size=arena-2.tar=$(wc -c <arena-2.tar)
	sig_size=arena-2.tar.sig=$(wc -c <arena-2.tar.sig)
	latest_size=arena.latest=$(wc -c <"$base/release/arena.latest")
	tr ' ' '\n' <states | grep -v '=gone$' | sort -u >sizes
	printf '%s\n' "$tar_size" "$sig_size" "$latest_size" '' |
		sort -u | comm -23 sizes - >partial
	is "$(cat partial)" '' "$server: nobody ever saw a part of a file" ||
		note states
	awk -v last=0 '{
		n = ($0 ~ /arena-2\.tar\.sig=/) + 2 * ($0 ~ /arena-2\.tar=/) \
			+ 4 * ($0 ~ /arena\.latest=/)
		if (n < last || n == 2 || n == 4 || n == 5 || n == 6)
			exit 1
		last = n
	}' states
	ok $? "$server: the signature first, then the package, the document last" ||
		note states

	# The next day: the same again changes nothing, and undoing is a
	# release of what was before.
	run sh release.sh
	exits 0 "$server: the same release again" || t_show
	for p in east1 east2 east3 west1 west2 west3 east west "$ftp_name"; do
		stop "$p"
	done
done
finish
