package.preload["rules"] = function()
  SCORE = { best = 0, add = function(n) SCORE.best = SCORE.best + n; return SCORE.best end }
  LIMIT = 10
  function check(n) return n < LIMIT end
end
assert(require "rules" == true)
CHECK, ADD = check, SCORE.add
SCORE.add(5)
