# hotfix publish: a release by FTP, on real servers, and what can go wrong.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/peers.sh"
. "$HOTFIX_TOP/tests/ntpd.sh"

ftpat=$HOTFIX_BUILD/tests/ftpat
"$hotfix" keygen key >/dev/null
"$hotfix" keygen other >/dev/null

# folder NAME: of a game.
folder() {
	mkdir -p "$1/lib"
	echo 'return {hit = 1}' >"$1/lib/damage.lua"
	echo "text of $1" >"$1/a text.txt"
}
folder one
folder two
folder three
for r in one two three; do
	"$hotfix" pack -q -k key.sec -n arena -r $r -o $r.tar $r >/dev/null ||
		ok 1 "packs $r"
done

# publish PORT ARG...: into the place of the server that was started last.
publish() {
	t_port=$1
	shift
	HOTFIX_FTP_PASSWORD=$ftp_password "$hotfix" publish -q -k key.sec \
		--to "ftp://$ftp_user@127.0.0.1:$t_port/base/game" \
		--url ftp://download.example/game --version '*' --retries 1 \
		"$@"
}

# at WHEN... -- N ARG...: the same by way of ftpat, with what is to happen at
# the N-th line.
at() {
	t_when=
	while [ "$1" != -- ]; do
		t_when="$t_when $1"
		shift
	done
	t_n=$2
	shift 2
	# shellcheck disable=SC2086
	HOTFIX_FTP_PASSWORD=$ftp_password "$ftpat" $t_when "$ftp_port" "$t_n" \
		"$hotfix" publish -q -k key.sec \
		--to "ftp://$ftp_user@127.0.0.1:%p/base/game" \
		--url ftp://download.example/game --version '*' "$@"
}

# listing: the names in release, in one line.
listing() {
	# shellcheck disable=SC2012
	ls "$place/release" 2>/dev/null | tr '\n' ' '
}

# sound: whatever has a name in release is whole and signed, what the latest
# document names is there, and the place is not locked.
sound() {
	for f in "$place"/release/*.tar "$place"/release/*.latest \
		"$place"/release/*.update; do
		[ -e "$f" ] || continue
		"$hotfix" verify -q -p key.pub "$f" >/dev/null 2>&1 || {
			echo "# unsound: $f"
			return 1
		}
	done
	for f in "$place"/release/*.latest; do
		[ -e "$f" ] || continue
		# shellcheck disable=SC2046
		set -- $(field package "$f")
		[ "$(md5sum <"$place/release/${6##*/}" | cut -c 1-32)" = "$4" ] ||
			return 1
	done
}

# clean: nothing is left of a run.
clean() {
	[ ! -e "$place/.lock" ] && [ -z "$(ls "$place/staging")" ]
}

