# How fast files are checked against a list, beside md5sum and busybox.
. "$HOTFIX_TOP/tests/lib.sh"

turns="perl $HOTFIX_TOP/tests/bench/turns.pl"

perl -e '
	use strict;
	srand 7;
	my $blob = join "", map { pack "N", rand 4294967296 } 1 .. 262144;
	mkdir "tree";
	for my $i (0 .. 19999) {
		my $dir = sprintf "tree/%02d", $i % 100;
		my $len = 1024 + int rand 64512;
		mkdir $dir;
		open my $f, ">", "$dir/f$i" or die;
		print $f substr $blob, rand 983040, $len;
		close $f or die;
	}' || exit 1
head -c 536870912 /dev/urandom >big
(cd tree && find . -type f | sed 's|^\./||' | sort | xargs md5sum) >tree.md5
md5sum big >big.md5

$turns -n 9 '20,000 files of 1 to 64 KiB' \
	"hotfix verify --sums=$hotfix verify --sums tree.md5 tree" \
	'md5sum -c=cd tree && md5sum -c ../tree.md5' \
	'busybox md5sum -c=cd tree && busybox md5sum -c ../tree.md5' || exit 1
if command -v taskset >/dev/null; then
	$turns -n 9 'the same on one processor' \
		"hotfix verify --sums=taskset -c 0 $hotfix verify --sums \
		tree.md5 tree" \
		'md5sum -c=cd tree && taskset -c 0 md5sum -c ../tree.md5' ||
		exit 1
fi
$turns -n 9 'one file of 512 MiB' \
	"hotfix verify --sums=$hotfix verify --sums big.md5" \
	'md5sum -c=md5sum -c big.md5' \
	'busybox md5sum -c=busybox md5sum -c big.md5'
