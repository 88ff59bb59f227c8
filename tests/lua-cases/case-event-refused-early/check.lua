assert(not PATCH_OK and PATCH_ERR:find("keep::gaet: no field 'gaet'", 1, true), PATCH_ERR)
local function refused(text, ...)
  local ok, e = hotfix.apply("try", text)
  assert(not ok, text)
  for _, word in ipairs { ... } do assert(e:find(word, 1, true), e) end
end
refused("hotfix.replace { target = 'keep::gate', on = 'dawn', with = print }", "keep::gate", "with is not a function of this update")
refused("hotfix.hook { target = 'keep::gate', on = 'dawn', with = print }", "keep::gate", "with is not a function of this update")
refused("hotfix.replace { target = 'keep', on = 'dawn', with = function() end }", "keep", "table value")
refused("hotfix.replace { target = 'keep::gate', on = 5, with = function() end }", "on must be a string")
refused("hotfix.hook { target = 'keep::gate', when = print, with = function() end }", "when needs the event")
refused("hotfix.set { target = 'keep::gate', on = 'dawn' }", "unknown field 'on'")
assert(hotfix.apply("later", "hotfix.replace { target = 'tower::top', on = 'dawn', with = function() return 'high' end }"))
require "tower"
hotfix.fire("dawn")
assert(package.loaded.tower.top() == "high" and KEEP.gate() == "shut")
