assert(PATCH_OK, PATCH_ERR)
assert(require "combat".hit(3) == 6)
