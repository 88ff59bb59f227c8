local function no() error("a metamethod was called", 2) end
local guard = { __index = no, __newindex = no, __pairs = no, __len = no, __eq = no, __call = no, __gc = nil, __metatable = "locked", __name = "locked" }
local function hit() return "old" end
GUARDED = {}
for i = 1, 50 do
  GUARDED[i] = setmetatable({ hit = hit, [hit] = i }, guard)
end
local real = { hit = hit }
PROXY = setmetatable({}, { __index = real, __newindex = no, __pairs = no })
package.loaded.real = real
