# The words by which hotfix-native(7) lists what is refused are those that are
# said: each is in the executable.
. "$HOTFIX_TOP/tests/lib.sh"

strings -n 4 "$hotfix" >said
sed -n '/^\.Sh REFUSED/,/^\.Sh WHAT NOBODY/p' \
	"$HOTFIX_TOP/man/hotfix-native.7" |
	sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' |
	sed -n 's/^\.It Ql //p' | sed 's/ , /\n/g; s/ \.\.\. /\n/g; s/ \.\.\.\\&: /\n/g' \
	>words
n=0
missing=0
while read -r word; do
	n=$((n + 1))
	grep -Fq -e "$word" said || {
		missing=$((missing + 1))
		echo "# nobody says: $word"
	}
done <words
[ "$n" -gt 40 ]
ok $? "$n words are listed"
is "$missing" 0 'all of them are said'
finish
