package.preload["scene"] = function()
  local steps = 0
  local M = {}
  function M.walk(who) steps = steps + 1; coroutine.yield("walks"); return who .. " " .. steps end
  function M.pause() return "." end
  return M
end
SCENE = require "scene"
function START(who)
  local co = coroutine.wrap(function() return SCENE.walk(who) end)
  return co, co()
end
