# Packages: fetched by hosts and clients, put in force in what runs.
. "$HOTFIX_TOP/tests/lib.sh"

mkdoc=$HOTFIX_BUILD/tests/mkdoc
"$hotfix" keygen key >/dev/null

# --- a game in releases ------------------------------------------------------

# release N: the folder relN, in which the damage is N.
release() {
	mkdir -p "rel$1/game" "rel$1/data"
	cat >"rel$1/game/damage.lua" <<-END
	local damage = {}
	local calls = 0
	function damage.hit()
	  calls = calls + 1
	  return $1
	end
	function damage.calls() return calls end
	return damage
	END
	cat >"rel$1/game/init.lua" <<-'END'
	return {title = function() return "arena" end}
	END
	echo "map $1" >"rel$1/data/map"
	cat >"rel$1/main.lua" <<-'END'
	io.stdout:setvbuf("line")
	local damage, game = require "game.damage", require "game"
	local function tell(what)
	  print(what .. " " .. damage.hit() .. " " .. game.title())
	end
	hotfix.on("welcome", function() tell("welcome") end)
	hotfix.on("line", function(text)
	  tell(text .. " " .. damage.calls())
	end)
	hotfix.on("updated", function(id, feature, result)
	  tell("updated " .. feature .. " " .. result)
	end)
	hotfix.on("package", function(release, folder)
	  local map = folder and io.open(folder .. "/data/map"):read() or ""
	  print("package " .. (release or "none") .. " " .. map)
	end)
	END
}

# package N [OPTION...]: rel N packed; its field in pkgN.
package() {
	n=$1
	shift
	"$hotfix" pack -q -n arena -r "$n" -o "arena-$n.tar" "$@" "rel$n" \
		>/dev/null || ok 1 "release $n is packed"
	place "arena-$n.tar" "$n" >"pkg$n"
}

# place FILE RELEASE: what a document says of it.
place() {
	echo "arena $2 $(wc -c <"$1") $(md5sum <"$1" | cut -d' ' -f1)" \
		"$(sha512sum <"$1" | cut -d' ' -f1) $url/$1"
}

# announce NAME FEATURE [PART | FIELD]...: a document, sent to $addr; its id
# in $id.
announce() {
	name=$1
	feature=$2
	shift 2
	id=$("$mkdoc" key.sec "$feature" "$name.doc" "$@") ||
		ok 1 "the document $name is made"
	run "$hotfix" push "$name.doc" "$addr"
}

# player NAME ARG...: a client that begins with release 1.
player() {
	t_client=$1
	shift
	start "$t_client" "$hotfix" client -p key.pub --id "$t_client" "$@" \
		"$addr" rel1/main.lua
	await "$t_client.out" '^welcome ' || ok 1 "$t_client logs in"
}

# said NAME: what it has printed, without its empty ends.
said() {
	sed 's/ *$//' "$1.out"
}

# A place for packages that needs no server: the folder "shop".
url=shop://x
mkdir shop
cat >get.sh <<-'END'
echo "$1" >>fetched
cp "shop/${1#shop://x/}" "$2"
END
for n in 1 2 3 4; do
	release "$n"
	package "$n"
done
mv arena-*.tar shop

# --- a host, and who hears of it ----------------------------------------------

serve host -p key.pub --state host.state --fetch-with 'sh get.sh' \
	--public-url shop://x/=shop://x/./
for p in ann bob; do
	inputs "$p" "$([ "$p" = ann ] && echo 3 || echo 4)"
done
player ann --state ann.state --fetch-with 'sh get.sh'
player bob --fetch-with 'sh get.sh'
type_to ann one
await ann.out '^one '

announce two release "package: $(cat pkg2)"
exits 0 'a package is announced'
out_has '^result: applied$' 'S4.7 the host has it'
out_has '^clients: targeted=2 applied=2 ' 'S2.3 online users: both have it at once'
is "$(stat -c %a host.state/packages/arena-2.tar)" 644 \
	'S4.7 it lies where a download server may hand it out'
grep -qxF 'shop://x/./arena-2.tar' fetched
ok $? 'S4.7 clients fetch it from the address that the host makes' ||
	note fetched
