-- The arena's client: shows what happens. A line that is typed is said to
-- everybody; "/status" asks the server how the game stands.

local view = require "view"

-- A line is seen when it is printed, also through a pipe.
io.stdout:setvbuf("line")

-- What the server sends, by the first word of a line (see server.lua).
local news = {}

function news.hit(rest)
  local by, whom, power, armour, before, after =
    rest:match("^(%S+) (%S+) (%d+) (%d+) (%d+) (%d+)$")
  if by then
    view.hit(by, whom, tonumber(power), tonumber(armour),
      tonumber(before), tonumber(after))
  end
end

function news.kill(rest) view.line("kill", (rest:gsub(" ", " kills ", 1))) end
function news.join(rest) view.line("join", rest) end
function news.leave(rest) view.line("leave", rest) end
function news.say(rest) view.line("say", (rest:gsub(" ", ": ", 1))) end
function news.status(rest) view.line("status", rest) end

hotfix.on("message", function(text)
  local verb, rest = text:match("^(%a+) ?(.*)$")
  local show = news[verb]
  if show then show(rest) end
end)

hotfix.on("line", function(text)
  local ok, why
  if text == "/status" then
    ok, why = hotfix.send("status")
  else
    ok, why = hotfix.send("say " .. text)
  end
  if not ok then view.line("error", why) end
end)

hotfix.on("welcome", function() view.line("arena", "welcome") end)
hotfix.on("gone", function(why) view.line("arena", "gone: " .. why) end)