server=
for s in $ftp_servers; do
	mkdir "root.$s"
	ftpd "$s" "root.$s" || {
		skip "$ftp_why"
		continue
	}
	server=${server:-$s}
	place=root.$s/base/game

	run publish "$ftp_port" one.tar
	exits 0 "S2.1 S4.3 $s: a package is published"
	is "$(listing)" 'arena-one.tar arena-one.tar.sig arena.latest ' \
		'S4.5 package, signature and document have their names'
	clean
	ok $? 'nothing is left in staging, nor the lock'
	cmp one.tar "$place/release/arena-one.tar"
	ok $? 'the package is as it was'
	md5=$(md5sum <one.tar | cut -c 1-32)
	is "$(field md5 out)" "$md5" 'S4.4 its MD5 is told'
	is "$(field remote-md5 out)" "$md5" 'S4.4 and that of the copy'
	is "$(field released out)" yes 'released: yes'
	is "$(field url out)" ftp://download.example/game/release/arena-one.tar \
		'and the address that clients are told'
	run "$hotfix" verify -p key.pub "$place/release/arena.latest" \
		"$place/release/arena-one.tar"
	exits 0 'document and package are signed'
	is "$(field feature "$place/release/arena.latest")" arena \
		"S2.2 the document's feature is the package's name"
	is "$(field package "$place/release/arena.latest" | cut -d ' ' -f 1-3)" \
		"arena one $(wc -c <one.tar)" 'S2.2 it names the package'

	run publish "$ftp_port" one.tar
	exits 0 'the same again'
	sound && clean
	ok $? 'changes nothing'

	run publish "$ftp_port" -n arena -r one -o again.tar two
	exits 1 'another package as the same release'
	err_has 'release exists: .*; what changed is another release$' \
		'is refused'
	is "$(field released out)" no 'released: no'
	cmp one.tar "$place/release/arena-one.tar" && clean
	ok $? 'and changes nothing'
	rm -f again.tar again.tar.sig

	run publish "$ftp_port" two.tar
	exits 0 'the next release'
	is "$(listing)" "arena-one.tar arena-one.tar.sig arena-one.update \
arena-two.tar arena-two.tar.sig arena.latest " 'stands beside the one before'
	is "$(field previous "$place/release/arena.latest")" one \
		'whose name its document knows'

	run env HOTFIX_FTP_PASSWORD="$ftp_password" "$hotfix" publish -q \
		-k key.sec --to "ftp://$ftp_user@127.0.0.1:$ftp_port/base/game" \
		-n arena --undo
	exits 0 'publish --undo'
	is "$(field release out)" one 'goes back to the release before'
	is "$(field package "$place/release/arena.latest" | cut -d ' ' -f 2)" \
		one 'which is the latest now'
	sound && clean
	ok $? 'and sound'
	run env HOTFIX_FTP_PASSWORD="$ftp_password" "$hotfix" publish -q \
		-k key.sec --to "ftp://$ftp_user@127.0.0.1:$ftp_port/base/game" \
		-n arena --undo
	exits 1 'once more'
	err_has 'no release before one' 'there is none'

	run env HOTFIX_FTP_PASSWORD=wrong "$hotfix" publish -q -k key.sec \
		--to "ftp://$ftp_user@127.0.0.1:$ftp_port/base/game" \
		--version '*' three.tar
	exits 4 'a wrong password'
	one_line 'is told in one line'
	! grep -q wrong err
	ok $? 'that does not show it'

	# Somebody who only makes the folder has the lock as well.
	mkdir "$place/.lock"
	run publish "$ftp_port" three.tar
	exits 3 'a lock that is there'
	err_has 'busy: locked by ' 'is respected'
	[ -e "$place/.lock" ] && [ -z "$(ls "$place/staging")" ]
	ok $? 'and stays'
	rmdir "$place/.lock"
	stop "$ftp_name"

	mkdir "full.$s"
	if ftp_disk "full.$s" 256k; then
		mkdir -p many
		head -c 400000 /dev/urandom >many/noise
		ftpd "$s" "full.$s" && place=full.$s/base/game
		run publish "$ftp_port" -n many -r 1 -o many.tar many
		exits 5 "$s: a full disk there"
		err_has 'full' 'is told as that'
		is "$(listing)" '' 'and nothing is released'
		[ ! -e "$place/.lock" ]
		ok $? 'nor is it locked'
		stop "$ftp_name"
		rm -f many.tar many.tar.sig
	else
		skip "${ftp_why:-no small disk here}"
	fi

	mkdir "ro.$s"
	ftpd "$s" "ro.$s" read-only && place=ro.$s/base/game
	run publish "$ftp_port" one.tar
	exits 4 "$s: who may not write there"
	one_line 'is told so'
	stop "$ftp_name"
done

run "$hotfix" publish -q -k key.sec --to ftp://127.0.0.1:1/x --version '*' \
	--retries 0 one.tar
exits 3 'a server that is not there'
run "$hotfix" publish -q -k key.sec --to ftp://127.0.0.1:1/x --version '*' \
	--retries 0 -n arena -r away -o away.tar two
exits 3 'nor for a folder'
"$hotfix" verify -q -p key.pub away.tar >/dev/null
ok $? 'but its package stays here, signed'

# --- one server, and every instant -------------------------------------------

if [ -z "$server" ]; then
	skip 'no FTP server here'
	finish
fi
mkdir every
ftpd "$server" every
place=every/base/game

