/*
 * The packages that documents name: brought here before their push runs, and
 * again for what is live after a start; announced under the address that
 * clients of this host are given.
 */

#include "peer/host_internal.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a reason that are told and logged: a line that can be read. */
#define REASON 500

struct refetch { /* of a document that is live already */
	struct refetch *next;
	struct doc *doc; /* own: the record's may go first */
	int asked;       /* an answer is due */
	uint64_t so_far;
	int64_t wait_ns; /* since it failed last; 0: it has not failed */
	int64_t next_ns; /* not asked for before that */
};

struct mirror { /* a package that was asked for */
	struct mirror *next;
	struct doc_package package;
	char url[];
};

/* ---- what a document names ---------------------------------------------- */

int
host_package_is_wanted(const struct host *h, const struct doc *d)
{
	return d->package.present && h->cb.package != NULL;
}

uint64_t
host_package_bytes(const struct doc *d)
{
	/* Each is below 2^63. */
	return d->package.len + (d->full.present ? d->full.len : 0);
}

static int
is_same(const struct doc_package *a, const struct doc_package *b)
{
	return strcmp(a->name, b->name) == 0 &&
	       strcmp(a->release, b->release) == 0 && a->len == b->len &&
	       memcmp(a->sha512, b->sha512, SHA512_SIZE) == 0;
}

static int
names(const struct doc *d, const struct doc_package *p)
{
	return (d->package.present && is_same(&d->package, p)) ||
	       (d->full.present && is_same(&d->full, p));
}

/* New starts do not get what is retired, but who asked for it before may be
 * fetching it still. */
static int
is_in_force(const struct record *r)
{
	return r != NULL && r->doc != NULL &&
	       (r->state == RECORD_PENDING || r->state == RECORD_LIVE ||
		   r->state == RECORD_RETIRED);
}

static int
is_named(const struct host *h, const struct doc_package *p)
{
	const struct push *q;
	size_t i;

	for (i = 0; i < h->catalog.n; i++)
		if (is_in_force(h->catalog.records[i]) &&
		    names(h->catalog.records[i]->doc, p))
			return 1;
	for (q = h->queue; q != NULL; q = q->next)
		if (names(q->doc, p))
			return 1;
	return 0;
}

/* Remembered until nobody names it. 0, or -1: out of memory. */
static int
mirror_add(struct host *h, const struct doc_package *p)
{
	struct mirror *m;
	size_t len;

	for (m = h->mirrors; m != NULL; m = m->next)
		if (is_same(&m->package, p))
			return 0;
	len = strlen(p->url) + 1;
	m = malloc(sizeof *m + len);
	if (m == NULL)
		return -1;
	m->package = *p;
	memcpy(m->url, p->url, len);
	m->package.url = m->url;
	m->next = h->mirrors;
	h->mirrors = m;
	return 0;
}

static int
mirror_of(struct host *h, const struct doc *d)
{
	if (mirror_add(h, &d->package) != 0)
		return -1;
	return d->full.present ? mirror_add(h, &d->full) : 0;
}

/* ---- the answer ---------------------------------------------------------- */

/* The first line of the reason, to be shown. */
static const char *
reason(char out[REASON + 1], const struct host_package *a)
{
	static const char untold[] = "no reason was told";
	const char *text = a->len > 0 && a->text != NULL ? a->text : untold;
	size_t len = text == untold ? sizeof untold - 1 : a->len;
	const char *end = memchr(text, '\n', len);

	if (end != NULL)
		len = (size_t)(end - text);
	return text_escape(out, REASON + 1, text, len, 0);
}

static void
log_answer(struct host *h, const struct doc *d, const struct host_package *a)
{
	char why[REASON + 1];

	if (a->result == RESULT_APPLIED)
		host_log(h,
		    "document %" PRIu64 " (%s): package %s %s is here, %" PRIu64
		    " bytes in %" PRId64 " ms",
		    d->id, d->feature, d->package.name, d->package.release,
		    host_package_bytes(d), a->took_ns / 1000000);
	else
		host_log(h,
		    "document %" PRIu64 " (%s): package %s %s could not be "
		    "fetched: %s",
		    d->id, d->feature, d->package.name, d->package.release,
		    reason(why, a));
}

static void
cancel(struct host *h, uint64_t id)
{
	if (h->cb.package_cancel != NULL)
		h->cb.package_cancel(h->cb.arg, id);
}

/* ---- pushes -------------------------------------------------------------- */

/* Where a push that waits for its package, or for its turn since, stands in
 * the queue; NULL: there is none of this id. */
