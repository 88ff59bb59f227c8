# What a push prints of dry runs, rehearsals and updates that wait: the host is
# a script, so that it says all of it whatever a real one would.
. "$HOTFIX_TOP/tests/lib.sh"

"$hotfix" keygen key >/dev/null
echo 'hotfix.replace{target = "a::b", with = function() end}' >fix.lua

# fake ANSWER: a host that answers every push so; its address in $fake.
fake() {
	start fake perl -MIO::Socket::INET -e '
		$| = 1;
		my $status = "clients: 3\nupdate: 17 f live server=deferred " .
			"running=0 applied=0 failed=0 waiting=3\n";
		my $s = IO::Socket::INET->new(Listen => 5,
			LocalAddr => "127.0.0.1", LocalPort => 0) or die;
		print "listening: 127.0.0.1:", $s->sockport, "\n";
		while (my $c = $s->accept) {
			my @t = gmtime;
			printf $c "HOTFIX 1\nhost: east\nversion: 2.3\n" .
				"nonce: %064d\ntime: %04d-%02d-%02dT" .
				"%02d:%02d:%02dZ\n\n", 0, $t[5] + 1900,
				$t[4] + 1, @t[3, 2, 1, 0];
			while (<$c>) {
				print $c "OK\nlength: ", length $status,
					"\n\n$status\n" if /^STATUS$/;
				print $c $ARGV[0] if /^PUSH$/;
			}
		}' "$1"
	await fake.out '^listening: '
	fake=${line#listening: }
}
push() {
	run "$hotfix" push -k key.sec --feature f "$@" "$fake"
}
results() { # the lines about the host
	sed '/^id:/d;/^feature:/d;/^bytes:/d' out
}

fake 'PROGRESS server ready
rehearsed: 0.034512
stall: 0.0004
length: 14

a::b: is there
PROGRESS clients
targeted: 3
applied: 3

DONE dry-run

'
push --version '*' --both fix.lua --dry-run
exits 0 'a dry run that all are ready for is done'
is "$(results)" "host: east $fake
server: ready
rehearsed: 0.034512
stall: 0.000400
clients: targeted=3 ready=3 deferred=0 failed=0 missing=0
result: dry-run" 'it says what would happen, and what trying it took'
is "$(cat err)" "hotfix: push: $fake: server ready:
  a::b: is there
hotfix: push: $fake: a dry run: nothing was changed" 'with the report'
push --version '*' --both fix.lua --dry-run -q
is "$(cat err)" '' '-q: nothing of it went wrong'
push --version '*' --both fix.lua --dry-run --json
is "$(grep -o '"server":.*' out)" '"server":"ready","rehearsed":0.034512,"stall":0.000400,"clients":{"targeted":3,"applied":3,"deferred":0,"failed":0,"missing":0},"result":"dry-run"}' \
	'--json: numbers, and the counts under their one name'
stop fake

fake 'PROGRESS server ready

PROGRESS clients
targeted: 3
applied: 2
failed: 1

PROGRESS error
result: failed
count: 1
of: 1 linux-x86_64 1.4, 0 others
length: 12

a::b: is not
DONE failed

'
push --version '*' --both fix.lua --dry-run
exits 1 'a dry run that fails somewhere: the answer is no'
out_has '^clients: targeted=3 ready=2 deferred=0 failed=1 missing=0$' \
	'with the counts'
out_has '^result: failed$' 'with its word'
err_has '^  a::b: is not$' 'with the error'
err_has 'a dry run: nothing was changed' 'and nothing was changed'
stop fake

fake 'PROGRESS server deferred
rehearsed: 1
stall: 0.000001

PROGRESS server deferred
length: 5

later
PROGRESS clients
targeted: 3
deferred: 3

DONE deferred

'
push --version '*' --both fix.lua --on round-end --by 2999-01-01T00:00:00Z
exits 0 'an update that waits is done for now'
is "$(results)" "host: east $fake
server: deferred
rehearsed: 1.000000
stall: 0.000001
clients: targeted=3 applied=0 deferred=3 failed=0 missing=0
result: deferred" 'with its word, and what an earlier line told'
is "$(tail -n 1 err)" "hotfix: push: $fake: the update waits for the event \
round-end (until 2999-01-01T00:00:00.000000Z)" 'what it waits for'
push --version '*' --both fix.lua --on round-end
is "$(tail -n 1 err)" \
	"hotfix: push: $fake: the update waits for the event round-end" \
	'for ever'
push --version '*' --both fix.lua
is "$(tail -n 1 err)" \
	"hotfix: push: $fake: the update waits for events that it names" \
	'where the update says itself'
push --version '*' --both fix.lua --on round-end -q
is "$(cat err)" '' '-q: nothing of it went wrong'
stop fake

fake 'PROGRESS server applied

PROGRESS clients
targeted: 3
applied: 1
deferred: 2

DONE applied

'
push --version '*' --both fix.lua --on round-end
exits 0 'an update that waits on some'
is "$(tail -n 1 err)" \
	"hotfix: push: $fake: 2 clients wait for the event round-end" \
	'says on how many'
run "$hotfix" status --json "$fake"
is "$(grep -o '"update":.*' out)" '"update":{"id":"17","feature":"f","state":"live","server":"deferred","running":0,"applied":0,"failed":0,"waiting":3}}' \
	'so does status'
push --version '*' --both fix.lua --on round-end
is "$(results | sed 1d)" 'server: applied
clients: targeted=3 applied=1 deferred=2 failed=0 missing=0
result: applied' 'a host that did not rehearse tells nothing of it'
finish
