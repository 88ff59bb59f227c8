hotfix.replace { target = "keep::gaet", on = "dawn", with = function() end }
