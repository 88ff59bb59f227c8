hotfix.module("inn", [[
local guests, rooms = {}, 20
local beds = 2
local M = { price = { single = 5, double = 9, suite = 30 }, sign = "The New Inn", list = { 1, 2, 3 }, open = true }
local function free() return (rooms - #guests) * beds end
function M.enter(name) guests[#guests + 1] = name .. "!"; return free() end
function M.leave() table.remove(guests); return free() end
function M.free() return free() end
function M.guests() return guests end
return M
]])
