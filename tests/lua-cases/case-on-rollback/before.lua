package.preload["lamp"] = function() return { lit = function() return "dark" end, oil = function() return 1 end } end
LAMP, LOG = require "lamp", {}
