hotfix.replace { target = "rpc::call", with = function(...) return "new", select("#", ...) end }
