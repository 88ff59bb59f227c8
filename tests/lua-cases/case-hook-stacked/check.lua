assert(PATCH_OK, PATCH_ERR)
assert(SEND("x") == "a<x>")
assert(hotfix.apply("upper", [[
hotfix.hook { target = "mail::send", stack = true, with = function(original, s) return "b" .. original(s) end }]]))
assert(SEND("x") == "ba<x>" and MAIL.send == SEND)
assert(hotfix.apply("case", [[
hotfix.hook { target = "mail::send", with = function(original, s) return "A" .. original(s) end }]]))
assert(SEND("x") == "bA<x>", SEND("x"))
assert(hotfix.rollback("case"))
assert(SEND("x") == "b<x>", SEND("x"))
assert(hotfix.rollback("upper"))
assert(SEND("x") == "<x>" and MAIL.send == SEND)
