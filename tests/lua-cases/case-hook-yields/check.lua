assert(PATCH_OK, PATCH_ERR)
local a, said = START "ann"
assert(said == "ready")
local b = START "bob"
assert(b() == "walks") -- in the original
assert(hotfix.apply("case", [[
hotfix.hook { target = "scene::walk", with = function(original, who) return "2(" .. original(who) .. ")" end }]]))
assert(a() == "walks", "the suspended call goes on to the base, not to the new hook")
said = a()
assert(said == "1(ann 2)", said)
assert(b() == "1(bob 2)")
local c
c, said = START "cid"
assert(said == "walks" and c() == "2(cid 3)")
-- It is applied again, since another one comes below it.
c = START "cid"
assert(hotfix.apply("lower", "hotfix.replace { target = 'scene::pause', with = function() return '..' end }"))
assert(hotfix.apply("case", [[
hotfix.hook { target = "scene::walk", with = function(original, who)
  coroutine.yield("ready")
  return "3(" .. original(who) .. ")"
end }]]))
assert(c() == "2(cid 4)")
local d = START "dan"
assert(hotfix.rollback("lower"))
assert(d() == "walks")
said = d()
assert(said == "3(dan 5)", said)
d = START "dan"
assert(hotfix.rollback("case"))
assert(d() == "walks" and d() == "3(dan 6)")
d, said = START "dan"
assert(said == "walks" and d() == "dan 7")
