package.preload["wage"] = function() return { pay = 1, f = function() return "f" end } end
WAGE = require "wage"
