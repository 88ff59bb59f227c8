# hotfix push: one update, both ends, everyone, proven.
. "$HOTFIX_TOP/tests/lib.sh"

game
"$hotfix" keygen key >/dev/null
serve east -p key.pub --program arena --version 2.3 --zone east --state state \
	server.lua
for c in one two three; do
	case $c in one) inputs $c 3 ;; two) inputs $c 4 ;; *) inputs $c 5 ;; esac
	client $c --program arena --version 1.4.2
done
sees east.out '^join three$' 'S0.4 the host knows who is connected'
run "$hotfix" status "$addr"
out_has '^clients: 3$' 'S0.4 status counts the clients'
run "$hotfix" status --clients "$addr"
is "$(cut -f 1 out | sed 1d | sort | tr '\n' ' ')" 'one three two ' \
	'S0.4 status --clients names them'

type_to one before
sees one.out '^client before 1$' 'the client runs the old function'
sees one.out '^server before 1$' 'and so does the server'

run "$hotfix" push -k key.sec --version '1.4.*' --both fix.lua "$addr"
exits 0 'S0.3 one push changes server and clients'
id=$(field id out)
is "$(sed '/^bytes:/d; s/^\(rehearsed\|stall\): [0-9.]*$/\1/' out)" "id: $id
feature: fix
host: east $addr
server: applied
rehearsed
stall
clients: targeted=3 applied=3 deferred=0 failed=0 missing=0
result: applied" 'S0.10 the push says what happened on each'
out_has '^bytes: [0-9]+$' 'S0.12 and how much was sent'

sees east.out '^updated fix applied 2$' \
	'S0.5 the server part runs in the live server'
for c in one two three; do
	sees $c.out '^updated fix applied 2$' \
		"S0.7 client $c has executed its part"
done
type_to two after
sees two.out '^client after 2$' 'the client runs the new function'
sees two.out '^server after 2$' 'and so does the server'

run "$hotfix" push -k key.sec --version '1.4.*' --both fix.lua \
	--write doc "$addr"
exits 0 'the same text under a new id supersedes the old'
is "$(field max-failed doc)" 2 'of three clients at most two may fail unasked'
run "$hotfix" push doc "$addr"
exits 0 'a document that the host holds is not applied again'
out_has '^result: have$' 'it says have'
run "$hotfix" push -k key.sec doc "$addr"
exits 2 'a document is not signed again'
err_has 'doc: .* without -k' 'which it says'
one_line 'in one line'
run "$hotfix" push -k key.sec --again doc "$addr"
exits 0 'push --again signs the same under a new id'
out_has '^clients: targeted=3 applied=3 ' 'for the same clients'

damage 3 >part3.lua
run "$hotfix" push -k key.sec --feature fix --server - "$addr" <part3.lua
exits 0 'S0.11 a part from standard input'
out_has '^server: applied$' 'is applied'
type_to three mixed
sees three.out '^client mixed 2$' 'a server part alone leaves the clients'
sees three.out '^server mixed 3$' 'and changes the server'

run "$hotfix" push -k key.sec --version 9 --feature nobody \
	--client fix.lua "$addr"
exits 0 'S1.1 clients of another version are left alone'
out_has '^clients: targeted=0 ' 'none is targeted'
is "$(cat err)" "hotfix: push: $addr: no client here fits --version '9'" \
	'it says why, in case that was a slip'
run "$hotfix" push -q -k key.sec --version 9 --feature nobody \
	--client fix.lua "$addr"
is "$(cat err)" '' 'unless -q'
run "$hotfix" push -k key.sec --feature serverside --server fix.lua "$addr"
! grep -q 'no client here' err
ok $? 'a push without a client part has nothing to say of it' || t_show

run "$hotfix" push --json -k key.sec --version '*' --feature j \
	--both fix.lua "$addr"
exits 0 'push --json'
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys
for line in sys.stdin: print(type(json.loads(line)).__name__)' <out >types
	is "$(sort -u types)" dict 'prints an object a line'
else
	skip 'no python3 to read JSON'
fi
grep -q '"clients":{"targeted":3,"applied":3,' out
ok $? 'with the counts as numbers' || t_show
grep -q "\"host\":\"east\",\"address\":\"$addr\"" out
ok $? "and the host's name and address apart" || t_show

