# hotfix native: what is made of an executable and an object, and what is
# refused, with all reasons at once and in words. Executables and objects are
# made here, by gcc and clang. The numbers are those of the cases of the
# design; what patches do when they run is tested elsewhere.

. "$HOTFIX_TOP/tests/lib.sh"

# Flags of executables that can be patched, and of fixes.
gnu='-O2 -g -fpatchable-function-entry=5 -flive-patching=inline-only-static
	-fno-lto -frecord-gcc-switches'
llvm='-O2 -g -fPIC -fsemantic-interposition -fpatchable-function-entry=5
	-frecord-command-line'
fix='-c -O2 -fPIE -mcmodel=small -fno-lto -fno-stack-protector
	-U_FORTIFY_SOURCE -fno-asynchronous-unwind-tables'
id='-Wl,--build-id=sha1'

have() {
	command -v "$1" >/dev/null
}

if [ "$(uname -m)" != x86_64 ] || ! have gcc; then
	skip 'objects are made by gcc for x86-64'
	finish
fi

# compile COMMAND...: it must do, or the rest would tell nothing.
compile() {
	"$@" >cc.out 2>&1 || {
		ok 1 "compiled: $*"
		note cc.out
		finish
	}
}

# create EXE OPERAND...: into the file p, which is new.
create() {
	exe=$1
	shift
	rm -f p
	run "$hotfix" native create -e "$exe" -o p "$@"
}

# refused WORDS NAME: by the latest create, which made nothing.
refused() {
	t_r=1
	if [ "$status" -eq 1 ] && [ ! -e p ] && grep -q -e "$1" err; then
		t_r=0
	fi
	ok "$t_r" "$2" || {
		printf '# want %s\n' "$1"
		t_show
	}
}

# reasons N NAME: so many lines, and the one that counts them.
reasons() {
	is "$(wc -l <err)" $(($1 + 1)) "$2" || note err
}

# made NAME
made() {
	t_r=1
	[ "$status" -ne 0 ] || [ ! -s p ] || t_r=0
	ok "$t_r" "$1" || t_show
}

# --- a game, and a fix --------------------------------------------------------

# Stands in for the side that applies patches, which has symbols like these.
cat >reserve.c <<'END'
char native_reserve_code[65536] = {1};
char native_reserve_data[65536] = {1};
END
cat >game.c <<'END'
#include <stdio.h>
#include <string.h>
int rolls;
const char *const titles[] = {"orc", "elf"};
static int luck = 5;
__attribute__((noinline)) static int twist(int x) { return x * luck++; }
__attribute__((noinline)) int damage(int a, int b)
{
	rolls++;
	return a - b + twist(a);
}
__attribute__((noinline)) int heal(int a) { return a + rolls; }
int other(int a);
int main(int argc, char **argv)
{
	char b[64] = "";
	memcpy(b, argv[0], strlen(argv[0]) % 60);
	snprintf(b + 60, 4, "%d", argc);
	puts(b);
	return damage(argc, 2) + heal(argc) + other(argc);
}
END
cat >other.c <<'END'
static int luck = 6;
__attribute__((noinline)) static int twist(int x) { return x + luck++; }
__attribute__((noinline)) static int only_here(int x) { return x ^ luck++; }
int other(int a) { return twist(a) + only_here(a) + twist(a + 1); }
END
cat >fix.c <<'END'
#include <stdio.h>
#include <string.h>
extern int rolls;
static int own = 7, zero[10];
static const char *const table[] = {"a", "bb", "ccc"};
int fixed(int a, int b)
{
	char buf[32];
	static int calls;

	calls++;
	zero[a & 7]++;
	switch (a) {
	case 1: own++; break;
	case 2: own += 2; break;
	case 3: own *= 3; break;
	case 4: own -= 9; break;
	case 5: own ^= 11; break;
	case 6: own = own * 7 - 1; break;
	}
	snprintf(buf, sizeof buf, "%d %s", a, table[a % 3]);
	rolls++;
	return a + b + (int)strlen(buf) + own + calls;
}
int healed(int a) { return a; }
END
echo 'int healed(int a) { return a + 3; }' >tiny.c

# target NAME COMPILER FLAG...: an executable of game.c, other.c, reserve.c.
target() {
	t_out=$1
	shift
	# shellcheck disable=SC2086
	compile "$@" $id -o "$t_out" game.c other.c reserve.c
}

# shellcheck disable=SC2086
{
	target game gcc $gnu -fPIE -static-pie
	target pie gcc $gnu -fPIE -pie
	target nopie gcc $gnu -no-pie
	compile gcc $fix -o fix.o fix.c
	compile gcc $fix -o tiny.o tiny.c
}

