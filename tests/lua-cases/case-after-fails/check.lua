assert(PATCH_OK, PATCH_ERR)
assert(LOG[1] == "after first 10" and #LOG == 1 and PORT.fee == 2)
local first = PORT.dock
local function fails(last)
  return hotfix.apply("case", [==[
local n
hotfix.replace { target = "port::dock", with = function() n = n + 100; return "second " .. n end }
hotfix.set { target = "port::fee", value = 3, expect = 1 }
hotfix.module("port", "local M = { fee = 4 } function M.fees() return -M.fee end function M.new() end return M")
hotfix.after(function() LOG[#LOG + 1] = "after " .. package.loaded.port.dock() .. package.loaded.port.fee end)
hotfix.after(function() ]==] .. last .. [==[ end)
hotfix.after(function() LOG[#LOG + 1] = "too far" end)
hotfix.on_rollback(function() LOG[#LOG + 1] = "back to " .. package.loaded.port.fee end)]==])
end
local ok, e = fails "error 'not ready'"
assert(not ok and e:find("after: case:6: not ready", 1, true) and not e:find("replaced", 1, true), e)
assert(table.concat(LOG, ",") == "after first 10,after second 1103,back to 2", table.concat(LOG, ","))
assert(PORT.dock == first and DOCK == first and KEYS[first] == "dock" and next(KEYS, (next(KEYS))) == nil)
assert(PORT.fee == 2 and PORT.new == nil and PORT.fees() == 2 and PORT.dock() == "first 120")
ok, e = fails "while true do end"
assert(not ok and e:find("budget", 1, true), e)
assert(PORT.dock() == "first 230" and PORT.new == nil and KEYS[PORT.dock] == "dock")
assert(WAITS() == "first 240")
LOG = {}
assert(hotfix.rollback("case"))
assert(table.concat(LOG) == "back 1" and DOCK() == "old 241" and PORT.fee == 1 and KEYS[DOCK] == "dock")
