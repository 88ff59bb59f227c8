local crit, limit = 15, 10
local M = { price = 5 }
package.loaded.m = M
function M.f() return crit end
function M.g() return limit end
package.preload.n = function()
  local room = 1
  local N = { price = 6 }
  function N.h() return room end
  return N
end
require "n"
