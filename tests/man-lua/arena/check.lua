assert(PATCH_OK, PATCH_ERR)
local target = { armour = 4, hp = 100 }
assert(ROUND(target) == 6 and target.hp == 94)
assert(ROUND { armour = 40, hp = 100 } == 1)
assert(require "combat".hits() == 3)
