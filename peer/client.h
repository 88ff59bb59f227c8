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
 *
 * With a state folder (peer/keep.h) updates outlive the process, and so do the
 * highest ids and the reverts. A change is durable before it is answered. When
 * the folder cannot be written, an update runs all the same and the log says
 * that it is not kept.
 *
 * With one, what expires is judged at a start by the latest time that a host
 * told until the end before, to a minute: there may be no host to ask. The next
 * greeting takes the place of that, since hosts may be wrong, too.
 *
 * With a state folder an update may crash the program twice in a row: before it
 * is applied, here or at a start, its try is made durable, and it is proven
 * after CLIENT_PROVEN_NS, by client_proven or by client_free. After KEEP_TRIES
 * tries without proof it is left out at the next start, and answered "crashed"
 * when a host hands it out again, until something newer of its feature comes.
 * What was proven once is not tried again: a player may kill the game twice in
 * a row, and what ran for days stays.
 *
 * A document with a package is applied when its package is here. Until then it
 * is being fetched: it neither runs nor waits, what it will supersede runs on,
 * and of its feature nothing older is taken. Breaks of the connection do not
 * end that. But a login does not tell what is being fetched, so a host hands
 * it out again if it is still to be had; what it does not hand out (it was
 * reverted, retired or superseded meanwhile, or this host never knew it) is
 * not fetched on.
 */

struct client;

/*
 * What the program did.
 *
 * apply: APPLIED and HAVE mean that the part runs now, DEFERRED that it waits
 * in the program for its event (the document's "on", or one of its own); with
 * these, the updates in drop are gone, running or waiting. Anything else that
 * nothing changed (PARTIAL: as far as that can be undone).
 *
 * revert: REVERTED and PARTIAL mean that they are gone, running or waiting;
 * anything else that they run, or wait, on.
 *
 * check: READY that it would be applied.
 *
 * client_settled: APPLIED and HAVE that what waited runs now; anything else
 * that it left the program.
 *
 * client_fetched: READY that the package is here; GAVE_UP that all tries
 * failed, REFUSED that no try would help (word says why: NEEDS, its base
 * release is not here); anything else that it failed. So for fetch that
 * returns -1.
 */
struct client_applied {
	enum result result;
	const char *text; /* report or error, clean lines; may be NULL */
	size_t len;
	int64_t took_ns;
	enum word word; /* of REFUSED, which is for fetching alone */
};

/* apply and revert must be there, the others may be NULL. Of this client they
 * may call client_send, client_set_release and what only asks; due, welcome,
 * message, gone and updated also client_settled, client_checked, client_trying
 * and client_proven. */
