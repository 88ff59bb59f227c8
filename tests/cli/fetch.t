# hotfix fetch from real FTP servers, and what it leaves behind.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/peers.sh"

# nothing NAME: no file of the name, whole or not, is here.
nothing() {
	t_r=0
	for t_f in "$1" "$1.part"; do
		[ ! -e "$t_f" ] || t_r=1
	done
	ok "$t_r" "$2"
}

# same A B NAME
same() {
	cmp "$1" "$2" >/dev/null
	ok $? "$3"
}

head -c 3000000 /dev/urandom >data
size=3000000
md5=$(md5sum data)
md5=${md5%% *}
sha512=$(sha512sum data)
sha512=${sha512%% *}
"$hotfix" keygen key >/dev/null
"$hotfix" keygen other >/dev/null

# fetches SERVER: everything a server is needed for.
fetches() {
	mkdir "root-$1"
	if ! ftpd "$1" "root-$1"; then
		skip "$ftp_why"
		return
	fi
	HOTFIX_FTP_PASSWORD=$ftp_password
	export HOTFIX_FTP_PASSWORD
	url=ftp://$ftp_user@${ftp_url#*@}/base
	base=root-$1/base
	cp data "$base/big"
	cp data "$base/a b'c\"d é.tar"
	: >"$base/empty"
	cp data "$base/secret"
	chmod 000 "$base/secret"
	chown -R "$ftp_owner" "$base" 2>/dev/null
	[ "$1" = vsftpd ] || chown 0 "$base/secret" 2>/dev/null

	run "$hotfix" fetch "$url/big"
	exits 0 "$1: a file comes"
	same big data "$1: whole"
	out_has '^path: big$' "$1: its path"
	out_has "^bytes: $size\$" "$1: its size"
	out_has "^md5: $md5\$" "$1: its MD5"
	out_has "^sha512: $sha512\$" "$1: its SHA-512"
	out_has '^tries: 1$' "$1: in one try"
	run "$hotfix" fetch "$url/big"
	exits 1 "$1: a file that is there is left alone"
	err_has 'big: is there already' "$1: it says so"

	run "$hotfix" fetch -o got --size "$size" --md5 "$md5" \
		--sha512 "$sha512" "$url/big"
	exits 0 "$1: all that is known fits"
	rm -f got
	run "$hotfix" fetch -o got --size 2999999 "$url/big"
	exits 1 "$1: a file that is too long"
	nothing got "$1: of which nothing is left"
	run "$hotfix" fetch -o got --tries 1 --size 3000001 "$url/big"
	exits 1 "$1: a file that is too short"
	nothing got "$1: of which nothing is left"
	run "$hotfix" fetch -o got --md5 00000000000000000000000000000000 "$url/big"
	exits 1 "$1: another MD5"
	nothing got "$1: of which nothing is left"

	head -c 1000000 data >got.part
	run "$hotfix" fetch -v -o got --sha512 "$sha512" "$url/big"
	exits 0 "$1: what was begun is gone on with"
	err_has '> REST 1000000' "$1: from where it ended"
	same data got "$1: and whole"
	rm -f got
	head -c 1000000 /dev/zero >got.part
	run "$hotfix" fetch -o got --sha512 "$sha512" "$url/big"
	exits 0 "$1: what was begun with other bytes is begun anew"
	same data got "$1: and whole"
	rm -f got
	cp data got.part
	run "$hotfix" fetch -o got --size "$size" --md5 "$md5" "$url/big"
	exits 0 "$1: what was whole gets its name"
	rm -f got

	run "$hotfix" fetch -o got "$url/a%20b'c%22d%20%C3%A9.tar"
	exits 0 "$1: a name with blanks, quotes and more"
	same data got "$1: and whole"
	rm -f got
	run "$hotfix" fetch -o got --size 0 "$url/empty"
	exits 0 "$1: an empty file"
	rm -f got

	run "$hotfix" fetch -o got "$url/none"
	exits 1 "$1: no such file"
	err_has '/base/none: refused \(550' "$1: the server's words"
	nothing got "$1: of which nothing is left"
	if [ "$(id -u)" = 0 ]; then
		run "$hotfix" fetch -o got "$url/secret"
		exits 4 "$1: a file that may not be read"
		nothing got "$1: of which nothing is left"
	else
		skip 'only root makes a file of another user'
	fi
	HOTFIX_FTP_PASSWORD=wrong-word "$hotfix" fetch -v -o got "$url/big" \
		>out 2>err
	status=$?
	exits 4 "$1: a wrong password"
	err_has "the login as $ftp_user was refused" "$1: it says so"
	t_r=0
	! grep -q wrong-word err || t_r=1
	ok "$t_r" "$1: without the password"

	signify-openbsd -S -s key.sec -m "$base/big" -x "$base/big.sig"
	run "$hotfix" fetch -p key.pub -o got "$url/big"
	exits 0 "$1: a signed file"
	out_has '^signed-by: key$' "$1: whose key it was"
	rm -f got
	for from in "$base/big" /dev/zero; do
		head -c 1000000 "$from" >got.part
		run "$hotfix" fetch -v -p key.pub -o got --sha512 "$sha512" \
			"$url/big"
		exits 0 "$1: one that was begun with bytes of ${from##*/}"
		err_has '> REST 1000000' "$1: and gone on with"
		out_has '^signed-by: key$' "$1: is signed as a whole"
		rm -f got
	done
	run "$hotfix" fetch -v -p other.pub -o got "$url/big"
	exits 1 "$1: signed by nobody who is trusted"
	t_r=0
	! grep -q '> RETR .*big$' err || t_r=1
	ok "$t_r" "$1: it is not even asked for"
	nothing got "$1: of which nothing is left"
	head -c 1000000 data >got.part
	run "$hotfix" fetch -p other.pub -o got --sha512 "$sha512" "$url/big"
	exits 1 "$1: a mistaken key"
	is "$(wc -c <got.part)" 1000000 "$1: leaves what was begun"
	rm -f got.part
	printf x >>"$base/big"
	run "$hotfix" fetch -p key.pub -o got "$url/big"
	exits 1 "$1: another file than was signed"
	nothing got "$1: of which nothing is left"
	run "$hotfix" fetch -p key.pub -o got "$url/empty"
	exits 1 "$1: a file without a signature"
	nothing got "$1: of which nothing is left"
	stop "$ftp_name"
	rm -f big
}

