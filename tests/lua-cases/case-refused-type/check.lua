assert(not PATCH_OK)
for _, word in ipairs { "score::get", "'best'", "table", "number", "keep", "fresh" } do
  assert(PATCH_ERR:find(word, 1, true), PATCH_ERR)
end
assert(SCORE.get() == "table")
local text = [[local best = 0
hotfix.replace { target = "score::get", %s = { "best" }, with = function() return "new " .. type(best) end }]]
assert(hotfix.apply("keep", text:format("keep")))
assert(SCORE.get() == "new table")
assert(hotfix.rollback("keep"))
assert(hotfix.apply("fresh", text:format("fresh")))
assert(SCORE.get() == "new number")
local ok, e = hotfix.apply("typo", [[local best
hotfix.replace { target = "score::get", keep = { "bset" }, with = function() return best end }]])
assert(not ok and e:find("'bset'", 1, true), e)
