assert(PATCH_OK, PATCH_ERR)
assert(PING(2) == "END" and CHAT.said() == "PING PONG PING")
assert(PONG(1) == "END" and CHAT.said() == "PONG PING" and CHAT.ping == PING and CHAT.pong == PONG)
assert(CO() == "END" and CHAT.said() == "PING PONG")
assert(hotfix.apply("swap", [[
local m = package.loaded.chat
hotfix.set { target = "chat::ping", value = m.pong }
hotfix.set { target = "chat::pong", value = m.ping }]]))
assert(CHAT.ping == PONG and CHAT.pong == PING and CHAT.ping(0) == "END" and CHAT.said() == "PONG")
assert(hotfix.rollback("case"))
assert(CHAT.ping(1) == "end" and CHAT.said() == "pong ping", "the fields stay swapped")
assert(hotfix.rollback("swap"))
assert(CHAT.ping == PING and PING(1) == "end" and CHAT.said() == "ping pong" and CO() == "end")
