# hotfix publish: what it is given wrongly, what lies in a place that it did not
# put there, and runs that race.
. "$HOTFIX_TOP/tests/lib.sh"

for k in key other; do
	"$hotfix" keygen $k >/dev/null
done
mkdir one two
echo 'return 1' >one/a.lua
echo 'return 2' >two/a.lua
nl='
'
for r in one two; do
	"$hotfix" pack -q -k key.sec -n arena -r $r -o $r.tar $r >/dev/null
done

# publish ARG...: to the folder "place".
publish() {
	run "$hotfix" publish -q -k key.sec --to place --version '*' "$@"
}

# refused NAME: wrong use, told in one line, and nothing was done.
refused() {
	exits 2 "$1"
	one_line "$1: told in one line"
	[ ! -e place ] && [ ! -e arena-1.tar ]
	ok $? "$1: nothing is done"
}

# --- wrong use ------------------------------------------------------------------

for w in "a${nl}b" '' . .. -x a/b 'a b' "$(printf 'a\033b')" ü \
	"$(printf '%065d' 0)"; do
	publish -n "$w" -r 1 one
	refused "no name: '$(printf %s "$w" | tr '\n\033' '??')'"
	publish -n arena -r "$w" one
	refused "no release: '$(printf %s "$w" | tr '\n\033' '??')'"
	publish -n "$w" --undo --to place
	exits 2 "no name to go back: '$(printf %s "$w" | tr '\n\033' '??')'"
done
for o in --feature --note --on --zone --program --version --platform; do
	publish $o "a${nl}package: b" one.tar
	refused "$o of two lines"
done
for u in "ftp://x/a${nl}b" 'ftp://x/a b' "$(printf 'ftp://x/\001')" ftp: ''; do
	publish --url "$u" one.tar
	err_has '(--url|clients cannot be told|--to): ' 'whose name is told'
	refused "--url: '$(printf %s "$u" | tr '\n\001' '??')'"
done
for p in "ftp://x/a${nl}DELE b" ftp://me:word@x/a ftp:///a 'ftp://x y/a' '' \
	https://x/a; do
	run "$hotfix" publish -k key.sec --version '*' --to "$p" one.tar
	refused "--to: '$(printf %s "$p" | tr '\n' '?')'"
done
publish --notify "127.0.0.1${nl}x" --url ftp://x/y one.tar
refused '--notify of two lines'
publish --notify 127.0.0.1:0 --url ftp://x/y one.tar
refused '--notify: no port'
publish --retries -1 one.tar
refused '--retries below zero'
publish --readback maybe one.tar
refused '--readback: yes or no'
publish one.tar two.tar
refused 'two packages'
publish
refused 'no package'
publish -n arena -r 1 one.tar
refused 'a package has its name'
publish -n arena one
refused 'a folder without a release'
publish --undo
refused '--undo without a name'
publish -n arena --undo one.tar
refused '--undo takes no package'
publish -n arena --undo --url ftp://x/y
refused '--undo takes its address from the document'
publish --by +10m one.tar
refused '--by without --on'
publish --version 1 one.tar
refused 'an option given twice'
publish --full
refused 'an option without its value'
run "$hotfix" publish -q --to place --version '*' one.tar
refused 'no key'
publish -- --to
exits 5 'what stands behind -- is a package'
[ ! -e place ]
ok $? 'which is not there'
touch "one/a${nl}b"
publish -n arena -r 1 one
exits 1 'a file whose name has a line end'
one_line 'told in one line'
[ ! -e place ] && [ ! -e arena-1.tar ] && [ ! -e arena-1.tar.sig ]
ok $? 'nothing is done'
rm "one/a${nl}b"
echo 'return (' >one/b.lua
publish -n arena -r 1 one
exits 1 'Lua that does not compile'
err_has 'b\.lua:[12]: ' 'with its line'
[ ! -e place ]
ok $? 'nothing is done'
rm one/b.lua
publish -n arena -r 1 --build 'exit 7' one
exits 1 'S4.2 a build that fails'
[ ! -e place ]
ok $? 'nothing is done'
echo text >text
publish text
exits 1 'a file that is no package'
[ ! -e place ]
ok $? 'nothing is done'
mkfifo pipe
publish pipe
exits 5 'a pipe is no package'
echo file >file
run "$hotfix" publish -q -k key.sec --to file --version '*' one.tar
exits 5 'a place that is a file'
err_has 'file/staging: Not a directory' 'which is said'

# --- in any order, and without an input -------------------------------------------

