# hotfix time: real servers, servers that answer wrongly in every way, several
# of them at once; and the time of a push.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/ntpd.sh"

fakes=$HOTFIX_TOP/tests/ntp-cases
start fakes "$HOTFIX_BUILD/tests/fakentp" "$fakes"/*
await fakes.out '^ready$' || { ok 1 'the fake servers start'; finish; }

# at CASE: the address of that fake server.
at() {
	sed -n "s/^$1 \(127\.0\.0\.1:[0-9]*\)\$/\1/p" fakes.out
}

# --- one server each, at the same time: some take all of their five seconds --

pids=
for f in "$fakes"/*; do
	c=${f##*/}
	(
		"$hotfix" time "$(at "$c")" >"$c.stdout" 2>"$c.stderr"
		echo $? >"$c.status"
	) &
	pids="$pids $!"
done
# shellcheck disable=SC2086
wait $pids
for f in "$fakes"/*; do
	c=${f##*/}
	t_command="hotfix time $c"
	status=$(cat "$c.status")
	cp "$c.stdout" out
	cp "$c.stderr" err
	exits "$(field exit "$f")" "$(sed -n '1s/^# //p' "$f") ($c)"
	[ -z "$(field out "$f")" ] || out_has "$(field out "$f")" "$c: result"
	[ -z "$(field err "$f")" ] || err_has "$(field err "$f")" "$c: message"
	[ "$status" = 0 ] || one_line "$c: told in one line"
done

# What was sent: the head of RFC 5905 with nothing in it but version, mode and
# the cookie, which is another each time, as the port is in each run.
asked() { # CASE: port and bytes of each request to it
	sed -n "s/^$1 request //p" fakes.out
}
is "$(asked good | wc -l)" 4 'four samples are asked for'
is "$(asked good | sed 's/^[0-9]* //; s/^\(.\{80\}\).\{16\}$/\1/' | sort -u)" \
	"23$(printf %078d 0)" 'N12: nothing is told but version and mode'
is "$(sed -n 's/^[^ ]* request [0-9]* .\{80\}//p' fakes.out | sort | uniq -d)" \
	'' 'N12: no transmit time comes twice'
[ "$(sed -n 's/^[^ ]* request \([0-9]*\) .*/\1/p' fakes.out | sort -u |
	wc -l)" -gt 20 ]
ok $? 'N7: the port is another one each time'
is "$(asked n3-rate | wc -l)" 1 'N3: after RATE nothing more is asked'
is "$(asked n3-deny | wc -l)" 1 'N3: nor after DENY'
is "$(asked n3-rate-late | wc -l)" 3 'N3: a kiss ends it at any time'
is "$(asked limits | wc -l)" 5 'who drops what comes too fast is asked slowly'
is "$(asked silent | wc -l)" 3 'a server that is silent is asked three times'

# --- several ----------------------------------------------------------------

good=$(at good)
run "$hotfix" time "$good" "$(at n15-insert)" "$(at n11-near)"
exits 0 'N11: two of three agree'
is "$(sed -n 's/^result: //p' out)" 'used
used
falseticker' 'N11: the third is named'
out_has '^why: its time is -99[89]\.[0-9]+ s from that of the majority$' \
	'N11: and by how much it is off'
is "$(sed -n 's/^offset: //p' out | tail -n 1 | grep -Ec '^-?0\.[0-2]')" 1 \
	'N11: the time is that of the two'
run "$hotfix" time "$(at n11-near)" "$good"
exits 1 'N11: two that disagree are none'
err_has "disagree, .*$(at n11-near): offset -99[89]\.[0-9]* s; $good: offset " \
	'N11: what each says is told'
one_line 'N11: in one line'
is "$(sed -n 's/^result: //p' out)" 'disagrees
disagrees' 'N11: and in the results'
! grep -q '^time: ' out
ok $? 'N11: no time is told then'
run "$hotfix" time "$good" 127.0.0.1:1 "$(at n4-leap-3)"
exits 0 'one good server of three is enough where the others say nothing'
out_has '^result: unreachable$' 'one was not there'
out_has '^result: refused$' 'one had no time'
run "$hotfix" time "$good" "$good"
exits 0 'a server that is named twice'
out_has "^why: it is another server's address\$" 'has one vote'
run "$hotfix" time 127.0.0.1:1 "$(at n4-leap-3)"
exits 1 'what answers without a time was reached'
err_has '127\.0\.0\.1:1: Connection refused; .*not synchronized' \
	'each with its reason'