struct client_callbacks {
	void *arg;
	/* A client part enters the program, those in drop leave it, in one
	 * step; nothing of it was run before. Of a document with a package
	 * that is here; without a client part then part is NULL, len 0. */
	void (*apply)(void *arg, const struct doc *d, const void *part,
	    size_t len, const uint64_t *drop, size_t ndrop,
	    struct client_applied *out);
	/* The updates named in drop leave the program, in one step. */
	void (*revert)(void *arg, const uint64_t *drop, size_t ndrop,
	    struct client_applied *out);
	/* Would apply do it? Nothing changes. 1: out is filled (READY,
	 * FAILED, HUNG). 0: client_checked gives the answer later, exactly
	 * once, never from within check; d and part live until then. NULL:
	 * checks are refused as unsupported. */
	int (*check)(void *arg, const struct doc *d, const void *part,
	    size_t len, const uint64_t *drop, size_t ndrop,
	    struct client_applied *out);
	/* The package of the document, or its full one, is brought here:
	 * fetched, not before delay_ns from now, verified, unpacked aside.
	 * from and full_from: addresses of the two that the host says are
	 * nearer than their own, clean text and nothing more, or NULL. They
	 * live for this call. 1: it is here already, apply may follow at
	 * once. 0: client_fetched tells later, exactly once, never from within
	 * this call; d lives until then or until fetch_cancel.
	 * -1: it cannot be had, out says why. NULL: documents with packages
	 * are refused as unsupported. */
	int (*fetch)(void *arg, const struct doc *d, const char *from,
	    const char *full_from, int64_t delay_ns,
	    struct client_applied *out);
	/* Nobody wants it any more: no client_fetched for it. To be there when
	 * fetch is. Called by client_free, too. */
	void (*fetch_cancel)(void *arg, uint64_t id);
	/* The document's "by" has passed: what waits for the document's event
	 * is applied now. The result comes by client_settled, perhaps during
	 * this call. Once for an update. NULL: it waits on. */
	void (*due)(void *arg, uint64_t id);
	/* Logged in, and the updates that were waiting have their results;
	 * deferred and fetching are such here. */
	void (*welcome)(void *arg);
	void (*message)(void *arg, const void *bytes, size_t len);
	/* A connection that had its welcome ended, with the reason; unless
	 * client_failed, a new one will be tried. */
	void (*gone)(void *arg, const char *why);
	/* An update took effect here ("applied", "have") or left ("reverted",
	 * "partial"); or one that waited was settled, whatever the result. */
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
	const char *state_dir; /* NULL: nothing is kept */
	struct keyring *keys;  /* taken over, left empty */
	int64_t floor_us;      /* the host's time is never before this: the
				  program's build time */
	uint64_t seed;         /* of the jitter; 0: from the kernel */
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

/* An update that has run for so long did not crash the program. */
#define CLIENT_PROVEN_NS INT64_C(10000000000)

/* Documents that were checked and are not applied or dropped yet. A host runs
 * one push at a time; a second one is what a lost DROP leaves. */
#define CLIENT_CHECKED 2

/* Documents whose packages are being fetched, one of a feature; more are
 * refused as full. A game has a handful of packages, and each may take a
 * process of the owner's and holds its client part in memory. */
#define CLIENT_FETCHES 16

/* NULL with err: a text is not as it must be, no memory, no random bytes, or
 * the state folder is refused (ERR_LOCAL, see keep_open). It may block for as
 * long as reading the folder's state takes. */
struct client *client_new(const struct client_config *config, struct err *e);
/* The end in order: what runs has proven itself. */
void client_free(struct client *c);

/*
 * With a state folder: to be called once, after the program's script ran;
 * no connection is wanted before. Every kept document is verified again, with
 * the keys of now. One that is not good any more (key, digest, expiry, program,
 * version, platform) or crashed is left out, and the log says why; the others
 * are applied in the order of ids. What fails is left out too. What has a
 * package is fetched first when that is not here, and applied when it comes.
 * Without a state folder it does nothing.
 */
void client_begin(struct client *c);

/* The result of what was deferred, in out. Ignored when the id does not wait
 * (any more). Not from within apply, revert or check. */
void client_settled(struct client *c, uint64_t id,
    const struct client_applied *out);
/* The answer of a check that had none at once. */
void client_checked(struct client *c, uint64_t id,
    const struct client_applied *out);
/* What became of a fetch that had no answer at once. Ignored when the id is not
 * being fetched (any more). Not from within any callback. */
void client_fetched(struct client *c, uint64_t id,
    const struct client_applied *out);
/* The release that is in force here, for the next LOGIN. "" or NULL: none.
 * What is no clean text of at most HOST_LABEL bytes, or finds no memory,
 * changes nothing. */
void client_set_release(struct client *c, const char *release);
/* The event of what was deferred has come and it is about to be applied: its
 * try is made durable first. Without this call, and before due, which does it,
 * a crash there is not counted. */
void client_trying(struct client *c, uint64_t id);
/* The program says that it runs well: so do all updates that run here. */
void client_proven(struct client *c);

/*
 * The owner connects when client_wants_connection says so, then tells of it:
 * a new connection stands (its link is client_link, fresh), or it ended or
 * could not be made (why is shown). After client_closed the link holds
 * nothing. A connection, or an attempt at one, is also to be closed when its
 * link is dead or drained.
 */
/* No connection is wanted any more: the process ends. */
void client_ends(struct client *c);
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
/* The ids that run, those that are deferred, and those whose packages are
 * being fetched, ascending: at most max are stored, all are counted. */
size_t client_have(const struct client *c, uint64_t *ids, size_t max);
size_t client_waiting(const struct client *c, uint64_t *ids, size_t max);
size_t client_fetching(const struct client *c, uint64_t *ids, size_t max);

#endif
