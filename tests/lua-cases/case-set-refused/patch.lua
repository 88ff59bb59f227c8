hotfix.set { target = "rate::a", value = 10 }
hotfix.replace { target = "rate::f", with = function() return 2 end }
hotfix.set { target = "rate::b", value = 20, expect = 3 }
