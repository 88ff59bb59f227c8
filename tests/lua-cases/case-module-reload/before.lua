package.preload["inn"] = function()
  local guests, rooms = {}, 10
  local M = { price = { single = 5, double = 8 }, sign = "The Inn", list = { 1, 2, 3 } }
  local function free() return rooms - #guests end
  function M.enter(name) guests[#guests + 1] = name; return free() end
  function M.free() return free() end
  function M.guests() return guests end
  return M
end
INN = require "inn"
ENTER, FREE, BASE = INN.enter, INN.free, tostring(INN.enter)
INN.enter "ann"
INN.price.single, INN.sign, INN.list[4] = 6, "", 4
GUESTS = INN.guests()
