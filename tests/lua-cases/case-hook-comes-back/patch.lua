hotfix.hook{ target="m::f", with=function(original, n) return "a" .. original(n) end }
