# The example script that publishes: what the README shows, and its endings.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/ntpd.sh"

script=$HOTFIX_TOP/examples/release/publish.sh
arena=$HOTFIX_TOP/examples/arena
get="sh '$HOTFIX_TOP/examples/release/get.sh'"
HOTFIX=$hotfix
HOTFIX_KEY=$PWD/studio.sec
export HOTFIX HOTFIX_KEY
"$hotfix" keygen studio >/dev/null

serve demo -p studio.pub --state state --program arena --version 1.0 \
	--fetch-with "$get" "$arena/server.lua"
for p in ann bob; do
	start $p "$hotfix" client -p studio.pub --id $p --program arena \
		--version 1.0 --fetch-with "$get" "$addr" "$arena/client.lua"
	await $p.err '^logged in' || ok 1 "$p logs in"
done
sees ann.out 'damage 14' 'the bug is seen'
mkdir game
cp "$arena/client.lua" game
sed 's/power + armour/power - armour/' "$arena/view.lua" >game/view.lua

run sh "$script" 1.1 game
exits 5 'no release.conf'
one_line 'which is said'
cat >release.conf <<END
NAME=arena
PLACE='$PWD/place'
END
run sh "$script" 1.1 game
exits 2 'a release.conf without all that is needed'
run sh "$script" 1.1
exits 2 'no folder'
cat >>release.conf <<END
URL=file://localhost$PWD/place
VERSION='1.*'
HOSTS=$addr
BUILD='echo built >built.txt'
END
if ntpd; then
	echo "NTP=$ntp_server" >>release.conf
else
	skip "$ntp_why"
fi
run sh "$script" 1.1 game
exits 0 'S4.8 one command releases'
is "$(cat out)" 'arena 1.1 is released' 'and says so'
is "$(field released arena-1.1.published)" yes 'what was done is kept'
is "$(field notified arena-1.1.published)" '1 of 1' 'S4.6 the host was told'
is "$(tar xOf arena-1.1.tar built.txt)" built 'S4.2 the build ran before'
[ "$status" = 0 ] || finish
sees ann.out 'damage 6' 'S2.6 players see the mended code while they play'
sees bob.out 'damage 6' 'all of them'
run "$hotfix" verify -p studio.pub place/release/arena.latest \
	place/release/arena-1.1.tar
exits 0 'what is there is signed'
run "$hotfix" status "$addr"
out_has '^package: [0-9]+ arena 1\.1 here ' 'S4.7 the host has the package'

run sh "$script" 1.1 game
exits 0 'run again it is the same'
echo 'HOSTS="$HOSTS 127.0.0.1:1"' >>release.conf
echo 'return 1' >game/more.lua
run sh "$script" 1.2 game
exits 3 'a host that is dead'
is "$(sed -n 1,2p out)" "arena 1.2 is released, but not every host has it:
  127.0.0.1:1: unreachable" 'is named, the release stands'
echo 'return (' >game/more.lua
run sh "$script" 1.3 game
exits 1 'S4.2 what does not compile'
is "$(cat out)" 'arena 1.3 is not released; what was before still is' \
	'is not released'
is "$(field package place/release/arena.latest | cut -d ' ' -f 2)" 1.2 \
	'what was before still is'
run sh "$HOTFIX_TOP/examples/release/get.sh" http://x/y z
exits 1 'get.sh takes nothing but files'
finish
