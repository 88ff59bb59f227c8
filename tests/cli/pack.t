# hotfix pack, unpack, verify: release packages, and what other tools make of
# them.
. "$HOTFIX_TOP/tests/lib.sh"

"$hotfix" keygen key >/dev/null
"$hotfix" keygen other >/dev/null
SOURCE_DATE_EPOCH=1795342500
export SOURCE_DATE_EPOCH
mkdir -p game/scripts game/data/maps game/logs
echo 'return {damage = 1}' >game/scripts/damage.lua
echo 'return {}' >game/scripts/init.lua
: >game/data/empty
head -c 300000 /dev/urandom >game/data/maps/town.map
printf 'one' >'game/data/with space'
printf 'two' >"game/data/it's \"quoted\" \$(x) -rf *"
printf 'three' >'game/data/grüße 地図'
long=$(printf 'n%.0s' 1 2 3 4 5 6 7 8 9)
long=$long$long$long$long$long$long$long$long$long$long
mkdir -p "game/$long/$long"
printf 'four' >"game/$long/$long/file"

# leftovers NAME: what a kill would leave of it.
leftovers() {
	find . -maxdepth 1 -name '*.new-*' | grep -c .
}

# --- packing ----------------------------------------------------------------

run "$hotfix" pack -k key.sec -n arena -r 1.4 game
exits 0 'S4.3 a folder is packed'
is "$(sed 's/: .*//' out | tr '\n' ' ')" \
	'package release path files bytes md5 sha512 signed ' 'its fields'
is "$(field path out)" arena-1.4.tar 'named by name and release'
is "$(field files out)" 8 'the number of its files'
is "$(field bytes out)" "$(wc -c <arena-1.4.tar)" 'the length of the package'
is "$(field md5 out)" "$(md5sum <arena-1.4.tar | cut -d' ' -f1)" \
	'S4.4 its MD5 is that of md5sum'
is "$(field sha512 out)" "$(sha512sum <arena-1.4.tar | cut -d' ' -f1)" \
	'its SHA-512 that of sha512sum'
is "$(field signed out)" arena-1.4.tar.sig 'and its signature'
cp -r game copy
touch copy/data/empty
run "$hotfix" pack --json -k key.sec -n arena -r 1.4 -o copy.tar copy
exits 0 'another folder with the same files'
cmp -s arena-1.4.tar copy.tar && cmp -s arena-1.4.tar.sig copy.tar.sig
ok $? 'gives the same bytes and the same signature'
out_has '^\{"package":"arena","release":"1.4","path":"copy.tar","files":8,' \
	'--json: one object'
run "$hotfix" pack -k key.sec -n arena -r 1.4 game
exits 0 'packed again it is fine'
cp arena-1.4.tar before.tar
echo 'return {damage = 2}' >copy/scripts/damage.lua
run "$hotfix" pack -k key.sec -n arena -r 1.4 copy
exits 1 'a package with other bytes is there already'
err_has 'arena-1.4.tar: is there already, with other bytes: .* another release' \
	'which is said, and what to do'
SOURCE_DATE_EPOCH=1795342501 run "$hotfix" pack -k key.sec -n arena -r 1.4 game
exits 1 'so is one of the same files and another time'
err_has 'other bytes: the same files, .*SOURCE_DATE_EPOCH' \
	'which is said, and what to do'
SOURCE_DATE_EPOCH=1795342501 run "$hotfix" pack -k key.sec -n arena -r 1.4 copy
err_has 'with other bytes: what changed' \
	'it is not, when the files are others, too'
cmp -s before.tar arena-1.4.tar
ok $? 'and stays'
run "$hotfix" pack -k key.sec -n arena -r 1.5 --build "kill -INT \$PPID" game
exits 130 'interrupted'
err_has '^hotfix: pack: interrupted; nothing was packed$' 'which is said'
is "$(find . -name 'arena-1.5*')" '' 'nothing of it is left'
run "$hotfix" verify -p key.pub arena-1.4.tar
exits 0 'with its signature'
run "$hotfix" pack -n arena -r 1.4 -o unsigned.tar game
exits 0 'without a key'
is "$(field signed out)" no 'it is not signed'
SOURCE_DATE_EPOCH=x run "$hotfix" pack -n arena -r 1 game
exits 2 'SOURCE_DATE_EPOCH is a number'

for args in '-n arena game' '-r 1 game' '-n arena -r 1' '-n a/b -r 1 game' \
	'-n arena -r .. game' '-n arena -r 1 game copy' \
	'-k key.sec --sign-with cat -n arena -r 1 game'; do
	# shellcheck disable=SC2086
	run "$hotfix" pack $args
	exits 2 "wrong use: pack $args"
