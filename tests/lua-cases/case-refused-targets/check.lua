assert(not PATCH_OK and PATCH_ERR:find("zoo::Cat.walk", 1, true) and PATCH_ERR:find("inherited", 1, true), PATCH_ERR)
local function refused(target, ...)
  local ok, e = hotfix.apply("try", "hotfix.replace { target = [==[" .. target .. "]==], with = function() end }")
  assert(not ok, target)
  for _, word in ipairs { target, ... } do assert(e:find(word, 1, true), e) end
end
refused("zoo::late.walk", "no field 'walk'", "'zoo::late'", "function")
refused("zoo::num", "number")
refused("zoo::num.x", "no field 'x'", "'zoo::num'", "number")
refused("zoo::Base.nested[4]", "[4]", "'zoo::Base.nested'")
refused("zoo::Base.nested[3].jump", "'jump'", "'zoo::Base.nested[3]'", "run")
refused("zoo::closure^down", "'down'", "Base, up")
refused("zoo::closure^9", "9")
refused("zoo::closure^0", "^0")
refused("zoo::num^up", "number")
refused("zoo::num@", "no metatable")
refused("zoo::insert", "C function", "allow_c")
refused("zoo::", "table")
refused("zoo::Base..walk", "..walk")
refused("zoo::Base.nested[3", "[3")
refused("zoo::Base.nested[03].run", "[03]")
refused("zoo::walk!", "!")
refused("::x", "no module")
refused("barn::x", "module 'barn' is not loaded")
refused("zoo::y", "no field 'y'", "it has: Base, Cat")
local ok, e = hotfix.apply("try", "hotfix.replace { target = '" .. ("x"):rep(2000) .. "', with = function() end }")
assert(not ok and e:find("2000", 1, true), e)

ok, e = hotfix.apply("twice", [[
hotfix.replace { target = "zoo::same", with = function() end }
hotfix.replace { target = "zoo::Base.walk", with = function() end }]])
assert(not ok and e:find("zoo::same", 1, true) and e:find("zoo::Base.walk", 1, true), e)
ok, e = hotfix.apply("twice", [[
local function f() end
hotfix.replace { target = "zoo::same", with = f }
hotfix.replace { target = "zoo::closure", with = f }]])
assert(not ok and e:find("zoo::same", 1, true) and e:find("zoo::closure", 1, true), e)
ok, e = hotfix.apply("foreign", [[hotfix.replace { target = "zoo::same", with = print }]])
assert(not ok and e:find("zoo::same", 1, true) and e:find("with", 1, true), e)
ok, e = hotfix.apply("captures", [[local old = package.loaded.zoo.same
hotfix.replace { target = "zoo::same", with = function() return old() end }]])
assert(not ok and e:find("hotfix.hook", 1, true) and e:find("'old'", 1, true), e)
ok, e = hotfix.apply("fields", [[hotfix.replace { target = "zoo::same", with = function() end, wiht = 1 }]])
assert(not ok and e:find("'wiht'", 1, true), e)
ok, e = hotfix.apply("fields", [[hotfix.replace { target = "zoo::same", with = function() end, when = function() end }]])
assert(not ok and e:find("when needs the event", 1, true), e)
ok, e = hotfix.apply("fields", [[hotfix.replace { with = function() end }]])
assert(not ok and e:find("target is missing", 1, true), e)
assert(not pcall(hotfix.replace, { target = "zoo::same", with = function() end }), "outside an update")

assert(ZOO.Base.walk() == "walk" and ZOO.Cat.walk() == "walk" and ZOO.insert == table.insert)
assert(hotfix.apply("good", [[
hotfix.replace { target = "zoo::Base.nested[3].run", with = function() return "new run" end }
hotfix.replace { target = 'zoo::["odd key"]', with = function() return "new odd" end }
hotfix.replace { target = "zoo::late@.__index^Base:walk", with = function() return "new walk" end }
hotfix.replace { target = "zoo::insert", allow_c = true, with = function(t, x) t[1] = x end }]]))
assert(ZOO.Base.nested[3].run() == "new run" and ZOO["odd key"]() == "new odd" and ZOO.late.walk() == "new walk")
local t = { 1 }
table.insert(t, 2)
assert(#t == 1 and t[1] == 2)
assert(hotfix.rollback("good"))
table.insert(t, 3)
assert(#t == 2 and ZOO.same() == "walk")
