/* Documents enter and leave the host's own program: server parts, and with
 * them, or alone, native parts. */

#include "peer/host_internal.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

static int
is_held(enum result r)
{
	return r == RESULT_APPLIED || r == RESULT_HAVE || r == RESULT_DEFERRED;
}

int
server_has_place(const struct host *h, const struct doc *d)
{
	return h->cb.apply != NULL &&
	       !(h->no_script && d->parts[DOC_SERVER].present) &&
	       !(h->cb.native == NULL && d->parts[DOC_NATIVE].present);
}

enum word
server_admit_native(const struct host *h, const struct doc *d,
    const uint8_t *body, struct refusal *why)
{
	const struct doc_part *part = &d->parts[DOC_NATIVE];

	/* What is not for this host anyway is told as that. */
	if (!part->present || !server_has_place(h, d) ||
	    !doc_fits_host(d, h->program, h->version))
		return WORD_OK;
	return h->cb.native(h->cb.arg, d, body + part->offset,
	    (size_t)part->len, why);
}

int
server_is_mine(const struct push *p)
{
	struct catalog_end end = host_end(p->host);
	struct record r;

	memset(&r, 0, sizeof r);
	r.doc = p->doc;
	r.foreign = p->foreign;
	return server_has_place(p->host, p->doc) && catalog_counts(&r, &end);
}

struct record *
server_held_of(const struct host *h, const struct doc *d)
{
	size_t i;

	for (i = 0; i < h->catalog.n; i++) {
		struct record *o = h->catalog.records[i];
		const struct note *n = o->owner;

		if (o->id != d->id && n != NULL && n->on_server &&
		    o->doc != NULL && strcmp(o->doc->feature, d->feature) == 0)
			return o;
	}
	return NULL;
}

void
server_tell_program(struct host *h, const struct record *r, enum result result)
{
	if (h->cb.updated != NULL)
		h->cb.updated(h->cb.arg, r->id, state_feature_of(r),
		    result_name(result));
}

/* drop: the one that leaves for it, or NULL. */
static int
ask(struct host *h, const struct doc *d, const uint8_t *body,
    const struct record *drop, enum host_how how, struct host_applied *out)
{
	const struct doc_part *server = &d->parts[DOC_SERVER];
	const struct doc_part *native = &d->parts[DOC_NATIVE];
	struct host_parts parts = {NULL, NULL, 0, 0};

	memset(out, 0, sizeof *out);
	if (server->present) {
		parts.server = body + server->offset;
		parts.server_len = (size_t)server->len;
	}
	if (native->present) {
		parts.native = body + native->offset;
		parts.native_len = (size_t)native->len;
	}
	if (h->cb.apply(h->cb.arg, d, &parts, drop != NULL ? &drop->id : NULL,
		drop != NULL, how, out))
		return 1;
	if (how == HOST_PUSH || how == HOST_CHECK)
		return 0;
	memset(out, 0, sizeof *out);
	out->result = RESULT_FAILED;
	return 1;
}

int
server_ask(struct host *h, const struct doc *d, const uint8_t *body,
    enum host_how how, struct host_applied *out)
{
	return ask(h, d, body, server_held_of(h, d), how, out);
}

/* What waits is applied now, or when its time comes. */
static void
look_at_by(struct host *h, struct record *r)
{
	struct note *n = r->owner;
	int64_t by_us = r->doc->by_us;

	if (by_us == 0 || h->cb.due == NULL || n->due ||
	    n->server != RESULT_DEFERRED)
		return;
	if (by_us <= host_now_us(h)) {
		n->due = 1;
		h->cb.due(h->cb.arg, r->id);
	} else if (h->by_us == 0 || by_us < h->by_us) {
		h->by_us = by_us;
		if (h->cb.rearm != NULL)
			h->cb.rearm(h->cb.arg);
	}
}

/* 1 when the part is in the program, after its "by" if that has passed. */
static int
note_answer(struct host *h, struct record *r, const struct host_applied *out)
{
	struct note *n = r->owner;

	n->server = out->result == RESULT_HAVE ? RESULT_APPLIED : out->result;
	n->on_server = is_held(out->result);
	n->due = 0;
	if (n->on_server) {
		mark_held(h, r);
		look_at_by(h, r);
	} else {
		mark_gone(h, r);
	}
	return n->on_server;
}

int
server_take(struct host *h, struct record *r, struct record *old,
    const struct host_applied *out)
{
	int left = old != NULL && is_held(out->result);

	if (left)
		((struct note *)old->owner)->on_server = 0;
	if (note_answer(h, r, out))
		return 1;
	if (left)
		server_put_back(h, old, NULL);
	return 0;
}

void
server_put_back(struct host *h, struct record *r, const struct record *drop)
{
	struct host_applied out;

	ask(h, r->doc, r->body, drop, HOST_BACK, &out);
	if (note_answer(h, r, &out) && drop != NULL)
		((struct note *)drop->owner)->on_server = 0;
	host_log(h, "update %" PRIu64 " put back: %s", r->id,
	    result_name(out.result));
}

