# What a crash, a full disk or an editor leaves of a host's state folder, and
# what the next start makes of it.

. "$HOTFIX_TOP/tests/lib.sh"

game
"$hotfix" keygen key >/dev/null

# push_damage N: an update of the feature fix that makes the damage N.
push_damage() {
	damage "$1" >fix.lua
	run "$hotfix" push -k key.sec --version '*' --feature fix --wait 5s \
		--server fix.lua --client fix.lua "$addr"
}

serve host -p key.pub --state state server.lua
push_damage 2
exits 0 'an update'
stop host
is "$status" 0 'the host ends in order'

printf 'half a li' >>state/ledger
serve host -p key.pub --state state server.lua
sees host.err 'state/ledger: line [0-9]+ was torn by a crash and is cut off' \
	'a torn last line is cut off and reported'
client ann
is "$(grep -c '^welcome 2$' ann.out)" 1 \
	'S0.6 the update from before the crash is in force'
stop ann
run "$hotfix" serve -p key.pub -l 127.0.0.1:0 --state state server.lua
exits 5 'a second host on one state folder'
err_has 'state/ledger: in use by another host' 'is told why'
one_line 'in one line'
stop host
run "$hotfix" verify state/ledger
exits 0 'the ledger is whole again'

cp state/ledger whole
sed 's/feature=fix/feature=fox/' whole >state/ledger
run "$hotfix" serve -p key.pub -l 127.0.0.1:0 --state state server.lua
exits 5 'an edited ledger stops the start'
err_has 'state/ledger: line [0-9]+: ' 'its line is named'
run "$hotfix" verify state/ledger
exits 1 'and verify says no'
cp whole state/ledger

# A disk that is full: files may not grow past 16 blocks of 512 bytes (the
# sh of Debian; 1024 elsewhere).
start full sh -c 'ulimit -f 16; exec "$@"' full "$hotfix" serve \
	-l 127.0.0.1:0 --name full -p key.pub --state state server.lua
await full.out '^listening: '
addr=${line#listening: }
n=100
status=0
while [ "$status" -eq 0 ] && [ $n -lt 200 ]; do
	n=$((n + 1))
	push_damage $n
done
exits 3 'a full disk refuses the update: the host could not'
err_has 'internal.*(File too large|No space left)' 'with the reason'
client bob
is "$(grep -c "^welcome $((n - 1))\$" bob.out)" 1 \
	'what was in force before is in force'
stop bob
push_damage 300
exits 3 'and again'
stop full
serve host -p key.pub --state state server.lua
push_damage 400
exits 0 'with room it goes on'
stop host
run "$hotfix" verify state/ledger
exits 0 'the ledger is whole'

# The clock is set back; what was seen before is known still.
printf 'hotfix-time: 1\nseen: 2099-01-01T00:00:00.000000Z\n' >state/time
serve host -p key.pub --state state server.lua
sees host.err 'clock is behind: it has been 2099-01-01T00:00:00.000000Z here' \
	'a clock behind the time that was seen is told'
run "$hotfix" push -k key.sec --version '*' --expires +1h --server fix.lua \
	"$addr"
exits 1 'what had expired by then is refused'
err_has 'expired.*; the clock of this end is behind: it has been 2099-' \
	'with the reason, and what time it knows of'
run "$hotfix" push -k key.sec --version '*' --write fix.doc --server fix.lua \
	"$addr"
exits 1 'so is what was signed just now'
err_has 'stale.*behind: it has been 2099-.*; hotfix accept lets it in$' \
	'with what to do'
id=$(field id out)
run "$hotfix" accept -k key.sec "$id" "$addr"
run "$hotfix" push fix.doc "$addr"
exits 0 'which does'
stop host
echo rubbish >state/time
serve host -p key.pub --state state server.lua
sees host.err '/time: damaged, it tells no time; it is made anew$' \
	'a damaged file of that time is told, and stops nobody'
run "$hotfix" push -k key.sec --version '*' --expires +1h --server fix.lua \
	"$addr"
exits 0 'without it the clock alone counts'
stop host
finish
