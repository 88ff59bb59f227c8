local upper = string.upper
SHOUT = function(s) return upper(s) end
WAITING = coroutine.wrap(function(f) coroutine.yield(); return f("w") end)
WAITING(string.upper)
UPPER = tostring(string.upper)
