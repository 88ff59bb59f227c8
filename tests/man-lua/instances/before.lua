local npc = { guards = {} }
package.loaded.npc = npc
for i, name in ipairs { "ann", "bob" } do
  local awake = i == 1
  npc.guards[i] = function() return name .. tostring(awake) end
end
ALSO = npc.guards[2]