# Killed at every second line of the dialogue that a second release takes, then
# run again.
n=0
unsound=0
unrepaired=0
killed=0
: >states
while [ $n -lt 400 ]; do
	n=$((n + 2))
	rm -rf every/base/game
	publish "$ftp_port" one.tar >out 2>err || ok 1 'one is published'
	at -k 9 -- $n two.tar >out 2>err
	[ $? -eq 137 ] || break
	killed=$((killed + 1))
	listing >>states
	echo >>states
	sound || {
		unsound=$((unsound + 1))
		echo "# at $n: $(field at out)"
	}
	if ! publish "$ftp_port" two.tar >out 2>err || ! sound ||
		[ -e "$place/.lock" ] ||
		[ -n "$(find "$place/staging" -type f)" ] ||
		! cmp -s two.tar "$place/release/arena-two.tar"; then
		unrepaired=$((unrepaired + 1))
		echo "# at $n:"
		note err
	fi
done
[ $killed -ge 50 ]
ok $? "killed at $killed instants"
is $unsound 0 'whatever is seen then is whole and signed'
is $unrepaired 0 'and the next run finishes it'
# The order in which names appear: what runs that were killed leave behind, and
# what somebody sees who looks all the time.
one='arena-one.tar arena-one.tar.sig'
two='arena-two.tar arena-two.tar.sig'
order="$one arena.latest
$one arena-two.tar.sig arena.latest
$one $two arena.latest
$one arena-one.update $two arena.latest"
is "$(uniq states | sed 's/ $//')" "$order" \
	'signature, package, the document before, the latest: in this order'
printf '#!/bin/sh\nls %s/release | tr "\\n" " " >>seen\necho >>seen\n' \
	"$place" >look
chmod +x look
rm -rf every/base/game
publish "$ftp_port" one.tar >out 2>err
: >seen
at -w ./look -- 0 two.tar >out 2>err || note err
is "$(uniq seen | sed 's/ $//')" "$order" 'and at every line of one run'

# A connection that breaks.
failed=0
n=0
while [ $n -lt 400 ]; do
	n=$((n + 13))
	rm -rf every/base/game
	at -b -- $n one.tar >out 2>err || {
		failed=$((failed + 1))
		echo "# at $n:"
		note err
	}
	sound && [ ! -e "$place/.lock" ] || failed=$((failed + 1))
	grep -q '^at: ' out || break
done
is $failed 0 'S4.3 a connection that breaks is made anew, wherever it was'

# Two at once, and signals.
cat >second <<END
HOTFIX_FTP_PASSWORD=$ftp_password "$hotfix" publish -q -k key.sec \
	--to ftp://$ftp_user@127.0.0.1:$ftp_port/base/game --version '*' two.tar
echo "status: \$?"
END
rm -rf every/base/game
HOTFIX_FTP_PASSWORD=$ftp_password "$ftpat" -x 'sh ./second >second.out 2>&1' \
	"$ftp_port" 60 "$hotfix" publish -q -k key.sec \
	--to "ftp://$ftp_user@127.0.0.1:%p/base/game" --version '*' one.tar \
	>out 2>err
is $? 0 'of two at once one releases'
is "$(field status second.out)" 3 'the other is refused'
grep -q "busy: locked by .*process .*since 20" second.out
ok $? 'and told whose lock it is, and how old' || note second.out

failed=0
n=40
while [ $n -lt 200 ]; do
	n=$((n + 4))
	rm -rf every/base/game
	at -k 2 -- $n one.tar >out 2>err
	t_r=$?
	[ "$(field released out)" != yes ] || break
	set -- "$place"/staging/lock-*
	if [ $t_r != 130 ] || [ -e "$place/.lock" ] || [ -e "$1" ]; then
		failed=$((failed + 1))
		echo "# at $n: $t_r: $(field at out)"
		note err
	fi
done
is $failed 0 'SIGINT ends it with 130, and it gives the lock back'
[ $n -ge 100 ]
ok $? "(at every fourth line of $n)"

# Round trips: when it speaks and has listened before. Three make the place.
rm -rf every/base/game
HOTFIX_FTP_PASSWORD=$ftp_password "$hotfix" publish -v -k key.sec \
	--to "$ftp_url/base/game" --version '*' one.tar 2>err >out
sed -n 's/^\(hotfix: \)*\(publish: \)*\([<>]\) .*/\3/p' err | uniq | grep -c '>' >turns
is "$(cat turns)" 22 'it asks 22 times, for three files' || note err

