assert(PATCH_OK, PATCH_ERR)
local m, n = require "m", require "n"
assert(m.f() == 15 and m.g() == 10 and n.h() == 1 and n.price == 6)
local hints = 0
for hint in PATCH_REPORT.text:gmatch "hotfix.set{(.-)} changes it" do
  hints = hints + 1
  local ok, e = hotfix.apply("hint" .. hints, "hotfix.set{" .. hint .. ", value = 99}")
  assert(ok, e)
end
assert(hints == 4, PATCH_REPORT.text)
assert(m.f() == 99 and m.g() == 99 and n.h() == 99 and n.price == 99)
