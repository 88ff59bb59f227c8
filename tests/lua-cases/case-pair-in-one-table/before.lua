package.preload["turn"] = function()
  local left, right
  local weight = {}
  function left(n) return n == 0 and "l" or "l" .. right(n - 1) end
  function right(n) return n == 0 and "r" or "r" .. left(n - 1) end
  weight[left], weight[right] = 1, 2
  weight.first, weight[1] = left, right
  return { left = left, right = right, weight = weight }
end
local turn = require "turn"
LEFT, RIGHT = turn.left, turn.right
KEEP = { tostring(LEFT), tostring(RIGHT) }
