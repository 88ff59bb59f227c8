assert(PATCH_OK, PATCH_ERR)
local function is(n, w, got) assert(w == "new" and got == n, n .. ": " .. w .. " " .. got) end
is(3, BOUND(nil))
is(2, PASSED(nil, nil))
is(3, WAITING())
local ok, w, n = coroutine.resume(UNBORN, nil, nil)
assert(ok); is(2, w, n)
is(1, UNBORN_ARG(require "rpc".call))
