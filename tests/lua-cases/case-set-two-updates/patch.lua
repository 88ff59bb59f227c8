hotfix.set { target = "wage::pay", value = 2, expect = 1 }
