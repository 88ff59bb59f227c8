hotfix.replace { target = "show::a", with = function() return 2 end }
hotfix.replace { target = "show::b", on = "start", with = function() return 2 end }
hotfix.after(function() LOG[#LOG + 1] = "after " .. SHOW.a() + SHOW.b(); if FAIL then error "told to" end end)
hotfix.on_rollback(function() LOG[#LOG + 1] = "back " .. SHOW.a() + SHOW.b() end)
