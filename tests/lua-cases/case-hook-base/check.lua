assert(PATCH_OK, PATCH_ERR)
local function same(want, ...)
  assert(select("#", ...) == want.n, select("#", ...))
  for i = 1, want.n do assert((select(i, ...)) == want[i], i) end
end
same({ n = 6, "hooked", 91, 3, nil, 5, nil }, BUY(10, nil, 5, nil))
assert(SHOP.gold() == 91 and BYKEY[SHOP.pay] == "pay")
assert(PATCH_REPORT.replaced == 3, PATCH_REPORT.replaced)
assert(hotfix.apply("second", [[
local gold
hotfix.hook { target = "shop::pay", with = function(original, n)
  gold = gold + 100
  return "second", original(n)
end }]]))
same({ n = 3, "second", 181, 0 }, BUY(10))
assert(hotfix.rollback("second"))
same({ n = 3, "hooked", 172, 0 }, BUY(10))
assert(hotfix.rollback("case"))
same({ n = 2, 162, 0 }, BUY(10))
assert(tostring(SHOP.pay) == BASE and BYKEY[SHOP.pay] == "pay")
