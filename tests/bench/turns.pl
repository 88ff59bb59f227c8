# Commands in turns, so that what else a machine does hits all alike.
#
#	usage: turns.pl [-n ROUNDS] [-r RTT_MS] [-p PREPARE] TITLE NAME=COMMAND...
#
# Runs each command by sh, round after round ($BENCH_ROUNDS overrides -n), each
# round beginning with another one; before each, PREPARE, whose time does not
# count. Prints a table, and appends it to the file $BENCH_TABLE: the median of
# a command's times, the least and the most, and the median of (first command's
# time / its time) of each round: under 1, the first one is faster. With -r the
# median in round trips as well. What fails ends it, with what it said.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($rounds, $rtt, $prepare) = (5, 0, '');
while (@ARGV && $ARGV[0] =~ /^-([nrp])$/) {
	my ($option, $value) = splice @ARGV, 0, 2;
	$rounds = $value if $option eq '-n';
	$rtt = $value if $option eq '-r';
	$prepare = $value if $option eq '-p';
}
$rounds = $ENV{BENCH_ROUNDS} if $ENV{BENCH_ROUNDS};
my $title = shift;
my (@names, %command, %took);
for (@ARGV) {
	my ($name, $command) = split /=/, $_, 2;
	push @names, $name;
	$command{$name} = $command;
}

sub median {
	my @sorted = sort { $a <=> $b } @_;
	my $half = int(@sorted / 2);

	return @sorted % 2 ? $sorted[$half]
	    : ($sorted[$half - 1] + $sorted[$half]) / 2;
}

sub run {
	my ($name, $command) = @_;

	return if system("($command) >turns.out 2>&1 </dev/null") == 0;
	print "$title: $name fails: $command\n";
	system 'tail -n 5 turns.out';
	exit 1;
}

for my $round (0 .. $rounds - 1) {
	for my $i (0 .. $#names) {
		my $name = $names[($i + $round) % @names];

		run('prepare', $prepare) if $prepare ne '';
		my $begin = time;
		run($name, $command{$name});
		push @{$took{$name}}, time - $begin;
	}
}

my $table = sprintf "%-34s %9s %19s %7s%s\n", $title, 'median s',
    'least..most', 'ratio', $rtt ? '  trips' : '';
for my $name (@names) {
	my @all = sort { $a <=> $b } @{$took{$name}};
	my @ratios = map { $took{$names[0]}[$_] / $took{$name}[$_] }
	    0 .. $rounds - 1;

	$table .= sprintf "  %-32s %9.3f %9.3f..%8.3f %7.2f", $name,
	    median(@all), $all[0], $all[-1], median(@ratios);
	$table .= sprintf ' %6.1f', median(@all) * 1000 / $rtt if $rtt;
	$table .= "\n";
}
print $table;
if (my $file = $ENV{BENCH_TABLE}) {
	open my $out, '>>', $file or die "$file: $!\n";
	print $out "$table\n";
	close $out or die "$file: $!\n";
}
