/* SIGINT, SIGTERM and SIGHUP, through a pipe. */

#include "cmd/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A handler is given nothing but the number, so these variables of the process
 * have to be. The pipe is set once, before a handler needs it. */
static volatile sig_atomic_t signal_pipe = -1;
static volatile sig_atomic_t signal_came;

static void
handle(int sig)
{
	int saved = errno;
	unsigned char byte = (unsigned char)sig;

	signal_came = 1;
	/* A full pipe holds a signal that was not taken yet: enough. */
	if (signal_pipe >= 0 && write(signal_pipe, &byte, 1) < 0)
		errno = saved;
	errno = saved;
}

static int
set_flags(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
		       fcntl(fd, F_SETFL, O_NONBLOCK) == 0
		   ? 0
		   : -1;
}

/* Who starts a program under nohup has SIGHUP ignored, and wants it so. */
static int
catch_hangup(const struct sigaction *sa)
{
	struct sigaction now;

	if (sigaction(SIGHUP, NULL, &now) != 0)
		return -1;
	return now.sa_handler == SIG_IGN ? 0 : sigaction(SIGHUP, sa, NULL);
}

static int
catch_all(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = handle;
	sa.sa_flags = SA_RESTART;
	sigemptyset(&sa.sa_mask);
	return sigaction(SIGINT, &sa, NULL) != 0 ||
		       sigaction(SIGTERM, &sa, NULL) != 0 ||
		       catch_hangup(&sa) != 0
		   ? -1
		   : 0;
}

const volatile sig_atomic_t *
signals_flag(struct err *e)
{
	if (catch_all() == 0)
		return &signal_came;
	err_errno(e, ERR_LOCAL, "signals");
	return NULL;
}

int
signals_open(struct err *e)
{
	int fds[2];

	if (pipe(fds) != 0)
		return err_errno(e, ERR_LOCAL, "a pipe for signals");
	if (set_flags(fds[0]) != 0 || set_flags(fds[1]) != 0)
		goto fail;
	signal_pipe = fds[1];
	if (catch_all() != 0)
		goto fail;
	return fds[0];

fail:
	signal_pipe = -1;
	err_errno(e, ERR_LOCAL, "signals");
	close(fds[0]);
	close(fds[1]);
	return -1;
}

int
signals_take(int fd)
{
	unsigned char byte;

	return read(fd, &byte, 1) == 1 ? byte : 0;
}
