assert(PATCH_OK, PATCH_ERR)
assert(CONF.tax == 12 and CONF.prices[3].iron == 8 and CONF.prices[1] == 50 and CONF.bonus() == false and CONF.motd == nil and CONF.obj.a == 2)
for _, line in ipairs { "conf::tax: set from 10 to 12", "conf::bonus^bonus: set from 3 to false", 'conf::motd: set from "hi" to nil' } do
  assert(PATCH_REPORT.text:find(line, 1, true), PATCH_REPORT.text)
end
CONF.prices[1] = 51
local ok, text = hotfix.rollback()
assert(ok and text:find("1 value that it set was changed since and stays", 1, true), text)
assert(CONF.tax == 10 and CONF.prices[3].iron == 7 and CONF.prices[1] == 51 and CONF.bonus() == 3 and CONF.motd == "hi")
assert(CONF.obj.a == 1 and getmetatable(CONF.obj) == META)
