-- The update for the running clients, the other half of fix-server.lua: they
-- show the damage by the same formula. Pushed together, both ends change as
-- one:
--
--   hotfix push -k KEY --version '*' \
--     --server fix-server.lua --client fix-client.lua HOST

-- Variables of the old function: "shown" keeps its count, "view" is the
-- module's own table, so that view.line is found as before.
local shown, view

hotfix.replace {
  target = "view::hit",
  with = function(by, whom, power, armour, before, after)
    shown = shown + 1
    local damage = math.max(power - armour, 1)
    view.line("hit", ("#%d %s hits %s, damage %d, hp %d to %d")
      :format(shown, by, whom, damage, before, after))
  end,
}
