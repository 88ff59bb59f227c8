local calls = 0
hotfix.hook { target = "deep::down", with = function(original, n)
  calls = calls + 1
  local r = original(n)
  if n == 50000 then return r, calls end
  return r
end }
