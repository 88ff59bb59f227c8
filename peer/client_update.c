/* What the host sends a client: updates, retirements, reverts. */

#include "peer/client_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "base/timetext.h"

struct answer {
	enum result result;
	struct refusal why;            /* of RESULT_REFUSED */
	int tried;                     /* the program was called: */
	struct client_applied applied; /* what it said */
	int changed;                   /* another set of updates runs now */
	char feature[DOC_FEATURE + 1]; /* "": no document of ours */
};

int
client_runs(const struct record *r)
{
	return r->state == RECORD_LIVE || r->state == RECORD_RETIRED;
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

static void
send_result(struct client *c, uint64_t id, const struct answer *a)
{
	const struct client_applied *p = &a->applied;
	struct buf b = BUF_INIT;
	size_t len = 0;

	frame_begin(&b, "RESULT");
	frame_arg(&b, "%" PRIu64, id);
	frame_arg(&b, "%s", result_name(a->result));
	if (a->result == RESULT_REFUSED) {
		frame_arg(&b, "%s", word_name(a->why.word));
		frame_put(&b, "text", "%s", a->why.text);
	}
	if (a->tried) {
		frame_put(&b, "took", "%" PRId64 ".%06" PRId64,
		    p->took_ns / 1000000000, p->took_ns / 1000 % 1000000);
		if (p->text != NULL)
			len = cut(p->text, p->len, RESULT_TEXT_MAX);
	}
	if (len > 0)
		frame_body(&b, p->text, len);
	else
		frame_end(&b);
	link_send_buf(&c->link, &b);
	buf_free(&b);
}

static void
log_answer(struct client *c, const char *what, uint64_t id,
    const struct answer *a)
{
	const char *parting = *a->feature != '\0' ? " " : "";

	if (a->result == RESULT_REFUSED)
		client_log(c, "%s %" PRIu64 "%s%s: refused %s: %s", what, id,
		    parting, a->feature, word_name(a->why.word), a->why.text);
	else
		client_log(c, "%s %" PRIu64 "%s%s: %s", what, id, parting,
		    a->feature, result_name(a->result));
}

static void
answer(struct client *c, const char *what, uint64_t id, const struct answer *a)
{
	send_result(c, id, a);
	log_answer(c, what, id, a);
	if (a->changed && c->cb.updated != NULL)
		c->cb.updated(c->cb.arg, id, a->feature,
		    result_name(a->result));
	client_caught_up(c);
}

/* The program's word, as far as it makes sense there. */
static void
take_applied(struct answer *a)
{
	a->tried = 1;
	switch (a->applied.result) {
	case RESULT_APPLIED:
	case RESULT_HAVE:
	case RESULT_PARTIAL:
	case RESULT_HUNG:
	case RESULT_REVERTED:
		a->result = a->applied.result;
		break;
	default:
		a->result = RESULT_FAILED;
		break;
	}
	if (a->applied.took_ns < 0)
		a->applied.took_ns = 0;
}

/* --- documents ---------------------------------------------------------- */

/* Verified and for this client, or NULL with the answer. */
static struct doc *
open_document(struct client *c, const void *head, size_t len, struct answer *a)
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

/* The checks against what is known, through not-for-me. */
static enum word
admit(struct client *c, const struct doc *d, struct answer *a)
{
	enum word w =
	    catalog_admit(&c->catalog, d, client_host_us(c), 0, &a->why);

	if (w == WORD_HAVE)
		a->result = RESULT_HAVE;
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

/*
 * A record for the id, and a place in the feature's order, so that nothing
 * is left that could fail once the program has changed. NULL with the
 * refusal.
 */
static struct record *
reserve(struct client *c, const struct doc *d, uint64_t id, struct answer *a)
{
	struct record *r = NULL;

	if (catalog_accept(&c->catalog, d->feature, 0) == 0)
		r = catalog_add(&c->catalog, id);
	if (r == NULL && c->catalog.n >= CATALOG_RECORDS)
		refuse(&a->why, WORD_FULL, "this client knows %zu ids already",
		    c->catalog.n);
	else if (r == NULL)
		refuse(&a->why, WORD_INTERNAL, "out of memory");
	return r;
}

static void
accept_id(struct client *c, const struct doc *d)
{
	/* It was reserved: this cannot fail. */
	(void)catalog_accept(&c->catalog, d->feature, d->id);
}

/* The ids of the feature, at or below this one, that run; ascending. */
static size_t
find_running(const struct client *c, const char *feature, uint64_t id,
    uint64_t out[CATALOG_LIVE])
{
	size_t i, n = 0;

	for (i = 0; i < c->catalog.n; i++) {
		const struct record *r = c->catalog.records[i];

		if (r->id <= id && client_runs(r) &&
		    strcmp(r->doc->feature, feature) == 0)
			out[n++] = r->id;
	}
	return n;
}

/* Forget these records, but for one. */
static void
forget(struct client *c, const uint64_t *ids, size_t n, uint64_t except)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] != except)
			catalog_remove(&c->catalog,
			    catalog_find(&c->catalog, ids[i]));
}

