/* Copies of this process: how they are made, and how they end. */

#include "lua-host/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"

/* Descriptors that are looked at where /proc does not list them: more than
 * any host has connections, and still a fraction of a second. The limit of
 * the process would not do, it may have been lowered. */
#define DESCRIPTORS_MAX (1 << 20)

/* --- in the copy ---------------------------------------------------------- */

static void
redirect(int fd, int nowhere, int keep)
{
	if (fd == keep || fd == nowhere || dup2(nowhere, fd) >= 0)
		return;
	/* A limit that was lowered leaves numbers that can only be closed.
	 * What stays within reach is the live process's own. */
	if (close(fd) != 0)
		_exit(1);
}

/* The numbers stay taken, so nothing that is opened later is mistaken for an
 * old one. */
static void
redirect_all(int nowhere, int keep)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;
	uint64_t fd;
	int i;

	if (dir != NULL) {
		while ((d = readdir(dir)) != NULL)
			if (num_parse(d->d_name, strlen(d->d_name), INT32_MAX,
				&fd) == NUM_OK &&
			    (int)fd != dirfd(dir))
				redirect((int)fd, nowhere, keep);
		closedir(dir);
		return;
	}
	for (i = 0; i < DESCRIPTORS_MAX; i++)
		if (fcntl(i, F_GETFD) >= 0)
			redirect(i, nowhere, keep);
}

/* A handler of ours would act for us; a signal that we ignore or block would
 * not end the child. */
static void
reset_signals(void)
{
	struct sigaction sa;
	sigset_t none;
	int i;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = SIG_DFL;
	for (i = 1; i <= SIGRTMAX; i++)
		sigaction(i, &sa, NULL);
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
}

#ifdef __linux__
static void
on_orphaned(int sig)
{
	(void)sig;
	kill(0, SIGKILL);
}

/* Who was killed ends nobody: then the kernel tells the copy. */
static void
end_with(pid_t parent)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_orphaned;
	sigfillset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
}
#else
static void
end_with(pid_t parent)
{
	(void)parent;
}
#endif

/* All signals are blocked. */
__attribute__((noreturn)) static void
run_child(const struct child *c, pid_t parent, int (*body)(void *arg, int fd),
    void *arg)
{
	redirect_all(c->nowhere, c->theirs);
	reset_signals();
	if (c->leads) {
		setpgid(0, 0);
		if (getpgrp() == getpid())
			end_with(parent);
	}
	_exit(body(arg, c->theirs));
}

/* --- here ----------------------------------------------------------------- */

static void
close_all(struct child *c)
{
	int *const fds[] = {&c->fd, &c->theirs, &c->nowhere};
	size_t i;

	for (i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

int
child_open(struct child *c)
{
	int fds[2], saved;

	memset(c, 0, sizeof *c);
	c->fd = c->theirs = -1;
	c->nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (c->nowhere < 0 || pipe(fds) != 0)
		goto fail;
	c->fd = fds[0];
	c->theirs = fds[1];
	fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	fcntl(c->theirs, F_SETFD, FD_CLOEXEC);
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0)
		return 0;
fail:
	saved = errno;
	close_all(c);
	errno = saved;
	return -1;
}

int
child_fork(struct child *c, int leads, int (*body)(void *arg, int fd),
    void *arg)
{
	pid_t self = getpid();
	sigset_t all, before;
	int saved;

	c->leads = leads;
	/* No handler may run in the child before it has put them away. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	c->pid = fork();
	if (c->pid == 0)
		run_child(c, self, body, arg);
	saved = errno;
	/* Here too: it may be ended before it came to do it. */
	if (c->pid > 0 && leads)
		setpgid(c->pid, c->pid);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(c->theirs);
	close(c->nowhere);
	c->theirs = c->nowhere = -1;
	errno = saved;
	return c->pid < 0 ? -1 : 0;
}

int
child_end(struct child *c)
{
	int status = -1;

	close_all(c);
	if (c->pid <= 0)
		return -1;
	/* One that closed the pipe and lives on; no other notices. */
	if (c->leads)
		kill(-c->pid, SIGKILL);
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		status = -1;
		break;
	}
	c->pid = 0;
	return status;
}

const char *
child_signal_name(int number)
{
	switch (number) {
	case SIGABRT:
		return " (aborted)";
	case SIGBUS:
		return " (bus error)";
	case SIGFPE:
		return " (arithmetic error)";
	case SIGILL:
		return " (illegal instruction)";
	case SIGKILL:
		return " (killed)";
	case SIGSEGV:
		return " (segmentation fault)";
	case SIGSYS:
		return " (bad system call)";
	case SIGXFSZ:
		return " (file too large)";
	default:
		return "";
	}
}
