package.preload["memo"] = function()
  local stats = {}
  local function memoise(fn)
    local cache = {}
    stats[fn] = cache
    return function(x)
      if cache[x] == nil then cache[x] = fn(x) end
      return cache[x]
    end
  end
  local function cost(x) return x * 2 end
  return {
    cost = memoise(cost),
    direct = function(x) return cost(x) end,
    cached = function() return stats[cost] end,
  }
end
assert(require "memo".cost(1) == 2)