run "$hotfix" publish one.tar --version='*' --to place -q -kkey.sec
exits 0 'options behind the package'
mv place ordered
"$hotfix" publish -q -k key.sec --to place --version '*' -n arena -r 3 \
	-o three.tar two <&- >out 2>err
is $? 0 'with a closed standard input'
run "$hotfix" verify -p key.pub place/release/arena-3.tar \
	place/release/arena.latest
exits 0 'all is as it should be'
"$hotfix" publish -q -k key.sec --to place --version '*' two.tar >&- 2>err
is $? 5 'with a closed standard output'
grep -q 'standard output: ' err
ok $? 'which is told'
is "$(field package place/release/arena.latest | cut -d ' ' -f 2)" 3 \
	'and nothing is released whose id nobody is told'
"$hotfix" publish -q -k key.sec --to place --version '*' two.tar >out 2>&-
is $? 0 'with a closed standard error'
rm -rf place

# --- what others put there -----------------------------------------------------------

publish one.tar
mkdir theirs
run "$hotfix" publish -k other.sec --to place --version '*' -n arena -r two \
	-o theirs/two.tar two
exits 0 'a release after one of another key'
err_has 'arena\.latest: signed by none of the keys that are known here' \
	'which is told'
run "$hotfix" publish -q -k other.sec --to place -n arena --undo
exits 1 'to go back to what another key signed'
err_has 'arena-one\.update: untrusted-key: .*-p PUB' 'takes that key'
run "$hotfix" publish -q -k other.sec -p key.pub --to place -n arena --undo
exits 0 'and with it it goes'
run "$hotfix" verify -p other.pub place/release/arena.latest
exits 0 'signed by ours'
rm -rf place

publish one.tar
cp place/release/arena.latest kept
for w in empty text head package; do
	case $w in
	empty) : >bad ;;
	text) echo "no document" >bad ;;
	head) head -c 200 kept >bad ;;
	package) cp one.tar bad ;;
	esac
	cp bad place/release/arena.latest
	publish two.tar
	exits 1 "the latest document is another file ($w)"
	is "$(field released out)" no "$w: nothing is released"
	cmp -s bad place/release/arena.latest && [ ! -e place/.lock ]
	ok $? "$w: it stays, and the place is not locked"
done
"$hotfix" push -k key.sec --server one/a.lua --server-version 1 --feature f \
	--write update >/dev/null
cp update place/release/arena.latest
publish two.tar
exits 1 'the latest document is one without a package'
mkdir elsewhere
"$hotfix" publish -q -k key.sec --to elsewhere --version '*' -n town -r 9 \
	-o town.tar two >/dev/null
cp elsewhere/release/town.latest place/release/arena.latest
publish two.tar
exits 1 'the latest document is about another package'
err_has 'arena\.latest: .* package town' 'whose name is told'
[ ! -e place/release/town-9.update ]
ok $? 'and nothing is made of it'
cp kept place/release/arena.latest
publish two.tar
exits 0 'when it is put back it goes on'
rm -rf place

# --- two at once -----------------------------------------------------------------------

# Whoever comes second is refused or waits for nothing; none undoes the other.
bad=
both=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	rm -rf place
	for r in one two; do
		"$hotfix" publish -q -k key.sec --to place --version '*' \
			$r.tar >$r.out 2>$r.err &
		eval "$r=\$!"
	done
	# shellcheck disable=SC2154 # by eval
	wait "$one"
	a=$?
	# shellcheck disable=SC2154
	wait "$two"
	b=$?
	case $a$b in
	00) both=$((both + 1)) ;;
	03 | 30) ;;
	*) bad="$bad $i:$a,$b" ;;
	esac
	# What says that it was released is there, and nothing else is.
	for r in one two; do
		[ "$(field released $r.out)" != yes ] ||
			cmp -s $r.tar place/release/arena-$r.tar ||
			bad="$bad $i:$r"
	done
	"$hotfix" verify -q -p key.pub place/release/*.tar \
		place/release/arena.latest >/dev/null 2>&1 || bad="$bad $i:bad"
	last=$(field package place/release/arena.latest | cut -d ' ' -f 2)
	[ "$(field released "$last.out")" = yes ] || bad="$bad $i:latest"
	[ ! -e place/.lock ] && [ -z "$(ls place/staging)" ] ||
		bad="$bad $i:left"
	for r in one two; do
		"$hotfix" publish -q -k key.sec --to place --version '*' \
			$r.tar >/dev/null 2>&1 || bad="$bad $i:again"
	done
done
is "$bad" '' "two releases that race: one at a time ($both of 12 times both)"
finish
