#ifndef PEER_CLIENT_H
#define PEER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "peer/link.h"
#include "peer/result.h"
#include "peer/time.h"
#include "update/doc.h"
#include "update/keyring.h"

/*
 * The client's side of the protocol, without sockets and without Lua: log in,
 * verify what the host sends, hand it to the program, answer with results,
 * come back after a break. One client outlives its connections.
 *
 * A signed revert of an id takes away, besides that update, an older one of
 * its feature that runs here: elsewhere it was superseded by the reverted one
 * while this client was away, and must not be the one that stays behind.
 */

struct client;

/*
 * What the program did. apply: APPLIED and HAVE mean that the part runs now
 * and those in drop do not; anything else that nothing changed (PARTIAL: as
 * far as that can be undone). revert: REVERTED and PARTIAL mean that they are
 * gone, anything else that they run on.
 */
struct client_applied {
	enum result result; /* APPLIED, HAVE, FAILED, PARTIAL, HUNG, REVERTED */
	const char *text;   /* report or error, clean lines; may be NULL */
	size_t len;
	int64_t took_ns;
};

/* apply and revert must be there, the others may be NULL. Of this client they
 * may call client_send and what only asks. */
struct client_callbacks {
	void *arg;
	/* A client part enters the program, those in drop leave it, in one
	 * step; nothing of it was run before. */
	void (*apply)(void *arg, const struct doc *d, const void *part,
	    size_t len, const uint64_t *drop, size_t ndrop,
	    struct client_applied *out);
	/* The updates named in drop leave the program, in one step. */
	void (*revert)(void *arg, const uint64_t *drop, size_t ndrop,
	    struct client_applied *out);
	/* Logged in, and the updates that were waiting have their results. */
	void (*welcome)(void *arg);
	void (*message)(void *arg, const void *bytes, size_t len);
	/* A connection that had its welcome ended, with the reason; unless
	 * client_failed, a new one will be tried. */
	void (*gone)(void *arg, const char *why);
	/* An update took effect here ("applied", "have") or left ("reverted",
	 * "partial"). */
	void (*updated)(void *arg, uint64_t id, const char *feature,
	    const char *result);
	/* One line for the log, clean, without LF. */
	void (*log)(void *arg, const char *line);
	/* client_next_ns or client_wants_connection may tell something new. */
	void (*rearm)(void *arg);
};

struct client_config {
	const char *id; /* clean, without space, at most HOST_ID bytes */
	/* Clean, at most HOST_LABEL bytes; or NULL. */
	const char *program, *version, *platform, *release;
	const char *host_name; /* the greeting's name must be this; or NULL */
	const void *token;     /* or NULL; copied */
	size_t token_len;
	struct keyring *keys; /* taken over, left empty */
	int64_t floor_us;     /* the host's time is never before this: the
				 program's build time */
	uint64_t seed;        /* of the jitter; 0: from the kernel */
	struct peer_clock clock;
	struct client_callbacks cb;
};

/* Waiting between attempts: doubled each time, up to the maximum, each wait
 * spread over its second half, so that ten thousand clients do not come back
 * in one second. Reset once a login held for CLIENT_STABLE_NS. */
#define CLIENT_RETRY_FIRST_NS INT64_C(250000000)
#define CLIENT_RETRY_MAX_NS   INT64_C(30000000000)
#define CLIENT_STABLE_NS      INT64_C(10000000000)
/* Connect, greeting and welcome must be through in this time. */
#define CLIENT_LOGIN_NS       INT64_C(20000000000)

/* The owner has this long to close a connection that was given up. */
#define CLIENT_END_NS INT64_C(2000000000)

/* NULL with err: a text is not as it must be, no memory, no random bytes. */
struct client *client_new(const struct client_config *config, struct err *e);
void client_free(struct client *c);

/*
 * The owner connects when client_wants_connection says so, then tells of it:
 * a new connection stands (its link is client_link, fresh), or it ended or
 * could not be made (why is shown). After client_closed the link holds
 * nothing. A connection, or an attempt at one, is also to be closed when its
 * link is dead or drained.
 */
int client_wants_connection(const struct client *c);
void client_connecting(struct client *c); /* an attempt is under way */
void client_opened(struct client *c);
void client_closed(struct client *c, const char *why);
struct link *client_link(struct client *c);

/* The next instant at which client_tick has something to do; -1: none. */
int64_t client_next_ns(const struct client *c);
void client_tick(struct client *c);

/* To the host's program: 0, or -1: not logged in, or more than FRAME_BODY_MAX
 * bytes. It works before the welcome event already. */
int client_send(struct client *c, const void *bytes, size_t len);

/* 1 when no new connection is wanted any more: another login took the id
 * (replaced), the host speaks another version, or it is not the host that
 * was expected; why says which. "denied" is tried again like a break, since
 * a host may learn of a player later. */
int client_failed(const struct client *c, const char **why);

/* 1 from the welcome event until the connection ends. */
int client_is_welcome(const struct client *c);
/* The ids that run, ascending: at most max are stored, all are counted. */
size_t client_have(const struct client *c, uint64_t *ids, size_t max);

#endif
