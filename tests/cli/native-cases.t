# Native patches, case by case: what is refused and leaves everything as it
# was, entries of all kinds, threads, and the ways to write.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/native.sh"

# The executable's own libc; any other where that one lacks.
kind=gcc-musl-static-pie
target $kind || {
	kind=gcc-glibc-static-pie
	target $kind || {
		skip "$native_why"
		finish
	}
}
fix two gcc -O2 -fPIE
fix small gcc -O2 -fPIE
create $kind two.patch rules_damage=fix_damage rules_heal=fix_heal two.o
create $kind small.patch rules_deep=fix_deep rules_hammer=fix_hammer small.o
run "$hotfix" native check $kind
exits 0 'the target may be patched'
run "$hotfix" native show two.patch
exits 0 'what is in a patch is shown'

# --- 6: another build ---------------------------------------------------------

target $kind other -DOTHER
play other '6 another build is refused, and nothing changed' <<-END
try two.patch: BUILD
apply two.patch: BUILD
call damage 10 4: 14
call heal 12: 4
list: 0
END

# --- 7: broken files ----------------------------------------------------------

# Its head's digest anew, so that what was changed is judged for itself.
rehead() {
	n=$(grep -an '^head-sha512 ' "$1" | head -n 1 | cut -d : -f 1)
	sum=$(head -n $((n - 1)) "$1" | sha512sum | cut -d ' ' -f 1)
	{
		head -n $((n - 1)) "$1"
		echo "head-sha512 $sum"
		tail -n +$((n + 1)) "$1"
	} >"$1.new"
	mv "$1.new" "$1"
}

size=$(wc -c <two.patch)
last=$(tail -c 1 two.patch | od -An -tu1 | tr -d ' ')
cp two.patch same.patch
rehead same.patch
cmp two.patch same.patch
ok $? '7 (the test makes digests as create does)'
{
	head -c $((size - 1)) two.patch
	printf "\\$(printf %o $(((last + 1) % 256)))"
} >flipped.patch
head -c $((size - 1)) two.patch >cut.patch
head -c 100 two.patch >short.patch
: >empty.patch
{
	cat two.patch
	echo
} >longer.patch
sed 's/^module main/&\ncolour red/' two.patch >line.patch
sed '0,/ rel32 / s// rel33 /' two.patch >kind.patch
sed 's/^HOTFIX-NATIVE 1/HOTFIX-NATIVE 2/' two.patch >version.patch
create $kind far.patch rules_damage=fix_damage two.o
sed -i 's/\( off\| site\) [0-9a-f]*/\1 7fffffff000/g' far.patch
sed 's/^id two/id twp/' two.patch >head.patch
for f in line kind version far; do
	rehead $f.patch
done
for f in flipped cut short empty longer line kind version head; do
	cmp -s two.patch $f.patch && ok 1 "7 (the test changes $f.patch)"
	echo "apply $f.patch: FORMAT" >>broken
done
echo 'apply far.patch: MODULE' >>broken
echo 'call damage 10 4: 14' >>broken
echo 'list: 0' >>broken
play $kind '7 a flipped byte, a cut file, more bytes, unknown words' <broken
grep -q 'kind.patch: .*rel33' err && grep -q 'line.patch: .*colour' err
ok $? '7 what is unknown is named' || note err

# --- 8, 9: what cannot be made into a patch -----------------------------------

cat >many.c <<'END'
int none_a(int), none_b(int), none_c(int);
int fix_heal(int power) { return none_a(power) + none_b(power) + none_c(power); }
END
gcc -O2 -fPIE -c many.c
refused $kind none_a '8 symbols that the program lacks' rules_heal=fix_heal many.o
err_has none_b '8 are all named'
err_has none_c '8 in one run'

# bad NAME REGEX FLAG...: standard input is a fix that is refused.
bad() {
	n=$1
	regex=$2
	shift 2
	cat >"$n.c"
	gcc -O2 -fPIE "$@" -c "$n.c"
	refused $kind "$regex" "9 refused: $n" rules_heal=fix_heal "$n.o"
}
bad tls 'thread' <<-END
static __thread int here;
int fix_heal(int power) { here += power; return here; }
END
bad constructor 'constructor' <<-END
static int ready;
__attribute__((constructor)) static void get_ready(void) { ready = 1; }
int fix_heal(int power) { return power * ready; }
END
bad cplusplus 'C\+\+' <<-END
int plus(int) __asm__("_Z4plusi");
int plus(int x) { return x + 1; }
int fix_heal(int power) { return plus(power); }
END
bad lto 'lto' -flto <<-END
int fix_heal(int power) { return power + 1; }
END
bad large 'mcmodel' -mcmodel=large -fPIC <<-END
static int count;
extern int report_calls;
int fix_heal(int power) { report_calls++; return power + ++count; }
END
bad forked 'extern' <<-END
int (*rules_again)(int, void (*)(void));
int fix_heal(int power) { return power + (rules_again != 0); }
END