run "$hotfix" time 127.0.0.1:1 127.0.0.1:2
exits 3 'nobody there'
err_has '^hotfix: time: 127\.0\.0\.1:1: Connection refused; 127\.0\.0\.1:2: C' \
	'each with its reason'
run "$hotfix" time 127.0.0.1:1 no-such-host.invalid
exits 3 'a name that nobody has'
err_has ' no-such-host\.invalid: [^;]' 'is told with the reason'
run "$hotfix" time --json "$good" 127.0.0.1:1 "$(at n15-delete)"
exits 0 '--json'
is "$(wc -l <out)" 4 '--json: an object for each server, and one for all'
perl -MJSON::PP -e '
	my ($a, $b, $c, $all) = map { decode_json($_) } <STDIN>;
	exit !($a->{result} eq "used" && $a->{stratum} == 3 &&
		$a->{samples} == 4 && abs($a->{offset}) < 0.3 &&
		$a->{delay} >= 0 && $a->{distance} >= 0 &&
		$b->{result} eq "unreachable" && $c->{leap} eq "delete" &&
		abs($all->{offset}) < 0.3 && $all->{time} =~ /Z$/)' <out
ok $? '--json: it parses, numbers are numbers' || t_show

# A silent server is not waited for when the others agree: a second more than
# they took, and not its three.
before=$(date +%s%N)
run "$hotfix" time "$good" "$(at n15-insert)" "$(at silent)"
exits 0 'a silent server beside two that agree'
took=$((($(date +%s%N) - before) / 1000000))
[ "$took" -lt 2500 ]
ok $? "it is waited for no longer than needed ($took ms)"

# --- wrong use, and the clock -------------------------------------------------

run "$hotfix" time
exits 2 'no server'
err_has 'no SERVER; see hotfix time -h' 'is told'
for s in '' 'a b' 127.0.0.1:0 127.0.0.1:99999 name@127.0.0.1 127.1; do
	run "$hotfix" time "$good" "$s"
	exits 2 "no server: '$s'"
	one_line "'$s': told in one line"
done
# shellcheck disable=SC2046
run "$hotfix" time $(seq -f '192.0.2.%g' 17)
exits 2 'more servers than are asked'
run "$hotfix" time --max-offset 10s "$(at n11-near)"
exits 1 '--max-offset of one'"'"'s own'
err_has 'off by -99[89]\.[0-9]* s, the limit is 10\.000000 s' 'names both'
run "$hotfix" time --max-offset 20m "$(at n11-step)"
exits 0 'or more of it'

# --set would set this machine's clock: who runs the tests must not be able to.
# Only when it is proved to fail is it tried with a true server.
unable=
[ "$(id -u)" != 0 ] || unable='setpriv --bounding-set=-sys_time
	--inh-caps=-sys_time'
# shellcheck disable=SC2086
if [ "$(id -u)" != 0 ] || ! $unable grep -q '^CapBnd.*[2367abef]......$' \
	/proc/self/status; then
	run $unable "$hotfix" time --set "$good"
	exits 4 'who may not set the clock is told'
	err_has 'may not set the machine.s clock: .*CAP_SYS_TIME' 'what it takes'
	out_has '^time: ' 'the time is told all the same'
	"$hotfix" keygen setter >/dev/null
	mkdir folder
	echo 'return 1' >folder/a.lua
	run $unable "$hotfix" pack -n a -r 1 --ntp "$good" --set-clock folder
	exits 4 'S4.1 pack --set-clock by who may not'
	err_has 'may not set the machine.s clock: .*CAP_SYS_TIME' 'says so'
	[ ! -e a-1.tar ]
	ok $? 'and packs nothing'
	run $unable "$hotfix" publish -k setter.sec --to place --version '*' \
		-n a -r 1 --ntp "$good" --set-clock folder
	exits 4 'S4.1 publish --set-clock by who may not'
	err_has 'may not set the machine.s clock: .*CAP_SYS_TIME' 'says so'
	[ ! -e a-1.tar ] && [ ! -e place ]
	ok $? 'and does nothing'
else
	skip 'no setpriv here'
fi
run "$hotfix" time --set "$(at n11-step)"
exits 1 '--set: past the limit the clock is left alone'
err_has 'the limit is 1000' 'that is why'

