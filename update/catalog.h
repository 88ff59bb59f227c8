#ifndef UPDATE_CATALOG_H
#define UPDATE_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include "update/doc.h"
#include "update/word.h"

/*
 * What an end knows of documents: those accepted, and what became of them.
 * Hosts and clients keep one each. Memory only.
 *
 * Supersession is seen from an end: a document counts for an end that it
 * fits and has a part for, and of the documents of one feature that count,
 * only the newest is in force there, whatever became of it since (reverting
 * the newer of two does not bring the older back).
 */

#define CATALOG_LIVE    256 /* live documents; more are refused as full */
/* Ids remembered: the limit of a ledger's life. */
#define CATALOG_RECORDS 65536

enum record_state {
	RECORD_PENDING,    /* being pushed, not accepted yet */
	RECORD_LIVE,       /* accepted */
	RECORD_RETIRED,    /* accepted; new starts do not get it */
	RECORD_TAKEN_BACK, /* after acceptance, by the host on its own */
	RECORD_REVERTED,   /* by a signed document, for good; doc NULL when the
			      id was never held */
	RECORD_COVERED,    /* superseded at every end it could count for; the
			      document is not kept */
};

struct record {
	uint64_t id;
	enum record_state state;
	struct doc *doc; /* owned; NULL: not held */
	uint8_t *body;   /* owned; the parts, NULL: none */
	size_t body_len;
	struct doc *by; /* owned; the revert or retirement, NULL: none */
	int64_t take_back_until_us;
	int64_t take_back_ns; /* a client's: the same on its own clock, which
				 no greeting can set back */
	uint8_t digest[SHA512_SIZE]; /* of the signed text, if it was held */
	int held;
	int foreign; /* of a host: its native part is for another executable,
			so it does not count for the host; set by the party */
	uint64_t before; /* to catalog_rewind to when it is taken back */
	char *feature;   /* owned; of one that was covered, else NULL */
	void *owner;     /* the party's own notes on it */
};

struct catalog_feature {
	char name[DOC_FEATURE + 1];
	uint64_t highest; /* accepted id, reverts and retirements too */
};

struct catalog {
	struct record **records; /* ascending ids */
	size_t n, cap;
	struct catalog_feature *features;
	size_t nfeatures, cap_features;
};

void catalog_init(struct catalog *c);
/* owners are freed by the party before. */
void catalog_free(struct catalog *c);

/* NULL: no such record. */
struct record *catalog_find(const struct catalog *c, uint64_t id);
size_t catalog_nlive(const struct catalog *c); /* in RECORD_LIVE */
/* How many there would be with this document: it takes the place of those
 * that catalog_cover would drop for it. */
size_t catalog_nlive_with(const struct catalog *c, const struct doc *d);
/* 0: nothing was accepted for it. */
uint64_t catalog_highest(const struct catalog *c, const char *feature);

/* A record of this id, made in its place when there is none (RECORD_PENDING,
 * nothing held). NULL: out of memory or CATALOG_RECORDS. */
struct record *catalog_add(struct catalog *c, uint64_t id);
void catalog_remove(struct catalog *c, struct record *r);
/* The id counts as accepted for its feature. 0, or -1: out of memory. It
 * cannot fail for a feature that was accepted for before, id 0 does. */
int catalog_accept(struct catalog *c, const char *feature, uint64_t id);
/* An acceptance is taken back: the feature's highest id is this again. */
void catalog_rewind(struct catalog *c, const char *feature, uint64_t id);

/*
 * The checks between the key's scope and not-for-me, in the protocol's
 * order: have (the same signed text, in force or being pushed; of a revert or
 * retirement: it is the one that was carried out; of a notice: it was told),
 * reverted, expired, future, stale (id at or below the highest of its feature,
 * unless it is a notice, which has no place in that order; held with another
 * text, or, with max_age_us > 0, older than that; 0 for an id that was let in).
 * now_us is what the end's clock says, late_us an instant that has passed,
 * whatever it says: expiry and age go by the later one, the future by the clock
 * alone, so that neither makes anything good.
 */
enum word catalog_admit(const struct catalog *c, const struct doc *d,
    int64_t now_us, int64_t late_us, int64_t max_age_us, struct refusal *why);

/* 1 when every id in needs is live or retired, or a newer one of its feature
 * is; else 0 with *missing. */
int catalog_has_needs(const struct catalog *c, const struct doc *d,
    uint64_t *missing);

/* An end: what it says of itself; host 1: server and native parts count, else
 * client parts. Texts are "" when not told. */
struct catalog_end {
	int host;
	const char *program, *version, *platform;
};

/* 1 when the record's document, held and in whatever state, counts for the
 * end. */
int catalog_counts(const struct record *r, const struct catalog_end *end);
/* The newest record of the feature that was accepted and counts for the end,
 * NULL: none. */
struct record *catalog_newest(const struct catalog *c, const char *feature,
    const struct catalog_end *end);
/* 1 when a fresh end gets this record: it counts, is live, not expired and
 * the newest of its feature there. */
int catalog_is_given(const struct catalog *c, const struct record *r,
    const struct catalog_end *end, int64_t now_us);

/* Drop the documents of live and retired records that newer, by the same
 * targeting and at least the same parts, supersedes at every end. */
void catalog_cover(struct catalog *c, const struct record *newer);

#endif
