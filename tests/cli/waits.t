# Updates that wait for an event of the program, or for an instant: until then
# both ends run what they ran, then they run the new code, each at its own
# time.
. "$HOTFIX_TOP/tests/lib.sh"

# A program whose event "round" is fired by a typed line, on the client
# ("here N") or on the host ("there N").
game
cat >server.lua <<'END'
local game = require "game"
io.stdout:setvbuf("line")
hotfix.on("join", function(id) print("join " .. id) end)
hotfix.on("message", function(id, text)
  local n = text:match("^there (%d+)$")
  if n then hotfix.fire("round", tonumber(n)) end
  hotfix.send(id, text .. " " .. game.damage())
end)
hotfix.on("updated", function(id, feature, result)
  print("updated " .. feature .. " " .. result .. " " .. game.damage())
end)
END
cat >client.lua <<'END'
local game = require "game"
io.stdout:setvbuf("line")
hotfix.on("welcome", function() print("welcome " .. game.damage()) end)
hotfix.on("message", function(text) print("server " .. text) end)
hotfix.on("line", function(text)
  local n = text:match("^here (%d+)$")
  if n then hotfix.fire("round", tonumber(n)) end
  print("client " .. text .. " " .. game.damage())
  hotfix.send(text)
end)
hotfix.on("updated", function(id, feature, result)
  print("updated " .. feature .. " " .. result .. " " .. game.damage())
end)
END
"$hotfix" keygen key >/dev/null

