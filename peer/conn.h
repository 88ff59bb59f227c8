#ifndef PEER_CONN_H
#define PEER_CONN_H

#include "net/loop.h"
#include "peer/link.h"

/*
 * Within this folder: a link on a connected socket. Bytes are read in pieces
 * and no more of them in a turn than is fair to others; what is queued is
 * written in the loop's next turn, not in the stack of whoever queued it.
 *
 * An ending link is let out in peace: its queue is written, then our side is
 * shut, then what the peer still sends is read and thrown away until it ends
 * as well. Closing over unread bytes would reset the connection, and the
 * peer would lose the last ERROR.
 */

/* The peer has this long to take the last bytes of an ending link: the
 * queue of other things than a login at 300 KB/s. */
#define CONN_DRAIN_NS  INT64_C(30000000000)
/* And this long to end as well. */
#define CONN_LINGER_NS INT64_C(2000000000)

struct conn;

/* The connections of one loop, of all parties. */
struct conns {
	struct loop *loop;
	struct conn *first, *last; /* those with something to do */
	struct loop_timer timer;
};

/* Lives in its owner. */
struct conn {
	struct conns *conns;
	struct link *link;
	/* The socket is closed, the link is of no concern any more; why is
	 * the reason in words. The owner may free the conn. */
	void (*ended)(void *arg, const char *why);
	/* Bytes went in or out; may be NULL. */
	void (*turned)(void *arg);
	void *arg;
	/* the rest is the conn's own */
	struct loop_io io;
	struct loop_timer timer; /* of the drain, then of the lingering */
	struct conn *next, *prev;
	int fd;
	int is_listed, is_reading;
	int eof;
	int draining, lingering;
	const char *why;
};

void conns_init(struct conns *s, struct loop *l);
void conns_free(struct conns *s); /* every conn was stopped or has ended */

/* Carry the link's bytes over this connected socket, which is the conn's
 * then. 0, or -1 with errno: the socket is still the caller's. */
int conn_start(struct conn *c, struct conns *s, int fd, struct link *l,
    void (*ended)(void *arg, const char *why), void (*turned)(void *arg),
    void *arg);

/* Close at once; ended is not called. Not from an event of the link. */
void conn_stop(struct conn *c);

/* 1 while bytes are to be sent, or the peer has not taken leave of a link
 * that ended. */
int conn_is_draining(const struct conn *c);

#endif
