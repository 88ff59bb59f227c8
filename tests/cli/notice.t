# The signed notice that a publication failed: who gets it, what it says, and
# what is left of it when it cannot be sent.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/peers.sh"

ftpat=$HOTFIX_BUILD/tests/ftpat
"$hotfix" keygen key >/dev/null
"$hotfix" keygen other >/dev/null
mkdir game other
head -c 400000 /dev/urandom >game/noise
echo other >other/noise
for d in game other; do
	"$hotfix" pack -q -k key.sec -n arena -r one -o $d.tar $d >/dev/null
done
serve host -p key.pub --state state
host=$addr
serve second -p key.pub --state state2
second=$addr

# publish ARG...: tells the host.
publish() {
	"$hotfix" publish -k key.sec --version '*' --retries 0 \
		--url ftp://download.example/game --notify "$host" "$@"
}

# told STATE: the text of the last event that is a notice, decoded.
told() {
	run "$hotfix" log --json -n 9999 "$1"
	perl -MJSON::PP -ne 'my $o = decode_json($_);
		$t = $o->{fields}{text} if ($o->{fields}{kind} // "") eq
			"notice"; END { print $t // "" }' out
}

run "$hotfix" publish -q -k key.sec --version '*' --to place other.tar
exits 0 'a release'
run publish --to place game.tar
exits 1 'another package under its name'
is "$(field released out)" no 'S4.5 is not released'
is "$(field result out)" applied 'S4.6 and the host is told'
err_has ' release exists' 'why'
err_has 'the hosts are told that it failed; what runs there stays$' \
	'and of what the results are'
sees host.err 'notice [0-9]+ \(arena\): publication failed: .*release exists' \
	"S4.6 the host's log has the reason"
run "$hotfix" log "$host"
out_has 'received	.*kind=notice .*text=[^ ]*release%20exists' \
	'S4.6 and so does hotfix log'
run "$hotfix" log --json "$host"
out_has '"text":"[^"]*release exists' 'where it is decoded'
run "$hotfix" status "$host"
out_has '^live: 0$' 'it is no update'

# --- not equal, on a real server ------------------------------------------------

server=
mkdir root
for s in $ftp_servers; do
	[ -z "$server" ] && ftpd "$s" root && server=$s
done
if [ -n "$server" ]; then
	# at ARG... -- N: by way of ftpat.
	HOTFIX_FTP_PASSWORD=$ftp_password
	export HOTFIX_FTP_PASSWORD
	cat >corrupt <<-'END'
	for f in root/base/*/staging/arena.part*; do
		printf X | dd of="$f" bs=1 seek=200000 conv=notrunc 2>/dev/null
	done
	END
	# Where it is read back.
	run "$hotfix" publish -v -k key.sec --version '*' --retries 0 \
		--to "ftp://$ftp_user@127.0.0.1:$ftp_port/base/first" game.tar
	exits 0 'a release by FTP'
	n=$(grep -E '^hotfix: publish: [<>] ' err | grep -n '> RETR .*part' |
		head -n 1 | cut -d : -f 1)
	run "$ftpat" -x 'sh ./corrupt' "$ftp_port" "${n:-0}" "$hotfix" publish \
		-k key.sec --version '*' --retries 0 --notify "$host" \
		--to "ftp://$ftp_user@127.0.0.1:%p/base/second" game.tar
	exits 1 'S4.4 a copy that is not equal'
	out_has '^at: RETR ' 'when it is read back'
	is "$(field released out)" no 'S4.5 is not released'
	is "$(find root/base/second -name '*arena*')" '' 'S4.5 it is deleted'
	is "$(field result out)" applied 'S4.6 the host is told'
	sees host.err 'publication failed: .*the copy there is another' \
		"S4.6 the host's log has the reason"
	case $(told "$host") in
	*'the copy there is another: 4'*' bytes, MD5 '*) ok 0 'S4.6 and hotfix log' ;;
	*) ok 1 'S4.6 and hotfix log' || t_show ;;
	esac
else
	skip "$ftp_why"
fi

# --- a full disk ------------------------------------------------------------------

mkdir small
if ftp_disk small 256k; then
	run publish --to small game.tar
	exits 5 'a full disk'
	is "$(field released out)" no 'nothing is released'
	is "$(field result out)" applied 'S4.6 the host is told'
	sees host.err 'publication failed: .*(full|No space left)' \
		"S4.6 the host's log has the reason"
	case $(told "$host") in
	*full* | *'No space left'*) ok 0 'S4.6 and hotfix log' ;;
	*) ok 1 'S4.6 and hotfix log' || t_show ;;
	esac
else
	skip "$ftp_why"
fi

# --- what the notice does not change ---------------------------------------------

run publish --to place --notify "$second" --notify 127.0.0.1:1 game.tar
exits 1 'a host that is dead: the status stays that of the failure'
err_has '^hotfix: publish: 127\.0\.0\.1:1: Connection refused' 'it is named'
is "$(grep -c '^result: applied' out)" 2 'the others are told'
sees second.err 'publication failed: ' 'each of them'
run "$hotfix" publish -q -k key.sec --version '*' --to place --notify \
	127.0.0.1:1 --url ftp://x/y game.tar
exits 1 'no host that is told: the status stays'
err_has '1 of 1 hosts was not told that it failed' 'and it is said'
run publish --to place --notify 127.0.0.1:1 --skip-failed game.tar
exits 1 'with --skip-failed too'
# A host that does not trust the key.
serve strange -p other.pub
run "$hotfix" publish -q -k key.sec --version '*' --to place --notify "$addr" \
	--url ftp://x/y game.tar
exits 1 'a host that refuses it: the status stays'
is "$(field result out)" 'refused untrusted-key' 'its answer is told'
! grep -q 'publication failed' strange.err
ok $? 'and it logs no failure'
# A key that may sign releases, not notices.
{
	sed -n 2p key.pub | tr '\n' ' '
	echo 'releaser verbs=push'
} >limited
serve limited --trust limited
run "$hotfix" publish -q -k key.sec --version '*' --to place --notify "$addr" \
	--url ftp://x/y game.tar
exits 1 'a key that may sign no notices: the status stays'
is "$(field result out)" 'refused out-of-scope' 'its answer is told'
run "$hotfix" publish -q -k key.sec --version '*' --to place game.tar
exits 1 'nobody to be told'
out_lacks '^host: ' 'nobody is'
run "$hotfix" publish -q -k key.sec --version '*' --to place --notify "$host" \
	--url ftp://x/y missing.tar
exits 5 'what failed before the place was locked'
out_lacks '^host: ' "is nobody else's business"

# --- by a command -----------------------------------------------------------------

if command -v signify-openbsd >/dev/null; then
	cat >sign <<-'END'
	cat >to-sign && signify-openbsd -S -s key.sec -m to-sign -x - </dev/null
	END
	run "$hotfix" publish -q --sign-with 'sh sign' -p key.pub --version '*' \
		--url ftp://x/y --to by-command -n arena -r two -o two.tar game
	exits 0 'publish --sign-with'
	run "$hotfix" verify -p key.pub two.tar by-command/release/*.tar \
		by-command/release/arena.latest
	exits 0 'package and document are signed by the command'
	is "$(wc -l <out)" 3 'all of them'
	run "$hotfix" publish -q --sign-with 'sh sign' -p key.pub --version '*' \
		--url ftp://x/y --to place --notify "$host" game.tar
	exits 1 'and so is a notice'
	is "$(field result out)" applied 'which the host takes'
else
	skip 'signify-openbsd is not here'
fi
run "$hotfix" publish -q --sign-with 'exit 3' -p key.pub --version '*' \
	--url ftp://x/y --to place --notify "$host" game.tar
exits 1 'a notice that cannot be signed: the status stays'
err_has ' --sign-with: the command failed' 'why is told'
err_has '1 of 1 hosts was not told that it failed' 'and it is said'
run "$hotfix" publish -q --sign-with 'exit 3' --version '*' --to none \
	-n arena -r 3 -o three.tar game
exits 5 'a package that cannot be signed'
[ ! -e three.tar ] && [ ! -e none ]
ok $? 'is not made, and nothing is done'
finish
