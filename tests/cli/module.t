# S2.7 the mended source file of a module is pushed as it is: its functions are
# new, its data stays. And what an update can say of functions: hooks, filters.
. "$HOTFIX_TOP/tests/lib.sh"

game
cat >server.lua <<'END'
local game = require "game"
local damage = game.damage -- a copy that the module does not know of
io.stdout:setvbuf("line")
hotfix.on("message", function(id, text)
  hotfix.send(id, text .. " " .. game.damage() .. " " .. game.calls() ..
    " " .. tostring(damage == game.damage) ..
    " " .. tostring(hotfix.has(id, "game")))
end)
hotfix.on("updated", function(id, feature, result)
  print("updated " .. feature .. " " .. result .. " " .. game.calls() ..
    " " .. tostring(hotfix.has("one", feature)))
end)
END
cat >client.lua <<'END'
local game = require "game"
LEVEL = 1
local log = {} -- functions that were handed on
table.insert(log, game.damage)
io.stdout:setvbuf("line")
hotfix.on("welcome", function() print("welcome " .. game.damage()) end)
hotfix.on("message", function(text) print("server " .. text) end)
hotfix.on("line", function(text)
  print("client " .. text .. " " .. log[1]() .. " " .. game.calls() ..
    " " .. LEVEL)
  hotfix.send(text)
end)
hotfix.on("updated", function(id, feature, result)
  print("updated " .. feature .. " " .. result .. " " .. game.calls())
end)
END
"$hotfix" keygen key >/dev/null
serve host -p key.pub --version 1 --state state server.lua
inputs one 3
client one --version 1
push() {
	run "$hotfix" push -k key.sec --version '*' "$@" "$addr"
	id=$(field id out)
}
type_to one first
sees one.out '^client first 1 2 1$' 'the client counts its calls'
sees one.out '^server first 1 1 true false$' 'so does the server'

# The file as it was mended: another damage, a helper, and what it starts with.
cat >mended.lua <<'END'
local game = {}
local calls = 0
local function base() return 20 end
function game.damage()
  calls = calls + 1
  return base() + 1
end
function game.calls() return calls end
function game.base() return base() end
return game
END
printf '\357\273\277#!/usr/bin/lua\r\n' >marked.lua
cat mended.lua >>marked.lua

push --feature game --server-module game=mended.lua \
	--client-module game=marked.lua
exits 0 'S2.7 a mended source file is pushed to both ends'
out_has '^server: applied$' 'the host takes it'
out_has 'targeted=1 applied=1 ' 'so does the client, with its byte order mark'
err_has 'game::damage: replaced, 2 references' 'it tells what was replaced'
err_has 'calls keeps 1, the update.s 0 is dropped' 'and what was kept'
sees host.out '^updated game applied 1 false$' \
	'S0.5 the program hears of it, when clients have not got it yet'
sees one.out '^updated game applied 2$' \
	'S1.2 the client has its script from the host, and S2.7 its data is kept'
type_to one second
sees one.out '^client second 21 3 1$' 'S2.7 new functions, wherever they are held'
sees one.out '^server second 21 2 true true$' \
	'S0.5 on the host as well; it knows that the client has it'

# A newer source takes its place; what it lacks stays.
sed 's/20/30/;/function game.base/d' mended.lua >newer.lua
push --feature game --server-module game=newer.lua \
	--client-module game=newer.lua
exits 0 'a newer source'
type_to one third
sees one.out '^client third 31 4 1$' 'is in force'
sees one.out '^server third 31 3 true true$' 'on both ends'

cat >half.lua <<'END'
hotfix.replace { target = "game::damage", with = function() return 99 end }
hotfix.replace { target = "game::damge", with = function() return 99 end }
END
push --feature half --both half.lua
exits 1 'S1.3 one target of two that leads nowhere'
err_has "game::damge: no field 'damge' in 'game' .it has: .*damage" \
	'S1.3 is told, with what there is'
printf 'local game = {}\nfunction game.damage( return 1 end\nreturn game\n' \
	>broken.lua
push --feature game --server-module game=broken.lua
exits 1 'a source that does not compile'
err_has 'game:2: ' 'is refused with the line in its file'
push --feature other --server-module nowhere=mended.lua
exits 1 'a module that the program has not loaded'
err_has "module 'nowhere' is not loaded" 'is refused by its name'
: >empty.lua
push --feature types --client-module game=empty.lua
exits 1 'a source that returns something else'
out_has '^result: reverted$' 'is taken back: its client has failed'
err_has "module 'game' is a table in the program and a boolean in the update" \
	'which is told'
type_to one fourth
sees one.out '^client fourth 31 5 1$' 'S1.3 nothing has changed by these'
sees one.out '^server fourth 31 4 true true$' 'on either end'

# --- a filter picks the function (S1.5) --------------------------------------

cat >filter.lua <<'END'
local calls
local functions = {
  other = function() return 0 end,
  damage_v1 = function() return 1 end,
  damage_v2 = function() calls = calls + 1 return 40 end,
}
hotfix.replace {
  target = "game::damage",
  with = functions,
  filter = function(name, fn)
    return name == "damage_v2" and type(fn) == "function"
  end,
}
END
push --feature picked --both filter.lua
exits 0 'S1.5 the filter of a script picks the new function'
type_to one fifth
sees one.out '^client fifth 40 6 1$' 'S1.5 that one is installed on the client'
sees one.out '^server fifth 40 5 true true$' 'S1.5 and on the host'
sed 's/name == "damage_v2"/name:match("^damage")/' filter.lua >two.lua
push --feature two --both two.lua
exits 1 'S1.5 a filter that picks two'
err_has 'the filter picked 2 functions, not one' 'is refused, with how many'
sed 's/damage_v2" and/damage_v3" and/' filter.lua >none.lua
push --feature none --client none.lua
exits 1 'S1.5 or none'
err_has 'the filter picked 0 functions, not one' 'likewise, on a client'

# --- old kept, new added (S2.7) -----------------------------------------------

cat >hook.lua <<'END'
hotfix.hook {
  target = "game::damage",
  with = function(original, ...) return original(...) + 500 end,
}
END
cat hook.lua - >set.lua <<'END'
hotfix.set { target = "_G::LEVEL", value = 3, expect = 1 }
END
push --feature hook --server hook.lua --client set.lua
exits 0 'S2.7 a hook keeps the old function and adds to it; data is set'
type_to one sixth
sees one.out '^client sixth 540 7 3$' 'S2.7 on the client'
sees one.out '^server sixth 540 6 true true$' 'S2.7 and on the host'
run "$hotfix" revert -k key.sec picked "$addr"
exits 0 'what lies below a hook is taken back'
type_to one seventh
sees one.out '^client seventh 531 8 3$' 'S2.7 the hook lies above the module now'
sees one.out '^server seventh 531 7 true true$' 'on both ends'
run "$hotfix" revert -k key.sec hook "$addr"
run "$hotfix" revert -k key.sec game "$addr"
exits 0 'and the module'
type_to one eighth
sees one.out '^client eighth 1 9 1$' 'the old source runs, with the data of now'
sees one.out '^server eighth 1 8 true false$' 'on both ends'
sees host.out '^updated game reverted 7 true$' 'S0.5 and the program heard, while its client had it still'
finish
