# An update that goes well when it is tried and kills its process a moment
# later: after two starts it is left out, on hosts and on clients.
. "$HOTFIX_TOP/tests/lib.sh"

game
cat >>server.lua <<'END'
hotfix.on("message", function(_, text)
  if text == "proven" then hotfix.proven() end
end)
END
cat >>client.lua <<'END'
hotfix.on("line", function(text)
  if text == "proven" then
    hotfix.proven()
    print("proven")
  end
  if text == "boom" then hotfix.fire("boom") end
end)
END
# gsub reads on in a string that is gone: a crash by misuse of debug.
cat >atonce.lua <<'END'
local text = ("x"):rep(1 << 18)
text:gsub(".", function()
  debug.setlocal(2, 1, "") text = nil collectgarbage() return "y"
end, 2)
hotfix.replace { target = "game::damage", with = function() return 2 end }
END
cat >crash.lua <<'END'
hotfix.replace { target = "game::damage", with = function() return 2 end }
hotfix.after(0, function()
  (("x"):rep(1 << 18)):gsub(".", function()
    debug.setlocal(2, 1, "") collectgarbage() return "y"
  end, 2)
end)
END
damage 3 >mended.lua
"$hotfix" keygen key >/dev/null

dies() { # NAME WHAT: the process ends, and not in order
	t_pid=$(cat "$1.pid")
	timeout $deadline tail --pid="$t_pid" -s 0.1 -f /dev/null
	t_r=$?
	[ $t_r -eq 0 ] || kill "$t_pid"
	wait "$t_pid"
	status=$?
	[ $status -ne 0 ] || t_r=1
	ok $t_r "$2" || note "$1.err"
}
starts() { # WHAT OPTION...: the host, which lives
	t_what=$1
	shift
	start host "$hotfix" serve -l "$addr" --name host -p key.pub \
		--version 1 --state state "$@" server.lua
	sees host.out '^listening: ' "$t_what"
}
falls() { # WHAT: the host, which does not
	start host "$hotfix" serve -l "$addr" --name host -p key.pub \
		--version 1 --state state server.lua
	dies host "$1"
}
server_is() { # WORD NAME
	run "$hotfix" status "$addr"
	out_has "^update: $id [a-z]+ live server=$1 " "$2"
}

serve host -p key.pub --version 1 --state state server.lua
run "$hotfix" push -k key.sec --version '*' --feature fix --server crash.lua \
	--client mended.lua --write doc "$addr"
id=$(field id doc)
dies host 'a server part that the rehearsal finds nothing against'
grep -q "released id=$id" state/ledger
ok $? 'is in force when it kills the process' || note state/ledger

falls 'and kills it at the next start'
starts '--skip leaves it out by hand' --skip "$id"
server_is left-out 'which status tells'
stop host
falls 'that is no proof: it is tried once more'
starts 'after two starts it is left out'
sees host.err "update $id .fix.: left out, crashed: " 'the log says so'
server_is crashed 'and status'
client ann
is "$(grep -v '^server' ann.out)" 'updated fix applied 3
welcome 3' 'clients are given their part'
run "$hotfix" log -n 100 "$addr"
is "$(grep -c "	trying	.*id=$id" out)" 2 'the ledger has both tries'
! grep -q 'proven' out
ok $? 'and no proof' || t_show
stop host KILL
starts 'it stays left out'
server_is crashed 'also when the host was killed meanwhile'
run "$hotfix" push -k key.sec --version '*' --feature fix --both mended.lua \
	"$addr"
exits 0 'a mended one of the feature'
sees host.out '^updated fix applied 3$' 'takes its place'
id=$(field id out)

# Killed from outside, twice, before it has proven itself: it looks the same.
stop host KILL
starts 'killed once'
server_is applied 'it is tried'
stop host KILL
starts 'killed twice'
stop host KILL
starts 'and a third time'
server_is crashed 'it is left out'
run "$hotfix" revert -k key.sec "$id" "$addr"
exits 0 'a revert of what is left out'
out_has '^result: reverted$' 'is carried out'

# Who says that all is well is not doubted any more.
run "$hotfix" push -k key.sec --version '*' --feature fix --both mended.lua \
	"$addr"
exits 0 'one more'
id=$(field id out)
inputs bob 3
client bob
type_to bob proven
sees bob.out '^server proven ' 'the program says that it runs well'
run "$hotfix" log -n 1 "$addr"
out_has "proven	.*id=$id" 'hotfix.proven is in the ledger'
for i in 1 2 3; do
	stop host KILL
	starts "killed again ($i)"
done
server_is applied 'hotfix.proven keeps it in force'
stop bob
stop ann

# --- on a client ---------------------------------------------------------------

run "$hotfix" revert -k key.sec fix "$addr"
plays() { # a client that keeps its updates
	start eve "$hotfix" client -p key.pub --id eve --version 7 \
		--state eve "$addr" client.lua
}
plays
sees eve.out '^welcome 1$' 'a client with a folder'
run "$hotfix" push -k key.sec --version 7 --feature deadly --client crash.lua \
	--max-failed 0 --take-back 1ms "$addr"
id=$(field id out)
dies eve 'a client part that kills the client'
plays
dies eve 'and again, at its next start'
plays
sees eve.out '^welcome 1$' 'the third start is without it'
sees eve.err "kept update $id deadly is left out: the program died 2 times" \
	'which its log tells'
sees eve.err "update $id deadly: crashed" 'it answers crashed to its host'
await eve.out '^welcome'
run "$hotfix" status "$addr"
out_has "^update: $id deadly live server=none running=0 applied=. failed=1 " \
	'which counts it as failed'
grep -q " $id eve crashed\$" state/results
ok $? 'and has it by name' || note state/results
stop eve
plays
sees eve.out '^welcome 1$' 'it stays left out'
stop eve
cp mended.lua crash.lua
run "$hotfix" push -k key.sec --version 7 --feature deadly --client crash.lua \
	"$addr"
plays
is "$(await eve.out '^welcome' && echo "$line")" 'welcome 3' \
	'a mended one comes in'
stop eve KILL
plays
await eve.out '^welcome 3'
stop eve KILL
plays
sees eve.out '^welcome 1$' 'killed twice from outside, it looks the same'
stop eve

run "$hotfix" push -k key.sec --version 7 --feature deadly --client mended.lua \
	"$addr"
inputs eve 4
plays
await eve.out '^welcome 3$'
type_to eve proven
sees eve.out '^proven$' 'a program that says that it runs well'
for i in 1 2 3; do
	stop eve KILL
	plays
	await eve.out '^welcome'
done
is "$line" 'welcome 3' 'hotfix.proven keeps it'

# What waits has not been tried; at its event it is.
run "$hotfix" push -k key.sec --version 7 --feature waits --client atonce.lua \
	--on boom "$addr"
exits 0 'a part that will crash at its event'
out_has '^result: deferred$' 'waits'
id=$(field id out)
for i in 1 2; do
	type_to eve boom
	dies eve "at the event it does ($i)"
	plays
	await eve.out '^welcome 3$'
done
sees eve.err "kept update $id waits is left out: the program died 2 times" \
	'then it is left out'
type_to eve boom
type_to eve proven
sees eve.out '^proven$' 'and the event is an event'
finish
