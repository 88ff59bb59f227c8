package.preload["store"] = function()
  return { stock = 1, price = 5, name = "store", open = function() return "old" end }
end
STORE = require "store"
