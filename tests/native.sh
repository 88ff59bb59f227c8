# Programs to be patched while they run, for command-line tests. Sourced after
# tests/lib.sh:
#
#   . "$HOTFIX_TOP/tests/lib.sh"
#   . "$HOTFIX_TOP/tests/native.sh"
#   target gcc-glibc-pie || { skip "$native_why"; finish; }
#   fix two gcc -O2 -fPIE
#   create gcc-glibc-pie two.patch rules_damage=fix_damage two.o
#   play gcc-glibc-pie 'the fix is in force' <<-END
#   apply two.patch: OK
#   call damage 10 4: 6
#   END
#
# A compiler or a libc may lack, so every test says what it passes over, and
# why. Nothing here depends on how the executable under test was built.
# What is put here is read by the test.
# shellcheck shell=sh disable=SC2034

native_dir=$HOTFIX_TOP/tests/native

# All targets that a machine may have: COMPILER-LIBC-LINK. And those of
# another machine, which an emulator runs.
native_kinds='gcc-glibc-static gcc-glibc-static-pie gcc-glibc-pie gcc-glibc-nopie
gcc-musl-static gcc-musl-static-pie gcc-musl-pie
clang-glibc-static clang-glibc-static-pie clang-glibc-pie clang-musl-static-pie'
native_aarch64='aarch64-glibc-static aarch64-glibc-static-pie'

native_machine=$(gcc -dumpmachine 2>/dev/null | cut -d- -f1)
native_entry=5
[ "$native_machine" = x86_64 ] || native_entry=2

# What the manual tells to build with.
native_gcc="-O2 -g -fpatchable-function-entry=$native_entry
-flive-patching=inline-only-static -fno-lto -frecord-gcc-switches"
native_clang="-O2 -g -fpatchable-function-entry=$native_entry -fPIC
-fsemantic-interposition -frecord-command-line"
native_fix='-mcmodel=small -fno-lto -fno-stack-protector -U_FORTIFY_SOURCE
-fno-asynchronous-unwind-tables'

native_ldflags= # more for the linker
native_start=OK # what a target says first

# Many patches come and go in one process here.
native_reserve=1048576

native_musl=/usr/lib/$native_machine-linux-musl
native_musl_inc=/usr/include/${native_musl##*/}

# What is called for a compiler's name.
native_driver() {
	case $1 in
	aarch64) echo aarch64-linux-gnu-gcc ;;
	*) echo "$1" ;;
	esac
}

# native_has COMPILER LIBC: or $native_why.
native_has() {
	n_cc=$(native_driver "$1")
	command -v "$n_cc" >/dev/null || {
		native_why="no $n_cc here"
		return 1
	}
	if [ "$1" = aarch64 ]; then
		native_why='no qemu-aarch64 here (qemu-user)'
		native_emulator=$(command -v qemu-aarch64 ||
			command -v qemu-aarch64-static)
		return
	fi
	case $2 in
	musl)
		native_why='no musl here (musl-tools)'
		command -v musl-gcc >/dev/null && [ -e "$native_musl/rcrt1.o" ]
		;;
	glibc)
		native_why='no static glibc here (libc6-dev)'
		[ -e "$(gcc -print-file-name=libc.a)" ]
		;;
	esac
}

# native_cc COMPILER LIBC ARG...: compile.
native_cc() {
	n_cc=$1
	n_libc=$2
	shift 2
	case $n_cc-$n_libc in
	gcc-musl) set -- musl-gcc "$@" ;;
	clang-musl)
		# Its own headers (stdatomic.h) come behind musl's.
		set -- clang -nostdlibinc -isystem "$native_musl_inc" "$@"
		;;
	*) set -- "$(native_driver "$n_cc")" "$@" ;;
	esac
	"$@"
}

# native_link KIND OUT FILE...: into an executable.
native_link() {
	n_kind=$1
	n_out=$2
	n_cc=$(native_driver "${n_kind%%-*}")
	shift 2
	# shellcheck disable=SC2086
	set -- -Wl,--build-id=sha1 $native_ldflags -o "$n_out" "$@" -pthread
	case $n_kind in
	*-musl-static-pie)
		n_files=
		for n_f in crtbeginS.o libgcc.a libgcc_eh.a crtendS.o; do
			n_files="$n_files $(gcc -print-file-name=$n_f)"
		done
		# shellcheck disable=SC2086
		set -- $n_files "$@"
		n_begin=$1 n_gcc=$2 n_eh=$3 n_end=$4
		shift 4
		gcc -static-pie -nostdlib "$native_musl/rcrt1.o" \
			"$native_musl/crti.o" "$n_begin" "$@" \
			-L"$native_musl" -lc "$n_gcc" "$n_eh" -lc "$n_end" \
			"$native_musl/crtn.o"
		;;
	*-musl-static) musl-gcc -static -no-pie "$@" ;;
	*-musl-pie) musl-gcc -pie "$@" ;;
	clang-glibc-pie) clang -pie -fuse-ld=lld "$@" ;;
	clang-*-static) "$n_cc" -static "$@" ;;
	*-static) "$n_cc" -static -no-pie "$@" ;;
	*-static-pie) "$n_cc" -static-pie "$@" ;;
	*-nopie) "$n_cc" -no-pie "$@" ;;
	*) "$n_cc" -pie "$@" ;;
	esac
}

