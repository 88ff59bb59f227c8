hotfix.hook { target = "string::upper", allow_c = true, with = function(original, s, ...)
  return original(s, ...) .. "!"
end }