# A large package is checked, signed and named here while it is sent. Killed at
# some instants of that, of a folder, a file and a file with its signature.
mkdir heavy
head -c 5000000 /dev/urandom >heavy/data
"$hotfix" pack -q -k key.sec -n heavy -r 1 -o signed.tar heavy >/dev/null
cp signed.tar heavy.tar
killed=0
failed=0
n=0
while [ $n -lt 200 ]; do
	n=$((n + 3))
	rm -rf every/base/game folder-1.tar*
	case $((n % 9)) in
	0) set -- signed.tar ;;
	3) set -- heavy.tar ;;
	6) set -- -n folder -r 1 -o folder-1.tar heavy ;;
	esac
	at -k 9 -- $n "$@" >out 2>err
	[ $? -eq 137 ] || break
	killed=$((killed + 1))
	[ ! -e folder-1.tar ] ||
		"$hotfix" verify -q -p key.pub folder-1.tar >/dev/null ||
		failed=$((failed + 1))
	# What a lock was to be made of may stay.
	sound && publish "$ftp_port" "$@" >out 2>err && sound &&
		[ ! -e "$place/.lock" ] &&
		[ -z "$(find "$place/staging" -type f)" ] || {
		failed=$((failed + 1))
		echo "# at $n: $*"
		note err
	}
	t_file=signed.tar
	[ $((n % 9)) -ne 6 ] || t_file=folder-1.tar
	cmp "$t_file" "$place"/release/*.tar || failed=$((failed + 1))
done
[ $killed -ge 20 ]
ok $? "a large package, killed at $killed instants"
is $failed 0 'whatever is seen then is whole, and the next run finishes it'

# A server that took the connection and says no more is not waited for when the
# folder cannot be packed.
mkdir broken
echo 'return (' >broken/a.lua
kill -STOP "$(cat "$ftp_name.pid")"
run timeout 10 "$hotfix" publish -q -k key.sec --version '*' -n broken -r 1 \
	--to "ftp://$ftp_user@127.0.0.1:$ftp_port/base/game" broken
kill -CONT "$(cat "$ftp_name.pid")"
exits 1 'what cannot be packed is told at once'

# Signs of life from elsewhere.
rm -rf every/base/game
run publish "$ftp_port" --notify 127.0.0.1:1 one.tar
exits 3 'S4.6 a host that is dead'
is "$(field released out)" yes 'does not unmake a release'
is "$(field notified out)" '0 of 1' 'but is counted'

rm -rf every/base/game
"$hotfix" pack -q -k key.sec -n arena -r two --since one.tar -o delta.tar two \
	>/dev/null
run publish "$ftp_port" one.tar
run publish "$ftp_port" --full two.tar delta.tar
exits 0 'what changed since, and the full package for others'
out_has '^base: one$' 'the release that it builds on is told'
is "$(listing)" "arena-one.tar arena-one.tar.sig arena-one.update \
arena-two.since-one.tar arena-two.since-one.tar.sig arena-two.tar \
arena-two.tar.sig arena.latest " 'both are there'
is "$(field base "$place/release/arena.latest")" one 'the document says base'
is "$(field full "$place/release/arena.latest" | cut -d ' ' -f 6)" \
	ftp://download.example/game/release/arena-two.tar 'and where full is'
sound
ok $? 'and all is sound'
run publish "$ftp_port" --full one.tar delta.tar
exits 1 'a full package of another release is refused'

# --- the time, and a folder ---------------------------------------------------

if ntpd; then
	run publish "$ftp_port" --ntp "$ntp_server" two.tar
	exits 0 'S4.1 by the time of a server'
	out_has '^offset: ' 'which is told'
else
	skip "$ntp_why"
fi
start fake "$HOTFIX_BUILD/tests/fakentp" "$HOTFIX_TOP/tests/ntp-cases/ahead" \
	"$HOTFIX_TOP/tests/ntp-cases/silent"
await fake.out '^ready'
rm -rf every/base/game
run publish "$ftp_port" --ntp "$(sed -n 's/.*ahead //p' fake.out)" two.tar
exits 1 'S4.1 a clock that is far off'
one_line 'is told in one line'
run publish "$ftp_port" --ntp "$(sed -n 's/.*silent //p' fake.out)" two.tar
exits 3 'no time server that answers'
[ ! -e "$place" ]
ok $? 'and nothing is done then'

place=$PWD/folder
run "$hotfix" publish -q -k key.sec --to "$place" --version '*' one.tar
exits 0 'publish --to DIR'
is "$(listing)" 'arena-one.tar arena-one.tar.sig arena.latest ' \
	'makes the same in a folder'
sound && clean
ok $? 'sound and clean'
run "$hotfix" publish -q -k key.sec --to "$place" --version '*' \
	-n arena -r two two
exits 0 'packs a folder, too'
is "$(field url out)" "file://localhost$(cd "$place" && pwd -P)\
/release/arena-two.tar" 'whose address is told'
cmp two.tar "$place/release/arena-two.tar" ||
	cmp arena-two.tar "$place/release/arena-two.tar"
ok $? 'and keeps the package here'
run "$hotfix" publish -q -k key.sec --to "$place" --version '*' \
	-n arena -r two two
exits 0 'which is the same when it is run again'
run "$hotfix" publish -k key.sec --to "$place" -n arena --undo
exits 0 'and goes back'
is "$(grep 'goes from' err)" \
	'hotfix: publish: arena goes from release two back to one' \
	'which is said'
is "$(field release out)" one 'to the release before'
# Whoever can write there cannot make us sign.
sed 's/^note:.*//; s/^version: .*/version: 9/' "$place/release/arena-two.update" \
	>forged && cp forged "$place/release/arena-two.update"
