/* TCP sockets that never block. */

#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/* After a restart all players come back at once; the kernel lowers this to
 * its own bound. */
#define LISTEN_BACKLOG 1024

/* Four probes, 15 s apart, after 60 s of silence. */
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_PROBES     4
#define UNACKED_MAX_MS       60000

static int
set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value);
}

/* Close on failure, too, with errno kept. Returns fd or -1. */
static int
prepare(int fd)
{
	int flags, saved;

	if (fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Frames are written whole and answered at once: nothing is gained by
 * holding small segments back. */
static void
set_nodelay(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static int
open_listener(const struct sock_addr *a)
{
	int fd = prepare(socket(a->ss.ss_family, SOCK_STREAM, 0));
	int saved;

	if (fd < 0)
		return -1;
	/* IPv6 alone, so that [::] and 0.0.0.0 can both be listened on and
	 * what an address means does not depend on the machine. */
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
	    (a->ss.ss_family != AF_INET6 ||
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == 0) &&
	    bind(fd, (const struct sockaddr *)&a->ss, a->len) == 0 &&
	    listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
sock_listen(const struct sock_addr *a, struct sock_addr *bound, struct err *e)
{
	char text[SOCK_TEXT];
	int fd = open_listener(a);

	if (fd < 0)
		return err_errno(e, ERR_LOCAL, "cannot listen on %s",
		    sock_addr_format(text, a));
	memset(bound, 0, sizeof *bound);
	bound->len = sizeof bound->ss;
	if (getsockname(fd, (struct sockaddr *)&bound->ss, &bound->len) != 0) {
		err_errno(e, ERR_LOCAL, "cannot listen on %s",
		    sock_addr_format(text, a));
		close(fd);
		return -1;
	}
	return fd;
}

int
sock_accept(int fd, struct sock_addr *peer)
{
	int conn;

	/* A peer that left before its turn is no reason to stop. */
	do {
		memset(peer, 0, sizeof *peer);
		peer->len = sizeof peer->ss;
		conn = accept(fd, (struct sockaddr *)&peer->ss, &peer->len);
	} while (conn < 0 &&
		 (errno == EINTR || errno == ECONNABORTED || errno == EPROTO));
	conn = prepare(conn);
	if (conn >= 0)
		set_nodelay(conn);
	return conn;
}

int
sock_connect(const struct sock_addr *a)
{
	int fd = prepare(socket(a->ss.ss_family, SOCK_STREAM, 0));
	int saved;

	if (fd < 0)
		return -1;
	set_nodelay(fd);
	/* After EINTR the connection goes on being made. */
	if (connect(fd, (const struct sockaddr *)&a->ss, a->len) == 0 ||
	    errno == EINPROGRESS || errno == EINTR)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
sock_connected(int fd)
{
	struct sock_addr here, there;
	socklen_t len;
	int problem;

	len = sizeof problem;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) != 0)
		return -1;
	if (problem != 0) {
		errno = problem;
		return -1;
	}
	memset(&here, 0, sizeof here);
	memset(&there, 0, sizeof there);
	here.len = sizeof here.ss;
	there.len = sizeof there.ss;
	if (getpeername(fd, (struct sockaddr *)&there.ss, &there.len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&here.ss, &here.len) != 0)
		return -1;
	/* Where nobody listens on a port that the kernel gives out, a
	 * connection from this machine can meet itself. */
	if (here.len == there.len &&
	    memcmp(&here.ss, &there.ss, here.len) == 0) {
		errno = ECONNREFUSED;
		return -1;
	}
	return 0;
}

void
sock_keepalive(int fd)
{
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	/* Where the system has no such numbers its own hold. */
#ifdef TCP_KEEPIDLE
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
#endif
#ifdef TCP_USER_TIMEOUT
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKED_MAX_MS);
#endif
}
