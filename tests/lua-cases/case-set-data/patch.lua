hotfix.set { target = "conf::tax", value = 12, expect = 10 }
hotfix.set { target = "conf::prices[3].iron", value = 8 }
hotfix.set { target = "conf::prices[1]", value = 50 }
hotfix.set { target = "conf::bonus^bonus", value = false, expect = 3 }
hotfix.set { target = "conf::motd", value = nil, expect = "hi" }
hotfix.set { target = "conf::obj@", value = { __index = { a = 2 } } }
