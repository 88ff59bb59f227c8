package.preload["ecs"] = function()
  local Column = {}
  Column.__index = Column
  function Column.get(c, i) return c.data[i] or 0 end
  local world = { systems = {}, spent = {}, columns = {}, queries = {} }
  local function column(name) world.columns[name] = setmetatable({ data = {} }, Column); return world.columns[name] end
  local function move(w, dt) for i, v in pairs(w.columns.vel.data) do w.columns.pos.data[i] = w.columns.pos:get(i) + v * dt end end
  local function rest(w) w.rested = (w.rested or 0) + 1 end
  world.systems = { move, rest, move }
  for _, s in ipairs(world.systems) do world.spent[s] = 0 end
  column "pos"; column "vel"
  for i = 1, 100 do
    world.columns.vel.data[i] = i
    world.queries[i] = function() return world.columns.pos:get(i) end
  end
  local M = { world = world, Column = Column }
  function M.tick(dt) for _, s in ipairs(world.systems) do s(world, dt); world.spent[s] = world.spent[s] + dt end end
  return M
end
ECS = require "ecs"
ECS.tick(1)
