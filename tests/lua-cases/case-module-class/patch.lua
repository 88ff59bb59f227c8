hotfix.module("unit", [[
local made = 0
local Unit = {}
Unit.__index = Unit
Unit.__tostring = function(u) return "unit " .. u.hp end
function Unit.new(class, hp) made = made + 1; return setmetatable({ hp = hp }, class) end
function Unit:hit(n) self.hp = self.hp - 2 * n; return self.hp end
function Unit:heal(n) self.hp = self.hp + n; return self.hp end
local Orc = setmetatable({}, { __index = Unit, __call = function(c, hp) return Unit.new(c, hp + 100) end })
Orc.__index = Orc
function Orc:shout() return "new " .. self.hp .. " of " .. made end
return { Unit = Unit, Orc = Orc, made = function() return made end }
]])
