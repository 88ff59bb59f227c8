# A host tries its part of an update in a copy of its process and serves on
# meanwhile. Here the copy stands at a gate that the test opens: a pipe that
# nobody writes to.
. "$HOTFIX_TOP/tests/lib.sh"

game
cat >>server.lua <<'END'
hotfix.on("message", function(id, text)
  if text == "round" then hotfix.fire("round") end
end)
END
cat >>client.lua <<'END'
hotfix.on("line", function(text)
  if text == "round" then hotfix.fire("round") end
end)
END
"$hotfix" keygen key >/dev/null
mkfifo gate
# In a finalizer, which the copy runs at its end: that may take 10 s.
cat >gated.lua <<'END'
hotfix.replace { target = "game::damage", with = function() return 2 end }
if hotfix.rehearsing then
  setmetatable({}, { __gc = function() io.open("gate"):close() end })
end
END
sed 's/return 2/return 3/' gated.lua >later.lua
serve host -p key.pub --version 1 --state state server.lua
inputs ann 3
client ann --version 1

# tries WHAT OPTION...: a push, until its server part is being rehearsed; the
# process that does it is in $copy.
children() {
	t_pid=$(cat host.pid)
	cat "/proc/$t_pid/task/$t_pid/children"
}
tries() {
	t_what=$1
	shift
	t_from=$(($(wc -l <host.err) + 1))
	start push "$hotfix" push -k key.sec "$@" "$addr"
	await host.err '^document [0-9]* .* from ' "$t_from"
	"$hotfix" status "$addr" >/dev/null # what is answered comes after
	copy=$(children)
	[ -n "${copy% }" ]
	ok $? "$t_what"
}
open_gate() { # where nobody waits at it: in vain
	# Nothing is written: who reads is gone as soon as it is open.
	timeout "$deadline" sh -c ': >gate'
}
gone() { # NAME: the copy has ended
	! kill -0 "$copy" 2>/dev/null
	ok $? "$1"
}

tries 'a copy of the host tries the update' --feature gated --version 1 \
	--both gated.lua
type_to ann during
sees ann.out '^server during 1$' \
	'S2.8 the host answers its clients during a rehearsal'
run "$hotfix" status "$addr"
exits 0 'and those who ask it'
out_has '^push: [0-9]+$' 'that it is at work'
out_has ' gated pending server=pending running=0 ' 'on something not in force'
client bob --version 1
is "$(cat bob.out)" 'welcome 1' 'a client may log in, without it'
run "$hotfix" push -k key.sec --feature other --server gated.lua "$addr"
exits 3 'another push'
err_has 'busy' 'is told to come again'
! grep -q '^result' push.out
ok $? 'nothing of that waited for the rehearsal'
open_gate
sees push.out '^result: applied$' 'the rehearsal goes well, so it is applied'
stop push
gone 'the copy is gone'
out_has '^rehearsed: [0-9]+\.[0-9]{6}$' 'S2.8 it is told how long it took'
out_has '^stall: 0\.[0-9]{6}$' 'S2.8 and how long the program stood still'
is "$(awk '/^rehearsed/ { r = $2 } /^stall/ { print (r > 10 * $2) }' out)" 1 \
	'which is but a small part of it'
sees ann.out '^updated gated applied 2$' 'the clients get it'
sees bob.out '^updated gated applied 2$' 'also who came meanwhile'

# A revert of the feature does not wait for a rehearsal.
tries 'a newer one is tried' --feature gated --version 1 --both later.lua
run "$hotfix" revert -k key.sec gated "$addr"
exits 0 'a revert of its feature'
sees push.out '^result: reverted$' 'ends it'
stop push
exits 1 'and its push'
gone 'and the copy'
sees ann.out '^updated gated reverted 1$' \
	'what was in force before is taken back, as asked'
type_to ann back
sees ann.out '^server back 1$' 'on the host, too'

# Of a feature of which nothing is in force it is the one on its way that is
# meant.
tries 'the first of a feature' --feature first --server gated.lua
run "$hotfix" revert -k key.sec first "$addr"
exits 0 'a revert of it'
sees push.out '^result: reverted$' 'ends its push'
stop push

# The operator goes away: the host goes on.
tries 'one whose operator goes away' --feature alone --server gated.lua
stop push INT
exits 130 'is not waited for'
open_gate
sees host.out '^updated alone applied 2$' 'the host finishes alone'

# At an event, too: until it has been tried the old code runs.
run "$hotfix" push -k key.sec --feature event --server later.lua --on round \
	"$addr"
exits 0 'an update that waits'
type_to ann round
await ann.out '^server round 2$'
type_to ann after
sees ann.out '^server after 2$' 'its event has come, and it is being tried'
copy=$(children)
type_to ann round
await ann.out '^client round '
type_to ann again
await ann.out '^server again 2$'
is "$(children)" "$copy" 'the event comes once more: it is being tried already'
open_gate
sees host.out '^updated event applied 3$' 'then it is applied'
gone 'the copy is gone'
is "$(grep -c '^updated event' host.out)" 1 'once'

# The host ends during a rehearsal. (What is in force it would try again at its
# next start.)
for feature in event alone; do
	run "$hotfix" revert -k key.sec $feature "$addr"
	exits 0 "a revert of $feature"
done
tries 'one more is tried' --feature late --server gated.lua
stop host
exits 0 'a host ends in order during a rehearsal'
gone 'it leaves no copy behind'
sees push.out '^result: error shutdown$' 'the operator hears of it'
stop push
exits 3 'as of what could not be finished'
before=$addr
start host "$hotfix" serve -l "$before" --name host -p key.pub --version 1 \
	--state state server.lua
sees host.out '^listening: ' 'it starts again'
run "$hotfix" status "$before"
! grep -q ' late ' out
ok $? 'without what was not finished' || t_show
finish
