local n, s = 5, "new"
hotfix.replace { target = "rep::f", with = function() return n, s end }
hotfix.hook { target = "rep::g", with = function(o) return o() end }
hotfix.instances { like = "rep::e1", make = function() local i; return function() return -i end end }
hotfix.replace { target = "rep::h", on = "later\27", with = function() return 1 end }
hotfix.replace { target = 'rep::["odd\27"]', with = function() return 2 end }
hotfix.set { target = "rep::list[2]", value = 3 }
