assert(PATCH_OK, PATCH_ERR)
assert(AIM.shot() == 2 and AIM.look() == 20 and AIM.bias() == 2)
assert(hotfix.apply("case", [[
local function bias() return 3 end
hotfix.replace { target = "aim::shot", with = function() return bias() end }]]))
assert(AIM.shot() == 3 and AIM.look() == 30 and AIM.bias() == 3)
assert(hotfix.apply("case", [[
local bias
hotfix.replace { target = "aim::shot", with = function() return -bias() end }]]))
assert(AIM.shot() == -1 and AIM.look() == 10 and AIM.bias() == 1, "the helper left with its text")
assert(hotfix.rollback("case"))
assert(AIM.shot() == 1 and AIM.look() == 10)
