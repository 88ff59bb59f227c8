# hotfix verify: documents, ledgers, files with a signature beside them.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/peers.sh"

"$hotfix" keygen key >/dev/null
"$hotfix" keygen other >/dev/null
echo 'print(1)' >server.lua
echo 'print(2)' >client.lua
run "$hotfix" push -k key.sec --server server.lua --client client.lua \
	--server-version 1 --version '*' --feature f --write doc
exits 0 'S0.3 one document carries a server part and a client part'
head -n 2 doc >sig-lines
sed '1,2d;/^$/q' doc >want

run "$hotfix" verify -p key.pub doc
exits 0 'a document of a trusted key is good'
is "$(cat out)" 'doc: OK' 'PATH: OK'
run "$hotfix" verify -q -p key.pub doc
is "$(cat out err)" '' '-q prints only what failed'
run "$hotfix" verify --json -p key.pub doc
is "$(cat out)" '{"path":"doc","result":"OK"}' '--json: one object'
run "$hotfix" verify --head -p key.pub doc
cmp -s out want
ok $? '--head prints the signed text, nothing else' || t_show

run "$hotfix" verify -p other.pub doc
exits 1 'S0.2 a document of another key fails'
is "$(cat out)" 'doc: FAILED' 'PATH: FAILED'
err_has '^hotfix: verify: doc: untrusted-key: ' 'with the reason on stderr'
run "$hotfix" verify --head -p other.pub doc
exits 1 '--head prints nothing of an untrusted document'
is "$(cat out)" '' 'not a byte of it'

# Every kind of damage: one byte of each place.
flip() { # OFFSET: doc with one bit of that byte changed
	perl -e 'local $/; open F, "<doc"; $_ = <F>; my $o = shift;
		$o += length if $o < 0;
		substr($_, $o, 1) ^= "\1"; print' -- "$1" >bad
}
size=$(wc -c <doc)
for at in 0 60 150 200 300 -1 -12; do
	flip "$at"
	run "$hotfix" verify -p key.pub bad
	exits 1 "S0.2 one bit flipped at $at of $size is found"
done
flip 30
run "$hotfix" verify -p key.pub bad
exits 0 'but for the comment, which nobody believes'
head -c -1 doc >bad
run "$hotfix" verify -p key.pub bad
exits 1 'a document cut by one byte fails'
{ cat doc; printf x; } >bad
run "$hotfix" verify -p key.pub bad
exits 1 'a document with one byte more fails'

run "$hotfix" verify doc
exits 2 'without a key there is nothing to verify with'
run "$hotfix" verify -p doc doc
exits 5 'a public key file that is none is told'
run "$hotfix" verify -p key.pub missing doc
exits 5 'a file that is not there is local trouble'
is "$(cat out)" 'missing: FAILED
doc: OK' 'the others are checked all the same'

# A signature beside a file, and a trust file.
if command -v signify-openbsd >/dev/null; then
	signify-openbsd -S -s key.sec -m server.lua
	run "$hotfix" verify -p key.pub server.lua
	exits 0 'a file with its signify signature beside it'
	echo >>server.lua
	run "$hotfix" verify -p key.pub server.lua
	exits 1 'and changed by one byte'
	md5sum doc >sums
	signify-openbsd -S -s key.sec -m sums
	run "$hotfix" verify -p key.pub sums
	exits 0 'a signed list of digests is not taken for a ledger'
else
	skip 'signify-openbsd is not here'
	skip 'signify-openbsd is not here'
fi
run "$hotfix" verify -p key.pub client.lua
exits 5 'a file without its signature is told'
printf '%s dev\n' "$(sed -n 2p key.pub)" >trust
run "$hotfix" verify --trust trust doc
exits 0 'a trust file names keys, too'

# What is left of a document or a ledger, and what looks like one.
: >empty
run "$hotfix" verify empty
exits 1 'an empty file fails, without a key too'
err_has '^hotfix: verify: empty: syntax: ' 'as what it is not'
one_line 'in one line'
for n in 1 30 100 200; do
	head -c $n doc >bad
	run "$hotfix" verify -p key.pub bad
	exits 1 "the first $n bytes of a document fail"
	err_has 'bad: syntax: ' 'as what they are not'
done

# A ledger.
serve host -p key.pub --state state
run "$hotfix" push doc "$addr"
stop host
run "$hotfix" verify state/ledger
exits 0 "a host's ledger needs no key"
perl -pe 'if ($. == 1) { substr($_, -2, 1) ^= "\1" }' state/ledger >bad
run "$hotfix" verify bad
exits 1 'a ledger with a changed line fails'
err_has 'line [0-9]+' 'naming the line'
for n in 0 20 32 40; do
	perl -pe "if (\$. == 1) { substr(\$_, $n, 1) = 'x' }" state/ledger >bad
	run "$hotfix" verify bad
	exits 1 "a first line with an x at $n fails"
	err_has 'bad: (line 1|syntax)' 'as that'
done
for n in 1 32 33 45 70; do
	head -c $n state/ledger >bad
	run "$hotfix" verify bad
	exits 1 "the first $n bytes of a ledger fail"
