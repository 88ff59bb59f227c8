#!/bin/sh
# Run one test, a TAP program or script, or a benchmark's script, in a scratch
# folder of its own that is gone afterwards (KEEP=1 keeps it and says where).
#
#   usage: run.sh TEST
#
# The test sees HOTFIX (the executable), HOTFIX_BUILD (the build folder),
# HOTFIX_TOP (the source folder); its working directory is the scratch folder.
set -u
case $1 in
/*) t=$1 ;;
*) t=$PWD/$1 ;;
esac
HOTFIX_TOP=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hotfix-test.XXXXXX") || exit 1
export HOTFIX_TOP
# Whatever the caller exports must not change a result.
unset HOTFIX_KEY HOTFIX_FTP_PASSWORD
export LC_ALL=C TZ=UTC0 HOME="$scratch"
cd "$scratch" || exit 1
case $t in
*.t | *.sh) sh "$t" ;;
*) "$t" ;;
esac
status=$?
if [ -n "${KEEP:-}" ]; then
	echo "# kept: $scratch"
else
	rm -rf "$scratch"
fi
exit $status
