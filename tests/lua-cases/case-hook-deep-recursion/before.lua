package.preload["deep"] = function()
  local M = {}
  function M.down(n) if n == 0 then return 0 end return 1 + M.down(n - 1) end
  return M
end
DEEP = require "deep"
