# What a test that fails leaves for who has to mend it (tests/run.sh).

. "$HOTFIX_TOP/tests/lib.sh"

# a_test NAME: a test of this text, run as make check runs it; then out is what
# the runner of all tests is given, err what is told besides.
mkdir log
a_test() {
	cat >"$1.t"
	run timeout "$deadline" env KEEP= HOTFIX_LOG="$PWD/log" \
		sh "$HOTFIX_TOP/tests/run.sh" "$1.t"
}

# gone: how many of the processes that the latest one told of are no more.
gone() {
	sed -n 's/^# pid //p' out | while read -r p; do
		kill -0 "$p" 2>/dev/null || echo "$p"
	done | wc -l
}

a_test good <<'END'
echo 'ok 1 - one'
echo 'a complaint' >&2
echo 'ok 2 # SKIP no moon'
echo '1..2'
END
exits 0 'a test that passes'
is "$(cat err)" '' 'says nothing besides'
is "$(cat out)" 'ok 1 - one
a complaint
ok 2 # SKIP no moon
1..2' 'what it said is passed on'
cmp -s out log/good.t.log
ok $? 'and kept'

a_test bad <<'END'
echo 'ok 1 - one'
echo '# waited for two'
echo 'not ok 2 - two'
echo '# got 3'
echo 'not ok 3 - three'
echo '# got 4'
echo 'ok 4 # SKIP no moon'
echo 'ok 5 # SKIP no moon'
echo '1..5'
exit 1
END
exits 1 'a test that fails'
is "$(sed 1d err)" "bad.t failed: 2 of 5 checks, status 1
  | # waited for two
  | not ok 2 - two
  | # got 3
  | not ok 3 - three
  | # got 4
  its end:
  | ok 4 # SKIP no moon
  | ok 5 # SKIP no moon
  | 1..5
  all of it: $PWD/log/bad.t.log" 'tells which checks, what belongs to them, the end'

a_test sure <<'END'
echo 'not ok 1 - one'
echo '1..1'
END
exits 0 'a test that takes its failed check for none'
err_has '^sure\.t failed: 1 of 1 checks, status 0$' 'has failed'

a_test leaky <<'END'
echo 'ok 1 - one'
echo '1..1'
exit 23
END
err_has '^leaky\.t failed: status 23$' 'so has one that passed, but ended badly'

a_test dead <<'END'
seq -f 'ok %g - so far' 15
echo 'a trace' >&2
kill -9 $$
END
exits 137 'a test that is killed'
err_has '^dead\.t failed: it ended early, after 15 checks, status 137$' 'is told'
is "$(grep -c '^  | ' err) $(grep '^  | ' err | head -n 1)" \
	'12   | ok 6 - so far' 'with what it had come to' || note err
err_has '^  \| a trace$' 'and what it said then'

a_test short <<'END'
echo 'ok 1 - one'
echo '1..2'
END
err_has '^short\.t failed: 1 checks of the 2 that it counts, status 0$' \
	'a check that was not made'

a_test long <<'END'
seq -f '# before %g' 150
echo 'not ok 1 - one'
seq -f '# after %g' 300
exit 1
END
err_has '^  \| # before 1$' 'of what is long there is the beginning'
err_has '^  and 251 lines, then:$' 'what is left out is counted'
err_has '^  \| # after 300$' 'and the end'
[ "$(wc -l <err)" -lt 210 ]
ok $? 'and not more than can be read' || note err

# The same on the other loop, where there is more to pass over.
mkdir log/poll
cp log/bad.t.log log/poll
echo 'ok 1 # SKIP no sun' >log/poll/good.t.log
run sh "$HOTFIX_TOP/tests/skipped.sh" log log/poll
is "$(cat out)" 'Skipped:
  bad.t: no moon (4 checks)
  good.t: no moon
  good.t: no sun' 'what was passed over, each once'
rm log/*.log
run sh "$HOTFIX_TOP/tests/skipped.sh" log
is "$(cat out)" '' 'nothing was'

# What a test has started ends with it, and at once, however young it is.
slow=0
for i in $(seq 20); do
	a_test crowd <<-'END'
	. "$HOTFIX_TOP/tests/lib.sh"
	deadline=100
	for i in 1 2 3 4 5; do
		start p$i tail -f /dev/null
		echo "# pid $pid"
	done
	ok 0 'started'
	finish
	END
	[ "$status" -eq 0 ] || slow=$((slow + 1))
done
is "$slow" 0 'what was only just started is ended at once' || t_show
is "$(gone)" 5 'all of it'
a_test stubborn <<'END'
. "$HOTFIX_TOP/tests/lib.sh"
deadline=1
start p sh -c 'trap "" TERM; echo here; exec tail -f /dev/null'
echo "# pid $pid"
sees p.out '^here$' 'it is there'
finish
END
exits 0 'what does not heed the signal is killed'
is "$(gone)" 1 'in time'
finish
