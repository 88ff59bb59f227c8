package.preload["till"] = function()
  local gold, tax = 10, 2
  return { pay = function() gold = gold - tax; return gold end }
end
TILL = require "till"
