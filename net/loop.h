#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdint.h>

#include "base/heap.h"

/*
 * A readiness loop: epoll(7), or poll(2) where asked for or where there is
 * no epoll. One thread. Callbacks may add, change and remove anything,
 * themselves included; after remove or cancel a callback does not come.
 */
struct loop;

enum loop_backend { LOOP_BEST, LOOP_EPOLL, LOOP_POLL };

/* An error or a hang-up is told as both, whichever was asked for. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* By name: "epoll", "poll"; NULL is the best. 0, or -1: another name. */
int loop_backend_parse(enum loop_backend *out, const char *name);

struct loop *loop_new(enum loop_backend backend); /* NULL: errno is set */
/* Watches and timers are their owners'; none may be left. */
void loop_free(struct loop *l);

/* A descriptor that is watched; lives in its owner, zeroed before use. */
struct loop_io {
	void (*ready)(void *arg, int events);
	void *arg;
	int fd;
	int events; /* asked for: LOOP_READ, LOOP_WRITE or both; 0: nothing
		       comes, not even a hang-up */
	/* the loop's own */
	int added;
	size_t place; /* of the back end */
	size_t turn;  /* 1 + index among those that are ready now */
};

/* Begin to watch, or change what for. 0, or -1 with errno set (EPERM: epoll
 * takes no regular files). */
int loop_watch(struct loop *l, struct loop_io *io, int fd, int events,
    void (*ready)(void *arg, int events), void *arg);
int loop_change(struct loop *l, struct loop_io *io, int events);
/* Before the descriptor is closed. Fine when not watched. */
void loop_unwatch(struct loop *l, struct loop_io *io);

/* A deadline (clock_mono_ns); lives in its owner, zeroed before use. */
struct loop_timer {
	struct heap_item item; /* first: the heap hands it back */
	void (*due)(void *arg);
	void *arg;
};

int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t deadline_ns,
    void (*due)(void *arg), void *arg); /* 0, or -1: out of memory */
void loop_timer_cancel(struct loop *l, struct loop_timer *t);

/*
 * Wait for what is next, but no longer than wait_ms (-1: as long as it
 * takes, 0: not at all), and run its callbacks: descriptors, then timers in
 * the order of their deadlines. 0, or -1 with errno set (EINTR: a signal
 * came). Not from within a callback.
 */
int loop_once(struct loop *l, int wait_ms);

#endif