create game damage=fixed fix.o
made 'a patch of a function'
is "$(field id out | cut -c 1-2)" p- 'its id is made of the digest'
is "$(field build-id out)" "$(readelf -nW game |
	sed -n 's/.*Build ID: //p')" 'it is for this build'
is "$(field functions out)" damage 'it names the function'
head -n 1 p | grep -q '^HOTFIX-NATIVE 1$'
ok $? 'it is a patch file'
cp p first
run "$hotfix" native create -e game -o p damage=fixed fix.o
exits 0 'made again over the same file'
cmp -s p first
ok $? 'the same input gives the same bytes'
run "$hotfix" native create -e game -o p heal=healed fix.o
exits 1 'another patch does not take its place'
err_has 'p: exists, and is another file' 'told as that'
cmp -s p first
ok $? 'and it is as it was'

create game --id two --needs one damage=fixed heal=healed fix.o
made 'a patch of two functions, with an id, over another'
is "$(field id out)" two 'its id'
is "$(field needs out)" one 'what it needs'
is "$(field functions out)" "$(nm game | sort | grep -E ' (damage|heal)$' |
	sed 's/.* //' | tr '\n' ' ' | sed 's/ $//')" \
	'its functions, in the order of their addresses'
cp p second
create game --id two --needs one heal=healed damage=fixed fix.o
cmp -s p second
ok $? 'which may be given in any order'
run "$hotfix" native show p
exits 0 'native show'
is "$(grep -c '^function: ' out)" 2 'shows both'
out_has '^pad: 5$' 'with their NOPs'
run "$hotfix" native show -v p
out_has '^c\+0x[0-9a-f]+	rel32	m\+0x[0-9a-f]+	rolls$' \
	'-v shows relocations'
run "$hotfix" native show --json -v p
exits 0 'and as JSON'
out_has '^\{"function":"damage","offset":"\+0x' 'an object a function'
off=$(nm game | sed -n 's/^0*\([0-9a-f]*\) . damage$/\1/p')
create game "+0x$off=fixed" fix.o
made 'a function by its offset from the base'
is "$(field functions out)" damage 'is the one that is there'
off=$(nm nopie | sed -n 's/^0*\([0-9a-f]*\) . damage$/\1/p')
create nopie "+0x$(printf %x $((0x$off - 0x400000)))=healed" fix.o
made 'the base of one that is loaded at a fixed address is not 0'
create game "+0x1=fixed" fix.o
refused '+0x1: no function begins there' 'an offset where none begins'

# A tentative variable, one in a cell, one in a table.
cat >more.c <<'END'
int counter;
extern int rolls;
int *const where[] = {&rolls, &counter};
int healed(int a) { return counter++ + *where[a & 1]; }
END
for how in -fno-pic -fPIE -fPIC '-fPIC -fno-plt' '-fcommon -fPIE' \
	'-mcmodel=medium -fPIE' '-fPIE -mcmodel=large -fno-pic'; do
	# shellcheck disable=SC2086
	compile gcc $fix $how -o more.o more.c
	create nopie heal=healed more.o
	made "a fix compiled with $how"
	at=$(nm nopie | sed -n 's/^0*\([0-9a-f]*\) . rolls$/\1/p')
	grep -q "^rel [cd] [0-9a-f]* abs64 m $(printf %x \
		$((0x$at - 0x400000))) rolls\$" p
	ok $? 'with the address of a variable, from the base' || t_show
	create game heal=healed more.o
	case $how in
	-fno-pic) refused 'compile with -fPIE' 'but not for a PIE' ;;
	*) made 'for a PIE too' ;;
	esac
done
cat >parts.c <<'END'
int missing(int);
int unused;
int left(int a) { return missing(a) + unused; }
int healed(int a) { return a + 1; }
END
# shellcheck disable=SC2086
compile gcc $fix -ffunction-sections -fdata-sections -o parts.o parts.c
create pie heal=healed parts.o
made 'sections that the new functions do not need stay behind'
is "$(field bss out)" 0 'with their data'

# Its places: a byte, then a pointer; code, then constants of a cache line.
cat >places.c <<'END'
extern int rolls;
char one = 1;
int *where = &rolls;
static const double line[8] __attribute__((aligned(64))) = {1, 2, 3};
const char *const titles[] = {"orc", "elf"};
int healed(int a) { one++; return *where + (int)line[a] + titles[a & 1][0]; }
END
# shellcheck disable=SC2086
compile gcc $fix -fdata-sections -fno-toplevel-reorder -o places.o places.c
create game heal=healed places.o
made 'a constant that the program has, too, may be there again'
is $(($(field code out) % 64)) 0 'constants are aligned'
"$hotfix" native show -v p | grep -q '^d+0x8	abs64	m+0x[0-9a-f]*	rolls$'
ok $? 'variables are aligned' || t_show

