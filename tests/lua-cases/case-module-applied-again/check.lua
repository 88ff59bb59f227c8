assert(PATCH_OK, PATCH_ERR)
assert(hotfix.apply("source", [=[hotfix.module("mine", [[
local gold = 0
local M = {}
function M.dig() gold = gold + 100; return gold end
function M.look() return "gold " .. gold end
function M.sell() gold = gold - 5; return gold end
return M]])]=]))
assert(DIG() == 100 and MINE.look() == "gold 100" and MINE.sell() == 95)
assert(hotfix.rollback("case"))
assert(DIG() == 195 and DIG == MINE.dig and MINE.sell() == 190)
assert(hotfix.rollback("source"))
assert(DIG() == 191 and MINE.sell == nil and MINE.look() == 191)
