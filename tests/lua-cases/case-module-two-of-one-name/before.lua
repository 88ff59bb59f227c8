package.preload["clock"] = function()
  local M, n = {}, 1
  function M.day() n = n + 1; return n end
  do
    local n = 100
    function M.hour() n = n + 1; return n end
  end
  return M
end
CLOCK = require "clock"
