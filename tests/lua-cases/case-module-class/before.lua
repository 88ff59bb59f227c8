package.preload["unit"] = function()
  local made = 0
  local Unit = {}
  Unit.__index = Unit
  function Unit.new(class, hp) made = made + 1; return setmetatable({ hp = hp }, class) end
  function Unit:hit(n) self.hp = self.hp - n; return self.hp end
  local Orc = setmetatable({}, { __index = Unit, __call = function(c, hp) return Unit.new(c, hp + 1) end })
  Orc.__index = Orc
  function Orc:shout() return "old " .. self.hp end
  return { Unit = Unit, Orc = Orc, made = function() return made end }
end
local unit = require "unit"
ORC, MAN = unit.Orc(9), unit.Unit:new(5)
SHOUT = unit.Orc.shout
