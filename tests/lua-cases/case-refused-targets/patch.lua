hotfix.replace { target = "zoo::Cat.walk", with = function() end }
