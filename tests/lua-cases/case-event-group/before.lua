package.preload["duel"] = function()
  local n = 0
  return { draw = function() n = n + 1; return "draw " .. n end, aim = function() return "aim" end, fire = function() return "fire" end, n = function() return n end }
end
DUEL = require "duel"
DRAW = DUEL.draw
ASKED = {}
