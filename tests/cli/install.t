# make install: the executable, the manual, and what a program needs that has
# the library in it. What was built is installed; nothing is built here.
. "$HOTFIX_TOP/tests/lib.sh"

libc=${HOTFIX_BUILD##*/}
in_house() {
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$HOTFIX_TOP" LIBC="$libc" \
		-o hotfix -o "build/$libc/hotfix" \
		-o "build/$libc/libhotfix.a" DESTDIR="$PWD/x" PREFIX=/usr "$@"
}

run in_house install
exits 0 'make install'
run x/usr/bin/hotfix --version
exits 0 'the executable runs'
cmp -s "$HOTFIX_BUILD/libhotfix.a" x/usr/lib/libhotfix.a
ok $? 'the library is the one of this libc'
missing=0
for page in "$HOTFIX_TOP"/man/*.[0-9]; do
	cmp -s "$page" "x/usr/share/man/man${page##*.}/${page##*/}" || {
		missing=$((missing + 1))
		echo "# not there: $page"
	}
done
is "$missing" 0 'and all pages of the manual'

cat >program.c <<'END'
#include <stdio.h>

#include <lua-host/hotfix.h>

int
main(void)
{
	struct hotfix_native_report r;

	(void)hotfix_native_init(NULL, &r);
	puts(r.text);
	return 0;
}
END
build() {
	"$@" -Ix/usr/include -pthread -Wl,--build-id=sha1 -o program \
		program.c -Lx/usr/lib -lhotfix -lm
}
case $libc in
musl) run build musl-gcc -static ;;
glibc) run build gcc ;;
*) skip 'sanitized code is linked with more than the manual says' ;;
esac
case $libc in
musl | glibc)
	exits 0 'a program is built from what is installed'
	run ./program
	out_has '^patchable: yes ' 'and can be patched'
	;;
esac

run in_house uninstall
exits 0 'make uninstall'
is "$(find x -type f)" '' 'nothing is left'
finish
