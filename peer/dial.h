#ifndef PEER_DIAL_H
#define PEER_DIAL_H

#include "base/err.h"
#include "net/loop.h"
#include "net/sock.h"

/*
 * Within this folder: connect to a target, its addresses tried in turn, none
 * of it blocking.
 */

struct dial {
	/* Once, from the loop: the connected socket, which is the owner's
	 * then; or -1 with the target and the reason. */
	void (*done)(void *arg, int fd, const char *why);
	void *arg;
	/* the rest is the dial's own */
	struct loop *loop;
	struct sock_target target;
	struct sock_resolve resolve;
	struct loop_io io;
	struct loop_timer timer;
	int is_resolving;
	size_t next; /* address to try */
	int fd;      /* of the attempt, or -1 */
	char why[ERR_TEXT];
};

/* The look-up and each address have this long (nanoseconds). 0, or -1: out of
 * memory, done will not be called. */
int dial_start(struct dial *d, struct loop *l, const struct sock_target *t,
    void (*done)(void *arg, int fd, const char *why), void *arg);

/* Give it up; done is not called. Fine after it was, and on one that is all
 * zeros. */
void dial_cancel(struct dial *d);

#endif
