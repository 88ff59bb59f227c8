assert(PATCH_OK, PATCH_ERR)
local guards = require "npc".guards
assert(guards[1]() == "ann!" and guards[2]() == "bob?" and ALSO() == "bob?")
assert(hotfix.rollback("case") and guards[1]() == "anntrue")
