package.preload["farm"] = function() return { cows = function() return 3 end } end
FARM = require "farm"
