assert(PATCH_OK, PATCH_ERR)
local function count()
  local node, n, calls = QUEUE.head(), 0, 0
  while node do
    n = n + 1
    if node[1] == QUEUE.run then calls = calls + 1 end
    node = node[2]
  end
  return n, calls
end
local n, calls = count()
assert(n == 200000 and calls == 200 and QUEUE.run() == "new 200000", calls)
assert(hotfix.rollback())
n, calls = count()
assert(n == 200000 and calls == 200 and QUEUE.run() == "old 200000")
