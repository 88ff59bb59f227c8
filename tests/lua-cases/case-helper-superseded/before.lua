package.preload["aim"] = function()
  local function bias() return 1 end
  return { shot = function() return bias() end, look = function() return bias() * 10 end, bias = bias }
end
AIM = require "aim"