run "$hotfix" publish -q -k key.sec --to "$place" --version '*' two.tar
cp forged "$place/release/arena-one.update"
run "$hotfix" publish -k key.sec --to "$place" -n arena --undo
exits 1 'a document that nobody signed is not signed anew'
! grep -q 'goes from' err
ok $? 'nor is anything of it told'
run "$hotfix" publish -q -k other.sec --to "$place" --version '*' one.tar
exits 1 'a signature by a key that is not known'
run "$hotfix" publish -q -k key.sec --to "$place" --version '*' \
	--notify 127.0.0.1:1 one.tar
exits 2 'clients cannot fetch from a folder'
err_has '[-]-url' 'which says what to give'
# Nor have something else written to. (What else is staged has names that
# nobody knows before.)
echo precious >victim
for trap in 'ln victim' "ln -s $PWD/victim" mkfifo; do
	rm -rf "$place/release" "$place/staging/arena.part"
	$trap "$place/staging/arena.part"
	run timeout "$deadline" "$hotfix" publish -q -k key.sec --to "$place" \
		--version '*' three.tar
	exits 0 "what waits for us (${trap%% /*}) harms nobody"
	is "$(cat victim)" precious 'and what it leads to is as it was'
done
rm -f "$place/staging/arena.part"
run "$hotfix" publish -q -k key.sec --to "$place" one.tar
exits 2 'a package is for clients of some version'
run "$hotfix" publish -q -k key.sec --to http://127.0.0.1/ --version '*' one.tar
exits 2 'no other schemes'

# What a log shows: one file, in order.
"$hotfix" publish -k key.sec --to one.tar/x --version '*' one.tar >both 2>&1
is $? 5 'a place that cannot be is a mistake here, not one of rights'
is "$(sed -n 's/: .*//p' both | tr '\n' ' ')" \
	'package release bytes md5 sha512 url hotfix released ' \
	'what was to be released, why not, and that it was not'
run "$hotfix" publish -q -k key.sec --to ftp://127.0.0.1:1/x --version '*' \
	--retries 0 one.tar
is "$(field released out)" no 'released: no, also where nobody is there'

