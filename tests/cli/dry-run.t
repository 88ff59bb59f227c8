# hotfix push --dry-run: hosts and clients tell what would happen, and nothing
# does, whatever the answer is.
. "$HOTFIX_TOP/tests/lib.sh"

game
# A later version of the game: its damage comes in two functions.
cat >five.lua <<'END'
local game = {}
function game.base() return 1 end
function game.armour() return 0 end
package.loaded.game = game
io.stdout:setvbuf("line")
hotfix.on("welcome", function() print("welcome " .. game.base()) end)
hotfix.on("line", function(text)
  print("client " .. text .. " " .. game.base() .. " " .. tostring(touched))
end)
hotfix.on("updated", function() print("updated") end)
END
cat >>server.lua <<'END'
hotfix.on("message", function(_, text)
  print("touched " .. text .. " " .. tostring(touched))
end)
END
"$hotfix" keygen key >/dev/null
serve host -p key.pub --version 1 --state state server.lua
for c in one two; do
	case $c in one) inputs $c 3 ;; two) inputs $c 4 ;; esac
	client $c --version 1.4
done
inputs five 5
start five "$hotfix" client -p key.pub --id five --version 1.5 "$addr" five.lua
sees five.out '^welcome' 'a client of another version'

# What has not changed: asked of every end.
n=0
unchanged() { # NAME DAMAGE
	n=$((n + 1))
	type_to one "ask$n"
	await one.out "^server ask$n "
	is "$line" "server ask$n $2" "$1: not the host"
	is "$(grep "^client ask$n " one.out)" "client ask$n $2" \
		"$1: not the client"
	await host.out "^touched ask$n "
	is "$line" "touched ask$n nil" \
		"$1: nor what plain code would have set"
	type_to five "ask$n"
	await five.out "^client ask$n "
	is "$line" "client ask$n 1 nil" "$1: nor the other client"
}
push() {
	run "$hotfix" push -k key.sec --feature fix --dry-run "$@" "$addr"
}
told() { # the lines about the host, without those of time
	sed '/^id:/d;/^feature:/d;/^bytes:/d;/^host:/d
		s/^\(rehearsed\|stall\): [0-9.]*$/\1/' out
}

# An older document, for real: what is tried meanwhile is newer.
"$hotfix" push -k key.sec --feature fix --version '1.4' --server-version 1 \
	--both fix.lua --write real >/dev/null

push --version 1.4 --both fix.lua --write tried
exits 0 'a dry run for which all are ready'
is "$(told)" 'server: ready
rehearsed
stall
clients: targeted=2 ready=2 deferred=0 failed=0 missing=0
result: dry-run' 'says so of each'
err_has 'game::damage: replaced' 'and what would be replaced'
err_has 'nothing was changed' 'and that nothing was changed'
unchanged 'ready' 1
is "$(cat one.out host.out | grep -c updated)" 0 'no program hears of it'

push --version '*' --both fix.lua
exits 1 'where one of the clients could not apply it'
is "$(told)" 'server: ready
rehearsed
stall
clients: targeted=3 ready=2 deferred=0 failed=1 missing=0
result: failed' 'that one is counted'
err_has '1 linux-x86_64 1\.5' 'its version is told'
err_has "game::damage: .*'?armour|armour, base" 'with what it has instead'
unchanged 'one is not ready' 1

echo 'hotfix.replace{target = "game::dammage", with = function() end}' >bad.lua
push --version '*' --server bad.lua --client fix.lua
exits 1 'where the host could not'
is "$(told)" 'server: failed
rehearsed
stall
result: failed' 'the clients are not asked'
err_has 'game::dammage: ' 'with the target'
printf 'hotfix.replace{\n  target = = "game::damage",\n}\n' >bad.lua
push --version 1.4 --server fix.lua --client bad.lua
exits 1 'a part that does not compile'
out_has '^clients: targeted=2 ready=0 deferred=0 failed=2 missing=0$' \
	'is found on the clients'
err_has 'fix:2: ' 'with its line'

# What a plain chunk does, it does in the copy.
cat >plain.lua <<'END'
touched = true
require("game").damage = function() return 9 end
os.remove("fix.lua")
local f = io.open("written", "w")
f:write("here")
f:close()
os.execute("echo run >executed")
END
cat >sends.lua <<'END'
for _, id in ipairs(hotfix.clients()) do
  hotfix.send(id, "from the copy")
