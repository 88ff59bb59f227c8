package.preload["mail"] = function()
  return { send = function(s) return "<" .. s .. ">" end }
end
MAIL = require "mail"
SEND = MAIL.send
