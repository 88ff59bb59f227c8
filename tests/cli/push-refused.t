# What must not get in, and what a bad update may do: nothing.
. "$HOTFIX_TOP/tests/lib.sh"

game
"$hotfix" keygen key >/dev/null
"$hotfix" keygen stranger >/dev/null
serve host -p key.pub --program arena --version 2.3 --zone east --state state \
	server.lua
inputs one 3
client one --program arena --version 1.4.2

push() {
	run "$hotfix" push -k key.sec "$@" "$addr"
}
refused() { # WORD STATUS NAME
	exits "$2" "$3"
	out_has "^result: refused $1\$" "$3: $1"
}

# --- who signed, and what -------------------------------------------------

run "$hotfix" push -k stranger.sec --version '*' --both fix.lua "$addr"
refused untrusted-key 4 'S0.2 an untrusted key'
run "$hotfix" push -k key.sec --version '*' --both fix.lua --feature forged \
	--server-version 2.3 --write doc
# Another key's signature under the trusted key's number.
perl -MMIME::Base64 -e '
	my ($doc, $sec) = @ARGV;
	local $/; open F, "<", $doc; $_ = <F>;
	my ($c, $sig, $rest) = /\A(.*?\n)(.*?)\n(.*)\z/s;
	my $raw = decode_base64($sig); substr($raw, 20, 1) ^= "\1";
	print $c, encode_base64($raw, ""), "\n", $rest' doc >forged
run "$hotfix" push forged "$addr"
refused bad-signature 1 'S0.2 a forged signature'
sed 's/return 2/return 9/' doc >altered
run "$hotfix" push altered "$addr"
exits 1 'S0.2 a document with an altered part is not even sent'
err_has 'bad-digest' 'because of its digest'
sed 's/^version: \*/version: 1/' doc >altered
run "$hotfix" push altered "$addr"
refused bad-signature 1 'S0.2 an altered field'
sed '/^max-failed:/d' doc >altered
run "$hotfix" push altered "$addr"
exits 1 'S0.2 a document stripped of its guard'

# --- whom it is for --------------------------------------------------------

push --version '*' --both fix.lua --server-version 7 --feature v7 --zone east
out_has '^clients: targeted=1 ' 'S1.1 a host of another version passes it on'
out_lacks '^server: applied' 'S1.1 and does not apply its own part'
push --feature v8 --server fix.lua --server-version 8
refused not-for-me 1 'S1.1 an update for another server version'
push --feature p --server fix.lua --server-program chess
refused not-for-me 1 'S1.1 an update for another program'
push --feature z --server fix.lua --zone west
refused not-for-me 1 'S0.11 an update for another zone'
push --feature n --server fix.lua --needs 12345
refused needs 1 'an update that needs another'

# --- when ------------------------------------------------------------------

run "$hotfix" push -k key.sec --feature e --server fix.lua \
	--server-version 2.3 --expires +1ms --write brief
run "$hotfix" push brief "$addr"
refused expired 1 'an update that has expired'
run "$hotfix" push -k key.sec --feature s --server fix.lua \
	--server-version 2.3 --write old
push --feature s --server fix.lua
exits 0 'a newer one'
run "$hotfix" push old "$addr"
refused stale 1 'S0.2 a captured older document cannot be played'

# A document of 2020, made by hand and signed with the trusted key.
if command -v signify-openbsd >/dev/null; then
	md5=$(md5sum <fix.lua | cut -d ' ' -f 1)
	sha512=$(sha512sum <fix.lua | cut -d ' ' -f 1)
	cat >text <<-END
	hotfix-update: 1
	id: 1600000000000000
	feature: old
	created: 2020-09-13T12:26:40.000000Z
	server: $(wc -c <fix.lua) $md5 $sha512

	END
	signify-openbsd -S -e -s key.sec -m text -x head
	cat head fix.lua >ancient
	run "$hotfix" verify -p key.pub ancient
	exits 0 'an old document is a good one'
	run "$hotfix" push ancient "$addr"
	refused stale 1 'S0.2 but not for a host that never saw it'
	run "$hotfix" accept -k stranger.sec 1600000000000000 "$addr"
	exits 4 'a stranger cannot let it in'
	run "$hotfix" accept -k key.sec 1600000000000000 "$addr"
	exits 0 'a trusted key can'
	run "$hotfix" push ancient "$addr"
	out_has '^result: applied$' 'and then it is taken in'
