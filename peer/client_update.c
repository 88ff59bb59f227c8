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

static void
send_word(struct client *c, uint64_t id, enum result word)
{
	struct client_answer a;

	client_answer_init(&a);
	a.result = word;
	client_send_result(c, id, &a);
}

/* Something newer of their feature came: the final result of those that
 * waited, but for one that has another. */
static void
send_superseded(struct client *c, const uint64_t *ids, size_t n,
    uint64_t except)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] != except)
			send_word(c, ids[i], RESULT_SUPERSEDED);
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
client_answer(struct client *c, const char *what, uint64_t id,
    const struct client_answer *a)
{
	client_send_result(c, id, a);
	client_log_answer(c, what, id, a);
	if (a->changed && c->cb.updated != NULL)
		c->cb.updated(c->cb.arg, id, a->feature,
		    result_name(a->result));
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
	enum word w =
	    catalog_admit(&c->catalog, d, client_host_us(c), 0, &a->why);
	const struct record *r;

	if (w == WORD_HAVE) {
		r = catalog_find(&c->catalog, d->id);
		a->result = r != NULL && client_waits(r) ? RESULT_DEFERRED
							 : RESULT_HAVE;
	}
	if (w != WORD_OK)
		return w;
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

static void
accept_id(struct client *c, const struct doc *d)
{
	/* It was reserved: this cannot fail. */
	(void)catalog_accept(&c->catalog, d->feature, d->id);
}

/* --- UPDATE ------------------------------------------------------------- */

int
client_check_part(struct client *c, const struct doc *d, const void *part,
    size_t len, struct client_answer *a)
{
	uint64_t drop[CATALOG_LIVE];

	if (!d->parts[DOC_CLIENT].present) {
		refuse(&a->why, WORD_NOT_FOR_ME, "it has no client part");
		return -1;
	}
	if (client_find_held(c, d->feature, d->id, drop) == 0 &&
	    client_have(c, NULL, 0) + client_waiting(c, NULL, 0) >=
		CATALOG_LIVE) {
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
	c->cb.apply(c->cb.arg, d, part, len, drop, n, &a->applied);
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
	client_hold(c, r, d, a->result);
	a->changed = a->result != RESULT_DEFERRED;
	client_keep_update(c, r, part, len, drop, n);
	send_superseded(c, waited, nwaited, 0);
	return 1;
}

/* 1 when the document was kept. */
static int
retire(struct client *c, struct doc *d, size_t len, struct client_answer *a)
{
	struct record *r = catalog_find(&c->catalog, d->target);

	if (len != 0) {
		refuse(&a->why, WORD_BAD_DIGEST, "%zu bytes left over", len);
		return 0;
	}
	if (r == NULL || !client_holds(r)) {
		refuse(&a->why, WORD_UNKNOWN, "%" PRIu64 " does not run here",
		    d->target);
		return 0;
	}
	if (strcmp(r->doc->feature, d->feature) != 0) {
		refuse(&a->why, WORD_SYNTAX, "%" PRIu64 " is of feature %s",
		    d->target, r->doc->feature);
		return 0;
	}
	doc_free(r->by);
	r->by = d;
	r->state = RECORD_RETIRED;
	accept_id(c, d);
	a->result = RESULT_APPLIED;
	/* Said in the log when it fails; the next login retires it anew. */
	(void)client_keep_drop(c, &d->target, 1, 0, 0);
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
    size_t len, struct client_answer *a)
{
	struct doc *d = open_admitted(c, id, body, head_len, 0, a);
	const uint8_t *part = body + head_len;
	int kept;

	if (d == NULL)
		return;
	kept = d->kind == DOC_RETIRE
		   ? retire(c, d, len - head_len, a)
		   : client_apply(c, d, part, len - head_len, a);
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
	const int target_kept = is_kept(held);
	uint64_t drop[CATALOG_LIVE], waited[CATALOG_LIVE];
	size_t n, nwaited;
	struct record *r;

	if (held != NULL && held->doc != NULL &&
	    strcmp(held->doc->feature, d->feature) != 0) {
		refuse(&a->why, WORD_SYNTAX, "%" PRIu64 " is of feature %s",
		    d->target, held->doc->feature);
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

/* By the host on its own, as the document allows for a time. */
static void
take_back(struct client *c, uint64_t id, struct client_answer *a)
{
	struct record *r = catalog_find(&c->catalog, id);
	char until[TIMETEXT_SIZE];

	if (r == NULL || !client_holds(r)) {
		refuse(&a->why, WORD_UNKNOWN, "%" PRIu64 " does not run here",
		    id);
		return;
	}
	memcpy(a->feature, r->doc->feature, strlen(r->doc->feature) + 1);
	if (r->take_back_until_us == 0) {
		refuse(&a->why, WORD_EXPIRED,
		    "it lets no host take it back; sign a revert");
		return;
	}
	if (client_host_us(c) >= r->take_back_until_us ||
	    client_now_ns(c) >= r->take_back_ns) {
		refuse(&a->why, WORD_EXPIRED,
		    "a host could take it back until %s; sign a revert",
		    timetext_format(r->take_back_until_us, until));
		return;
	}
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

void
client_take_update(struct client *c, const struct frame *f)
{
	struct client_answer a;
	size_t head_len;
	uint64_t id;

	if (client_read_update(c, f, &id, &head_len) != 0)
		return;
	client_answer_init(&a);
	update(c, id, f->body, head_len, (size_t)f->body_len, &a);
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
	if (a.waited && a.result == RESULT_PARTIAL)
		send_word(c, id, RESULT_REVERTED);
	client_caught_up(c);
	client_rearm(c);
}
