local Base = { walk = function() return "walk" end, nested = { [3] = { run = function() return "run" end } } }
Base.__index = Base
local late = setmetatable({}, { __index = function() return Base.walk end })
local up = 1
package.loaded["zoo"] = {
  Base = Base, Cat = setmetatable({}, Base), late = late, same = Base.walk, num = 4,
  insert = table.insert,
  closure = function() return up, Base end,
  ["odd key"] = function() return "odd" end,
}
ZOO = package.loaded.zoo
