# hotfix revert: an update is taken back on both ends, for good.
. "$HOTFIX_TOP/tests/lib.sh"

game
"$hotfix" keygen key >/dev/null
"$hotfix" keygen stranger >/dev/null
serve host -p key.pub --version 1 --state state server.lua
inputs one 3
client one

run "$hotfix" push -k key.sec --version '*' --both fix.lua --write doc "$addr"
exits 0 'an update'
id=$(field id out)
sees one.out '^updated fix applied 2$' 'is in force'

run "$hotfix" revert -k stranger.sec "$id" "$addr"
exits 4 'S0.2 a revert by an untrusted key is refused'
out_has '^result: refused untrusted-key$' 'with its word'
type_to one still
sees one.out '^client still 2$' 'and changes nothing on the client'
sees one.out '^server still 2$' 'nor on the host'

run "$hotfix" revert -k key.sec "$id" "$addr"
exits 0 'a revert by id'
out_has '^server: reverted$' 'the server part is taken back'
out_has "^reverts: $id\$" 'it says which'
out_has '^result: reverted$' 'the result is reverted'
sees one.out '^updated fix reverted 1$' 'the client has taken it back'
type_to one again
sees one.out '^client again 1$' 'the old function runs on the client'
sees one.out '^server again 1$' 'and on the host'

run "$hotfix" push doc "$addr"
exits 1 'what was reverted is refused for ever'
out_has '^result: refused reverted$' 'with its word'
client two
is "$(grep -v '^server' two.out)" 'welcome 1' 'who logs in later gets nothing'

run "$hotfix" push -k key.sec --version '*' --both fix.lua "$addr"
exits 0 'the feature may come again under a new id'
run "$hotfix" revert -k key.sec fix "$addr"
exits 0 'a revert by feature'
run "$hotfix" revert -k key.sec fix "$addr"
exits 1 'a second one finds nothing in force'
run "$hotfix" push -k key.sec --version '*' --both fix.lua --write doc3 "$addr"
run "$hotfix" revert -k key.sec doc3 "$addr"
exits 0 'a revert by document'
run "$hotfix" revert -k key.sec 12345 "$addr"
exits 1 'an id that no host knows needs its feature'
run "$hotfix" revert -k key.sec --feature never 12345 "$addr"
exits 0 'with it, it is refused before it ever comes'
out_has '^result: reverted not-here$' 'and it says that it was not here'
err_has '12345 was on no host that answered; they refuse it from now on$' \
	'in case that was a slip'
sees host.err '\(never\): reverted, it was never here; clients: 0 ' \
	"and the host's log says it, too"

# Two hosts, one of which never had it.
one=$addr
serve second -p key.pub --version 1 server.lua
two=$addr
addr=$one
run "$hotfix" push -k key.sec --feature side --server fix.lua "$one"
id=$(field id out)
run "$hotfix" push -k key.sec --feature side --server fix.lua "$two"
other=$(field id out)
run "$hotfix" revert -k key.sec side "$one" "$two" "$one"
exits 1 'of a feature the hosts run different updates'
err_has "^hotfix: revert: $id on $one and 1 more$" 'which are told'
err_has "^hotfix: revert: $other on $two$" 'with who runs them'
run "$hotfix" revert -k key.sec "$other" "$two"
run "$hotfix" retire -k key.sec "$id" --batch 1 "$two" "$one"
exits 0 'a retirement passes over the other host'
is "$(sed -n 's/^result: //p' out)" 'refused unknown
applied' 'which has nothing to retire'
err_has "^hotfix: retire: $two: skipped: $id is not in force here$" 'as is told'
run "$hotfix" retire -k key.sec --feature side "$id" "$two" "$two"
exits 1 'where none has it, that is no success'
err_has '^hotfix: retire: no host took it: on none of them the update is in force$' \
	'and told as a mistake'
run "$hotfix" revert --json -k key.sec "$id" "$two" "$one"
exits 0 'a revert is for both'
is "$(sed -n 's/.*"result":"\(.*\)".*/\1/p' out)" 'reverted not-here
reverted' 'and tells on which it ran'
! grep -q 'on no host' err
ok $? 'that it was on one of them is fine' || t_show
run "$hotfix" revert -k key.sec "$id" --write known.doc "$one"
out_has '^result: reverted$' 'what was reverted had been here'
run "$hotfix" push known.doc "$two"
out_has '^result: reverted not-here$' 'a document tells it, too'
stop second

# Written only, and sent by somebody else.
run "$hotfix" push -k key.sec --version '*' --both fix.lua --write doc4 "$addr"
id=$(field id out)
run "$hotfix" revert -k key.sec --feature fix --write back "$id"
exits 0 'a revert that is only written'
is "$(cut -d : -f 1 out | tr '\n' ' ')" 'id feature reverts bytes ' \
	'tells what was written'
run "$hotfix" verify -p key.pub back
exits 0 'it is a document'
run "$hotfix" revert -k key.sec --write - doc4
cp out again
run "$hotfix" verify -p key.pub again
exits 0 'so is one on standard output'
run "$hotfix" retire -k key.sec --write - - <doc4
cp out kept
run "$hotfix" verify --head -p key.pub kept
out_has "^retires: $id\$" 'DOCUMENT and FILE may both be -'
run "$hotfix" revert -k key.sec --write - doc4 "$addr"
exits 2 'but not with a host'
for what in fix "$id"; do
	run "$hotfix" revert -k key.sec --write never "$what"
	exits 2 "without a host $what is not enough"
	one_line 'told in one line'
done
run "$hotfix" revert -k key.sec doc4
exits 2 'without --write there must be a host'
run "$hotfix" push back "$addr"
exits 0 'the written revert can be pushed'
out_has '^result: reverted$' 'and takes the update back'

before=$addr
stop host KILL
start host "$hotfix" serve -l "$before" --name host -p key.pub --version 1 \
	--state state server.lua
sees host.out '^listening: ' 'the host starts again'
run "$hotfix" push doc "$before"
out_has '^result: refused reverted$' 'and still refuses what was reverted'
finish
