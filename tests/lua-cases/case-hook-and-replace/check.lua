assert(PATCH_OK, PATCH_ERR)
assert(hotfix.apply("b", [[local heat
hotfix.replace { target = "pot::boil", with = function() heat = heat + 10; return "new " .. heat end }]]))
assert(POT.boil() == "new 11")
assert(hotfix.rollback("b"))
assert(POT.boil() == "hook boil 12")
assert(hotfix.apply("c", [[local heat
hotfix.replace { target = "pan::boil", with = function() heat = heat + 10; return "new " .. heat end }]]))
assert(hotfix.apply("d", [[local heat
hotfix.hook { target = "pan::boil", with = function(original) heat = heat + 100; return "hook " .. original() end }]]))
assert(PAN.boil() == "hook new 111")
assert(hotfix.apply("c", [[
hotfix.replace { target = "pan::boil", keep = { "heat" }, with = function() return "newer" end }]]) == false)
assert(hotfix.apply("c", [[local heat
hotfix.replace { target = "pan::boil", with = function() heat = heat + 20; return "newer " .. heat end }]]))
assert(PAN.boil() == "hook newer 231")
assert(hotfix.rollback("c"))
assert(PAN.boil() == "hook boil 332" and hotfix.rollback("d") and PAN.boil() == "boil 333")
assert(hotfix.rollback("case") and POT.boil() == "boil 13")
