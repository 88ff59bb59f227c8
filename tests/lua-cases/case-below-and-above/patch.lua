local function roll() return 2 end
local hits
hotfix.replace { target = "fight::hit", with = function() hits = hits + 1; return roll() end }