sees ann.out '^updated release applied 2 arena' 'S2.6 it runs new code'
sees ann.out '^package 2 map 2$' 'and is told where its data is'
type_to ann two
sees ann.out '^two 3 2 arena$' 'S2.6 its data was kept'
sees bob.out '^package 2 map 2$' 'S2.6 without a state folder as well'
is "$(readlink ann.state/packages/arena/current | cut -d- -f1)" 2 \
	'the current link leads to it'
[ -z "$(find ann.state/packages -name '*.tar*')" ]
ok $? 'the fetched file is gone'

# --- who comes later ------------------------------------------------------------

player cat --fetch-with 'sh get.sh'
sees cat.out '^updated release applied 2 arena' \
	'S2.3 offline users who log in again get it'

: >fetched
stop ann
player ann --state ann.state --fetch-with 'sh get.sh'
is "$(said ann | tail -n 2)" 'package 2 map 2
welcome 2 arena' 'S2.3 sleeping users who have it get nothing again'
is "$(cat fetched)" '' 'and fetch nothing'

# Someone away when the next one is announced.
stop ann
cat >fix.lua <<-'END'
hotfix.hook {
  target = "game.damage::hit",
  with = function(original) return original() + 100 end,
}
END
announce three release "package: $(cat pkg3)" client fix.lua
exits 0 'the next one, with a client part'
player ann --state ann.state --fetch-with 'sh get.sh'
sees ann.out '^updated release applied 103 arena' \
	'S2.3 sleeping users who reconnect get what came meanwhile'
sees bob.out '^updated release applied 103 arena' \
	'S2.7 a module rewritten and a function overridden in one document'

# --- the next start, without a host ----------------------------------------------

stop ann
stop host
inputs alone 5
start alone "$hotfix" client -p key.pub --id ann --state ann.state \
	127.0.0.1:1 rel1/main.lua
sees alone.out '^package 3 map 3$' 'S1.6 the next start has it without a host'
type_to alone alone
sees alone.out '^alone 1 103 arena$' 'and runs it'
stop alone
start alone "$hotfix" client -p key.pub --id ann --state ann.state \
	127.0.0.1:1 ann.state/packages/arena/current/main.lua
await alone.out '^package 3 map 3$'
type_to alone alone
sees alone.out '^alone 1 103 arena$' \
	'a launcher may start the program from the current link'
stop alone

# --- taken back ---------------------------------------------------------------------

serve host -p key.pub --state host.state --fetch-with 'sh get.sh'
player ann --state ann.state --fetch-with 'sh get.sh'
run "$hotfix" revert -k key.sec "$id" "$addr"
exits 0 'a package is reverted'
sees ann.out '^updated release reverted 1 arena' 'the old code is back'
sees ann.out '^package 2 map 2$' 'and the program is told where its data is'
is "$(readlink ann.state/packages/arena/current | cut -d- -f1)" 2 \
	'current leads to the release before'
[ ! -e host.state/packages/arena-3.tar ]
ok $? 'the host keeps no package that nobody announces'
stop ann
stop host

# --- what cannot be had ---------------------------------------------------------------

# A name for each: what a feature once had is in the host's ledger.
serve lone -p key.pub --fetch-with 'sh get.sh' --fetch-tries 1
player dan --fetch-with false --fetch-tries 2
announce gone other "package: $(cat pkg4)" 'max-failed: 100%' \
	"take-back-until: 2099-01-01T00:00:00Z"
out_has '^clients: .* failed=1 ' 'S2.5 after the allowed tries a client gives up'
err_has '1 gave-up' 'and the host is told so'
sed 's/arena-4/arena-5/' pkg4 >pkg5
announce none release "package: $(cat pkg5)"
exits 1 'what a host cannot fetch it does not announce'
out_has '^result: (failed|gave-up)$' 'and says so'
stop dan

# --- parts of a release ----------------------------------------------------------------

# Release 5 is packed since 4.
cp -r rel4 rel5
sed -i 's/return 4/return 5/' rel5/game/damage.lua
rm -r rel5/data
"$hotfix" pack -q -n arena -r 5 -o arena-5.tar rel5 >/dev/null
"$hotfix" pack -q -n arena -r 5 --since shop/arena-4.tar -o since-5.tar rel5 \
	>/dev/null
