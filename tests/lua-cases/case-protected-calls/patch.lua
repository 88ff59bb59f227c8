hotfix.replace { target = "net::get", with = function(x) return "new " .. tostring(x) end }
hotfix.replace { target = "net::iter", with = function(s, i) if i < 3 then return i + 1, "new" end end }
