package.preload["bag"] = function()
  local items, limit = { "sword" }, 10
  return {
    put = function(x) items[#items + 1] = x; return #items end,
    count = function() return #items end,
    grow = function() limit = limit + 1; return limit end,
  }
end
require "bag".grow()
