package.preload["port"] = function()
  local M, n = { fee = 1 }, 0
  function M.dock() n = n + 1; return "old " .. n end
  function M.fees() return M.fee end
  return M
end
PORT = require "port"
DOCK, KEYS = PORT.dock, { [PORT.dock] = "dock" }
LOG = {}
WAITS = coroutine.wrap(function(f) coroutine.yield() return f() end)
WAITS(PORT.dock)
