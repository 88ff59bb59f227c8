local function sandbox(name)
  local env = { who = name }
  package.loaded[name] = load("return { say = function() return who end, set = function(w) who = w end }", "=" .. name, "t", env)()
  return package.loaded[name]
end
ANN, BOB = sandbox "ann", sandbox "bob"
who = "nobody"
