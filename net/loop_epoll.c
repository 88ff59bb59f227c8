/* The loop's back end on epoll(7), level-triggered. */

#include "net/loop_internal.h"

#ifdef __linux__

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct epoll {
	int fd;
	struct epoll_event events[LOOP_BATCH];
};

static void *
epoll_open(void)
{
	struct epoll *p = malloc(sizeof *p);

	if (p == NULL)
		return NULL;
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0) {
		free(p);
		return NULL;
	}
	return p;
}

static void
epoll_close(void *state)
{
	struct epoll *p = state;

	close(p->fd);
	free(p);
}

static int
epoll_set(void *state, struct loop_io *io, int events)
{
	struct epoll *p = state;
	struct epoll_event ev = {0};
	int op = EPOLL_CTL_MOD;

	if (events & LOOP_READ)
		ev.events |= EPOLLIN;
	if (events & LOOP_WRITE)
		ev.events |= EPOLLOUT;
	ev.data.ptr = io;
	/* epoll tells hang-ups of whatever it holds, so a descriptor for
	 * which nothing is asked is taken out. */
	if (events == 0)
		op = EPOLL_CTL_DEL;
	else if (io->events == 0)
		op = EPOLL_CTL_ADD;
	return epoll_ctl(p->fd, op, io->fd, &ev);
}

static int
epoll_next(void *state, int timeout_ms, struct loop_ready *ready)
{
	struct epoll *p = state;
	int n = epoll_wait(p->fd, p->events, LOOP_BATCH, timeout_ms);
	int i;

	for (i = 0; i < n; i++) {
		uint32_t got = p->events[i].events;

		ready[i].io = p->events[i].data.ptr;
		ready[i].events =
		    (got & EPOLLIN ? LOOP_READ : 0) |
		    (got & EPOLLOUT ? LOOP_WRITE : 0) |
		    (got & (EPOLLERR | EPOLLHUP) ? LOOP_HANGUP : 0);
	}
	return n;
}

static const struct loop_ops ops = {
    epoll_open, epoll_close, epoll_set, epoll_next};

const struct loop_ops *const loop_epoll_ops = &ops;

#else

const struct loop_ops *const loop_epoll_ops = NULL;

#endif