/*
 * For how long from now the host may take the document back. The greeting
 * that tells the time is unsigned and the next one may tell an earlier one:
 * counted here once, it cannot be made longer. At most what the signer gave,
 * from created on.
 */
static int64_t
take_back_left_ns(const struct client *c, const struct doc *d)
{
	int64_t us = d->take_back_until_us - client_host_us(c);

	/* The end of the clock is some 292 years off. */
	return us <= 0 ? 0 : us < INT64_MAX / 2000 ? us * 1000 : INT64_MAX / 2;
}

/* --- UPDATE ------------------------------------------------------------- */

/* 1 when the document was kept. */
static int
apply(struct client *c, struct doc *d, const void *part, size_t len,
    struct answer *a)
{
	uint64_t drop[CATALOG_LIVE];
	size_t n = find_running(c, d->feature, d->id, drop);
	struct record *r;

	if (!d->parts[DOC_CLIENT].present) {
		refuse(&a->why, WORD_NOT_FOR_ME, "it has no client part");
		return 0;
	}
	if (n == 0 && client_have(c, NULL, 0) >= CATALOG_LIVE) {
		refuse(&a->why, WORD_FULL, "%d updates run here already",
		    CATALOG_LIVE);
		return 0;
	}
	if (doc_check_body(d, DOC_CLIENT, part, len, &a->why) != WORD_OK ||
	    (r = reserve(c, d, d->id, a)) == NULL)
		return 0;
	c->cb.apply(c->cb.arg, d, part, len, drop, n, &a->applied);
	take_applied(a);
	if (a->result != RESULT_APPLIED && a->result != RESULT_HAVE) {
		catalog_remove(&c->catalog, r);
		return 0;
	}
	/* Taken back by the host, what it superseded may come again. */
	r->before =
	    n > 0 ? drop[0] - 1 : catalog_highest(&c->catalog, d->feature);
	forget(c, drop, n, 0);
	r->state = RECORD_LIVE;
	r->doc = d;
	r->held = 1;
	memcpy(r->digest, d->digest, sizeof r->digest);
	r->take_back_until_us = d->take_back_until_us;
	r->take_back_ns = client_now_ns(c) + take_back_left_ns(c, d);
	a->changed = 1;
	accept_id(c, d);
	return 1;
}

