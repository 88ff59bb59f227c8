#ifndef PEER_KEEP_H
#define PEER_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/sha512.h"
#include "update/catalog.h"
#include "update/doc.h"

/*
 * The state folder of a client:
 *
 *	lock		held while a client uses the folder
 *	state		what it knows, one text file that is replaced whole
 *	updates/ID	an update's head and client part, as they came
 *	time		the latest time of a host (peer/seen.h)
 *
 * A document in updates/ counts only if state has a "kept" line for it: the
 * rename that replaces state is the one moment at which anything changes.
 *
 * state, in this order, each line ended by LF, words parted by single spaces,
 * lines of one name in ascending order:
 *
 *	hotfix-client: 1
 *	saved: WALL		-- this machine's clock when it was written
 *	verified: US		-- the highest "created" that was verified
 *	last: US		-- the last login, by the host's time
 *	feature: NAME HIGHEST
 *	kept: ID FEATURE TRIES BEFORE LEFT
 *	tried: ID FEATURE TRIES
 *	reverted: ID FEATURE DIGEST
 *	end: SUM		-- 32 hex digits of the SHA-512 of all above
 *
 * Instants are microseconds since 1970, 0 for none. TRIES is a number, or
 * "proven"; BEFORE is what the feature's highest id is again when a host takes
 * the update back; LEFT the microseconds for which it still may. DIGEST is
 * the SHA-512 of the signed text of the revert.
 */

#define KEEP_TRIES     2 /* without proof; then it is left out */
#define KEEP_KEPT      CATALOG_LIVE
#define KEEP_TRIED     256  /* updates that run nowhere; the newest */
#define KEEP_FEATURES  4096 /* a game has dozens */
/* The newest: what was reverted longer ago is refused still, by the highest id
 * of its feature. */
#define KEEP_REVERTED  256
/* All of that at its limits is 512 KiB. */
#define KEEP_STATE_MAX ((size_t)1 << 20)
#define KEEP_DOC_MAX   ((size_t)DOC_HEAD_MAX + DOC_PART_MAX)

struct keep_feature {
	char name[DOC_FEATURE + 1];
	uint64_t highest;
};

struct keep_doc {
	uint64_t id;
	char feature[DOC_FEATURE + 1];
	unsigned tries; /* in a row, at most KEEP_TRIES; 0 when proven */
	int proven;     /* never of those that are tried only */
	uint64_t before;
	int64_t left_us;
};

struct keep_revert {
	uint64_t id;
	char feature[DOC_FEATURE + 1];
	uint8_t digest[SHA512_SIZE];
};

struct keep_state {
	int64_t saved_us, verified_us, last_us;
	struct keep_feature *features; /* by name */
	struct keep_doc *kept, *tried; /* by id */
	struct keep_revert *reverts;   /* by id */
	size_t nfeatures, nkept, ntried, nreverts;
};

#define KEEP_STATE_INIT \
	{               \
		0       \
	}

void keep_state_free(struct keep_state *s); /* leaves it as after INIT */

/*
 * A place for one more, zeroed, at the end of its list; NULL: out of memory,
 * or the list is at its limit.
 */
struct keep_feature *keep_add_feature(struct keep_state *s, const char *name);
struct keep_doc *keep_add_kept(struct keep_state *s, const char *feature);
struct keep_doc *keep_add_tried(struct keep_state *s, const char *feature);
struct keep_revert *keep_add_revert(struct keep_state *s, const char *feature);

/*
 * Pure. Text has one reading and a state one spelling, so what was parsed is
 * formatted to the same bytes. parse: s is as after INIT; 0, or -1 with err,
 * naming the line, and nothing in s. format: 0, or -1 when memory ran out;
 * the lists are in order.
 */
int keep_parse(struct keep_state *s, const char *text, size_t len,
    struct err *e);
int keep_format(struct buf *out, const struct keep_state *s);

struct keep;

/* In the folder from the first moment on: it is a client's. */
#define KEEP_LOCK "lock"

/*
 * Open the folder, making it when it is not there, lock it, and read its state
 * into s (as after INIT). NULL with err (ERR_LOCAL): it is a host's, it belongs
 * to somebody else or others may write to it, another client has it, the state
 * does not parse, or it is gone while documents are there. A kill at any
 * instant leaves none of these.
 */
struct keep *keep_open(const char *dir, struct keep_state *s, struct err *e);
void keep_close(struct keep *k); /* NULL is fine */

/* Replace the state, synced. 0, or -1: it is as before, or already new. */
int keep_save(struct keep *k, const struct keep_state *s, struct err *e);

/* A document, synced; it counts from the next keep_save on. 0 or -1. */
int keep_put(struct keep *k, uint64_t id, const void *head, size_t head_len,
    const void *part, size_t len, struct err *e);
/* Append head and part to out. 0 or -1. */
int keep_get(struct keep *k, uint64_t id, struct buf *out, struct err *e);
/* 0 when it is gone for good, whatever the state says; else -1. A document
 * whose file is missing is left out at the next start, without a way back. */
int keep_remove(struct keep *k, uint64_t id, struct err *e);

/* The time, as seen_read and seen_write have it. */
int keep_get_seen(struct keep *k, int64_t *us, struct err *e);
int keep_put_seen(struct keep *k, int64_t us, struct err *e);

/* Remove what a kill left behind, and documents that s does not keep. Best
 * effort: nothing of that is ever read. */
void keep_sweep(struct keep *k, const struct keep_state *s);

#endif
