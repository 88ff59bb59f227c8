hotfix.replace { target = "farm::seed", with = function() return "new" end }
hotfix.set { target = "farm::size", value = 2 }
hotfix.replace { target = "farm::plough", on = "spring", with = function() return "new" end }
hotfix.replace { target = "farm::reap", on = "spring", when = function(year) TRIED = (TRIED or 0) + 1; return year.number > 1 end,
  with = function() return "new" end }
