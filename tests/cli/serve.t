# hotfix serve and hotfix client: starting, ending, and what stops a start.
. "$HOTFIX_TOP/tests/lib.sh"

game
"$hotfix" keygen key >/dev/null
"$hotfix" keygen second >/dev/null

serve host -p key.pub server.lua
case $addr in
127.0.0.1:[1-9]*) true ;;
*) false ;;
esac
ok $? 'serve prints where it listens when it is ready'
run "$hotfix" serve -p key.pub -l "$addr" server.lua
exits 5 'a port in use is local trouble'
err_has "$addr: Address (already )?in use" 'with the address'
one_line 'in one line'

run "$hotfix" serve -p key.pub -l 127.0.0.1:0 missing.lua
exits 5 'a script that is not there'
err_has 'missing\.lua: No such file' 'is named'
echo 'return )' >broken.lua
run "$hotfix" serve -p key.pub -l 127.0.0.1:0 broken.lua
exits 1 'a script that does not compile'
err_has 'broken\.lua:1: ' 'is named with its line'
echo 'error("kaput")' >broken.lua
run "$hotfix" client -p key.pub "$addr" broken.lua
exits 1 'a client script that fails'
err_has 'kaput' 'says why'
run "$hotfix" serve -p missing.pub -l 127.0.0.1:0
exits 5 'a public key that is not there'
run "$hotfix" serve -l localhost:0
exits 2 'a listening address is in numbers'
run "$hotfix" serve --allow 1.2.3.4/33 -l 127.0.0.1:0
exits 2 'a network that is none'
run "$hotfix" serve --skip x -l 127.0.0.1:0
exits 2 'an id that is none'
run "$hotfix" serve --user no-such-user -l 127.0.0.1:0
exits 5 'a user that is not there'
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	chmod 755 .
	start lowly "$hotfix" serve -l 127.0.0.1:0 --user nobody
	sees lowly.out '^listening: ' 'root is given up for --user'
	is "$(ps -o ruser= -o user= -p "$(cat lowly.pid)" | tr -s ' ')" \
		'nobody nobody' 'for good'
else
	skip 'not root'
	skip 'not root'
fi
run "$hotfix" client "$addr"
exits 2 'a client needs a script'

# Who starts it may not care how its children end; a rehearsal has to.
echo 'print(os.execute("exit 3"))' >child.lua
if env --ignore-signal=CHLD true 2>/dev/null; then # GNU; sh cannot
	start careless env --ignore-signal=CHLD \
		"$hotfix" serve -l 127.0.0.1:0 child.lua
	sees careless.out '^nil	exit	3$' 'it hears how its children end'
else
	skip 'no env --ignore-signal'
fi

# What an end says of itself has the protocol's limits.
long=$(printf '%065d' 0)
for o in --name= --name='a b' --name=a@b --name="$long" --zone="$long" \
	--program="$(printf 'a\nb')" --version= ; do
	run timeout "$deadline" "$hotfix" serve "$o" -l 127.0.0.1:0
	exits 2 "serve $(printf '%.12s' "$o" | tr '\n' '.')"
	one_line 'is wrong use, told in one line'
done
for o in --id= --id='a b' --id="$long$long" --program="$long" \
	--version="$(printf 'a\tb')" --platform= ; do
	run timeout "$deadline" "$hotfix" client "$o" 127.0.0.1:1 missing.lua
	exits 2 "client $(printf '%.13s' "$o" | tr '\t' '.')"
	err_has "^hotfix: client: ${o%%=*}: " 'is wrong use, and named'
done

start two "$hotfix" serve -l 127.0.0.1:0 -l '[::1]:0'
if await two.out '^listening: \[::1\]:[1-9]'; then
	ok 0 'serve listens on several addresses'
elif grep -q 'Cannot assign\|not supported\|not available' two.err; then
	skip 'no IPv6 here'
else
	ok 1 'serve listens on several addresses'
fi

