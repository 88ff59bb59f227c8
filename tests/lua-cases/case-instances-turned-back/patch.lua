hotfix.replace { target = "ray::len", with = function() return 2 end }
