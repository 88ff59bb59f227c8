package.preload["cell"] = function()
  return { new = function(v)
    return { get = function() return v end, set = function(x) v = x end }
  end }
end
local cell = require "cell"
CELLS = setmetatable({}, { __mode = "k" })
ONE, TWO = cell.new(1), cell.new(2)
for i = 1, 100 do CELLS[cell.new(i).get] = true end
package.loaded.cells = { one = ONE }
