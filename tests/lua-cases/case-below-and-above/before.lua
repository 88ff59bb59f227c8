package.preload["fight"] = function()
  local hits = 0
  local function roll() return 1 end
  local M = {}
  function M.hit() hits = hits + 1; return roll() end
  function M.hits() return hits end
  return M
end
FIGHT = require "fight"
BASE = tostring(FIGHT.hit)
