/* The thread that speaks for one that stands still. */

#include "lua-host/watchdog.h"
#include "tests/tap.h"

#include <sys/socket.h>
#include <unistd.h>

static void
test_speaks(struct watchdog *w, int fd, int peer)
{
	char got[16] = "";
	ssize_t n;

	IS(watchdog_arm(w, fd, "hung\n", 5, 1000000), 0, "armed for 1 ms");
	/* The thread that reads here is the one that stands still. */
	n = recv(peer, got, sizeof got - 1, 0);
	OK(n == 5 && strcmp(got, "hung\n") == 0, "it speaks");
	IS(watchdog_disarm(w), 1, "and tells that it did");
	IS(watchdog_disarm(w), 0, "of the last time alone");
}

static void
test_silent(struct watchdog *w, int fd, int peer)
{
	char got[16];
	int i;

	for (i = 0; i < 100; i++) {
		watchdog_arm(w, fd, "late", 4, INT64_C(3600000000000));
		if (watchdog_disarm(w))
			break;
	}
	IS(i, 100, "disarmed in time, a hundred times");
	/* Nothing else is under way, so this is what comes first. */
	watchdog_arm(w, fd, "again", 5, 0);
	OK(recv(peer, got, sizeof got, 0) == 5 && memcmp(got, "again", 5) == 0,
	    "nothing was said meanwhile");
	watchdog_disarm(w);
}

int
main(void)
{
	struct watchdog *w = watchdog_new(), *unused = watchdog_new();
	int fds[2];

	if (w == NULL || unused == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return 1;
	test_speaks(w, fds[0], fds[1]);
	test_silent(w, fds[0], fds[1]);
	/* Freed while it watches, and without a thread. */
	watchdog_arm(w, fds[0], "never", 5, INT64_C(3600000000000));
	watchdog_free(w);
	watchdog_free(unused);
	watchdog_free(NULL);
	close(fds[0]);
	IS(recv(fds[1], &fds[0], 1, 0), 0, "freed: it says no more");
	close(fds[1]);
	return tap_done();
}