# --- 8: all that is missing, in one run ---------------------------------------

cat >lacks.c <<'END'
int first(int), second(int), __thing_chk(int), __asan_report(int);
extern int third;
int maybe(int) __attribute__((weak));
int fixed(int a, int b)
{
	return first(a) + second(b) + second(a) + third + __thing_chk(a) +
	       __asan_report(b) + maybe(a);
}
END
# shellcheck disable=SC2086
compile gcc $fix -o lacks.o lacks.c
create game damage=fixed heal=none gone=fixed lacks.o
refused '^hotfix: native: first: it is not in the executable' \
	'8: a function that is missing'
refused 'native: third: it is not in the executable' '8: a variable'
refused '__thing_chk: .* -U_FORTIFY_SOURCE' '8: of hardened headers'
refused '__asan_report: .* -fsanitize' '8: of a sanitizer'
refused 'maybe: it is weak, and not in' '8: a weak one'
refused 'none: the object has no such function' '8: the new function'
refused 'gone: the executable has no such function' '8: the old function'
refused '8 reasons against it, nothing is made' '8: they are counted'
reasons 8 '8: each is told once'

# --- 9: what cannot be part of a running program ------------------------------

cat >tls.c <<'END'
__thread int mine;
int fixed(int a, int b) { return mine += a + b; }
END
cat >ctor.c <<'END'
int fixed(int a, int b) { return a + b; }
volatile int begun;
__attribute__((constructor)) static void begin(void) { begun++; }
END
cat >plus.cc <<'END'
extern "C" int fixed(int a, int b) { try { if (a) throw b; } catch (int x) {
	return x; } return a; }
END
cat >big.c <<'END'
extern int rolls;
int fixed(int a, int b) { return a + b + rolls; }
END
# shellcheck disable=SC2086
for how in '' -fPIC; do
	compile gcc $fix $how -o tls.o tls.c
	create game damage=fixed tls.o
	refused 'mine: the object has a thread-local variable' \
		"9: a thread-local variable $how"
	[ -n "$how" ] || reasons 1 '9: in one line'
done
# shellcheck disable=SC2086
{
	compile gcc $fix -o ctor.o ctor.c
	create game damage=fixed ctor.o
	refused 'the object has constructors' '9: a constructor'
	reasons 1 '9: in one line'
	compile gcc $fix -flto -o lto.o big.c
	create game damage=fixed lto.o
	refused 'compile it with -fno-lto' '9: left for the linker to compile'
	compile gcc $fix -mcmodel=large -fPIC -o big.o big.c
	create game damage=fixed big.o
	refused 'large model.*-mcmodel=small -fPIE' '9: a large model'
	reasons 1 '9: in one line'
	create pie damage=fixed game
	refused 'the object is an executable: give the file that cc -c made' \
		'9: an executable as the fix'
	reasons 1 '9: in one line'
	compile gcc -shared -fPIC -o fix.so big.c
	create pie damage=fixed fix.so
	refused 'the object is a shared library' '9: a shared library'
}
if have g++; then
	compile g++ -c -O2 -fPIE -o plus.o plus.cc
	create game damage=fixed plus.o
	refused 'the object is of C++' '9: C++'
else
	skip 'there is no g++'
fi
if have clang; then
	# shellcheck disable=SC2086
	compile clang $fix -flto -o lto.o big.c
	create game damage=fixed lto.o
	refused 'bitcode.*-fno-lto' '9: bitcode of clang'
	reasons 1 '9: in one line'
else
	skip 'there is no clang'
fi
cat >twice.c <<'END'
int rolls = 3;
static int luck = 1;
int fixed(int a, int b) { return a + b + rolls++ + luck++; }
END
# shellcheck disable=SC2086
compile gcc $fix -o twice.o twice.c
create game damage=fixed twice.o
refused 'rolls: the program has this variable' \
	'a variable that the program has is not made again'
err_has 'luck: the patch has a static variable of its own' \
	'a static one is, and that is said'
cat >copy.c <<'END'
int heal(int a) { return a - 1; }
int (*way)(int) = heal;
int fixed(int a, int b) { return heal(a) + way(b); }
END
# shellcheck disable=SC2086
compile gcc $fix -o copy.o copy.c
create game damage=fixed copy.o
made 'a copy of a function of the program may come along'
err_has "heal: the fix has a copy of this function and calls that, not the program's;" \
	'but that is said'