# So would --set-clock.
mkdir game
echo 'return 1' >game/main.lua
"$hotfix" keygen setter >/dev/null
"$hotfix" pack -q -n game -r 1 -o game.tar game >/dev/null
# shellcheck disable=SC2086
run $unable "$hotfix" publish -k setter.sec --to place --version '*' \
	--set-clock --ntp "$(at n11-step)" game.tar
exits 1 'publish --set-clock: past the limit the clock is left alone'
err_has 'the limit is 1000' 'that is why'
[ ! -e place ]
ok $? 'and nothing is published'

# --- a push by the right time -------------------------------------------------

game
"$hotfix" keygen key >/dev/null
sign() {
	run "$hotfix" push -k key.sec --server fix.lua --server-version 1 \
		"$@"
}
sign --ntp "$good" --write doc
exits 0 'push --ntp'
err_has '^hotfix: push: offset -?0\.[0-2][0-9]* s, by 1 of 1 time servers$' \
	'tells the offset'
is "$(head -n 1 out | cut -c 1-4)" 'id: ' 'on standard error: id is first'
now=$(date +%s)
id=$(field id out)
[ $((now - id / 1000000)) -le 2 ] && [ $((now - id / 1000000)) -ge -2 ]
ok $? 'the id is the time' || t_show
sign --ntp "$(at ahead)" --max-offset 5m --write doc2
exits 0 'push --ntp where this clock is behind'
id=$(field id out)
now=$(date +%s)
[ $((id / 1000000 - now)) -le 102 ] && [ $((id / 1000000 - now)) -ge 98 ]
ok $? 'the id is by the corrected time' || t_show
sign --ntp "$(at ahead)" --write doc3
exits 1 'push --ntp: 10 s off are too many'
err_has 'off by (99|100)\.[0-9]* s, the limit is 10\.000000 s' 'names both'
one_line 'in one line'
[ ! -e doc3 ]
ok $? 'nothing was signed'
sign --ntp 127.0.0.1:1 --ntp 127.0.0.1:2 --write doc3
exits 3 'push --ntp: no server there'
sign --ntp "$good" --ntp "$(at ahead)" --write doc3
exits 1 'push --ntp: servers that disagree'
[ ! -e doc3 ]
ok $? 'nothing was signed'
sign --ntp "$good" --ntp 127.0.0.1:1 --write doc3
exits 0 'push --ntp: one that is there'
err_has '^hotfix: push: 127\.0\.0\.1:1: left out: Connection refused$' \
	'the other is told'
sign --max-offset 5s --write doc4
exits 2 'push --max-offset without a server'
sign --ntp 'a b' --write doc4
exits 2 'push --ntp: what is no server'
run "$hotfix" push --ntp "$good" doc 127.0.0.1:1
exits 2 'push --ntp: a document is signed already'

# The hosts' clocks are compared with the right one, not with this machine's.
serve host -p key.pub --version 1
run "$hotfix" push -k key.sec --server fix.lua --ntp "$good" "$addr"
err_has 'offset -?0\.0' 'push --ntp to a host'
out_lacks '^result: (unreachable|not-sent)' 'it is sent'
run "$hotfix" push -k key.sec --server fix.lua --ntp "$(at far)" \
	--max-offset 1h "$addr"
exits 1 'push --ntp: the host is not by this time'
err_has "its clock is (399|400|401) s behind the time servers'; nothing was" \
	'it is the host that is behind, and behind what'

# A release by a clock that is ahead: none comes behind it before that time.
mkdir shipped
echo data >shipped/file
run "$hotfix" publish -k key.sec --to place --version '*' -n r -r 1 \
	--ntp "$(at far)" --max-offset 1h shipped
exits 0 'publish --ntp: a release by a time that is ahead'
run "$hotfix" publish -k key.sec --to place --version '*' -n r -r 2 shipped
exits 1 'the next one by the right time'
err_has 'r\.latest was signed at 20[^ ]*Z, .*: this clock is behind, or that' \
	'says until when'
run "$hotfix" publish -k key.sec --to place --version '*' -n r -r 2 \
	--ntp "$good" shipped
exits 1 'and with --ntp'
err_has 'r\.latest was signed at 20[^ ]*Z, .*: hosts take nothing older, wait' \
	'that there is nothing but to wait'

# A revert is younger than what it takes back by the same time.
serve still -p key.pub --version 1 server.lua
run "$hotfix" push -q -k key.sec --server fix.lua --ntp "$(at ahead)" \
	--max-offset 5m --feature f "$addr"
