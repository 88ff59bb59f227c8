#ifndef PEER_HOST_INTERNAL_H
#define PEER_HOST_INTERNAL_H

/*
 * What the files of the host share. One file per concern:
 *
 *	host.c		connections, frames, deadlines, what the program calls
 *	host_login.c	logins, what a client is given at one
 *	host_admit.c	may a document come in here and now
 *	host_push.c	a document's way through its phases
 *	host_send.c	whom a push is for, and how results are counted
 *	host_back.c	taking back
 *	host_check.c	a dry run's way
 *	host_program.c	documents enter and leave the host's own program
 *	host_mark.c	which updates have not crashed the program
 *	host_result.c	what clients answer
 *	host_package.c	the packages that documents name
 *	host_tell.c	the frames of a push
 *	host_oper.c	who may speak; STATUS, LOG, CLIENTS, COMMAND
 *	host_state.c	the ledger: replay at start, seed folder
 *	host_time.c	by what time documents expire
 */

#include "base/heap.h"
#include "base/map.h"
#include "peer/host.h"
#include "peer/ids.h"
#include "peer/journal.h"
#include "update/catalog.h"
#include "update/command.h"

/* Deadlines before login, and on an operator's connection always. */
#define HOST_HEAD_NS     INT64_C(5000000000)
#define HOST_IDLE_NS     INT64_C(30000000000)
#define HOST_BODY_NS     INT64_C(5000000000)
#define HOST_BODY_RATE   1024 /* bytes a second after that */
#define HOST_SECOND_NS   INT64_C(1000000000)
#define HOST_PROGRESS_NS INT64_C(500000000) /* between PROGRESS clients */

#define HOST_ADDRESSES       4096 /* addresses remembered for their failures */
#define HOST_OPENS           256  /* addresses open at once */
#define HOST_QUEUE           16   /* reverts, notices that wait their turn */
/* Notices remembered. Their age bounds how long one can be played again; a key
 * that may sign nothing else is not to fill the catalog. */
#define HOST_NOTICES         1024
#define HOST_NOTICE_TEXT     500 /* bytes of one that are recorded, logged */
/* Bytes of what the host's part did, or of why it failed, likewise. */
#define HOST_PART_TEXT       300
#define HOST_DRY             256 /* dry runs remembered */
#define HOST_GROUPS          16  /* groups of equal errors in a report */
/* A document may hold the one place for pushes no longer than this. */
#define HOST_WAIT_MAX_MS     INT64_C(600000)
/* Answers that a connection has not read, before its next frame is. */
#define HOST_UNREAD          ((size_t)64 << 10)
/* Unfinished bodies of all clients together, and what one may always hold. */
#define HOST_BODIES          ((size_t)256 << 20)
#define HOST_BODY_SMALL      ((size_t)64 << 10)
/* Until results that came late are a ledger event: at first, then doubled from
 * event to event up to the maximum until there is another push. One player
 * alone may send such results for ever, and the ledger only grows. */
#define HOST_LATE_NS         INT64_C(10000000000)
#define HOST_LATE_MAX_NS     INT64_C(3600000000000)
/* How long a wall clock that is set may stay unseen. */
#define HOST_LOOK_NS         INT64_C(3600000000000)
/* Connections kept for operators. */
#define HOST_RESERVE         16
/* Lines about refusals in one second; the rest is counted. */
#define HOST_LOG_RATE        10
#define HOST_LOG_DEFAULT     10
#define HOST_LOG_MAX         9999
/* Failed logins from one address before they are answered late, and the
 * longest delay. */
#define HOST_FREE_FAILURES   2
#define HOST_FAILURE_MAX_NS  INT64_C(30000000000)
#define HOST_FAILURE_KEEP_NS INT64_C(600000000000)

enum conn_role {
	ROLE_NONE,
	ROLE_CLIENT,
	ROLE_OPERATOR,
};

enum asked { ASKED_UPDATE, ASKED_REVERT, ASKED_CHECK };

