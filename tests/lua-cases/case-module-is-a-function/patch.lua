hotfix.module("roll", [[
local last = 0
return function(n) last = last + 10 * n; return last end]])
