-- The rules of the fight, on the server.

local combat = { HP = 100 }

-- How often anybody was hit since the server started.
local hits = 0

function combat.fighter()
  return { hp = combat.HP, power = 10, armour = 4, kills = 0 }
end

-- One blow: takes the damage off the target's hit points and returns it.
-- The bug: armour adds to the damage instead of taking from it.
function combat.hit(attacker, target)
  hits = hits + 1
  local damage = attacker.power + target.armour
  target.hp = math.max(target.hp - damage, 0)
  return damage
end

function combat.hits()
  return hits
end

return combat