pushed=$(field id out)
[ -n "$pushed" ]
ok $? 'a push by a clock that is 100 s ahead of the host' || t_show
run "$hotfix" revert -k key.sec --ntp "$(at ahead)" f "$addr"
exits 1 'revert --ntp: 10 s off are too many'
out_lacks '^id: ' 'nothing was signed'
for v in retire revert; do
	run "$hotfix" $v -q -k key.sec --ntp "$(at ahead)" --max-offset 5m \
		f "$addr"
	exits 0 "$v --ntp"
	id=$(field id out)
	[ "$id" -gt "$pushed" ] &&
		[ $((id / 1000000 - $(date +%s))) -ge 98 ]
	ok $? "$v --ntp: its id is by the corrected time" || t_show
done
run "$hotfix" revert -k key.sec --max-offset 5s --feature f --write doc5 1
exits 2 'revert --max-offset without a server'
run "$hotfix" retire -k key.sec --ntp 127.0.0.1:1 --feature f --write doc5 1
exits 3 'retire --ntp: no server there'
[ ! -e doc5 ]
ok $? 'nothing was signed'

# --- a package by the right time ----------------------------------------------

mkdir -p packed
echo 'return 1' >packed/a.lua
packs() {
	run "$hotfix" pack -q -n a -r 1 -o "$@" packed
}
packs a.tar --ntp "$(at ahead)" --max-offset 5m
exits 0 'S4.1 pack --ntp where this clock is behind'
out_has '^offset: (99|100)\.' 'tells the offset'
tar xOf a.tar RELEASE >release
at=$(date -d "$(field created release)" +%s)
[ $((at - $(date +%s))) -ge 98 ]
ok $? 'S4.1 the package is stamped by the corrected time' || note release
packs b.tar --ntp "$(at ahead)"
exits 1 'S4.1 pack --ntp: 10 s off are too many'
one_line 'told in one line'
packs b.tar --ntp 127.0.0.1:1
exits 3 'pack --ntp: no server there'
packs b.tar --ntp "$good" --ntp "$(at ahead)"
exits 1 'pack --ntp: servers that disagree'
[ ! -e b.tar ]
ok $? 'nothing was packed'
for o in '--max-offset 5s' --set-clock; do
	# shellcheck disable=SC2086
	packs b.tar $o
	exits 2 "pack $o without a server"
	err_has "${o%% *} is about time servers: give --ntp SERVER" 'says so'
done

# --- a real one ---------------------------------------------------------------

if ntpd; then
	run "$hotfix" time "$ntp_server"
	exits 0 'S4.1 a real server'
	out_has "^address: $ntp_server\$" 'S4.1 its address'
	out_has '^stratum: 8$' 'S4.1 its stratum'
	out_has '^samples: 4$' 'S4.1 four samples'
	out_has '^offset: -?0\.0' 'S4.1 the offset to the clock that it has, too'
	out_has '^delay: 0\.0' 'S4.1 the way there and back'
	is "$(cut -d : -f 1 out | tr '\n' ' ')" 'server address stratum offset '\
'delay distance samples result time offset ' 'S4.1 all that is told'
	if grep -qw localhost /etc/hosts 2>/dev/null; then
		run "$hotfix" time "localhost:$ntp_port"
		exits 0 'S4.1 by name, the address of it that answers'
	else
		skip 'no localhost in /etc/hosts here'
	fi
	run "$hotfix" time "$ntp_server" "$(at ahead)"
	exits 1 'S4.1 and a server that says otherwise'
	sign --ntp "$ntp_server" --write doc5
	exits 0 'S4.1 a push by its time'
	true_server=$ntp_server
	true_name=$ntp_name
	if ntpd 'allow 127.0.0.1'; then
		run "$hotfix" time "$ntp_server"
		exits 1 'S4.1 one that follows no clock'
		err_has 'not synchronized' 'S4.1 is refused'
	else
		skip "$ntp_why"
	fi
	if ntpd 'local stratum 8' 'allow 192.0.2.1'; then
		run "$hotfix" time "$ntp_server"
		exits 3 'S4.1 one that does not serve us'
	else
		skip "$ntp_why"
	fi
	stop "$true_name"
	run "$hotfix" time "$true_server"
	exits 3 'S4.1 when it has ended'
else
	skip "$ntp_why"
fi
finish
