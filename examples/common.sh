# What the demonstrations have in common. Sourced by one that has set $top, the
# top of the tree:
#
#   . "$top/examples/common.sh"
#
# $hotfix is the executable. $dir, an empty folder, is where it works then; when
# it ends, the folder is gone and what is in $pids has ended. Where it fails, the
# ends of the files $logs are shown.
# What is put here is read by the demonstration.
# shellcheck shell=sh disable=SC2034

hotfix=${HOTFIX:-${top:?}/hotfix}
dir=$(mktemp -d "${TMPDIR:-/tmp}/hotfix-demo.XXXXXX")
pids=
logs=

finish() {
	status=$?
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	wait 2>/dev/null || :
	[ $status = 0 ] || {
		echo "--- the demo failed; what was said:"
		# shellcheck disable=SC2086
		tail -n 20 $logs 2>/dev/null || :
	}
	rm -rf "$dir"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$dir" || exit

say() { printf '\n== %s\n' "$*"; }
show() { printf '   $ %s\n' "$*"; }

# until_line PATTERN FILE [FROM]: wait until a line of FILE after line FROM
# matches, print it; 20 s are enough for anything here.
until_line() {
	timeout 20 sh -c '
		while :; do
			line=$(tail -n +"$3" "$2" 2>/dev/null |
				grep -m 1 -e "$1") && break
			sleep 0.05
		done
		printf "   %s\n" "$line"' sh "$1" "$2" "${3:-1}" || {
		echo "demo: no line like '$1' in $2" >&2
		return 1
	}
}