# Every line of --json is one object; the names are those of the manual.
keys() { # NAME WANT EXPRESSION: of python, over the objects o
	if command -v python3 >/dev/null; then
		got=$(python3 -c "import json, sys
o = [json.loads(line) for line in sys.stdin]
print($3)" <out 2>&1)
		is "$got" "$2" "$1" || t_show
	else
		skip "$1: no python3 to read JSON"
	fi
}
run "$hotfix" status --json "$addr"
keys 'status --json: counts are numbers' 'int int int int' \
	"*[type(o[0][k]).__name__ for k in
	('uptime', 'clients', 'connections', 'live')]"
keys 'status --json: host and address' "east $addr" \
	"o[0]['host'], o[0]['address']"
keys 'status --json: an update is an object' \
	'applied,failed,feature,id,running,server,state,waiting j live applied 3 0' \
	"*[(','.join(sorted(u)), u['feature'], u['state'], u['server'],
	u['running'], u['failed']) for u in
	[x['update'] for x in o if 'update' in x]
	if u['feature'] == 'j'][0]"
run "$hotfix" status --json --clients "$addr"
keys 'status --clients --json: a client is an object' \
	"one 1.4.2 3 east $addr" \
	"*[(x['client']['id'], x['client']['version'], len(o), x['host'],
	x['address']) for x in o if x['client']['id'] == 'one'][0]"
run "$hotfix" log --json -n 1 "$addr"
keys 'log --json: the fields are an object' "dict str east $addr" \
	"type(o[0]['fields']).__name__, type(o[0]['event']).__name__,
	o[0]['host'], o[0]['address']"

# S0.11: targets by zone and fleet file; two hosts in one push.
serve west -p key.pub --program arena --version 2.3 --zone west server.lua
west=$addr
addr=$(field listening east.out)
printf '# hosts\neast %s zone=east\nwest\t%s zone=west\tenv=live\n' \
	"$addr" "$west" >fleet
run "$hotfix" push -k key.sec --feature all --server fix.lua --fleet fleet
exits 0 'S0.11 a push to a fleet'
is "$(sed -n 's/^host: //p' out)" "east $addr
west $west" 'results come in the order of the file'
run "$hotfix" push -k key.sec --feature some --server fix.lua --fleet fleet \
	--select zone=west --select env=live
is "$(sed -n 's/^host: //p' out)" "west $west" '--select picks hosts'
run "$hotfix" push -k key.sec --feature zone --zone west --server fix.lua \
	--fleet fleet
exits 0 'S0.11 a document for one zone leaves the other alone'
out_has '^result: refused not-for-me$' 'which refuses it'
err_has '^hotfix: push: east: skipped: it is for zone west, this host is in east$' \
	'it says who was skipped, and why'
run "$hotfix" push -q -k key.sec --feature zone --zone west --server fix.lua \
	--fleet fleet
is "$(cat err)" '' 'unless -q'
run "$hotfix" push -k key.sec --feature batch --zone west --server fix.lua \
	--fleet fleet --batch 1
exits 0 'a batch does not end at who is not meant'
is "$(sed -n 's/^result: //p' out)" 'refused not-for-me
applied' 'the next one is sent to'
run "$hotfix" push -k key.sec --feature nobody --zone north --server-version 8 \
	--server fix.lua --fleet fleet --batch 1
exits 1 'but where nobody is meant, that is no success'
is "$(grep -c ': skipped: ' err)" 2 'each is told'
err_has "^hotfix: push: no host took it: it is for none of them, by --zone 'north' or --server-version '8'$" \
	'and what to look at'
run "$hotfix" push -q -k key.sec --feature nobody --zone north \
	--server fix.lua --fleet fleet
is "$(wc -l <err)" 3 'with -q, too' || t_show
run "$hotfix" push -k key.sec --feature nobody --zone north --both fix.lua \
	--version '*' --server-version 8 --fleet fleet
err_has "none of them, by --zone 'north'$" \
	'what is for clients depends on the zone alone'
run "$hotfix" push -k key.sec --feature away --zone west --server fix.lua \
	--server-version '*' --write away.doc
