assert(PATCH_OK, PATCH_ERR)
local memo = require "memo"
assert(memo.cost(1) == 2, "remembered")
assert(memo.cost(2) == 6 and memo.direct(1) == 3)
assert(memo.cached()[2] == 6, "the key is the new function")
assert(PATCH_REPORT.replaced >= 3, PATCH_REPORT.text)
assert(hotfix.rollback())
assert(memo.direct(1) == 2 and memo.cached()[2] == 6)
