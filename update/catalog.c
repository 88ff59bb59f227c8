/* What an end knows of documents. */

#include "update/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timetext.h"

#define CATALOG_FIRST 16 /* places of a first allocation */

void
catalog_init(struct catalog *c)
{
	memset(c, 0, sizeof *c);
}

static void
drop_document(struct record *r)
{
	doc_free(r->doc);
	free(r->body);
	r->doc = NULL;
	r->body = NULL;
	r->body_len = 0;
}

static void
record_free(struct record *r)
{
	drop_document(r);
	doc_free(r->by);
	free(r->feature);
	free(r);
}

void
catalog_free(struct catalog *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		record_free(c->records[i]);
	free(c->records);
	free(c->features);
	catalog_init(c);
}

/* --- records ------------------------------------------------------------ */

/* The place of the first record with this id or a higher one. */
static size_t
place(const struct catalog *c, uint64_t id)
{
	size_t lo = 0, hi = c->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (c->records[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct record *
catalog_find(const struct catalog *c, uint64_t id)
{
	size_t at = place(c, id);

	return at < c->n && c->records[at]->id == id ? c->records[at] : NULL;
}

size_t
catalog_nlive(const struct catalog *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		n += c->records[i]->state == RECORD_LIVE;
	return n;
}

struct record *
catalog_add(struct catalog *c, uint64_t id)
{
	size_t at = place(c, id), cap;
	struct record **p, *r;

	if (at < c->n && c->records[at]->id == id)
		return c->records[at];
	if (c->n >= CATALOG_RECORDS)
		return NULL;
	if (c->n == c->cap) {
		cap = c->cap > 0 ? c->cap * 2 : CATALOG_FIRST;
		p = realloc(c->records, cap * sizeof *p);
		if (p == NULL)
			return NULL;
		c->records = p;
		c->cap = cap;
	}
	r = calloc(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->id = id;
	r->state = RECORD_PENDING;
	memmove(c->records + at + 1, c->records + at,
	    (c->n - at) * sizeof *c->records);
	c->records[at] = r;
	c->n++;
	return r;
}

void
catalog_remove(struct catalog *c, struct record *r)
{
	size_t at = place(c, r->id);

	memmove(c->records + at, c->records + at + 1,
	    (c->n - at - 1) * sizeof *c->records);
	c->n--;
	record_free(r);
}

/* --- the order of a feature --------------------------------------------- */

static struct catalog_feature *
find_feature(const struct catalog *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nfeatures; i++)
		if (strcmp(c->features[i].name, name) == 0)
			return &c->features[i];
	return NULL;
}

uint64_t
catalog_highest(const struct catalog *c, const char *feature)
{
	const struct catalog_feature *f = find_feature(c, feature);

	return f != NULL ? f->highest : 0;
}

int
catalog_accept(struct catalog *c, const char *feature, uint64_t id)
{
	struct catalog_feature *f = find_feature(c, feature);
	size_t cap, len = strlen(feature);

	if (f == NULL) {
		if (len > DOC_FEATURE)
			return -1;
		if (c->nfeatures == c->cap_features) {
			cap = c->cap_features > 0 ? c->cap_features * 2
						  : CATALOG_FIRST;
			f = realloc(c->features, cap * sizeof *f);
			if (f == NULL)
				return -1;
			c->features = f;
			c->cap_features = cap;
		}
		f = &c->features[c->nfeatures++];
		memcpy(f->name, feature, len + 1);
		f->highest = 0;
	}
	if (f->highest < id)
		f->highest = id;
	return 0;
}

void
catalog_rewind(struct catalog *c, const char *feature, uint64_t id)
{
	struct catalog_feature *f = find_feature(c, feature);

	if (f != NULL)
		f->highest = id;
}

/* --- may it come in? ---------------------------------------------------- */

static int
is_text_of(const struct doc *d, const uint8_t digest[SHA512_SIZE])
{
	return memcmp(d->digest, digest, SHA512_SIZE) == 0;
}

/* 1 when this very document is in force, or was carried out. */
static int
holds(const struct catalog *c, const struct record *r, const struct doc *d)
{
	if (r != NULL && r->held && is_text_of(d, r->digest) &&
	    (r->state == RECORD_PENDING || r->state == RECORD_LIVE ||
		r->state == RECORD_RETIRED))
		return 1;
	if (d->kind == DOC_NOTICE)
		return r != NULL && r->held && is_text_of(d, r->digest);
	if (d->kind != DOC_REVERT && d->kind != DOC_RETIRE)
		return 0;
	r = catalog_find(c, d->target);
	return r != NULL && r->by != NULL && is_text_of(d, r->by->digest);
}

/* What was never held is refused only under the feature that the revert
 * named: its key may have been good for no other. */
static int
is_taken_back(const struct record *r, const struct doc *d)
{
	if (r->state == RECORD_REVERTED && !r->held && r->by != NULL)
		return strcmp(r->by->feature, d->feature) == 0;
	return r->state == RECORD_TAKEN_BACK || r->state == RECORD_REVERTED;
}

/* A sentence and an instant. */
#define BEHIND_TEXT 96

/* What goes behind a reason that this end's clock alone would not have. */
static const char *
say_behind(char out[BEHIND_TEXT], int64_t late_us)
{
	char when[TIMETEXT_SIZE];

	snprintf(out, BEHIND_TEXT,
	    "; the clock of this end is behind: it has been %s here",
	    timetext_format(late_us, when));
	return out;
}

enum word
catalog_admit(const struct catalog *c, const struct doc *d, int64_t now_us,
    int64_t late_us, int64_t max_age_us, struct refusal *why)
{
	const struct record *r = catalog_find(c, d->id);
	int64_t ahead_us = (int64_t)d->id - now_us;
	int64_t age_us = (late_us > now_us ? late_us : now_us) - (int64_t)d->id;
	char when[TIMETEXT_SIZE], behind[BEHIND_TEXT];
	uint64_t highest;

	if (holds(c, r, d))
		return refuse(why, WORD_HAVE, "%" PRIu64 " is held already",
		    d->id);
	if (r != NULL && is_taken_back(r, d))
		return refuse(why, WORD_REVERTED, "%" PRIu64 " was taken back",
		    d->id);
	if (d->expires_us != 0 &&
	    (now_us > d->expires_us || late_us > d->expires_us))
		return refuse(why, WORD_EXPIRED, "expired at %s%s",
		    timetext_format(d->expires_us, when),
		    now_us > d->expires_us ? "" : say_behind(behind, late_us));
	if (ahead_us > DOC_FUTURE_US)
		return refuse(why, WORD_FUTURE,
		    "the id is %" PRId64 " s ahead of this end's time, at "
		    "most %" PRId64 " s are allowed",
		    ahead_us / 1000000, DOC_FUTURE_US / 1000000);
	highest = catalog_highest(c, d->feature);
	if (d->id <= highest && d->kind != DOC_NOTICE)
		return refuse(why, WORD_STALE,
		    "%s is at %" PRIu64 " already, %" PRIu64 " is not newer",
		    d->feature, highest, d->id);
	if (r != NULL && r->held)
		return refuse(why, WORD_STALE,
		    "%" PRIu64 " is held with another text", d->id);
	if (max_age_us > 0 && age_us > max_age_us)
		return refuse(why, WORD_STALE,
		    "the id is %" PRId64 " s old and was never seen here, at "
		    "most %" PRId64
		    " s are allowed%s; hotfix accept lets it in",
		    age_us / 1000000, max_age_us / 1000000,
		    -ahead_us > max_age_us ? "" : say_behind(behind, late_us));
	return WORD_OK;
}

/* --- needs -------------------------------------------------------------- */

static const char *
feature_of(const struct record *r)
{
	return r->doc != NULL ? r->doc->feature : r->feature;
}

static int
is_met(const struct catalog *c, uint64_t id)
{
	size_t i = place(c, id);
	const char *feature;

	if (i == c->n || c->records[i]->id != id)
		return 0;
	feature = feature_of(c->records[i]);
	if (feature == NULL)
		return 0;
	for (; i < c->n; i++) {
		const struct record *r = c->records[i];

		if ((r->state == RECORD_LIVE || r->state == RECORD_RETIRED) &&
		    r->doc != NULL && strcmp(r->doc->feature, feature) == 0)
			return 1;
	}
	return 0;
}

int
catalog_has_needs(const struct catalog *c, const struct doc *d,
    uint64_t *missing)
{
	size_t i;

	for (i = 0; i < d->nneeds; i++) {
		if (!is_met(c, d->needs[i])) {
			*missing = d->needs[i];
			return 0;
		}
	}
	return 1;
}

/* --- what an end has ---------------------------------------------------- */

int
catalog_counts(const struct record *r, const struct catalog_end *end)
{
	const struct doc *d = r->doc;

	if (d == NULL || d->kind != DOC_UPDATE)
		return 0;
	if (end->host)
		return doc_has_host(d) && !r->foreign &&
		       doc_fits_host(d, end->program, end->version);
	return doc_has_client(d) &&
	       doc_fits_client(d, end->program, end->version, end->platform);
}

static int
is_accepted_for(const struct record *r, const char *feature,
    const struct catalog_end *end)
{
	return r->state != RECORD_PENDING && r->doc != NULL &&
	       strcmp(r->doc->feature, feature) == 0 && catalog_counts(r, end);
}

struct record *
catalog_newest(const struct catalog *c, const char *feature,
    const struct catalog_end *end)
{
	size_t i;

	for (i = c->n; i-- > 0;)
		if (is_accepted_for(c->records[i], feature, end))
			return c->records[i];
	return NULL;
}

int
catalog_is_given(const struct catalog *c, const struct record *r,
    const struct catalog_end *end, int64_t now_us)
{
	size_t i;

	if (r->state != RECORD_LIVE || !catalog_counts(r, end) ||
	    (r->doc->expires_us != 0 && now_us > r->doc->expires_us))
		return 0;
	for (i = place(c, r->id) + 1; i < c->n; i++)
		if (is_accepted_for(c->records[i], r->doc->feature, end))
			return 0;
	return 1;
}

/* --- covering ----------------------------------------------------------- */

static int
is_same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* foreign: the newer one, as in struct record. */
static int
covers(const struct doc *newer, int foreign, const struct record *r)
{
	const struct doc *older = r->doc;
	int i;

	if (older == NULL || newer->kind != DOC_UPDATE ||
	    older->kind != DOC_UPDATE ||
	    strcmp(newer->feature, older->feature) != 0 ||
	    !is_same_text(newer->program, older->program) ||
	    !is_same_text(newer->version, older->version) ||
	    !is_same_text(newer->platform, older->platform) ||
	    !is_same_text(newer->server_program, older->server_program) ||
	    !is_same_text(newer->server_version, older->server_version) ||
	    !is_same_text(newer->zone, older->zone))
		return 0;
	for (i = 0; i < DOC_NPARTS; i++)
		if (older->parts[i].present && !newer->parts[i].present)
			return 0;
	/* A native part is for one executable: to hosts with another one, this
	 * host after an upgrade perhaps, the newer document is nothing. But two
	 * that are both for this one go the same way. */
	if (newer->parts[DOC_NATIVE].present && doc_has_host(older) &&
	    (foreign || r->foreign || !older->parts[DOC_NATIVE].present))
		return 0;
	return newer->package.present || !older->package.present;
}

size_t
catalog_nlive_with(const struct catalog *c, const struct doc *d)
{
	size_t i, n = 1;

	for (i = 0; i < c->n; i++) {
		const struct record *r = c->records[i];

		if (r->state == RECORD_LIVE &&
		    (r->id >= d->id || !covers(d, 0, r)))
			n++;
	}
	return n;
}

void
catalog_cover(struct catalog *c, const struct record *newer)
{
	size_t i, end = place(c, newer->id);

	if (newer->doc == NULL)
		return;
	for (i = 0; i < end; i++) {
		struct record *r = c->records[i];

		if ((r->state != RECORD_LIVE && r->state != RECORD_RETIRED) ||
		    !covers(newer->doc, newer->foreign, r))
			continue;
		/* Without memory for the name it is kept; that costs room,
		 * never a wrong answer. */
		r->feature = malloc(strlen(r->doc->feature) + 1);
		if (r->feature == NULL)
			continue;
		strcpy(r->feature, r->doc->feature);
		drop_document(r);
		r->state = RECORD_COVERED;
	}
}
