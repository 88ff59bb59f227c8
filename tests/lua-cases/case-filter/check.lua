assert(PATCH_OK, PATCH_ERR)
assert(THINK() == "hard")
local function refused(text, ...)
  local ok, e = hotfix.apply("try", "hotfix.replace { target = 'ai::think', " .. text .. " }")
  assert(not ok, text)
  for _, word in ipairs { ... } do assert(e:find(word, 1, true), e) end
  assert(THINK() == "hard")
end
refused("with = { a = function() end, b = function() end }, filter = function() return true end", "picked 2 functions, not one")
refused("with = { a = function() end }, filter = function(name) return name == 'c' end", "picked 0 functions, not one")
refused("with = { a = function() end }", "with is a table", "filter")
refused("with = function() end, filter = print", "filter", "with is a function")
refused("with = { a = print }, filter = function() return true end", "ai::think", "with is not a function of this update")
refused("with = { a = function() end }, filter = function() error 'cannot' end", "cannot")
assert(hotfix.apply("hook", [[hotfix.hook { target = "ai::think",
  with = { function(o) return "1 " .. o() end, function(o) return "2 " .. o() end }, filter = function(i) return i == 2 end }]]))
assert(THINK() == "2 hard" and hotfix.rollback() and hotfix.rollback() and THINK() == "old")
