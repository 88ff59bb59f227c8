# The examples of hotfix-lua(3): those that are marked in the page are applied
# to the programs in tests/man-lua, whose checks tell what must come of them.
page=$HOTFIX_TOP/man/hotfix-lua.3
programs=$HOTFIX_TOP/tests/man-lua
cases=$HOTFIX_BUILD/tests/lua-cases
n=0
ok() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# example NAME: its text as a reader sees it.
example() {
	awk -v name="$1" '
		$0 == ".\\\" example " name { found = 1 }
		found && /^\.Ed/ { exit }
		found && inside { print }
		found && /^\.Bd/ { inside = 1 }
	' "$page" | sed 's/\\e/\\/g; s/\\&//g'
}

marked=$(sed -n 's/^\.\\" example //p' "$page" | sort | tr '\n' ' ')
there=$(cd "$programs" && printf '%s\n' * | sort | tr '\n' ' ')
[ "$marked" = "$there" ] || echo "# marked: $marked; programs: $there"
ok "$([ "$marked" = "$there" ]; echo $?)" 'each marked example has a program'

mkdir cases
for name in $marked; do
	mkdir "cases/$name"
	cp "$programs/$name/"* "cases/$name"
	example "$name" >"cases/$name/patch.lua"
	ok "$([ -s "cases/$name/patch.lua" ]; echo $?)" "$name: an example"
done
for way in '' -a; do
	out=$("$cases" $way cases 2>&1)
	status=$?
	[ $status = 0 ] || echo "$out" | sed 's/^/# /'
	ok $status "what the page says comes of them${way:+ ($way)}"
done
"$cases" -n cases >/dev/null 2>&1
ok $? 'and nothing of it without them'
echo "1..$n"
