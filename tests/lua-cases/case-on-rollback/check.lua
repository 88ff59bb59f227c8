assert(PATCH_OK, PATCH_ERR)
assert(hotfix.apply("upper", [[
hotfix.replace { target = "lamp::oil", with = function() return 2 end }
hotfix.on_rollback(function() LOG[#LOG + 1] = "u" .. LAMP.oil() end)]]))
local ok, text = hotfix.rollback("case")
assert(ok and text:find("on_rollback: case:3: no tidying", 1, true), text)
assert(table.concat(LOG, " ") == "adark c" and LAMP.oil() == 2, table.concat(LOG, " "))
assert(hotfix.apply("upper", "hotfix.on_rollback(function() LOG[#LOG + 1] = 'v' end)"))
assert(table.concat(LOG, " ") == "adark c u1" and LAMP.oil() == 1)
assert(hotfix.rollback("upper"))
assert(table.concat(LOG, " ") == "adark c u1 v")
