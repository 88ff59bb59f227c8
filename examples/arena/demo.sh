#!/bin/sh
# The main job on loopback, with real output: a host and three clients play,
# a bug is seen on both ends, one signed push mends both while they play on,
# and a player who comes later gets it too. Ends by itself, cleans up.
#
#   usage: demo.sh        (make demo builds first)
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
arena=$top/examples/arena
hotfix=${HOTFIX:-$top/hotfix}
dir=$(mktemp -d "${TMPDIR:-/tmp}/hotfix-demo.XXXXXX")
pids=

finish() {
	status=$?
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	wait 2>/dev/null || :
	[ $status = 0 ] || {
		echo "--- the demo failed; what the host said:"
		tail -n 20 "$dir/host.err" 2>/dev/null
	}
	rm -rf "$dir"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n== %s\n' "$*"; }
show() { printf '   $ hotfix %s\n' "$*"; }

# until_line PATTERN FILE [FROM]: wait until a line of FILE after line FROM
# matches, print it; 20 s are enough for anything here.
until_line() {
	timeout 20 sh -c '
		while :; do
			line=$(tail -n +"$3" "$2" 2>/dev/null |
				grep -m 1 -e "$1") && break
			sleep 0.05
		done
		printf "   %s\n" "$line"' sh "$1" "$2" "${3:-1}" || {
		echo "demo: no line like '$1' in $2" >&2
		return 1
	}
}

# A client's standard input stays open without anybody typing.
player() {
	"$hotfix" client -p studio.pub --id "$1" --program arena \
		--version 1.0 "$host" "$arena/client.lua" \
		</dev/null >"$1.out" 2>"$1.err" &
	pids="$pids $!"
}

cd "$dir"
say 'A key for the operator'
show 'keygen studio'
"$hotfix" keygen studio

say 'A host with the game, and three players'
show 'serve -p studio.pub -l 127.0.0.1:0 --state state --program arena --version 1.0 server.lua'
"$hotfix" serve -p studio.pub -l 127.0.0.1:0 --state state --name demo \
	--program arena --version 1.0 "$arena/server.lua" \
	>host.out 2>host.err &
pids="$pids $!"
until_line '^listening:' host.out
host=$(sed -n 's/^listening: //p' host.out | head -n 1)
show "client -p studio.pub --id ann --program arena --version 1.0 $host client.lua"
for name in ann bob cid; do
	player $name
done
for name in ann bob cid; do
	until_line '^hit: ' $name.out >/dev/null
done

say 'The bug: armour adds to the damage (power 10, armour 4: 14, not 6)'
until_line 'hits .*damage 14' host.err
until_line '^hit: .*damage 14' ann.out

say 'One signed push for both ends'
show "push -k studio.sec --version '1.*' --server fix-server.lua --client fix-client.lua $host"
seen=$(wc -l <ann.out)
"$hotfix" push -k studio.sec --version '1.*' --feature damage \
	--server "$arena/fix-server.lua" --client "$arena/fix-client.lua" \
	"$host" 2>push.err | sed 's/^/   /'

say 'Both ends have it; the game went on, its counters too'
until_line 'hits .*damage 6' host.err
until_line '^hit: .*damage 6' ann.out "$seen"

say 'A player who comes later gets it before anything else'
player dee
until_line '^hit: .*damage 6' dee.out
! grep -q 'damage 14' dee.out || {
	echo "demo: dee saw the bug" >&2
	exit 1
}

say 'What the host says of it'
show "status $host"
"$hotfix" status "$host" | grep -E '^(clients|update):' | sed 's/^/   /'
show "log -n 3 $host"
"$hotfix" log -n 3 "$host" | cut -c 1-100 | sed 's/^/   /'
say 'Done.'
