# S1.6 hotfix client --state: what runs is kept and is there at the next start,
# with or without a host.
. "$HOTFIX_TOP/tests/lib.sh"

game
"$hotfix" keygen key >/dev/null
"$hotfix" keygen next >/dev/null
serve host -p key.pub -p next.pub --version 1 --state state server.lua

game_version=3.0 # of the clients that are started, and of what is pushed
push() { # DAMAGE OPTION...
	damage "$1" >fix.lua
	shift
	run "$hotfix" push -k key.sec --version $game_version --feature fix --both \
		fix.lua "$@" "$addr"
	id=$(field id out)
}
# starts NAME DAMAGE WHAT OPTION...: a client with the folder NAME, which
# tells what it runs before it has heard of any host.
starts() {
	t_c=$1
	t_want=$2
	t_what=$3
	shift 3
	rm -f "$t_c.in"
	inputs "$t_c" 3
	type_to "$t_c" alone # read before any host can have answered
	start "$t_c" "$hotfix" client --id "$t_c" --state "$t_c" \
		--version $game_version "$@" "$addr" client.lua
	await "$t_c.out" '^client alone '
	is "$line" "client alone $t_want" "$t_what"
}
begins() { # as starts, with the key, and waits for the host's welcome
	starts "$@" -p key.pub
	await "$1.out" '^welcome ' || ok 1 "$1 logs in"
}
kept() { # NAME: the ids of the files that are kept
	(cd "$1/updates" && echo *)
}

# The one that expires: by the end of this test it has.
begins short 1 'a client with a new folder runs what is on the disk'
push 9 --expires +5s
exits 0 'an update that expires soon'
past=$(($(date +%s) + 6))
sees short.out '^updated fix applied 9$' 'is applied'
stop short
game_version=1.4

# --- with and without a host --------------------------------------------------

begins one 1 'a client with a folder of its own'
push 2
first=$id
sees one.out '^updated fix applied 2$' 'gets an update'
is "$(kept one)" "$first" 'S1.6 which it keeps'
is "$(stat -c %a one)" 700 "in a folder that is nobody else's"
stop one
exits 0 'it ends'
begins one 2 'S1.6 at the next start it is in force before the host is heard'
is "$(grep '^updated\|^welcome' one.out)" 'updated fix applied 2
welcome 2' 'S1.6 and the host does not send it again'
sees one.err 'kept update [0-9]* fix: applied' 'the log tells of it'
stop one KILL
stop host
starts one 2 'S1.6 with the host unreachable, and after kill -9' -p key.pub
stop one
is "$(kept one)" "$first" 'it is kept on'

# A newer one takes its place.
start host "$hotfix" serve -l "$addr" --name host -p key.pub -p next.pub \
	--version 1 --state state server.lua
sees host.out '^listening: ' 'the host is back'
begins one 2 'so the client starts as before'
push 3
sees one.out '^updated fix applied 3$' 'S1.6 a newer one'
is "$(kept one)" "$id" 'S1.6 is kept in place of the old one'
stop one
begins one 3 'S1.6 and is what the next start has'

# The folder is one client's.
run "$hotfix" client -p key.pub --state one "$addr" client.lua
exits 5 'a second client on the folder'
err_has 'one.*: in use by another client' 'is told why'
one_line 'in one line'

# --- taken back ---------------------------------------------------------------

run "$hotfix" revert -k key.sec fix "$addr"
exits 0 'a revert'
sees one.out '^updated fix reverted 1$' 'reaches it'
is "$(kept one)" '*' 'S1.6 it is kept no more'
stop one
begins one 1 'nor is it in force at the next start'
push 4
sees one.out '^updated fix applied 4$' 'a new one may come'
stop one
run "$hotfix" revert -k key.sec fix "$addr"
exits 0 'a revert while it is away'
begins one 4 'it starts with what it has'
is "$(sed -n '/^updated/p;/^welcome/p' one.out)" 'updated fix applied 4
updated fix reverted 1
welcome 1' 'and hears of the revert at the login'
stop one
begins one 1 'S1.6 which it remembers'

push 5
sees one.out '^updated fix applied 5$' 'one more'
run "$hotfix" retire -k key.sec fix "$addr"
exits 0 'is retired'
type_to one still
sees one.out '^client still 5$' 'it runs on'
stop one
begins one 1 'but not at the next start'

# --- what is not believed any more --------------------------------------------

push 6
sees one.out '^updated fix applied 6$' 'an update, and then another key'
stop one
stop host
starts one 1 'S0.2 what the keys of now have not signed is not applied' \
	-p next.pub
sees one.err "kept update $id fix is left out: .*key" 'the log says why'
stop one
start host "$hotfix" serve -l "$addr" --name host -p key.pub -p next.pub \
	--version 1 --state state server.lua
sees host.out '^listening: ' 'the host, which knows both keys'
begins one 1 'with the old key again'
sees one.out '^updated fix applied 6$' 'the host gives it again'
stop one

push 7
begins two 1 'another client'
sees two.out '^updated fix applied 7$' 'which has the newest'
stop two
stop host
game_version=2.0
starts two 1 'S1.1 a new version of the program' -p key.pub
sees two.err "kept update $id fix is left out: .*version" \
	'does not take what was for an older one'
stop two
# --- a folder that is not right -----------------------------------------------

refused() { # NAME REGEX
	run "$hotfix" client -p key.pub --id one --state one "$addr" client.lua
	exits 5 "$1: the client does not start"
	err_has "$2" "$1: it says why"
	one_line "$1: in one line"
	is "$(cat out)" '' "$1: the program has not begun"
}
chmod 770 one
refused 'a folder that a group may write to' 'one: .*writ'
chmod 707 one
refused 'one that all may write to' 'one: .*writ'
chmod 700 one
cp one/state whole
sed 's/^kept: [0-9]*/kept: 17/' whole >one/state
cmp -s whole one/state
is $? 1 'the state was edited'
refused 'an edited state' 'one/state: '
head -c 40 whole >one/state
refused 'half a state' 'one/state: '
cp whole one/state
damage 66 >evil.lua
"$hotfix" keygen evil >/dev/null
for f in one/updates/*; do
	"$hotfix" push -k evil.sec --version '*' --server-version '*' \
		--feature fix --both evil.lua --write "$f" >/dev/null
done
starts one 1 'S0.2 a document that was put there by somebody else' -p key.pub
sees one.err 'is left out: ' 'is not applied'

# --- what has expired -----------------------------------------------------------

game_version=3.0
until [ "$(date +%s)" -ge $past ]; do
	sleep 0.1
done
start host "$hotfix" serve -l "$addr" --name host -p key.pub --version 1 \
	--state state server.lua
sees host.out '^listening: ' 'the host is back, and tells the time'
begins short 9 'until then nobody has told the client'
stop short
stop host
starts short 1 'what has expired is not applied at the next start' -p key.pub
sees short.err 'is left out: it has expired' 'the log says so'
finish