static struct push **
find_push(struct host *h, uint64_t id)
{
	struct push **at = &h->queue;

	while (*at != NULL && !((*at)->fetches && (*at)->doc->id == id))
		at = &(*at)->next;
	return *at != NULL ? at : NULL;
}

enum word
host_package_admit(struct host *h, const struct doc *d, struct refusal *why)
{
	const struct push *p;
	size_t n = 0;

	if (find_push(h, d->id) != NULL)
		return refuse(why, WORD_BUSY,
		    "the package of %" PRIu64 " is being fetched; try again",
		    d->id);
	for (p = h->queue; p != NULL; p = p->next)
		n += p->fetches != 0;
	if (n >= HOST_FETCHES)
		return refuse(why, WORD_BUSY,
		    "%d documents wait for their packages; try again",
		    HOST_FETCHES);
	return WORD_OK;
}

/* Out of the queue. Nothing of it is asked for any more. */
static struct push *
take_out(struct push **at)
{
	struct push *p = *at;

	*at = p->next;
	p->next = NULL;
	if (p->phase == PUSH_FETCHING)
		cancel(p->host, p->doc->id);
	return p;
}

/* It does not run; its operator's next frame is read in its turn. */
static void
leave(struct push *p)
{
	if (p->conn != NULL)
		p->conn->held = 1;
	push_free(p);
}

/* Of a push that is in the queue. */
static void
push_answered(struct push *p, const struct host_package *a)
{
	struct host *h = p->host;
	char why[REASON + 1];

	p->phase = PUSH_QUEUED;
	log_answer(h, p->doc, a);
	if (a->result == RESULT_APPLIED) {
		p->so_far = host_package_bytes(p->doc);
		push_tell_package(p);
	} else {
		push_tell_done(p, "failed", WORD_OK, reason(why, a));
		leave(take_out(find_push(h, p->doc->id)));
		host_package_sweep(h);
	}
	push_next(h);
}

void
host_package_start(struct push *p)
{
	struct host *h = p->host;
	const struct doc *d = p->doc;
	struct host_package out;

	p->fetches = 1;
	push_enqueue(p);
	if (mirror_of(h, d) != 0) {
		memset(&out, 0, sizeof out);
		out.result = RESULT_FAILED;
		out.text = "out of memory";
		out.len = strlen(out.text);
		push_answered(p, &out);
		return;
	}
	host_log(h,
	    "document %" PRIu64 " (%s) from %s, key %s: package %s %s is "
	    "fetched from %s",
	    d->id, d->feature, p->from, d->key_name, d->package.name,
	    d->package.release, d->package.url);
	memset(&out, 0, sizeof out);
	if (h->cb.package(h->cb.arg, d, &out)) {
		push_answered(p, &out);
		return;
	}
	p->phase = PUSH_FETCHING;
	push_tell_package(p);
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
}

void
host_package_abort(struct host *h, const struct doc *revert)
{
	struct push **at = &h->queue, *p;

	while ((p = *at) != NULL) {
		if (!p->fetches ||
		    strcmp(p->doc->feature, revert->feature) != 0) {
			at = &p->next;
			continue;
		}
		host_log(h,
		    "document %" PRIu64 " (%s): reverted: a revert of its "
		    "feature came",
		    p->doc->id, p->doc->feature);
		push_tell_done(p, "reverted", WORD_OK, NULL);
		leave(take_out(at));
	}
}

void
host_package_review(struct host *h, const char *feature)
{
	struct push **at = &h->queue, *p;
	struct refusal why;
	enum word w;

	while ((p = *at) != NULL) {
		w = WORD_OK;
		if (p->fetches && strcmp(p->doc->feature, feature) == 0)
			w = push_admit(h, p->doc, 0, &why);
		if (w != WORD_STALE && w != WORD_REVERTED) {
			at = &p->next;
			continue;
		}
		take_out(at);
		push_refused(p, w, why.text);
		push_free(p);
	}
}

/* ---- documents that are live already ------------------------------------- */

static struct refetch **
find_refetch(struct host *h, uint64_t id)
{
	struct refetch **at = &h->refetches;

	while (*at != NULL && (*at)->doc->id != id)
		at = &(*at)->next;
	return *at != NULL ? at : NULL;
}

/* It is not wanted any more, or it is here. */
static void
refetch_end(struct host *h, struct refetch **at)
{
	struct refetch *f = *at;

	*at = f->next;
	if (f->asked)
		cancel(h, f->doc->id);
	doc_free(f->doc);
	free(f);
}