place arena-5.tar 5 >pkg5
place since-5.tar 5 >since5
mv arena-5.tar since-5.tar shop
serve parts -p key.pub --fetch-with 'sh get.sh'
player eve --state eve.state --fetch-with 'sh get.sh'
announce four release "package: $(cat pkg4)"
player fay --fetch-with 'sh get.sh'
: >fetched
announce five next "package: $(cat since5)" 'base: 4'
exits 0 'a package that builds on another'
is "$(find eve.state/packages/arena/current/ -type f | sed 's/.*current.//' |
	sort | tr '\n' ' ')" 'MD5SUMS RELEASE game/damage.lua game/init.lua main.lua ' \
	'the whole release lies there'
stop parts
serve parts -p key.pub --fetch-with 'sh get.sh'
player hal --fetch-with 'sh get.sh'
announce five release "package: $(cat since5)" 'base: 4'
out_has '^clients: .* failed=1 ' 'without the base it is refused'
err_has 'refused needs' 'with its word'
: >fetched
announce five release "package: $(cat since5)" 'base: 4' "full: $(cat pkg5)"
sees hal.out '^updated release applied 5 arena' 'but where there is a full one'
stop hal
stop eve

# --- spread ---------------------------------------------------------------------------------

player ivy --fetch-with 'sh get.sh'
announce slow calm "package: $(cat pkg2)" 'spread: 300s' 'wait: 100ms'
out_has '^clients: .* deferred=1 ' 'spread: clients begin later'
stop ivy

# --- limits of time -----------------------------------------------------------

cat >late.sh <<-'END'
if [ ! -e tried ]; then
	: >tried
	sleep 1000
fi
sh get.sh "$1" "$2"
END
serve time -p key.pub --fetch-with 'sh get.sh'
player jan --state jan.state --fetch-with 'sh late.sh' --fetch-timeout 300ms
announce timed release "package: $(cat pkg2)" 'wait: 20s'
out_has '^clients: .* applied=1 ' \
	'S2.4 past the limit a client stops, and fetches again'
[ -e tried ]
ok $? 'it was the second try'

# The same of an FTP server that sends a byte now and then: drips N tries, and
# then gives the rest to who asks again (whole) or is gone.
connection() {
	echo hasty
	printf '%s\n' 'reply 220 ready' 'expect USER anonymous' 'reply 331 who' \
		'expect PASS hotfix@' 'reply 230 in' epsv-from \
		'expect RETR arena-3.tar' 'reply 150 here it comes' accept
}