else
	skip 'signify-openbsd is not here'
fi

# --- what is wrong with the text -------------------------------------------

bad() { # FEATURE TEXT: pushed as server part
	printf '%s\n' "$2" >bad.lua
	push --feature "$1" --server bad.lua
	exits 1 "S0.5 $1: the push fails"
	out_has '^server: (failed|hung|partial)$' "S0.5 $1: the server part failed"
	type_to one "$1"
	sees one.out "^server $1 " "S0.5 $1: the host serves on"
}
bad syntax-error 'return )'
err_has 'syntax-error:1: ' 'the message names place and line'
bad runtime-error 'error("kaput")'
err_has 'kaput' 'the message is shown'
bad endless-loop 'while true do end'
bad pcall-loop 'while true do pcall(function() while true do end end) end'
bad allocation 'local t = string.rep("x", 1 << 30)'
err_has 'over the budget of [0-9]+ bytes' 'a gigabyte is past the bound'
bad huge-allocation 'local t = string.rep("x", 4 << 30)'
bad growth 'local t = {} while true do t[#t + 1] = ("x"):rep(1 << 20) .. #t end'
bad no-target 'hotfix.replace{target = "game::nothing", with = print}'
bad binary "$(printf '\033Lua')"

{ damage 5; echo 'error("client kaput")'; } >bad.lua
push --version '*' --feature client-error --both fix.lua --max-failed 0
exits 0 'an update that works'
damage 6 >six.lua
push --version '*' --feature client-error --server six.lua --client bad.lua \
	--max-failed 0
exits 1 'S0.7 a client part that fails on too many is taken back'
out_has '^server: reverted$' 'the server part was taken back'
out_has ' failed=1 ' 'S0.10 the clients that failed are counted'
out_has '^result: reverted$' 'both ends were taken back'
err_has 'client kaput' 'S0.10 with the error of the client'
type_to one back
sees one.out '^client back 2$' 'the client runs what it ran before'
sees one.out '^server back 2$' 'and so does the host'
push --version '*' --feature client-error --server six.lua --client bad.lua
out_has '^result: reverted$' 'the bound that is there unasked: never all'
run "$hotfix" log --json -n 3 "$addr"
grep -q '"why":"[^"%]* [^"%]*"' out
ok $? 'log --json: values are decoded' || t_show
echo 'error("plain kaput")' >bad.lua
push --version '*' --feature plain --client bad.lua
refused unsupported 1 'a plain chunk cannot be taken back'
push --version '*' --feature plain --client bad.lua --allow-partial \
	--max-failed 1
exits 0 'unless that is allowed, and one may fail of one'
out_has ' failed=1 ' 'S0.10 it is counted all the same'
err_has 'plain kaput' 'S0.10 with the error'
type_to one alive
sees one.out '^client alive ' 'the client runs on'

# --- the push itself -------------------------------------------------------

push --both fix.lua
exits 2 'a client part without --version is wrong use'
one_line 'told in one line'
push --feature x
exits 2 'a push without a part'
run "$hotfix" push --server fix.lua "$addr"
exits 2 'a push without a key'
run "$hotfix" push -k fix.lua --server fix.lua "$addr"
exits 5 'a key file that is none'
push --server missing.lua
exits 5 'a part that is not there'
err_has 'missing\.lua: No such file' 'is named'
head -c 1048577 /dev/zero | tr '\0' ' ' >large.lua
push --server large.lua
exits 5 'a part of more than 1 MiB'

# What is asked wrongly is told before anybody is asked, so the host need not
# be there.
wrong() { # NAME REGEX OPTION...
	t_name=$1
	t_regex=$2
	shift 2
	run "$hotfix" push -k key.sec --version '*' --both fix.lua "$@" \
		127.0.0.1:1
	exits 2 "$t_name: wrong use"
	err_has "$t_regex" "$t_name: is named"
	one_line "$t_name: told in one line"
}
wrong 'a feature that is none' 'feature: ' --feature 'Not A Feature'
wrong 'a bound that is none' 'max-failed: ' --max-failed lots
wrong 'an instant that is none' '--expires: ' --expires tomorrow
wrong 'an instant that is past' '--expires: .* past' \
	--expires 2020-01-01T00:00:00Z
