package.preload["sched"] = function()
  local M, tasks, beats = {}, {}, 0
  function M.task(name)
    beats = beats + 1
    coroutine.yield(name .. " old " .. beats)
    return name .. " ended old"
  end
  function M.spawn(name)
    tasks[#tasks + 1] = coroutine.wrap(function()
      while true do coroutine.yield(M.task(name)) end
    end)
  end
  function M.round()
    local out = {}
    for i, t in ipairs(tasks) do out[i] = t() end
    return table.concat(out, ",")
  end
  return M
end
local sched = require "sched"
sched.spawn("a"); sched.spawn("b")
RUN = coroutine.wrap(function() while true do coroutine.yield(sched.round()) end end)
assert(RUN() == "a old 1,b old 2")
