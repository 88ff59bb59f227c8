assert(not PATCH_OK and PATCH_ERR:find("rep::list[2]: no field [2]", 1, true), PATCH_ERR)
local text = [[
local n, s = 5, "new"
hotfix.replace { target = "rep::f", with = function() return n, s end }
hotfix.hook { target = "rep::g", with = function(o) return o() end }
hotfix.instances { like = "rep::e1", make = function() local i; return function() return -i end end }
hotfix.replace { target = "rep::h", on = "later\27", with = function() return 1 end }
hotfix.replace { target = 'rep::["odd\27"]', with = function() return 2 end }
hotfix.set { target = "rep::list[1]", value = 3 }]]
local ok, r = hotfix.apply("rep", text)
assert(ok, r)
local want = [[
rep::f: replaced, 4 references
rep::g: replaced, 1 reference
rep::["odd\x1b"]: replaced, 1 reference
rep::e1: 2 instances replaced
rep::f: n keeps 1, the update's 5 is dropped (hotfix.set{target="rep::f^n"} changes it)
rep::f: s keeps "a\x1bb", the update's "new" is dropped (hotfix.set{target="rep::f^s"} changes it)
rep::list[1]: set from its function to 3
rep: waits for the event later\x1b
]]
-- Which variable is seen first is the compiler's.
local function sorted(s) local t = {}; for l in s:gmatch "[^\n]+" do t[#t + 1] = l end; table.sort(t); return table.concat(t, "\n") end
local got = r.text:gsub("set from %a* ?function", "set from its function")
assert(sorted(got) == sorted(want), r.text)
assert(not r.text:find("\27"))
local again
ok, again = hotfix.apply("rep", text)
assert(ok and again.already and again.text == "")
