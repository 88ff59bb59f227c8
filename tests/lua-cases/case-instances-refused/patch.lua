local function same() return "same" end
hotfix.instances { like = "bell::a", make = function() return same end }