for server in $ftp_servers; do
	fetches "$server"
done

# A disk that is full: here, the limit of a process.
mkdir root-full
if ftpd vsftpd root-full; then
	cp data root-full/base/big
	HOTFIX_FTP_PASSWORD=$ftp_password
	export HOTFIX_FTP_PASSWORD
	url=ftp://$ftp_user@${ftp_url#*@}/base/big
	run sh -c 'ulimit -f 100; exec "$@"' sh "$hotfix" fetch -o got "$url"
	exits 5 'no room for the file'
	err_has 'got\.part: File too large' 'it says so'
	nothing got 'nothing of it is left'
	start held "$hotfix" fetch --tries 1 -o into/got "$url"
	wait "$pid"
	status=$?
	ok "$((status != 5))" 'a folder that is not there is local trouble'
	stop "$ftp_name"
	run "$hotfix" fetch --tries 2 -o got "$url"
	exits 3 'a server that is gone'
	err_has 'trying again' 'it is tried again'
	err_has 'Connection refused' 'why is told'
	nothing got 'nothing of it is left'
else
	skip "$ftp_why"
fi

# A user of a .netrc, who is not told on the command line.
mkdir root-netrc
if ftpd pure-ftpd root-netrc; then
	cp data root-netrc/base/big
	unset HOTFIX_FTP_PASSWORD
	echo "machine 127.0.0.1 login $ftp_user password $ftp_password" >.netrc
	chmod 644 .netrc
	url=ftp://127.0.0.1:$ftp_port/base/big
	run "$hotfix" fetch -o got "$url"
	exits 5 'a .netrc that others can read'
	err_has 'chmod 600' 'it says what to do'
	chmod 600 .netrc
	run "$hotfix" fetch -o got "$url"
	exits 0 'the user and password of .netrc'
	run "$hotfix" fetch --json -o again "$url"
	out_has '"path":"again","bytes":3000000,' 'results for programs'
	rm -f .netrc
	stop "$ftp_name"
else
	skip "$ftp_why"
fi

# Wrong use reaches no server.
run "$hotfix" fetch
exits 2 'no address'
run "$hotfix" fetch http://127.0.0.1:1/x
exits 2 'another kind of address'
run "$hotfix" fetch ftp://me:word@127.0.0.1:1/x
exits 2 'a password in the address'
err_has '/.netrc' 'it says where it belongs'
run "$hotfix" fetch ftp://127.0.0.1:1/
exits 2 'no file in the address'
run "$hotfix" fetch ftp://127.0.0.1:1/.profile
exits 2 'a hidden file'
run "$hotfix" fetch -o - ftp://127.0.0.1:1/x
exits 2 'to standard output'
for bad in '--size 1x' '--size -1' '--md5 0' '--md5 0123456789ABCDEF0123456789ABCDEF' \
	'--sha512 0' '--tries 0' '--tries 1001' '--timeout 5'; do
	# shellcheck disable=SC2086
	run "$hotfix" fetch $bad ftp://127.0.0.1:1/x
	exits 2 "$bad"
done
finish
