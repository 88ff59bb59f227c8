package.preload["chat"] = function()
  local said = {}
  local pong
  local function ping(n) said[#said + 1] = "ping"; return n == 0 and "end" or pong(n - 1) end
  function pong(n) said[#said + 1] = "pong"; return n == 0 and "end" or ping(n - 1) end
  return { ping = ping, pong = pong, said = function() local s = table.concat(said, " "); said = {}; return s end }
end
CHAT = require "chat"
PING, PONG = CHAT.ping, CHAT.pong
CO = coroutine.wrap(function(f) while true do f = coroutine.yield(f(1)) or f end end)
CO(CHAT.ping)
CHAT.said()
