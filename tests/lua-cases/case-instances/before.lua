package.preload["timer"] = function()
  local total = 0
  local M = {}
  function M.new(name, left)
    return function(n)
      left = left - (n or 1)
      total = total + 1
      return name .. " " .. left
    end
  end
  function M.total() return total end
  return M
end
local timer = require "timer"
A, B, C = timer.new("a", 10), timer.new("b", 20), timer.new("c", 30)
LIST, NAMES = { A, B, C }, { [A] = "a", [B] = "b", [C] = "c" }
A()
package.loaded.game = { first = A, names = NAMES }
OLD = tostring(A)
