assert(PATCH_OK, PATCH_ERR)
local mixins = require "mixins"
assert(ORC:speak() == "orc new" and WALL:speak() == "wall new" and MUTE:speak() == "")
assert(mixins.spoken() == 3)
ORC:move(5)
assert(ORC.x == 10 and mixins.Moves.move == Orc.move)
assert(hotfix.rollback("case"))
ORC:move(5)
assert(ORC.x == 15 and ORC:speak() == "orc old" and mixins.spoken() == 4)
