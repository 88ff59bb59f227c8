hotfix.replace { target = "lamp::lit", with = function() return "lit" end }
hotfix.on_rollback(function() LOG[#LOG + 1] = "a" .. LAMP.lit() end)
hotfix.on_rollback(function() error "no tidying" end)
hotfix.on_rollback(function() LOG[#LOG + 1] = "c" end)