err_has '; to call the .* leave only its declaration in the fix, to replace that, too, add heal=heal$' \
	'with what to do'
sed 's/^int heal/__attribute__((weak)) &/' copy.c >faint.c
# shellcheck disable=SC2086
compile gcc $fix -o faint.o faint.c
create game damage=fixed faint.o
made 'a weak copy may, too'
err_has "heal: the fix has a copy .* and calls that, also where a linker would take the program's .it is weak.; to call" \
	'and it is said that no linker would take it'
create game damage=fixed heal=heal copy.o
made 'it may replace its own namesake'
[ ! -s err ]
ok $? 'without a word' || t_show
cat >large.c <<'END'
char zeros[65536 - 8], page[8] __attribute__((aligned(4096)));
char more[16];
int fixed(int a, int b) { return zeros[a] + more[b] + page[b]; }
END
# shellcheck disable=SC2086
compile gcc $fix -o large.o large.c
create game damage=fixed large.o
refused 'the patch has 6[0-9]* bytes of data, the executable reserves 65536' \
	'more than the reserve'
for how in -fcommon -fno-common; do
	echo 'char page[8] __attribute__((aligned(8192)));
	int fixed(int a, int b) { return page[a + b]; }' >wide.c
	# shellcheck disable=SC2086
	compile gcc $fix $how -o wide.o wide.c
	create game damage=fixed wide.o
	refused ' it is aligned to 8192 bytes' "more than a page's alignment $how"
done

for n in 1 2; do
	echo "static int mend(int a, int b) { return a + b + $n; }
	int (*mend$n)(int, int) = mend;" >mend$n.c
	# shellcheck disable=SC2086
	compile gcc $fix -o mend$n.o mend$n.c
done
compile ld -r -o mends.o mend1.o mend2.o
create game damage=mend mends.o
refused 'mend: the object has several functions of this name' \
	'which of two is not guessed'
reasons 1 'in one line'
# With a second name, where its own file calls it.
echo 'int rolls; volatile int z;
int depth(int n) { return n <= 0 ? z : depth(n - 1) ^ (n + z); }
int main(int argc, char **argv) { (void)argv; return depth(argc); }' >depth.c
# shellcheck disable=SC2086
compile gcc $gnu -fPIC $id -o depth depth.c reserve.c
create depth depth=healed tiny.o
made 'a function that calls itself, compiled with -fPIC'
# A '#' comments out what gcc itself adds.
echo '__attribute__((section(".both,\"awx\",@progbits#"))) int both = 5;
int fixed(int a, int b) { return both += a + b; }' >both.c
# shellcheck disable=SC2086
compile gcc $fix -o both.o both.c
create game damage=fixed both.o
refused 'both: .*\.both .*both written and executed' \
	'what would be written in the code area'

# --- 10: statics of the executable --------------------------------------------

cat >statics.c <<'END'
int only_here(int);
extern int luck __asm__("other.c$luck");
int twist(int) __asm__("game.c$twist");
int fixed(int a, int b) { return only_here(a) + luck++ + twist(b); }
END
# shellcheck disable=SC2086
compile gcc $fix -o statics.o statics.c
create game damage=fixed statics.o
made '10: a static function, and statics by their files'
err_has '^hotfix: native: only_here: taken for the static one of other\.c$' \
	'10: whose it is taken for is said'
one_line '10: but not of those that name their file'
symbol() { # FILE NAME: its value in game
	readelf -sW game | awk -v f="$1" -v n="$2" \
		'$4 == "FILE" { on = $8 == f }
		on && $8 == n { sub(/^0*/, "", $2); print $2 }'
}
grep -q "^rel c [0-9a-f]* rel32 m $(printf %x \
	$((0x$(symbol game.c twist) - 4))) game.c.twist\$" p
ok $? '10: it is the function of that file' || t_show
cat >unclear.c <<'END'
extern int luck;
int twist(int);
int fixed(int a, int b) { return luck++ + twist(a + b); }
END
# shellcheck disable=SC2086
compile gcc $fix -o unclear.o unclear.c
create game damage=fixed unclear.o
refused 'luck: .*several statics.*game\.c, other\.c.*__asm__("game.c$luck")' \
	'10: a variable of several'
refused 'twist: .*several statics' '10: a function of several'
reasons 2 '10: one line each'
create game twist=healed fix.o
refused 'twist: .*several functions.*game\.c:twist (+0x.*other\.c:twist (+0x' \
	'10: an old function of several'
create game other.c:twist=healed fix.o
made '10: one by its file'
create game none.c:twist=healed fix.o
refused 'no static function of this name from this file' \
	'10: no such file'
