package.preload["tide"] = function()
  return { low = function() return "low" end, high = function() return "high" end, moon = function() return "moon" end }
end
TIDE = require "tide"
