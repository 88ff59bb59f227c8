hotfix.instances { like = "game::first", make = function()
  local name, left, total
  local ticks = 0
  return function(n)
    ticks = ticks + 1
    left = left - 2 * (n or 1)
    total = total + 100
    return name .. " at " .. left .. " after " .. ticks
  end
end }
