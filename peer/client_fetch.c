/*
 * Packages: documents that are fetched before they can be applied. One that is
 * being fetched is in the list here and has no record; it takes its place in
 * the order of its feature when it is applied.
 */

#include "peer/client_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* --- the list ----------------------------------------------------------- */

struct client_fetch *
client_find_fetch(const struct client *c, uint64_t id)
{
	struct client_fetch *f;

	for (f = c->fetches; f != NULL && f->doc->id != id; f = f->next)
		;
	return f;
}

struct client_fetch *
client_fetch_of(const struct client *c, const char *feature)
{
	struct client_fetch *f;

	for (f = c->fetches; f != NULL && strcmp(f->doc->feature, feature) != 0;
	     f = f->next)
		;
	return f;
}

size_t
client_fetching(const struct client *c, uint64_t *ids, size_t max)
{
	const struct client_fetch *f;
	size_t n = 0;

	for (f = c->fetches; f != NULL; f = f->next, n++)
		if (n < max)
			ids[n] = f->doc->id;
	return n;
}

static void
insert(struct client *c, struct client_fetch *f)
{
	struct client_fetch **at = &c->fetches;

	while (*at != NULL && (*at)->doc->id < f->doc->id)
		at = &(*at)->next;
	f->next = *at;
	*at = f;
}

static void
take_out(struct client *c, const struct client_fetch *f)
{
	struct client_fetch **at = &c->fetches;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
}

static void
fetch_free(struct client_fetch *f)
{
	if (f == NULL)
		return;
	doc_free(f->doc);
	doc_free(f->by);
	free(f->part);
	free(f);
}

void
client_end_fetch(struct client *c, struct client_fetch *f)
{
	take_out(c, f);
	if (!f->here)
		c->cb.fetch_cancel(c->cb.arg, f->doc->id);
	fetch_free(f);
}

void
client_free_fetches(struct client *c)
{
	while (c->fetches != NULL)
		client_end_fetch(c, c->fetches);
}

/* --- the beginning ------------------------------------------------------ */

/* The document and its part as long as they are needed; NULL: no memory. */
static struct client_fetch *
new_fetch(const struct client *c, struct doc *d, const void *part, size_t len)
{
	struct client_fetch *f = calloc(1, sizeof *f);

	if (f == NULL || (f->part = malloc(len + 1)) == NULL) {
		free(f);
		return NULL;
	}
	if (len > 0)
		memcpy(f->part, part, len);
	f->len = len;
	f->doc = d;
	f->take_back_ns =
	    client_now_ns(c) + client_left_ns(c, d->take_back_until_us);
	return f;
}

/* Somewhere within the document's "spread". */
static int64_t
delay_ns(struct client *c, const struct doc *d)
{
	const int64_t max_ms = INT64_MAX / 1000000 - 1;
	const int64_t ms = d->spread_ms < max_ms ? d->spread_ms : max_ms;

	if (ms == 0)
		return 0;
	return (int64_t)(client_random(c) % ((uint64_t)ms * 1000000 + 1));
}

/* It will not come: the owner's word. */
static void
judge(struct client_answer *a)
{
	struct client_applied *p = &a->applied;
	char text[WORD_TEXT];
	size_t n = 0;

	if (p->took_ns < 0)
		p->took_ns = 0;
	if (p->result != RESULT_REFUSED) {
		a->tried = 1;
		a->result =
		    p->result == RESULT_GAVE_UP ? p->result : RESULT_FAILED;
		return;
	}
	while (p->text != NULL && n < p->len && p->text[n] != '\n')
		n++;
	a->result = RESULT_REFUSED;
	refuse(&a->why,
	    p->word > WORD_OK && p->word < WORD_HAVE ? p->word : WORD_INTERNAL,
	    "%s", n > 0 ? text_escape(text, sizeof text, p->text, n, 1) : "");
}

/* Of others: the one of this feature, if any, will be superseded. */
static size_t
count_others(const struct client *c, const char *feature)
{
	const struct client_fetch *f;
	size_t n = 0;

	for (f = c->fetches; f != NULL; f = f->next)
		n += strcmp(f->doc->feature, feature) != 0;
	return n;
}

int
client_fetch(struct client *c, struct doc *d, const void *part, size_t len,
    const struct client_from *from, struct client_answer *a)
{
	struct client_fetch *f;
	int got;

	if (count_others(c, d->feature) >= CLIENT_FETCHES) {
		refuse(&a->why, WORD_FULL,
		    "%d packages are being fetched already", CLIENT_FETCHES);
		return -1;
	}
	f = new_fetch(c, d, part, len);
	if (f == NULL) {
		refuse(&a->why, WORD_INTERNAL, "out of memory");
		return -1;
	}
	got = c->cb.fetch(c->cb.arg, d, from->package, from->full,
	    delay_ns(c, d), &a->applied);
	if (got == 0) {
		client_supersede_fetch(c, d->feature, d->id);
		insert(c, f);
		return 0;
	}
	f->doc = NULL; /* it is the caller's still */
	fetch_free(f);
	if (got > 0)
		memset(&a->applied, 0, sizeof a->applied);
	else
		judge(a);
	return got > 0 ? 1 : -1;
}

