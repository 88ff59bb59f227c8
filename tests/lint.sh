#!/bin/sh
# What a reviewer should not have to look for: layers, format, static
# analysis, manual pages, shell scripts. Says what is wrong, exits 1 then.
#
#   usage: lint.sh      (from the top of the tree; the tools that are missing
#                        are named and passed over, unless CI is set)
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0

fail() {
	bad=1
	printf 'lint: %s\n' "$*" >&2
}

have() {
	command -v "$1" >/dev/null && return 0
	[ -z "${CI-}" ] || fail "$1 is missing"
	printf 'lint: no %s here, passed over\n' "$1" >&2
	return 1
}

# --- layers: a file includes from its own folder and from those below -------

below() {
	case $1 in
	base) echo 'base' ;;
	crypto) echo 'crypto base' ;;
	net) echo 'net base' ;;
	update) echo 'update net crypto base' ;;
	pack) echo 'pack net crypto base' ;;
	native) echo 'native crypto base' ;;
	peer) echo 'peer update pack native net crypto base' ;;
	lua-host) echo 'lua-host peer update pack native net crypto base' ;;
	cmd) echo 'cmd lua-host peer update pack native net crypto base' ;;
	esac
}

for dir in base crypto net update pack native peer lua-host cmd; do
	for f in "$dir"/*.[ch]; do
		[ -e "$f" ] || continue
		sed -n 's/^#include "\(.*\)".*/\1/p' "$f" | while read -r inc; do
			from=${inc%%/*}
			case " $(below "$dir") " in
			*" $from "*) ;;
			*) echo "$f: includes $inc" ;;
			esac
		done
	done
done >build/lint.layers 2>&1
[ ! -s build/lint.layers ] || fail "layers: $(cat build/lint.layers)"

# Only lua-host knows Lua; only cmd and hotfix.c print; only they exit.
hits=$(grep -nE '^#include <(lua|lauxlib|lualib|l[a-z]+)\.h>' \
	base/*.[ch] crypto/*.[ch] net/*.[ch] update/*.[ch] pack/*.[ch] native/*.[ch] \
	peer/*.[ch] cmd/*.[ch] |
	grep -vE '<(limits|locale|langinfo|link|libgen)\.h>')
[ -z "$hits" ] || fail "Lua outside of lua-host: $hits"
# One line may: the log of a host or client whose user takes none.
hits=$(grep -nE -e '(^|[^_a-z.>])(printf|puts|putchar|perror|exit|abort) ?\(' \
	-e '(^|[^_a-z])(stdout|stderr)([^_a-z]|$)' \
	base/*.[ch] crypto/*.[ch] net/*.[ch] update/*.[ch] pack/*.[ch] native/*.[ch] \
	peer/*.[ch] lua-host/*.[ch] |
	grep -vE '^lua-host/wire\.c:[0-9]+:.*fprintf\(stderr, "%s\\n", line\);')
[ -z "$hits" ] || fail "prints or exits below cmd: $hits"

# --- format, analysis, pages, scripts ----------------------------------------

c_files=$(git ls-files '*.c' '*.h')
if have clang-format; then
	# shellcheck disable=SC2086
	clang-format --dry-run -Werror $c_files 2>build/lint.format ||
		fail "format: $(grep -c warning build/lint.format) places," \
			"$(head -n 1 build/lint.format); run make fmt"
fi
if have cppcheck; then
	# shellcheck disable=SC2046
	cppcheck -q --std=c99 --error-exitcode=1 --inline-suppr \
		--enable=warning,portability --suppress=missingIncludeSystem \
		-I. -Ibuild/lua -D__x86_64__ --suppress='*:build/lua/*' \
		$(git ls-files '*.c' | grep -v ^tests/) 2>build/lint.cppcheck ||
		fail "cppcheck: $(cat build/lint.cppcheck)"
fi
if have mandoc; then
	for page in man/*.[0-9]; do
		[ -e "$page" ] || continue
		out=$(mandoc -Tlint -Wwarning "$page" 2>&1)
		[ -z "$out" ] || fail "$out"
	done
fi
if have shellcheck; then
	# shellcheck disable=SC2046
	shellcheck -S warning $(git ls-files '*.sh' .ci/run) ||
		fail 'shellcheck'
	# Tests use what tests/lib.sh sets, and set what it reads.
	# shellcheck disable=SC2046
	shellcheck -S warning -s sh -e SC2034,SC2154 $(git ls-files '*.t') ||
		fail 'shellcheck'
fi

# --- words that a stranger cannot make sense of -----------------------------

hits=$(git grep -nIE '\b(TO''DO|FIX''ME|XX''X)\b' -- . ':!tests/lint.sh')
[ -z "$hits" ] || fail "unfinished marks: $hits"
hits=$(git grep -nI '[[:blank:]]$' -- '*.c' '*.h' '*.sh' '*.t' '*.lua' Makefile)
[ -z "$hits" ] || fail "blanks at a line's end: $hits"

[ $bad = 0 ] && echo 'lint: clean'
exit $bad
