local total
hotfix.replace { target = "nest::outer", with = function(a)
  total = total + 100
  return function(b)
    a = a * b
    return function(c)
      total = total + 2 * c
      return a, total, "new"
    end
  end
end }
