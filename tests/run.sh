#!/bin/sh
# Run one test, a TAP program or script, or a benchmark's script, in a scratch
# folder of its own that is gone afterwards (KEEP=1 keeps it and says where).
#
#   usage: run.sh TEST
#
# The test sees HOTFIX (the executable), HOTFIX_BUILD (the build folder),
# HOTFIX_TOP (the source folder); its working directory is the scratch folder.
#
# With HOTFIX_LOG, a folder: what the test says (standard error too) is kept
# there as TEST.log and comes on standard output when it has ended. If the test
# failed, standard error tells why (tests/why.awk).
set -u
case $1 in
/*) t=$1 ;;
*) t=$PWD/$1 ;;
esac
HOTFIX_TOP=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hotfix-test.XXXXXX") || exit 1
logs=${HOTFIX_LOG:-}
export HOTFIX_TOP
# Whatever the caller exports must not change a result.
unset HOTFIX_KEY HOTFIX_FTP_PASSWORD HOTFIX_LOG
export LC_ALL=C TZ=UTC0 HOME="$scratch"
cd "$scratch" || exit 1
run() {
	case $t in
	*.t | *.sh) sh "$t" ;;
	*) "$t" ;;
	esac
}
if [ -z "$logs" ]; then
	run
	status=$?
else
	# Under a name that is nobody else's: a test may run twice at a time.
	said=$scratch.log
	run >"$said" 2>&1
	status=$?
	cat "$said"
	kept=$logs/${t##*/}.log
	awk -v test="$1" -v status="$status" -v kept="$kept" \
		-f "$HOTFIX_TOP/tests/why.awk" "$said" >&2
	mv "$said" "$kept"
fi
if [ -n "${KEEP:-}" ]; then
	echo "# kept: $scratch"
else
	rm -rf "$scratch"
fi
exit $status
