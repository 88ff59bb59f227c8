assert(PATCH_OK, PATCH_ERR)
assert(OPEN() == "older open 1")
assert(hotfix.apply("newer", [[
hotfix.hook { target = "door::open", with = function(original) return "newer " .. original() end }]]))
assert(OPEN() == "newer open 2")
assert(hotfix.rollback("case"))
assert(OPEN() == "newer open 3" and DOOR.open == OPEN)
assert(hotfix.rollback("newer"))
assert(OPEN() == "open 4" and tostring(DOOR.open) == BASE)
