#!/bin/sh
# The main job on loopback, with real output: a host and three clients play,
# a bug is seen on both ends, one signed push mends both while they play on,
# and a player who comes later gets it too. Ends by itself, cleans up.
#
#   usage: demo.sh        (make demo builds first)
# What is put here is read by common.sh.
# shellcheck disable=SC2034
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
arena=$top/examples/arena
. "$top/examples/common.sh"
logs=host.err

# A client's standard input stays open without anybody typing.
player() {
	"$hotfix" client -p studio.pub --id "$1" --program arena \
		--version 1.0 "$host" "$arena/client.lua" \
		</dev/null >"$1.out" 2>"$1.err" &
	pids="$pids $!"
}

say 'A key for the operator'
show 'hotfix keygen studio'
"$hotfix" keygen studio

say 'A host with the game, and three players'
show 'hotfix serve -p studio.pub -l 127.0.0.1:0 --state state --program arena --version 1.0 server.lua'
"$hotfix" serve -p studio.pub -l 127.0.0.1:0 --state state --name demo \
	--program arena --version 1.0 "$arena/server.lua" \
	>host.out 2>host.err &
pids="$pids $!"
until_line '^listening:' host.out
host=$(sed -n 's/^listening: //p' host.out | head -n 1)
show "hotfix client -p studio.pub --id ann --program arena --version 1.0 $host client.lua"
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
show "hotfix push -k studio.sec --version '1.*' --server fix-server.lua --client fix-client.lua $host"
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
show "hotfix status $host"
"$hotfix" status "$host" | grep -E '^(clients|update):' | sed 's/^/   /'
show "hotfix log -n 3 $host"
"$hotfix" log -n 3 "$host" | cut -c 1-100 | sed 's/^/   /'
say 'Done.'
