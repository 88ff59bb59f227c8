/* What is deferred: updates that wait in the program for their event. */

#include "peer/client_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void
count_by(const struct client *c, struct record *r)
{
	struct client_note *note = client_note(r);

	note->by_ns = client_now_ns(c) + client_left_ns(c, r->doc->by_us);
}

void
client_defer(struct client *c, struct record *r)
{
	struct client_note *note = client_note(r);

	note->waiting = 1;
	c->ndeferred++;
	if (r->doc->by_us != 0) {
		count_by(c, r);
		note->guessed = !c->greeted;
	}
	client_keep_deferred(c, r->id);
}

void
client_undefer(struct client *c, struct record *r)
{
	struct client_note *note = client_note(r);

	if (note->waiting)
		c->ndeferred--;
	note->waiting = 0;
	note->by_ns = -1;
}

size_t
client_waiting(const struct client *c, uint64_t *ids, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < c->catalog.n && n < c->ndeferred; i++) {
		if (!client_waits(c->catalog.records[i]))
			continue;
		if (n < max)
			ids[n] = c->catalog.records[i]->id;
		n++;
	}
	return n;
}

/* --- the result at last ------------------------------------------------- */

static void
remove_owed(struct client *c, size_t i)
{
	buf_free(&c->owed[i].frame);
	c->nowed--;
	memmove(c->owed + i, c->owed + i + 1, (c->nowed - i) * sizeof *c->owed);
}

void
client_free_owed(struct client *c)
{
	while (c->nowed > 0)
		remove_owed(c, c->nowed - 1);
	free(c->owed);
	c->owed = NULL;
}

/* Without memory for it the host asks again, or is told by "have". */
static void
owe(struct client *c, uint64_t id, const struct client_answer *a)
{
	struct client_owed *p;

	/* As many as can have waited when the connection ended. */
	if (c->nowed >= CATALOG_LIVE)
		return;
	p = realloc(c->owed, (c->nowed + 1) * sizeof *p);
	if (p == NULL)
		return;
	c->owed = p;
	p += c->nowed++;
	p->id = id;
	buf_init(&p->frame);
	client_put_result(&p->frame, id, a);
	if (p->frame.oom)
		remove_owed(c, c->nowed - 1);
}

void
client_tell(struct client *c, uint64_t id, const struct client_answer *a)
{
	struct buf b = BUF_INIT;

	client_put_result(&b, id, a);
	if (!client_is_logged_in(c) || link_send_buf(&c->link, &b) != 0)
		owe(c, id, a);
	buf_free(&b);
}

void
client_settled(struct client *c, uint64_t id, const struct client_applied *out)
{
	struct record *r = catalog_find(&c->catalog, id);
	struct client_answer a;
	struct doc *d;

	if (r == NULL || !client_waits(r))
		return;
	client_answer_init(&a);
	a.applied = *out;
	client_judge(&a, RESULT_FAILED);
	memcpy(a.feature, r->doc->feature, strlen(r->doc->feature) + 1);
	client_undefer(c, r);
	if (a.result == RESULT_APPLIED || a.result == RESULT_HAVE) {
		client_keep_runs(c, r);
	} else {
		d = r->doc;
		r->doc = NULL;
		client_fail(c, r, d);
		doc_free(d);
		/* Said in the log when it fails: it fails once more then. */
		(void)client_keep_drop(c, &id, 1, 0, 0);
	}
	client_tell(c, id, &a);
	client_log_answer(c, "deferred update", id, &a);
	if (c->cb.updated != NULL)
		c->cb.updated(c->cb.arg, id, a.feature, result_name(a.result));
	client_rearm(c);
}

/* --- login -------------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

size_t
client_login_waiting(struct client *c, uint64_t ids[CATALOG_LIVE])
{
	size_t n = client_waiting(c, ids, CATALOG_LIVE), i = c->nowed;
	const struct record *r;

	while (i-- > 0) {
		r = catalog_find(&c->catalog, c->owed[i].id);
		if ((r != NULL && client_runs(r)) || n == CATALOG_LIVE)
			remove_owed(c, i);
		else
			ids[n++] = c->owed[i].id;
	}
	qsort(ids, n, sizeof *ids, by_id);
	return n;
}

void
client_wait_login(struct client *c)
{
	size_t i;

	for (i = 0; i < c->catalog.n && c->ndeferred > 0; i++) {
		struct record *r = c->catalog.records[i];

		if (!client_waits(r) || !client_note(r)->guessed)
			continue;
		client_note(r)->guessed = 0;
		if (client_note(r)->by_ns >= 0)
			count_by(c, r);
	}
	while (c->nowed > 0) {
		link_send_buf(&c->link, &c->owed[0].frame);
		remove_owed(c, 0);
	}
}

/* --- due ---------------------------------------------------------------- */

/* The one that is due first; NULL: none. */
static struct record *
first_due(const struct client *c)
{
	struct record *first = NULL;
	size_t i;

	for (i = 0; i < c->catalog.n && c->ndeferred > 0; i++) {
		struct record *r = c->catalog.records[i];

		if (client_waits(r) && client_note(r)->by_ns >= 0 &&
		    (first == NULL ||
			client_note(r)->by_ns < client_note(first)->by_ns))
			first = r;
	}
	return first;
}

int64_t
client_due_ns(const struct client *c)
{
	const struct record *r = first_due(c);

	return r != NULL && c->cb.due != NULL ? client_note(r)->by_ns : -1;
}

void
client_trying(struct client *c, uint64_t id)
{
	const struct record *r = catalog_find(&c->catalog, id);

	if (r != NULL && client_waits(r))
		client_keep_try(c, id, r->doc->feature);
}

void
client_fire_due(struct client *c)
{
	struct record *r;
	uint64_t id;

	if (c->cb.due == NULL)
		return;
	while ((r = first_due(c)) != NULL &&
	       client_note(r)->by_ns <= client_now_ns(c)) {
		id = r->id;
		client_note(r)->by_ns = -1;
		client_trying(c, id);
		c->cb.due(c->cb.arg, id);
	}
}
