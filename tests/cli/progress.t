# What people see while something takes its time: a line that changes in place,
# on a terminal alone; and who still fetches.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/peers.sh"

if ! script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	skip 'no terminals can be made here (script, /dev/pts)'
	finish
fi
"$hotfix" keygen key >/dev/null
mkdir game
head -c 3000000 /dev/urandom >game/noise
echo 'io.stdout:setvbuf("line")
hotfix.on("welcome", function() print("welcome ") end)
hotfix.on("updated", function(id, f, r) print("updated " .. r) end)' >client.lua
esc=$(printf '\033')

# on_terminal COMMAND...: its status in $status, what a terminal saw in "seen",
# a line each for what was drawn over.
on_terminal() {
	t_line=
	for t_word; do
		t_line="$t_line '$t_word'"
	done
	script -qec "$t_line" /dev/null </dev/null >typescript
	status=$?
	t_command="script $*"
	tr '\r' '\n' <typescript >seen
}

saw() { # REGEX NAME
	grep -Eq -e "$1" seen
	ok $? "$2" || note seen
}

# unseen NAME: no line was drawn.
unseen() {
	! grep -q "$esc" seen
	ok $? "$1" || note seen
}

# --- who still fetches -----------------------------------------------------------

mkfifo gate
cat >get.sh <<-'END'
case $3 in
host) [ ! -e slow ] || read -r line <gate.host ;;
*) read -r line <gate ;;
esac
cp "place/release/${1##*/}" "$2"
END
cat >host.sh <<-'END'
sh get.sh "$1" "$2" host
END
mkfifo gate.host
exec 3<>gate 4<>gate.host
serve host -p key.pub --fetch-with 'sh host.sh'
for c in ann bob; do
	client $c --version 1.4 --fetch-with 'sh get.sh'
done
run "$hotfix" publish -k key.sec --to place --url shop://x --version '1.*' \
	-n arena -r 1 --wait 300ms --notify "$addr" game
exits 0 'clients that still fetch make no release bad'
out_has '^clients: targeted=2 applied=0 deferred=2 failed=0 missing=0$' \
	'they are counted'
out_has '^result: deferred$' 'all of them do'
err_has "$addr: 2 clients still fetch the package; hotfix status tells" \
	'it is said that they fetch'
! grep -q 'wait for' err
ok $? 'not that they wait for an event' || t_show
echo >&3
echo >&3
sees ann.out '^updated applied' 'then they have it'
sees bob.out '^updated applied' 'both'
run "$hotfix" publish -k key.sec --to place --url shop://x --version '1.*' \
	-n arena -r 2 --on round-end --wait 300ms --notify "$addr" game
err_has '2 clients still fetch the package, or wait for the event round-end; ' \
	'with an event it may be either'
echo >&3
echo >&3

# --- a terminal ---------------------------------------------------------------------

if ! command -v script >/dev/null; then
	skip 'no script(1) here'
	finish
fi
on_terminal "$hotfix" pack -k key.sec -n arena -r p game
is "$status" 0 'pack on a terminal'
saw "^pack: .* of [0-9.]+ MB, [0-9]+%.*$esc\[K" 'S4.8 shows how far it is'
is "$(tail -n 1 typescript | tr -d '\r')" 'signed: arena-p.tar.sig' \
	'and takes the line away in the end'
on_terminal "$hotfix" pack -q -k key.sec -n arena -r p -o q.tar game
unseen '-q: nothing is shown'
run "$hotfix" pack -k key.sec -n arena -r p -o r.tar game
! grep -q "$esc" out err
ok $? 'elsewhere neither'
is "$(cat err)" '' 'plain lines alone'

: >slow
on_terminal "$hotfix" publish -k key.sec --to place --url shop://x \
	--version 9 -n arena -r 3 -o p.tar game
is "$status" 0 'publish on a terminal'
saw "^read: .* of 3.0 MB, .*$esc\[K" 'S4.8 shows how far it is: reading'
saw "^pack: .* of 3.0 MB, .*$esc\[K" 'S4.8 packing'
saw "^upload: .* of .*$esc\[K" 'S4.8 sending'
saw "^(read back|compare).*: .* of .*$esc\[K" 'S4.8 and reading back'
saw '^read back: ([0-9]+ B) of \1, 100%' 'of what is there no byte more'
on_terminal "$hotfix" publish -q -k key.sec --to place --url shop://x \
	--version 9 -n arena -r 4 -o s.tar game
unseen '-q: nothing is shown'

# A host fetches what was published.
cat >notify <<END
script -qec "'$hotfix' publish -k key.sec --to place --url shop://x \
	--version 9 -n arena -r 5 -o t.tar --notify $addr game" /dev/null |
	perl -e '\$| = 1; while (sysread STDIN, \$_, 4096) {
		s/\r/\n/g; s/(\e\[K)/\$1\n/g; print }'
END
client cat --version 9 --fetch-with 'sh get.sh'
start notify sh ./notify
sees notify.out "$addr fetches: .* of [0-9.]+ MB" \
	'S4.8 how far the host is with it'
n=$(wc -l <notify.out)
echo >&4
await notify.out "^$esc\[K" "$n"
ok $? 'the line is gone while its clients fetch'
echo >&3
sees notify.out '^notified: 1 of 1' 'and then it is done'
! grep -Eq '%.*(id|released|package|remote-md5): ' notify.out
ok $? 'no result stands behind it in its line' || note notify.out
run "$hotfix" publish -v -k key.sec --to place --url shop://x --version 9 \
	-n arena -r 6 -o u.tar --timeout 10s game
! grep -q "$esc" out err
ok $? 'elsewhere nothing is drawn'

server=
mkdir root
for s in $ftp_servers; do
	[ -z "$server" ] && ftpd "$s" root && server=$s
done
if [ -n "$server" ]; then
	HOTFIX_FTP_PASSWORD=$ftp_password
	export HOTFIX_FTP_PASSWORD
	url=ftp://$ftp_user@127.0.0.1:$ftp_port/base
	cp arena-p.tar arena-p.tar.sig root/base
	on_terminal "$hotfix" fetch -p key.pub -o got "$url/arena-p.tar"
	is "$status" 0 'fetch on a terminal'
	saw "^got: .*$esc\[K" 'S4.8 shows how far it is'
	on_terminal "$hotfix" verify -p key.pub "$url/arena-p.tar"
	is "$status" 0 'verify of an address on a terminal'
	saw "^fetch: .*$esc\[K" 'S4.8 shows how far it is'
	run "$hotfix" verify -p key.pub "$url/arena-p.tar"
	is "$(cat err)" '' 'elsewhere it does not'
else
	skip "$ftp_why"
fi
finish
