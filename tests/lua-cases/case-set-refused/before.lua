package.preload["rate"] = function() return { a = 1, b = 2, s = "text", obj = {}, f = function() return 1 end } end
RATE = require "rate"
F = RATE.f
