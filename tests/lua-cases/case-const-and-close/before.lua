package.preload["vault"] = function()
  local LIMIT <const> = 10
  local gold <const> = { n = 5 }
  local M = {}
  function M.take(n) if n > LIMIT then return "too much" end gold.n = gold.n - n; return gold.n end
  function M.guarded()
    local lock <close> = setmetatable({ open = true }, { __close = function(l) l.open = false end })
    M.peek = function() return lock.open end
    coroutine.yield()
  end
  return M
end
VAULT = require "vault"
CO = coroutine.create(VAULT.guarded)
coroutine.resume(CO)
TAKE, PEEK = VAULT.take, VAULT.peek
