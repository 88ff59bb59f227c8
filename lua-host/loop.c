/* The loop that hosts and clients of one program share. */

#include "lua-host/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Somebody's descriptor. What epoll does not take (regular files are always
 * ready) is called at every step. */
struct loop_reader {
	struct hotfix_loop *loop;
	struct loop_io io;
	struct loop_timer timer;
	int fd;
	void (*ready)(void *arg);
	void *arg;
	struct loop_reader *next;
};

static int
fail(struct hotfix_error *e, int status, const char *what)
{
	struct err err;

	err_errno(&err, (enum err_kind)status, "%s", what);
	wire_error(e, &err);
	return -1;
}

struct hotfix_loop *
hotfix_loop_new(const char *backend, struct hotfix_error *e)
{
	struct hotfix_loop *l = NULL;
	enum loop_backend kind;

	errno = EINVAL;
	if (loop_backend_parse(&kind, backend) != 0)
		goto fail;
	l = calloc(1, sizeof *l);
	if (l == NULL)
		goto fail;
	l->loop = loop_new(kind);
	if (l->loop == NULL)
		goto fail;
	l->attach = attach_new(l->loop);
	if (l->attach == NULL)
		goto fail;
	return l;

fail:
	fail(e, ERR_LOCAL, "the loop");
	if (l != NULL)
		loop_free(l->loop);
	free(l);
	return NULL;
}

static void
reader_free(struct loop_reader *r)
{
	struct loop_reader **at = &r->loop->readers;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	loop_unwatch(r->loop->loop, &r->io);
	loop_timer_cancel(r->loop->loop, &r->timer);
	free(r);
}

void
hotfix_loop_free(struct hotfix_loop *l)
{
	if (l == NULL)
		return;
	while (l->readers != NULL)
		reader_free(l->readers);
	attach_free(l->attach);
	loop_free(l->loop);
	free(l);
}

int
hotfix_loop_step(struct hotfix_loop *l, int wait_ms)
{
	return loop_once(l->loop, wait_ms);
}

static void
on_ready(void *arg, int events)
{
	struct loop_reader *r = arg;

	(void)events;
	r->ready(r->arg);
}

static void
on_turn(void *arg)
{
	struct loop_reader *r = arg;

	/* Set again before calling out, where it may be taken away. That it
	 * was in the heap makes room for it. */
	loop_timer_set(r->loop->loop, &r->timer, clock_mono_ns(), on_turn, r);
	r->ready(r->arg);
}

int
hotfix_loop_read(struct hotfix_loop *l, int fd, void (*ready)(void *arg),
    void *arg, struct hotfix_error *e)
{
	struct loop_reader *r = l->readers;

	while (r != NULL && r->fd != fd)
		r = r->next;
	if (ready == NULL) {
		if (r != NULL)
			reader_free(r);
		return 0;
	}
	if (r == NULL) {
		r = calloc(1, sizeof *r);
		if (r == NULL)
			return fail(e, ERR_LOCAL, "the loop");
		r->loop = l;
		r->fd = fd;
		r->next = l->readers;
		l->readers = r;
		if (loop_watch(l->loop, &r->io, fd, LOOP_READ, on_ready, r) !=
			0 &&
		    (errno != EPERM || loop_timer_set(l->loop, &r->timer,
					   clock_mono_ns(), on_turn, r) != 0)) {
			fail(e, ERR_LOCAL, "the loop");
			reader_free(r);
			return -1;
		}
	}
	r->ready = ready;
	r->arg = arg;
	return 0;
}
