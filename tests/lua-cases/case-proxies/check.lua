assert(PATCH_OK, PATCH_ERR)
local function all(word)
  local f = package.loaded.real.hit
  assert(f() == word and PROXY.hit == f)
  for i = 1, 50 do
    assert(rawget(GUARDED[i], "hit") == f and rawget(GUARDED[i], f) == i)
    assert(next(GUARDED[i], next(GUARDED[i], (next(GUARDED[i])))) == nil)
  end
end
all "new"
assert(PATCH_REPORT.replaced >= 101)
assert(hotfix.rollback())
all "old"