void
server_revert(struct host *h, struct record *r, struct host_applied *out)
{
	struct note *note = r->owner;

	memset(out, 0, sizeof *out);
	h->cb.revert(h->cb.arg, r->id, out);
	if (out->result == RESULT_REVERTED || out->result == RESULT_PARTIAL) {
		note->on_server = 0;
		note->server = out->result;
	}
	server_log(h, r->id, state_feature_of(r), "", out);
}

/* The text is a's len bytes, without a NUL. */
static int
first_line(const struct host_applied *a)
{
	size_t n = 0;

	while (a->text != NULL && n < a->len && a->text[n] != '\n')
		n++;
	return (int)n;
}

void
server_first_line(const struct host_applied *a, char *out, size_t size)
{
	text_escape(out, size, a->text != NULL ? a->text : "",
	    (size_t)first_line(a), 1);
}

void
server_log(struct host *h, uint64_t id, const char *feature, const char *when,
    const struct host_applied *a)
{
	int n = first_line(a);

	host_log(h, "update %" PRIu64 " (%s): server part%s %s%s%.*s", id,
	    feature, when, result_name(a->result), n > 0 ? ": " : "", n,
	    n > 0 ? a->text : "");
}

/* A host may start as another build than the one that took its documents in:
 * then their native parts, and what came with them, are history. */
static void
look_at_native(struct host *h, struct record *r)
{
	struct refusal why = {WORD_OK, ""};

	if (r->doc == NULL || r->doc->kind != DOC_UPDATE)
		return;
	r->foreign = server_admit_native(h, r->doc, r->body, &why) != WORD_OK;
	if (!r->foreign || r->state != RECORD_LIVE)
		return;
	host_log(h,
	    "update %" PRIu64 " (%s): %s: %s; this host's part of it is left "
	    "out",
	    r->id, r->doc->feature, word_name(why.word), why.text);
}

void
host_begin(struct host *h)
{
	struct catalog_end end = host_end(h);
	struct host_applied out;
	size_t i;

	h->begun = 1;
	for (i = 0; i < h->catalog.n; i++)
		look_at_native(h, h->catalog.records[i]);
	for (i = 0; h->cb.apply != NULL && i < h->catalog.n; i++) {
		struct record *r = h->catalog.records[i];

		if (!catalog_is_given(&h->catalog, r, &end, host_late_us(h)) ||
		    !server_has_place(h, r->doc))
			continue;
		if (state_is_skipped(h, r->id)) {
			host_log(h, "update %" PRIu64 " (%s): left out", r->id,
			    r->doc->feature);
			continue;
		}
		if (mark_try(h, r) != 0)
			continue;
		ask(h, r->doc, r->body, NULL, HOST_START, &out);
		server_log(h, r->id, r->doc->feature, "", &out);
		server_take(h, r, NULL, &out);
	}
	for (i = 0; i < h->catalog.n; i++)
		if (h->catalog.records[i]->doc != NULL)
			host_package_live(h, h->catalog.records[i]);
}

void
host_settled(struct host *h, uint64_t id, const struct host_applied *out)
{
	struct record *r = catalog_find(&h->catalog, id);
	struct note *n = r != NULL ? r->owner : NULL;
	struct push *p = h->push;
	char why[HOST_PART_TEXT + 1];
	struct ledger_field fields[] = {{"result", NULL}, {"why", why}};
	struct err e;

	if (n == NULL || !n->on_server || n->server != RESULT_DEFERRED ||
	    out->result == RESULT_DEFERRED)
		return;
	n->server = out->result == RESULT_HAVE ? RESULT_APPLIED : out->result;
	n->on_server = n->server == RESULT_APPLIED;
	if (n->on_server)
		mark_held(h, r);
	else
		mark_gone(h, r);
	if (p != NULL && p->record == r && p->phase != PUSH_TAKING_BACK) {
		p->server = n->server;
		push_tell_server(p, out);
	}
	/* Of a push that is not released yet it is the answer. */
	if (r->state == RECORD_PENDING)
		return;
	fields[0].value = result_name(n->server);
	server_first_line(out, why, sizeof why);
	/* Of what went well that is a report, for whoever asked for it. */
	if (state_event(h, id, "settled", fields,
		n->on_server || why[0] == '\0' ? 1 : 2, &e) != 0)
		host_log(h, "%s", e.text);
	server_log(h, id, state_feature_of(r), ", which waited,", out);
	server_tell_program(h, r, n->server);
}

void
server_tick(struct host *h)
{
	size_t i;

	if (h->by_us == 0 || host_now_us(h) < h->by_us)
		return;
	h->by_us = 0;
	for (i = 0; i < h->catalog.n; i++) {
		const struct note *n = h->catalog.records[i]->owner;

		if (n != NULL && n->on_server)
			look_at_by(h, h->catalog.records[i]);
	}
}