drips() { # NAME N [whole]
	for t_i in $(seq "$2"); do
		[ "$t_i" = 1 ] || echo next
		connection
		echo 'drip-file shop/arena-3.tar'
	done >"$1.case"
	[ $# -lt 3 ] || {
		echo next
		connection
		printf '%s\n' 'send shop/arena-3.tar' end 'reply 226 done' gone
	} >>"$1.case"
	start "$1" "$HOTFIX_BUILD/tests/fakeftp" "$1.case"
	await "$1.out" '^listening: '
	port=${line#listening: }
}

# ended NAME WHAT: the server saw the tries that it was made for.
ended() {
	wait "$(cat "$1.pid")"
	ok $? "$2" || note "$1.err"
}

cat >near.sh <<-'END'
cp "shop/${1##*/}" "$2"
END
was=$addr
serve near -p key.pub --fetch-with 'sh near.sh'
drips slowly 1 whole
player ron --state ron.state --fetch-timeout 1s --fetch-tries 2
announce dripped release \
	"package: $(sed "s|shop://x|ftp://127.0.0.1:$port|" pkg3)" 'wait: 20s'
out_has '^clients: .* applied=1 ' 'S2.4 from a server that drips, too'
ended slowly 'at the second try'
stop ron
stop near
serve far -p key.pub --fetch-with 'sh near.sh'
drips ever 2
player sue --state sue.state --fetch-timeout 1s --fetch-tries 2
announce again other \
	"package: $(sed "s|shop://x|ftp://127.0.0.1:$port|" pkg3)" 'wait: 20s' \
	'max-failed: 100%' "take-back-until: 2099-01-01T00:00:00Z"
out_has '^clients: .* failed=1 ' \
	'S2.5 after the allowed tries at one that drips ever a client gives up'
err_has '1 gave-up' 'and the host is told so'
err_has 'arena-3.tar: not done in the time that was given' 'and why'
ended ever 'after two tries'
stop sue
stop far
addr=$was

# What a push says of those that are not done with it yet.
cat >stay.sh <<-'END'
sleep 1000
END
was=$addr
serve slow -p key.pub --fetch-with 'sh get.sh'
player lea --fetch-with 'sh stay.sh'
announce slow slow "package: $(cat pkg3)" 'wait: 100ms'
out_has '^result: deferred' 'a client that fetches still is no failure'
err_has '1 clients still fetch the package; hotfix status' \
	'and it waits for the package, not for an event'
stop lea
serve slower -p key.pub --fetch-with 'sh stay.sh'
start fetched "$hotfix" push slow.doc "$addr"
await slower.err 'is fetched from'
run "$hotfix" revert -k key.sec slow "$addr"
exits 1 'a host that fetches a package yet tells no feature of it'
err_has 'is taken back by its ID with --feature' 'but how to go on is said'
run "$hotfix" revert -k key.sec --feature slow "$id" "$addr"
exits 0 'which does'
await fetched.out '^result: '
is "$line" 'result: reverted' 'and the push that waited for it is told'
addr=$was

# What is on its way when something else comes.
cat >hang.sh <<-'END'
echo begun >>hangs
sleep 1000
END
inputs kim 6
: >hangs
start hangs tail -f hangs
player kim --state kim.state --fetch-with 'sh hang.sh'
await hangs.out '^begun'
type_to kim still
sees kim.out '^still 1 1 arena$' 'a fetch that hangs stops nothing here'
announce newer release 'wait: 20s' client fix.lua
sees kim.err 'superseded' 'a newer document of the feature ends it'
sees kim.out '^updated release applied 101 arena' 'and is applied'
announce late release "package: $(cat pkg3)" 'wait: 100ms'
await hangs.out '^begun' 2
run "$hotfix" revert -k key.sec "$id" "$addr"
sees kim.err 'reverted' 'a revert ends a fetch'
stop kim
stop jan
stop time

# --- a folder that others may write to ------------------------------------------

mkdir open
mkfifo open/arena-2.tar
echo precious >victim
ln -s "$PWD/victim" open/arena-3.tar
url=shop://x
place shop/arena-2.tar 2 | sed 's,/shop/,/,' >pkg2
place shop/arena-3.tar 3 | sed 's,/shop/,/,' >pkg3
serve open -p key.pub --mirror open --fetch-with 'sh get.sh'
for n in 2 3; do
	id=$("$mkdoc" key.sec release open.doc "package: $(cat pkg$n)")
	run timeout "$deadline" "$hotfix" push open.doc "$addr"
	exits 0 "release $n comes to a folder where its name is taken"
done
is "$(find open -type f)" open/arena-3.tar 'and gets it'
is "$(cat victim)" precious 'nothing else is written to'
stop open

# --- an FTP server ------------------------------------------------------------

. "$HOTFIX_TOP/tests/peers.sh"
mkdir root
if ftpd vsftpd root || ftpd pure-ftpd root; then
	cp shop/arena-2.tar shop/arena-3.tar root/base
	cat >.netrc <<-END
	machine 127.0.0.1 login $ftp_user password $ftp_password
	END
	chmod 600 .netrc
	url=ftp://127.0.0.1:$ftp_port/base
	place shop/arena-2.tar 2 | sed 's,base/shop,base,' >pkg2
	serve ftp -p key.pub
	player lea --state lea.state
	announce two release "package: $(cat pkg2)"
	exits 0 'a package on an FTP server'
	out_has '^clients: .* applied=1 ' 'host and client fetch it'
	sees lea.out '^package 2 map 2$' 'S2.2 by the address in the document'
	stop lea
	stop ftp
else
	skip "$ftp_why"
fi

# --- no room --------------------------------------------------------------------

mkdir small
if ftp_disk small 16k; then
	url=shop://x
	place shop/arena-3.tar 3 | sed 's,/shop/,/,' >pkg3
	serve full -p key.pub --fetch-with 'sh get.sh'
	player mia --state small/state --fetch-with 'sh get.sh'
	announce big release "package: $(cat pkg3)"
	out_has '^clients: .* failed=1 ' 'a full disk is told'
	err_has 'No space left' 'with its reason'
	stop mia
	stop full
else
	skip "$ftp_why"
fi
finish
