local golds, tax
hotfix.replace { target = "till::pay", with = function() golds = golds - tax; return golds end }
