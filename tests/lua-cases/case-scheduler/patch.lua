local beats
hotfix.replace { target = "sched::task", with = function(name)
  beats = beats + 10
  return name .. " new " .. beats
end }
