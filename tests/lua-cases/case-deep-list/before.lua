package.preload["queue"] = function()
  local M, head, n = {}, nil, 0
  function M.run() return "old " .. n end
  function M.push(v) head = { v, head }; n = n + 1 end
  function M.head() return head end
  return M
end
QUEUE = require "queue"
for i = 1, 200000 do QUEUE.push(i % 1000 == 0 and QUEUE.run or i) end
