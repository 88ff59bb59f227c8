local left, right
function left(n) return n == 0 and "L" or "L" .. right(n - 1) end
function right(n) return n == 0 and "R" or "R" .. left(n - 1) end
hotfix.replace { target = "turn::left", with = left }
hotfix.replace { target = "turn::weight[1]", with = right }