done
mkdir -p hollow/one/two
run "$hotfix" pack -k key.sec -n arena -r 1 hollow
exits 1 'a folder without any file is not packed'
is "$(cat out err)" 'hotfix: pack: hollow: has no file to pack' 'which is said'
[ ! -e arena-1.tar ] && [ ! -e arena-1.tar.sig ] && [ "$(leftovers)" = 0 ]
ok $? 'nothing is left'
run "$hotfix" pack -n arena -r none --exclude '*' game
exits 1 'nor one of which all is left out'
run "$hotfix" pack -n arena -r 1 missing
exits 5 'a folder that is not there is local trouble'

# --- other tools ------------------------------------------------------------

mkdir gnu
run tar -C gnu -xf arena-1.4.tar
exits 0 'GNU tar unpacks it'
is "$(cat err)" '' 'without a word'
run diff -r game gnu
is "$(grep -v '^Only in gnu: \(MD5SUMS\|RELEASE\)$' out)" '' \
	'to the same files'
(cd gnu && md5sum -c --strict --quiet MD5SUMS) >out 2>err
ok $? 'md5sum -c --strict agrees with MD5SUMS' || t_show
is "$(tar -tf arena-1.4.tar | head -n 2 | tr '\n' ' ')" 'MD5SUMS RELEASE ' \
	'the list comes first'
is "$(tar --quoting-style=literal -tvf arena-1.4.tar | cut -c1-14 |
	sort -u | tr '\n' ' ')" '-rw-r--r-- 0/0 drwxr-xr-x 0/0 ' \
	'owner 0, 0644 and 0755'
if command -v busybox >/dev/null; then
	mkdir busy
	run busybox tar -C busy -xf arena-1.4.tar
	exits 0 'busybox unpacks it'
	run diff -r gnu busy
	exits 0 'to the same files'
else
	skip 'busybox is not here'
	skip 'busybox is not here'
fi
if command -v signify-openbsd >/dev/null; then
	run signify-openbsd -V -p key.pub -m arena-1.4.tar
	exits 0 'signify verifies our signature'
	cp arena-1.4.tar theirs.tar
	signify-openbsd -S -s key.sec -m theirs.tar
	run "$hotfix" verify -p key.pub theirs.tar
	exits 0 'we verify the one of signify'
	run "$hotfix" unpack -p key.pub theirs.tar theirs
	exits 0 'and unpack what it signed'
	cat >sign <<-'END'
	cat >to-sign && signify-openbsd -S -s key.sec -m to-sign -x - </dev/null
	END
	run "$hotfix" pack --sign-with 'sh sign' -n arena -r 1.4 \
		-o by-command.tar game
	exits 0 '--sign-with'
	cmp -s to-sign by-command.tar
	ok $? 'gives the command the whole package'
	run "$hotfix" verify -p key.pub by-command.tar
	exits 0 'and takes its signature'
else
	for i in 1 2 3 4 5 6; do
		skip 'signify-openbsd is not here'
	done
fi
run "$hotfix" pack --sign-with 'exit 3' -n arena -r 1.4 -o failed.tar game
exits 5 'a signature that does not come'
[ ! -e failed.tar ] && [ ! -e failed.tar.sig ] && [ "$(leftovers)" = 0 ]
ok $? 'leaves nothing'

# --- what is not packed -------------------------------------------------------

refuses() { # WORDS NAME: game is not packed, and why
	run "$hotfix" pack -n arena -r bad game
	exits 1 "$2: not packed"
	err_has "$1" 'named'
	[ ! -e arena-bad.tar ]
	ok $? 'no package'
}
ln -s town.map game/data/link
refuses 'game/data/link: a symbolic link' 'a symbolic link'
run "$hotfix" pack -n arena -r bad -o excluded.tar --exclude link game
exits 0 'unless it is left out'
rm game/data/link
mkfifo game/fifo
refuses 'game/fifo: neither' 'a fifo'
rm game/fifo
touch "$(printf 'game/new\nline')"
refuses 'game/new\\nline: a name with control' 'a line end in a name'
rm "$(printf 'game/new\nline')"
touch 'game/back\slash'
refuses 'backslash' 'a backslash in a name'
rm 'game/back\slash'
touch "$(printf 'game/\377')"
refuses 'no UTF-8' 'a name that is no UTF-8'
rm "$(printf 'game/\377')"
touch "game/$long$long"
refuses 'no archive can hold this name' 'a part that no header can hold'
rm "game/$long$long"
deep=game/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16
mkdir -p "$deep/17"
refuses 'more than 16 parts' 'a folder that is too deep'
rm -r game/1
printf 'local a\nlocal b = = 1\n' >game/scripts/broken.lua
refuses 'scripts/broken.lua:2: ' 'S4.2 a source that does not compile'
run "$hotfix" pack -n arena -r bad -o unchecked.tar \
	--no-lua-check 'scripts/b*.lua' game
