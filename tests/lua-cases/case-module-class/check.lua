assert(PATCH_OK, PATCH_ERR)
local unit = require "unit"
assert(ORC:hit(1) == 8 and MAN:hit(1) == 3 and MAN:heal(2) == 5 and ORC:heal(1) == 9)
assert(SHOUT(ORC) == "new 9 of 2" and ORC:shout() == "new 9 of 2")
assert(tostring(MAN) == "unit 5" and unit.made() == 2)
local orc = unit.Orc(1)
assert(orc.hp == 101 and getmetatable(orc) == unit.Orc and getmetatable(unit.Orc).__index == unit.Unit and unit.made() == 3)
assert(hotfix.rollback())
assert(ORC:hit(1) == 8 and unit.Orc(1).hp == 2 and MAN.heal == nil and tostring(MAN):find("^table") and SHOUT(ORC) == "old 8")
