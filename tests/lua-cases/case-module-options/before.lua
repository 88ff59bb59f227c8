package.preload["shop"] = function()
  local stock = { "axe" }
  return { tax = 2, size = function() return #stock end }
end
SHOP = require "shop"
