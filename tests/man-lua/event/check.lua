assert(PATCH_OK, PATCH_ERR)
local reward = require "raid".reward
assert(hotfix.status("case").state == "pending")
hotfix.fire("level_up", "ann", 9)
assert(require "raid".reward(1) == 1)
hotfix.fire("level_up", "bob", 10)
assert(reward(1) == 1001 and reward == require "raid".reward)
