hotfix.module("shop", [[
local stock = { "axe" }
return { tax = { food = 1 }, size = function() return #stock * 2 end }]])
