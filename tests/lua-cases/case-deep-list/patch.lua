hotfix.module("queue", [[
local M, head, n = {}, nil, 0
function M.run() return "new " .. n end
function M.push(v) head = { v, head }; n = n + 1 end
function M.head() return head end
return M]])
