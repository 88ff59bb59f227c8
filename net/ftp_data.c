/*
 * Transfers of the FTP client: a second connection for each, to the peer of the
 * control connection. Both are listened to all the time: a server may end a
 * transfer before it was told all, or go on talking.
 */

#include "net/ftp.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/ftp_internal.h"

/* Between a data connection that failed and the answer that says why. */
#define REASON_NS INT64_C(2000000000)

typedef int ftp_sink(void *arg, const void *bytes, size_t len, struct err *e);

struct transfer {
	struct ftp *f;
	const char *path;
	struct err *e;

	int fd;
	int connected;
	int begun;        /* 1xx came */
	int final;        /* code of the last word, 0 before */
	int moved;        /* nothing more is to be read or written */
	int hurry;        /* the last word is not waited for */
	uint64_t whole;   /* then: the length of the file */
	int closed;       /* the server has ended the data connection */
	int problem;      /* errno of the data connection */
	int64_t until_ns; /* of connecting, or of waiting for a reason */

	/* download */
	ftp_sink *sink;
	void *sink_arg;
	uint64_t at, max;

	/* upload */
	int from_fd; /* -1: this is a download */
	uint64_t len;
	size_t block_at, block_len;
	int (*told)(void *arg, uint64_t so_far, struct err *e);
	void *told_arg;
};

/* --- where to --------------------------------------------------------------
 */

/* A port in f->port, 0 when the passive command was refused in a way that
 * another one may not be. *rest: REST was taken. */
static int
ask_port(struct ftp *f, const char *path, uint64_t from, int *rest,
    struct err *e)
{
	struct ftp_batch b = {{0}, 0, 0, 0};
	char offset[24];
	int ret = -1, code;

	snprintf(offset, sizeof offset, "%" PRIu64, from);
	if (!f->binary)
		ftp_batch_add(&b, "TYPE", "I");
	ftp_port_ask(f, &b);
	/* It counts for the transfer command that follows (RFC 3659 5.1);
	 * the first connection made does not come in between. */
	if (from > 0)
		ftp_batch_add(&b, "REST", offset);
	if (ftp_send(f, &b, path, e) != 0)
		return -1;
	*rest = 0;
	if (!f->binary) {
		code = ftp_answer(f, path, e);
		if (code < 0)
			return -1;
		if (code / 100 != 2) {
			ftp_refused(f, path, "no transfers without changes", e);
			goto out;
		}
		f->binary = 1;
	}
	ret = ftp_port_take(f, path, e);
	if (ret == 0 && from > 0) {
		code = ftp_answer(f, path, e);
		if (code < 0)
			return -1;
		*rest = code == 350;
	}
out:
	/* What else was asked is answered, or the next answers would be
	 * taken for those of other commands. */
	while (f->owed > 0 && !f->broken)
		ftp_answer(f, path, NULL);
	return ret;
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

/* Ask for a port and begin to connect to it. 0; 1: it cannot begin at `from`;
 * -1 with err. */
static int
begin(struct transfer *t, uint64_t from)
{
	struct ftp *f = t->f;
	struct sock_addr a = f->peer;
	int rest;

	/* REST stands behind the passive command, so there it is asked anew. */
	if (from > 0 || clock_mono_ns() - f->port_ns > FTP_PORT_FRESH_NS)
		f->port = 0;
	if (f->port == 0 && ask_port(f, t->path, from, &rest, t->e) != 0)
		return -1;
	if (f->port == 0) {
		/* RFC 2428 3: then there is the old way, once. */
		f->pasv = 1;
		if (ask_port(f, t->path, from, &rest, t->e) != 0)
			return -1;
	}
	set_port(&a, f->port);
	f->port = 0;
	if (from > 0 && !rest)
		return 1;
	t->fd = sock_connect(&a);
	if (t->fd < 0)
		return ftp_break(f, t->path, t->e, "data connection: %s",
		    strerror(errno));
	t->until_ns = clock_mono_ns() + f->connect_ns;
	return 0;
}

/* --- moving ----------------------------------------------------------------
 */

/* The data connection is of no more use. The control connection says why, or
 * that all is well, which it is not. */
static void
lose(struct transfer *t, int problem)
{
	t->problem = problem;
	t->moved = 1;
	t->until_ns = clock_mono_ns() + REASON_NS;
}

static int
check_connected(struct transfer *t)
{
	struct sock_addr there;

	if (sock_connected(t->fd) != 0) {
		lose(t, errno);
		return 0;
	}
	memset(&there, 0, sizeof there);
	there.len = sizeof there.ss;
	if (getpeername(t->fd, (struct sockaddr *)&there.ss, &there.len) != 0 ||
	    !sock_ip_equal(&there, &t->f->peer))
		return ftp_break(t->f, t->path, t->e,
		    "the data connection goes to another machine");
	t->connected = 1;
	t->until_ns = 0;
	t->f->heard_ns = clock_mono_ns();
	return 0;
}

/* Take what is there. 0, or -1 with err. */
static int
receive(struct transfer *t)
{
	struct ftp *f = t->f;
	ssize_t n = recv(t->fd, f->block, sizeof f->block, 0);

	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			lose(t, errno);
		return 0;
	}
	if (n == 0) {
		/* Some say that all is sent once we have closed it, too. */
		close(t->fd);
		t->fd = -1;
		t->moved = t->closed = 1;
		return 0;
	}
	f->heard_ns = clock_mono_ns();
	if ((uint64_t)n > t->max - t->at) {
		f->broken = 1;
		return ftp_fail(f, ERR_NO, t->path, t->e,
		    "longer than %" PRIu64 " bytes", t->max);
	}
	if (t->sink(t->sink_arg, f->block, (size_t)n, t->e) != 0) {
		f->broken = 1;
		return -1;
	}
	t->at += (uint64_t)n;
	return 0;
}

