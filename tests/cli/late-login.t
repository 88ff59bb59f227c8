# Who logs in later gets what they miss, and nothing twice.
. "$HOTFIX_TOP/tests/lib.sh"

game
"$hotfix" keygen key >/dev/null
serve host -p key.pub --version 1 --state state server.lua

run "$hotfix" push -k key.sec --version '*' --both fix.lua "$addr"
exits 0 'S0.6 a push without clients'
out_has '^clients: targeted=0 ' 'targets nobody'
client late
is "$(grep -v '^server' late.out)" 'updated fix applied 2
welcome 2' 'S0.8 who logs in later runs it before anything else'

inputs late 3
stop late
client late
is "$(grep -v '^server' late.out)" 'updated fix applied 2
welcome 2' 'S0.9 who left and comes back gets it again'

# The host is killed, and another takes its place.
before=$addr
stop host KILL
start host "$hotfix" serve -l "$before" --name host -p key.pub --version 1 \
	--state state server.lua
sees host.out '^listening: ' 'a host starts again after kill -9'
sees host.out '^join late$' 'the client comes back by itself'
type_to late again
sees late.out '^server again 2$' 'S0.6 the host has the update in force'
addr=$before
client new
is "$(grep -v '^server' new.out)" 'updated fix applied 2
welcome 2' 'S0.6 the cache outlives the host'
is "$(grep -c '^updated' late.out)" 1 \
	'S0.9 a client that kept its memory does not run it twice'

damage 3 >fix3.lua
run "$hotfix" push -k key.sec --version '*' --feature fix --both fix3.lua \
	"$addr"
exits 0 'a newer update of the feature'
out_has '^clients: targeted=2 applied=2 ' 'reaches both'
client newest
is "$(grep -v '^server' newest.out)" 'updated fix applied 3
welcome 3' 'S0.8 a later login gets the newest alone'

run "$hotfix" retire -k key.sec fix "$addr"
exits 0 'a retirement'
out_has '^result: applied$' 'is taken in'
stop newest
client newest
is "$(grep -v '^server' newest.out)" 'welcome 1' \
	'a retired update is not given to new starts'

# Logins that are verified: tokens.
cat >token-server.lua <<-'END'
hotfix.on("login", function(id) if id == "ann" then return "secret" end end)
END
printf 'secret\n' >token
printf 'wrong\n' >wrong
serve door -p key.pub token-server.lua
start ann "$hotfix" client -p key.pub --id ann --token-file token "$addr" \
	client.lua
sees ann.out '^welcome' 'S0.8 the right token opens the door'
start eve "$hotfix" client -p key.pub --id ann --token-file wrong "$addr" \
	client.lua
sees door.err 'denied|refused' 'a wrong one does not'
start bob "$hotfix" client -p key.pub --id bob --token-file token "$addr" \
	client.lua
sees bob.err 'denied' 'nor does an id that the program does not know'
is "$(cat eve.out bob.out)" '' 'neither is welcome'
finish