# --- 10: names ----------------------------------------------------------------

refused $kind 'roll_a\.c' '10 a name that two statics have' roll=fix_damage two.o
err_has 'roll_b\.c' '10 both are named'
refused $kind 'rules_heel' '10 a name that nobody has' rules_heel=fix_damage two.o
refused $kind 'fix_heel' '10 a new name that nobody has' rules_heal=fix_heel two.o
off=$(sed -n 's/^func rules_damage off \([^ ]*\) .*/\1/p' two.patch)
mkdir named offset
create $kind named/x.patch rules_damage=fix_damage two.o
create $kind offset/x.patch "+0x$off=fix_damage" two.o
cmp named/x.patch offset/x.patch
ok $? '10 S3.3 an offset is the function that begins there'
cat >ambiguous.c <<'END'
extern int rolls;
int fix_heal(int power) { return power + rolls; }
END
gcc -O2 -fPIE -c ambiguous.c
refused $kind 'roll_a\.c' '10 a variable that two files have' \
	rules_heal=fix_heal ambiguous.o

# --- 12 to 14: what compilers do without the flags ----------------------------

keep_gcc=$native_gcc
native_gcc="-O2 -g -fpatchable-function-entry=$native_entry -frecord-gcc-switches"
if target gcc-glibc-pie clones; then
	for f in prop members rules_parted; do
		refused clones "$f\\.(constprop|isra|part)" \
			"12 refused: copies or parts of $f" $f=fix_heal two.o
	done
	refused clones 'flive-patching' '12 the flag that prevents them is named' \
		rules_heal=fix_heal two.o
else
	skip "12 $native_why"
fi
native_gcc='-O2 -g'
fix step gcc -O2 -fPIE
if target gcc-glibc-pie plain; then
	refused plain 'fpatchable-function-entry' \
		'13 a caller that knows the registers: refused without the flags' \
		rules_step=fix_step step.o
else
	skip "13 $native_why"
fi
native_gcc=$keep_gcc
keep_clang=$native_clang
native_clang="-O2 -g -fPIC -fpatchable-function-entry=$native_entry
-frecord-command-line"
if target clang-glibc-pie believes; then
	play believes '14 (a caller that believes the body)' <<-END
	call three: 3
	END
	refused believes 'fsemantic-interposition' \
		'14 clang, a constant: refused without the flag' \
		rules_one=fix_one small.o
else
	skip "14 $native_why"
fi
native_clang="$keep_clang -ffunction-sections"
native_ldflags=-Wl,--icf=all
if target clang-glibc-pie folded; then
	refused folded 'rules_same_b' '12 two functions of one address' \
		rules_same_a=fix_heal two.o
else
	skip "12 $native_why"
fi
native_clang=$keep_clang
native_ldflags=

# Marked functions of a program that is built without the flags.
native_gcc='-O2 -g'
native_clang='-O2 -g'
for k in gcc-glibc-pie clang-glibc-pie; do
	target $k marked-$k -DRULES_MARKED || {
		skip "13 14 $native_why"
		continue
	}
	create marked-$k marked.patch rules_damage=fix_damage two.o
	create marked-$k one.patch rules_one=fix_one small.o
	create marked-$k step.patch rules_step=fix_step step.o
	play marked-$k "13 14 $k: functions that are marked, no flags" <<-END
	call damage 10 4: 14
	apply marked.patch: OK
	call damage 10 4: 6
	call three: 3
	apply one.patch: OK
	call three: 6
	revert one: OK
	call three: 3
	call walk 3 1: 4051
	apply step.patch: OK
	call walk 3 1: 7051
	END
	refused marked-$k 'rules_heal' "13 14 $k: one that is not marked" \
		rules_heal=fix_heal two.o
done
native_gcc=$keep_gcc
native_clang=$keep_clang

# --- 15, 16: entries ----------------------------------------------------------