begin() { # a host with an empty folder, and two clients
	rm -rf state
	serve host -p key.pub --version 1 --state state server.lua
	inputs one 3
	client one --version 1
	inputs two 4
	client two --version 1
	n=0
}
end() {
	for c in host one two; do
		stop $c
		rm -f $c.in
	done
}
push() {
	run "$hotfix" push -k key.sec --version '*' "$@" "$addr"
	id=$(field id out)
}
told() {
	sed '/^id:/d;/^feature:/d;/^bytes:/d;/^host:/d
		/^rehearsed:/d;/^stall:/d' out
}
damages() { # NAME HOST ONE TWO: what runs on each end
	n=$((n + 1))
	type_to one "ask $n"
	type_to two "ask $n"
	await one.out "^server ask $n " && got=${line##* }
	got="$got $(sed -n "s/^client ask $n //p" one.out)"
	await two.out "^client ask $n " && got="$got ${line##* }"
	is "$got" "$2 $3 $4" "$1"
}
# status_is REGEX NAME: what the host says of the update $id. A client's
# answer comes to it before what the client's program sends next.
status_is() {
	run "$hotfix" status "$addr"
	out_has "^update: $id $1" "$2"
}

# --- on = in the update -----------------------------------------------------

begin
cat >hook.lua <<'END'
hotfix.hook {
  target = "game::damage",
  with = function(original) return original() + 10 end,
  on = "round",
  when = function(n) return n > 4 end,
}
END
push --feature hook --both hook.lua
exits 0 'S1.4 an update with on = is taken in'
is "$(told)" 'server: deferred
clients: targeted=2 applied=0 deferred=2 failed=0 missing=0
result: deferred' 'S1.4 deferred is what all of them answer'
err_has 'the update waits for events that it names' 'and what it waits for'
status_is 'hook live server=deferred running=0 applied=0 failed=0 waiting=2$' \
	'S1.4 status counts those that wait'
damages 'S1.4 nothing is replaced before the event' 1 1 1
type_to one 'here 4'
sees one.out '^client here 4 1$' 'S1.4 nor by an event that when turns down'
type_to one 'here 5'
sees one.out '^client here 5 11$' 'S1.4 at the event it is, before handlers run'
sees one.out '^updated hook applied 11$' 'which the program hears'
damages 'S1.4 on that end alone' 1 11 1
status_is 'hook live server=deferred running=1 applied=1 failed=0 waiting=1$' \
	'S1.4 the host learns of it'
type_to two 'there 9'
sees host.out '^updated hook applied 11$' "S1.4 the host's event is its own"
damages 'S1.4 the host runs the new one' 11 11 1
run "$hotfix" log -n 1 "$addr"
out_has "settled	.*id=$id.* result=applied" 'S1.4 the log has the result'
sees host.err "update $id .hook.: server part, which waited, applied" \
	'and so has that of the process'

# Who logs in while others wait: it waits, too.
inputs late 5
client late --version 1
is "$(cat late.out)" 'welcome 1' 'S1.4 a later login gets it and waits'
type_to late 'ask'
await late.out '^server ask '
status_is 'hook live server=applied running=1 applied=1 failed=0 waiting=2$' \
	'which is counted'
type_to late 'here 7'
sees late.out '^client here 7 11$' 'until its own event'
stop late
rm late.in

# A restart: what waited waits, what ran runs where it has its memory.
before=$addr
stop host KILL
start host "$hotfix" serve -l "$before" --name host -p key.pub --version 1 \
	--state state server.lua
sees host.out '^listening: ' 'the host starts again'
sees host.out '^join one$' 'and one client comes back'
sees host.out '^join two$' 'so does the other'
status_is 'hook live server=deferred running=1 applied=0 failed=0 waiting=1$' \
	'S1.4 after a restart the host waits again, and its clients are as before'
damages 'S1.4 so its function is the old one' 1 11 1
type_to one 'there 5'
sees host.out '^updated hook applied 11$' 'S1.4 until the event'
damages 'then it is the new one' 11 11 1

# Reverted while one waits still.
run "$hotfix" revert -k key.sec "$id" "$addr"
exits 0 'S1.4 a revert while it waits somewhere'
is "$(told | grep -v '^reverts')" 'server: reverted
clients: targeted=2 applied=2 deferred=0 failed=0 missing=0
result: reverted' 'is one where it waits, too'
type_to two 'here 6'
sees two.out '^client here 6 1$' 'S1.4 what was reverted is not installed'
damages 'it is gone everywhere' 1 1 1
end

# --- --on and --by ------------------------------------------------------------

begin
damage 5 >five.lua
push --feature whole --both five.lua --on round --by 2999-01-01T00:00:00Z
exits 0 'an update that waits as a whole'
is "$(told)" 'server: deferred
clients: targeted=2 applied=0 deferred=2 failed=0 missing=0
result: deferred' 'deferred by all'
damages 'nothing has changed' 1 1 1
damage 6 >six.lua
push --feature whole --both six.lua --on round
exits 0 'S1.6 a newer one while it waits'
out_has 'targeted=2 applied=0 deferred=2 ' 'waits instead'
type_to one 'here 1'
sees one.out '^client here 1 6$' 'at the event the newer one is installed'
type_to one 'there 1'
sees host.out '^updated whole applied 6$' 'on the host, too'
status_is 'whole live server=applied running=1 applied=1 failed=0 waiting=1$' \
	'one client waits'
run "$hotfix" status "$addr"
is "$(grep -c '^update:' out)" 1 'the older one is held no more'
damage 7 >seven.lua
push --feature whole --both seven.lua
exits 0 'a newer one that does not wait'
out_has 'targeted=2 applied=2 deferred=0 ' 'takes the place of what waits'
type_to two 'here 2'
sees two.out '^client here 2 7$' 'and the event changes nothing'
damages 'all run the newest' 7 7 7

damage 8 >eight.lua
push --feature soon --both eight.lua --on never --by +2s
exits 0 'an update with a latest instant'
sees host.out '^updated soon applied 8$' 'the host applies it when that passes'
sees one.out '^updated soon applied 8$' 'the clients do'
sees two.out '^updated soon applied 8$' 'each of them'
damages 'it is in force' 8 8 8
status_is 'soon live server=applied running=2 .* failed=0 waiting=0$' \
	'and nobody waits'

# --- what goes wrong at the event --------------------------------------------

cat >when.lua <<'END'
hotfix.replace {
  target = "game::damage",
  with = function() return 9 end,
  on = "round",
  when = function(n) error("no such round " .. n, 0) end,
}
END
push --feature wrong --both when.lua
exits 0 'a condition that will fail'
out_has '^result: deferred$' 'waits'
type_to one 'there 3'
sees host.err "which waited, failed: .*when: no such round 3" \
	'S1.4 a failing when is told in the log'
run "$hotfix" log -n 1 "$addr"
out_has "settled	.*id=$id.* result=failed" 'S1.4 as failed in the ledger'
type_to one 'here 3'
sees one.out '^client here 3 8$' 'on a client nothing is replaced either'
await one.out '^server here 3 '
status_is 'wrong live server=failed running=0 applied=0 failed=1 waiting=1$' \
	'S1.4 the host counts it as failed'
damages 'what ran before runs on' 8 8 8
type_to one 'here 4'
type_to one 'there 4'
sees one.out '^server there 4 8$' 'and it is not tried again'
is "$(grep -c 'which waited, failed' host.err)" 1 'nor is it told twice'

# The text of one that waits as a whole runs at its event: on the host in a
# copy first.
echo 'hotfix.log("begins") while true do end' >loop.lua
push --feature loop --both loop.lua --on round
exits 0 'a part that will not end'
type_to one 'there 1'
sees host.err 'which waited, hung: ' 'is found out by the host in a copy'
type_to one 'here 1'
sees one.out '^client here 1 8$' 'and stopped on a client'
await one.out '^server here 1 8$'
status_is 'loop live server=hung running=0 applied=0 failed=1 waiting=1$' \
	'which the host counts'
damages 'what ran before runs on' 8 8 8
end
run "$hotfix" verify state/ledger
exits 0 'the ledger holds'
grep -Eq "late id=$id applied=0 deferred=1 failed=1$" state/ledger
ok $? 'it has the late results' || note state/ledger
finish
