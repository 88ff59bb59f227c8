#ifndef PEER_ATTACH_H
#define PEER_ATTACH_H

#include "base/err.h"
#include "net/loop.h"
#include "net/sock.h"
#include "peer/client.h"
#include "peer/host.h"
#include "peer/operator.h"

/*
 * The one place where parties meet sockets: a host behind listeners, a
 * client that connects and comes back, an operator's one connection; all in
 * one loop, none of it blocking.
 *
 * A connection that ends is let out in peace (peer/conn.h), so it may be here
 * for a while after its party is through with it. None of the stops may be
 * called from a callback of the party that it stops.
 */

struct attach; /* a loop's connections; several parties may share one */

struct attach *attach_new(struct loop *l);
void attach_free(struct attach *a); /* everything below was stopped */

/*
 * Listen and serve. The host's rearm callback must call attach_host_rearm.
 * Addresses got are in bound[i]. NULL with err naming the address.
 */
struct attach_host;
struct attach_host *attach_host_start(struct attach *a, struct host *h,
    const struct sock_addr *listen, size_t nlisten, struct sock_addr *bound,
    struct err *e);
void attach_host_rearm(struct attach_host *ah);
/* Close the listeners and every connection. */
void attach_host_stop(struct attach_host *ah);
/* 1 while a connection still has bytes to send, or its peer has not taken
 * leave yet; both within bounds of time. */
int attach_host_is_draining(const struct attach_host *ah);

/* Connect the client to this target whenever it wants a connection. The
 * client's rearm callback must call attach_client_rearm. NULL: out of
 * memory. */
struct attach_client;
struct attach_client *attach_client_start(struct attach *a, struct client *c,
    const struct sock_target *target);
void attach_client_rearm(struct attach_client *ac);
/* The socket, while it stands and all that was queued for it has been sent, so
 * that a whole frame may be put on it; else -1. */
int attach_client_idle_fd(const struct attach_client *ac);
/* Close at once; the client is told that its connection ended. */
void attach_client_stop(struct attach_client *ac);

/* A look-up, and each of a target's addresses, has this long. */
#define ATTACH_CONNECT_NS INT64_C(10000000000)

/*
 * One connection for an operator. A failure to connect is told by the
 * operator's error callback, from the loop, with the target and the reason.
 * NULL: out of memory.
 */
struct attach_operator;
struct attach_operator *attach_operator_start(struct attach *a,
    struct operator_side *o, const struct sock_target *target);
void attach_operator_stop(struct attach_operator *ao);

#endif
