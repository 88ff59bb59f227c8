local n
hotfix.replace { target = "duel::draw", on = "round", when = function(number, who)
  ASKED[#ASKED + 1] = "draw " .. number
  return number > 2 and who == nil
end, with = function() n = n + 10; return "new draw " .. n end }
hotfix.hook { target = "duel::aim", on = "round", when = function(number)
  ASKED[#ASKED + 1] = "aim " .. number
  return number ~= 3
end, with = function(original) n = n + 100; return "new " .. original() end }
hotfix.replace { target = "duel::fire", on = "end", with = function() return "new fire " .. n end }
hotfix.replace { target = "duel::n", with = function() return "n " .. n end }