wrong 'an id that is none' 'needs: ' --needs first
wrong 'an id of the future' 'needs: ' --needs 9000000000000000000
wrong 'a list that is none' 'zone: ' --zone ''
wrong 'a note of two lines' 'note: ' --note "$(printf 'a\nwait: 1s')"
wrong 'a wait of more than all years' '--wait: ' --wait 10000000h
wrong 'a number of hosts' '--batch: ' --batch 0
run "$hotfix" push -k key.sec --version '' --both fix.lua 127.0.0.1:1
exits 2 'no version at all'
err_has 'version: ' 'is named'
for o in --max-failed=lots --max-failed=3 --take-back=1m; do
	run "$hotfix" push -k key.sec --server fix.lua "$o" 127.0.0.1:1
	exits 2 "${o%=*} without a client part is wrong use"
	err_has 'no client part' 'and says why'
done
for parts in '--server fix.lua' '--both fix.lua' \
	'--server fix.lua --client fix.lua'; do
	# shellcheck disable=SC2086
	run "$hotfix" push -k key.sec --version 1 $parts --write unsaid
	exits 2 "no host and no --server-version: $parts"
	err_has 'give --server-version' 'asks for them'
	[ ! -e unsaid ]
	ok $? 'and signs nothing'
done
run "$hotfix" push -k key.sec --version 1 --client fix.lua --write said
exits 0 'a client part alone needs no host to ask'
run "$hotfix" revert -k key.sec --note "$(printf 'a\nb')" fix 127.0.0.1:1
exits 2 'a revert with a note of two lines'
run "$hotfix" retire -k key.sec --zone 'a,,b' fix 127.0.0.1:1
exits 2 'a retirement with a list that is none'
run "$hotfix" push -k key.sec --server fix.lua 127.0.0.1:1
exits 3 'a host that is not there'
err_has '127\.0\.0\.1:1' 'is named'
run "$hotfix" push -k key.sec --server fix.lua 'no host'
exits 2 'a host that is none'
run "$hotfix" push -k key.sec --feature pair --server fix.lua \
	"$addr" 127.0.0.1:1
exits 3 'one of two hosts is not there'
out_lacks '^id:' 'nothing is signed then'
run "$hotfix" push -k key.sec --feature pair --server fix.lua --skip-failed \
	"$addr" 127.0.0.1:1
exits 3 '--skip-failed goes on without it'
out_has '^result: applied$' 'on the other'
out_has '^result: unreachable$' 'and says so'
out_has '^host: - 127\.0\.0\.1:1$' 'with no name, for nobody greeted'
echo 'lost 127.0.0.1:1' >fleet
run "$hotfix" status --fleet fleet
exits 3 'a host of a fleet that is not there'
out_has '^host: lost 127\.0\.0\.1:1$' "has its fleet's name"

# --- who is no host ---------------------------------------------------------

