#!/bin/sh
# hotfix time against a real server on this machine: how far off it finds a
# clock that is not off at all, and how long it takes beside ntpdate -q.
#
#   usage: HOTFIX=hotfix ntp.sh [ROUNDS]
#
# The server is chronyd, which has the same clock: the true offset is zero. The
# other client asks port 123 and no other, so who is root gets a network of its
# own for this; else the comparison is left out. Exits 1 when the median offset
# is more than 100 us.
set -eu
HOTFIX_TOP=$(cd "$(dirname "$0")/../.." && pwd)
HOTFIX=$(readlink -f "${HOTFIX:-$HOTFIX_TOP/hotfix}")
export HOTFIX HOTFIX_TOP
rounds=${1:-15}

if [ -z "${NTP_BENCH_INSIDE-}" ]; then
	NTP_BENCH_INSIDE=1
	export NTP_BENCH_INSIDE
	if [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
		exec unshare -n sh "$0" "$rounds"
	fi
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/hotfix-bench.XXXXXX")
cd "$scratch"
# shellcheck source=tests/lib.sh
. "$HOTFIX_TOP/tests/lib.sh"
# shellcheck source=tests/ntpd.sh
. "$HOTFIX_TOP/tests/ntpd.sh"
trap 't_cleanup; rm -rf "$scratch"' EXIT

peer=
if [ "$(id -u)" = 0 ] && ip link set lo up 2>/dev/null &&
	sysctl -q -w net.ipv4.ip_unprivileged_port_start=0 2>/dev/null &&
	command -v ntpdate >/dev/null; then
	peer=ntpdate
	# Read by ntpd.
	# shellcheck disable=SC2034
	ntp_want=123
fi
ntpd || {
	echo "ntp: $ntp_why" >&2
	exit 1
}

# now: nanoseconds.
now() {
	date +%s%N
}

median() {
	sort -n | awk '{ v[NR] = $1 }
		END { k = int((NR + 1) / 2); print (v[k] + v[NR + 1 - k]) / 2 }'
}

round=0
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	t0=$(now)
	"$HOTFIX" time "$ntp_server" >out
	t1=$(now)
	field offset out >>ours.offset
	field delay out >>ours.delay
	echo "$(((t1 - t0) / 1000))" >>ours.wall
	[ -n "$peer" ] || continue
	t0=$(now)
	ntpdate -q 127.0.0.1 >peer.out 2>/dev/null || {
		peer=
		continue
	}
	t1=$(now)
	# "... (+0000) +0.000019 +/- 0.000078 127.0.0.1 s8 no-leap"
	sed -n 's/^.*([^)]*) *\([+-][0-9.]*\) .*/\1/p' peer.out >>peer.offset
	echo "$(((t1 - t0) / 1000))" >>peer.wall
	echo "$(tail -n 1 ours.wall) $(tail -n 1 peer.wall)" |
		awk '{ print $1 / $2 }' >>ratio
done

# absolute FILE: seconds to microseconds, without their sign.
absolute() {
	awk '{ printf "%.0f\n", ($1 < 0 ? -$1 : $1) * 1000000 }' "$1"
}

offset=$(absolute ours.offset | median)
printf '%s rounds against chronyd on the same clock: the true offset is 0\n' \
	"$rounds"
printf '%-16s %14s %14s %12s\n' '' 'median |offset|' 'largest' 'median wall'
row() { # NAME FILE
	printf '%-16s %12s us %11s us %9s ms\n' "$1" \
		"$(absolute "$2.offset" | median)" \
		"$(absolute "$2.offset" | sort -n | tail -n 1)" \
		"$(median <"$2.wall" | awk '{ printf "%.1f", $1 / 1000 }')"
}
row 'hotfix time' ours
if [ -n "$peer" ]; then
	row 'ntpdate -q' peer
	printf 'wall time as a ratio to ntpdate -q: %s (median of rounds)\n' \
		"$(median <ratio | awk '{ printf "%.3f", $1 }')"
else
	echo 'ntpdate -q: not compared (needs root, ntpdate, and port 123)'
fi
if ! awk -v o="$offset" 'BEGIN { exit !(o <= 100) }'; then
	echo "the median offset is $offset us, more than 100" >&2
	exit 1
fi
