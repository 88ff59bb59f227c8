hotfix.replace { target = "ecs::world.systems[1]", with = function(w, dt)
  for i, v in pairs(w.columns.vel.data) do w.columns.pos.data[i] = w.columns.pos:get(i) - v * dt end
end }
hotfix.replace { target = "ecs::world.columns.pos@.get", with = function(c, i) return (c.data[i] or 0) + 1000 end }
