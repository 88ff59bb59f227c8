assert(PATCH_OK, PATCH_ERR)
local combat = require "combat"
assert(HIT(1000) == 100 and combat.hit == HIT and combat.hits() == 2)
