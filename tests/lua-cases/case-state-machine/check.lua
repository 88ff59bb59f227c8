assert(not PATCH_OK == false, PATCH_ERR)
local fsm = require "fsm"
assert(M1.at.stop == STOP)
fsm.send(M1, "stop")
assert(M1.history[2] == "run.stop" and fsm.count "idle" == 11 and M1.at[STOP] == "run.stop")
assert(hotfix.apply("case", [[
local enter
hotfix.replace { target = "fsm::states.run.stop", with = function() enter "idle"; return enter "run" end }]]))
M1.at = fsm.states.run
fsm.send(M1, "stop")
assert(M1.at == fsm.states.run and fsm.count "run" == 2 and fsm.count "idle" == 12 and M1.history[3] == "run.stop")
assert(hotfix.rollback())
fsm.send(M1, "stop")
assert(M1.at == fsm.states.idle and M1.history[4] == "run.stop" and M1.at[STOP] == nil)