/* A frame sent to a client that asks for a result. */
struct awaited {
	uint64_t id;
	enum asked asked;
	enum result last; /* that was not final; RESULT_NONE: none came */
};

struct session {    /* a client that is logged in */
	int joined; /* the program was told */
	const char *id, *program, *version, *platform, *release;
	struct ids have;         /* what runs there */
	struct ids waiting;      /* what waits there for its event */
	uint64_t checked;        /* the dry run that it was sent; 0: none */
	size_t unknown;          /* of those it told at login, not known here */
	struct awaited *awaited; /* oldest first */
	size_t nawaited, cap_awaited;
	int64_t login_us;
	char text[]; /* the strings */
};

struct address { /* connections and failures of one IP address */
	char ip[SOCK_TEXT];
	size_t waiting; /* connections before login */
	unsigned failures;
	int64_t last_failure_ns;
};

struct host_conn {
	struct link link;
	struct host *host;
	struct host_conn *prev, *next;
	struct sock_addr peer;
	struct address *from; /* NULL after login, and when exempt */
	enum conn_role role;
	char nonce[COMMAND_NONCE_TEXT];
	uint64_t seq; /* of the next COMMAND */

	struct heap_item timer;
	int64_t frame_ns; /* first byte of the frame being read; 0: idle */
	int64_t body_ns;  /* its head was complete then; 0: not yet */
	int64_t idle_ns;  /* since when nothing was asked */
	int denied;       /* the timer is for the late answer to a login */
	int unknown_verb; /* the frame being read is thrown away */
	int choked;       /* paused, until its answers were read */
	size_t body_held; /* bytes of an unfinished body, counted in bodies */
	int held;         /* paused, until nothing else runs */

	struct doc *incoming; /* a PUSH whose head was verified */
	struct session *session;
};

enum push_phase {
	PUSH_QUEUED,      /* it waits for its turn */
	PUSH_FETCHING,    /* in the queue too; its package is awaited */
	PUSH_SERVER,      /* the program has not answered yet */
	PUSH_COLLECT,     /* sent to clients, results come in */
	PUSH_TAKING_BACK, /* clients were told, reverted results come in */
};

struct target { /* a client that the push was sent to */
	enum result result;
	int told_back; /* the host\'s own REVERT was sent: an answer counts */
	char id[];
};

struct group {           /* equal errors */
	char result[64]; /* with the word, "refused stale" */
	char platform[HOST_LABEL + 1], version[HOST_LABEL + 1];
	size_t count, first; /* first: of this platform and version */
	uint8_t *text;
	size_t text_len;
};

struct push {
	struct push *next; /* in the queue */
	struct host *host;
	struct host_conn *conn; /* NULL: the operator is gone */
	struct doc *doc;        /* the record's once it runs, own before */
	uint8_t *body;          /* likewise */
	size_t body_len;
	char from[SOCK_TEXT]; /* address or "seed", for the ledger */

	enum push_phase phase;
	struct record *record; /* NULL before it runs */
	uint64_t subject;      /* the id that clients' results name */
	enum result server;
	char why[HOST_PART_TEXT + 1]; /* of a dry run: the host's part failed */
	int asked;                    /* the program's answer is due */
	int seed;                     /* not from an operator */
	int fetches;                  /* its packages are brought here first */
	/* Its native part is not for this host, and why. */
	int foreign;
	struct refusal why_foreign;
	uint64_t so_far; /* bytes of them that are here */
	struct map targets;
	size_t targeted, answered, applied, deferred, failed;
	size_t back_sent, back_answered; /* PUSH_TAKING_BACK */
	int dirty;                       /* PROGRESS clients has news */
	int not_here;  /* the host never held what it reverts */
	int past_told; /* it was logged that it is too late to take back */
	struct group groups[HOST_GROUPS];
	size_t ngroups;
	int64_t deadline_ns, progress_ns;
	int64_t next_ns; /* when push_tick has something to do; -1: never */
};

