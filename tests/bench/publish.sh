# How fast releases are published, beside curl and lftp: a large package on
# loopback, where nothing but work counts, and on a line of 1 Gbit/s; many small
# files; and round trips on a line with a delay.
# What ftpd reads is put here.
# shellcheck disable=SC2034
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/peers.sh"

turns="perl $HOTFIX_TOP/tests/bench/turns.pl"
publish="$hotfix publish -q -k key.sec --version '*'"
lftp_set='set ftp:ssl-allow no; set net:max-retries 1; set net:timeout 20'
HOTFIX_FTP_PASSWORD=secret
export HOTFIX_FTP_PASSWORD
rtt_ms=20
rate=1gbit
bad=0

"$hotfix" keygen key >/dev/null || exit 1
mkdir large many small
head -c 268435456 /dev/urandom >large/data
i=0
while [ $i -lt 2000 ]; do
	i=$((i + 1))
	head -c 8192 /dev/urandom >many/m$i
done
head -c 8192 /dev/urandom >small/data
for of in large small; do
	"$hotfix" pack -q -k key.sec -n $of -r 1 $of >/dev/null || exit 1
done

# An empty place and a server at rest, which every round begins with: proftpd
# greets nearly half a second late when a session has just ended.
cat >empty.sh <<'END'
sleep 0.6
rm -rf root/base many-1.tar many-1.tar.sig back
mkdir root/base
chown "$(cat owner)" root/base
END

# The commands of one server, by what they send.
# publish also checks the signature and digests both copies: the last command
# adds what curl leaves to be done.
large_by() { # TITLE ROUNDS
	by_curl="$client curl -sS --user $ftp_user:$ftp_password -T \
		large-1.tar $at/base/ && $client curl -sS --user \
		$ftp_user:$ftp_password -o back $at/base/large-1.tar"
	# shellcheck disable=SC2086
	$turns -n "$2" -p 'sh empty.sh' "$1" \
		"hotfix publish=$client $publish --to $ftp_url/base \
			large-1.tar" \
		"curl, there and back=$by_curl" \
		"with sha512sum, md5sum of both=$by_curl && \
			sha512sum large-1.tar && md5sum large-1.tar back"
}

large() {
	large_by "$1: a package of 256 MiB" 5
}

large_line() {
	large_by "$1: 256 MiB on 1 Gbit/s" 3
}

many() {
	$turns -n 5 -p 'sh empty.sh' "$1: 2,000 files of 8 KiB" \
		"hotfix publish=$publish --to $ftp_url/base -n many -r 1 many" \
		"lftp mirror, 4 connections=lftp -c '$lftp_set; open -u \
			$ftp_user,$ftp_password -p $ftp_port $ftp_host; \
			mirror -R --parallel=4 many base'"
}

trips() {
	$turns -n 5 -r $rtt_ms -p 'sh empty.sh' \
		"$1: a small package, $rtt_ms ms" \
		"hotfix publish=$client $publish --to $ftp_url/base small-1.tar" \
		"curl, there and back=$client curl -sS --user \
			$ftp_user:$ftp_password -T small-1.tar $at/base/ && \
			$client curl -sS --user $ftp_user:$ftp_password \
			-o back $at/base/small-1.tar" \
		"lftp put=$client lftp -c '$lftp_set; open -u \
			$ftp_user,$ftp_password -p $ftp_port $ftp_host; cd base; \
			put small-1.tar'"
}

# Two network namespaces; a device of each is one end of a line between them.
# Nothing else is connected.
spaces_up() {
	near=hotfix-near-$$
	far=hotfix-far-$$
	if [ "$(id -u)" != 0 ]; then
		echo "no lines: they take root"
		return 1
	fi
	ip netns add "$near" && ip netns add "$far"
}

addresses() {
	ip -n "$near" addr add 10.99.0.1/30 dev "$1" &&
		ip -n "$far" addr add 10.99.0.2/30 dev "$2" &&
		ip -n "$near" link set lo up && ip -n "$far" link set lo up &&
		ip -n "$near" link set "$1" up txqueuelen 5000 &&
		ip -n "$far" link set "$2" up txqueuelen 5000 || return 1
	client="ip netns exec $near"
	ftp_prefix="ip netns exec $far"
	ftp_host=10.99.0.2
}

# A line that takes a time.
slow_up() {
	if [ ! -c /dev/net/tun ]; then
		echo "no round trips: that takes /dev/net/tun"
		return 1
	fi
	spaces_up || return 1
	start delay "$HOTFIX_BUILD/bench/delay" "hn$$" "hf$$" \
		$((rtt_ms * 500))
	await delay.out '^ready' || return 1
	ip link set "hn$$" netns "$near" && ip link set "hf$$" netns "$far" &&
		addresses "hn$$" "hf$$"
}

# A line that carries so much a second, each way.
rate_up() {
	spaces_up || return 1
	ip link add "rn$$" netns "$near" type veth peer name "rf$$" \
		netns "$far" &&
		tc -n "$near" qdisc add dev "rn$$" root tbf rate $rate \
			burst 256kb latency 20ms &&
		tc -n "$far" qdisc add dev "rf$$" root tbf rate $rate \
			burst 256kb latency 20ms || {
		echo "no line of $rate: this kernel has none to give"
		return 1
	}
	addresses "rn$$" "rf$$"
}

spaces_down() {
	[ -z "$near" ] || ip netns del "$near" 2>/dev/null
	[ -z "$far" ] || ip netns del "$far" 2>/dev/null
	near=
	far=
}

line_down() {
	ftp_cleanup
	spaces_down
}

serve_and() { # SERVER WHAT...
	server=$1
	shift
	rm -rf root
	mkdir root
	if ! ftpd "$server" root; then
		echo "$server: passed over: $ftp_why"
		return 0
	fi
	echo "$ftp_owner" >owner
	at=ftp://$ftp_host:$ftp_port
	for what in "$@"; do
		"$what" "$server" || bad=1
	done
	stop "$ftp_name"
}

client=
near=
far=
trap line_down EXIT
for s in $ftp_servers; do
	serve_and "$s" large many
done
if rate_up; then
	for s in $ftp_servers; do
		serve_and "$s" large_line
	done
fi
spaces_down
if slow_up; then
	for s in $ftp_servers; do
		serve_and "$s" trips
	done
fi
exit $bad