done

# --- at an address --------------------------------------------------------------

# kept: what is left in the folder for files that are not kept.
mkdir kept root.ftp
TMPDIR=$PWD/kept
export TMPDIR
run "$hotfix" verify ftp://127.0.0.1:1/a.tar
exits 2 'an address without a key'
err_has 'no key to check it with' 'is not fetched'
run "$hotfix" verify -p key.pub ftp://me:word@127.0.0.1/a.tar
exits 2 'a password in an address'
is "$(cat kept/* 2>/dev/null; ls kept)" '' 'nothing is left of it'
mkdir package
echo 'return 1' >package/a.lua
server=
for s in $ftp_servers; do
	[ -z "$server" ] && ftpd "$s" root.ftp && server=$s
done
if [ -n "$server" ]; then
	HOTFIX_FTP_PASSWORD=$ftp_password
	export HOTFIX_FTP_PASSWORD
	url=ftp://$ftp_user@127.0.0.1:$ftp_port/base/game
	"$hotfix" publish -q -k key.sec --to "$url" --version '*' -n a -r 1 \
		package >/dev/null
	place=root.ftp/base/game/release
	run "$hotfix" verify -p key.pub "$url/release/a-1.tar"
	exits 0 'a package at an address'
	is "$(cat out err)" "$url/release/a-1.tar: OK" 'is checked as one here'
	run "$hotfix" verify -p key.pub "$url/release/a.latest" doc
	exits 0 'the latest document, and a file that is here'
	is "$(cat out)" "$url/release/a.latest: OK
doc: OK" 'both are told'
	err_has "the document alone; .*: ftp://.*/game/release/a-1\\.tar\$" \
		'and that its package is another target'
	run "$hotfix" verify -p key.pub --head "$url/release/a.latest"
	out_has '^package: a 1 ' '--head of one at an address'
	run "$hotfix" verify --json -q -p key.pub "$url/release/a-1.tar"
	is "$(cat out err)" '' '-q: nothing but what failed'
	run "$hotfix" verify -p other.pub "$url/release/a-1.tar"
	exits 1 'a key that nobody trusts'
	out_has ': FAILED$' 'it fails'
	err_has 'a-1\.tar: .*key' 'why is told'
	run "$hotfix" verify -p other.pub "$url/release/a.latest"
	exits 1 'so does the document'
	is "$(ls kept)" '' 'nothing is left of any'
	cp "$place/a-1.tar" good.tar
	printf x | dd of="$place/a-1.tar" bs=1 seek=1000 conv=notrunc 2>/dev/null
	run "$hotfix" verify -p key.pub "$url/release/a-1.tar"
	exits 1 'a package that was changed'
	cp good.tar "$place/a-1.tar"
	mv "$place/a-1.tar.sig" "$place/away"
	run "$hotfix" verify -p key.pub "$url/release/a-1.tar"
	exits 1 'a package without a signature'
	err_has 'a-1\.tar\.sig: refused \(550' 'which is said'
	mv "$place/away" "$place/a-1.tar.sig"
	head -c 100 "$place/a.latest" >"$place/b.latest"
	run "$hotfix" verify -p key.pub "$url/release/b.latest"
	exits 1 'the beginning of a document'
	err_has ': syntax: neither a whole update document' 'is known as that'
	run "$hotfix" verify -p key.pub "$url/release/none" doc
	exits 1 'what is not there'
	is "$(tail -n 1 out)" 'doc: OK' 'keeps nobody from the next one'
	HOTFIX_FTP_PASSWORD=wrong run "$hotfix" verify -p key.pub \
		"$url/release/a-1.tar"
	exits 4 'a wrong password'
	HOTFIX_FTP_PASSWORD=$ftp_password
	TMPDIR=$PWD/nowhere run "$hotfix" verify -p key.pub \
		"$url/release/a-1.tar"
	exits 5 'no folder for it'
	TMPDIR=$PWD/kept
	run sh -c 'ulimit -f 1; exec "$@"' sh "$hotfix" verify -p key.pub \
		"$url/release/a-1.tar"
	exits 5 'a full disk'
	n=$("$hotfix" verify -v -p key.pub "$url/release/a-1.tar" 2>&1 |
		grep -E '^hotfix: verify: [<>] ' | grep -n '> RETR' |
		head -n 1 | cut -d : -f 1)
	run "$HOTFIX_BUILD/tests/ftpat" -k 2 "$ftp_port" "$n" "$hotfix" verify \
		-p key.pub "ftp://$ftp_user@127.0.0.1:%p/base/game/release/a-1.tar" \
		doc
	exits 130 'it can be interrupted'
	out_has '^at: RETR ' 'while it fetches'
	out_lacks '^doc: ' 'nothing else is looked at then'
	is "$(ls -a kept)" '.
..' 'nothing is left of any'
	stop "$ftp_name"
	run "$hotfix" verify -p key.pub "$url/release/a-1.tar"
	exits 3 'a server that is gone'
else
	skip "$ftp_why"
fi
finish
