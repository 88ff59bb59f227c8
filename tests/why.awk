# Why a test failed, out of what it said (TAP): its checks that failed, with the
# lines around them that are no checks, and its end. Nothing of one that passed.
# No line of this is TAP, and what is long is cut: the whole of it is in a file.
#
#   usage: awk -v test=NAME -v status=N -v kept=FILE -f why.awk OUTPUT

BEGIN {
	MOST = 100 # lines of each of the two: more is not read, but searched
	BEFORE = 10 # checks before the end: what it had come to
	planned = -1
}

{ line[NR] = $0 }
/^(not )?ok / { check[++checks] = NR }
/^not ok / { failed++ }
/^1\.\.[0-9]+/ { planned = substr($1, 4) + 0 }

function say(from, to, i) {
	for (i = from; i <= to; i++)
		print "  | " line[i]
}

# What was said since the check before belongs to it, too: a wait that fails
# shows what it waited for and is a failed check after that.
function show_failed(i, from, to, left) {
	left = MOST
	for (i = 1; i <= checks && left > 0; i++) {
		if (line[check[i]] !~ /^not ok /)
			continue
		from = check[i]
		if (i == 1)
			from = 1
		else if (line[check[i - 1]] ~ /^ok /)
			from = check[i - 1] + 1
		to = i < checks ? check[i + 1] - 1 : NR
		if (to - from >= left)
			to = from + left - 1
		say(from, to)
		shown = to
		left -= to - from + 1
	}
	if (left <= 0)
		print "  and more"
}

function show_end(from) {
	from = checks > BEFORE ? check[checks - BEFORE + 1] : 1
	if (from <= shown)
		from = shown + 1
	if (from > NR)
		return
	print "  its end:"
	if (NR - from >= MOST) {
		say(from, from + MOST / 2 - 1)
		print "  and " NR - from + 1 - MOST " lines, then:"
		from = NR - MOST / 2 + 1
	}
	say(from, NR)
}

END {
	if (status == 0 && failed == 0 && planned == checks)
		exit
	printf "\n%s failed: ", test
	if (failed > 0)
		printf "%d of %d checks, ", failed, checks
	else if (planned < 0)
		printf "it ended early, after %d checks, ", checks
	else if (planned != checks)
		printf "%d checks of the %d that it counts, ", checks, planned
	print "status " status
	if (failed > 0)
		show_failed()
	show_end()
	print "  all of it: " kept
}
