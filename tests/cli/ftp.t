# The FTP client against servers that lie, drip, hang and say too much: each
# case of tests/ftp-cases says what the server does and what must come of it.
. "$HOTFIX_TOP/tests/lib.sh"

ftpdo=$HOTFIX_BUILD/tests/ftpdo
fakeftp=$HOTFIX_BUILD/tests/fakeftp
cases=$HOTFIX_TOP/tests/ftp-cases

# More than sockets hold, so that who stops reading is felt.
head -c 16000000 /dev/zero >upload

# What takes longer than a try may, byte by byte.
seq 1 2000 >numbers

# What is published where that is the client.
mkdir game
echo 'return 1' >game/main.lua
package=game-1.tar
"$hotfix" pack -q -n game -r 1 -o "$package" game >/dev/null

# header NAME CASE: the values of its lines "% NAME: VALUE".
header() {
	sed -n "s/^% $1: *//p" "$2"
}

# The client of a case, at $port.
play_client() {
	user=ftp://studio@127.0.0.1:$port
	path=$(header path "$1")
	words=$(header client "$1")
	# shellcheck disable=SC2086
	set -- $words
	verb=$1
	shift
	case $verb in
	fetch)
		case " $* " in
		*" --tries "*) ;;
		*) set -- --tries 1 "$@" ;;
		esac
		run "$hotfix" fetch "$@" -o got "$user/${path:-dir/file}"
		;;
	put)
		run "$ftpdo" "$user" "${wait:-10000}" put upload dir/file 0
		;;
	do)
		run "$ftpdo" "$user" 10000 "$@"
		;;
	publish)
		[ -e key.sec ] || "$hotfix" keygen key >/dev/null
		run "$hotfix" publish -k key.sec --to "$user/base" \
			--version '*' --retries 0 "$@" "$package"
		;;
	esac
}

# play CASE
play() {
	name=${1##*/}
	name=${name%.case}
	rm -f got got.part
	wait=$(header deadline "$1")
	HOTFIX_FTP_PASSWORD='sec ret'
	export HOTFIX_FTP_PASSWORD
	[ "$(header password "$1")" != no ] || unset HOTFIX_FTP_PASSWORD
	part=$(header part "$1")
	[ -z "$part" ] || printf %s "$part" >got.part
	"$fakeftp" "$1" >first 2>fake.err &
	fake=$!
	t_pids=$fake
	read -r line <first
	port=${line#listening: }
	play_client "$1"
	cp out out.client
	cp err err.client
	wanted=$(header exit "$1")
	why=
	[ "$status" = "$wanted" ] || why="exit status $status"
	header err "$1" >lines
	while read -r line; do
		grep -Eq -e "$line" err.client || why="$why; no message $line"
	done <lines
	header lacks "$1" >lines
	while read -r line; do
		! grep -Eq -e "$line" err.client || why="$why; it says $line"
	done <lines
	header out "$1" >lines
	while read -r line; do
		grep -Eq -e "$line" out.client || why="$why; no line $line"
	done <lines
	header out-lacks "$1" >lines
	while read -r line; do
		! grep -Eq -e "$line" out.client || why="$why; a line $line"
	done <lines
	if [ -n "$(header same "$1")" ]; then
		cmp -s got "$(header same "$1")" || why="$why; other bytes"
	elif [ -n "$(header got "$1")" ]; then
		[ "$(cat got)" = "$(header got "$1")" ] || why="$why; other bytes"
	else
		[ ! -e got ] || why="$why; something has the name"
	fi
	[ ! -e got.part ] || why="$why; something is left"
	wait "$fake" || why="$why; $(cat fake.err)"
	t_pids=
	t_r=0
	[ -z "$why" ] || t_r=1
	ok "$t_r" "$name" || {
		echo "#$why"
		note err.client
	}
}

mkfifo first
for case in "$cases"/*.case; do
	play "$case"
done

# A name with a line end in it reaches no server (F4).
for bad in 'a%0d%0aDELE%20x' 'a%0aDELE%20x' 'a%00b' 'a%7fb' 'a%ffb'; do
	run "$hotfix" fetch "ftp://127.0.0.1:1/$bad"
	exits 2 "f04: $bad in a path"
	run "$hotfix" fetch -o x "ftp://$bad@127.0.0.1:1/x"
	exits 2 "f04: $bad in a user"
done
HOTFIX_FTP_PASSWORD=$(printf 'a\nDELE x')
export HOTFIX_FTP_PASSWORD
run "$hotfix" fetch -o x "ftp://studio@127.0.0.1:1/x"
exits 5 'f04: a line end in a password'
err_has 'bytes in it that cannot be sent' 'f04: it says so'

finish
