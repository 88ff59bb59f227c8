package.preload["fsm"] = function()
  local counts = { idle = 0, run = 0 }
  local states = { idle = {}, run = {} }
  local names = {}
  local function enter(name) counts[name] = counts[name] + 1; return states[name] end
  function states.idle.go() return enter "run" end
  function states.run.stop() return enter "idle" end
  for n, s in pairs(states) do for e, f in pairs(s) do names[f] = n .. "." .. e end end
  local M = { states = states }
  function M.new() return { at = enter "idle", history = {} } end
  function M.send(m, event)
    local f = m.at[event]
    m.history[#m.history + 1] = names[f]
    m.at = f()
    return #m.history
  end
  function M.count(n) return counts[n] end
  return M
end
local fsm = require "fsm"
M1 = fsm.new()
fsm.send(M1, "go")
STOP = M1.at.stop
