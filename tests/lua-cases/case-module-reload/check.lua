assert(PATCH_OK, PATCH_ERR)
assert(INN == require "inn" and INN.guests() == GUESTS and #GUESTS == 1)
assert(ENTER "bob" == 16 and INN.enter == ENTER and INN.free == FREE and GUESTS[2] == "bob!")
assert(INN.leave() == 18 and #GUESTS == 1 and FREE() == 18)
assert(INN.price.single == 6 and INN.price.double == 8 and INN.price.suite == 30 and INN.sign == "" and INN.open == true)
assert(#INN.list == 4)
for _, line in ipairs { ": rooms keeps 10, the update's 20 is dropped", "inn::price.single keeps 6, the update's 5 is dropped",
  "inn::price.double keeps 8, the update's 9 is dropped", "inn::sign keeps \"\", the update's \"The New Inn\" is dropped" } do
  assert(PATCH_REPORT.text:find(line, 1, true), line .. " / " .. PATCH_REPORT.text)
end
assert(hotfix.rollback())
assert(ENTER "cid" == 8 and tostring(INN.enter) == BASE and INN.enter == ENTER and INN.leave == nil and INN.open == nil)
assert(INN.price.suite == nil and INN.price.single == 6 and GUESTS[2] == "cid")
