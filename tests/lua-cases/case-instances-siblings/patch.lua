hotfix.instances { like = "cells::one.get", make = function()
  local v
  return function() return "<" .. v .. ">" end
end }
