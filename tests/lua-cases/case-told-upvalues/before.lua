package.preload["bank"] = function()
  local gold = 5
  local function log(n) gold = gold + n end
  local rate = 2
  return {
    add = function(n) log(n * rate) end,
    gold = function() return gold end,
    rate = function(n) rate = n or rate; return rate end,
  }
end
BANK = require "bank"
