-- What the player sees, on the client.

local view = {}

-- How many blows were shown since the client started.
local shown = 0

function view.line(kind, text)
  print(kind .. ": " .. text)
end

-- The server tells who hit whom and how strong both are; how much damage that
-- makes is worked out here once more, with the server's formula and its bug:
-- armour adds to the damage instead of taking from it.
function view.hit(by, whom, power, armour, before, after)
  shown = shown + 1
  local damage = power + armour
  view.line("hit", ("#%d %s hits %s, damage %d, hp %d to %d")
    :format(shown, by, whom, damage, before, after))
end

return view
