#!/bin/sh
# Benchmarks, one after the other, and the tables of all in the end. Each
# runs in a scratch folder of its own, in memory where there is /dev/shm.
#
#   usage: run.sh NAME...        (by make bench, which sets HOTFIX and
#                                HOTFIX_BUILD)
set -u
HOTFIX_TOP=$(cd "$(dirname "$0")/../.." && pwd)
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
	TMPDIR=/dev/shm
fi
BENCH_TABLE=$(mktemp "${TMPDIR:-/tmp}/hotfix-bench.XXXXXX") || exit 1
export HOTFIX_TOP BENCH_TABLE TMPDIR
trap 'rm -f "$BENCH_TABLE"' EXIT
trap 'exit 1' INT TERM HUP

bad=0
for name in "$@"; do
	echo "== $name"
	script=$HOTFIX_TOP/tests/bench/$name.sh
	if [ -e "$script" ]; then
		sh "$HOTFIX_TOP/tests/run.sh" "$script" || bad=1
	elif [ -x "$HOTFIX_BUILD/bench/$name" ]; then
		"$HOTFIX_BUILD/bench/$name" || bad=1
	else
		echo "bench: no benchmark is called $name" >&2
		bad=1
	fi
done
echo
echo '== tables (ratio: the first command of a table to this one)'
cat "$BENCH_TABLE"
exit $bad
