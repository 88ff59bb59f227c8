package.preload.combat = function()
  local combat = {}
  local hits = 0
  local LIMIT = 50
  function combat.hit(power) hits = hits + 1 return power end
  return combat
end
HIT = require "combat".hit
HIT(1)
