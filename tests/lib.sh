# Command-line tests speak TAP. A test sources this file, makes checks, and
# ends with: finish
#
#   . "$HOTFIX_TOP/tests/lib.sh"
#
# It runs in a scratch folder of its own (tests/run.sh). $hotfix is the
# executable. Whatever "start" started is ended when the test is.
# shellcheck shell=sh

hotfix=${HOTFIX:?run tests by make check or tests/run.sh}
deadline=20 # seconds until a line that does not come is a failure

t_count=0
t_failed=0
t_pids=
t_ended=$PWD/t_ended # a pipe, see t_cleanup

# --- checks ---------------------------------------------------------------

# ok STATUS NAME: passed when STATUS is 0. Returns it.
ok() {
	t_count=$((t_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $t_count - $2"
	else
		t_failed=$((t_failed + 1))
		echo "not ok $t_count - $2"
	fi
	return "$1"
}

# note FILE: its lines as diagnostics.
note() {
	sed "s/^/# ${1##*/}: /" "$1" 2>/dev/null
}

# is GOT WANT NAME
is() {
	t_r=0
	[ "$1" = "$2" ] || t_r=1
	ok "$t_r" "$3" || printf '# got  %s\n# want %s\n' "$1" "$2"
}

skip() {
	t_count=$((t_count + 1))
	echo "ok $t_count # SKIP $1"
}

# run COMMAND...: its status in $status, its output in the files out and err.
run() {
	t_command=$*
	"$@" >out 2>err
	status=$?
}

t_show() {
	echo "# ran: $t_command"
	echo "# status: $status"
	note out
	note err
}

# exits STATUS NAME: of the latest run.
exits() {
	t_r=0
	[ "$status" -eq "$1" ] || t_r=1
	ok "$t_r" "$2" || t_show
}

# out_has REGEX NAME, err_has REGEX NAME: a line of the latest run's output.
out_has() {
	grep -Eq -e "$1" out
	ok $? "$2" || t_show
}

err_has() {
	grep -Eq -e "$1" err
	ok $? "$2" || t_show
}

out_lacks() {
	! grep -Eq -e "$1" out
	ok $? "$2" || t_show
}

# one_line NAME: the complaint of the latest run is one line.
one_line() {
	t_r=0
	[ "$(wc -l <err)" -eq 1 ] || t_r=1
	ok "$t_r" "$1" || t_show
}

# field NAME FILE: the value of its first "NAME: value" line.
field() {
	sed -n "s/^$1: //p" "$2" | head -n 1
}

# --- what runs in the background ------------------------------------------

# start NAME COMMAND...: its process in $pid and NAME.pid, its output in
# NAME.out and NAME.err; its input is NAME.in when that is there.
start() {
	t_name=$1
	shift
	t_in=/dev/null
	[ ! -e "$t_name.in" ] || t_in=$t_name.in
	: >"$t_name.out"
	: >"$t_name.err"
	# Appended, so that a test may empty the files in between. A shell that
	# was only just forked still has the traps of this one and would lose a
	# signal, so it is waited for until it has cleared them.
	t_fifo=$t_name.begins
	mkfifo "$t_fifo"
	(
		: >"$t_fifo"
		exec "$@" <"$t_in" >>"$t_name.out" 2>>"$t_name.err"
	) &
	pid=$!
	t_pids="$t_pids $pid"
	: <"$t_fifo"
	rm -f "$t_fifo"
	echo "$pid" >"$t_name.pid"
}

# await NAME.out|NAME.err REGEX [N]: until the file of a started process has
# such a line, the N-th or a later one, put into $line; fails when the process
# ends before, or in time.
await() {
	t_fifo=$1.wait
	mkfifo "$t_fifo"
	tail -n "+${3:-1}" -s 0.1 --pid="$(cat "${1%.*}.pid")" -f "$1" \
		>"$t_fifo" 2>/dev/null &
	t_tail=$!
	line=$(timeout "$deadline" grep -E -m 1 -e "$2" <"$t_fifo")
	t_r=$?
	kill "$t_tail" 2>/dev/null
	wait "$t_tail" 2>/dev/null
	rm -f "$t_fifo"
	if [ "$t_r" -ne 0 ]; then
		echo "# no line '$2' in $1:"
		note "${1%.*}.out"
		note "${1%.*}.err"
	fi
	return "$t_r"
}

# sees NAME.out|NAME.err REGEX NAME: await as a check.
sees() {
	await "$1" "$2"
	ok $? "$3"
}

# stop NAME [SIGNAL]: ends it; $status is its exit status.
stop() {
	t_pid=$(cat "$1.pid")
	kill "-${2:-TERM}" "$t_pid" 2>/dev/null
	wait "$t_pid" 2>/dev/null
	status=$?
	t_command="stop $1"
	cp "$1.out" out
	cp "$1.err" err
}

# serve NAME ARG...: a host on a port of its own; its address in $addr.
serve() {
	t_host=$1
	shift
	start "$t_host" "$hotfix" serve -l 127.0.0.1:0 --name "$t_host" "$@"
	if await "$t_host.out" '^listening: '; then
		addr=${line#listening: }
	else
		ok 1 "the host $t_host starts"
		finish
	fi
}

# inputs NAME FD: what is started as NAME then reads a pipe, which FD (3 to
# 9) of this shell holds open, so that neither end waits for the other.
# type_to NAME TEXT: a line into it.
inputs() {
	mkfifo "$1.in"
	eval "exec $2<>\"\$1.in\""
}

type_to() {
	printf '%s\n' "$2" >"$1.in"
}

# has_port tcp|udp PORT [PID]: is there a socket of this machine that listens at
# the port, and (with PID) is it that process's? No connection is made and
# nothing is sent: servers count that, and it could be another's port. What
# changes its user does not show its sockets; then the port is all there is to
# see.
has_port() {
	t_state=0A # listening, as /proc tells it; of UDP: bound
	[ "$1" = tcp ] || t_state=07
	t_inodes=$(awk -v port="$(printf ':%04X' "$2")" -v state="$t_state" \
		'$4 == state && substr($2, length($2) - 4) == port \
		{ print $10 }' "/proc/${3:-self}/net/$1" 2>/dev/null)
	[ -n "$t_inodes" ] || return 1
	[ -n "${3-}" ] && ls "/proc/$3/fd" >/dev/null 2>&1 || return 0
	for t_fd in "/proc/$3/fd/"*; do
		t_to=$(readlink "$t_fd")
		for t_inode in $t_inodes; do
			[ "$t_to" != "socket:[$t_inode]" ] || return 0
		done
	done
	return 1
}

# any_port: one below those that the kernel gives to who asks for none, in
# $port. It may be taken; a server that finds it so ends.
any_port() {
	port=$(od -An -N2 -tu2 /dev/urandom)
	port=$((20000 + port % 12000))
}

# gets_port tcp|udp PORT: until the process that was started last has it. 1 when
# it ends before, 2 when it is not in time.
gets_port() {
	t_polls=$((deadline * 20))
	while [ "$t_polls" -gt 0 ]; do
		kill -0 "$pid" 2>/dev/null || return 1
		! has_port "$1" "$2" "$pid" || return 0
		t_polls=$((t_polls - 1))
		sleep 0.05
	done
	return 2
}

# What does not heed the signal (a program that stands in one call of C) is
# killed, so that a test ends whatever it started. Who kills is told to leave by
# a line in a pipe that both hold open: a signal could come before it has begun,
# and be lost.
t_cleanup() {
	[ -n "$t_pids" ] || return 0
	for t_p in $t_pids; do
		kill "$t_p" 2>/dev/null
	done
	rm -f "$t_ended"
	mkfifo "$t_ended"
	{
		{
			timeout "$deadline" head -n 1 <&9 ||
				for t_p in $t_pids; do
					kill -9 "$t_p"
				done
		} >/dev/null 2>&1 &
		t_killer=$!
		for t_p in $t_pids; do
			wait "$t_p" 2>/dev/null
		done
		echo >&9
		wait "$t_killer"
	} 9<>"$t_ended"
	rm -f "$t_ended"
}
trap t_cleanup EXIT
trap 'exit 1' INT TERM HUP

finish() {
	echo "1..$t_count"
	[ "$t_failed" -eq 0 ]
	exit
}

# --- a game ----------------------------------------------------------------

# game: a program for both ends in this folder: a module "game" with one
# function that an update can change. The client tells what it runs when it
# is welcome, after an update and when it is asked by a typed line; the
# server then tells, too.
game() {
	cat >game.lua <<-'END'
	local game = {}
	local calls = 0
	function game.damage()
	  calls = calls + 1
	  return 1
	end
	function game.calls() return calls end
	return game
	END
	cat >server.lua <<-'END'
	local game = require "game"
	io.stdout:setvbuf("line")
	hotfix.on("join", function(id) print("join " .. id) end)
	hotfix.on("leave", function(id) print("leave " .. id) end)
	hotfix.on("message", function(id, text)
	  hotfix.send(id, text .. " " .. game.damage())
	end)
	hotfix.on("updated", function(id, feature, result)
	  print("updated " .. feature .. " " .. result .. " " .. game.damage())
	end)
	END
	cat >client.lua <<-'END'
	local game = require "game"
	io.stdout:setvbuf("line")
	hotfix.on("welcome", function() print("welcome " .. game.damage()) end)
	hotfix.on("message", function(text) print("server " .. text) end)
	hotfix.on("line", function(text)
	  print("client " .. text .. " " .. game.damage())
	  hotfix.send(text)
	end)
	hotfix.on("updated", function(id, feature, result)
	  print("updated " .. feature .. " " .. result .. " " .. game.damage())
	end)
	END
	damage 2 >fix.lua
}

# damage N: an update that makes the damage N.
damage() {
	cat <<-END
	hotfix.replace {
	  target = "game::damage",
	  with = function() return $1 end,
	}
	END
}

# client NAME ARG...: a client of the host at $addr; waits for its welcome.
client() {
	t_client=$1
	shift
	start "$t_client" "$hotfix" client -p key.pub --id "$t_client" \
		"$@" "$addr" client.lua
	await "$t_client.out" '^welcome ' || ok 1 "$t_client logs in"
}