/* 1 when it failed, and stays to be asked for later. */
static int
refetch_answered(struct host *h, struct refetch **at,
    const struct host_package *a)
{
	struct refetch *f = *at;
	struct record *r = catalog_find(&h->catalog, f->doc->id);
	int is_here = a->result == RESULT_APPLIED;

	f->asked = 0;
	f->so_far = 0;
	log_answer(h, f->doc, a);
	if (is_in_force(r))
		((struct note *)r->owner)->package =
		    is_here ? RESULT_APPLIED : RESULT_FAILED;
	if (is_here || r == NULL || r->state != RECORD_LIVE) {
		refetch_end(h, at);
		return 0;
	}
	f->wait_ns = f->wait_ns == 0 ? HOST_REFETCH_FIRST_NS : 2 * f->wait_ns;
	if (f->wait_ns > HOST_REFETCH_MAX_NS)
		f->wait_ns = HOST_REFETCH_MAX_NS;
	f->next_ns = host_now_ns(h) + f->wait_ns;
	return 1;
}

/* How many are asked for now. */
static size_t
refetches_asked(const struct host *h)
{
	const struct refetch *f;
	size_t n = 0;

	for (f = h->refetches; f != NULL; f = f->next)
		n += f->asked != 0;
	return n;
}

/* As many as may be are asked for, in their order. */
static void
refetch_next(struct host *h)
{
	struct refetch **at = &h->refetches;
	struct host_package out;
	size_t asked = refetches_asked(h);
	int64_t now = host_now_ns(h);

	while (*at != NULL && asked < HOST_REFETCHES && !h->ending) {
		if ((*at)->asked || (*at)->next_ns > now) {
			at = &(*at)->next;
			continue;
		}
		memset(&out, 0, sizeof out);
		if (!h->cb.package(h->cb.arg, (*at)->doc, &out)) {
			(*at)->asked = 1;
			asked++;
			at = &(*at)->next;
		} else if (refetch_answered(h, at, &out)) {
			at = &(*at)->next;
		}
	}
}

/* When the next one that failed is asked for; -1: none, or there is no room
 * for it before another one's answer. */
static int64_t
refetch_next_ns(const struct host *h)
{
	const struct refetch *f;
	int64_t next = -1;

	if (h->ending || refetches_asked(h) >= HOST_REFETCHES)
		return -1;
	for (f = h->refetches; f != NULL; f = f->next)
		if (!f->asked && (next < 0 || f->next_ns < next))
			next = f->next_ns;
	return next;
}

void
host_package_live(struct host *h, struct record *r)
{
	struct refetch *f = NULL, **last = &h->refetches;

	if (!h->begun || !host_package_is_wanted(h, r->doc) ||
	    (r->state != RECORD_LIVE && r->state != RECORD_RETIRED))
		return;
	if (mirror_of(h, r->doc) != 0)
		goto nomem;
	if (r->state == RECORD_RETIRED)
		return;
	f = calloc(1, sizeof *f);
	if (f == NULL || doc_open(&f->doc, r->doc->head, r->doc->head_len, NULL,
			     NULL) != WORD_OK)
		goto nomem;
	while (*last != NULL)
		last = &(*last)->next;
	*last = f;
	refetch_next(h);
	return;

nomem:
	free(f);
	host_log(h,
	    "document %" PRIu64 " (%s): out of memory to fetch its package",
	    r->id, r->doc->feature);
}

/* ---- from the owner ------------------------------------------------------ */

void
host_packaged(struct host *h, uint64_t id, const struct host_package *out)
{
	struct push **at = find_push(h, id);
	struct refetch **f = find_refetch(h, id);

	if (at != NULL && (*at)->phase == PUSH_FETCHING) {
		push_answered(*at, out);
	} else if (f != NULL && (*f)->asked) {
		(void)refetch_answered(h, f, out);
		refetch_next(h);
		if (h->cb.rearm != NULL)
			h->cb.rearm(h->cb.arg);
	}
}

void
host_package_progress(struct host *h, uint64_t id, uint64_t so_far)
{
	struct push **at = find_push(h, id);
	struct refetch **f = find_refetch(h, id);

	if (at != NULL && (*at)->phase == PUSH_FETCHING)
		(*at)->so_far = so_far;
	else if (f != NULL)
		(*f)->so_far = so_far;
}

/* ---- what is not wanted any more ----------------------------------------- */