create game main.c:damage=healed fix.o
refused 'is named without its file' '10: one that is not static'

# --- ifuncs, shared libraries ---------------------------------------------------

cat >calls.c <<'END'
#include <string.h>
size_t (*length)(const char *) = strlen;
int healed(int a) { return (int)length("ab") + (int)strlen(a ? "x" : "yz"); }
END
# shellcheck disable=SC2086
compile gcc $fix -fno-builtin -o calls.o calls.c
create game heal=healed calls.o
made 'a function that is chosen at the start'
"$hotfix" native show -v p >rels
slot=$(sed -n 's/^c.*rel32	m+0x\([0-9a-f]*\)	strlen$/\1/p' rels)
readelf -rW game | grep -q "^0*$(printf %x $((0x$slot + 4)))  .*IRELATIV"
ok $? 'is called through the slot of the executable' || note rels
is "$(grep -c '	abs64	c+0x.*	strlen$' rels)" 1 'and its address is a stub'
cat >seldom.c <<'END'
#include <string.h>
int healed(int a) { char b[9]; return *stpncpy(b, "abc", (size_t)a & 7); }
END
# shellcheck disable=SC2086
compile gcc $fix -fno-builtin -o seldom.o seldom.c
create game heal=healed seldom.o
refused 'stpncpy: it ' 'one that the program never calls'
create game strlen=healed fix.o
refused 'strlen: it is chosen when the program starts' 'nor patched'
create pie heal=healed calls.o
made 'a function of a shared library that the program calls'
create pie puts=healed fix.o
refused 'puts: it comes from a shared library' 'is not patched itself'

# --- 12: clones, twins ----------------------------------------------------------

cat >clones.c <<'END'
#include <stdio.h>
struct pair { int a, b, c; };
__attribute__((noinline)) static int cp(int a, int b)
{
	return printf("%d %d\n", a, b) + a * b;
}
__attribute__((noinline)) static int sra(struct pair *p, int unused)
{
	(void)unused;
	return puts("") + p->a;
}
static int part(const int *p)
{
	int i, s = 0;

	if (p == NULL)
		return -1;
	for (i = 0; i < 1000; i++) {
		s += p[i] * i;
		printf("%d %d %d\n", s, i, p[i]);
		printf("%d %d %d\n", s + 1, i, p[i]);
	}
	return s;
}
/* One that stays, and its clone besides. */
int both(const int *p);
int both(const int *p)
{
	int i, s = 0;

	if (p == NULL)
		return -1;
	for (i = 0; i < 1000; i++) {
		s += p[i] * i;
		printf("%d %d %d\n", s, i, p[i]);
		printf("%d %d %d\n", s + 1, i, p[i]);
	}
	return s;
}
int calls(int *p, struct pair *q);
int calls(int *p, struct pair *q)
{
	return cp(p[0], 7) + cp(p[1], 7) + sra(q, 1) + sra(q + 1, 2) +
	       part(p) + part(p + 1) + part(p + 2) + both(p) + both(p + 3);
}
int same(int a);
int same(int a) { return a * 3 + 1; }
int alias(int a) __attribute__((alias("same")));
int main(int argc, char **argv)
{
	struct pair q[2] = {{argc, 1, 2}, {3, 4, 5}};
	static int p[2000];

	(void)argv;
	return calls(p, q) + same(argc) + alias(argc);
}
END
# shellcheck disable=SC2086
compile gcc -O2 -fpatchable-function-entry=5 -frecord-gcc-switches $id -o clones \
	clones.c reserve.c
for f in cp sra part; do
	create clones $f=healed tiny.o
	nm clones >names
	if grep -q " $f\.\(constprop\|isra\|part\)\." names; then
		refused "$f: .*the compiler made $f\..* of it" \
			"12: a function with a clone: $f"
	else
		skip "12: this gcc makes no clone of $f"
	fi
	refused 'compiled without -flive-patching=inline-only-static' \
		'12: and what the executable lacks'
done
if grep -q ' both$' names && grep -q ' both\.part\.' names; then
	create clones both=healed tiny.o
	refused 'both: the compiler made both\.part\.[0-9]* of it, which callers' \
		'12: a function that stays beside its clone'
else
	skip '12: this gcc makes no part of it'
