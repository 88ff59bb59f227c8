local function make()
  local heat = 1
  return { boil = function() heat = heat + 1; return "boil " .. heat end }
end
package.loaded.pot, package.loaded.pan = make(), make()
POT, PAN = package.loaded.pot, package.loaded.pan
