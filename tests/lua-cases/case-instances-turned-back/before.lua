package.preload["ray"] = function()
  return { new = function(n) return function() n = n + 1; return "old " .. n end end, len = function() return 1 end }
end
RAY = require "ray"
RAYS = { RAY.new(0), RAY.new(10) }
package.loaded.rays = RAYS