fi
grep -q '\.constprop\.' names
ok $? '12: there are clones to be refused' || note names
create clones same=healed tiny.o
refused 'same: alias is the same code' '12: an alias'
# shellcheck disable=SC2086
compile gcc $gnu $id -o noclones clones.c reserve.c
create noclones cp=healed tiny.o
made '12: with the right flags there are none'
cat >folded.c <<'END'
int one(int a) { return a * 3 + 1; }
int two(int a) { return a * 3 + 1; }
int main(int argc, char **argv) { (void)argv; return one(argc) + two(argc); }
END
if have clang && have ld.lld; then
	# shellcheck disable=SC2086
	compile clang $llvm $id -fuse-ld=lld -ffunction-sections \
		-Wl,--icf=all -o folded folded.c reserve.c
	create folded one=healed tiny.o
	refused 'one: two is the same code.*--icf=all' \
		'12: functions that the linker folded'
else
	skip '12: there is no clang with lld'
fi

cat >inlined.c <<'END'
static int tiny(int a) { return a * 3 + 1; }
int (*volatile pointer)(int) = tiny;
int big(int a);
int big(int a) { return tiny(a) + 5; }
int main(int argc, char **argv) { (void)argv; return big(argc) + pointer(argc); }
END
# shellcheck disable=SC2086
compile gcc $gnu $id -o inlined inlined.c reserve.c
create inlined tiny=healed tiny.o
refused 'tiny: it is inlined into some of its callers' \
	'a function that is also inlined, as debug information tells'
create inlined big=healed tiny.o
made 'but its caller'

# --- 13, 14: what the executable was compiled with ------------------------------

# shellcheck disable=SC2086
{
	target quiet gcc -O2 -fpatchable-function-entry=5
	create quiet heal=healed fix.o
	refused 'does not tell how it was compiled' \
		'13: an executable that does not tell its flags'
	target plain gcc -O2 -frecord-gcc-switches
	create plain -u heal=healed fix.o
	refused 'compiled without -fpatchable-function-entry' \
		'13: one without the flags, also with -u'
	create plain heal=healed fix.o
	refused 'heal: it has no NOPs at its entry' '13: and no NOPs'
	target ra gcc -O2 -frecord-gcc-switches -fpatchable-function-entry=5
	create ra heal=healed fix.o
	refused 'without -flive-patching=inline-only-static' \
		'13: one whose callers know their callees'
	reasons 1 '13: in one line'
}
cat >constant.c <<'END'
__attribute__((noinline)) int level(void) { return 1; }
__attribute__((noinline)) static int hidden(int a) { return a * 2; }
int main(int argc, char **argv)
{
	(void)argv;
	return level() + hidden(argc) + hidden(argc + 1);
}
END
if have clang; then
	# shellcheck disable=SC2086
	{
		compile clang -O2 -g -fpatchable-function-entry=5 $id \
			-frecord-command-line -o weak constant.c reserve.c
		create weak level=healed tiny.o
		refused 'without -fPIC -fsemantic-interposition' \
			'14: clang without the flags'
		reasons 1 '14: in one line'
		compile clang $llvm $id -o strong constant.c reserve.c
	}
	create strong level=healed tiny.o
	made '14: clang with the flags'
	create strong hidden=healed tiny.o
	refused 'hidden: it is static and clang compiled it' \
		'14: but no static function'
	reasons 1 '14: in one line'
	# shellcheck disable=SC2086
	for how in '' -fPIC '-fPIC -fno-plt'; do
		compile clang $fix $how -o clang.o fix.c
		create game damage=fixed clang.o
		made "a fix of clang ${how:--fPIE}"
	done
else
	skip '14: there is no clang'
fi

# --- 15, 16: entries ------------------------------------------------------------

cat >short.c <<'END'
#define BARE __attribute__((noinline, patchable_function_entry(0)))
volatile int gate;
BARE int two_bytes(void) { return 0; }
BARE int long_enough(int a) { return a * 77777 + gate; }
BARE void spin(volatile int *p) { do (*p)--; while (*p != 0); }
int main(int argc, char **argv)
{
	int n = argc;

	(void)argv;
	spin(&n);
	return two_bytes() + long_enough(argc);
}
END
# shellcheck disable=SC2086
{
	compile gcc $gnu $id -fcf-protection=none -o padded short.c reserve.c
	compile gcc $gnu $id -fcf-protection=none -Os -o dense short.c reserve.c
}
create padded two_bytes=healed tiny.o
refused 'two_bytes: it has no NOPs at its entry: .*-u' \
	'15: a function without NOPs'
create padded -u two_bytes=healed tiny.o
made '15: -u: a short one with room behind it'
"$hotfix" native show p >shown
is "$(field size shown) $(field pad shown)" '5 0' \
	'15: what is compared holds the jump'
create dense -u two_bytes=healed tiny.o
refused 'two_bytes: it is shorter than the jump' '15: -u: none without room'
create dense -u long_enough=healed tiny.o
made '15: -u: a longer one'
create dense -u spin=healed tiny.o
refused 'spin: it seems to branch into its first bytes' \
	'15: -u: a loop at the entry'
