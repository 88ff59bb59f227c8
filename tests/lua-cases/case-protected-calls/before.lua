package.preload["net"] = function()
  local M = {}
  function M.get(x) return "old " .. tostring(x) end
  function M.iter(s, i) if i < 3 then return i + 1, "old" end end
  return M
end
local net = require "net"
local function wrap(f, ...) local co = coroutine.wrap(f); co(...) return co end
A = wrap(function(f) return pcall(function(g) coroutine.yield(); return g(1) end, f) end, net.get)
B = wrap(function(f) return xpcall(function() coroutine.yield(); error("boom", 0) end, f) end, net.get)
C = wrap(function() local s = ""; for _, w in net.iter, nil, 0 do s = s .. w .. " "; coroutine.yield() end; return s end)
D = wrap(function(f) return (table.concat({ f(coroutine.yield()), "!" })) end, net.get)
UNBORN = coroutine.wrap(net.get)
E = coroutine.create(function(f) local g = f; error { g } end)
coroutine.resume(E, net.get)
CLOSED = coroutine.create(function(f) local g <close> = setmetatable({}, { __close = f }); coroutine.yield() end)
coroutine.resume(CLOSED, function() SAID = net.get(2) end)
