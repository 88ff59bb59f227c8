package.preload["door"] = function()
  local opened = 0
  return { open = function() opened = opened + 1; return "open " .. opened end }
end
DOOR = require "door"
OPEN, BASE = DOOR.open, tostring(DOOR.open)
