/* The loop's back end on poll(2). */

#include "net/loop_internal.h"

#include <poll.h>
#include <stdlib.h>

#define POLL_FIRST 16 /* descriptors of the first allocation */

struct poll {
	struct pollfd *fds; /* with events only */
	struct loop_io **ios;
	size_t len, cap;
	size_t next; /* where the next round begins, so that none starves */
};

static void *
poll_open(void)
{
	return calloc(1, sizeof(struct poll));
}

static void
poll_close(void *state)
{
	struct poll *p = state;

	free(p->fds);
	free(p->ios);
	free(p);
}

static int
grow(struct poll *p)
{
	size_t cap = p->cap > 0 ? p->cap * 2 : POLL_FIRST;
	struct pollfd *fds;
	struct loop_io **ios;

	fds = realloc(p->fds, cap * sizeof *fds);
	if (fds == NULL)
		return -1;
	p->fds = fds;
	ios = realloc(p->ios, cap * sizeof *ios);
	if (ios == NULL)
		return -1;
	p->ios = ios;
	p->cap = cap;
	return 0;
}

static void
put(struct poll *p, size_t i, struct pollfd fd, struct loop_io *io)
{
	p->fds[i] = fd;
	p->ios[i] = io;
	io->place = i;
}

static int
poll_set(void *state, struct loop_io *io, int events)
{
	struct poll *p = state;
	struct pollfd fd = {io->fd, 0, 0};

	if (events == 0) {
		p->len--;
		put(p, io->place, p->fds[p->len], p->ios[p->len]);
		return 0;
	}
	if (events & LOOP_READ)
		fd.events |= POLLIN;
	if (events & LOOP_WRITE)
		fd.events |= POLLOUT;
	if (io->events == 0) {
		if (p->len == p->cap && grow(p) != 0)
			return -1;
		io->place = p->len++;
	}
	put(p, io->place, fd, io);
	return 0;
}

static int
poll_next(void *state, int timeout_ms, struct loop_ready *ready)
{
	struct poll *p = state;
	int left = poll(p->fds, (nfds_t)p->len, timeout_ms);
	int n = 0;
	size_t seen;

	if (left < 0)
		return -1;
	for (seen = 0; seen < p->len && left > 0 && n < LOOP_BATCH; seen++) {
		size_t i = (p->next + seen) % p->len;
		int got = p->fds[i].revents;

		if (got == 0)
			continue;
		left--;
		ready[n].io = p->ios[i];
		ready[n].events =
		    (got & POLLIN ? LOOP_READ : 0) |
		    (got & POLLOUT ? LOOP_WRITE : 0) |
		    (got & (POLLERR | POLLHUP | POLLNVAL) ? LOOP_HANGUP : 0);
		n++;
	}
	/* All were told: the start need not move. */
	if (left > 0)
		p->next = (p->next + seen) % p->len;
	return n;
}

static const struct loop_ops ops = {poll_open, poll_close, poll_set, poll_next};

const struct loop_ops *const loop_poll_ops = &ops;
