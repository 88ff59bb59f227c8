M = {}; package.loaded.m = M
function M.f(n) return "o" .. n end
