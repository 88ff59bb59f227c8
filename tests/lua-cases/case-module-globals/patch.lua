hotfix.module("rules", [[
SCORE = { best = 0, add = function(n) SCORE.best = SCORE.best + 2 * n; return SCORE.best end, clear = function() SCORE.best = 0 end }
LIMIT = 20
NAMES = { "a" }
function check(n) return n < LIMIT, names() end
function names() return #NAMES end
]])
