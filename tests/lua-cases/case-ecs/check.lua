assert(PATCH_OK, PATCH_ERR)
local w = ECS.world
assert(w.queries[7]() == 1014 and w.columns.vel:get(3) == 1003)
ECS.tick(1)
assert(w.systems[1] == w.systems[3] and w.systems[2] ~= w.systems[1] and w.rested == 2)
assert(w.columns.pos.data[2] == 4 + 1000 - 2 + 1000 - 2, w.columns.pos.data[2])
assert(w.spent[w.systems[1]] == 4 and w.spent[w.systems[2]] == 2)
local n = 0
for _ in pairs(w.spent) do n = n + 1 end
assert(n == 2)
assert(hotfix.rollback())
ECS.tick(1)
assert(w.columns.pos.data[2] == 2004 and w.spent[w.systems[1]] == 6 and w.queries[2]() == 2004)
