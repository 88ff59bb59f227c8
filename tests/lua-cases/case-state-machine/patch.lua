local counts
hotfix.replace { target = "fsm::states.run.stop", upvalues = { counts = "fsm::states.run.stop^enter^counts", states = "fsm::send^names" }, with = (function()
  local states
  return function() counts.idle = counts.idle + 10; return states end
end)() }
