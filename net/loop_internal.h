#ifndef NET_LOOP_INTERNAL_H
#define NET_LOOP_INTERNAL_H

#include <stddef.h>

#include "net/loop.h"

/* What the common part of the loop and its back ends share. */

#define LOOP_BATCH 256 /* descriptors of one round; timers wait that long */

enum { LOOP_HANGUP = 4 }; /* beside LOOP_READ, LOOP_WRITE: both, asked or not */

struct loop_ready {
	struct loop_io *io; /* NULL: not watched any more */
	int events;
};

/*
 * A back end has one state of its own. It keeps nothing about a descriptor
 * for which no events are asked, and never calls out.
 */
struct loop_ops {
	void *(*open)(void); /* NULL: errno is set */
	void (*close)(void *state);
	/* From io->events (0: unknown to the back end) to events. To ask for
	 * less than before does not fail. 0, or -1 with errno set. */
	int (*set)(void *state, struct loop_io *io, int events);
	/* Wait (-1: for ever) and fill at most LOOP_BATCH; how many, or -1
	 * with errno set. */
	int (*wait)(void *state, int timeout_ms, struct loop_ready *ready);
};

extern const struct loop_ops *const loop_epoll_ops; /* NULL: there is none */
extern const struct loop_ops *const loop_poll_ops;

#endif