struct note { /* what the host knows of a record besides */
	size_t tally[RESULT_COUNT]; /* since the host started */
	int late;                   /* some came since the last event */
	/* clients; set by oper_count */
	size_t running, waiting, fetching;
	/* Its packages: APPLIED, they are here; FAILED, they are not; NONE,
	 * this host has not fetched them, or not yet. */
	enum result package;
	char key[KEYRING_NAME + 1];
	int on_server;      /* its server part runs or waits here */
	enum result server; /* DEFERRED: it waits */
	int due;            /* the program was told that "by" has passed */
	/* host_mark.c */
	unsigned tries;       /* starts in a row before this, not survived */
	unsigned event_tries; /* events likewise, at which it was applied */
	int trying;           /* marked at this start, and no more known yet */
	int proven;           /* for good */
	int64_t since_ns;     /* when it came to run, or was tried */
	struct blob *frame;   /* its UPDATE frame, the latest */
	char feature[DOC_FEATURE + 1];
	int on_disk; /* updates/ID is there */
	enum doc_kind kind;
	/* while the ledger is replayed */
	uint64_t target, by;
	int released;
};

struct refused {
	uint64_t id;
	enum word word;
};

struct opening {
	struct sock_addr addr;
	int64_t until_ns;
};

struct host_seen {
	char *dir;                    /* NULL: nothing is kept */
	int64_t latest_us;            /* 0: none */
	int64_t looked_us, looked_ns; /* the clocks at the last look */
	int64_t behind_ns; /* since when the clock is before latest_us; -1: it
			      is not */
	int failing;       /* the last writing did */
};

struct host {
	char *name, *program, *version, *zone;
	struct keyring keys;
	struct sock_net *allow;
	size_t nallow;
	int allow_none;
	int no_script;
	uint64_t *skip;
	size_t nskip;
	size_t max_conns, max_waiting;
	uint64_t body_max;
	int64_t floor_us;
	struct peer_clock clock;
	struct host_callbacks cb;

	int64_t verified_us; /* the highest created of a verified document */
	struct host_seen seen;

	struct catalog catalog;
	struct journal *journal;
	const char *dir;      /* of the journal; only while it is opened */
	struct map sessions;  /* id -> host_conn */
	struct map addresses; /* ip -> address */
	struct host_conn *conns;
	size_t nconns, nclients;
	struct heap timers; /* of connections */
	struct opening opens[HOST_OPENS];
	size_t nopens;
	/* Dry runs of late, so that a captured one is not carried out again and
	 * again: it takes the place for pushes, and a copy of the process. */
	uint64_t dry[HOST_DRY];
	size_t ndry; /* in all */
	/* Refusals of late that are in the ledger: who sends one document again
	 * and again cannot fill it. */
	struct refused refused[HOST_REFUSED];
	size_t nrefused;    /* in all */
	uint64_t *accepted; /* ids that an operator let in although old */
	size_t naccepted;
	struct push *push;         /* running */
	struct push *queue;        /* oldest first */
	struct refetch *refetches; /* of live documents, oldest first */
	struct mirror *mirrors;    /* packages that were asked for */
	int64_t started_us;
	int keeps;       /* has a state folder */
	int begun;       /* host_begin was called */
	int ending;      /* host_shutdown was called: nothing begins */
	int64_t late_ns; /* when late results are recorded; -1: none came */
	int64_t late_wait_ns; /* how long the next ones wait for that */
	int64_t by_us;        /* the first "by" of a part that waits; 0: none */
	int64_t proven_ns;    /* when a part may be proven; -1: none is to be */
	size_t bodies;        /* bytes of clients' unfinished bodies */
	int64_t refusal_s;    /* the second that refusals_logged is about */
	unsigned refusals_logged, refusals_hidden;
	size_t stray_results; /* RESULTs that answered nothing */
	uint64_t logins, refusals;
};

