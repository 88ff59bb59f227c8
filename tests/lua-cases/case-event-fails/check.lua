assert(PATCH_OK, PATCH_ERR)
assert(hotfix.apply("other", "hotfix.replace { target = 'farm::reap', on = 'spring', with = function() return 'other' end }"))
assert(FARM.seed() == "new" and FARM.plough() == "old" and FARM.size == 2)
hotfix.fire("spring", { number = 1 })
assert(FARM.plough() == "old" and FARM.seed() == "new" and FARM.reap() == "other" and TRIED == 1)
hotfix.fire("spring")
local s = hotfix.status("case")
assert(s.state == "failed" and s.error:find("when: case:4: attempt to index a nil value", 1, true), s.error)
assert(FARM.seed() == "old" and FARM.plough() == "old" and FARM.reap() == "other" and FARM.size == 1)
hotfix.fire("spring", { number = 2 })
assert(FARM.plough() == "old" and TRIED == 2 and not hotfix.rollback("case"))

assert(hotfix.apply("gone", [[
hotfix.replace { target = "farm::seed", with = function() return "gone" end }
hotfix.replace { target = "farm::plough", on = "autumn", with = function() return "gone" end }]]))
local plough = FARM.plough
FARM.plough = nil
hotfix.fire("autumn")
s = hotfix.status("gone")
assert(s.state == "failed" and s.error:find("farm::plough", 1, true) and s.error:find("no field 'plough'", 1, true), s.error)
assert(FARM.seed() == "old")
FARM.plough = plough
hotfix.fire("autumn")
assert(FARM.plough() == "old")
assert(hotfix.apply("loop", "hotfix.replace { target = 'farm::seed', on = 'x', when = function() while true do end end, with = function() return 'loop' end }"))
hotfix.fire("x")
s = hotfix.status("loop")
assert(s.state == "failed" and s.error:find("budget", 1, true) and FARM.seed() == "old", s.error)
