package.preload["score"] = function()
  local best = { ann = 3 }
  return { get = function() return type(best) end }
end
SCORE = require "score"
