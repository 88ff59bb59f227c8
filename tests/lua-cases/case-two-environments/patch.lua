local function greet() return "I am " .. who end
local function shout() return "I AM " .. who end
hotfix.replace { target = "ann::say", with = function() return greet() end }
hotfix.replace { target = "bob::say", with = function() return shout(), who end }
