#!/bin/sh
# Machine code mended while it runs, on loopback, with real output: a threaded
# game server in C under load, a bug in it, one signed push. No connection is
# broken, and every answer is looked at. Ends by itself, cleans up.
#
#   usage: demo.sh        (make demo-native builds first)
# What is put here is read by common.sh.
# shellcheck disable=SC2034
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
native=$top/examples/native
build=${HOTFIX_BUILD:-$top/build/musl}
. "$top/examples/common.sh"
logs='server.out server.err'

# The server is made of the library's libc.
case $build in
*/musl)
	cc=musl-gcc
	link='-static -no-pie'
	;;
*)
	cc=gcc
	link=-pie
	;;
esac
# A program that is to be mended later, hotfix-native(7) tells why so.
flags='-std=c99 -D_POSIX_C_SOURCE=200809L -O2 -g -fpatchable-function-entry=5
	-flive-patching=inline-only-static -fno-lto -frecord-gcc-switches'
fix_flags='-std=c99 -O2 -fPIE -mcmodel=small -fno-lto -fno-stack-protector
	-U_FORTIFY_SOURCE -fno-asynchronous-unwind-tables'

say 'A game server in C: four worker threads, and a host of hotfix in it'
# What is shown is what is run.
compile() {
	show "$*"
	"$@"
}
# shellcheck disable=SC2086
{
	case $cc in
	musl-gcc) pie=-fno-pie ;;
	*) pie=-fPIE ;;
	esac
	set -- $flags $pie
	show "$cc $* -c server.c game.c"
	"$cc" "$@" -I"$top" -c "$native/server.c" "$native/game.c"
	show "$cc $link -pthread -Wl,--build-id=sha1 -o server server.o game.o libhotfix.a -lm"
	"$cc" $link -pthread -Wl,--build-id=sha1 -o server server.o game.o \
		"$build/libhotfix.a" -lm
}
gcc -std=c99 -D_POSIX_C_SOURCE=200809L -O2 -pthread -o load "$native/load.c"
# The key of who may change it, and what goes to machines: without symbols.
"$hotfix" keygen studio >/dev/null
strip -o shipped server
show './server studio.pub state'
./shipped studio.pub state </dev/null >server.out 2>server.err &
server=$!
pids=$server
until_line '^patchable:' server.out
until_line '^listening:' server.out
host=$(sed -n 's/^listening: //p' server.out)
port=$(sed -n 's/^players: .* //p' server.out)

say 'Eight players hit monsters without a pause'
show "./load $port 8"
./load "$port" 8 >load.out 2>load.err &
load=$!
pids="$server $load"
until_line '^playing:' load.out

say 'The bug: armour adds to the damage'
show "grep -n 'power +' game.c"
grep -n 'power +' "$native/game.c" | sed 's/^/   /'

say 'The mended function alone is compiled, and made a patch of'
# shellcheck disable=SC2086
{
	set -- $fix_flags
	show "gcc $* -c fix.c"
	gcc "$@" -I"$native" -c "$native/fix.c"
}
show 'hotfix native create -e server -o fix.patch game_damage=damage_mended fix.o'
"$hotfix" native create -e server -o fix.patch game_damage=damage_mended fix.o |
	sed 's/^/   /'

say 'One signed push'
show "hotfix push -k studio.sec --feature damage --native fix.patch $host"
"$hotfix" push -k studio.sec --feature damage --native fix.patch "$host" \
	2>push.err | sed 's/^/   /'

say 'All players see the mended rule, over the connections that they had'
until_line '^mended: all 8 connections' load.out
kill "$load"
status=0
wait "$load" || status=$?
pids=$server
[ $status = 0 ] || {
	cat load.out load.err
	exit 1
}
until_line '^answers:' load.out
until_line '^connections broken: 0' load.out

say 'What the server says of it'
until_line 'server part applied' server.err
show "hotfix log -n 2 $host"
"$hotfix" log -n 2 "$host" | cut -c 1-100 | sed 's/^/   /'

say 'After a restart it is there again, for it is the same build'
kill "$server"
wait "$server" || :
pids=
./shipped studio.pub state </dev/null >again.out 2>again.err &
server=$!
pids=$server
until_line '^listening:' again.out >/dev/null
host=$(sed -n 's/^listening: //p' again.out)
show "hotfix status $host"
"$hotfix" status "$host" | grep -e '^update:' -e '^patch' | sed 's/^/   /'
say 'Done.'
