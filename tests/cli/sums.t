# hotfix verify --sums: what md5sum -c does.
. "$HOTFIX_TOP/tests/lib.sh"

# A tree of odd names and of sizes about all that is a boundary somewhere.
mkdir -p 'tree/a b/ütf' tree/empty
i=0
for size in 0 1 55 56 57 63 64 65 119 120 128 1000 32767 32768 32769 65536 \
	1048575 1048577 3000000; do
	i=$((i + 1))
	head -c "$size" /dev/urandom >"tree/f$i"
done
echo quoted >"tree/it's \"so\""
echo blank >'tree/ begins and ends '
echo umlaut >'tree/a b/ütf/ñ'
echo percent >'tree/100%s'
echo dash >'tree/-n'
echo star >'tree/*'
echo plus >'tree/sum  of two'
j=0
while [ $j -lt 300 ]; do
	j=$((j + 1))
	head -c $((j * 7)) /dev/zero >"tree/z$j"
done
(cd tree && find . -type f | sed 's|^\./||' | LC_ALL=C sort |
	tr '\n' '\0' | xargs -0 md5sum --) >list
files=$(wc -l <list)

run "$hotfix" verify --sums list tree
exits 0 'a tree is what md5sum says of it'
(cd tree && md5sum -c ../list >../want 2>/dev/null)
cmp -s want out
ok $? 'and it is said as md5sum -c says it' || diff want out | sed 's/^/# /'
is "$(cat err)" '' 'with no complaint'
cd tree || exit 1
run "$hotfix" verify --sums ../list
mv out err ..
cd .. || exit 1
exits 0 'names are looked for here when no folder is given'
is "$(wc -l <out)" "$files" 'all of them'
run "$hotfix" verify -q --sums list tree
exits 0 '-q'
is "$(cat out err)" '' 'tells nothing when all is good'
"$hotfix" verify --sums - tree <list >out 2>err
is "$?" 0 'a list from standard input'
cmp -s want out
ok $? 'is as good as a file'

# What is wrong.
echo more >>tree/f5
rm tree/f6
rm tree/f7 && mkdir tree/f7
rm tree/f8 && mkfifo tree/f8
printf '%65536s' '' | dd of=tree/f19 bs=1 seek=1500000 conv=notrunc 2>/dev/null
run "$hotfix" verify --sums list tree
exits 1 'a file that is another one, or none, is exit 1'
LC_ALL=C sort out >sorted
grep -v -e '^f8: ' want | sed -e 's/^f5: OK/f5: FAILED/' \
	-e 's/^f19: OK/f19: FAILED/' \
	-e 's/^f\([67]\): OK/f\1: FAILED open or read/' >better
grep -v '^f8: ' out | cmp -s - better
ok $? 'each with the words of md5sum -c, in the order of the list' ||
	diff better out | sed 's/^/# /'
(cd tree && rm f8 && md5sum -c ../list >../theirs 2>/dev/null)
cmp -s theirs out
ok $? 'which says the same of a FIFO as of none'
mkfifo tree/f8
err_has '^hotfix: verify: f6: No such file or directory$' 'with the reasons'
err_has '^hotfix: verify: f7: not a regular file$' 'of a folder'
err_has '^hotfix: verify: f8: not a regular file$' 'of a FIFO'
err_has "^hotfix: verify: list: 3 of $files files could not be read\$" \
	'the unread are counted'
err_has "^hotfix: verify: list: 2 of $files files do not match\$" \
	'so are those that are others'
run "$hotfix" verify -q --sums list tree
exits 1 '-q changes no status'
is "$(cat out)" "$(grep FAILED better; echo 'f8: FAILED open or read')" \
	'and tells what failed' || t_show
run "$hotfix" verify --json --sums list tree
exits 1 '--json'
out_has '^\{"path":"f5","result":"FAILED"\}$' 'an object for one that failed'
out_has '^\{"path":"a b/ütf/ñ","result":"OK"\}$' 'and for one that is good'
is "$(grep -c '^{"path":".*","result":"[A-Za-z ]*"}$' out)" "$files" \
	'and for every other'
if [ "$(id -u)" = 0 ]; then
	skip 'root may read everything'
else
	chmod 0 tree/f4
	run "$hotfix" verify -q --sums list tree
	err_has '^hotfix: verify: f4: Permission denied$' 'not readable'
fi

# A list is one, or it is refused whole.
good=$(grep '  f1$' list)
digest=${good%%  *}
bad() { # NAME TEXT: a good line, a bad one
	printf '%s\n%b' "$good" "$2" >bad
	run "$hotfix" verify --sums bad tree
	exits 1 "a list with $1 is refused"
	is "$(cat out)" '' "with $1: not even the good line is looked at"
	err_has '^hotfix: verify: bad: line 2 ' "with $1: the line is named"
}
bad 'an empty line' '\n'
bad 'a remark' '# remark\n'
bad 'no name' "$digest  \\n"
bad 'one blank' "$digest f1\\n"
bad 'an asterisk' "$digest *f1\\n"
bad 'capitals' "$(echo "$digest" | tr a-f A-F)A  f1\\n"
bad 'a digit less' "${digest%?}  f1\\n"
bad 'a digit more' "0$digest  f1\\n"
bad 'an escaped name' "\\\\\\\\$digest  f\\\\\\\\n1\\n"
bad 'a carriage return' "$digest  f1\\r\\n"
bad 'the form of BSD' "MD5 (f1) = $digest\\n"
bad 'no end' "$digest  f1"
: >bad
run "$hotfix" verify --sums bad tree
exits 1 'an empty list is refused'
err_has '^hotfix: verify: bad: an empty list$' 'as that'
run "$hotfix" verify --sums none tree
exits 5 'a list that is not there is local trouble'
run "$hotfix" verify --sums list none
exits 5 'so is a folder'
run "$hotfix" verify --sums list tree tree
exits 2 'one folder at most'
run "$hotfix" verify --sums list --head tree
exits 2 'a list has no head'

# More files than lanes, threads and descriptors.
mkdir many
j=0
while [ $j -lt 3000 ]; do
	j=$((j + 1))
	echo $j >many/$j
done
(cd many && md5sum -- *) >list
(
	ulimit -n 64 2>/dev/null
	exec "$hotfix" verify --sums list many >out 2>err
)
is "$?:$(grep -c ': OK$' out)" '0:3000' 'thousands of files, few at a time'

finish
