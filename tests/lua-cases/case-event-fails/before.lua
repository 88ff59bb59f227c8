package.preload["farm"] = function()
  return { seed = function() return "old" end, plough = function() return "old" end, reap = function() return "old" end, size = 1 }
end
FARM = require "farm"
