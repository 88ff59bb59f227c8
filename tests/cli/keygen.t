# hotfix keygen: a pair of keys in signify's format.
. "$HOTFIX_TOP/tests/lib.sh"

run "$hotfix" keygen dev
exits 0 'keygen makes a pair of keys'
is "$(cat out)" 'secret: dev.sec
public: dev.pub' 'and names both files'
is "$(stat -c %a dev.sec)" 600 'the secret key is for its owner alone'
is "$(wc -l <dev.sec)" 2 'the secret key is a comment and a line of base64'
is "$(wc -l <dev.pub)" 2 'the public key too'

cp dev.sec sec.before
cp dev.pub pub.before
run "$hotfix" keygen dev
exits 5 'keys that exist are not overwritten'
err_has '^hotfix: keygen: dev\.sec: ' 'the message names the file'
cmp -s dev.sec sec.before && cmp -s dev.pub pub.before
ok $? 'both files are as they were'

rm dev.sec
run "$hotfix" keygen dev
exits 5 'a public key that exists stops keygen, too'
[ ! -e dev.sec ]
ok $? 'no secret key is left without its public one'
cmp -s dev.pub pub.before
ok $? 'the public key is as it was'

"$hotfix" keygen other >/dev/null
! cmp -s other.pub dev.pub
ok $? 'two keys differ'

mkdir folder
run "$hotfix" --json keygen folder/x
exits 2 'an option in front of the verb is no verb'
run "$hotfix" keygen --json folder/x
is "$(cat out)" '{"secret":"folder/x.sec","public":"folder/x.pub"}' \
	'--json prints one object'
run "$hotfix" keygen missing/x
exits 5 'a folder that is not there is local trouble'
one_line 'told in one line'

# Past the limit of this process, which is a signal if nobody looks.
got=$(
	ulimit -f 0
	"$hotfix" keygen limited 2>&1
	echo "status $?"
)
is "$got" 'hotfix: keygen: limited.sec: File too large
status 5' 'a file past ulimit -f is local trouble'
is "$(ls limited* 2>/dev/null)" '' 'nothing of it is left'

if command -v signify-openbsd >/dev/null; then
	echo hello >message
	signify-openbsd -S -s other.sec -m message -x message.sig
	ok $? 'signify signs with the secret key'
	signify-openbsd -V -q -p other.pub -m message -x message.sig
	ok $? 'and verifies with the public key'
	run "$hotfix" verify -p other.pub message
	exits 0 "hotfix verifies signify's signature"
	signify-openbsd -G -n -p sig.pub -s sig.sec
	echo 'print(1)' >part.lua
	run "$hotfix" push -k sig.sec --server part.lua --server-version 1 \
		--write doc
	exits 0 "push signs with a key of signify's"
	sed '/^$/q' doc | signify-openbsd -V -q -e -p sig.pub -x - -m - >text
	ok $? 'signify verifies the head of an update document'
	is "$(head -n 1 text)" 'hotfix-update: 1' 'and prints its signed text'
else
	skip 'signify-openbsd is not here'
fi
finish
