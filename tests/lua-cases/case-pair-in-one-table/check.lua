assert(PATCH_OK, PATCH_ERR)
local turn = require "turn"
local w = turn.weight
assert(LEFT(3) == "LRLR" and RIGHT(2) == "RLR")
assert(LEFT == turn.left and w.first == LEFT and w[1] == RIGHT)
assert(w[LEFT] == 1 and w[RIGHT] == 2)
local n = 0
for _ in pairs(w) do n = n + 1 end
assert(n == 4)
assert(hotfix.rollback())
assert(tostring(LEFT) == KEEP[1] and tostring(w[1]) == KEEP[2])
assert(w[LEFT] == 1 and w[RIGHT] == 2 and LEFT(3) == "lrlr")