# What a program is given, and how it ends.
cat >args.lua <<-'END'
print(#hotfix.args, hotfix.args[1], hotfix.args[2], ...)
hotfix.stop(7)
END
run "$hotfix" serve -l 127.0.0.1:0 -- args.lua -x 'a b'
exits 7 'hotfix.stop ends a host with its status'
out_has '^2	-x	a b	-x	a b$' 'behind the script are its own arguments'
run "$hotfix" client "$addr" args.lua
exits 7 'hotfix.stop ends a client with its status'

inputs typed 3
start typed "$hotfix" client -p key.pub "$addr" client.lua
sees typed.out '^welcome 1' 'a client without an id gets one'
type_to typed 'hello  world'
sees typed.out '^client hello  world 1$' 'a typed line is the event line'
start quiet "$hotfix" client -p key.pub "$addr" client.lua
sees quiet.out '^welcome 1' 'a client whose input has ended runs on'
printf 'first\nlast' >file.in
start file "$hotfix" client -p key.pub "$addr" client.lua
sees file.out '^client first 1' 'lines may come from a file'
sees file.out '^client last 1' 'the last one without a line end'
stop quiet INT
exits 130 'SIGINT is an interruption of a client'
stop typed
exits 0 'SIGTERM is the end of a client'

# A second login of one id.
start a "$hotfix" client -p key.pub --id same "$addr" client.lua
await a.out '^welcome'
start b "$hotfix" client -p key.pub --id same "$addr" client.lua
sees b.out '^welcome' 'a second login of an id takes its place'
wait "$(cat a.pid)"
is $? 3 'the first one ends: it was replaced'

# The end of a host, as its clients see it.
echo 'hotfix.on("gone", function(why) print("gone") end)' >>client.lua
start c "$hotfix" client -p key.pub "$addr" client.lua
await c.out '^welcome'
stop host
exits 0 'SIGTERM is the end of a host'
sees c.out '^gone' 'its clients are told'

# The terminal is gone.
serve hung -p key.pub server.lua
start d "$hotfix" client -p key.pub "$addr" client.lua
await d.out '^welcome'
stop d HUP
exits 0 'SIGHUP is the end of a client'
stop hung HUP
exits 0 'and of a host'
start kept sh -c 'trap "" HUP; exec "$0" serve -l 127.0.0.1:0' "$hotfix"
await kept.out '^listening: '
kill -HUP "$(cat kept.pid)"
stop kept INT
exits 130 'but not where it was ignored, as under nohup'

# The longest that may be are told.
name=$(printf '%064d' 1)
start longest "$hotfix" serve -l 127.0.0.1:0 --name "$name" --zone "$name" \
	--program "$name" --version "$name"
await longest.out '^listening: '
run "$hotfix" status "${line#listening: }"
out_has "^host: $name " 'a name of 64 bytes is one'
out_has "^zone: $name\$" 'a zone too'

# Keys read anew.
printf '%s one\n' "$(sed -n 2p key.pub)" >trust
serve door --trust trust --version 1 server.lua
run "$hotfix" push -k second.sec --server fix.lua "$addr"
exits 4 'S0.2 a key that is not in the trust file'
printf '%s two\n' "$(sed -n 2p second.pub)" >>trust
run "$hotfix" reload -k second.sec "$addr"
exits 4 'a key that is not trusted yet cannot reload'
run "$hotfix" reload -k key.sec "$addr"
exits 0 'a trusted one can'
run "$hotfix" push -k second.sec --server fix.lua "$addr"
exits 0 'and the new key is trusted'

# Seeds.
mkdir seed
run "$hotfix" push -k key.sec --server fix.lua --server-version 1 \
	--feature seeded --write seed/1
serve grown -p key.pub --version 1 --seed seed server.lua
sees grown.out '^updated seeded applied 2$' 'a seed is in force at the start'

# A shell's soft limit of descriptors is not the host's.
start few sh -c 'ulimit -S -n 64; exec "$@"' few "$hotfix" serve \
	-l 127.0.0.1:0 --name few -p key.pub server.lua
await few.out '^listening: '
addr=${line#listening: }
inputs swarm 4
start swarm "$HOTFIX_BUILD/tests/swarm" -p key.pub "$addr" 100 client.lua
type_to swarm ready
sees swarm.out '^ready: 100$' 'more clients than the soft limit allows'
type_to swarm quit
stop few
finish
