assert(not PATCH_OK)
assert(PATCH_ERR:find("till::pay", 1, true) and PATCH_ERR:find("'golds'", 1, true) and PATCH_ERR:find("gold, tax", 1, true), PATCH_ERR)
assert(TILL.pay() == 8)
