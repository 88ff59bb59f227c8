#ifndef PEER_CLIENT_INTERNAL_H
#define PEER_CLIENT_INTERNAL_H

#include "peer/client.h"

#include "net/frame.h"
#include "peer/keep.h"
#include "update/catalog.h"

/*
 * Shared by client.c (the connection), client_update.c (documents),
 * client_check.c (CHECK, APPLY, DROP), client_wait.c (what is deferred),
 * client_fetch.c (packages), client_keep.c (the state folder) and client_time.c
 * (a host's time in it).
 */

#define CLIENT_NONCE 64  /* hex digits of a greeting's nonce */
#define CLIENT_WHY   512 /* a refusal's text, escaped, and a few words */

enum client_state {
	CLIENT_IDLE,        /* a connection is wanted */
	CLIENT_WAITING,     /* one will be, at deadline_ns */
	CLIENT_CONNECTING,  /* the owner tries to make one */
	CLIENT_GREETING,    /* it stands; the greeting is awaited */
	CLIENT_LOGIN,       /* LOGIN was sent; WELCOME is awaited */
	CLIENT_CATCHING_UP, /* logged in; updates that waited are coming */
	CLIENT_WELCOME,     /* logged in, and the program was told */
	CLIENT_ENDING,      /* given up; the owner is to close it */
	CLIENT_FAILED,      /* closed, and no other is wanted */
};

/* Of an update that is held, running or waiting: its record's owner. */
struct client_note {
	int waiting;   /* deferred */
	int64_t by_ns; /* when it is due; -1: never, or due was called */
	int guessed;   /* by_ns was counted before any host told the time */
	int kept;      /* in the state folder */
};

/* How an update fared that may crash the program; with a state folder only. */
struct client_mark {
	uint64_t id;
	char feature[DOC_FEATURE + 1];
	unsigned tries; /* in a row without proof, an open one included */
	int open;       /* it is being tried, or runs without proof yet */
	int proven;
	int64_t proven_ns; /* -1: it does not run yet */
};

/* A RESULT that could not be sent yet. */
struct client_owed {
	uint64_t id;
	struct buf frame;
};

struct client_check {
	enum {
		CHECK_NONE,
		CHECK_ASKED, /* the program has not answered yet */
		CHECK_LEFT,  /* the same, and nobody waits for it any more */
		CHECK_READY,
	} state;
	struct doc *doc; /* owned, and so is the part */
	uint8_t *part;
	size_t len;
};

/* Where its packages are near, as a host says; NULL: it does not. */
struct client_from {
	const char *package, *full;
};

/* A document whose package is being fetched. */
struct client_fetch {
	struct client_fetch *next; /* by id */
	struct doc *doc;           /* owned, and so is the part */
	uint8_t *part;
	size_t len;
	struct doc *by; /* owned; the retirement that came meanwhile, or NULL */
	int asked;      /* the host of this connection is owed the result */
	int here;       /* the package is; what the host says is awaited */
	struct keep_doc kept; /* of one that the start found; id 0: it is not */
	int64_t take_back_ns; /* as a record's */
	uint64_t highest;     /* of its feature: reverts and retirements that
				 came meanwhile; they count with it */
};

struct client_answer {
	enum result result;
	struct refusal why;            /* of RESULT_REFUSED */
	int tried;                     /* the program was called: */
	struct client_applied applied; /* what it said */
	int changed;                   /* another set of updates runs now */
	int waited;                    /* what is to be reverted waited, or was
					  being fetched */
	char feature[DOC_FEATURE + 1]; /* "": no document of ours */
};

struct client {
	enum client_state state;
	struct link link;
	int64_t deadline_ns; /* of the state; -1: none */

	/* the config's, owned; texts are "" where nothing was given */
	char *id, *program, *version, *platform, *release, *host_name;
	uint8_t *token; /* NULL: none */
	size_t token_len;
	struct keyring keys;
	int64_t floor_us;
	struct peer_clock clock;
	struct client_callbacks cb;

	/* of the host that greeted last, owned; "" where it told nothing */
	char *host, *zone;
	char nonce[CLIENT_NONCE + 1];
	int64_t greeted_us; /* its time then */
	int64_t greeted_ns; /* our monotonic time then */
	int greeted;        /* a host let this client in */

	struct catalog catalog;
	int64_t verified_us; /* the highest created of a verified document */

	size_t ndeferred; /* records whose note says waiting */
	struct client_owed *owed;
	size_t nowed;
	struct client_check checks[CLIENT_CHECKED];
	struct client_fetch *fetches;

