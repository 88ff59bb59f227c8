hotfix.replace { target = "memo::cost^fn", with = function(x) return x * 3 end }
