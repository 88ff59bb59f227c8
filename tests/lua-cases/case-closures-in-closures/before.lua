package.preload["nest"] = function()
  local total = 0
  local M = {}
  function M.outer(a)
    total = total + 1
    return function(b)
      a = a + b
      return function(c)
        total = total + c
        return a, total
      end
    end
  end
  return M
end
local nest = require "nest"
MID = nest.outer(10)
INNER = MID(1)