exits 0 'S4.2 unless it is of another dialect'
rm game/scripts/broken.lua

# --- the build ------------------------------------------------------------------

run "$hotfix" pack -n arena -r built --build \
	'echo built; echo "return 3" >scripts/made.lua' game
exits 0 'S4.2 a build command runs first'
out_lacks '^built' 'its output is no result'
err_has '^built$' 'but goes to standard error'
tar -xOf arena-built.tar scripts/made.lua | grep -q 'return 3'
ok $? 'what it made is packed'
rm game/scripts/made.lua
run "$hotfix" pack -n arena -r unbuilt --build 'exit 7' game
exits 1 'S4.2 a build that fails stops it'
err_has 'exit 7' 'with its status'
[ ! -e arena-unbuilt.tar ]
ok $? 'and nothing is packed'

# --- unpacking ------------------------------------------------------------------

run "$hotfix" unpack -p key.pub arena-1.4.tar one
exits 0 'S4.3 a package is unpacked'
is "$(field path out)" one 'into the folder'
run diff -r gnu one
exits 0 'to what tar unpacks'
run "$hotfix" unpack -p key.pub arena-1.4.tar one
exits 1 'a folder that is there is not touched'
run "$hotfix" unpack arena-1.4.tar two
exits 2 'without a key nothing is unpacked'
run "$hotfix" unpack -p other.pub arena-1.4.tar two
exits 1 'M6 nor by another key'
printf '%s studio parts=client\n' "$(sed -n 2p key.pub)" >trust
run "$hotfix" unpack --trust trust arena-1.4.tar two
exits 1 'nor by a key that may not sign packages'
err_has 'studio may not sign packages' 'which is said'
run "$hotfix" unpack -p key.pub unsigned.tar two
exits 5 'nor without a signature'
cp arena-1.4.tar bad.tar
cp arena-1.4.tar.sig bad.tar.sig
printf x | dd of=bad.tar bs=1 seek=3000 conv=notrunc 2>/dev/null
run "$hotfix" unpack -p key.pub bad.tar two
exits 1 'M4 one byte that is another'
err_has 'the signature is not of this file' 'is no longer signed'
run "$hotfix" verify -q -p key.pub bad.tar
exits 1 'nor is it verified'
is "$(cat out) $(grep -c . err)" 'bad.tar: FAILED 1' \
	'and nothing else of it is told'
cp arena-1.4.tar good.tar
"$hotfix" pack -k key.sec -n arena -r other -o other.tar game >/dev/null
cp other.tar.sig good.tar.sig
run "$hotfix" verify -p key.pub good.tar
exits 1 'M6 a good package with the signature of another'
err_has 'the signature is not of this file' 'is told to have that'
run "$hotfix" unpack -p key.pub good.tar two
exits 1 'and is not unpacked'
run "$hotfix" verify bad.tar
exits 1 'and without a key'
err_has 'not the listed bytes|bytes behind|sum is wrong' 'not as listed'
head -c 4096 arena-1.4.tar >bad.tar
run "$hotfix" verify bad.tar
exits 1 'A6 half a package'
# Other bytes, signed: what is signed may still be wrong.
tar -cf bad.tar -C game .
if command -v signify-openbsd >/dev/null; then
	signify-openbsd -S -s key.sec -m bad.tar
	run "$hotfix" unpack -p key.pub bad.tar two
	exits 1 'a signed archive that is no package'
	run "$hotfix" verify -p key.pub bad.tar
	exits 0 'is good as a signed file'
else
	skip 'signify-openbsd is not here'
	skip 'signify-openbsd is not here'
fi
[ ! -e two ] && [ "$(leftovers)" = 0 ]
ok $? 'A11 nothing is left of any of them'

# --- folders ----------------------------------------------------------------------

run "$hotfix" verify one
exits 0 'an unpacked folder is verified'
is "$(grep -c ': OK$' out)" 9 'with a line for each file'
err_has 'a folder has no signature' 'standard error says what that means'
echo x >>one/scripts/init.lua
rm one/data/empty
echo >one/added
run "$hotfix" verify -q one
exits 1 'damage is found'
is "$(sort out)" 'one/added: FAILED
one/data/empty: FAILED
one/scripts/init.lua: FAILED' '-q names what failed alone'
run "$hotfix" verify arena-1.4.tar
exits 0 'a package is verified without a key'
err_has 'its digests alone' 'which is said'
run "$hotfix" verify -q -p key.pub arena-1.4.tar
is "$(cat out err)" '' 'with a key it is not'

# --- since another ----------------------------------------------------------------

