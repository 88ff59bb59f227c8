/*
 * Names to addresses. getaddrinfo blocks for as long as it likes, so it runs
 * in a child process that shares nothing with us but one pipe.
 */

#include "net/sock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "base/text.h"

#define SHOWN_MAX 128 /* of what is not even a name, in a message */

/* What the child says. It and we are the same program, so it may go through
 * the pipe as it is; a pipe that is empty takes it at once. */
struct answer {
	size_t n; /* 0: failed, reason says why */
	struct sock_addr addrs[SOCK_RESOLVE_MAX];
	char reason[ERR_TEXT];
};

/* --- the child ------------------------------------------------------------ */

/* Our descriptors in a process that may wait for a name server for a minute
 * would keep sockets open that we close, and readers waiting. */
static void
close_others(int keep)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;
	uint64_t fd;
	long max;
	int i;

	if (dir != NULL) {
		while ((d = readdir(dir)) != NULL)
			if (num_parse(d->d_name, strlen(d->d_name), INT32_MAX,
				&fd) == NUM_OK &&
			    (int)fd != keep && (int)fd != dirfd(dir))
				close((int)fd);
		closedir(dir);
	} else {
		max = sysconf(_SC_OPEN_MAX);
		for (i = 0; i < max; i++)
			if (i != keep)
				close(i);
	}
	/* What writes to standard error must not meet a socket there. */
	for (i = 0; i <= STDERR_FILENO; i++)
		if (i != keep && open("/dev/null", O_RDWR) < 0)
			return;
}

/* A handler of ours would act for us, on what it shares with us. */
static void
reset_signals(const sigset_t *mask)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM,
	    SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE};
	struct sigaction sa;
	size_t i;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = SIG_DFL;
	for (i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &sa, NULL);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
}

static void
set_port(struct sock_addr *a, uint16_t port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (a->ss.ss_family == AF_INET) {
		memcpy(&in, &a->ss, sizeof in);
		in.sin_port = htons(port);
		memcpy(&a->ss, &in, sizeof in);
	} else {
		memcpy(&in6, &a->ss, sizeof in6);
		in6.sin6_port = htons(port);
		memcpy(&a->ss, &in6, sizeof in6);
	}
}

static void
look_up(struct answer *ans, const char *name, uint16_t port)
{
	struct addrinfo hints, *list = NULL, *ai;
	int r;

	memset(&hints, 0, sizeof hints);
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	r = getaddrinfo(name, NULL, &hints, &list);
	if (r != 0) {
		snprintf(ans->reason, sizeof ans->reason, "%s",
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return;
	}
	for (ai = list; ai != NULL && ans->n < SOCK_RESOLVE_MAX;
	     ai = ai->ai_next) {
		struct sock_addr *a = &ans->addrs[ans->n];

		if ((ai->ai_family != AF_INET && ai->ai_family != AF_INET6) ||
		    ai->ai_addrlen > sizeof a->ss)
			continue;
		memcpy(&a->ss, ai->ai_addr, ai->ai_addrlen);
		a->len = ai->ai_addrlen;
		set_port(a, port);
		ans->n++;
	}
	freeaddrinfo(list);
	if (ans->n == 0)
		snprintf(ans->reason, sizeof ans->reason,
		    "it has no IPv4 or IPv6 address");
}

static void
run_child(int fd, const sigset_t *mask, const char *name, uint16_t port)
{
	struct answer ans;

	memset(&ans, 0, sizeof ans);
	reset_signals(mask);
	close_others(fd);
	look_up(&ans, name, port);
	_exit(file_write_all(fd, &ans, sizeof ans) != 0);
}

/* --- the parent ----------------------------------------------------------- */

/* 0 with the child and its pipe in r, or -1 with errno set. */
static int
start_child(struct sock_resolve *r, uint16_t port)
{
	sigset_t all, before;
	int fds[2], saved;
	pid_t pid;

	if (pipe(fds) != 0)
		return -1;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	/* No handler may run in the child before it has put them away. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_child(fds[1], &before, r->address, port);
	saved = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		errno = saved;
		return -1;
	}
	r->fd = fds[0];
	r->pid = (int)pid;
	return 0;
}

int
sock_resolve_start(struct sock_resolve *r, const char *address, uint16_t port,
    struct err *e)
{
	char shown[SHOWN_MAX];
	struct sock_target t;

	memset(r, 0, sizeof *r);
	r->fd = -1;
	/* Nothing but an address: no name before it, brackets or port. */
	if (sock_target_parse(&t, address, SOCK_PORT_DEFAULT) != 0 ||
	    strcmp(t.address, address) != 0)
		return err_set(e, ERR_USAGE, "%s: not an address or a name",
		    text_escape(shown, sizeof shown, address, strlen(address),
			0));
	memcpy(r->address, t.address, sizeof r->address);
	if (sock_ip_parse(&r->addrs[0], address) == 0) {
		set_port(&r->addrs[0], port);
		r->n = 1;
		return 0;
	}
	if (start_child(r, port) != 0)
		return err_errno(e, ERR_LOCAL, "%s: cannot look it up",
		    r->address);
	return 0;
}

/* The child ends by itself or is killed already, so this does not last. */
static void
end_child(struct sock_resolve *r)
{
	close(r->fd);
	r->fd = -1;
	while (waitpid((pid_t)r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
}

int
sock_resolve_finish(struct sock_resolve *r, struct err *e)
{
	struct answer ans;
	size_t got = 0;
	ssize_t n = 1;

	memset(&ans, 0, sizeof ans);
	if (r->fd < 0 && r->n > 0)
		return 0;
	while (r->fd >= 0 && got < sizeof ans && n != 0) {
		n = read(r->fd, (char *)&ans + got, sizeof ans - got);
		if (n > 0)
			got += (size_t)n;
		else if (n < 0 && errno != EINTR)
			break;
	}
	if (r->fd >= 0)
		end_child(r);
	if (got < sizeof ans)
		return err_set(e, ERR_PEER,
		    "%s: the look-up ended without an answer", r->address);
	if (ans.n == 0)
		return err_set(e, ERR_PEER, "%s: %s", r->address, ans.reason);
	memcpy(r->addrs, ans.addrs, sizeof r->addrs);
	r->n = ans.n;
	return 0;
}

void
sock_resolve_cancel(struct sock_resolve *r)
{
	if (r->fd < 0)
		return;
	kill((pid_t)r->pid, SIGKILL);
	end_child(r);
}
