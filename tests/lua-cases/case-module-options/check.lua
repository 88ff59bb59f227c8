assert(not PATCH_OK)
for _, word in ipairs { "shop::tax", "number", "table", 'keep={"tax"}', 'fresh={"tax"}' } do
  assert(PATCH_ERR:find(word, 1, true), PATCH_ERR)
end
local function source(options)
  return ([[hotfix.module("shop", "local stock = '' return { tax = { food = 1 }, size = function() return #stock * 2 end }", { %s })]]):format(options)
end
local ok, e = hotfix.apply("stock", source "keep = { 'tax' }")
assert(not ok and e:find("'stock'", 1, true) and e:find("string", 1, true), e)
ok, e = hotfix.apply("typo", source "keep = { 'tax', 'stcok' }, fresh = { 'stock' }")
assert(not ok and e:find("shop: keep names 'stcok'", 1, true), e)
ok, e = hotfix.apply("typo", source "kepe = { 'tax' }")
assert(not ok and e:find("'kepe'", 1, true), e)
assert(SHOP.size() == 1)
assert(hotfix.apply("keep", source "keep = { 'tax', 'stock' }"))
assert(SHOP.tax == 2 and SHOP.size() == 2)
assert(hotfix.rollback())
assert(hotfix.apply("fresh", source "fresh = { 'tax', 'stock' }"))
assert(SHOP.tax.food == 1 and SHOP.size() == 0)
SHOP.tax.food = 3
assert(hotfix.rollback())
assert(SHOP.tax == 2 and SHOP.size() == 1)
