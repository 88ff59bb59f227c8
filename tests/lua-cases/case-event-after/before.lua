package.preload["show"] = function() return { a = function() return 1 end, b = function() return 1 end } end
SHOW, LOG = require "show", {}
