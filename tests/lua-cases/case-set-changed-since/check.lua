assert(PATCH_OK, PATCH_ERR)
assert(hotfix.apply("gift", [[
hotfix.set { target = "store::stock", value = 100, expect = 1 }
hotfix.set { target = "store::price", value = 6, expect = 5 }]]))
STORE.stock = STORE.stock - 30
local ok, e = hotfix.rollback("case")
assert(ok, e)
assert(STORE.open() == "old" and STORE.price == 6 and STORE.stock == 70, "stock " .. STORE.stock)
assert(hotfix.apply("case", "hotfix.replace { target = 'store::open', with = function() return 'again' end }"))
assert(STORE.open() == "again" and STORE.stock == 70 and STORE.price == 6)
assert(hotfix.rollback("gift"))
assert(STORE.stock == 70 and STORE.price == 5 and STORE.open() == "again")