case $native_machine in
x86_64)
	refused $kind 'rules_short' '15 no room at the entry: refused' \
		rules_short=fix_short small.o
	refused $kind 'rules_tight' '15 too short, the next one behind' \
		-u rules_tight=fix_short small.o
	refused $kind 'rules_loop' '15 a jump into the first bytes' \
		-u rules_loop=fix_short small.o
	create $kind short.patch -u rules_short=fix_short rules_long=fix_long \
		small.o
	play $kind '15 -u: a short function with padding, a long one' <<-END
	keep short: kept
	call short 4: 8
	call long 4: 31
	apply short.patch: OK
	call short 4: 400
	call long 4: 40
	revert short: OK
	same short: yes
	call short 4: 8
	call long 4: 31
	END
	for cc in gcc clang; do
		target $cc-glibc-pie cet-$cc -fcf-protection=full || {
			skip "16 $native_why"
			continue
		}
		create cet-$cc cet.patch rules_damage=fix_damage two.o
		entry=$(sed -n 's/^func .* off \([^ ]*\) .*/\1/p' cet.patch)
		site=$(sed -n 's/^func .* site \([^ ]*\) .*/\1/p' cet.patch)
		is $((0x$site - 0x$entry)) 4 "16 $cc: the jump comes behind endbr64"
		play cet-$cc "16 $cc: endbr64 stays" <<-END
		bytes damage 4: f30f1efa
		call damage 10 4: 14
		apply cet.patch: OK
		bytes damage 5: f30f1efae9
		call damage 10 4: 6
		revert cet: OK
		call damage 10 4: 14
		END
	done
	;;
*)
	skip '15 16 entries of x86-64'
	;;
esac

# --- 18: threads --------------------------------------------------------------

# flips KIND FUNCTION NAME [ARG...]: over and over while four threads call it.
# They rest now and then, or on a machine with more to do a halt waits for
# their turn; and they do not for some flips (all with NATIVE_WIDE=1).
flips() {
	k=$1
	f=$2
	what=$3
	shift 3
	create "$k" "$f.patch" "$@" "rules_$f=fix_$f" small.o
	busy=30
	[ -z "${NATIVE_WIDE-}" ] || busy=500
	deadline=300
	play "$k" "18 $what: four threads, 500 flips, no wrong result" <<-END
	flips $f $f.patch 500 naps: OK done 500 old seen mended seen bad 0
	flips $f $f.patch $busy: OK done $busy old seen mended seen bad 0
	END
	deadline=20
	grep '^flips' err | sed 's/^/# /'
}

flips $kind hammer 'musl, room at the entry'
case $native_machine in
x86_64) flips $kind long 'a real prologue' -u ;;
*) skip '18 entries of x86-64' ;;
esac
for k in clang-glibc-pie gcc-glibc-static; do
	if target $k; then
		flips $k hammer $k
	else
		skip "18 $native_why"
	fi
done

# --- 19: a thread that does not hear ------------------------------------------

play $kind '19 a thread that blocks signals: busy, unchanged; then it works' <<-END
block: done
slow two.patch: BUSY in about 1 s
call damage 10 4: 14
list: 0
unblock: done
apply two.patch: OK
call damage 10 4: 6
END

# --- 20: how it is written ----------------------------------------------------

works() {
	play $kind "20 written by $1" -m "$1" $2 <<-END
	call damage 10 4: 14
	apply two.patch: OK
	call damage 10 4: 6
	revert two: OK
	call damage 10 4: 14
	END
}
works proc
works swap
works rwx -a
native_start=PERM
play $kind '20 mprotect only, and not allowed: unchanged' -m rwx <<-END
apply two.patch: PERM
call damage 10 4: 14
END
native_start=OK
echo | "./$kind" -x >out 2>/dev/null
if grep -q 'no MDWE' out; then
	skip '20 no PR_SET_MDWE here'
else
	works proc -x
	works swap -x
	native_start=PERM
	play $kind '20 mprotect only, which MDWE forbids: unchanged' \
		-x -a -m rwx <<-END
	apply two.patch: PERM
	call damage 10 4: 14
	END
	native_start=OK
fi

# --- and ------------------------------------------------------------------------

case $native_machine in
x86_64)
	play $kind 'a breakpoint of somebody else: refused, and it stays' <<-END
	poke damage cc: 90
	apply two.patch: MISMATCH
	bytes damage 1: cc
	poke damage 90: cc
	apply two.patch: OK
	call damage 10 4: 6
	END
	;;
*) skip 'a breakpoint of x86-64' ;;
esac
play $kind 'a full reserve: no more, and what is there stays' <<-END
exhaust two.patch: SPACE after some
call damage 10 4: 6
revert x1: ORDER
END
finish
