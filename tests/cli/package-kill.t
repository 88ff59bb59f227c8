# A client is killed at random instants while it fetches, unpacks and applies a
# package: every next start goes on, and at last all of it is there.
. "$HOTFIX_TOP/tests/lib.sh"

times=50
mkdoc=$HOTFIX_BUILD/tests/mkdoc
"$hotfix" keygen key >/dev/null
mkdir -p rel1 rel2/m rel2/data shop
echo 'return 1' >rel1/part.lua
echo 'return 2' >rel2/part.lua
cat >rel1/main.lua <<-'END'
io.stdout:setvbuf("line")
require "part"
print("runs")
hotfix.on("package", function(release) print("package " .. release) end)
END
cp rel1/main.lua rel2
n=0
while [ "$n" -lt 40 ]; do
	n=$((n + 1))
	head -c 65536 /dev/urandom >"rel2/data/$n"
done
"$hotfix" pack -q -n game -r 2 -o shop/game-2.tar rel2 >/dev/null
# Slow enough to be met half way.
cat >get.sh <<-'END'
: >"$2"
while dd if="shop/${1#shop://x/}" bs=65536 count=4 status=none \
	skip="$(($(wc -c <"$2") / 65536))" >>"$2" &&
	[ "$(wc -c <"$2")" -lt "$(wc -c <"shop/${1#shop://x/}")" ]; do
	:
done
END

serve host -p key.pub --fetch-with 'sh get.sh'
id=$("$mkdoc" key.sec release doc "package: game 2 \
$(wc -c <shop/game-2.tar) $(md5sum <shop/game-2.tar | cut -d' ' -f1) \
$(sha512sum <shop/game-2.tar | cut -d' ' -f1) shop://x/game-2.tar")
"$hotfix" push -q doc "$addr" >/dev/null

game() { # NAME
	start "$1" "$hotfix" client -p key.pub --id one --state state \
		--fetch-with 'sh get.sh' "$addr" rel1/main.lua
}

# What is there under its name is whole; nothing else is in the way.
whole() {
	for t_dir in state/packages/game/2-????????????????; do
		[ -e "$t_dir" ] || return 0
		"$hotfix" verify -q "$t_dir" >/dev/null 2>bad || return 1
	done
}

broken=0
n=0
while [ "$n" -lt "$times" ]; do
	n=$((n + 1))
	game "game$n"
	# 0 to 511 ms after it runs.
	await "game$n.out" '^runs' || break
	r=$(od -An -N2 -tu2 /dev/urandom)
	sleep "0.$(printf '%03d' $((r % 512)))"
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
	whole || broken=$((broken + 1))
	# What came is forgotten now and then, so that fetching is met as often
	# as what follows; and two deaths in a row count against an update.
	[ $((n % 5)) -ne 0 ] || rm -rf state
done
is "$n" "$times" 'it starts every time'
is "$broken" 0 'what has its name is whole, every time'

rm -rf state
game last
sees last.out '^package 2$' 'the last start has all of it'
whole
ok $? 'and it is whole' || note bad
is "$(find state/packages/game -name '*.new-*' -o -name '.gone-*' | wc -l)" 0 \
	'no rubbish is left'
finish
