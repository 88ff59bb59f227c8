package.preload["shop"] = function()
  local gold = 100
  local M = {}
  function M.pay(n, ...) gold = gold - n; return gold, select("#", ...), ... end
  function M.gold() return gold end
  return M
end
local shop = require "shop"
local pay = shop.pay
SHOP, BUY, BASE = shop, function(...) return pay(...) end, tostring(pay)
BYKEY = { [pay] = "pay" }
