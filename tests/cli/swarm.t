# Many real clients with real Lua states on one host: one push reaches all of
# them, also when half of them lose their connection in the middle of it and
# come back. N clients (2000; fewer under sanitizers).

. "$HOTFIX_TOP/tests/lib.sh"

n=2000
case $HOTFIX_BUILD in */asan) n=200 ;; esac
swarm=$HOTFIX_BUILD/tests/swarm

game
# The swarm's programs say nothing.
cat >quiet.lua <<'END'
local game = require "game"
function observe() return tostring(game.damage()) end
END

# ask TEXT REGEX NAME: a line to the swarm, its answer in $line.
ask() {
	n_seen=$(wc -l <swarm.out)
	type_to swarm "$1"
	await swarm.out "$2" $((n_seen + 1))
	ok $? "$3"
}

"$hotfix" keygen key >/dev/null
# The clients wait as the host does.
for backend in ${HOTFIX_LOOP:-epoll}; do
	serve "host" -p key.pub server.lua
	inputs swarm 3
	start swarm "$swarm" -b $backend -v 1.0 -p key.pub "$addr" $n quiet.lua
	ask ready "^ready: $n\$" "$backend: $n clients log in"

	damage 2 >fix.lua
	run "$hotfix" push -k key.sec --version '*' --feature fix --wait 60s \
		--server fix.lua --client fix.lua "$addr"
	exits 0 "$backend: S0.7 one push to $n clients"
	out_has "targeted=$n.* applied=$n .*missing=0" \
		"$backend: S0.10 every one answered applied"
	ask observe "^observe: $n 2\$" "$backend: and every one runs it"

	ask 'arm 50' '^armed' "$backend: half of them will lose the connection"
	damage 3 >fix.lua
	run "$hotfix" push -k key.sec --version '*' --feature fix --wait 60s \
		--server fix.lua --client fix.lua "$addr"
	exits 0 "$backend: a push while half of them drop and return"
	out_has "targeted=$n.* applied=$n .*missing=0" \
		"$backend: S0.9 none is lost"
	id=$(field id out)
	grep -q '^broken: ' swarm.out
	ok $? "$backend: they did lose it ($(grep '^broken' swarm.out))"
	ask "settle $id" "^settled: $n\$" "$backend: all run it in the end"
	ask observe "^observe: $n 3\$" "$backend: and behave so"

	run "$hotfix" revert -k key.sec --wait 60s "$id" "$addr"
	exits 0 "$backend: the revert reaches them"
	ask "gone $id" '^gone: 0$' "$backend: it runs nowhere any more"
	ask observe "^observe: $n 1\$" "$backend: and everything is as it was"
	type_to swarm quit
	wait "$(cat swarm.pid)"
	ok $? "$backend: the swarm ends"
	stop host
	exec 3>&-
	rm -f swarm.in
done
finish
