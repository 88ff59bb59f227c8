assert(PATCH_OK, PATCH_ERR)
assert(hotfix.apply("upper", [[
hotfix.instances { like = "rays[1]", make = function() end }]]) == false)
assert(hotfix.apply("upper", [[
hotfix.instances { like = "rays::[1]", make = function() local n; local more = 100 return function() n = n + 1; more = more + 1; return "new " .. n .. " " .. more end end }]]))
assert(RAYS[1]() == "new 1 101" and RAYS[2]() == "new 11 101" and RAYS[2]() == "new 12 102")
local first = tostring(RAYS[1])
local ok, e = hotfix.apply("case", [[
hotfix.replace { target = "ray::len", with = function() return 3 end }
hotfix.after(function() collectgarbage() collectgarbage() SEEN = RAYS[2]() error "too long" end)]])
assert(not ok and e:find("too long", 1, true) and SEEN == "new 13 101", SEEN)
assert(RAYS[2]() == "new 14 103", "the first update's own state is back")
assert(tostring(RAYS[1]) == first and RAY.len() == 2)
assert(hotfix.rollback("upper") and RAYS[2]() == "old 15")