# shellcheck disable=SC2086
target cet gcc $gnu -fcf-protection=full -fPIE -static-pie
create cet heal=healed fix.o
made '16: an entry with endbr64'
"$hotfix" native show p >shown
is $(($(field site shown | tr -d +) - $(field offset shown | tr -d +))) 4 \
	'16: the jump goes behind it'

# --- what executables are not ---------------------------------------------------

run "$hotfix" native check pie
exits 0 'native check'
out_has '^patchable: [1-9][0-9]*$' 'counts functions'
out_has '^code-reserve: 65536$' 'tells the reserve'
[ ! -s err ]
ok $? 'and has nothing to say against it' || t_show
if grep -q '\.\(constprop\|isra\|part\)\.' names; then
	run "$hotfix" native check clones
	err_has 'the compiler made clones of [0-9]+ functions' \
		'of another one that its flags let clones be made'
fi
case $HOTFIX_BUILD in
*/asan) ;;
*)
	run "$hotfix" native check "$HOTFIX_BUILD/hotfix"
	exits 0 'native check of one with libraries, which have clones'
	[ ! -s err ]
	ok $? 'that are nobody to say anything of' || t_show
	;;
esac
run "$hotfix" native check pie damage heal
exits 0 'native check of functions that can be replaced'
is "$(grep -c '^result: patchable$' out)" 2 'says so of each'
run "$hotfix" native check --json pie damage
out_has '^\{"path":"pie","function":"damage","result":"patchable"\}$' \
	'in JSON, too'
run "$hotfix" native check pie damage nobody main
exits 1 'native check of one that cannot'
err_has 'nobody: the executable has no such function' 'names it'
err_has 'pie: 1 reason against it$' 'and counts'
is "$(cat out)" '' 'nothing is said of the others'
run "$hotfix" native check none damage
exits 5 'nor of a file that is not there'
# shellcheck disable=SC2086
target mute gcc $gnu -g0
run "$hotfix" native check mute
exits 0 'native check without debug information'
err_has 'inlined somewhere are not all known: it has no debug .*; build with -g, or' \
	'says so, and what to do'
create mute damage=fixed fix.o
made 'a global one need not'
err_has 'damage: nothing tells whether it is inlined .*: it has no debug .*always_inline: then patch the callers' \
	'but is told so, with what to look at'
one_line 'in one line'
create mute damage=fixed heal=fixed fix.o
is "$(grep -c ': nothing tells whether it is inlined' err)" 2 \
	'each for itself' || t_show
create mute game.c:twist=fixed fix.o
refused 'twist: it is static, and nothing tells whether it was inlined' \
	'a static function does'
strip -o bare game
run "$hotfix" native check bare
exits 1 'one without symbols'
err_has 'no symbols: give the file as it was before strip' 'what to do'
is "$(wc -l <err)" 2 'in one line' || t_show
create bare damage=fixed fix.o
refused 'no symbols' 'nor is a patch made for it'
# shellcheck disable=SC2086
{
	compile gcc $gnu -Wl,--build-id=none -o unnamed game.c other.c reserve.c
	run "$hotfix" native check unnamed
	exits 1 'one without a build-id'
	err_has 'no build-id.*-Wl,--build-id=sha1' 'what to do'
	compile gcc $gnu $id -o alone game.c other.c
	run "$hotfix" native check alone
	exits 1 'one without a reserve'
	err_has 'no reserve for patches: link it with libhotfix.a' 'what to do'
	run "$hotfix" native check fix.so
	exits 1 'a shared library'
	run "$hotfix" native check fix.o
	exits 1 'an object'
}
cat >apply.c <<'END'
__attribute__((section("hotfix_native_text"))) int at_work(int a);
int at_work(int a) { return a + 1; }
__attribute__((noipa, patchable_function_entry(5),
	section("hotfix_patchable"))) int marked(int a);
int marked(int a) { return a + 2; }
int main(int argc, char **argv) { (void)argv; return at_work(marked(argc)); }
END
# shellcheck disable=SC2086
compile gcc $gnu $id -o apply apply.c reserve.c
create apply at_work=healed tiny.o
refused 'at_work: it is at work while patches are applied' \
	'the side that applies patches is not patched'
# shellcheck disable=SC2086
compile gcc -O2 $id -o flagless apply.c reserve.c
create flagless marked=healed tiny.o
made 'a function that was marked by itself needs no flags'

# --- aarch64 --------------------------------------------------------------------

