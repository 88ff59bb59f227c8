# hotfix verify: documents, ledgers, files with a signature beside them.
. "$HOTFIX_TOP/tests/lib.sh"

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
finish
