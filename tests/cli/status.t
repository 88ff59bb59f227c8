# What status prints of packages: the host is a script that fetches some.
. "$HOTFIX_TOP/tests/lib.sh"

start fake perl -MIO::Socket::INET -e '
	$| = 1;
	my %answers = (
	    STATUS => "clients: 3\n" .
		"package: 17 arena 1.5 fetching bytes=5 of=9000000000 " .
		"fetching=0 from=ftp://dl.example/a=b.tar\n" .
		"package: 18 map 2.0 here bytes=7 of=7 " .
		"fetching=2 from=https://cdn.example/map.tar\n",
	    CLIENTS => "ann\t192.0.2.9\t2026-11-22T10:15:00.000000Z\tarena\t" .
		"1.4\tx\t-\t-\t-\t18\n");
	my $s = IO::Socket::INET->new(Listen => 5,
		LocalAddr => "127.0.0.1", LocalPort => 0) or die;
	print "listening: 127.0.0.1:", $s->sockport, "\n";
	while (my $c = $s->accept) {
		printf $c "HOTFIX 1\nhost: east\nnonce: %064d\n" .
			"time: 2026-11-22T10:15:00Z\n\n", 0;
		while (<$c>) {
			chomp;
			print $c "OK\nlength: ", length $answers{$_},
				"\n\n$answers{$_}\n" if exists $answers{$_};
		}
	}'
await fake.out '^listening: '
fake=${line#listening: }

run "$hotfix" status "$fake"
exits 0 'a host with packages'
out_has '^package: 17 arena 1.5 fetching bytes=5 of=9000000000 fetching=0 from=ftp://dl.example/a=b.tar$' \
	'S4.7 a line for each package, with its address'
run "$hotfix" status --json "$fake"
is "$(grep -o '"package":.*' out)" '"package":{"id":"17","name":"arena","release":"1.5","state":"fetching","bytes":5,"of":9000000000,"fetching":0,"from":"ftp://dl.example/a=b.tar"}}
"package":{"id":"18","name":"map","release":"2.0","state":"here","bytes":7,"of":7,"fetching":2,"from":"https://cdn.example/map.tar"}}' \
	'--json: an object for each'
is "$(wc -l <out)" 3 'behind that of the host'
run "$hotfix" status --clients "$fake"
is "$(tail -n 1 out)" "$(printf 'ann\t192.0.2.9\t2026-11-22T10:15:00.000000Z\tarena\t1.4\tx\t-\t-\t-\t18')" \
	'--clients: what each fetches is the last column'
run "$hotfix" status --clients --json "$fake"
is "$(grep -o '"have".*' out)" '"have":"-","waiting":"-","fetching":"18"}}' \
	'and a field'
stop fake
finish
