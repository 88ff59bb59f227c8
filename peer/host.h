#ifndef PEER_HOST_H
#define PEER_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/sock.h"
#include "peer/link.h"
#include "peer/result.h"
#include "peer/time.h"
#include "update/doc.h"
#include "update/keyring.h"

/*
 * The host's side of the protocol, without sockets and without Lua: logins,
 * the cache of live updates, pushes in phases, results, operators.
 *
 * Strings given in the config are copied. Files: only the state folder
 * (peer/journal.h), synced before it is acted on.
 */

struct host;
struct host_conn;

/*
 * A document's part for a host: Lua for its program, a native patch for its
 * executable, or both, which then come and go in one step. NULL, 0: there is
 * no such part.
 */
struct host_parts {
	const void *server, *native;
	size_t server_len, native_len;
};

/*
 * What the program did with a server part:
 *	APPLIED, HAVE	it runs
 *	DEFERRED	it waits for its event: the document's "on", or one
 *			that an action of its own names
 *	FAILED, HUNG	nothing changed
 *	PARTIAL		nothing is left of it but what plain code did
 *	READY		it would be applied (HOST_CHECK)
 *	REVERTED	it left (callback revert)
 */
struct host_applied {
	enum result result;
	const char *text; /* report or error, clean lines; may be NULL */
	size_t len;
	int64_t took_ns;
	int64_t rehearsed_ns; /* how long it was tried before; 0: it was not */
	int64_t stall_ns;     /* of that the program stood still */
};

/* On what occasion a server part is handed to the program. */
enum host_how {
	HOST_PUSH,  /* the answer may come later */
	HOST_CHECK, /* a dry run: would it be applied? Nothing changes; the
		       answer is READY, FAILED or HUNG, and may come later */
	HOST_START, /* before anything is served: answered at once */
	HOST_BACK,  /* put back what a failure took away: answered at once, and
		       without trying it first */
};

/*
 * What became of a document's packages:
 *	APPLIED		they are here
 *	FAILED, GAVE_UP	they are not
 */
struct host_package {
	enum result result;
	const char *text; /* why; any bytes, of which the first line is told;
			     may be NULL */
	size_t len;
	int64_t took_ns;
};

struct host_login { /* what a client says of itself; texts live in the call */
	const char *id, *program, *version, *platform, *address;
};

struct host_callbacks {
	void *arg;
	/*
	 * A document's part for the host enters the live program, and the
	 * updates named in drop (those it supersedes) leave it, in one step:
	 * they have left also when the answer is DEFERRED. NULL: this host
	 * runs no program; such parts are then refused as not-for-me.
	 *
	 * 1: *out, all zeros before, is the answer. 0 (HOST_PUSH, HOST_CHECK):
	 * host_answer gives it later, never from within this call; d and what
	 * parts points to stay until then, or until cancel. One answer is due
	 * at a time.
	 */
	int (*apply)(void *arg, const struct doc *d,
	    const struct host_parts *parts, const uint64_t *drop, size_t ndrop,
	    enum host_how how, struct host_applied *out);
	/*
	 * Is this native part for the executable that runs here? WORD_OK, or
	 * the word and the reason of a refusal (NOT_FOR_ME, UNSUPPORTED). It
	 * is asked before anything is applied, and nothing changes. NULL: the
	 * executable cannot be patched.
	 */
	enum word (*native)(void *arg, const struct doc *d, const void *part,
	    size_t len, struct refusal *why);
	/* Nobody waits any more for the answer that is due, and none is to
	 * come; nothing has changed. NULL where apply never returns 0. */
	void (*cancel)(void *arg);
	/* The document's "by" has passed: what waits for its event is applied
	 * now. The result comes by host_settled, perhaps during this call.
	 * NULL where apply never answers DEFERRED. */
	void (*due)(void *arg, uint64_t id);
	/* The update leaves the live program, or does not wait any more. */
	void (*revert)(void *arg, uint64_t id, struct host_applied *out);
	/*
	 * The package of a document, and its full one if it names one, are
	 * brought here: fetched from their addresses, verified, kept for this
	 * host's clients. Two documents may name one package.
	 *
	 * 1: *out, all zeros before, is the answer. 0: host_packaged gives it
	 * later, never from within this call; d stays until then, or until
	 * package_cancel. Several may be under way, all of different ids. NULL:
	 * this host fetches nothing and announces the packages' own addresses.
	 */
	int (*package)(void *arg, const struct doc *d,
	    struct host_package *out);
	/* Nobody waits for that any more, and no answer is to come. NULL where
	 * package never returns 0. */
	void (*package_cancel)(void *arg, uint64_t id);
	/* 1 with the address that clients of this host are given for the
	 * package, a NUL-terminated clean line; 0, or NULL: its own. Asked
	 * whenever it is announced. */
	int (*package_from)(void *arg, const struct doc_package *p, char *out,
	    size_t size);
	/* Of those that package was asked for, by this host or before its
	 * start, no document that is in force or on its way names this one any
	 * more: it may be removed here. */
	void (*package_gone)(void *arg, const struct doc_package *p);
	/* 1 with the token appended, 0: let it in without, -1: refuse. NULL:
	 * everyone may come in. */
	int (*login)(void *arg, const struct host_login *info,
	    struct buf *token);
	void (*join)(void *arg, const char *id);
	void (*leave)(void *arg, const char *id, const char *why);
	void (*message)(void *arg, const char *id, const void *bytes,
	    size_t len);
	/* An update took effect here, or left (the program's event). */
	void (*updated)(void *arg, uint64_t id, const char *feature,
	    const char *result);
	/* Read the trusted keys anew (command reload): 0, or -1 with err. The
	 * ring is the caller's to fill; it is empty. */
	int (*reload)(void *arg, struct keyring *ring, struct err *e);
	/* Lines "name: value" for STATUS, of what the host itself does not
	 * know. May be NULL. */
	void (*status)(void *arg, struct buf *out);
	/* One line for the log, clean, without LF. */
	void (*log)(void *arg, const char *line);
	/* host_next_ns may be earlier now than it was. May be NULL. */
	void (*rearm)(void *arg);
};