int
client_fetch_update(struct client *c, struct doc *d, const void *part,
    size_t len, const struct client_from *from, struct client_answer *a)
{
	int got;

	if (client_check_part(c, d, part, len, a) != 0)
		return 0;
	got = client_fetch(c, d, part, len, from, a);
	if (got != 0)
		return got > 0 ? client_apply(c, d, part, len, a) : 0;
	client_find_fetch(c, d->id)->asked = 1;
	a->result = RESULT_FETCHING;
	return 1;
}

/* --- what ends it early ------------------------------------------------- */

void
client_supersede_fetch(struct client *c, const char *feature, uint64_t id)
{
	struct client_fetch *f = client_fetch_of(c, feature);
	struct client_answer a;
	uint64_t old, kept;
	int asked;

	if (f == NULL || f->doc->id >= id)
		return;
	client_answer_init(&a);
	a.result = RESULT_SUPERSEDED;
	memcpy(a.feature, feature, strlen(feature) + 1);
	old = f->doc->id;
	kept = f->kept.id;
	asked = f->asked;
	client_end_fetch(c, f);
	if (kept != 0)
		(void)client_keep_drop(c, &kept, 1, 0, 0);
	if (asked && client_is_logged_in(c))
		client_send_result(c, old, &a);
	client_log_answer(c, "update", old, &a);
}

void
client_fetch_closed(struct client *c)
{
	struct client_fetch *f;

	for (f = c->fetches; f != NULL; f = f->next)
		f->asked = 0;
}

void
client_fetch_login(struct client *c)
{
	struct client_fetch *f = c->fetches;
	struct keep_doc kept;

	while (f != NULL) {
		if (f->asked) {
			f = f->next;
			continue;
		}
		client_log(c,
		    "update %" PRIu64 " %s is fetched no more: this host does "
		    "not give it",
		    f->doc->id, f->doc->feature);
		kept = f->kept;
		client_end_fetch(c, f);
		if (kept.id != 0)
			client_keep_lost(c, &kept);
		f = c->fetches; /* those asked for are few */
	}
}

/* --- the end ------------------------------------------------------------ */

void
client_hold_fetched(struct client *c, struct record *r)
{
	const struct client_fetch *f = client_find_fetch(c, r->id);

	if (f == NULL)
		return;
	if (r->take_back_ns > f->take_back_ns)
		r->take_back_ns = f->take_back_ns;
	(void)catalog_accept(&c->catalog, f->doc->feature, f->highest);
}

/*
 * The package is here: apply the document. Much may have come meanwhile, but
 * what ends the fetch ended it then; time alone tells nobody. It stays in the
 * list until it is a record, so that a start finds the one or the other.
 */
static void
arrive(struct client *c, struct client_fetch *f, struct client_answer *a)
{
	struct doc *d = f->doc;
	const struct keep_doc kept = f->kept;
	const uint64_t id = d->id;
	int done = 0;

	a->result = RESULT_REFUSED;
	memcpy(a->feature, d->feature, strlen(d->feature) + 1);
	if (d->expires_us != 0 && client_host_us(c) > d->expires_us)
		refuse(&a->why, WORD_EXPIRED,
		    "it expired while its package was fetched");
	else if (kept.id != 0)
		done = client_keep_apply(c, &kept, d, f->part, f->len, a);
	else
		done = client_apply(c, d, f->part, f->len, a);
	take_out(c, f);
	if (done)
		f->doc = NULL;
	if (done && f->by != NULL) {
		client_retire(c, catalog_find(&c->catalog, id), f->by);
		f->by = NULL;
	}
	if (!done && kept.id != 0)
		client_keep_lost(c, &kept);
	fetch_free(f);
}

void
client_fetch_again(struct client *c, uint64_t id, struct client_answer *a)
{
	struct client_fetch *f = client_find_fetch(c, id);

	f->asked = 1;
	if (f->here)
		arrive(c, f, a);
}

/* The LOGIN told that it is not here, and the host has not said yet whether it
 * is still to be had. */
static int
is_undecided(const struct client *c, const struct client_fetch *f)
{
	return !f->asked &&
	       (c->state == CLIENT_LOGIN || c->state == CLIENT_CATCHING_UP);
}

void
client_fetched(struct client *c, uint64_t id, const struct client_applied *out)
{
	struct client_fetch *f = client_find_fetch(c, id);
	struct client_answer a;
	struct keep_doc kept;
	int asked;

	if (f == NULL || f->here)
		return;
	client_answer_init(&a);
	asked = f->asked;
	f->here = 1;
	if (out->result != RESULT_READY) {
		memcpy(a.feature, f->doc->feature, strlen(f->doc->feature) + 1);
		a.applied = *out;
		judge(&a);
		kept = f->kept;
		client_end_fetch(c, f);
		if (kept.id != 0)
			client_keep_lost(c, &kept);
	} else if (is_undecided(c, f)) {
		return;
	} else {
		arrive(c, f, &a);
	}
	if (asked && client_is_logged_in(c))
		client_send_result(c, id, &a);
	client_log_answer(c, "update", id, &a);
	client_tell_program(c, id, &a);
	client_fire_due(c);
	client_rearm(c);
}