/* host.c */
int64_t host_now_ns(const struct host *h);
int64_t host_now_us(const struct host *h);
void host_log(struct host *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A line that a stranger can cause: at most HOST_LOG_RATE a second. */
void host_log_refusal(struct host *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Set the connection's deadline by what it is doing. */
void host_arm(struct host_conn *c);
void host_refuse(struct host_conn *c, enum word w, const char *text);
struct catalog_end host_end(const struct host *h);

/* host_time.c */
/* Now, for what expires: never before what is known to have passed. */
int64_t host_late_us(const struct host *h);
/* A document that was signed then was verified. */
void host_time_verified(struct host *h, int64_t created_us);
/* With a state folder that is locked. 0, or -1 without memory. */
int host_time_open(struct host *h, const char *dir, struct err *e);
int64_t host_time_next_ns(const struct host *h); /* -1: never */
void host_time_tick(struct host *h);
void host_time_close(struct host *h);

/* host_login.c */
void host_login(struct host_conn *c, const struct frame *f);
void host_login_late(struct host_conn *c); /* the delayed refusal */
void host_logout(struct host_conn *c, const char *why);
/* 1 when it runs or waits there. */
int session_holds(const struct session *s, uint64_t id);
struct catalog_end session_end(const struct session *s);
/*
 * A client that was away may run what a newer document superseded elsewhere.
 * If that newer one was reverted since, its signed revert takes the older
 * away too: the client has no other way to learn of it. 1 when the session
 * is such a one for this record.
 */
int session_needs_revert(const struct host *h, const struct session *s,
    const struct record *r);
/* Send it and expect a result. The blob's hold is taken over. */
void session_send(struct host_conn *c, struct blob *frame, uint64_t id,
    enum asked asked);

/* host_admit.c */
/* A document's checks that need the host: order, zone, needs, room. */
enum word push_admit(struct host *h, const struct doc *d, int seed,
    struct refusal *why);
/* The same for one that was verified some time ago: its key may have been
 * revoked meanwhile. */
enum word push_readmit(struct host *h, const struct doc *d, int seed,
    struct refusal *why);
/*
 * A document whose key and signature are good was refused: into the ledger, so
 * that it is found when whoever pushed it is asleep. Not what an old document
 * that is played again comes to (expired, reverted, stale), for anybody who has
 * seen some could fill the ledger with them; and the same word of the same id
 * once, until HOST_REFUSED others came.
 */
void push_note_refused(struct host *h, const struct doc *d, const char *from,
    enum word w, const char *text);
/* What may have to be taken back must be able to be. */
enum word push_admit_plain(const struct doc *d, const uint8_t *body,
    struct refusal *why);

/* host_push.c */
/* Take a complete document in; doc is taken over. conn NULL: the seed. */
void push_start(struct host *h, struct host_conn *conn, struct doc *d,
    const uint8_t *body, size_t body_len, const char *from);
void push_gone(struct host *h, struct host_conn *operator);
void push_tick(struct push *p);
void push_free(struct push *p);
/* The host ends: a push whose server part is not decided is forgotten. */
void push_shutdown(struct host *h);
/* New results: is it decided, or over? The push may be gone afterwards. */
void push_review(struct push *p);
/* Ask the program for the server part: 1 with its answer in out; 0: it comes
 * later, the push waits for it. */
int push_ask(struct push *p, enum host_how how, struct host_applied *out);
void push_wait(struct push *p); /* for results, until the deadline */
/* The ends; the push is gone afterwards. */
void push_finish(struct push *p, const char *word);  /* of an accepted one */
void push_fail(struct push *p, const struct err *e); /* of the disk */
void push_leave(struct push *p); /* freed, and what waits has its turn */
/* DONE refused, the connection ends. The push is the caller's to free. */
void push_refused(struct push *p, enum word w, const char *text);
/* It waits, its connection is paused. */
void push_enqueue(struct push *p);
void push_next(struct host *h); /* what waits has its turn, if nothing runs */

/* host_send.c */
/* 1 when the update runs or waits there, or is on its way. */
int push_concerns(const struct session *s, uint64_t id);
/* To this client, which is counted as targeted. */
void push_send(struct push *p, struct host_conn *c, struct blob *frame,
    enum asked asked);
/* To every client that it is for, all with one copy of the frame, whose hold
 * is taken over. */
void push_send_all(struct push *p, struct blob *frame, enum asked asked);
/* The target's result, counted. */
void push_count(struct push *p, struct target *t, enum result r);

/* host_back.c */
/* Clients let the host take it back on its own: until then. */
int push_may_take_back(const struct push *p);
/* More failed than the document allows, and it may still go back. */
int push_is_past_bound(struct push *p);
/* The host's own decision, after the release: both ends go back. With wait
 * set the clients' answers are awaited, else the push is gone. */
void push_take_back(struct push *p, const char *why, int wait);
void push_settle_back(struct push *p); /* they have come */

/* host_check.c */
/* 1 when this dry run was carried out already. */
int check_is_known(const struct host *h, const struct doc *d);
void check_run(struct push *p);
void check_answered(struct push *p, const struct host_applied *out);
/* New results: is it over? The push may be gone after each of these. */
void check_review(struct push *p);
void check_over(struct push *p); /* with what came until now */
/* Clients forget it, and DONE with this word. */
void check_end(struct push *p, const char *word);

/* host_package.c */
/* 1 when the document's packages are to be brought here. */
int host_package_is_wanted(const struct host *h, const struct doc *d);
uint64_t host_package_bytes(const struct doc *d); /* of all its packages */
/* May another push wait for its packages: WORD_OK or WORD_BUSY. */
enum word host_package_admit(struct host *h, const struct doc *d,
    struct refusal *why);
/* The push waits for its packages, then for its turn. It may be gone
 * afterwards. */
void host_package_start(struct push *p);
/* A revert came: the pushes of its feature that wait end. */
void host_package_abort(struct host *h, const struct doc *revert);
/* Something of the feature was accepted: those that wait and are older now
 * end. */
void host_package_review(struct host *h, const char *feature);
/* The document is live: its packages are fetched when there is room. */
void host_package_live(struct host *h, struct record *r);
/* What nobody names any more is given up. */
void host_package_sweep(struct host *h);
/* The host ends: nothing is awaited any more; nothing is remembered. */
void host_package_stop(struct host *h);
void host_package_free(struct host *h);
/* PROGRESS package for those that wait, and what could not be fetched after a
 * start; -1: there is neither. */
int64_t host_package_next_ns(const struct host *h);
void host_package_tick(struct host *h);
/* The address under which it is announced: in buf, or the package's own. */
const char *host_package_from(const struct host *h, const struct doc_package *p,
    char buf[HOST_FROM]);
/* A line of STATUS for each package; after oper_count. */
void host_package_put_status(struct host *h, struct buf *b);

/* host_result.c */
void push_result(struct host_conn *c, const struct frame *f);
/* Results that came when no push waited for them, into the ledger. */
void push_record_late(struct host *h);
/* A push is over: its own late results are recorded soon. */
void push_late_soon(struct host *h);
/* A client that was away is back, with what it told. */
void push_login(struct host_conn *c);

/* host_tell.c */
/* A hold of the record's UPDATE frame, made once for as long as its package is
 * announced under one address; the UPDATE of a retirement (its head alone).
 * NULL: out of memory. */
struct blob *push_update_frame(const struct host *h, struct record *r);
struct blob *push_retirement_frame(const struct doc *d);
struct blob *push_check_frame(const struct doc *d, const uint8_t *body);
struct blob *push_drop_frame(uint64_t id);
/* by NULL: the host's own taking back. */
struct blob *push_revert_frame(uint64_t id, const struct doc *by);
/* To the push's operator, if still there. */
void push_tell_server(struct push *p, const struct host_applied *a);
/* If there is a server part: it is not for this host's program. */
void push_tell_not_mine(struct push *p);
void push_tell_clients(struct push *p);
void push_tell_package(struct push *p);
void push_tell_groups(struct push *p);
void push_tell_done(struct push *p, const char *word, enum word refused,
    const char *text);

/* host_program.c */
/* What the program did, with the first line of why; when: "" or words. */
void server_log(struct host *h, uint64_t id, const char *feature,
    const char *when, const struct host_applied *a);
/* The first line of its text, escaped, as far as it fits. */
void server_first_line(const struct host_applied *a, char *out, size_t size);
/* 1 when a document with such parts can be for a host like this one. */
int server_has_place(const struct host *h, const struct doc *d);
/* WORD_OK, or why its native part is not for this host. */
enum word server_admit_native(const struct host *h, const struct doc *d,
    const uint8_t *body, struct refusal *why);
/* 1 when the document's part for hosts is for this host's program. */
int server_is_mine(const struct push *p);
/* Another record of the document's feature whose server part is in the
 * program; NULL: none. At most one is, all others were superseded. */
struct record *server_held_of(const struct host *h, const struct doc *d);
/* The program is asked: 1 with its answer, or 0: later. The one of the
 * feature that is there is dropped for it. */
int server_ask(struct host *h, const struct doc *d, const uint8_t *body,
    enum host_how how, struct host_applied *out);
/* Its answer is noted: 1 when the part runs or waits now, and old, if any, is
 * gone for it. A part whose "by" has passed is settled meanwhile, perhaps. */
int server_take(struct host *h, struct record *r, struct record *old,
    const struct host_applied *out);
void server_revert(struct host *h, struct record *r, struct host_applied *out);
/* Back in, as it was before; drop, if any, leaves for it. */
void server_put_back(struct host *h, struct record *r,
    const struct record *drop);
/* The program's event updated. */
void server_tell_program(struct host *h, const struct record *r,
    enum result result);
/* Parts whose "by" has passed. */
void server_tick(struct host *h);

/* host_mark.c */
/* Before the part is applied at start: 0, or -1: it is left out. */
int mark_try(struct host *h, struct record *r);
/* It came to run, or to wait. */
void mark_held(struct host *h, struct record *r);
/* It was tried, and nothing is left of it in the program. */
void mark_gone(struct host *h, struct record *r);
/* What is there has not crashed: all that ran long enough; or all. */
void mark_tick(struct host *h);
void mark_all(struct host *h);

/* host_oper.c */
int oper_is_open(const struct host *h, const struct sock_addr *a);
/* On how many clients each update runs and waits, into the notes. */
void oper_count(struct host *h);
void oper_status(struct host_conn *c);
void oper_clients(struct host_conn *c);
void oper_log(struct host_conn *c, const struct frame *f);
void oper_command(struct host_conn *c, const struct frame *f);

/* host_state.c */
int state_open(struct host *h, const char *dir, struct err *e);
struct note *state_note(struct record *r); /* made on demand; NULL: memory */
void state_note_free(struct record *r);
const char *state_kind_name(enum doc_kind kind); /* for the ledger */
/* "" where it is not known. */
const char *state_feature_of(const struct record *r);
/* 1 when its server part is to be left out. */
int state_is_skipped(const struct host *h, uint64_t id);
/* 1 when both records are of one feature. */
int state_same_feature(const struct record *a, const struct record *b);
int state_event(struct host *h, uint64_t id, const char *event,
    const struct ledger_field *fields, size_t nfields, struct err *e);
void state_forget(struct host *h, struct record *r);
/* Old documents that an operator lets in; each once, until it is accepted. */
int state_let_in(struct host *h, uint64_t id); /* 0 or -1: memory */
void state_let_in_done(struct host *h, uint64_t id);
/* Of notices more than HOST_NOTICES the oldest are forgotten. */
void state_trim_notices(struct host *h);
/* What newer covers leaves the folder. */
void state_cover(struct host *h, struct record *newer);

#endif