end
hotfix.broadcast("from the copy")
END
push --version '*' --both plain.lua --allow-partial
exits 0 'a plain chunk'
out_has '^server: ready$' 'is tried as well'
for call in 'os.remove.*fix.lua' 'io.open.*written' 'os.execute.*echo run'; do
	err_has "only pretended: $call" \
		"what would change the world is listed: ${call%%.\**}"
done
[ -e fix.lua ] && [ ! -e written ] && [ ! -e executed ]
ok $? 'none of that was done'
unchanged 'a plain chunk' 1
push --server sends.lua
exits 0 'messages'
err_has 'only pretended: hotfix.send\("five"' 'are listed too'
err_has 'only pretended: hotfix.broadcast' 'for all clients'
! grep -q copy one.out two.out five.out
ok $? 'no client has heard anything'

push --version 1.4 --both fix.lua --on never
exits 0 'an update that would wait'
out_has '^server: ready$' 'is tried too'
err_has 'game::damage: replaced, ' 'as if its event came now'
damage 5 | sed 's/damage"/dmage"/' >wrong.lua
push --version '*' --client wrong.lua --on never
exits 1 'a mistake in one that would wait is found'
err_has "no field 'dmage'" 'and told'
push --version '*' --server wrong.lua --on never
out_has '^server: failed$' 'on the host as well'
push --version '*' --both plain.lua
exits 1 'what would be refused'
out_has '^result: refused unsupported$' 'is refused'

run "$hotfix" push tried "$addr"
exits 0 'the document of a dry run may come again'
out_has '^result: have$' 'and is not carried out again'
run "$hotfix" status "$addr"
out_has '^live: 0$' 'nothing is in force'
! grep -q '^update:' out
ok $? 'nothing is held' || t_show
run "$hotfix" log "$addr"
out_has 'checked	.*id=[0-9]+.* result=dry-run' 'the ledger tells of dry runs'

# For real: the older document, then the dry run's own id.
run "$hotfix" push real "$addr"
exits 0 'a document that is older than all that was tried'
out_has '^clients: targeted=2 applied=2 ' 'takes its place as if first'
sees one.out '^updated fix applied 2$' 'and is in force'
damage 3 >fix3.lua
push --version 1.4 --both fix3.lua --write tried3
exits 0 'what would supersede it is tried on top'
unchanged 'superseding' 2
if command -v signify-openbsd >/dev/null; then
	"$hotfix" verify --head -p key.pub tried3 | sed '/^dry-run:/d' >text
	signify-openbsd -S -s key.sec -m text -x sig
	{
		cat sig text
		sed '1,/^$/d' tried3
	} >same
	run "$hotfix" push same "$addr"
	exits 0 'the very id that was tried may come for real'
	sees one.out '^updated fix applied 3$' 'and is applied'
	now=3
else
	skip 'signify-openbsd is not here'
	skip 'so the id that was tried is not signed again'
	now=2
fi

# After a restart, and for those who log in later.
run "$hotfix" push -k key.sec --dry-run --version 1.4 --both plain.lua \
	--allow-partial "$addr"
exits 0 'one more dry run'
before=$addr
stop host KILL
start host "$hotfix" serve -l "$before" --name host -p key.pub --version 1 \
	--state state server.lua
sees host.out '^listening: ' 'the host starts again'
addr=$before
run "$hotfix" status "$addr"
is "$(grep -c '^update:.*server=applied' out)" 1 'with what was pushed'
client late --version 1.4
is "$(grep -v '^server' late.out)" "updated fix applied $now
welcome $now" 'a later login gets that and no dry run'
stop host

# A host that does not rehearse only looks whether it compiles.
serve quick -p key.pub --version 1 --no-rehearsal server.lua
push --server plain.lua --allow-partial
exits 0 'without rehearsal'
out_has '^server: ready$' 'it is looked at'
out_lacks '^rehearsed' 'and not run'
err_has 'it compiles; it was not run' 'which is told'
push --server bad.lua
exits 1 'what does not compile fails there'
finish
