/*
 * What a client keeps from one start to the next. The folder's state is made
 * anew from what the client knows, each time that something changes; what is
 * written is what a start would have to find.
 */

#include "peer/client_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Of updates that are held, and of those that are tried only. */
#define MARKS ((size_t)KEEP_KEPT + KEEP_TRIED)

/* What went wrong with the folder, in one clean line of the log. */
static void
log_error(struct client *c, const char *what, const struct err *e)
{
	char text[ERR_TEXT];

	client_log(c, "%s: %s", what,
	    text_escape(text, sizeof text, e->text, strlen(e->text), 0));
}

/* --- marks -------------------------------------------------------------- */

static struct client_mark *
find_mark(const struct client *c, uint64_t id)
{
	size_t i;

	for (i = 0; i < c->nmarks; i++)
		if (c->marks[i].id == id)
			return &c->marks[i];
	return NULL;
}

static void
remove_mark(struct client *c, struct client_mark *m)
{
	const size_t i = (size_t)(m - c->marks);

	c->nmarks--;
	memmove(m, m + 1, (c->nmarks - i) * sizeof *m);
}

static int
is_held(const struct client *c, uint64_t id)
{
	const struct record *r = catalog_find(&c->catalog, id);

	return r != NULL && client_holds(r);
}

/* Room for one more: the oldest of those that are held by nobody goes. */
static void
make_room(struct client *c)
{
	size_t i;

	for (i = 0; i < c->nmarks && c->nmarks == MARKS; i++)
		if (!is_held(c, c->marks[i].id))
			remove_mark(c, &c->marks[i]);
}

/* In ascending order. NULL: no memory, so it goes without. */
static struct client_mark *
add_mark(struct client *c, uint64_t id, const char *feature)
{
	struct client_mark *m = find_mark(c, id);
	size_t i;

	if (m != NULL)
		return m;
	make_room(c);
	if (c->nmarks == MARKS)
		return NULL;
	m = realloc(c->marks, (c->nmarks + 1) * sizeof *m);
	if (m == NULL)
		return NULL;
	c->marks = m;
	for (i = c->nmarks; i > 0 && m[i - 1].id > id; i--)
		m[i] = m[i - 1];
	c->nmarks++;
	m += i;
	memset(m, 0, sizeof *m);
	m->id = id;
	m->proven_ns = -1;
	memcpy(m->feature, feature, strlen(feature) + 1);
	return m;
}

/* The feature has come to this id: what was tried before is past. */
static void
remove_older_marks(struct client *c, const char *feature, uint64_t id)
{
	size_t i = c->nmarks;

	while (i-- > 0)
		if (c->marks[i].id < id &&
		    strcmp(c->marks[i].feature, feature) == 0)
			remove_mark(c, &c->marks[i]);
}

int
client_has_crashed(const struct client *c, uint64_t id)
{
	const struct client_mark *m = find_mark(c, id);

	return m != NULL && !m->proven && m->tries >= KEEP_TRIES;
}

/* --- writing ------------------------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
	const struct keep_feature *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/*
 * The highest ids. That of an update that runs but is not kept does not count
 * yet: after the next start it may come again, nothing older may.
 */
static int
put_features(const struct client *c, struct keep_state *s)
{
	const struct catalog *all = &c->catalog;
	const struct record *r;
	struct keep_feature *f;
	uint64_t highest;
	size_t i;

	for (i = 0; i < all->nfeatures; i++) {
		highest = all->features[i].highest;
		r = catalog_find(all, highest);
		if (r != NULL && r->state == RECORD_LIVE &&
		    !client_note(r)->kept &&
		    strcmp(r->doc->feature, all->features[i].name) == 0)
			highest--;
		if (highest == 0)
			continue;
		f = keep_add_feature(s, all->features[i].name);
		if (f == NULL)
			return -1;
		f->highest = highest;
	}
	if (s->nfeatures > 1) /* a list of none is NULL */
		qsort(s->features, s->nfeatures, sizeof *s->features, by_name);
	return 0;
}