static int
read_block(struct transfer *t)
{
	struct ftp *f = t->f;
	uint64_t left = t->len - t->at;
	size_t want = left < sizeof f->block ? (size_t)left : sizeof f->block;
	ssize_t n;

	do
		n = pread(t->from_fd, f->block, want, (off_t)t->at);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		t->block_at = 0;
		t->block_len = (size_t)n;
		return 0;
	}
	f->broken = 1;
	if (n == 0)
		return ftp_fail(f, ERR_LOCAL, t->path, t->e,
		    "the file to send became shorter");
	return ftp_fail(f, ERR_LOCAL, t->path, t->e, "the file to send: %s",
	    strerror(errno));
}

/* Send what can be sent. 0, or -1 with err. */
static int
transmit(struct transfer *t)
{
	struct ftp *f = t->f;
	ssize_t n;

	if (t->at == t->len) {
		/* The end of the file is the end of what we say. */
		if (shutdown(t->fd, SHUT_WR) != 0)
			lose(t, errno);
		t->moved = 1;
		return 0;
	}
	if (t->block_at == t->block_len && read_block(t) != 0)
		return -1;
	n = send(t->fd, f->block + t->block_at, t->block_len - t->block_at,
	    MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			lose(t, errno);
		return 0;
	}
	f->heard_ns = clock_mono_ns();
	t->block_at += (size_t)n;
	t->at += (uint64_t)n;
	if (t->told == NULL || t->told(t->told_arg, t->at, t->e) == 0)
		return 0;
	f->broken = 1;
	return -1;
}

/* All is sent: has the server taken it up to its end? What else it does with
 * this connection is no news, and nobody waits for it. */
