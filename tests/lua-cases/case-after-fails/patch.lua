local n
hotfix.replace { target = "port::dock", with = function() n = n + 10; return "first " .. n end }
hotfix.set { target = "port::fee", value = 2 }
hotfix.after(function() LOG[#LOG + 1] = "after " .. package.loaded.port.dock() end)
hotfix.on_rollback(function() LOG[#LOG + 1] = "back " .. package.loaded.port.fee end)
