# The cases of tests/lua-cases: with either kind of collector and with both
# ways of looking for references, and that each of them fails when nothing is applied.
n=0
run() {
	n=$((n + 1))
	what=$1
	shift
	if out=$("$HOTFIX_BUILD/tests/lua-cases" "$@" \
	    "$HOTFIX_TOP/tests/lua-cases" 2>&1); then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		echo "$out" | grep -v '^ok' | sed 's/^/# /'
	fi
}
run 'every case'
run 'every case with the generational collector' -g
run 'every case, looked for by the API' -a
run 'every case, by the API, generational' -ag
run 'with nothing applied every case fails' -n
echo "1..$n"