static void
put_mark(const struct client *c, struct keep_doc *d)
{
	const struct client_mark *m = find_mark(c, d->id);

	if (m == NULL)
		return;
	d->proven = m->proven;
	d->tries = m->proven ? 0 : m->tries;
}

static int
by_id(const void *a, const void *b)
{
	const struct keep_doc *left = a, *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

/* For how long from now a host may still take it back. */
static int64_t
left_us(const struct client *c, int64_t take_back_ns)
{
	const int64_t left_ns = take_back_ns - client_now_ns(c);

	return left_ns > 0 ? left_ns / 1000 : 0;
}

/* Kept, and their packages are not here yet. */
static int
put_fetched(const struct client *c, struct keep_state *s)
{
	const struct client_fetch *f;
	struct keep_doc *d;

	for (f = c->fetches; f != NULL; f = f->next) {
		if (f->kept.id == 0 || f->by != NULL)
			continue;
		d = keep_add_kept(s, f->kept.feature);
		if (d == NULL)
			return -1;
		*d = f->kept;
		d->left_us = left_us(c, f->take_back_ns);
		put_mark(c, d);
	}
	return 0;
}

static int
put_kept(const struct client *c, struct keep_state *s)
{
	struct keep_doc *d;
	size_t i;

	for (i = 0; i < c->catalog.n; i++) {
		const struct record *r = c->catalog.records[i];

		if (r->state != RECORD_LIVE || !client_note(r)->kept)
			continue;
		d = keep_add_kept(s, r->doc->feature);
		if (d == NULL)
			return -1;
		d->id = r->id;
		d->before = r->before;
		d->left_us = left_us(c, r->take_back_ns);
		put_mark(c, d);
	}
	/* A start has not come to these yet. */
	for (i = c->start_at; i < c->start.nkept; i++) {
		const struct keep_doc *k = &c->start.kept[i];

		d = keep_add_kept(s, k->feature);
		if (d == NULL)
			return -1;
		*d = *k;
		put_mark(c, d);
	}
	if (put_fetched(c, s) != 0)
		return -1;
	if (s->nkept > 1) /* a list of none is NULL */
		qsort(s->kept, s->nkept, sizeof *s->kept, by_id);
	return 0;
}

static int
is_in(const struct keep_doc *docs, size_t n, uint64_t id)
{
	size_t i;

	for (i = 0; i < n && docs[i].id != id; i++)
		;
	return i < n;
}

static int
is_tried_only(const struct keep_state *s, const struct client_mark *m)
{
	return !m->proven && m->tries > 0 && !is_in(s->kept, s->nkept, m->id);
}

/* The newest, as many as there is room for. */
static int
put_tried(const struct client *c, struct keep_state *s)
{
	struct keep_doc *d;
	size_t i, n = 0;

	for (i = 0; i < c->nmarks; i++)
		n += (size_t)is_tried_only(s, &c->marks[i]);
	for (i = 0; i < c->nmarks; i++) {
		if (!is_tried_only(s, &c->marks[i]) || n-- > KEEP_TRIED)
			continue;
		d = keep_add_tried(s, c->marks[i].feature);
		if (d == NULL)
			return -1;
		d->id = c->marks[i].id;
		d->tries = c->marks[i].tries;
	}
	return 0;
}

static int
put_reverts(const struct client *c, struct keep_state *s)
{
	struct keep_revert *p;
	size_t i, n = 0;

	for (i = 0; i < c->catalog.n; i++)
		n += c->catalog.records[i]->state == RECORD_REVERTED;
	for (i = 0; i < c->catalog.n; i++) {
		const struct record *r = c->catalog.records[i];

		if (r->state != RECORD_REVERTED || n-- > KEEP_REVERTED)
			continue;
		p = keep_add_revert(s, r->by->feature);
		if (p == NULL)
			return -1;
		p->id = r->id;
		memcpy(p->digest, r->by->digest, sizeof p->digest);
	}
	return 0;
}

/* Make what is known durable: 0, or -1, which the log tells. */
static int
save(struct client *c)
{
	const int64_t wall_us = c->clock.wall_us(c->clock.arg);
	struct keep_state s = KEEP_STATE_INIT;
	struct err e;
	int ret;

	s.saved_us = wall_us > 0 ? wall_us : 0;
	s.verified_us = c->verified_us;
	s.last_us = c->last_login_us;
	if (put_features(c, &s) != 0 || put_kept(c, &s) != 0 ||
	    put_tried(c, &s) != 0 || put_reverts(c, &s) != 0)
		ret = err_set(&e, ERR_LOCAL, "out of memory");
	else
		ret = keep_save(c->keep, &s, &e);
	if (ret != 0)
		log_error(c, "the state folder cannot be written", &e);
	keep_state_free(&s);
	return ret;
}

/* --- reading ------------------------------------------------------------ */

/* A document that stands for a revert of which this is left. */
static struct doc *
stand_in(const struct keep_revert *p)
{
	struct doc *d = calloc(1, sizeof *d);

	if (d == NULL || (d->text = strdup(p->feature)) == NULL) {
		free(d);
		return NULL;
	}
	d->kind = DOC_REVERT;
	d->feature = d->text;
	d->target = p->id;
	memcpy(d->digest, p->digest, sizeof d->digest);
	return d;
}

static int
take_revert(struct client *c, const struct keep_revert *p)
{
	struct doc *d = stand_in(p);
	struct record *r = d != NULL ? catalog_add(&c->catalog, p->id) : NULL;

	if (r == NULL) {
		doc_free(d);
		return -1;
	}
	r->state = RECORD_REVERTED;
	r->by = d;
	return 0;
}

static int
take_mark(struct client *c, const struct keep_doc *d)
{
	struct client_mark *m = add_mark(c, d->id, d->feature);

	if (m == NULL)
		return -1;
	m->tries = d->tries;
	m->proven = d->proven;
	return 0;
}

/* What lies between the last writing and now is no time in which a host may
 * still take anything back. A wall clock may be wrong, so it only shortens. */
static void
age(struct client *c, struct keep_state *s)
{
	const int64_t wall_us = c->clock.wall_us(c->clock.arg);
	const int64_t gap_us = s->saved_us > 0 && wall_us > s->saved_us
				   ? wall_us - s->saved_us
				   : 0;
	size_t i;

	for (i = 0; i < s->nkept; i++)
		s->kept[i].left_us = s->kept[i].left_us > gap_us
					 ? s->kept[i].left_us - gap_us
					 : 0;
}

int
client_keep_open(struct client *c, const char *dir, struct err *e)
{
	struct keep_state *s = &c->start;
	int bad = 0;
	size_t i;

	c->keep = keep_open(dir, s, e);
	if (c->keep == NULL)
		return -1;
	age(c, s);
	client_time_open(c);
	c->verified_us = s->verified_us;
	c->last_login_us = s->last_us;
	for (i = 0; i < s->nfeatures; i++)
		bad |= catalog_accept(&c->catalog, s->features[i].name,
			   s->features[i].highest) != 0;
	for (i = 0; i < s->nreverts; i++)
		bad |= take_revert(c, &s->reverts[i]) != 0;
	for (i = 0; i < s->ntried; i++)
		bad |= take_mark(c, &s->tried[i]) != 0;
	for (i = 0; i < s->nkept; i++)
		bad |= take_mark(c, &s->kept[i]) != 0;
	return bad ? err_set(e, ERR_LOCAL, "out of memory") : 0;
}

void
client_keep_login(struct client *c)
{
	if (c->keep != NULL)
		save(c);
}

int
client_keep_is_full(const struct client *c, const char *feature)
{
	size_t i, n = 0;

	if (c->keep == NULL || catalog_highest(&c->catalog, feature) > 0)
		return 0;
	for (i = 0; i < c->catalog.nfeatures; i++)
		n += c->catalog.features[i].highest > 0;
	return n >= KEEP_FEATURES;
}

/* --- tries -------------------------------------------------------------- */

void
client_keep_try(struct client *c, uint64_t id, const char *feature)
{
	struct client_mark *m;

	if (c->keep == NULL || (m = add_mark(c, id, feature)) == NULL ||
	    m->proven || m->open)
		return;
	m->open = 1;
	if (m->tries < KEEP_TRIES)
		m->tries++;
	save(c);
}

void
client_keep_failed(struct client *c, uint64_t id)
{
	struct client_mark *m = find_mark(c, id);

	if (m == NULL)
		return;
	remove_mark(c, m);
	save(c);
}

/* It waits: that it came so far proves nothing and is no failure. */
void
client_keep_deferred(struct client *c, uint64_t id)
{
	struct client_mark *m = find_mark(c, id);

	if (m == NULL || !m->open)
		return;
	m->open = 0;
	m->tries--;
}

void
client_keep_runs(struct client *c, const struct record *r)
{
	struct client_mark *m;

	client_keep_try(c, r->id, r->doc->feature);
	m = find_mark(c, r->id);
	if (m != NULL && m->open)
		m->proven_ns = client_now_ns(c) + CLIENT_PROVEN_NS;
}

int64_t
client_proof_ns(const struct client *c)
{
	int64_t first_ns = -1;
	size_t i;

	for (i = 0; i < c->nmarks; i++)
		if (c->marks[i].proven_ns >= 0 &&
		    (first_ns < 0 || c->marks[i].proven_ns < first_ns))
			first_ns = c->marks[i].proven_ns;
	return first_ns;
}

/* Whatever runs since before this instant has proven itself. */
static void
prove(struct client *c, int64_t until_ns)
{
	int changed = 0;
	size_t i;

	for (i = 0; i < c->nmarks; i++) {
		struct client_mark *m = &c->marks[i];

		if (m->proven_ns < 0 || m->proven_ns > until_ns)
			continue;
		m->proven = 1;
		m->open = 0;
		m->tries = 0;
		m->proven_ns = -1;
		changed = 1;
	}
	if (changed)
		save(c);
}

void
client_keep_prove(struct client *c)
{
	prove(c, client_now_ns(c));
}

void
client_proven(struct client *c)
{
	prove(c, INT64_MAX);
	client_rearm(c);
}

void
client_keep_close(struct client *c)
{
	if (c->begun) {
		prove(c, INT64_MAX);
		save(c);
		client_time_close(c);
	}
	keep_close(c->keep);
	keep_state_free(&c->start);
	free(c->marks);
}

/* --- what is held ------------------------------------------------------- */

/* Best effort: the state does not name them any more. */
static void
remove_files(struct client *c, const uint64_t *ids, size_t n)
{
	struct err e;
	size_t i;

	for (i = 0; i < n; i++)
		(void)keep_remove(c->keep, ids[i], &e);
}

void
client_keep_update(struct client *c, const struct record *r, const void *part,
    size_t len, const uint64_t *drop, size_t ndrop)
{
	struct client_note *note = client_note(r);
	struct err e;

	if (c->keep == NULL)
		return;
	remove_older_marks(c, r->doc->feature, r->id);
	note->kept = keep_put(c->keep, r->id, r->doc->head, r->doc->head_len,
			 part, len, &e) == 0;
	if (!note->kept)
		log_error(c, "the update cannot be kept", &e);
	if (save(c) == 0) {
		remove_files(c, drop, ndrop);
	} else if (note->kept) {
		note->kept = 0;
		remove_files(c, &r->id, 1);
	}
	if (!note->kept)
		client_log(c,
		    "update %" PRIu64 " %s is not kept: the next start is "
		    "without it until a host gives it again",
		    r->id, r->doc->feature);
}

int
client_keep_drop(struct client *c, const uint64_t *drop, size_t ndrop,
    uint64_t target, int target_kept)
{
	struct client_mark *m;
	struct err e;
	size_t i;
	int ret = 0;

	if (c->keep == NULL)
		return 0;
	for (i = 0; i < ndrop; i++)
		if ((m = find_mark(c, drop[i])) != NULL)
			remove_mark(c, m);
	if ((m = find_mark(c, target)) != NULL)
		remove_mark(c, m);
	if (save(c) == 0) {
		remove_files(c, drop, ndrop);
		return 0;
	}
	/*
	 * A full disk lets files go: a document whose file is missing is left
	 * out at the next start, and its id stays the highest of its feature
	 * there. Of a target that was not kept nothing is there.
	 */
	for (i = 0; i < ndrop; i++)
		if (keep_remove(c->keep, drop[i], &e) != 0) {
			log_error(c, "an update cannot be removed", &e);
			ret = -1;
		}
	return target != 0 && !target_kept ? -1 : ret;
}

/* --- the start ---------------------------------------------------------- */

/* The document as it was kept, or NULL with the reason. *lost: its file cannot
 * be read, so nothing is known of it. */
static struct doc *
open_kept(struct client *c, const struct keep_doc *k, struct buf *whole,
    int *lost, struct refusal *why)
{
	struct doc *d = NULL;
	size_t head_len, len;
	struct err e;

	*lost = keep_get(c->keep, k->id, whole, &e) != 0;
	if (*lost) {
		refuse(why, WORD_INTERNAL, "its file cannot be read");
		log_error(c, "the state folder", &e);
		return NULL;
	}
	head_len = doc_head_length(whole->data, whole->len);
	len = whole->len - head_len;
	if (doc_open(&d, whole->data, head_len, &c->keys, why) != WORD_OK)
		return NULL;
	if (d->id != k->id || d->kind != DOC_UPDATE || d->dry_run ||
	    strcmp(d->feature, k->feature) != 0)
		refuse(why, WORD_SYNTAX, "it is another document");
	else if (doc_check_body(d, DOC_CLIENT, whole->data + head_len, len,
		     why) == WORD_OK)
		return d;
	doc_free(d);
	return NULL;
}

/* The checks of a document that was good once. The zone is a host's, and none
 * has told it yet. */
static enum word
check_kept(const struct client *c, const struct doc *d, struct refusal *why)
{
	if (d->expires_us != 0 && client_host_us(c) > d->expires_us)
		return refuse(why, WORD_EXPIRED, "it has expired");
	if (!doc_fits_client(d, c->program, c->version, c->platform))
		return refuse(why, WORD_NOT_FOR_ME,
		    "it is not for this program, version or platform");
	if (d->package.present && c->cb.fetch == NULL)
		return refuse(why, WORD_UNSUPPORTED,
		    "package: this client fetches none");
	return WORD_OK;
}

/* A host may give it again, but nothing older. */
static void
give_free(struct client *c, const struct keep_doc *k)
{
	if (catalog_highest(&c->catalog, k->feature) == k->id)
		catalog_rewind(&c->catalog, k->feature, k->id - 1);
}

static void
leave_out(struct client *c, const struct keep_doc *k, const char *why)
{
	struct client_mark *m = find_mark(c, k->id);

	if (m != NULL)
		remove_mark(c, m);
	client_log(c, "kept update %" PRIu64 " %s is left out: %s", k->id,
	    k->feature, why);
}

int
client_keep_apply(struct client *c, const struct keep_doc *k, struct doc *d,
    const void *part, size_t len, struct client_answer *a)
{
	uint64_t drop[CATALOG_LIVE];
	size_t n = client_find_held(c, d->feature, d->id, drop), i;
	struct record *r;

	r = client_reserve(c, d, d->id, a);
	if (r == NULL) {
		leave_out(c, k, a->why.text);
		return 0;
	}
	client_keep_try(c, d->id, d->feature);
	c->cb.apply(c->cb.arg, d, d->parts[DOC_CLIENT].present ? part : NULL,
	    len, drop, n, &a->applied);
	client_judge(a, RESULT_DEFERRED);
	if (a->result != RESULT_APPLIED && a->result != RESULT_HAVE &&
	    a->result != RESULT_DEFERRED) {
		client_fail(c, r, d);
		leave_out(c, k, result_name(a->result));
		return 0;
	}
	for (i = 0; i < n; i++)
		client_forget(c, catalog_find(&c->catalog, drop[i]));
	client_supersede_fetch(c, d->feature, d->id);
	client_hold(c, r, d, a->result);
	client_note(r)->kept = 1;
	r->before = k->before;
	a->changed = a->result != RESULT_DEFERRED;
	return 1;
}

void
client_keep_lost(struct client *c, const struct keep_doc *k)
{
	give_free(c, k);
	(void)client_keep_drop(c, &k->id, 1, 0, 0);
}

/* Its package is to be had first. */
static void
begin_fetch(struct client *c, const struct keep_doc *k, struct client_fetch *f)
{
	const int64_t until_ns = client_now_ns(c) + k->left_us * 1000;

	f->kept = *k;
	if (f->take_back_ns > until_ns)
		f->take_back_ns = until_ns;
	c->start_at++; /* it is among the fetches now */
	client_log(c, "kept update %" PRIu64 " %s: fetching", k->id,
	    k->feature);
}

/* Into the program, as an update that came. 1 when the document was kept. */
static int
begin_update(struct client *c, const struct keep_doc *k, struct doc *d,
    const void *part, size_t len)
{
	const struct client_from from = {NULL, NULL};
	struct client_answer a;
	struct record *r;
	int64_t until_ns;
	int got = 1;

	client_answer_init(&a);
	memcpy(a.feature, d->feature, strlen(d->feature) + 1);
	if (d->package.present)
		got = client_fetch(c, d, part, len, &from, &a);
	if (got == 0) {
		begin_fetch(c, k, client_find_fetch(c, k->id));
		return 1;
	}
	if (got < 0) {
		client_log_answer(c, "kept update", k->id, &a);
		leave_out(c, k, "its package is not here");
		give_free(c, k);
		return 0;
	}
	if (!client_keep_apply(c, k, d, part, len, &a))
		return 0;
	c->start_at++; /* it is among the records now */
	r = catalog_find(&c->catalog, k->id);
	until_ns = client_now_ns(c) + k->left_us * 1000;
	if (r->take_back_ns > until_ns)
		r->take_back_ns = until_ns;
	client_log_answer(c, "kept update", k->id, &a);
	client_tell_program(c, k->id, &a);
	return 1;
}

static void
begin_one(struct client *c, const struct keep_doc *k)
{
	struct buf whole = BUF_INIT;
	struct doc *d = NULL;
	struct refusal why;
	size_t head_len;
	int lost;

	if (client_has_crashed(c, k->id)) {
		client_log(c,
		    "kept update %" PRIu64 " %s is left out: the program died "
		    "%d times in a row while it was tried",
		    k->id, k->feature, KEEP_TRIES);
		return;
	}
	if (catalog_find(&c->catalog, k->id) != NULL) {
		leave_out(c, k, "it was reverted");
		return;
	}
	d = open_kept(c, k, &whole, &lost, &why);
	if (d == NULL || check_kept(c, d, &why) != WORD_OK) {
		leave_out(c, k, why.text);
		if (!lost)
			give_free(c, k);
		goto out;
	}
	head_len = d->head_len;
	if (begin_update(c, k, d, whole.data + head_len, whole.len - head_len))
		d = NULL;
out:
	doc_free(d);
	buf_free(&whole);
}

void
client_begin(struct client *c)
{
	struct keep_state s = KEEP_STATE_INIT;
	size_t i;

	if (c->keep == NULL || c->begun)
		return;
	c->begun = 1;
	for (i = 0; i < c->start.nkept; i++) {
		begin_one(c, &c->start.kept[i]);
		c->start_at = i + 1;
	}
	if (save(c) == 0 && put_kept(c, &s) == 0)
		keep_sweep(c->keep, &s);
	keep_state_free(&s);
	client_fire_due(c);
	client_rearm(c);
}
