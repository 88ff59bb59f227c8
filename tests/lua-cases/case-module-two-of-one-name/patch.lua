hotfix.module("clock", [[
local M, n = {}, 0
function M.day() n = n + 10; return n end
do
  local n = 0
  function M.hour() n = n + 10; return n end
end
return M]])
