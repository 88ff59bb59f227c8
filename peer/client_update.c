/* What the host sends a client: updates, retirements, reverts. */

#include "peer/client_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "base/timetext.h"

/* --- records ------------------------------------------------------------ */

struct client_note *
client_note(const struct record *r)
{
	return r->owner;
}

int
client_holds(const struct record *r)
{
	return r->state == RECORD_LIVE || r->state == RECORD_RETIRED;
}

int
client_waits(const struct record *r)
{
	return client_holds(r) && client_note(r)->waiting;
}

int
client_runs(const struct record *r)
{
	return client_holds(r) && !client_note(r)->waiting;
}

/* What a record has only while its update is held. */
static void
drop_note(struct client *c, struct record *r)
{
	if (r->owner != NULL)
		client_undefer(c, r);
	free(r->owner);
	r->owner = NULL;
}

void
client_forget(struct client *c, struct record *r)
{
	drop_note(c, r);
	catalog_remove(&c->catalog, r);
}

size_t
client_find_held(const struct client *c, const char *feature, uint64_t id,
    uint64_t out[CATALOG_LIVE])
{
	size_t i, n = 0;

	for (i = 0; i < c->catalog.n; i++) {
		const struct record *r = c->catalog.records[i];

		if (r->id <= id && client_holds(r) &&
		    strcmp(r->doc->feature, feature) == 0)
			out[n++] = r->id;
	}
	return n;
}

/* Of these ids, those that wait: their UPDATE has no final result yet. */
static size_t
find_waiting(const struct client *c, const uint64_t *ids, size_t n,
    uint64_t out[CATALOG_LIVE])
{
	size_t i, found = 0;

	for (i = 0; i < n; i++)
		if (client_waits(catalog_find(&c->catalog, ids[i])))
			out[found++] = ids[i];
	return found;
}

/* Forget these records, but for one. */
static void
forget(struct client *c, const uint64_t *ids, size_t n, uint64_t except)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] != except)
			client_forget(c, catalog_find(&c->catalog, ids[i]));
}

int64_t
client_left_ns(const struct client *c, int64_t until_us)
{
	int64_t us = until_us - client_host_us(c);

	/* The end of the clock is some 292 years off. */
	return us <= 0 ? 0 : us < INT64_MAX / 2000 ? us * 1000 : INT64_MAX / 2;
}

/* --- answering ---------------------------------------------------------- */

