package.preload["ai"] = function() return { think = function() return "old" end } end
THINK = require "ai".think
