assert(PATCH_OK, PATCH_ERR)
assert(SHOUT("a") == "A!" and ("b"):upper() == "B!" and WAITING() == "W!")
assert(hotfix.rollback())
assert(SHOUT("a") == "A" and ("b"):upper() == "B" and tostring(string.upper) == UPPER)
local ok, e = hotfix.apply("no", [[hotfix.hook { target = "string::upper", with = function(original, s) return s end }]])
assert(not ok and e:find("string::upper", 1, true) and e:find("allow_c", 1, true), e)
ok, e = hotfix.apply("no", [[local gold
hotfix.hook { target = "string::upper", allow_c = true, with = function(original, s) return gold end }]])
assert(not ok and e:find("'gold'", 1, true) and e:find("C function", 1, true), e)