cat >arm.c <<'END'
extern char native_reserve_code[], native_reserve_data[];
int rolls;
__attribute__((noinline)) int damage(int a, int b) { return a - b + rolls++; }
__attribute__((noinline)) int heal(int a) { return a + rolls; }
void _start(void);
void _start(void)
{
	rolls = damage(1, 2) + heal(3) + native_reserve_code[rolls] +
		native_reserve_data[rolls];
	for (;;)
		;
}
END
cat >armfix.c <<'END'
extern int rolls;
int heal(int);
static long table[] = {1, 2, 3};
static double half = 0.5;
static const char *const words[] = {"a", "bb"};
short s; char c;
int n;
int fixed(int a, int b)
{
	s++;
	c++;
	n++;
	half *= 2;
	table[a & 1] += (long)half;
	rolls += (int)table[a & 1] + words[b & 1][0];
	return heal(a + b);
}
END
if have clang && have ld.lld; then
	arm='--target=aarch64-linux-gnu'
	# shellcheck disable=SC2086
	{
		compile clang $arm -O2 -fPIC -fsemantic-interposition \
			-fpatchable-function-entry=2 -frecord-command-line \
			-nostdlib -static $id -fuse-ld=lld -o arm arm.c reserve.c
		compile clang $arm $fix -o armfix.o armfix.c
	}
	create arm damage=fixed armfix.o
	made 'aarch64: a patch'
	is "$(field arch out)" aarch64 'is of this arch'
	"$hotfix" native show -v p >rels
	for kind in adrp call26 lo12_0 lo12_1 lo12_2 lo12_3 abs64; do
		grep -q "	$kind	" rels
		ok $? "it has relocations $kind" || note rels
	done
	grep -q '^pad: 8$' rels
	ok $? 'two NOPs at its entry' || note rels
	# shellcheck disable=SC2086
	compile clang $arm $fix -fPIC -o armpic.o armfix.c
	create arm damage=fixed armpic.o
	made 'aarch64: one of position independent code'
	create game damage=fixed armfix.o
	refused 'the object is for aarch64, the executable for x86' \
		'an object for another arch'
	reasons 1 'in one line'
else
	skip 'aarch64: there is no clang with lld'
fi

# --- bad input ------------------------------------------------------------------

echo 'int main' >text
for what in none . text; do
	case $what in text) want=1 ;; *) want=5 ;; esac
	create "$what" damage=fixed fix.o
	exits $want "$what as an executable"
	one_line 'told in one line'
	create game damage=fixed "$what"
	exits $want "$what as an object"
	one_line 'told in one line'
	run "$hotfix" native check "$what"
	exits $want "native check $what"
	one_line 'told in one line'
	run "$hotfix" native show "$what"
	exits $want "native show $what"
	one_line 'told in one line'
done
# bad EXPECTED ARGUMENT...: wrong use, with these words.
bad() {
	want=$1
	shift
	rm -f p
	run "$hotfix" native "$@"
	exits 2 "wrong use: $*"
	err_has "$want" "says: $want"
	[ ! -e p ]
	ok $? 'makes nothing'
}
bad 'create, check or show is needed'
bad 'create, check or show is needed' frobnicate
bad 'no -e EXE' create -o p damage=fixed fix.o
bad 'no -o PATCH' create -e game damage=fixed fix.o
bad 'a patch goes into a file' create -e game -o - damage=fixed fix.o
bad 'OLD=NEW and FIX.o are needed' create -e game -o p fix.o
bad 'operand 1 of create is not OLD=NEW' create -e game -o p damage fix.o
bad 'operand 2 of create is not OLD=NEW' create -e game -o p a=b c= fix.o
bad 'an id has' create -e game -o p --id a/b damage=fixed fix.o
bad 'an id has' create -e game -o p --needs -- damage=fixed fix.o
bad 'at most 16 functions' create -e game -o p a=b a=b a=b a=b a=b a=b a=b a=b \
	a=b a=b a=b a=b a=b a=b a=b a=b a=b fix.o
bad 'check has no such option' check -u game
bad 'check needs one EXE' check
bad 'at most 16 functions' check game a b c d e f g h i j k l m n o p q
bad 'show needs one PATCH' show a b
create game damage=fixed damage=healed fix.o
refused 'damage: it is given twice' 'a function twice'
run "$hotfix" native create -e game -o none/p damage=fixed fix.o
exits 5 'a folder that is not there'
run "$hotfix" native create -e game -o . damage=fixed fix.o
exits 5 'a folder as the patch'
head -c 300 first >half
run "$hotfix" native show half
exits 1 'a patch that is cut off'
err_has '^hotfix: native: half: patch, line [0-9]*: the file ends here$' \
	'told with its line'
finish
