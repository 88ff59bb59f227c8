package.preload["rep"] = function()
  local n, s = 1, "a\27b"
  local M = { list = {} }
  function M.f() return n, s end
  function M.g() return "g" end
  function M.h() return "h" end
  local function each(i) return function() return i end end
  M.e1, M.e2 = each(1), each(2)
  M["odd\27"] = function() return 1 end
  M.list[1], M.list[M.f] = M.f, true
  return M
end
REP = require "rep"
CO = coroutine.wrap(function() local f = REP.f; coroutine.yield(); return f() end)
CO()
