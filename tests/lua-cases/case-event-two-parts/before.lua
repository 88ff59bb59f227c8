package.preload["band"] = function()
  local M, n = {}, 1
  local function beat() return "beat " .. n end
  function M.drum() n = n + 1; return beat() end
  function M.bass() n = n + 1; return beat() end
  function M.n() return n end
  local other, a = 100, { 1 }
  do
    local n = 1000
    function M.solo() n = n + 1; return n end
  end
  return M
end
BAND = require "band"
