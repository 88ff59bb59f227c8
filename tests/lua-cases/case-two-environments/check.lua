assert(PATCH_OK, PATCH_ERR)
assert(ANN.say() == "I am ann" and BOB.say() == "I AM bob")
BOB.set("rob")
assert(select(2, BOB.say()) == "rob" and ANN.say() == "I am ann" and who == "nobody")
assert(hotfix.rollback())
local ok, e = hotfix.apply("shared", [[
local function greet() return "I am " .. who end
hotfix.replace { target = "ann::say", with = function() return greet(), who end }
hotfix.replace { target = "bob::say", with = function() return greet(), who end }]])
assert(not ok and e:find("_ENV", 1, true), e)
assert(ANN.say() == "ann" and BOB.say() == "rob")