/* 1 when the document was kept. */
static int
retire(struct client *c, struct doc *d, size_t len, struct answer *a)
{
	struct record *r = catalog_find(&c->catalog, d->target);

	if (len != 0) {
		refuse(&a->why, WORD_BAD_DIGEST, "%zu bytes left over", len);
		return 0;
	}
	if (r == NULL || !client_runs(r)) {
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
	return 1;
}

static void
update(struct client *c, uint64_t id, const uint8_t *body, size_t head_len,
    size_t len, struct answer *a)
{
	struct doc *d = open_document(c, body, head_len, a);
	const uint8_t *part = body + head_len;
	int kept = 0;

	if (d == NULL)
		return;
	if (d->id != id)
		refuse(&a->why, WORD_SYNTAX, "the document is %" PRIu64, d->id);
	else if (d->kind != DOC_UPDATE && d->kind != DOC_RETIRE)
		refuse(&a->why, WORD_SYNTAX,
		    "neither an update nor a retirement");
	else if (admit(c, d, a) == WORD_OK)
		kept = d->kind == DOC_RETIRE
			   ? retire(c, d, len - head_len, a)
			   : apply(c, d, part, len - head_len, a);
	if (!kept)
		doc_free(d);
}

/* --- REVERT ------------------------------------------------------------- */

static int
is_gone(enum result r)
{
	return r == RESULT_REVERTED || r == RESULT_PARTIAL;
}

/* 1 when the document was kept. */
static int
revert_signed(struct client *c, struct doc *d, struct answer *a)
{
	const struct record *held = catalog_find(&c->catalog, d->target);
	uint64_t drop[CATALOG_LIVE];
	struct record *r;
	size_t n;

	if (held != NULL && held->doc != NULL &&
	    strcmp(held->doc->feature, d->feature) != 0) {
		refuse(&a->why, WORD_SYNTAX, "%" PRIu64 " is of feature %s",
		    d->target, held->doc->feature);
		return 0;
	}
	r = reserve(c, d, d->target, a);
	if (r == NULL)
		return 0;
	n = find_running(c, d->feature, d->target, drop);
	if (n > 0) {
		c->cb.revert(c->cb.arg, drop, n, &a->applied);
		take_applied(a);
		if (!is_gone(a->result)) {
			if (!r->held && r->state == RECORD_PENDING)
				catalog_remove(&c->catalog, r);
			return 0;
		}
		a->changed = 1;
		forget(c, drop, n, d->target);
	} else {
		refuse(&a->why, WORD_UNKNOWN,
		    "%" PRIu64 " does not run here; noted", d->target);
	}
	doc_free(r->by);
	r->by = d;
	r->state = RECORD_REVERTED;
	accept_id(c, d);
	return 1;
}

static void
revert(struct client *c, uint64_t id, const void *head, size_t len,
    struct answer *a)
{
	struct doc *d = open_document(c, head, len, a);
	int kept = 0;

	if (d == NULL)
		return;
	if (d->kind != DOC_REVERT || d->target != id)
		refuse(&a->why, WORD_SYNTAX, "not a revert of %" PRIu64, id);
	else if (admit(c, d, a) == WORD_OK)
		kept = revert_signed(c, d, a);
	if (!kept)
		doc_free(d);
}

/* By the host on its own, as the document allows for a time. */
static void
take_back(struct client *c, uint64_t id, struct answer *a)
{
	struct record *r = catalog_find(&c->catalog, id);
	char until[TIMETEXT_SIZE];

	if (r == NULL || !client_runs(r)) {
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
	take_applied(a);
	if (!is_gone(a->result))
		return;
	a->changed = 1;
	catalog_rewind(&c->catalog, a->feature, r->before);
	catalog_remove(&c->catalog, r);
}

/* --- frames ------------------------------------------------------------- */

/* An id as the one argument: 0, or -1 and the connection ends. */
static int
read_id(struct client *c, const struct frame *f, uint64_t *id)
{
	if (f->nargs == 1 &&
	    num_parse(f->args[0].s, f->args[0].len, INT64_MAX, id) == NUM_OK &&
	    *id > 0)
		return 0;
	client_syntax(c, f->verb.s);
	return -1;
}

static void
answer_init(struct answer *a)
{
	memset(a, 0, sizeof *a);
	a->result = RESULT_REFUSED;
}

void
client_take_update(struct client *c, const struct frame *f)
{
	const struct frame_text *head = frame_get(f, "head");
	uint64_t id, head_len;
	struct answer a;

	if (read_id(c, f, &id) != 0)
		return;
	if (!f->has_body || head == NULL ||
	    num_parse(head->s, head->len, f->body_len, &head_len) != NUM_OK) {
		client_syntax(c, "UPDATE");
		return;
	}
	answer_init(&a);
	update(c, id, f->body, (size_t)head_len, (size_t)f->body_len, &a);
	answer(c, "update", id, &a);
}

void
client_take_revert(struct client *c, const struct frame *f)
{
	struct answer a;
	uint64_t id;

	if (read_id(c, f, &id) != 0)
		return;
	answer_init(&a);
	if (f->has_body)
		revert(c, id, f->body, (size_t)f->body_len, &a);
	else
		take_back(c, id, &a);
	answer(c, "revert", id, &a);
}

void
client_take_check(struct client *c, const struct frame *f)
{
	struct answer a;
	uint64_t id;

	if (read_id(c, f, &id) != 0)
		return;
	answer_init(&a);
	refuse(&a.why, WORD_UNSUPPORTED,
	    "this client takes updates at once only");
	send_result(c, id, &a);
	log_answer(c, "check", id, &a);
}
