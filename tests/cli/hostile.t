# Updates that would hang, crash or eat the process: refused within their
# limits, on hosts and on clients, with the old code in force and everybody
# served.
. "$HOTFIX_TOP/tests/lib.sh"

game
cat >>server.lua <<'END'
OLD = coroutine.create(function() while true do end end)
OLDWRAP = coroutine.wrap(function() while true do end end)
HANDLE = io.open("server.lua")
END
cat >>client.lua <<'END'
OLD = coroutine.create(function() while true do end end)
END
"$hotfix" keygen key >/dev/null
serve host -p key.pub --version 1 --state state server.lua
# The client, which is to hang in the end: should nobody kill it then, it does
# not take the processor for ever.
ann() {
	rm -f ann.in
	inputs ann 3
	# shellcheck disable=SC2016 # the inner shell's
	start ann sh -c 'ulimit -t 60 && exec "$@"' sh "$hotfix" client \
		-p key.pub --id ann --version 1 "$addr" client.lua
	await ann.out '^welcome ' || ok 1 'ann logs in'
}
ann

# With each of them a fix that would be right: nothing of it may be there.
# push SIDE TEXT OPTION...
push() {
	{
		damage 2
		printf '%s\n' "$2"
	} >bad.lua
	t_side=$1
	shift 2
	run "$hotfix" push -k key.sec --feature bad "--$t_side" bad.lua "$@" \
		"$addr"
}
# The client's program is asked, and through it the host's.
n=0
all_is_well() { # WHAT
	n=$((n + 1))
	type_to ann "ask$n"
	await ann.out "^server ask$n "
	is "$line $(sed -n "s/^client ask$n //p" ann.out)" "server ask$n 1 1" \
		"$1: the old code is in force, on both ends"
}
# refuses WHAT WORD REGEX TEXT: the host, its part.
refuses() {
	push server "$4"
	exits 1 "$1: is refused"
	out_has "^server: $2\$" "$1: as $2"
	err_has "$3" "$1: with the reason"
	all_is_well "$1"
}

loop='while true do end'
budget='over the budget of (50000000 instructions|1000 ms)'
refuses 'S0.5 a loop' hung "$budget" "$loop"
refuses 'a loop under pcall' hung "$budget" \
	"while true do pcall(function() $loop end) end"
refuses 'a loop in a new coroutine' hung "$budget" \
	"coroutine.wrap(function() $loop end)()"
refuses 'a loop in an old coroutine' hung "$budget" 'coroutine.resume(OLD)'
refuses 'an old coroutine, wrapped' hung "$budget" 'pcall(OLDWRAP)'
refuses 'a loop in __close' hung "$budget" \
	"local x <close> = setmetatable({}, {__close = function() $loop end})"
refuses 'a string that doubles' hung 'over the budget of 67108864 bytes' \
	'local s = "x" while true do s = s .. s end'
refuses 'deep recursion' '(failed|hung)' "stack overflow|over the budget" \
	'local function f() return 1 + f() end f()'
refuses 'an error object whose __tostring loops' failed \
	'the error is a table value' \
	"error(setmetatable({}, {__tostring = function() $loop end}))"
refuses 'bytecode' failed 'binary chunks are refused' \
	'assert(load(string.dump(function() end)))'
refuses 'os.exit' failed 'rehearsal: .*it calls os\.exit' 'os.exit(0)'
refuses 'os.exit under pcall' failed 'it calls os\.exit' \
	'pcall(os.exit, true, true)'
refuses 'reading what is the live program'"'"'s' failed \
	'it reads a file that was opened before' 'pcall(HANDLE.read, HANDLE)'
crash=';(("x"):rep(1 << 18)):gsub(".", function()
  debug.setlocal(2, 1, "") collectgarbage() return "y"
end, 2)'
refuses 'a crash by misuse of the debug library' failed 'rehearsal: ' "$crash"
case $HOTFIX_BUILD in
*/asan) ;; # there it is the sanitizer that ends it
*)
	err_has 'killed by signal 11 \(segmentation fault\)' 'its signal is told'
	;;
esac

# What nothing in a process can stop: the copy is stopped from outside. It has
# 5 s of processor time, but never more than the host itself could take.
seconds=1
case $HOTFIX_BUILD in */asan) seconds=2 ;; esac
stop host
start host sh -c 'ulimit -t "$0"; exec "$@"' $seconds "$hotfix" serve \
	-l "$addr" --name host -p key.pub --version 1 --state state server.lua
