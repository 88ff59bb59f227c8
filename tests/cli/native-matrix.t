# Fixes for all kinds of programs: static, static-PIE, PIE and not; gcc and
# clang; glibc and musl; the fixes by either compiler at its levels and models.
# Each is created, applied, looked at and taken off. Those of aarch64 run in an
# emulator, where there is one and a compiler.
#
# NATIVE_WIDE=1 goes through all levels with all models; else each level and
# each model comes once.
. "$HOTFIX_TOP/tests/lib.sh"
. "$HOTFIX_TOP/tests/native.sh"

# What the old rules_report answers, and then its fix; $calls counts all of
# them, as the program's own variable does.
old() {
	calls=$((calls + 1))
	echo "call report 2 5: $((21 + calls)) old-2"
}

mended() {
	echo "call report $1: $((${#2} * 3 + calls)) $2"
}

report() {
	old
	echo "apply $1.patch: OK"
	calls=$((calls + 1))
	mended '1 10' 'fire/1/10.375/-2,1,7,10'
	calls=$((calls + 1))
	mended '2 10' "frost/2/10.625/-2,7,10,$((30 + calls))"
	calls=$((calls + 1))
	mended '3 10' 'storm/3/11.875/-2,3,7,10'
	echo "revert $1: OK"
	old
}

# object NAME COMPILER FLAG...: one of fix_report.c, in a folder of its own.
object() {
	mkdir -p "$objects/$1"
	n=$objects/$1
	shift
	(cd "$n" && fix report "$@") && fixes="$fixes ${n##*/}"
}

# Objects of all fixes by these compilers in the folder $objects, the first of
# them makes those that come once; the names of the others in $fixes.
objects() {
	fixes=
	for cc; do
		native_has "$cc" any || continue
		for level in O0 O1 O2 O3 Os; do
			object $cc-$level-PIE $cc -$level -fPIE
			[ -n "${NATIVE_WIDE-}" ] || [ $level = O2 ] || continue
			object $cc-$level-PIC $cc -$level -fPIC
			object $cc-$level-PIC-no-plt $cc -$level -fPIC -fno-plt
		done
	done
	# As they come when somebody does not heed the manual.
	object debug "$1" -O2 -g -fPIE -ffunction-sections -fdata-sections \
		-fvisibility=hidden -fasynchronous-unwind-tables -fcommon
	# shellcheck disable=SC2086
	object program "$1" $native_gcc -fPIE
	object plain "$1" -O2
	mkdir "$objects/nopic"
	(
		cd "$objects" || exit 1
		for f in two small step roll; do
			fix $f "$1" -O2 -fPIE -fcommon
		done
		# A program may reach what is a library's by its table alone.
		fix more "$1" -O1 -fPIC
		cd nopic && fix report "$1" -O2 -fno-pic -fno-pie
	)
}

for kind in $native_kinds $native_aarch64; do
	target "$kind" || {
		skip "$kind: $native_why"
		continue
	}
	case $kind in
	aarch64-*)
		[ "${objects-}" = aarch64 ] || {
			objects=aarch64
			objects aarch64
		}
		;;
	*)
		[ "${objects-}" = here ] || {
			objects=here
			objects gcc clang
		}
		;;
	esac
	calls=0
	made=0
	tried=0
	: >lines
	for f in $fixes; do
		tried=$((tried + 1))
		create "$kind" "$f.patch" rules_report=fix_report \
			"$objects/$f/report.o" || continue
		made=$((made + 1))
		report "$f" >>lines
	done
	is "$made" "$tried" "1 $kind: patches of $tried objects can be made"
	play "$kind" "S3.2 1 2 11 $kind: literals, switch, statics, libc; taken off" <lines

	case $native_machine-$kind in
	aarch64-* | *-aarch64-*) ;; # all its code is position independent
	*-pie)
		refused "$kind" '32 bits.* -fPIE' \
			"1 $kind: an object without -fPIE is refused" \
			rules_report=fix_report "$objects/nopic/report.o"
		;;
	*)
		create "$kind" nopic.patch rules_report=fix_report "$objects/nopic/report.o"
		calls=0
		report nopic >lines
		play "$kind" "1 $kind: an object without -fPIE fits here" <lines
		;;
	esac

	create "$kind" two.patch rules_damage=fix_damage rules_heal=fix_heal \
		"$objects/two.o"
	create "$kind" more.patch rules_damage=fix_damage "$objects/more.o"
	create "$kind" small.patch rules_deep=fix_deep rules_hammer=fix_hammer \
		rules_one=fix_one "$objects/small.o"
	create "$kind" step.patch rules_step=fix_step "$objects/step.o"
	case $kind in
	# Its compiler may change how a static function is called.
	clang-*) roll=rules_roll_a ;;
	*) roll=roll_a.c:roll ;;
	esac
	create "$kind" roll.patch $roll=fix_roll rules_heal=fix_heal "$objects/roll.o"
	play "$kind" "2 3 4 5 10 13 14 17 $kind: two functions, order, statics" <<-END
	keep damage: kept
	call damage 10 4: 14
	call heal 12: 4
	revert two: NOTFOUND
	try two.patch: OK
	call damage 10 4: 14
	apply two.patch: OK
	call damage 10 4: 6
	call damage 4 10: 0
	call heal 12: 206
	same damage: no
	apply two.patch: DUP
	call heal 12: 206
	apply more.patch: OK
	call damage 10 4: 10004
	call heal 12: 206
	revert two: ORDER
	call damage 10 4: 10004
	list: 2
	revert more: OK
	call damage 10 4: 6
	revert two: OK
	call damage 10 4: 14
	call heal 12: 4
	same damage: yes
	revert two: NOTFOUND
	list: 0
	call three: 3
	call deep 4: 5
	deepapply 4 small.patch: OK 5
	call deep 4: 5000
	call three: 6
	call hammer 10: 52
	revert small: OK
	call three: 3
	call walk 3 1: 4051
	apply step.patch: OK
	call walk 3 1: 7051
	revert step: OK
	call walk 3 1: 4051
	call roll_b 1: 103
	apply roll.patch: OK
	call roll_a 1: 1001
	call heal 5: 7
	call roll_b 1: 5303
	revert roll: OK
	call roll_a 1: 102
	END
	grep -q '^more: 10 4$' err
	ok $? "1 $kind: a variable of libc" || note err
done
finish
