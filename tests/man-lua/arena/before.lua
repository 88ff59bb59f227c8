local combat = { HP = 100 }
local hits = 0
package.loaded.combat = combat
function combat.hit(attacker, target)
  hits = hits + 1
  local damage = attacker.power + target.armour
  target.hp = math.max(target.hp - damage, 0)
  return damage
end
function combat.hits() return hits end
local hit = combat.hit
function ROUND(target) return hit({ power = 10 }, target) end
ROUND { armour = 4, hp = 100 }
