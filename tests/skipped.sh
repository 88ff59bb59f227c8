#!/bin/sh
# What the tests passed over and why, each once, from the logs of a run
# (tests/run.sh). Nothing when they did everything.
#
#   usage: skipped.sh FOLDER...
for folder; do
	for log in "$folder"/*.log; do
		[ -e "$log" ] || continue
		name=${log##*/}
		sed -nE "s/^(ok [0-9]+|1\.\.0).* # SKIP */${name%.log}: /p" "$log"
	done
done | awk '
	!seen[$0]++ { what[++n] = $0 }
	END {
		if (n > 0)
			print "Skipped:"
		for (i = 1; i <= n; i++)
			print "  " what[i] (seen[what[i]] > 1 ? \
				" (" seen[what[i]] " checks)" : "")
	}'