/* At most max bytes of the text, cut between characters. */
static size_t
cut(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

void
client_put_result(struct buf *b, uint64_t id, const struct client_answer *a)
{
	const struct client_applied *p = &a->applied;
	size_t len = 0;

	frame_begin(b, "RESULT");
	frame_arg(b, "%" PRIu64, id);
	frame_arg(b, "%s", result_name(a->result));
	if (a->result == RESULT_REFUSED) {
		frame_arg(b, "%s", word_name(a->why.word));
		frame_put(b, "text", "%s", a->why.text);
	}
	if (a->tried) {
		frame_put(b, "took", "%" PRId64 ".%06" PRId64,
		    p->took_ns / 1000000000, p->took_ns / 1000 % 1000000);
		if (p->text != NULL)
			len = cut(p->text, p->len, RESULT_TEXT_MAX);
	}
	if (len > 0)
		frame_body(b, p->text, len);
	else
		frame_end(b);
}

void
client_send_result(struct client *c, uint64_t id, const struct client_answer *a)
{
	struct buf b = BUF_INIT;

	client_put_result(&b, id, a);
	link_send_buf(&c->link, &b);
	buf_free(&b);
}

/* Something newer of their feature came, perhaps while there is no connection:
 * the final result of those that waited, but for one that has another. */
static void
send_superseded(struct client *c, const uint64_t *ids, size_t n,
    uint64_t except)
{
	struct client_answer a;
	size_t i;

	client_answer_init(&a);
	a.result = RESULT_SUPERSEDED;
	for (i = 0; i < n; i++)
		if (ids[i] != except)
			client_tell(c, ids[i], &a);
}

void
client_log_answer(struct client *c, const char *what, uint64_t id,
    const struct client_answer *a)
{
	const char *parting = *a->feature != '\0' ? " " : "";
	size_t n = 0;

	if (a->result == RESULT_REFUSED) {
		client_log(c, "%s %" PRIu64 "%s%s: refused %s: %s", what, id,
		    parting, a->feature, word_name(a->why.word), a->why.text);
		return;
	}
	/* Why, which is the first line of the report. */
	if (a->tried && result_is_failure(a->result) && a->applied.text != NULL)
		while (n < a->applied.len && a->applied.text[n] != '\n')
			n++;
	client_log(c, "%s %" PRIu64 "%s%s: %s%s%.*s", what, id, parting,
	    a->feature, result_name(a->result), n > 0 ? ": " : "", (int)n,
	    n > 0 ? a->applied.text : "");
}

void
client_tell_program(struct client *c, uint64_t id,
    const struct client_answer *a)
{
	if (a->changed && c->cb.updated != NULL)
		c->cb.updated(c->cb.arg, id, a->feature,
		    result_name(a->result));
}

void
client_answer(struct client *c, const char *what, uint64_t id,
    const struct client_answer *a)
{
	client_send_result(c, id, a);
	client_log_answer(c, what, id, a);
	client_tell_program(c, id, a);
}

void
client_answer_init(struct client_answer *a)
{
	memset(a, 0, sizeof *a);
	a->result = RESULT_REFUSED;
}

void
client_judge(struct client_answer *a, enum result also)
{
	const enum result told = a->applied.result;

	a->tried = 1;
	a->result = told == RESULT_APPLIED || told == RESULT_HAVE ||
			    told == RESULT_PARTIAL || told == RESULT_HUNG ||
			    told == also
			? told
			: RESULT_FAILED;
	if (a->applied.took_ns < 0)
		a->applied.took_ns = 0;
}

/* --- documents ---------------------------------------------------------- */

/* Verified, or NULL with the answer. */
static struct doc *
open_document(struct client *c, const void *head, size_t len,
    struct client_answer *a)
{
	struct doc *d = NULL;
	enum word w = doc_open(&d, head, len, &c->keys, &a->why);

	if (w != WORD_OK) {
		a->why.word = w;
		return NULL;
	}
	memcpy(a->feature, d->feature, strlen(d->feature) + 1);
	/* What was signed then exists, so it is later now. Not so of what is
	 * refused as future: it must not make the time that it is judged by. */
	if (d->created_us > c->verified_us &&
	    d->created_us - client_host_us(c) <= DOC_FUTURE_US)
		c->verified_us = d->created_us;
	return d;
}

enum word
client_admit(struct client *c, const struct doc *d, struct client_answer *a)
{
	const struct client_fetch *f = client_find_fetch(c, d->id);
	const struct record *r;
	enum word w;

	if (f != NULL &&
	    memcmp(f->doc->digest, d->digest, sizeof d->digest) == 0) {
		a->result = RESULT_FETCHING;
		return refuse(&a->why, WORD_HAVE, "it is being fetched");
	}
	w = catalog_admit(&c->catalog, d, client_host_us(c), 0, 0, &a->why);
	if (w == WORD_HAVE) {
		r = catalog_find(&c->catalog, d->id);
		a->result = r != NULL && client_waits(r) ? RESULT_DEFERRED
							 : RESULT_HAVE;
	}
	if (w != WORD_OK)
		return w;
	f = client_fetch_of(c, d->feature);
	if (d->kind == DOC_UPDATE && f != NULL && f->doc->id >= d->id)
		return refuse(&a->why, WORD_STALE,
		    "%" PRIu64 " of %s is being fetched, %" PRIu64
		    " is not newer",
		    f->doc->id, d->feature, d->id);
	if (!doc_fits_client(d, c->program, c->version, c->platform))
		return refuse(&a->why, WORD_NOT_FOR_ME,
		    "it is not for this program, version or platform");
	if (!doc_fits_zone(d, c->zone))
		return refuse(&a->why, WORD_NOT_FOR_ME,
		    "it is not for this host's zone");
	return WORD_OK;
}

/* As client_reserve, without the note of a held update. */
static struct record *
reserve(struct client *c, const struct doc *d, uint64_t id,
    struct client_answer *a)
{
	struct record *r = NULL;

	if (client_keep_is_full(c, d->feature)) {
		refuse(&a->why, WORD_FULL, "this client knows %d features",
		    KEEP_FEATURES);
		return NULL;
	}
	if (catalog_accept(&c->catalog, d->feature, 0) == 0)
		r = catalog_add(&c->catalog, id);
	if (r == NULL && c->catalog.n >= CATALOG_RECORDS)
		refuse(&a->why, WORD_FULL, "this client knows %zu ids already",
		    c->catalog.n);
	else if (r == NULL)
		refuse(&a->why, WORD_INTERNAL, "out of memory");
	return r;
}

struct record *
client_reserve(struct client *c, const struct doc *d, uint64_t id,
    struct client_answer *a)
{
	struct client_note *note = calloc(1, sizeof *note);
	struct record *r = reserve(c, d, id, a);

	if (r != NULL && note != NULL) {
		note->by_ns = -1;
		r->owner = note;
		return r;
	}
	if (r != NULL) {
		catalog_remove(&c->catalog, r);
		refuse(&a->why, WORD_INTERNAL, "out of memory");
	}
	free(note);
	return NULL;
}

/*
 * The feature comes to this document. What is being fetched and is older must
 * not be overtaken by a revert or retirement of another: fetched or not, now or
 * after a restart, it may still come.
 */
static void
accept_id(struct client *c, const struct doc *d)
{
	struct client_fetch *f = client_fetch_of(c, d->feature);
	uint64_t id = d->id;

	if (f != NULL && f->doc->id < id) {
		if (f->highest < id)
			f->highest = id;
		id = f->doc->id - 1;
	}
	/* It was reserved: this cannot fail. */
	(void)catalog_accept(&c->catalog, d->feature, id);
}

/* --- UPDATE ------------------------------------------------------------- */

int
client_check_part(struct client *c, const struct doc *d, const void *part,
    size_t len, struct client_answer *a)
{
	uint64_t drop[CATALOG_LIVE];
	size_t n;

	if (!doc_has_client(d)) {
		refuse(&a->why, WORD_NOT_FOR_ME,
		    "it has neither a client part nor a package");
		return -1;
	}
	n = client_have(c, NULL, 0) + client_waiting(c, NULL, 0) +
	    client_fetching(c, NULL, 0);
	if (client_find_fetch(c, d->id) != NULL)
		n--; /* itself */
	if (n >= CATALOG_LIVE &&
	    client_find_held(c, d->feature, d->id, drop) == 0) {
		refuse(&a->why, WORD_FULL, "%d updates are here already",
		    CATALOG_LIVE);
		return -1;
	}
	return doc_check_body(d, DOC_CLIENT, part, len, &a->why) == WORD_OK
		   ? 0
		   : -1;
}

void
client_hold(struct client *c, struct record *r, struct doc *d,
    enum result result)
{
	r->state = RECORD_LIVE;
	r->doc = d;
	r->held = 1;
	memcpy(r->digest, d->digest, sizeof r->digest);
	/* The greeting that tells the time is unsigned and the next one may
	 * tell an earlier one: counted here once, the time for taking it back
	 * cannot be made longer. At most what the signer gave, from created
	 * on. */
	r->take_back_until_us = d->take_back_until_us;
	r->take_back_ns =
	    client_now_ns(c) + client_left_ns(c, d->take_back_until_us);
	accept_id(c, d);
	client_hold_fetched(c, r);
	if (result == RESULT_DEFERRED)
		client_defer(c, r);
	else
		client_keep_runs(c, r);
}

void
client_fail(struct client *c, struct record *r, const struct doc *d)
{
	if (catalog_highest(&c->catalog, d->feature) == d->id)
		catalog_rewind(&c->catalog, d->feature, d->id - 1);
	client_forget(c, r);
}

int
client_apply(struct client *c, struct doc *d, const void *part, size_t len,
    struct client_answer *a)
{
	uint64_t drop[CATALOG_LIVE], waited[CATALOG_LIVE];
	size_t n = client_find_held(c, d->feature, d->id, drop), nwaited;
	struct record *r;

	if (client_check_part(c, d, part, len, a) != 0 ||
	    (r = client_reserve(c, d, d->id, a)) == NULL)
		return 0;
	client_keep_try(c, d->id, d->feature);
	c->cb.apply(c->cb.arg, d, d->parts[DOC_CLIENT].present ? part : NULL,
	    len, drop, n, &a->applied);
	client_judge(a, RESULT_DEFERRED);
	if (a->result != RESULT_APPLIED && a->result != RESULT_HAVE &&
	    a->result != RESULT_DEFERRED) {
		client_forget(c, r);
		client_keep_failed(c, d->id);
		return 0;
	}
	/* Taken back by the host, what it superseded may come again. */
	r->before =
	    n > 0 ? drop[0] - 1 : catalog_highest(&c->catalog, d->feature);
	nwaited = find_waiting(c, drop, n, waited);
	forget(c, drop, n, 0);
	client_supersede_fetch(c, d->feature, d->id);
	client_hold(c, r, d, a->result);
	a->changed = a->result != RESULT_DEFERRED;
	client_keep_update(c, r, part, len, drop, n);
	send_superseded(c, waited, nwaited, 0);
	return 1;
}

void
client_retire(struct client *c, struct record *r, struct doc *by)
{
	doc_free(r->by);
	r->by = by;
	r->state = RECORD_RETIRED;
	/* Said in the log when it fails; the next login retires it anew. */
	(void)client_keep_drop(c, &r->id, 1, 0, 0);
}

/* What is being fetched is fetched on, but kept no more. */
static void
retire_fetch(struct client *c, struct client_fetch *f, struct doc *by)
{
	doc_free(f->by);
	f->by = by;
	if (f->kept.id != 0)
		(void)client_keep_drop(c, &f->kept.id, 1, 0, 0);
}

/* 1 when the document was kept. */
static int
retire(struct client *c, struct doc *d, size_t len, struct client_answer *a)
{
	struct record *r = catalog_find(&c->catalog, d->target);
	struct client_fetch *f = client_find_fetch(c, d->target);
	const struct doc *target;

	if (len != 0) {
		refuse(&a->why, WORD_BAD_DIGEST, "%zu bytes left over", len);
		return 0;
	}
	if (f == NULL && (r == NULL || !client_holds(r))) {
		refuse(&a->why, WORD_UNKNOWN, "%" PRIu64 " does not run here",
		    d->target);
		return 0;
	}
	target = f != NULL ? f->doc : r->doc;
	if (strcmp(target->feature, d->feature) != 0) {
		refuse(&a->why, WORD_SYNTAX, "%" PRIu64 " is of feature %s",
		    d->target, target->feature);
		return 0;
	}
	accept_id(c, d);
	a->result = RESULT_APPLIED;
	if (f != NULL)
		retire_fetch(c, f, d);
	else
		client_retire(c, r, d);
	return 1;
}

/* The checks of a document by itself, and of its place. */
static struct doc *
open_admitted(struct client *c, uint64_t id, const void *head, size_t len,
    int dry_run, struct client_answer *a)
{
	struct doc *d = open_document(c, head, len, a);
	const struct record *r;

	if (d == NULL)
		return NULL;
	r = catalog_find(&c->catalog, id);
	if (d->id != id)
		refuse(&a->why, WORD_SYNTAX, "the document is %" PRIu64, d->id);
	else if (d->kind != DOC_UPDATE && d->kind != DOC_RETIRE)
		refuse(&a->why, WORD_SYNTAX,
		    "neither an update nor a retirement");
	else if (d->dry_run && !dry_run)
		refuse(&a->why, WORD_SYNTAX,
		    "a dry run is checked, not applied");
	else if (d->package.present && (dry_run || c->cb.fetch == NULL))
		refuse(&a->why, WORD_UNSUPPORTED,
		    dry_run ? "package: it is fetched and applied, not checked"
			    : "package: this client fetches none");
	else if (client_has_crashed(c, id) && r == NULL)
		a->result = RESULT_CRASHED;
	else if (client_admit(c, d, a) == WORD_OK)
		return d;
	doc_free(d);
	return NULL;
}

struct doc *
client_open_update(struct client *c, uint64_t id, const void *head, size_t len,
    int dry_run, struct client_answer *a)
{
	struct doc *d = open_admitted(c, id, head, len, dry_run, a);

	if (d == NULL || d->kind == DOC_UPDATE)
		return d;
	refuse(&a->why, WORD_SYNTAX, "not an update");
	doc_free(d);
	return NULL;
}

static void
update(struct client *c, uint64_t id, const uint8_t *body, size_t head_len,
    size_t len, const struct client_from *from, struct client_answer *a)
{
	struct doc *d = open_admitted(c, id, body, head_len, 0, a);
	const uint8_t *part = body + head_len;
	int kept;

	len -= head_len;
	if (d == NULL) {
		if (a->result == RESULT_FETCHING)
			client_fetch_again(c, id, a);
		return;
	}
	if (d->kind == DOC_RETIRE)
		kept = retire(c, d, len, a);
	else if (d->package.present)
		kept = client_fetch_update(c, d, part, len, from, a);
	else
		kept = client_apply(c, d, part, len, a);
	if (!kept)
		doc_free(d);
}

/* --- REVERT ------------------------------------------------------------- */

static int
is_gone(enum result r)
{
	return r == RESULT_REVERTED || r == RESULT_PARTIAL;
}

static int
is_kept(const struct record *r)
{
	return r != NULL && client_holds(r) && client_note(r)->kept;
}

/* It left the program, but the next start may bring it back. */
static void
not_durable(struct client_answer *a)
{
	static const char text[] =
	    "taken back, but the state folder cannot be written: it may come "
	    "again after a restart";

	a->result = RESULT_PARTIAL;
	a->applied.text = text;
	a->applied.len = sizeof text - 1;
}

/* 1 when the document was kept. */
static int
revert_signed(struct client *c, struct doc *d, struct client_answer *a)
{
	const struct record *held = catalog_find(&c->catalog, d->target);
	struct client_fetch *f = client_find_fetch(c, d->target);
	const struct doc *target = f != NULL      ? f->doc
				   : held != NULL ? held->doc
						  : NULL;
	const int target_kept = is_kept(held) || (f != NULL && f->kept.id != 0);
	uint64_t drop[CATALOG_LIVE + 1]; /* and one that is being fetched */
	uint64_t waited[CATALOG_LIVE];
	size_t n, nwaited;
	struct record *r;

	if (target != NULL && strcmp(target->feature, d->feature) != 0) {
		refuse(&a->why, WORD_SYNTAX, "%" PRIu64 " is of feature %s",
		    d->target, target->feature);
		return 0;
	}
	r = reserve(c, d, d->target, a);
	if (r == NULL)
		return 0;
	n = client_find_held(c, d->feature, d->target, drop);
	nwaited = find_waiting(c, drop, n, waited);
	a->waited = client_waits(r);
	if (n > 0) {
		c->cb.revert(c->cb.arg, drop, n, &a->applied);
		client_judge(a, RESULT_REVERTED);
		if (!is_gone(a->result)) {
			if (!r->held && r->state == RECORD_PENDING)
				client_forget(c, r);
			return 0;
		}
		a->changed = 1;
		forget(c, drop, n, d->target);
	}
	client_supersede_fetch(c, d->feature, d->target);
	if (f != NULL) {
		a->waited = f->asked;
		if (n == 0)
			a->result = RESULT_REVERTED;
		client_end_fetch(c, f);
		drop[n++] = d->target;
	}
	drop_note(c, r);
	doc_free(r->by);
	r->by = d;
	r->state = RECORD_REVERTED;
	accept_id(c, d);
	if (client_keep_drop(c, drop, n, d->target, target_kept) == 0) {
		if (n == 0)
			refuse(&a->why, WORD_UNKNOWN,
			    "%" PRIu64 " does not run here; noted", d->target);
	} else if (n == 0) {
		refuse(&a->why, WORD_UNKNOWN,
		    "%" PRIu64 " does not run here; noted until the restart",
		    d->target);
	} else {
		not_durable(a);
	}
	send_superseded(c, waited, nwaited, d->target);
	return 1;
}

static void
revert(struct client *c, uint64_t id, const void *head, size_t len,
    struct client_answer *a)
{
	struct doc *d = open_document(c, head, len, a);
	int kept = 0;

	if (d == NULL)
		return;
	if (d->kind != DOC_REVERT || d->target != id)
		refuse(&a->why, WORD_SYNTAX, "not a revert of %" PRIu64, id);
	else if (client_admit(c, d, a) == WORD_OK)
		kept = revert_signed(c, d, a);
	if (!kept)
		doc_free(d);
}

/* May a host still take it back on its own? until_ns: on our own clock. */
static int
may_take_back(const struct client *c, const struct doc *d, int64_t until_ns,
    struct refusal *why)
{
	char until[TIMETEXT_SIZE];

	if (d->take_back_until_us == 0)
		refuse(why, WORD_EXPIRED,
		    "it lets no host take it back; sign a revert");
	else if (client_host_us(c) >= d->take_back_until_us ||
		 client_now_ns(c) >= until_ns)
		refuse(why, WORD_EXPIRED,
		    "a host could take it back until %s; sign a revert",
		    timetext_format(d->take_back_until_us, until));
	else
		return 1;
	return 0;
}

/* What is being fetched has no place in the order yet, but for one that was
 * kept. */
static void
take_back_fetch(struct client *c, struct client_fetch *f,
    struct client_answer *a)
{
	const struct keep_doc kept = f->kept;

	memcpy(a->feature, f->doc->feature, strlen(f->doc->feature) + 1);
	if (!may_take_back(c, f->doc, f->take_back_ns, &a->why))
		return;
	a->result = RESULT_REVERTED;
	a->waited = f->asked;
	client_end_fetch(c, f);
	if (kept.id == 0)
		return;
	catalog_rewind(&c->catalog, kept.feature, kept.before);
	if (client_keep_drop(c, &kept.id, 1, 0, 0) != 0)
		not_durable(a);
}

/* By the host on its own, as the document allows for a time. */
static void
take_back(struct client *c, uint64_t id, struct client_answer *a)
{
	struct record *r = catalog_find(&c->catalog, id);
	struct client_fetch *f = client_find_fetch(c, id);

	if (f != NULL) {
		take_back_fetch(c, f, a);
		return;
	}
	if (r == NULL || !client_holds(r)) {
		refuse(&a->why, WORD_UNKNOWN, "%" PRIu64 " does not run here",
		    id);
		return;
	}
	memcpy(a->feature, r->doc->feature, strlen(r->doc->feature) + 1);
	if (!may_take_back(c, r->doc, r->take_back_ns, &a->why))
		return;
	c->cb.revert(c->cb.arg, &id, 1, &a->applied);
	client_judge(a, RESULT_REVERTED);
	if (!is_gone(a->result))
		return;
	a->changed = 1;
	a->waited = client_waits(r);
	catalog_rewind(&c->catalog, a->feature, r->before);
	client_forget(c, r);
	if (client_keep_drop(c, &id, 1, 0, 0) != 0)
		not_durable(a);
}

/* --- frames ------------------------------------------------------------- */

int
client_read_id(struct client *c, const struct frame *f, uint64_t *id)
{
	if (f->nargs == 1 &&
	    num_parse(f->args[0].s, f->args[0].len, INT64_MAX, id) == NUM_OK &&
	    *id > 0)
		return 0;
	client_syntax(c, f->verb.s);
	return -1;
}

int
client_read_update(struct client *c, const struct frame *f, uint64_t *id,
    size_t *head_len)
{
	const struct frame_text *head = frame_get(f, "head");
	uint64_t n;

	if (client_read_id(c, f, id) != 0)
		return -1;
	if (!f->has_body || head == NULL ||
	    num_parse(head->s, head->len, f->body_len, &n) != NUM_OK) {
		client_syntax(c, f->verb.s);
		return -1;
	}
	*head_len = (size_t)n;
	return 0;
}

/* Nobody has signed it: one that a document could not hold, with a user in it
 * for whom this machine may know a password, is none. */
static const char *
read_address(const struct frame *f, const char *name)
{
	const struct frame_text *t = frame_get(f, name);

	return t != NULL && doc_url_is_valid(t->s, t->len) ? t->s : NULL;
}

void
client_take_update(struct client *c, const struct frame *f)
{
	const struct client_from from = {
	    read_address(f, "from"), read_address(f, "full-from")};
	struct client_answer a;
	size_t head_len;
	uint64_t id;

	if (client_read_update(c, f, &id, &head_len) != 0)
		return;
	client_answer_init(&a);
	update(c, id, f->body, head_len, (size_t)f->body_len, &from, &a);
	client_answer(c, "update", id, &a);
	client_caught_up(c);
	client_fire_due(c);
	client_rearm(c);
}

void
client_take_revert(struct client *c, const struct frame *f)
{
	struct client_answer a;
	uint64_t id;

	if (client_read_id(c, f, &id) != 0)
		return;
	client_answer_init(&a);
	if (f->has_body)
		revert(c, id, f->body, (size_t)f->body_len, &a);
	else
		take_back(c, id, &a);
	client_answer(c, "revert", id, &a);
	/* Of an update that waited "reverted" is the end, and the answer to
	 * the REVERT; "partial" is taken for the end alone. */
	if (a.waited && a.result == RESULT_PARTIAL) {
		client_answer_init(&a);
		a.result = RESULT_REVERTED;
		client_send_result(c, id, &a);
	}
	client_caught_up(c);
	client_rearm(c);
}