# A large package is sent while it is checked; one that is bad leaves nothing.
mkdir big
head -c 9000000 /dev/urandom >big/data
"$hotfix" pack -q -k key.sec -n big -r 1 -o big.tar big >/dev/null
cp big.tar bare.tar
cp big.tar bad.tar
printf X | dd of=bad.tar bs=1 seek=8999999 conv=notrunc 2>/dev/null
for s in '' $ftp_servers; do
	to=apart
	if [ -n "$s" ]; then
		ftpd "$s" "root.$s" 2>/dev/null || {
			skip "$ftp_why"
			continue
		}
		to=ftp://$ftp_user@127.0.0.1:$ftp_port/base/apart
	fi
	place=${s:+root.$s/base/}apart
	for w in unsigned signed; do
		rm -f bad.tar.sig
		[ $w = unsigned ] || cp big.tar.sig bad.tar.sig
		run env HOTFIX_FTP_PASSWORD="$ftp_password" "$hotfix" publish \
			-q -k key.sec --to "$to" --url ftp://x/y --version '*' \
			bad.tar
		exits 1 "${s:-a folder}: a large package that is bad, $w"
		if [ $w = unsigned ]; then
			err_has '^hotfix: publish: data: not the listed bytes' \
				'what is bad is told'
			err_has 'bad.tar: data: not the listed bytes$' 'as ever'
		else
			err_has 'bad.tar: the signature is not of this file' \
				'that alone is told'
			is "$(wc -l <err)" 1 'and nothing of what is in it'
		fi
		[ ! -s out ]
		ok $? 'no result'
		[ -z "$(listing)" ] && clean
		ok $? 'and nothing is left in the place'
	done
	run env HOTFIX_FTP_PASSWORD="$ftp_password" "$hotfix" publish -q \
		-k key.sec --to "$to" --url ftp://x/y --version '*' bare.tar
	exits 0 "${s:-a folder}: one without a signature"
	is "$(sed -n 's/: .*//p' out | tr '\n' ' ')" "package release bytes \
md5 sha512 url remote-md5 id feature released " 'is told in the same order'
	run "$hotfix" verify -p key.pub "$place/release/big-1.tar"
	exits 0 'and is signed in the place'
	# A large folder is written here while it is sent.
	run env HOTFIX_FTP_PASSWORD="$ftp_password" "$hotfix" publish -q \
		-k key.sec --to "$to" --url ftp://x/y --version '*' \
		-n wide -r 1 -o wide.tar big
	exits 0 "${s:-a folder}: a large folder"
	cmp wide.tar "$place/release/wide-1.tar" &&
		"$hotfix" verify -q -p key.pub wide.tar >/dev/null &&
		"$hotfix" verify -q -p key.pub "$place/release/wide-1.tar" \
			>/dev/null && clean
	ok $? 'is the same here and there, whole and signed'
	is "$(field md5 out)" "$(field remote-md5 out)" 'with one MD5'
	is "$(md5sum <wide.tar)" "$(field md5 out)  -" 'which is its own'
	# The disk is full (files may be of 4 MiB) half-way.
	run sh -c 'ulimit -f 8192; exec env HOTFIX_FTP_PASSWORD="$1" \
		"$2" publish -q -k key.sec --to "$3" --url ftp://x/y \
		--version "*" -n brim -r 1 -o brim.tar big' - "$ftp_password" \
		"$hotfix" "$to"
	exits 5 'that cannot be written to its end'
	err_has '^hotfix: publish: brim.tar: File too large$' 'says so'
	[ ! -s out ] && [ -z "$(find . -name "brim*")" ] && clean
	ok $? 'and leaves nothing, here nor there'
	rm -f wide.tar wide.tar.sig
	[ -z "$s" ] || stop "$ftp_name"
done
# What is here under the name already is seen before a server is.
echo another >taken.tar
run "$hotfix" publish -q -k key.sec --to ftp://127.0.0.1:1/x --version '*' \
	--retries 0 -n taken -r 1 -o taken.tar big
exits 1 'a name that is taken here'
err_has '^hotfix: publish: taken.tar: is there already, with other bytes: what' \
	'is told at once'
is "$(cat taken.tar)" another 'and what has it stays'
# Beside a package --since another, the whole one is the large one.
echo more >big/more
"$hotfix" pack -q -k key.sec -n big -r 2 -o whole.tar big >/dev/null
"$hotfix" pack -q -k key.sec -n big -r 2 --since big.tar -o since.tar big \
	>/dev/null
cp whole.tar spoilt.tar
printf X | dd of=spoilt.tar bs=1 seek=8999999 conv=notrunc 2>/dev/null
place=apart
run "$hotfix" publish -q -k key.sec --to apart --version '*' \
	--full spoilt.tar since.tar
