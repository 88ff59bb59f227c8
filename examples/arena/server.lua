-- The arena's server: everybody who is logged in fights, a round every 0.2 s.
--
-- Lines to the clients            Lines from a client
--   join ID                         say TEXT
--   leave ID                        status
--   hit BY WHOM POWER ARMOUR HP-BEFORE HP-AFTER
--   kill BY WHOM
--   say ID TEXT
--   status TEXT

local combat = require "combat"

local TICK = 0.2
local CHAT_MAX = 200

-- State of the game. It lives in local variables and in tables; an update
-- that replaces a function leaves all of it as it is.
local players = {}
local rounds = 0

-- A copy of the function in a local variable. An update finds it here, too.
local hit = combat.hit

local function tell_all(...)
  hotfix.broadcast(table.concat({...}, " "))
end

local function fight(by, whom)
  local attacker, target = players[by], players[whom]
  local before = target.hp
  local damage = hit(attacker, target)
  hotfix.log(("round %d: %s hits %s, damage %d, hp %d")
    :format(rounds, by, whom, damage, target.hp))
  tell_all("hit", by, whom, attacker.power, target.armour, before, target.hp)
  if target.hp == 0 then
    attacker.kills = attacker.kills + 1
    target.hp = combat.HP
    hotfix.log(("round %d: %s kills %s"):format(rounds, by, whom))
    tell_all("kill", by, whom)
  end
end

-- Each player hits the next one in the order of ids, the last one the first.
local function round()
  local ids = {}
  for _, id in ipairs(hotfix.clients()) do
    if players[id] then ids[#ids + 1] = id end
  end
  if #ids < 2 then return end
  rounds = rounds + 1
  for i, id in ipairs(ids) do
    fight(id, ids[i % #ids + 1])
  end
end

local commands = {}

function commands.say(id, text)
  -- What a player types is shown on other players' terminals.
  tell_all("say", id, (text:sub(1, CHAT_MAX):gsub("%c", "?")))
end

function commands.status(id)
  local kills = {}
  for _, name in ipairs(hotfix.clients()) do
    local player = players[name]
    if player then kills[#kills + 1] = name .. "=" .. player.kills end
  end
  hotfix.send(id, ("status round %d, hits %d, kills %s")
    :format(rounds, combat.hits(), table.concat(kills, " ")))
end

hotfix.on("join", function(id)
  players[id] = combat.fighter()
  tell_all("join", id)
end)

hotfix.on("leave", function(id)
  players[id] = nil
  tell_all("leave", id)
end)

hotfix.on("message", function(id, text)
  local verb, rest = text:match("^(%a+) ?(.*)$")
  local command = commands[verb]
  if command then command(id, rest) end
end)

hotfix.every(TICK, round)
hotfix.log("arena: open")
