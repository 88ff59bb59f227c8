hotfix.hook { target = "scene::walk", with = function(original, who)
  coroutine.yield("ready")
  return "1(" .. original(who) .. ")"
end }
