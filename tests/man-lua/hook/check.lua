assert(PATCH_OK, PATCH_ERR)
local r = table.pack(require "combat".hit(400, nil, "x", nil))
assert(r.n == 4 and r[1] == 100 and r[2] == nil and r[3] == "x")
assert(hotfix.rollback("case") and require "combat".hit(400) == 400)
