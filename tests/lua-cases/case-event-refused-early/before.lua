package.preload["keep"] = function() return { gate = function() return "shut" end } end
KEEP = require "keep"
package.preload["tower"] = function() return { top = function() return "low" end } end