static void
watch_end(struct transfer *t)
{
	uint8_t byte;
	ssize_t n = recv(t->fd, &byte, 1, 0);

	if (n < 0 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	t->closed = n == 0;
	t->hurry = t->closed;
}

static int
move(struct transfer *t)
{
	if (t->moved) {
		watch_end(t);
		return 0;
	}
	if (!t->connected)
		return check_connected(t);
	return t->from_fd >= 0 ? transmit(t) : receive(t);
}

/* --- both connections ------------------------------------------------------
 */

/* The server's last word on the transfer. 0, or -1 with err. */
static int
judge(struct transfer *t)
{
	struct ftp *f = t->f;

	if (t->final >= 300)
		return ftp_refused(f, t->path,
		    !t->begun         ? "refused"
		    : t->from_fd >= 0 ? "not stored"
				      : "not sent whole",
		    t->e);
	if (!t->begun)
		return ftp_break(f, t->path, t->e,
		    "the server is done before it began (%d)", t->final);
	if (t->from_fd >= 0 && !t->moved)
		return ftp_fail(f, ERR_PEER, t->path, t->e,
		    "the server says that all is there before it was sent");
	return 0;
}

/* Take the answers that are there: both may have come in one piece. 0 to go
 * on, or -1 with err. */
static int
listen_to(struct transfer *t)
{
	struct ftp *f = t->f;
	int code;

	while (t->final == 0) {
		code = ftp_answer_now(f, t->path, t->e);
		if (code <= 0)
			return code;
		if (code >= 200)
			t->final = code;
		else if (t->begun)
			return ftp_break(f, t->path, t->e,
			    "the server begins twice (%d)", code);
		else
			t->begun = 1;
	}
	return judge(t);
}

/* What is read of a download before the server has said that it begins would
 * come from nobody knows whom. An upload may begin at once: it is told by the
 * last word whether it was wanted. */
static short
wanted(const struct transfer *t)
{
	if (t->moved)
		return t->hurry && !t->closed && t->from_fd >= 0 &&
			       t->problem == 0
			   ? POLLIN
			   : 0;
	if (!t->connected || t->from_fd >= 0)
		return POLLOUT;
	return t->begun ? POLLIN : 0;
}

/* The control connection is gone. What came before is of use to who goes on
 * with it another time. */
static void
salvage(struct transfer *t)
{
	struct err *e = t->e;
	uint64_t before;

	if (t->from_fd >= 0 || !t->begun || t->final != 0)
		return;
	t->e = NULL;
	if (!t->connected && check_connected(t) != 0)
		goto out;
	do
		before = t->at;
	while (t->connected && !t->moved && receive(t) == 0 && t->at > before);
out:
	t->e = e;
}

/* What one wait has brought. 0 to go on, or -1 with err. */
static int
attend(struct transfer *t, short control, short data)
{
	/* The last word first: it is the better reason. */
	if (control != 0 && listen_to(t) != 0) {
		salvage(t);
		return -1;
	}
	return data != 0 && t->fd >= 0 ? move(t) : 0;
}

/* Nothing is left but the server's word, and what it would say about is proven
 * in another way. */
static int
is_enough(const struct transfer *t)
{
	return t->hurry && t->closed && t->begun && t->problem == 0 &&
	       t->at == t->whole;
}

static int
run(struct transfer *t)
{
	struct ftp *f = t->f;
	struct pollfd fds[2];

	while (!t->moved || t->final == 0) {
		if (t->moved && is_enough(t)) {
			f->tail = 1;
			return 0;
		}
		memset(fds, 0, sizeof fds);
		fds[0].fd = t->final == 0 ? f->fd : -1;
		fds[0].events = POLLIN;
		fds[1].events = wanted(t);
		fds[1].fd = fds[1].events != 0 ? t->fd : -1;
		if (ftp_wait(f, fds, 2, t->until_ns, t->path, t->e) != 0)
			goto fail;
		if (attend(t, fds[0].revents, fds[1].revents) != 0)
			return -1;
	}
	if (t->problem == 0)
		return 0;
fail:
	if (t->problem != 0)
		ftp_break(f, t->path, t->e, "data connection: %s",
		    strerror(t->problem));
	return -1;
}

/* The whole of a transfer; verb and t are filled. 0, 1 or -1. */
static int
transfer(struct transfer *t, const char *verb, const char *arg, uint64_t from)
{
	struct ftp_batch b = {{0}, 0, 0, 0};
	struct ftp *f = t->f;
	int ret;

	t->fd = -1;
	f->reads = t->from_fd < 0;
	t->hurry = f->hurry;
	t->whole = f->hurry_len;
	f->hurry = f->expect = 0;
	ret = ftp_prepare(f, t->path, t->e);
	if (ret == 0)
		ret = begin(t, from);
	if (ret != 0)
		goto out;
	ret = -1;
	ftp_batch_add(&b, verb, arg);
	if (ftp_send(f, &b, t->path, t->e) == 0)
		ret = run(t);
	/* An answer that is still to come would be taken for another's. */
	if (f->owed > f->tail)
		f->broken = 1;
out:
	f->reads = 0;
	if (t->fd >= 0)
		close(t->fd);
	return ret;
}

/* 550 says little; where the file can be seen, it may not be read. */
static void
explain(struct ftp *f, const char *path, struct err *e)
{
	uint64_t size;

	if (e == NULL || e->kind != ERR_NO || f->broken || f->code != 550)
		return;
	if (ftp_size(f, path, &size, NULL) == 0)
		e->kind = ERR_DENIED;
}

int
ftp_get(struct ftp *f, const char *path, uint64_t from, uint64_t max,
    ftp_sink *sink, void *arg, struct err *e)
{
	struct transfer t;
	int ret;

	memset(&t, 0, sizeof t);
	t.f = f;
	t.path = path;
	t.e = e;
	t.from_fd = -1;
	t.sink = sink;
	t.sink_arg = arg;
	t.max = max;
	ret = transfer(&t, "RETR", path, from);
	if (ret < 0 && !t.begun)
		explain(f, path, e);
	return ret;
}

int
ftp_put(struct ftp *f, const char *path, uint64_t from, int fd, uint64_t len,
    int (*moved)(void *arg, uint64_t so_far, struct err *e), void *arg,
    struct err *e)
{
	struct transfer t;
	int ret;

	memset(&t, 0, sizeof t);
	t.f = f;
	t.path = path;
	t.e = e;
	t.from_fd = fd;
	t.at = from;
	t.len = len;
	t.told = moved;
	t.told_arg = arg;
	ret = transfer(&t, "STOR", path, from);
	/* Some refuse only here what they have promised at REST. */
	if (ret < 0 && from > 0 && !t.begun && !f->broken && t.final >= 400 &&
	    (t.final == 451 || t.final == 501 || t.final == 504))
		return 1;
	return ret;
}

/* --- names -----------------------------------------------------------------
 */

static int
keep(void *arg, const void *bytes, size_t len, struct err *e)
{
	if (buf_append(arg, bytes, len) != 0)
		return err_set(e, ERR_LOCAL, "out of memory");
	return 0;
}

static void
tell_names(struct buf *list, int (*each)(void *arg, const char *name),
    void *arg)
{
	char *at = buf_text(list), *end, *slash;

	for (; at != NULL && *at != '\0'; at = end) {
		end = at + strcspn(at, "\n");
		if (*end == '\n')
			*end++ = '\0';
		at[strcspn(at, "\r")] = '\0';
		slash = strrchr(at, '/');
		if (slash != NULL)
			at = slash + 1;
		if (*at != '\0' && strcmp(at, ".") != 0 &&
		    strcmp(at, "..") != 0 && each(arg, at) != 0)
			return;
	}
}

int
ftp_names(struct ftp *f, const char *dir,
    int (*each)(void *arg, const char *name), void *arg, struct err *e)
{
	struct buf list = BUF_INIT;
	char front[FTP_PATH_MAX + sizeof "./"];
	struct transfer t;
	int ret;

	memset(&t, 0, sizeof t);
	t.f = f;
	t.path = dir;
	t.e = e;
	t.from_fd = -1;
	t.sink = keep;
	t.sink_arg = &list;
	t.max = FTP_NAMES_MAX;
	/* Servers take what begins with '-' for options of ls. */
	snprintf(front, sizeof front, "%s%s", dir[0] == '-' ? "./" : "", dir);
	ret = transfer(&t, "NLST", dir[0] != '\0' ? front : NULL, 0);
	if (ret == 0)
		tell_names(&list, each, arg);
	else if (ret < 0 && !f->broken && (t.final == 450 || t.final == 550))
		ret = 1;
	buf_free(&list);
	return ret;
}
