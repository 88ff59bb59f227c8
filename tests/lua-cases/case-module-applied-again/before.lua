package.preload["mine"] = function()
  local gold = 0
  local M = {}
  function M.dig() gold = gold + 1; return gold end
  function M.look() return gold end
  return M
end
MINE = require "mine"
DIG = MINE.dig