struct host_config {
	const char *name, *program, *version, *zone; /* "" or NULL: none */
	const char *state_dir;                       /* NULL: nothing is kept */
	struct keyring *keys;         /* taken over, left empty */
	const struct sock_net *allow; /* open for operators for good */
	size_t nallow;
	int allow_none;       /* not even loopback is open by itself */
	int no_script;        /* server parts are not for this host, though
				 native ones may be */
	const uint64_t *skip; /* server parts left out at start */
	size_t nskip;
	size_t max_conns;   /* 0: HOST_CONNS */
	size_t max_waiting; /* per address before login; 0: HOST_WAITING */
	uint64_t body_max;  /* 0: FRAME_BODY_MAX */
	int64_t floor_us;   /* what expires is never judged by an earlier time:
			       the program's build time */
	struct peer_clock clock;
	struct host_callbacks cb;
};

#define HOST_CONNS     100000 /* more than the descriptors of one process */
#define HOST_WAITING   256    /* before login, per address that is not open */
#define HOST_ID        128    /* bytes of a client's id */
#define HOST_LABEL     64     /* bytes of program, version, platform, release */
/* Pushes that wait for their packages at a time, for minutes perhaps: a
 * studio publishes a few at once, and each holds a connection and a process
 * that fetches. */
#define HOST_FETCHES   8
/* The same of documents that are live already, after a start. */
#define HOST_REFETCHES 2
#define HOST_FROM      4096 /* room for package_from, the NUL counted */
/* Refusals remembered, for each is in the ledger once. */
#define HOST_REFUSED   256
/* An update that ran this long has not crashed the program. */
#define HOST_PROVEN_NS INT64_C(10000000000)
/* Starts in a row that an update may be the end of, before it is left out. */
#define HOST_TRIES     2
/* An answer later than this is not waited for: there is one place for
 * pushes. Every limit of a program that tries a part is far below. */
#define HOST_ANSWER_NS INT64_C(60000000000)

/*
 * Native parts: a document whose native part is not for the executable that
 * runs here is none for this host, server part and all, whatever its
 * server-version is; it supersedes nothing here. At a push it is refused with
 * the reason when it has nothing for clients: as NOT_FOR_ME, or as UNSUPPORTED
 * where nothing can be patched, for then it may be for this very build. When
 * the executable was exchanged since, the start goes on without the host's part
 * of it.
 */

/*
 * Packages: a pushed document with one is fetched before it is received, and
 * its push runs when all is here. The packages of what is live already (at
 * host_begin, and from the seed folder) are asked for again, and the document
 * is live whatever comes of it; the log says when they could not be had. Then
 * they are asked for later, for as long as the document is live: first after
 * HOST_REFETCH_FIRST_NS, then after twice the time before, up to the MAX. A
 * server that was away when the host started is back some time; one that hands
 * out wrong bytes by the gigabyte is not to be asked for them all day.
 */