	struct keep *keep; /* the state folder; NULL: none */
	int begun;
	struct keep_state start; /* what it held; kept from start_at on are
				    not begun yet */
	size_t start_at;
	struct client_mark *marks;
	size_t nmarks;

	uint64_t nwaiting;     /* updates to come before the welcome event */
	int64_t last_login_us; /* 0: none */
	int64_t seen_us;       /* what a host told before this start; 0: none */
	int64_t seen_ns;       /* when that was written last */
	int seen_failing;      /* that writing did */
	int64_t logged_in_ns;  /* -1: not on this connection */
	int welcomed;          /* the event was sent on this connection */

	unsigned nfailures; /* in a row; decides the next wait */
	uint64_t random;
	int failed;
	char why[CLIENT_WHY]; /* "": the owner knows better */
};

/* --- client.c --- */

void client_log(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void client_rearm(struct client *c);
int64_t client_now_ns(const struct client *c);
/* The host's time, as far as it can be known. */
int64_t client_host_us(const struct client *c);
int client_is_logged_in(const struct client *c);
uint64_t client_random(struct client *c);
/* What came does not parse: say so and end the connection. */
void client_syntax(struct client *c, const char *what);
/* One of the updates that waited has its result. */
void client_caught_up(struct client *c);

/* --- client_update.c --- */

/* A complete frame of this verb. */
void client_take_update(struct client *c, const struct frame *f);
void client_take_revert(struct client *c, const struct frame *f);

/* The record's update is here; it runs; it waits: 1 or 0. */
int client_holds(const struct record *r);
int client_runs(const struct record *r);
int client_waits(const struct record *r);
struct client_note *client_note(const struct record *r);
/* The record of an update is removed, with its note. */
void client_forget(struct client *c, struct record *r);
/* The ids of the feature, at or below this one, that are held; ascending. */
size_t client_find_held(const struct client *c, const char *feature,
    uint64_t id, uint64_t out[CATALOG_LIVE]);
/* For how long from now this instant is ahead, by the host's time. */
int64_t client_left_ns(const struct client *c, int64_t until_us);
/* A record with its note, and a place in the feature's order, so that nothing
 * is left that could fail once the program has changed. NULL with the refusal.
 */
struct record *client_reserve(struct client *c, const struct doc *d,
    uint64_t id, struct client_answer *a);
/* The record holds the document from now on; result: APPLIED, HAVE or
 * DEFERRED. */
void client_hold(struct client *c, struct record *r, struct doc *d,
    enum result result);
/* The record, held, is retired by this document, which is taken over. */
void client_retire(struct client *c, struct record *r, struct doc *by);
/* The update did not do: it is gone, and may come again, nothing older may. */
void client_fail(struct client *c, struct record *r, const struct doc *d);

/* An id as the one argument: 0, or -1 and the connection ends. */
int client_read_id(struct client *c, const struct frame *f, uint64_t *id);
/* The id, and the length of the head in the body: likewise. */
int client_read_update(struct client *c, const struct frame *f, uint64_t *id,
    size_t *head_len);
/* Verified, of this id, and good for this client now; else NULL with the
 * answer. dry_run: it may be one. */
struct doc *client_open_update(struct client *c, uint64_t id, const void *head,
    size_t len, int dry_run, struct client_answer *a);
/* The checks that follow, of the part and of the room for it. */
int client_check_part(struct client *c, const struct doc *d, const void *part,
    size_t len, struct client_answer *a);
/* The checks against what is known, through not-for-me. */
enum word client_admit(struct client *c, const struct doc *d,
    struct client_answer *a);
/* 1 when the document was kept, else it is still the caller's. */
int client_apply(struct client *c, struct doc *d, const void *part, size_t len,
    struct client_answer *a);

void client_answer_init(struct client_answer *a); /* refused */
/* The program's word in a->applied, as far as it makes sense there; also: one
 * more that does. */
void client_judge(struct client_answer *a, enum result also);
void client_put_result(struct buf *b, uint64_t id,
    const struct client_answer *a);
void client_send_result(struct client *c, uint64_t id,
    const struct client_answer *a);
void client_log_answer(struct client *c, const char *what, uint64_t id,
    const struct client_answer *a);
/* As the answer says, if it does. */
void client_tell_program(struct client *c, uint64_t id,
    const struct client_answer *a);
/* All of it, to an UPDATE, REVERT or APPLY. */
void client_answer(struct client *c, const char *what, uint64_t id,
    const struct client_answer *a);

/* --- client_check.c --- */

void client_take_check(struct client *c, const struct frame *f);
void client_take_apply(struct client *c, const struct frame *f);
void client_take_drop(struct client *c, const struct frame *f);
/* The connection ended: nobody asks for what was checked. */
void client_drop_checks(struct client *c);
void client_free_checks(struct client *c);

/* --- client_wait.c --- */

/* The document of the record is deferred from now on. */
void client_defer(struct client *c, struct record *r);
/* It runs, or is to be forgotten. */
void client_undefer(struct client *c, struct record *r);
/* What the LOGIN is to tell: ids that wait, and those whose result is still
 * owed; what runs by now is told as such and is owed no more. */
size_t client_login_waiting(struct client *c, uint64_t ids[CATALOG_LIVE]);
/* Logged in: the host's time is known, and what is owed can be sent. */
void client_wait_login(struct client *c);
/* Call due for whatever is. */
void client_fire_due(struct client *c);
int64_t client_due_ns(const struct client *c); /* the next; -1: none */
void client_free_owed(struct client *c);
/* A result, now or after the next login. */
void client_tell(struct client *c, uint64_t id, const struct client_answer *a);

/* --- client_time.c --- */

void client_time_open(struct client *c);             /* with a state folder */
int64_t client_time_next_ns(const struct client *c); /* -1: never */
void client_time_tick(struct client *c);
void client_time_close(struct client *c); /* the end in order */

/* --- client_fetch.c --- */

/* NULL: there is none. Of a feature there is one at most. */
struct client_fetch *client_find_fetch(const struct client *c, uint64_t id);
struct client_fetch *client_fetch_of(const struct client *c,
    const char *feature);
/*
 * Have the package of a document fetched. 1: it is here. 0: it is being
 * fetched; the document was taken over, the part copied, an older one of the
 * feature superseded. -1 with the answer.
 */
int client_fetch(struct client *c, struct doc *d, const void *part, size_t len,
    const struct client_from *from, struct client_answer *a);
/* An UPDATE with a package, admitted. 1 when the document was kept. */
int client_fetch_update(struct client *c, struct doc *d, const void *part,
    size_t len, const struct client_from *from, struct client_answer *a);
/* The UPDATE of one that is in the list came again. */
void client_fetch_again(struct client *c, uint64_t id, struct client_answer *a);
/* It leaves the list, and is fetched no more. */
void client_end_fetch(struct client *c, struct client_fetch *f);
/* The one that is older than this id of its feature ends as superseded. */
void client_supersede_fetch(struct client *c, const char *feature, uint64_t id);
/* What the record of one that was applied takes over from it. */
void client_hold_fetched(struct client *c, struct record *r);
/* The connection ended; the updates that waited have come: what the host did
 * not hand out again is fetched no more. */
void client_fetch_closed(struct client *c);
void client_fetch_login(struct client *c);
void client_free_fetches(struct client *c);

/* --- client_keep.c; without a state folder none does anything --- */

int client_keep_open(struct client *c, const char *dir, struct err *e);
void client_keep_close(struct client *c);
void client_keep_login(struct client *c);
/* 1 when no further feature can be remembered. */
int client_keep_is_full(const struct client *c, const char *feature);
/* 1 when the update was tried too often. */
int client_has_crashed(const struct client *c, uint64_t id);
/* It is about to be applied; it did not do, nothing crashed; it waits; it
 * runs. */
void client_keep_try(struct client *c, uint64_t id, const char *feature);
void client_keep_failed(struct client *c, uint64_t id);
void client_keep_deferred(struct client *c, uint64_t id);
void client_keep_runs(struct client *c, const struct record *r);
/* A kept document goes into the program as an update that came, if the owner
 * brought its package or it has none. 1 when it was kept, else it is still the
 * caller's, and left out. */
int client_keep_apply(struct client *c, const struct keep_doc *k, struct doc *d,
    const void *part, size_t len, struct client_answer *a);
/* One whose package was to be fetched is left out after all. */
void client_keep_lost(struct client *c, const struct keep_doc *k);
/* It is held, in place of those in drop: make that last. */
void client_keep_update(struct client *c, const struct record *r,
    const void *part, size_t len, const uint64_t *drop, size_t ndrop);
/*
 * These are kept no more, and for a signed revert its target (else 0) is
 * refused from now on: make that last. 0, or -1: a next start may undo it; the
 * log says so. target_kept: it was in the folder, so that its id counts there.
 */
int client_keep_drop(struct client *c, const uint64_t *drop, size_t ndrop,
    uint64_t target, int target_kept);
void client_keep_prove(struct client *c);        /* whatever is due */
int64_t client_proof_ns(const struct client *c); /* the next; -1: none */

#endif