sees host.out '^listening: ' 'a host with little processor time'
sees host.out '^join ann$' 'the client comes back'
stopped='rehearsal: (killed by signal 9|still running after [0-9]+ s)'
{
	damage 2
	echo 'string.rep("", 1 << 62)'
} >endless.lua
start endless "$hotfix" push -k key.sec --feature endless --server endless.lua \
	"$addr"
await host.err '[(]endless[)] from'
run "$hotfix" status "$addr"
out_has '^push: ' 'status is answered while a copy runs a call without end'
all_is_well 'a call without end is tried'
sees endless.out '^result: failed$' 'a call without end: is refused'
stop endless
exits 1 'its push has failed'
out_has '^server: hung$' 'as hung'
err_has "$stopped" 'when its time is over'
out_has '^rehearsed: [0-9]+\.' 'what it took is told'
out_has '^stall: 0\.' 'and that the host did not stand still for it'
all_is_well 'a call without end'
refuses 'a handler of xpcall that loops' hung "$stopped" \
	"xpcall(function() $loop end, function() $loop end)"
refuses 'a finalizer that loops' hung "$stopped" \
	"setmetatable({}, {__gc = function() $loop end})"
refuses 'a pattern that tries all ways' hung "$stopped" \
	'string.find(("a"):rep(40000), (".-"):rep(12) .. "b")'
refuses 'table.move of a false length' hung "$stopped" \
	'table.move({}, 1, 1 << 60, 2)'
refuses 'table.insert with a false length' hung "$stopped" \
	'table.insert(setmetatable({}, {__len = function() return 1 << 60 end,
	  __newindex = {}}), 1, 1)'
run "$hotfix" status "$addr"
out_has '^clients: 1$' 'the client has been there all the time'
out_has '^logins: 1$' 'it was never gone'

# --- clients -------------------------------------------------------------------

# told WHAT WORD REGEX TEXT: by a client, of its part.
told() {
	push client "$4" --version 1
	exits 1 "$1: on a client"
	out_has '^clients: targeted=1 applied=0 deferred=0 failed=1 missing=0$' \
		"$1: it has failed there"
	err_has "1 $2 \\(" "$1: as $2"
	err_has "$3" "$1: with the reason"
	all_is_well "$1 on a client"
}
told 'S0.7 a loop' hung "$budget" "$loop"
told 'a loop under pcall' hung "$budget" \
	"while true do pcall(function() $loop end) end"
told 'a loop in an old coroutine' hung "$budget" 'coroutine.resume(OLD)'
told 'a string that doubles' hung 'over the budget of 67108864 bytes' \
	'local s = "x" while true do s = s .. s end'
told 'an error object whose __tostring loops' failed \
	'the error is a table value' \
	"error(setmetatable({}, {__tostring = function() $loop end}))"
told 'bytecode' failed 'binary chunks are refused' \
	'assert(load(string.dump(function() end)))'
told 'os.exit' failed 'os\.exit' 'os.exit(0)'

# A client has no copy to try it on when it is for real, so this one is lost;
# but somebody says so for it.
push client 'string.rep("", 1 << 62)' --version 1 --wait 60s
exits 1 'a call without end on a client'
out_has '^clients: targeted=1 applied=0 deferred=0 failed=1 missing=0$' \
	'is no client that is missing'
err_has '1 hung \(' 'it is told as hung'
err_has 'it does not come back; the program stands still' 'with the reason'
out_has '^result: reverted$' 'who logs in later is spared'
kill -0 "$(cat ann.pid)"
ok $? 'the client stands still'
stop ann KILL
sees host.out '^leave ann$' 'until it is ended'
# One that comes back after all: what the host was told is not true any more, so
# the client logs in anew, and hears that the update was taken back meanwhile.
mkfifo gate
rm ann.in
inputs ann 3
client ann --version 1
push client 'os.execute("cat gate >/dev/null")' --version 1 --wait 60s
exits 1 'a call that takes its time on a client'
err_has '1 hung \(' 'is told as hung'
: >gate
sees ann.err 'logging in anew' 'when it comes back, it logs in anew'
sees ann.err ' bad: applied$' 'with the update in force'
sees ann.out '^updated bad reverted 1$' 'and is told to take it back'
all_is_well 'a call that takes its time'
stop ann

# In a dry run it does try it on a copy.
ann
push client 'while true do end' --version 1 --dry-run
exits 1 'in a dry run a client tries it on a copy'
err_has '1 hung \(' 'which hangs'
all_is_well 'a dry run'
finish
