hotfix.hook { target = "pot::boil", with = function(original) return "hook " .. original() end }