#define HOST_REFETCH_FIRST_NS INT64_C(60000000000)
#define HOST_REFETCH_MAX_NS   INT64_C(3600000000000)

/*
 * What expires, and what is too old to be taken in, is judged by the latest of:
 * the clock; floor_us; when the newest document that was verified was signed;
 * and, with a state folder, the time that the host had seen (peer/seen.h).
 *
 * Time counts as seen when the clock has kept it for SEEN_EACH_NS: a clock that
 * a machine starts with may be wrong by hours until the network sets it. And a
 * clock that was wrong for longer must not shut a host for ever: one that
 * stands before the time that was seen, in this process, for HOST_BEHIND_NS is
 * believed again. By then the network has set a clock that is to be set, and a
 * game waits for its fix no longer than that.
 */
#define HOST_STEADY_US INT64_C(1000000) /* more is no drift in that time */
#define HOST_BEHIND_NS INT64_C(3600000000000)

/*
 * A host; the state folder is opened and locked, its ledger replayed. NULL
 * with err. Nothing reaches the program before host_begin: then what is live
 * is applied to it, in the order of ids.
 *
 * Crash loops: with a state folder, each update is marked in the ledger as
 * being tried before host_begin applies it, and as proven when it has run for
 * HOST_PROVEN_NS, when the program says so (host_proven), or when the host
 * ends in order (host_shutdown, host_free). One that HOST_TRIES starts in a
 * row did not prove is left out with the result "crashed"; clients are still
 * given their parts. What was proven once under this state folder is not
 * marked again, so that a machine that loses its power twice does not lose
 * what ran for days. A part that waits for its event all the time is not
 * proven by that, but its count begins anew.
 */
struct host *host_new(const struct host_config *config, struct err *e);
void host_begin(struct host *h);
/* Connections must be closed first. Answers that are due are cancelled; a push
 * that has begun is taken back at the next start. */
void host_free(struct host *h);

/*
 * A connection from this address. Its link (host_conn_link) carries the
 * bytes; when the link is dead or drained, or the peer is gone, the owner
 * calls host_conn_close, which frees it. NULL: over a cap or out of memory;
 * refusal then holds one short frame to send before closing.
 */
struct host_conn *host_conn_new(struct host *h, const struct sock_addr *peer,
    struct buf *refusal);
struct link *host_conn_link(struct host_conn *c);
void host_conn_close(struct host_conn *c, const char *why);

/* The next instant at which host_tick has something to do; -1: none. */
int64_t host_next_ns(const struct host *h);
void host_tick(struct host *h);

/* From the program. */
/* At most FRAME_BODY_MAX bytes. 0, or -1: not logged in, or dropped now,
 * because it does not read or memory ran out. */
int host_send(struct host *h, const char *client, const void *bytes,
    size_t len);
void host_broadcast(struct host *h, const void *bytes, size_t len);
void host_clients(struct host *h, void (*each)(void *cookie, const char *id),
    void *cookie);
/* 1 when an update of the feature runs there; waiting is not running. */
int host_has(struct host *h, const char *client, const char *feature);
/* The answer that apply promised. One that is not due is ignored. */
void host_answer(struct host *h, uint64_t id, const struct host_applied *out);
/* The answer that package promised. One that is not due is ignored. */
void host_packaged(struct host *h, uint64_t id, const struct host_package *out);
/* So many bytes of the document's packages are here, all of them together. */
void host_package_progress(struct host *h, uint64_t id, uint64_t so_far);
/* What became of a part that waited: APPLIED, or FAILED, HUNG, PARTIAL, and it
 * has left the program. Ignored for an id that does not wait. */
void host_settled(struct host *h, uint64_t id, const struct host_applied *out);
/* What waited is about to be applied in the live program: its try is made
 * durable first. Two processes that die of it, and it is left out like one
 * that dies at start. */
void host_trying(struct host *h, uint64_t id);
/* The program runs well with what was applied until now. */
void host_proven(struct host *h);

/* Take in the signed documents of a folder, in the order of ids, as if each
 * had been accepted already (autoscaled hosts). Documents that are refused
 * are logged and left out. 0, or -1: the folder cannot be read. */
int host_seed(struct host *h, const char *dir, struct err *e);

/* Answers that are due are cancelled, their documents forgotten. Every
 * connection gets ERROR shutdown and is drained. */
void host_shutdown(struct host *h);

/* For tests and status: clients that are logged in, connections in all. */
size_t host_nclients(const struct host *h);
size_t host_nconns(const struct host *h);

#endif
