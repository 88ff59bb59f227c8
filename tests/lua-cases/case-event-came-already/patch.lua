hotfix.replace { target = "tide::moon", with = function() return "lower" end }
