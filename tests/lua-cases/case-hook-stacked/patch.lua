hotfix.hook { target = "mail::send", with = function(original, s) return "a" .. original(s) end }
