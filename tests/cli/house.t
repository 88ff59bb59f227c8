# What the executable and the library are: one static file that any machine
# runs, small, without globals.

. "$HOTFIX_TOP/tests/lib.sh"

case $HOTFIX_BUILD in
*/musl)
	file "$hotfix" | grep -q 'static-pie linked'
	ok $? 'the executable is static-PIE'
	! readelf -lW "$hotfix" | grep -q INTERP
	ok $? 'it asks for no interpreter'
	! readelf -dW "$hotfix" | grep -q NEEDED
	ok $? 'it needs no shared library'
	readelf -lW "$hotfix" | grep -q 'GNU_STACK.* RW '
	ok $? 'its stack is not executable'
	readelf -nW "$hotfix" | grep -q 'Build ID'
	ok $? 'it has a build-id'
	strip -o stripped "$hotfix"
	size=$(wc -c <stripped)
	# It is a file to be copied over any line. Rehearsal, hot swap, the
	# linker of native patches and their reserve (64 KiB) are in it.
	[ "$size" -lt 1572864 ]
	ok $? "stripped it has $size bytes, less than 1.5 MB"
	;;
*)
	skip 'how it is linked is asked of the musl build'
	;;
esac

# Several hosts and clients live in one process: nothing of ours is global. But
# for what is the process's own: its code, of which there is one, the threads
# that a signal halts, and the room for patches.
objdump -t "$HOTFIX_BUILD/libhotfix.a" |
	awk '/^[a-z_0-9-]+\.o:/ { file = $1 }
		/ \.(data|bss)|\*COM\*/ && !/ \.data\.rel\.ro/ && $NF !~ /^\./ {
			print file, $0 }' |
	grep -vE -e '^(apply\.o: .* native|park\.o: .* park)$' \
		-e '^reserve\.o: .* native_reserve_data$' >globals
case $HOTFIX_BUILD in
*/asan) skip 'sanitizers add globals of their own' ;;
*)
	[ ! -s globals ]
	ok $? 'the library has no mutable globals' || note globals
	;;
esac

# Of two functions of one name the linker takes the one that it meets first, and
# says nothing when the other one is in the archive.
nm -g --defined-only "$HOTFIX_BUILD/libhotfix.a" "$HOTFIX_BUILD/hotfix.o" \
	"$HOTFIX_BUILD"/cmd/*.o |
	awk 'NF == 3 && $2 ~ /[A-U]/ && $3 !~ /^_/ { print $3 }' |
	sort | uniq -d >twice
[ ! -s twice ]
ok $? 'no name is that of two functions' || note twice

run "$hotfix" --version
exits 0 '--version is answered'
out_has '^hotfix [0-9]' 'with the version'
finish
