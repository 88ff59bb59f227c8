assert(PATCH_OK, PATCH_ERR)
assert(require "combat".hit(2) == 3)
assert(hotfix.rollback("case") and require "combat".hit(2) == 30)
