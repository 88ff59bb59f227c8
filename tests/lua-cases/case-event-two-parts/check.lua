assert(PATCH_OK, PATCH_ERR)
local function is(s, c, ...) local x, y = ... assert(x == s and y == c, tostring(x) .. " " .. tostring(y)) end
is("BEAT 11", 1, BAND.drum())
is("BEAT 12", nil, BAND.bass())
hotfix.fire("night")
assert(hotfix.status("case").state == "applied", hotfix.status("case").error)
is("BEAT 112", 2, BAND.bass())
is("BEAT 122", 3, BAND.drum())
assert(BAND.n() == 122)
assert(hotfix.rollback("case"))
is("beat 123", nil, BAND.bass())
assert(BAND.drum() == "beat 124")
-- The second part would need another variable of that name.
assert(hotfix.apply("two", [[local n
hotfix.replace { target = "band::drum", with = function() n = n + 10; return n end }
hotfix.replace { target = "band::solo", on = "night", with = function() n = n + 10; return n end }]]))
assert(BAND.drum() == 134)
hotfix.fire("night")
local s = hotfix.status("two")
assert(s.state == "failed" and s.error:find("'n'", 1, true) and s.error:find("two different variables", 1, true), s.error)
assert(BAND.drum() == "beat 135" and BAND.n() == 135 and BAND.solo() == 1001 and BAND.bass() == "beat 136")
-- One function for two, and the same function in both parts.
assert(hotfix.apply("one", [[local f = function() return "f" end
hotfix.replace { target = "band::drum", with = f }
hotfix.replace { target = "band::bass", on = "night", with = f }]]))
hotfix.fire("night")
s = hotfix.status("one")
assert(s.state == "failed" and s.error:find("band::bass", 1, true), s.error)
assert(BAND.drum() == "beat 137" and BAND.bass() == "beat 138")
assert(hotfix.apply("same", [[
hotfix.replace { target = "band::drum", with = function() return 1 end }
hotfix.replace { target = "band::drum", on = "night", with = function() return 2 end }]]))
hotfix.fire("night")
s = hotfix.status("same")
assert(s.state == "failed" and s.error:find("band::drum", 1, true), s.error)
assert(BAND.drum() == "beat 139")
