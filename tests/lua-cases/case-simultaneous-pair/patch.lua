local said
local ping, pong
function ping(n) said[#said + 1] = "PING"; return n == 0 and "END" or pong(n - 1) end
function pong(n) said[#said + 1] = "PONG"; return n == 0 and "END" or ping(n - 1) end
hotfix.replace { target = "chat::ping", with = ping }
hotfix.replace { target = "chat::pong", with = pong }
