hotfix.hook { target = "door::open", with = function(original) return "older " .. original() end }
