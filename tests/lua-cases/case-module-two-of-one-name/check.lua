assert(PATCH_OK, PATCH_ERR)
assert(CLOCK.day() == 11 and CLOCK.hour() == 110 and CLOCK.day() == 21)
local text = [=[hotfix.module("clock", [[
local M, n = {}, 0
function M.day() n = n + 20; return n end
do
  local n = 0
  function M.hour() n = n + 20; return n end
end
do
  local n = 0
  function M.both() return n end
end
return M]] %s)]=]
local ok, e = hotfix.apply("new", text:format "")
assert(not ok and e:find("clock::both", 1, true) and e:find("'n'", 1, true) and e:find("two different", 1, true), e)
assert(CLOCK.day() == 31 and CLOCK.both == nil)
assert(hotfix.rollback("case"))
assert(CLOCK.day() == 32 and CLOCK.hour() == 111)
