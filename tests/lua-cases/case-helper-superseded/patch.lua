local function bias() return 2 end
hotfix.replace { target = "aim::shot", with = function() return bias() end }