exits 1 'a whole package that is bad'
err_has 'spoilt.tar: data: not the listed bytes' 'is told'
[ ! -s out ] && clean && [ -z "$(find apart -name 'big-2*')" ]
ok $? 'and nothing is published'
run "$hotfix" publish -q -k key.sec --to apart --version '*' \
	--full whole.tar since.tar
exits 0 'a good one'
is "$(sed -n 's/: .*//p' out | tr '\n' ' ')" "package release base bytes \
md5 sha512 url full-bytes full-md5 full-sha512 full-url full-remote-md5 \
remote-md5 id feature released " 'is told behind the other'
cmp whole.tar apart/release/big-2.tar && clean
ok $? 'and is there'
"$hotfix" publish -k key.sec --to one.tar/x --version '*' big.tar >both 2>&1
is "$(sed -n 's/: .*//p' both | tr '\n' ' ')" \
	'package release bytes md5 sha512 url hotfix released ' \
	'no place: told behind what was to be released'
"$hotfix" publish -k key.sec --to one.tar/x --version '*' bad.tar >both 2>&1
grep -q 'the signature is not of this file' both
ok $? 'a bad one is told of before a bad place'

# A place that another key signed for.
run "$hotfix" publish -q -k key.sec --to twohands --version '*' one.tar
exits 0 'a release'
"$hotfix" pack -q -k other.sec -n arena -r four -o four.tar two >/dev/null
run "$hotfix" publish -k other.sec --to twohands --version '*' four.tar
exits 0 'the next one, by another key'
err_has 'arena.latest: .*; --undo will not go back to it without -p PUB' \
	'what that means'

: >twohands/release/arena.latest
run "$hotfix" publish -q -k key.sec --to twohands --version '*' one.tar
exits 1 'a latest document that was damaged there'
err_has 'arena.latest: .*; put the .update file of a release in its place' \
	'and what to do'
cp twohands/release/arena-one.update twohands/release/arena.latest
run "$hotfix" publish -q -k key.sec --to twohands --version '*' one.tar
exits 0 'which does'
mkdir -p twohands/.lock/somebody
run "$hotfix" publish -k key.sec --to twohands --version '*' one.tar
exits 3 'a young lock'
err_has 'busy: .*--break-lock takes it when it is an hour old$' \
	'and when it may be broken'
one_line 'in one line'
rm -rf twohands/.lock
run "$hotfix" publish -k key.sec --to nowhere --version '*' -n halted -r 1 \
	--build "kill -INT \$PPID" two
exits 130 'interrupted while it is packed'
[ ! -e nowhere ] && [ -z "$(find . -name 'halted*')" ]
ok $? 'nothing of it is left'
# Hosts that do not take it.
run "$hotfix" publish -k key.sec --to anew --url ftp://x/y --version '*' one.tar
exits 0 'a release'
run "$hotfix" publish -k key.sec --to anew --url ftp://x/y --version '*' \
	--notify 127.0.0.1:1 two.tar
exits 3 'a host that is not there'
err_has 'it is released, but not on all hosts; the same again sends it' \
	'what to do then'
run "$hotfix" publish -k key.sec --to anew -n arena --undo --notify 127.0.0.1:1
exits 3 'nor is it for --undo'
err_has 'not on all hosts; hotfix push sends them its arena.latest from' \
	'which is not to be done again'
HOTFIX_FTP_PASSWORD=secret run "$hotfix" publish -k key.sec --retries 0 \
	--to ftp://studio@127.0.0.1:1/x -n arena --undo --notify 127.0.0.1:1
exits 3 '--undo by a user of the place'
! grep -q 'without the user' err
ok $? 'is told nothing of an address that it does not choose' || t_show
# A killed run had packed the folder at another instant.
mkdir -p rest/staging rest/release
head -c 4000000 /dev/urandom >rest/staging/heavy.part
run "$hotfix" publish -k key.sec --to rest --version '*' -n heavy -r 9 heavy
exits 0 'a rest that cannot be of this package'
! grep -Eq 'is there already|not equal' err && [ -z "$(ls rest/staging)" ]
ok $? 'is deleted, not gone on with' || t_show
finish
