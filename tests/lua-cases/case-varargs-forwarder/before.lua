package.preload["rpc"] = function()
  local M = {}
  function M.call(...) return "old", select("#", ...) end
  return M
end
local rpc = require "rpc"
local function bind(f, ...)
  local args = table.pack(...)
  return function(...)
    local n = args.n
    local all = { table.unpack(args, 1, n) }
    for i = 1, select("#", ...) do all[n + i] = (select(i, ...)) end
    return f(table.unpack(all, 1, n + select("#", ...)))
  end
end
BOUND = bind(rpc.call, nil, nil)
PASSED = bind(function(f, ...) return f(...) end, rpc.call)
WAITING = coroutine.wrap(function(...)
  coroutine.yield()
  return (select(2, ...))(...)
end)
WAITING(nil, rpc.call, nil)
UNBORN = coroutine.create(rpc.call)
UNBORN_ARG = coroutine.wrap(function(f) return f(nil) end)