void
host_package_sweep(struct host *h)
{
	struct mirror **m = &h->mirrors, *gone;
	struct refetch **f = &h->refetches;

	while (*f != NULL) {
		if (is_in_force(catalog_find(&h->catalog, (*f)->doc->id)))
			f = &(*f)->next;
		else
			refetch_end(h, f);
	}
	while ((gone = *m) != NULL) {
		if (is_named(h, &gone->package)) {
			m = &gone->next;
			continue;
		}
		*m = gone->next;
		if (h->cb.package_gone != NULL)
			h->cb.package_gone(h->cb.arg, &gone->package);
		free(gone);
	}
	refetch_next(h);
}

void
host_package_stop(struct host *h)
{
	struct push **at = &h->queue;

	while (h->refetches != NULL)
		refetch_end(h, &h->refetches);
	while (*at != NULL) {
		if (!(*at)->fetches) {
			at = &(*at)->next;
			continue;
		}
		host_log(h, "document %" PRIu64 " (%s): the host ends",
		    (*at)->doc->id, (*at)->doc->feature);
		push_free(take_out(at));
	}
}

void
host_package_free(struct host *h)
{
	struct mirror *m;

	host_package_stop(h);
	while ((m = h->mirrors) != NULL) {
		h->mirrors = m->next;
		free(m);
	}
}

/* ---- time passes --------------------------------------------------------- */

/* Somebody is to be told that it goes on. */
static int
is_told(const struct push *p)
{
	return p->fetches && p->conn != NULL;
}

int64_t
host_package_next_ns(const struct host *h)
{
	const struct push *p;
	int64_t next = refetch_next_ns(h), due;

	for (p = h->queue; p != NULL; p = p->next) {
		due = p->progress_ns + HOST_PROGRESS_NS;
		if (is_told(p) && (next < 0 || due < next))
			next = due;
	}
	return next;
}

void
host_package_tick(struct host *h)
{
	int64_t now = host_now_ns(h);
	struct push *p;

	for (p = h->queue; p != NULL; p = p->next)
		if (is_told(p) && p->progress_ns + HOST_PROGRESS_NS <= now)
			push_tell_package(p);
	refetch_next(h);
}

/* ---- shown to people ----------------------------------------------------- */

/* The address under which it is announced. */
const char *
host_package_from(const struct host *h, const struct doc_package *p,
    char buf[HOST_FROM])
{
	if (h->cb.package_from == NULL ||
	    !h->cb.package_from(h->cb.arg, p, buf, HOST_FROM) ||
	    !text_is_clean(buf, strlen(buf)))
		return p->url;
	return buf;
}

static void
put_one(const struct host *h, const struct doc *d, const struct doc_package *p,
    const char *state, uint64_t so_far, size_t fetching, struct buf *b)
{
	char from[HOST_FROM];

	buf_printf(b,
	    "package: %" PRIu64 " %s %s %s bytes=%" PRIu64 " of=%" PRIu64
	    " fetching=%zu from=%s\n",
	    d->id, p->name, p->release, state, so_far, host_package_bytes(d),
	    fetching, host_package_from(h, p, from));
}

static void
put_all(const struct host *h, const struct doc *d, const char *state,
    uint64_t so_far, size_t fetching, struct buf *b)
{
	put_one(h, d, &d->package, state, so_far, fetching, b);
	if (d->full.present)
		put_one(h, d, &d->full, state, so_far, fetching, b);
}

static void
put_record(struct host *h, const struct record *r, struct buf *b)
{
	const struct note *n = r->owner;
	struct refetch **f = find_refetch(h, r->id);
	const char *state = "elsewhere";
	uint64_t so_far = 0;

	if (f != NULL && ((*f)->asked || (*f)->wait_ns == 0)) {
		state = "fetching";
		so_far = (*f)->so_far;
	} else if (n->package == RESULT_APPLIED) {
		state = "here";
		so_far = host_package_bytes(r->doc);
	} else if (n->package != RESULT_NONE) {
		state = "missing";
	}
	put_all(h, r->doc, state, so_far, n->fetching, b);
}

void
host_package_put_status(struct host *h, struct buf *b)
{
	const struct push *p;
	size_t i;

	for (i = 0; i < h->catalog.n; i++)
		if (is_in_force(h->catalog.records[i]) &&
		    h->catalog.records[i]->doc->package.present)
			put_record(h, h->catalog.records[i], b);
	for (p = h->queue; p != NULL; p = p->next)
		if (p->fetches)
			put_all(h, p->doc, "fetching", p->so_far, 0, b);
}