run "$hotfix" push away.doc "$addr" "nobody@$west"
exits 1 'one that could not be asked has not taken it'
run "$hotfix" push away.doc "$addr" "nobody@$west" "$west"
exits 3 'and is what is told when another one has'
echo 'error "no"' >bad.lua
run "$hotfix" push -k key.sec --feature batch --server bad.lua \
	--allow-partial --fleet fleet --batch 1
exits 1 'a fleet in batches stops at the first failure'
is "$(sed -n 's/^result: //p' out)" 'failed
not-sent' 'and says who was not sent to'
run "$hotfix" push -k key.sec --feature batch --server bad.lua \
	--allow-partial --fleet fleet --batch 1 --fleet-max-failed 1
is "$(sed -n 's/^result: //p' out)" 'failed
failed' 'unless so many may fail'
run "$hotfix" push -k key.sec --feature named --server fix.lua "east@$west"
exits 3 'a host that greets by another name is refused'
run "$hotfix" push --feature signed --server fix.lua \
	--sign-with "echo no signature" "$west"
exits 5 'a --sign-with that does not sign is told'
if command -v signify-openbsd >/dev/null; then
	run "$hotfix" push --feature signed --server fix.lua --sign-with \
		'signify-openbsd -S -s key.sec -m - -x -' "$west"
	exits 0 'push --sign-with signify'
else
	skip 'signify-openbsd is not here'
fi

HOTFIX_KEY=key.sec
export HOTFIX_KEY
run "$hotfix" push --feature env --server fix.lua "$west"
exits 0 'the key may be named by HOTFIX_KEY'
unset HOTFIX_KEY

run "$hotfix" push -k key.sec --feature guards --both fix.lua --version '*' \
	--server-version 2.3 --wait 20s --write guarded
grep -qx 'max-failed: 3' guarded && grep -q '^take-back-until: ' guarded &&
	grep -qx 'wait: 20s' guarded && grep -qx 'version: \*' guarded
ok $? 'what guards an update is signed with it' || note guarded
is "$(date -d "$(field take-back-until guarded)" +%s)" \
	"$(date -d "$(field created guarded) + 80 seconds" +%s)" \
	'it may be taken back until 60 s after the wait'

# Documents and standard output.
run "$hotfix" push -k key.sec --server fix.lua --server-version 2.3 \
	--feature piped --write -
exits 0 'push --write - without a host'
cp out piped
run "$hotfix" verify -p key.pub piped
exits 0 'standard output has the document, nothing else'
run "$hotfix" push - "$west" <piped
out_has '^result: applied$' 'a document from standard input'
run "$hotfix" push -k key.sec --server fix.lua --write - "$west"
exits 2 'push --write - with a host is wrong use'
one_line 'told in one line'
is "$(cat out)" '' 'and nothing is sent'
"$hotfix" push -k key.sec --server fix.lua --server-version 2.3 --write - \
	>/dev/full 2>err
is $? 5 'a document that does not get there is told'

# A client that does not answer, and an operator who does not wait for it.
kill -STOP "$(cat three.pid)"
start waiting "$hotfix" push -v -k key.sec --feature slow --version '*' \
	--both fix.lua --wait 60s "$addr"
sees waiting.err 'server applied' 'a push waits for a client'
stop waiting INT
exits 130 'and can be interrupted'
err_has 'interrupted' 'which it says'
kill -CONT "$(cat three.pid)"
sees three.out '^updated slow applied 2$' 'the host finishes alone'

run "$hotfix" log -n 100 "$addr"
out_has "	final	.*$id" 'S0.10 log tells what happened'

stop one
exits 0 'a client ends in order at SIGTERM'
sees east.out '^leave one$' 'S0.4 the host sees it leave'
stop west INT
exits 130 'SIGINT is an interruption'
kill -STOP "$(cat three.pid)"
start cut "$hotfix" push -v -k key.sec --feature cut --version '*' \
	--client fix.lua --wait 60s "$addr"
sees cut.err ' clients still without a result' 'a push waits'
stop east
exits 0 'a host ends in order at SIGTERM'
wait "$(cat cut.pid)"
is $? 3 'the push has no end'
is "$(grep -c '^result: error shutdown$' cut.out)" 1 'which is its result'
grep -q 'may have received it; hotfix log tells' cut.err
ok $? 'and where to look is told' || note cut.err
kill -CONT "$(cat three.pid)"
sees two.out '.' 'the others run on'
finish
