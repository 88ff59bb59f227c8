/* From a target to a connected socket. */

#include "peer/dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "peer/attach.h"

static void on_due(void *arg);
static void on_writable(void *arg, int events);

static void
stop_attempt(struct dial *d)
{
	if (d->fd < 0)
		return;
	loop_unwatch(d->loop, &d->io);
	close(d->fd);
	d->fd = -1;
}

static void
stop_resolving(struct dial *d)
{
	if (!d->is_resolving)
		return;
	loop_unwatch(d->loop, &d->io);
	sock_resolve_cancel(&d->resolve);
	d->is_resolving = 0;
}

static void
set_why(struct dial *d, const char *reason)
{
	int is_v6 = strchr(d->target.address, ':') != NULL;

	snprintf(d->why, sizeof d->why, "%s%s%s:%u: %s", is_v6 ? "[" : "",
	    d->target.address, is_v6 ? "]" : "", (unsigned)d->target.port,
	    reason);
}

static void
finish(struct dial *d, int fd)
{
	loop_timer_cancel(d->loop, &d->timer);
	d->done(d->arg, fd, fd < 0 ? d->why : NULL);
}

static int
set_deadline(struct dial *d)
{
	return loop_timer_set(d->loop, &d->timer,
	    clock_mono_ns() + ATTACH_CONNECT_NS, on_due, d);
}

/* The next address that can be tried; when there is none it has failed, for
 * the reason that the last one gave. */
static void
try_next(struct dial *d)
{
	while (d->next < d->resolve.n) {
		d->fd = sock_connect(&d->resolve.addrs[d->next++]);
		if (d->fd < 0) {
			set_why(d, strerror(errno));
			continue;
		}
		memset(&d->io, 0, sizeof d->io);
		if (loop_watch(d->loop, &d->io, d->fd, LOOP_WRITE, on_writable,
			d) == 0 &&
		    set_deadline(d) == 0)
			return;
		set_why(d, "out of memory");
		stop_attempt(d);
	}
	finish(d, -1);
}

static void
on_writable(void *arg, int events)
{
	struct dial *d = arg;
	int fd = d->fd;

	(void)events;
	if (sock_connected(fd) != 0) {
		set_why(d, strerror(errno));
		stop_attempt(d);
		try_next(d);
		return;
	}
	loop_unwatch(d->loop, &d->io);
	d->fd = -1;
	finish(d, fd);
}

static void
take_addresses(struct dial *d)
{
	struct err e;

	if (sock_resolve_finish(&d->resolve, &e) == 0) {
		try_next(d);
		return;
	}
	snprintf(d->why, sizeof d->why, "%s", e.text);
	finish(d, -1);
}

static void
on_answer(void *arg, int events)
{
	struct dial *d = arg;

	(void)events;
	loop_unwatch(d->loop, &d->io);
	d->is_resolving = 0;
	take_addresses(d);
}

static void
begin(void *arg)
{
	struct dial *d = arg;
	struct err e;

	if (sock_resolve_start(&d->resolve, d->target.address, d->target.port,
		&e) != 0) {
		snprintf(d->why, sizeof d->why, "%s", e.text);
		finish(d, -1);
		return;
	}
	if (d->resolve.fd < 0) {
		take_addresses(d);
		return;
	}
	d->is_resolving = 1;
	if (loop_watch(d->loop, &d->io, d->resolve.fd, LOOP_READ, on_answer,
		d) == 0 &&
	    set_deadline(d) == 0)
		return;
	stop_resolving(d);
	set_why(d, "out of memory");
	finish(d, -1);
}

/* Too late: for the look-up, or for this address. */
static void
on_due(void *arg)
{
	struct dial *d = arg;

	if (d->is_resolving) {
		stop_resolving(d);
		set_why(d, "the name server does not answer");
		finish(d, -1);
		return;
	}
	stop_attempt(d);
	set_why(d, strerror(ETIMEDOUT));
	try_next(d);
}

int
dial_start(struct dial *d, struct loop *l, const struct sock_target *t,
    void (*done)(void *arg, int fd, const char *why), void *arg)
{
	memset(d, 0, sizeof *d);
	d->done = done;
	d->arg = arg;
	d->loop = l;
	d->target = *t;
	d->resolve.fd = -1;
	d->fd = -1;
	/* From the loop, so that even a failure at once comes later. */
	return loop_timer_set(l, &d->timer, clock_mono_ns(), begin, d);
}

void
dial_cancel(struct dial *d)
{
	if (d->loop == NULL)
		return;
	loop_timer_cancel(d->loop, &d->timer);
	stop_resolving(d);
	stop_attempt(d);
}
