package.preload["mixins"] = function()
  local M, spoken = {}, 0
  M.Speaks = { speak = function(self) spoken = spoken + 1; return self.name .. " old" end }
  M.Moves = { move = function(self, n) self.x = self.x + n end }
  function M.spoken() return spoken end
  return M
end
local function class(...)
  local c = {}
  for _, mixin in ipairs { ... } do
    for k, v in pairs(mixin) do c[k] = v end
  end
  c.__index = c
  return c
end
local mixins = require "mixins"
Orc = class(mixins.Speaks, mixins.Moves)
Wall = class(mixins.Speaks)
ORC = setmetatable({ name = "orc", x = 0 }, Orc)
WALL = setmetatable({ name = "wall" }, Wall)
MUTE = setmetatable({ name = "mute", speak = function() return "" end }, Orc)
ORC:speak()
package.loaded.world = { orc = ORC }
