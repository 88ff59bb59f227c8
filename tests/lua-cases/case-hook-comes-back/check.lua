assert(PATCH_OK, PATCH_ERR)
assert(M.f(1) == "ao1")
-- a newer hook over it fails afterwards: the older one comes back whole
local ok, e = hotfix.apply("b", [[
hotfix.hook{ target="m::f", with=function(original, n) return "b" .. original(n) end }
hotfix.after(function() SEEN = package.loaded.m.f(2) error("no") end)]])
assert(not ok and SEEN == "bo2", SEEN)
assert(M.f(1) == "ao1")
local ok, e = hotfix.apply("c", [[
hotfix.hook{ target="m::f", stack=true, with=function(original, n) return "c" .. original(n) end }]])
assert(ok and M.f(1) == "cao1")
assert(hotfix.rollback("case")); assert(M.f(1) == "co1", M.f(1))
