/* A command that fetches: its end, and that of who runs it. */

#include "pack/fetch_command.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define S         INT64_C(1000000000)
#define PATIENCE  10000 /* ms */
#define LONG_TIME (1000 * S)

static int
run(const char *command, int64_t ns, uint64_t max, struct err *e)
{
	const struct fetch_command c = {
	    .command = command,
	    .url = "x://a b/$(c)'\"",
	    .file = "file name",
	    .max = max,
	    .deadline_ns = clock_mono_ns() + ns,
	};

	return fetch_command_run(&c, e);
}

/* The process that runs the command is killed once that has begun; all that
 * hold the write end are gone when the read end tells so. */
static void
check_orphan(void)
{
	struct pollfd p = {-1, POLLIN, 0};
	char byte = 0;
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		exit(1);
	p.fd = ends[0];
	pid = fork();
	if (pid == 0) {
		struct err e;

		/* Every sh has one digit for a descriptor. */
		dup2(ends[1], 9);
		run("f() { echo >&9; sleep 1000; }; f", LONG_TIME, 99, &e);
		_exit(0);
	}
	close(ends[1]);
	OK(read(ends[0], &byte, 1) == 1, "it runs");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	OK(poll(&p, 1, PATIENCE) == 1 && read(ends[0], &byte, 1) == 0,
	    "it ends with who was killed");
	close(ends[0]);
}

int
main(void)
{
	struct err e;
	int i, before, after;

	OK(run("false", LONG_TIME, 9, &e) != 0 && e.kind == ERR_PEER,
	    "one that fails");
	IS_STR(strstr(e.text, "false ended"), "false ended with status 1",
	    "its status is told");
	OK(run("f() { printf %s \"$1\" >\"$2\"; [ $# -eq 2 ]; }; f", LONG_TIME,
	       99, &e) == 0 &&
		access("file name", F_OK) == 0,
	    "two words, whatever is in them");
	OK(run("f() { sleep 1000; }; f", S / 10, 99, &e) != 0 &&
		strstr(e.text, "not done in the time") != NULL,
	    "one that hangs");
	OK(run("f() { echo more than that >\"$2\"; sleep 1000; }; f", LONG_TIME,
	       3, &e) != 0 &&
		strstr(e.text, "longer than 3 bytes") != NULL,
	    "one that writes too much");
	before = open("/dev/null", O_RDONLY);
	close(before);
	for (i = 0; i < 3; i++)
		run("true", LONG_TIME, 9, &e);
	after = open("/dev/null", O_RDONLY);
	close(after);
	IS(after, before, "no descriptor is left");
	IS(waitpid(-1, NULL, WNOHANG), -1, "nor a process");
	check_orphan();
	return tap_done();
}