run "$hotfix" unpack -p key.pub arena-1.4.tar base
echo 'return {damage = 5}' >game/scripts/damage.lua
echo 'return 1' >game/scripts/new.lua
rm 'game/data/with space'
mkdir game/data/fresh
"$hotfix" pack -k key.sec -n arena -r 1.5 -o full.tar game >/dev/null
run "$hotfix" pack -k key.sec -n arena -r 1.5 --since arena-1.4.tar game
exits 0 '--since packs what changed'
is "$(field base out) $(field files out) $(field removed out)" '1.4 2 1' \
	'two files, one gone'
[ "$(wc -c <arena-1.5.tar)" -lt 20000 ]
ok $? 'it is small'
run "$hotfix" verify -p key.pub arena-1.5.tar
exits 0 'it is verified by itself'
run "$hotfix" unpack -p key.pub arena-1.5.tar five
exits 2 'it is not unpacked without its base'
err_has '[-]-base DIR' 'which is said'
run "$hotfix" unpack -p key.pub --base base arena-1.5.tar five
exits 0 'it is unpacked onto its base'
"$hotfix" unpack -p key.pub full.tar six >/dev/null
run diff -r five six
exits 0 'and is the full release, file by file'
[ -d five/data/fresh ]
ok $? 'with its empty folder'
run "$hotfix" verify five
exits 0 'it is verified'
# What both hold is linked.
(cd five && find . -type f -links +1) | sort >mine
one=$(sed -n 1p mine)
two=$(sed -n 2p mine)
chmod 666 "base/$one"
run "$hotfix" unpack -p key.pub --base base arena-1.5.tar eight
is "$(stat -c '%a %h' "eight/$one")" '644 1' \
	'a file of the base that others may write to is copied'
is "$(find "eight/$two" -samefile "base/$two")" "eight/$two" \
	'others are linked'
chmod 644 "base/$one"
run "$hotfix" unpack -p key.pub --base six arena-1.5.tar seven
exits 1 'another base is refused'
[ ! -e seven ] && [ "$(leftovers)" = 0 ]
ok $? 'and nothing is left'

# --- what a build is told ---------------------------------------------------------

HOTFIX_FTP_PASSWORD=deep
export HOTFIX_FTP_PASSWORD
run "$hotfix" pack -k key.sec -n arena -r 7 --exclude MD5SUMS \
	--exclude RELEASE --build 'env >../env; ls /proc/self/fd >../fds' game
exits 0 'a build that looks around'
grep -q ^PATH= env && ! grep -q deep env
ok $? 'finds no password for a place of releases'
sh -c 'ls /proc/self/fd >others'
is "$(cat fds)" "$(cat others)" 'and no files of ours'
cat >sign.sh <<-'END'
env >env
exit 1
END
run "$hotfix" pack --sign-with 'sh sign.sh' -n arena -r 8 game
grep -q ^PATH= env && ! grep -q deep env
ok $? 'nor does who signs'
unset HOTFIX_FTP_PASSWORD

# --- a full disk, a kill ------------------------------------------------------------

run sh -c "ulimit -f 100; exec '$hotfix' pack -k key.sec -n arena -r 2 game"
exits 5 'a disk that is full while packing is local trouble'
[ ! -e arena-2.tar ] && [ "$(leftovers)" = 0 ]
ok $? 'and nothing is left'
run sh -c "ulimit -f 100; exec '$hotfix' unpack -p key.pub full.tar two"
exits 5 'and while unpacking'
[ ! -e two ] && [ "$(leftovers)" = 0 ]
ok $? 'nothing is left there either'

head -c 20000000 /dev/zero >game/data/large
bad=0
seen=0
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	rm -rf killed killed.tar killed.tar.sig ./*.new-*
	"$hotfix" pack -k key.sec -n arena -r 9 -o killed.tar game \
		>/dev/null 2>&1 &
	p=$!
	perl -e "select undef, undef, undef, $n * 0.02"
	kill -9 $p 2>/dev/null
	wait $p 2>/dev/null
	if [ -e killed.tar ]; then
		"$hotfix" verify -q -p key.pub killed.tar || bad=1
	else
		seen=$((seen + 1))
		"$hotfix" pack -q -k key.sec -n arena -r 9 -o killed.tar game \
			>/dev/null || bad=1
	fi
	"$hotfix" unpack -p key.pub killed.tar killed >/dev/null 2>&1 &
	p=$!
	perl -e "select undef, undef, undef, $n * 0.02"
	kill -9 $p 2>/dev/null
	wait $p 2>/dev/null
	if [ -e killed ]; then
		"$hotfix" verify -q killed || bad=1
	fi
done 2>/dev/null
is "$bad" 0 "no kill leaves half a package or folder under its name ($seen)"
finish
