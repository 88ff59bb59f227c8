hotfix.module("farm", "local M = {}\nfunction M.cows() return 4 end\nMILK = 1\nerror 'no milk'\nreturn M")
