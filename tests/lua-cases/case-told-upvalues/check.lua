assert(PATCH_OK, PATCH_ERR)
BANK.rate(3)
BANK.add(1)
assert(BANK.gold() == 5 + 3 + 100, BANK.gold())
local ok, e = hotfix.apply("two", [[
local x
hotfix.replace { target = "bank::gold", upvalues = { x = "bank::gold^gold" }, with = function() return x end }
hotfix.replace { target = "bank::rate", upvalues = { x = "bank::rate^rate" }, with = function() return x end }]])
assert(not ok and e:find("'x'", 1, true) and e:find("two", 1, true), e)
ok, e = hotfix.apply("no", [[local x
hotfix.replace { target = "bank::gold", upvalues = { x = 7 }, with = function() return x end }]])
assert(not ok and e:find("7", 1, true), e)
assert(hotfix.rollback("case"))
BANK.add(1)
assert(BANK.gold() == 111)
