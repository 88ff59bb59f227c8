#ifndef PACK_LOCK_H
#define PACK_LOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pack/store.h"

/*
 * One run at a time publishes to a place. The lock is the folder ".lock" with
 * a folder in it whose name says whose it is:
 *
 *	HOST-PID-YYYYMMDDTHHMMSSZ-MACHINE-RANDOM
 *
 * It is made aside, in "staging", and comes into being by one rename, so that
 * it is never without its owner's name; of two who try, one fails. A ".lock"
 * that somebody made by MKD alone is a lock as well, of nobody knows whom.
 */

#define LOCK_DIR     ".lock"
#define LOCK_STAGING "staging"

#define LOCK_HOST    64
#define LOCK_MACHINE 16 /* hex digits */
#define LOCK_RUN     16 /* hex digits, the RANDOM of a run */
#define LOCK_ID      160

/* A lock that nobody can tell to be dead may be broken after so long: no run
 * should wait so long with nobody looking at it. */
#define LOCK_STALE_US (INT64_C(3600) * 1000000)

/* A process among all that may publish to one place. */
struct lock_self {
	char host[LOCK_HOST + 1];
	long pid;
	/* Of the running system and its space of process ids: where this is the
	 * same, pid can be asked for. */
	char machine[LOCK_MACHINE + 1];
};

int lock_self_get(struct lock_self *out, struct err *e);

/* Whose it was before. */
enum lock_before {
	LOCK_NOBODY,
	LOCK_GONE,   /* a run's of this machine that is gone */
	LOCK_BROKEN, /* one's that may be alive */
};

struct lock {
	char id[LOCK_ID]; /* "": not held */
	char run[LOCK_RUN + 1];
	/* Set as soon as it may have been taken over. */
	enum lock_before before;
	char aside[LOCK_ID + 32];  /* "staging/lock-ID" */
	char inside[LOCK_ID + 32]; /* ".lock/ID" */
};

/* A new owner's name, for one run. 0, or -1: no random bytes. */
int lock_init(struct lock *l, const struct lock_self *self, int64_t now_us,
    struct err *e);

/*
 * Take it, and make "staging" and "release" where they are missing. May be
 * called again after ERR_PEER with a broken connection: what the first call
 * did is found. 0; 1: the lock of a run of this machine that is gone, or
 * (with break_it) one that is older than LOCK_STALE_US or tells no age, was
 * taken over, which text says; -1: with *busy set when another has it, of
 * whom err tells. In the round trip that takes it, look (or NULL) is run.
 */
#define LOCK_TEXT     256
#define LOCK_LOOK_MAX 8 /* steps */

/* Questions about the place as it is when we have the lock; a transfer follows
 * them. Out: done, 0 when somebody else's lock had to go first and nothing was
 * asked. */
struct lock_look {
	struct store_step *steps;
	size_t n;
	int done;
};
int lock_take(struct lock *l, struct store *s, const struct lock_self *self,
    int64_t now_us, int break_it, struct lock_look *look, int *busy,
    char text[LOCK_TEXT], struct err *e);

/* When lock_take failed with a connection that broke, over a new one: what it
 * may have done is undone. */
int lock_leave(const struct lock *l, struct store *s, struct err *e);

/* 0: it is still ours; 1: it was taken away. */
int lock_check(const struct lock *l, struct store *s, struct err *e);

/* Let go of one that was taken. One that was taken away since stays its new
 * owner's. */
int lock_drop(const struct lock *l, struct store *s, struct err *e);

#endif
