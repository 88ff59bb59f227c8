# The host is killed with -9 at random instants of pushes, again and again.
# Each time it starts again; the ledger only ever grows (but for a torn last
# line); what an operator was told is applied is in force at the next start;
# in the end all clients run the same.

. "$HOTFIX_TOP/tests/lib.sh"

want=100 # pushes cut off in the middle
span=80  # milliseconds in which the kill comes
case $HOTFIX_BUILD in */asan) want=20 span=400 ;; esac
swarm=$HOTFIX_BUILD/tests/swarm

game
cat >quiet.lua <<'END'
local game = require "game"
function observe() return tostring(game.damage()) end
END
# An update that two starts in a row did not prove is left out.
echo 'hotfix.after(0, hotfix.proven)' >>server.lua
"$hotfix" keygen key >/dev/null
serve first -p key.pub --state state server.lua
stop first

# random MAX: a number below it into $r; the seed is printed once.
seed=${TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
echo "# TEST_SEED=$seed"
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	r=$((seed / 65536 % $1))
}

inputs swarm 3
start swarm "$swarm" -v 1.0 -p key.pub "$addr" 3 quiet.lua

# grows OLD NEW: OLD without a torn last line is how NEW begins.
grows() {
	whole=$(tail -c 1 "$1" | od -An -c | tr -d ' ')
	if [ "$whole" != '\n' ]; then
		sed '$d' "$1" >"$1.cut" && mv "$1.cut" "$1"
	fi
	cmp -s -n "$(wc -c <"$1")" "$1" "$2"
}

bad_starts=0
bad_ledgers=0
lost=0
asked=0
told=0
cut=0
pushes=0
live= # the id told last, and those of the pushes cut since: A|B|C
i=0

# listens: the host, started as $host, prints its address within 20 s.
listens() {
	tries=0
	until grep -q '^listening' host.out; do
		kill -0 $host 2>/dev/null && [ $tries -lt 1000 ] || return 1
		tries=$((tries + 1))
		sleep 0.02
	done
}

# keeps: the host that has started again says that what was told last is in
# force, or what a push that was cut since would have put into its place.
keeps() {
	"$hotfix" status "$addr" >status.out 2>&1
	grep -Eq "^update: ($live) fix live server=applied " status.out
}
while [ $cut -lt $want ] && [ $i -lt $((20 * want)) ]; do
	i=$((i + 1))
	cp state/ledger before
	: >host.out
	"$hotfix" serve -l "$addr" --name first -p key.pub --state state \
		server.lua >host.out 2>host.err &
	host=$!
	# Before the first one is told nothing need be there.
	if listens && [ $told -gt 0 ]; then
		asked=$((asked + 1))
		keeps || {
			lost=$((lost + 1))
			echo "# want $live"
			note status.out
		}
	fi
	random $span
	(
		sleep "0.$(printf %03d "$r")"
		kill -9 $host
	) 2>/dev/null &
	killer=$!
	# One push after the other, until the kill cuts one off.
	while :; do
		pushes=$((pushes + 1))
		damage $((1000 + pushes)) >fix.lua
		"$hotfix" push -k key.sec --version '*' --feature fix \
			--server-version '*' --wait 1s --server fix.lua \
			--client fix.lua "$addr" >push.out 2>push.err || break
		told=$((told + 1))
		live=$(field id push.out)
	done
	if grep -q '^id: ' push.out; then
		cut=$((cut + 1))
		live=${live:+$live|}$(field id push.out)
	fi
	wait $host $killer 2>/dev/null
	if grep -q 'serve: ' host.err; then
		grep -v 'torn\|taken back' host.err >bad || :
		if grep -q 'hotfix: serve' bad; then
			bad_starts=$((bad_starts + 1))
			note bad
		fi
	fi
	grows before state/ledger || bad_ledgers=$((bad_ledgers + 1))
done

is $bad_starts 0 "$i starts after a kill -9, none refused"
is $bad_ledgers 0 'each ledger is how the next one begins'
is $cut $want "of them $want in the middle of a push"
is $lost 0 "what an operator was told ($told times) is live at the next start"
[ $asked -gt $((want / 2)) ]
ok $? "asked $asked times"

cp state/ledger before
start last "$hotfix" serve -l "$addr" --name first -p key.pub --state state \
	server.lua
sees last.out '^listening: ' 'the last start'
damage 7 >fix.lua
deadline=60 # clients wait up to 30 s between two attempts
type_to swarm ready
sees swarm.out '^ready: 3$' 'the clients come back'
run "$hotfix" push -k key.sec --version '*' --feature fix --wait 30s \
	--server-version '*' --server fix.lua --client fix.lua "$addr"
exits 0 'a push after all that'
out_has 'targeted=3.* applied=3 ' 'reaches them all'
type_to swarm observe
sees swarm.out '^observe: 3 7$' 'the clients converged'
run "$hotfix" verify state/ledger
exits 0 'the chain of the ledger holds'
type_to swarm quit
finish
