local g, r, rate = nil, nil, 100
hotfix.replace {
  target = "bank::add",
  upvalues = { g = "bank::add^log^gold", r = 2 },
  fresh = { "rate" },
  with = function(n) g = g + n * r + rate end,
}
