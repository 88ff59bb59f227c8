/* The readiness loop: what its back ends have in common, and the timers. */

#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/loop_internal.h"

#define NS_PER_MS 1000000

struct loop {
	const struct loop_ops *ops;
	void *state;
	struct heap timers;
	struct loop_ready ready[LOOP_BATCH];
};

int
loop_backend_parse(enum loop_backend *out, const char *name)
{
	if (name == NULL)
		*out = LOOP_BEST;
	else if (strcmp(name, "epoll") == 0)
		*out = LOOP_EPOLL;
	else if (strcmp(name, "poll") == 0)
		*out = LOOP_POLL;
	else
		return -1;
	return 0;
}

struct loop *
loop_new(enum loop_backend backend)
{
	const struct loop_ops *ops = NULL;
	struct loop *l;

	switch (backend) {
	case LOOP_BEST:
		ops = loop_epoll_ops != NULL ? loop_epoll_ops : loop_poll_ops;
		break;
	case LOOP_EPOLL:
		ops = loop_epoll_ops;
		break;
	case LOOP_POLL:
		ops = loop_poll_ops;
		break;
	}
	if (ops == NULL) {
		errno = ENOSYS;
		return NULL;
	}
	l = calloc(1, sizeof *l);
	if (l == NULL)
		return NULL;
	l->ops = ops;
	l->state = ops->open();
	if (l->state == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	l->ops->close(l->state);
	heap_free(&l->timers);
	free(l);
}

/* --- descriptors ---------------------------------------------------------- */

static int
set_events(struct loop *l, struct loop_io *io, int events)
{
	if (events != io->events && l->ops->set(l->state, io, events) != 0)
		return -1;
	io->events = events;
	return 0;
}

int
loop_watch(struct loop *l, struct loop_io *io, int fd, int events,
    void (*ready)(void *arg, int events), void *arg)
{
	if (io->added && io->fd != fd)
		loop_unwatch(l, io);
	if (!io->added) {
		io->fd = fd;
		io->events = 0;
		io->turn = 0;
	}
	io->ready = ready;
	io->arg = arg;
	if (set_events(l, io, events) != 0)
		return -1;
	io->added = 1;
	return 0;
}

int
loop_change(struct loop *l, struct loop_io *io, int events)
{
	if (!io->added) {
		errno = ENOENT;
		return -1;
	}
	return set_events(l, io, events);
}

void
loop_unwatch(struct loop *l, struct loop_io *io)
{
	if (!io->added)
		return;
	set_events(l, io, 0);
	io->added = 0;
	/* It may be ready in this very round, and be gone after this call. */
	if (io->turn > 0)
		l->ready[io->turn - 1].io = NULL;
	io->turn = 0;
}

/* Call those that are ready. Each callback may unwatch any that come after
 * it, or change what they want: what they asked for last counts. */
static void
run_ready(struct loop *l, int n)
{
	struct loop_io *io;
	int i, events;

	for (i = 0; i < n; i++)
		l->ready[i].io->turn = (size_t)i + 1;
	for (i = 0; i < n; i++) {
		io = l->ready[i].io;
		if (io == NULL)
			continue;
		io->turn = 0;
		events = l->ready[i].events & io->events;
		if (l->ready[i].events & LOOP_HANGUP && io->events != 0)
			events = LOOP_READ | LOOP_WRITE;
		if (events != 0)
			io->ready(io->arg, events);
	}
}

/* --- timers --------------------------------------------------------------- */

int
loop_timer_set(struct loop *l, struct loop_timer *t, int64_t deadline_ns,
    void (*due)(void *arg), void *arg)
{
	t->due = due;
	t->arg = arg;
	return heap_set(&l->timers, &t->item, deadline_ns);
}

void
loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
	heap_remove(&l->timers, &t->item);
}

/* One that sets itself to the past again must not hold the loop: no more are
 * run than there were at the start. */
static void
run_timers(struct loop *l)
{
	size_t left = l->timers.len;
	struct heap_item *first;
	struct loop_timer *t;
	int64_t now_ns;

	if (left == 0)
		return;
	now_ns = clock_mono_ns();
	for (; left > 0; left--) {
		first = heap_first(&l->timers);
		if (first == NULL || first->deadline_ns > now_ns)
			return;
		heap_remove(&l->timers, first);
		t = (struct loop_timer *)first;
		t->due(t->arg);
	}
}

/* How long to wait, rounded up: to wake early is to wake twice. */
static int
timeout_ms(const struct loop *l, int wait_ms)
{
	const struct heap_item *first = heap_first(&l->timers);
	int64_t now_ns, ms;

	if (first == NULL || wait_ms == 0)
		return wait_ms;
	now_ns = clock_mono_ns();
	if (first->deadline_ns <= now_ns)
		return 0;
	ms = (first->deadline_ns - now_ns) / NS_PER_MS + 1;
	if (wait_ms < 0 || ms < wait_ms)
		wait_ms = ms < INT_MAX ? (int)ms : INT_MAX;
	return wait_ms;
}

int
loop_once(struct loop *l, int wait_ms)
{
	int n = l->ops->wait(l->state, timeout_ms(l, wait_ms), l->ready);

	if (n < 0)
		return -1;
	run_ready(l, n);
	run_timers(l);
	return 0;
}
