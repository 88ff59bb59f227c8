local crit, limit = 1, 2
hotfix.hook { target = "m::f", with = function(original) return crit + original() * 0 end }
hotfix.replace { target = "m::g", with = function() return limit end }
hotfix.module("n", [[
local room = 3
local N = { price = 7 }
function N.h() return room end
return N]])
