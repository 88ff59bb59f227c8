hotfix.replace { target = "store::open", with = function() return "lower" end }
