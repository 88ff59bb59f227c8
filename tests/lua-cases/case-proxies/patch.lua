hotfix.replace { target = "real::hit", with = function() return "new" end }
