local gold
hotfix.replace { target = "mine::dig", with = function() gold = gold + 10; return gold end }