# The library's part that a patched program has in it, as $native_archive.
native_library() {
	case $1-$2 in
	aarch64-*) n_cc=$(native_driver aarch64) ;;
	*-musl) n_cc=musl-gcc ;;
	*) n_cc=gcc ;;
	esac
	native_archive=apply-$n_cc.a
	[ ! -e "$native_archive" ] || return 0
	mkdir -p "$native_archive.d"
	(
		cd "$native_archive.d" || exit 1
		n_all=
		for n_f in "$HOTFIX_TOP"/native/*.c "$HOTFIX_TOP"/base/*.c \
			"$HOTFIX_TOP"/crypto/sha512*.c \
			"$HOTFIX_TOP"/crypto/wipe.c; do
			case $n_f in
			*/native/link*.c | */native/reloc*.c | */native/elf*.c | \
				*/native/dwarf*.c) continue ;;
			esac
			n_all="$n_all $n_f"
		done
		# Two at a time: one compiles one half of them.
		# shellcheck disable=SC2086
		printf '%s\n' $n_all | xargs -P 2 -n 8 sh -c '
			cc=$1
			shift
			"$cc" -std=c99 -D_POSIX_C_SOURCE=200809L -O1 -fPIE \
				-I"$HOTFIX_TOP" -c "$@" \
				-DHOTFIX_NATIVE_RESERVE='"$native_reserve"'
			' sh "$n_cc"
	) || return 1
	ar rcs "$native_archive" "$native_archive.d"/*.o
}

# target KIND [NAME [FLAG...]]: the executable NAME (KIND), built as the
# manual says; with FLAGs after those. 1 with $native_why when that cannot be
# here.
target() {
	n_kind=$1
	n_name=${2:-$1}
	[ $# -lt 2 ] || shift
	shift
	n_c=${n_kind%%-*}
	n_l=${n_kind#*-}
	n_l=${n_l%%-*}
	native_has "$n_c" "$n_l" || return 1
	native_why="$n_name does not build"
	native_library "$n_c" "$n_l" || return 1
	case $n_kind in
	clang-*) n_flags=$native_clang ;;
	aarch64-*)
		# One instruction is a jump.
		n_flags="$native_gcc -fpatchable-function-entry=2 -fPIE"
		;;
	*-pie) n_flags="$native_gcc -fPIE" ;;
	*) n_flags="$native_gcc -fno-pie" ;;
	esac
	mkdir -p "$n_name.d"
	(
		cd "$n_name.d" || exit 1
		# shellcheck disable=SC2086
		native_cc "$n_c" "$n_l" -std=c99 -D_POSIX_C_SOURCE=200809L \
			-I"$HOTFIX_TOP" $n_flags "$@" -c "$native_dir/target.c" \
			"$native_dir/rules.c" "$native_dir/near.c" \
			"$native_dir/entry.c" "$native_dir/roll_a.c" \
			"$native_dir/roll_b.c" &&
			native_link "$n_kind" "../$n_name" ./*.o "../$native_archive"
	) || return 1
}

# fix NAME COMPILER FLAG...: fix_NAME.c as NAME.o.
fix() {
	n_fix=$1
	n_c=$2
	shift 2
	# shellcheck disable=SC2086
	"$(native_driver "$n_c")" -std=c99 -D_POSIX_C_SOURCE=200809L -I"$HOTFIX_TOP" $native_fix \
		"$@" -c -o "$n_fix.o" "$native_dir/fix_$n_fix.c"
}

# create TARGET PATCH ARG...: a patch that is to be made; 1 with its reasons
# shown when it is not.
create() {
	n_target=$1
	n_patch=$2
	shift 2
	n_id=${n_patch##*/}
	rm -f "$n_patch"
	run "$hotfix" native create -e "$n_target" -o "$n_patch" \
		--id "${n_id%.patch}" "$@"
	[ "$status" -eq 0 ] || {
		t_show
		return 1
	}
}

# refused TARGET REGEX NAME ARG...: no patch can be made, a line says why, and
# there is no file.
refused() {
	n_target=$1
	n_regex=$2
	n_what=$3
	shift 3
	rm -f no.patch
	run "$hotfix" native create -e "$n_target" -o no.patch "$@"
	n_r=1
	[ "$status" -ne 1 ] || [ -e no.patch ] ||
		! grep -Eq -e "$n_regex" err || n_r=0
	ok $n_r "$n_what" || t_show
}

# play TARGET NAME [ARG...]: standard input is what is to come out, lines of
# "COMMAND: ANSWER"; the commands are what is typed. What the target said for
# people is in the file err.
play() {
	n_target=$1
	n_what=$2
	shift 2
	{
		echo "start: $native_start"
		cat
	} >want
	# A target that hangs is ended, and has no line for that.
	n_run=
	case $n_target in
	aarch64-*) n_run=$native_emulator ;;
	esac
	# shellcheck disable=SC2086
	sed '1d; s/: .*//; s/:$//' want |
		timeout "$deadline" $n_run "./$n_target" "$@" >got 2>err
	n_status=$?
	n_r=0
	[ $n_status -eq 0 ] && cmp -s got want || n_r=1
	ok $n_r "$n_what" || {
		echo "# status $n_status"
		diff want got | sed 's/^/# /'
		note err
	}
}
