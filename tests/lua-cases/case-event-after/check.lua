assert(PATCH_OK, PATCH_ERR)
assert(#LOG == 0)
hotfix.fire("start")
assert(#LOG == 1 and LOG[1] == "after 4")
assert(hotfix.rollback() and LOG[2] == "back 2" and #LOG == 2)
FAIL, LOG = true, {}
assert(hotfix.apply("case", [[
hotfix.replace { target = "show::a", with = function() return 3 end }
hotfix.replace { target = "show::b", on = "start", with = function() return 3 end }
hotfix.after(function() LOG[#LOG + 1] = "after " .. SHOW.a() + SHOW.b(); error "told to" end)
hotfix.on_rollback(function() LOG[#LOG + 1] = "back " .. SHOW.a() + SHOW.b() end)]]))
hotfix.fire("start")
local s = hotfix.status("case")
assert(s.state == "failed" and s.error:find("told to", 1, true), s.error)
assert(table.concat(LOG, ",") == "after 6,back 2", table.concat(LOG, ","))
assert(SHOW.a() == 1 and SHOW.b() == 1)
