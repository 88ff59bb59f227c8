local gold
hotfix.hook { target = "shop::pay", with = function(original, n, ...)
  gold = gold + 1
  return "hooked", original(n, ...)
end }