# fake NAME TEXT [ANSWER]: says TEXT to whoever comes, then answers every
# request OK, or this.
fake() {
	start "$1" perl -MIO::Socket::INET -e '
		$| = 1;
		my $s = IO::Socket::INET->new(Listen => 5,
			LocalAddr => "127.0.0.1", LocalPort => 0) or die;
		print "listening: 127.0.0.1:", $s->sockport, "\n";
		while (my $c = $s->accept) {
			print $c $ARGV[0]; print "came\n";
			while (<$c>) { print $c $ARGV[1] if /^$/ }
		}' "$2" "${3:-$fake_ok}"
	await "$1.out" '^listening: '
	fake=${line#listening: }
}
fake_ok='OK
length: 0


'
nonce=$(printf %064d 0)
fake past "HOTFIX 1
host: past
version: 1
nonce: $nonce
time: 2020-01-01T00:00:00Z

"
run "$hotfix" push -k key.sec --server fix.lua "$fake"
exits 1 'a clock that is years off stops the push'
err_has 'clock is [0-9]+ s behind this one' 'saying by how much'
out_lacks '^id:' 'before anything is signed'
run "$hotfix" push -k key.sec --server fix.lua --feature clock --skip-failed \
	"$addr" "$fake"
exits 1 'so it does beside a host whose clock is right'
out_lacks '^id:' 'where nothing is signed either'
push --feature clock --server fix.lua
run "$hotfix" revert -k key.sec clock "$fake" "$addr"
exits 3 'a revert leaves out the host with the wrong clock'
err_has "^hotfix: revert: $fake: its clock .*; it is left out" 'and says so'
is "$(sed -n 's/^result: //p' out)" 'not-sent
reverted' 'the other takes it back'
run "$hotfix" revert -k key.sec --feature clock 12345 "$fake"
exits 1 'when there is no other'
err_has 'behind this one; nothing was signed' 'nothing is signed'
fake gone "HOTFIX 1
host: gone
version: 1
nonce: $nonce
time: 2020-01-01T00:00:00Z

" 'ERROR shutdown

'
run "$hotfix" push -k key.sec --server fix.lua --feature clock --skip-failed \
	"$fake" "$addr"
exits 3 'a host that is left out for another reason'
is "$(sed -n 's/^result: //p' out)" 'error shutdown
applied' 'stops nobody by its clock'
fake web 'HTTP/1.1 400 Bad Request

'
run "$hotfix" push -k key.sec --server fix.lua "$fake"
exits 3 'what is no host is not spoken to'
out_lacks '^id:' 'and nothing is signed'

# Ctrl-C before anything was sent.
run "$hotfix" push -k key.sec --server fix.lua --server-version 1 --write doc
fake mute ''
interrupted() { # VERB MESSAGE ARG...
	t_verb=$1
	t_message=$2
	shift 2
	: >mute.out
	start operator "$hotfix" "$t_verb" "$@" "$fake"
	await mute.out '^came'
	stop operator INT
	exits 130 "$t_verb: interrupted"
	is "$(cat err)" "hotfix: $t_verb: $t_message" 'it says what was done'
}
interrupted push 'interrupted; nothing was signed or sent' -k key.sec \
	--server fix.lua
interrupted push 'interrupted; nothing was sent' doc
interrupted revert 'interrupted; nothing was signed or sent' -k key.sec fix
interrupted reload 'interrupted; nothing was sent' -k key.sec
interrupted status interrupted

# --- the closed door --------------------------------------------------------

serve closed -p key.pub --allow none --version 1
run "$hotfix" push -k key.sec --server fix.lua "$addr"
exits 4 'S0.1 an address that is not open is refused'
err_has 'closed' 'S0.1 it gets only closed'
run "$hotfix" status "$addr"
exits 4 'S0.1 status too'
run "$hotfix" open -k stranger.sec "$addr" self
exits 4 'S0.1 a stranger cannot open it'
run "$hotfix" open -k key.sec --for 1m "$addr" 192.0.2.7
exits 0 'S0.1 a key opens it for another address'
run "$hotfix" status "$addr"
exits 4 'S0.1 and for no other'
run "$hotfix" open -k key.sec "$addr" self
exits 0 'S0.1 a key opens it for its own address'
run "$hotfix" status "$addr"
exits 0 'S0.1 now it answers'
out_has '^open: 192\.0\.2\.7 [0-9]+$' 'and tells what is open'
run "$hotfix" push -k key.sec --feature f --server fix.lua "$addr"
refused not-for-me 1 'a host without a program takes no server part'
run "$hotfix" close -k key.sec "$addr" self
exits 0 'S0.1 it is closed again'
run "$hotfix" status "$addr"
exits 4 'S0.1 and silent'
run "$hotfix" accept -k key.sec 12345 "$addr"
exits 4 'S0.1 no other command is taken there'
if command -v signify-openbsd >/dev/null; then
	sign='signify-openbsd -S -s key.sec -m - -x -'
	run "$hotfix" open --sign-with "$sign" "$addr" self
	exits 0 'open --sign-with signify'
	run "$hotfix" accept --sign-with "$sign" 12345 "$addr"
	exits 0 'accept --sign-with signify'
	run "$hotfix" reload --sign-with "$sign" "$addr" "$addr"
	exits 0 'reload --sign-with signify, two hosts'
	run "$hotfix" close --sign-with "$sign" "$addr" self
	exits 0 'close --sign-with signify'
else
	skip 'signify-openbsd is not here'
fi
run "$hotfix" open --sign-with false "$addr" self
exits 5 'a --sign-with that fails is local trouble'
one_line 'told in one line'
run "$hotfix" open -k key.sec --sign-with true "$addr" self
exits 2 '-k and --sign-with exclude each other'

finish
