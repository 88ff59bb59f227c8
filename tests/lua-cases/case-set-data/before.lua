package.preload["conf"] = function()
  local bonus = 3
  local M = { tax = 10, prices = { 5, 6, { iron = 7 } }, motd = "hi", obj = setmetatable({}, { __index = { a = 1 } }) }
  function M.bonus() return bonus end
  return M
end
CONF = require "conf"
META = getmetatable(CONF.obj)
