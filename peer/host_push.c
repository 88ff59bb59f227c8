/*
 * A document's way through its phases: checks, ledger, the host's own
 * program, the clients, their results, the report; taking it back.
 */

#include "peer/host_internal.h"
#include "base/hex.h"
#include "base/num.h"
#include "base/timetext.h"
#include "update/plain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS INT64_C(1000000)

/* ---- frames ------------------------------------------------------------- */

static struct blob *
update_frame(const struct doc *d, const uint8_t *part, size_t len)
{
	struct buf b = BUF_INIT;
	struct blob *frame = NULL;

	frame_begin(&b, "UPDATE");
	frame_arg(&b, "%" PRIu64, d->id);
	frame_put(&b, "head", "%zu", d->head_len);
	frame_body_begin(&b, d->head_len + len);
	buf_append(&b, d->head, d->head_len);
	buf_append(&b, part, len);
	buf_append(&b, "\n", 1);
	if (!b.oom)
		frame = blob_new(b.data, b.len);
	buf_free(&b);
	return frame;
}

struct blob *
push_update_frame(struct record *r)
{
	const struct doc_part *part = &r->doc->parts[DOC_CLIENT];
	struct note *note = state_note(r);

	if (note == NULL)
		return NULL;
	if (note->frame == NULL)
		note->frame = update_frame(r->doc, r->body + part->offset,
		    (size_t)part->len);
	return note->frame != NULL ? blob_hold(note->frame) : NULL;
}

struct blob *
push_retirement_frame(const struct doc *d)
{
	return update_frame(d, (const uint8_t *)"", 0);
}

struct blob *
push_revert_frame(uint64_t id, const struct doc *by)
{
	struct buf b = BUF_INIT;
	struct blob *frame = NULL;

	frame_begin(&b, "REVERT");
	frame_arg(&b, "%" PRIu64, id);
	if (by != NULL)
		frame_body(&b, by->head, by->head_len);
	else
		frame_end(&b);
	if (!b.oom)
		frame = blob_new(b.data, b.len);
	buf_free(&b);
	return frame;
}

/* To the operator, if still there. Takes the bytes of b. */
static void
tell(struct push *p, struct buf *b)
{
	if (p->conn != NULL)
		link_send_buf(&p->conn->link, b);
	buf_free(b);
}

static void
tell_server(struct push *p, const struct host_applied *a)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, "PROGRESS");
	frame_arg(&b, "server");
	frame_arg(&b, "%s", result_name(a->result));
	if (a->result == RESULT_REFUSED)
		frame_arg(&b, "%s", word_name(WORD_NOT_FOR_ME));
	frame_put(&b, "took", "%" PRId64 ".%06" PRId64,
	    a->took_ns / HOST_SECOND_NS, a->took_ns % HOST_SECOND_NS / 1000);
	if (a->text != NULL && a->len > 0)
		frame_body(&b, a->text, a->len);
	else
		frame_end(&b);
	tell(p, &b);
}

static void
tell_clients(struct push *p)
{
	struct buf b = BUF_INIT;

	p->dirty = 0;
	p->progress_ns = host_now_ns(p->host);
	frame_begin(&b, "PROGRESS");
	frame_arg(&b, "clients");
	frame_put(&b, "targeted", "%zu", p->targeted);
	frame_put(&b, "applied", "%zu", p->applied);
	frame_put(&b, "deferred", "%zu", p->deferred);
	frame_put(&b, "failed", "%zu", p->failed);
	frame_put(&b, "missing", "%zu",
	    p->targeted - p->applied - p->deferred - p->failed);
	frame_end(&b);
	tell(p, &b);
}

static void
tell_groups(struct push *p)
{
	size_t i;

	for (i = 0; i < p->ngroups; i++) {
		const struct group *g = &p->groups[i];
		struct buf b = BUF_INIT;

		frame_begin(&b, "PROGRESS");
		frame_arg(&b, "error");
		frame_put(&b, "result", "%s", g->result);
		frame_put(&b, "count", "%zu", g->count);
		frame_put(&b, "of", "%zu %s %s, %zu others", g->first,
		    g->platform, g->version, g->count - g->first);
		frame_body(&b, g->text, g->text_len);
		tell(p, &b);
	}
}

static void
tell_done(struct push *p, const char *word, enum word refused, const char *text)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, "DONE");
	frame_arg(&b, "%s", word);
	if (refused != WORD_OK)
		frame_arg(&b, "%s", word_name(refused));
	if (text != NULL && text[0] != '\0')
		frame_put(&b, "text", "%s", text);
	frame_end(&b);
	tell(p, &b);
}

/* ---- checks ------------------------------------------------------------- */

static int
is_let_in(const struct host *h, uint64_t id)
{
	size_t i;

	for (i = 0; i < h->naccepted; i++)
		if (h->accepted[i] == id)
			return 1;
	return 0;
}

static enum word
admit_update(struct host *h, const struct doc *d, struct refusal *why)
{
	uint64_t missing;

	if (!d->parts[DOC_CLIENT].present &&
	    (h->cb.apply == NULL || !doc_fits_host(d, h->program, h->version)))
		return refuse(why, WORD_NOT_FOR_ME,
		    "the server part is for program %s version %s, this host "
		    "runs %s version %s",
		    d->server_program != NULL ? d->server_program : "*",
		    d->server_version != NULL ? d->server_version : "*",
		    h->cb.apply == NULL     ? "none"
		    : h->program[0] != '\0' ? h->program
					    : "an untold one",
		    h->version[0] != '\0' ? h->version : "untold");
	if (!catalog_has_needs(&h->catalog, d, &missing))
		return refuse(why, WORD_NEEDS,
		    "it needs %" PRIu64 ", which is not in force here",
		    missing);
	if (catalog_nlive(&h->catalog) >= CATALOG_LIVE)
		return refuse(why, WORD_FULL,
		    "%d updates are live already; retire or revert some",
		    CATALOG_LIVE);
	return WORD_OK;
}

static enum word
admit_about(struct host *h, const struct doc *d, struct refusal *why)
{
	const struct record *r = catalog_find(&h->catalog, d->target);

	if (r != NULL && r->doc != NULL &&
	    (r->doc->kind != DOC_UPDATE ||
		strcmp(r->doc->feature, d->feature) != 0))
		return refuse(why, WORD_SYNTAX,
		    "%" PRIu64 " is of feature %s, not %s", d->target,
		    r->doc->feature, d->feature);
	if (d->kind == DOC_RETIRE &&
	    (r == NULL || r->doc == NULL ||
		(r->state != RECORD_LIVE && r->state != RECORD_RETIRED)))
		return refuse(why, WORD_UNKNOWN,
		    "%" PRIu64 " is not in force here", d->target);
	return WORD_OK;
}

enum word
push_admit(struct host *h, const struct doc *d, int seed, struct refusal *why)
{
	int64_t max_age = seed || is_let_in(h, d->id) ? 0 : DOC_OLD_US;
	enum word w =
	    catalog_admit(&h->catalog, d, host_now_us(h), max_age, why);

	if (w != WORD_OK)
		return w;
	if (!doc_fits_zone(d, h->zone))
		return refuse(why, WORD_NOT_FOR_ME,
		    "it is for zone %s, this host is in %s", d->zone,
		    h->zone[0] != '\0' ? h->zone : "none");
	return d->kind == DOC_UPDATE ? admit_update(h, d, why)
				     : admit_about(h, d, why);
}

static int
part_is_plain(const struct doc *d, const uint8_t *body, enum doc_part_kind kind)
{
	const struct doc_part *part = &d->parts[kind];

	return part->present && plain_chunk((const char *)body + part->offset,
				    (size_t)part->len);
}

/* What may have to be taken back must be able to be. */
static enum word
admit_plain(const struct doc *d, const uint8_t *body, struct refusal *why)
{
	const char *which;

	if (d->allow_partial ||
	    (d->max_failed.kind == DOC_NO_BOUND && d->canary == NULL))
		return WORD_OK;
	if (part_is_plain(d, body, DOC_SERVER))
		which = "server";
	else if (part_is_plain(d, body, DOC_CLIENT))
		which = "client";
	else
		return WORD_OK;
	return refuse(why, WORD_UNSUPPORTED,
	    "the %s part does not use the update API, so it could not be taken "
	    "back; write it with hotfix.replace, or allow partial",
	    which);
}

/* ---- the end ------------------------------------------------------------ */

static void run(struct push *p);

void
push_free(struct push *p)
{
	struct target *t;
	size_t i, at = 0;

	if (p == NULL)
		return;
	heap_remove(&p->host->push_timers, &p->timer);
	while ((t = map_next(&p->targets, &at)) != NULL)
		free(t);
	map_free(&p->targets);
	for (i = 0; i < p->ngroups; i++)
		free(p->groups[i].text);
	if (p->record == NULL) {
		doc_free(p->doc);
		free(p->body);
	}
	free(p);
}

/* What waits begins: reverts first, then the connections whose next frame
 * was held back while a document of theirs ran. */
static void
next_turn(struct host *h)
{
	struct host_conn *c;
	struct push *next;

	while (h->push == NULL) {
		if ((next = h->queue) != NULL) {
			h->queue = next->next;
			h->nqueue--;
			h->push = next;
			run(next);
			continue;
		}
		for (c = h->conns; c != NULL && !c->held; c = c->next)
			;
		if (c == NULL)
			return;
		c->held = 0;
		c->idle_ns = host_now_ns(h);
		link_resume(&c->link);
		host_arm(c);
	}
}

/* The running push is over. */
static void
leave(struct push *p)
{
	struct host *h = p->host;

	h->push = NULL;
	if (p->conn != NULL)
		p->conn->held = 1;
	push_free(p);
	next_turn(h);
}

static void
refused(struct push *p, enum word w, const char *text)
{
	struct host_conn *c = p->conn;

	host_log(p->host, "document %" PRIu64 " from %s refused: %s: %s",
	    p->doc->id, p->from, word_name(w), text);
	p->host->refusals++;
	tell_done(p, "refused", w, text);
	p->conn = NULL;
	if (c != NULL) {
		link_end(&c->link);
		host_arm(c);
	}
}

static void
finish(struct push *p, const char *word)
{
	char counts[5][24];
	struct ledger_field fields[] = {{"result", word},
	    {"server", result_name(p->server)}, {"targeted", counts[0]},
	    {"applied", counts[1]}, {"deferred", counts[2]},
	    {"failed", counts[3]}, {"missing", counts[4]}};
	struct err e;

	snprintf(counts[0], sizeof *counts, "%zu", p->targeted);
	snprintf(counts[1], sizeof *counts, "%zu", p->applied);
	snprintf(counts[2], sizeof *counts, "%zu", p->deferred);
	snprintf(counts[3], sizeof *counts, "%zu", p->failed);
	snprintf(counts[4], sizeof *counts, "%zu",
	    p->targeted - p->applied - p->deferred - p->failed);
	if (state_event(p->host, p->doc->id, "final", fields,
		sizeof fields / sizeof *fields, &e) != 0)
		host_log(p->host, "%s", e.text);
	host_log(p->host,
	    "document %" PRIu64 " (%s): %s; clients: %s targeted, %s applied, "
	    "%s failed, %s missing",
	    p->doc->id, p->doc->feature, word, counts[0], counts[1], counts[3],
	    counts[4]);
	tell_clients(p);
	tell_groups(p);
	tell_done(p, word, WORD_OK, NULL);
	leave(p);
}

/* Nothing came of it, and the id may come again. */
static void
forget(struct push *p, const char *word, const char *why)
{
	struct ledger_field field = {"why", why};
	struct err e;

	if (state_event(p->host, p->doc->id, "taken-back", &field, 1, &e) != 0)
		host_log(p->host, "%s", e.text);
	host_log(p->host, "document %" PRIu64 " (%s): %s", p->doc->id,
	    p->doc->feature, word);
	tell_done(p, word, WORD_OK, NULL);
	state_forget(p->host, p->record);
	p->doc = NULL;
	p->body = NULL;
	p->record = NULL;
	leave(p);
}

/* As forget, where the disk did not take it. */
static void
fail_local(struct push *p, const struct err *e)
{
	host_log(p->host, "document %" PRIu64 ": %s", p->doc->id, e->text);
	tell_done(p, "refused", WORD_INTERNAL, e->text);
	if (p->record != NULL) {
		journal_remove_doc(p->host->journal, p->record->id);
		state_forget(p->host, p->record);
		p->doc = NULL;
		p->body = NULL;
		p->record = NULL;
	}
	if (p->conn != NULL)
		link_end(&p->conn->link);
	leave(p);
}

/* ---- the host's own program --------------------------------------------- */

static const uint8_t *
part_bytes(const struct record *r, enum doc_part_kind kind)
{
	return r->body + r->doc->parts[kind].offset;
}

/* Server parts of the record's feature that run here: at most one does, all
 * others were superseded. */
static struct record *
running_of(struct host *h, const struct record *r)
{
	size_t i;

	for (i = 0; i < h->catalog.n; i++) {
		struct record *o = h->catalog.records[i];
		const struct note *n = o->owner;

		if (o != r && n != NULL && n->on_server && o->doc != NULL &&
		    strcmp(o->doc->feature, r->doc->feature) == 0)
			return o;
	}
	return NULL;
}

static void
program_event_updated(struct host *h, const struct record *r,
    enum result result)
{
	if (h->cb.updated != NULL)
		h->cb.updated(h->cb.arg, r->id, r->doc->feature,
		    result_name(result));
}

/* The record's server part in, the one that it supersedes out. */
static void
server_apply(struct host *h, struct record *r, struct record *old,
    struct host_applied *out)
{
	struct note *note = state_note(r);

	memset(out, 0, sizeof *out);
	if (note == NULL) {
		out->result = RESULT_FAILED;
		return;
	}
	h->cb.apply(h->cb.arg, r->doc, part_bytes(r, DOC_SERVER),
	    (size_t)r->doc->parts[DOC_SERVER].len,
	    old != NULL ? &old->id : NULL, old != NULL, out);
	if (out->result == RESULT_HAVE)
		out->result = RESULT_APPLIED;
	note->server = out->result;
	if (out->result != RESULT_APPLIED)
		return;
	note->on_server = 1;
	if (old != NULL)
		((struct note *)old->owner)->on_server = 0;
}

/* Live server parts enter a fresh program, in the order of ids. */
void
state_apply_live(struct host *h)
{
	struct catalog_end end = host_end(h);
	struct host_applied out;
	size_t i, k;

	for (i = 0; h->cb.apply != NULL && i < h->catalog.n; i++) {
		struct record *r = h->catalog.records[i];
		int skip = 0;

		if (!catalog_is_given(&h->catalog, r, &end, host_now_us(h)))
			continue;
		for (k = 0; k < h->nskip; k++)
			skip |= h->skip[k] == r->id;
		if (skip) {
			host_log(h, "update %" PRIu64 " (%s): left out", r->id,
			    r->doc->feature);
			continue;
		}
		server_apply(h, r, NULL, &out);
		host_log(h, "update %" PRIu64 " (%s): server part %s%s%.*s",
		    r->id, r->doc->feature, result_name(out.result),
		    out.text != NULL ? ": " : "",
		    out.text != NULL ? (int)strcspn(out.text, "\n") : 0,
		    out.text != NULL ? out.text : "");
	}
}

static void
server_revert(struct host *h, struct record *r, struct host_applied *out)
{
	struct note *note = r->owner;

	memset(out, 0, sizeof *out);
	h->cb.revert(h->cb.arg, r->id, out);
	if (out->result == RESULT_REVERTED || out->result == RESULT_PARTIAL) {
		note->on_server = 0;
		note->server = out->result;
	}
}

/* The ledger did not take what was done: undo it. */
static void
server_undo(struct host *h, struct record *r, struct record *old)
{
	struct host_applied out;

	memset(&out, 0, sizeof out);
	if (old != NULL) {
		h->cb.apply(h->cb.arg, old->doc, part_bytes(old, DOC_SERVER),
		    (size_t)old->doc->parts[DOC_SERVER].len, &r->id, 1, &out);
		((struct note *)old->owner)->on_server = 1;
		((struct note *)r->owner)->on_server = 0;
	} else {
		server_revert(h, r, &out);
	}
	host_log(h, "update %" PRIu64 " undone: %s", r->id,
	    result_name(out.result));
}

/* ---- clients ------------------------------------------------------------ */

static int
set_timer(struct push *p)
{
	struct host *h = p->host;
	int64_t next = p->deadline_ns;

	if (p->progress_ns + HOST_PROGRESS_NS < next)
		next = p->progress_ns + HOST_PROGRESS_NS;
	if (heap_set(&h->push_timers, &p->timer, next) != 0)
		return -1;
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
	return 0;
}

static void
wait_for_results(struct push *p)
{
	p->deadline_ns = host_now_ns(p->host) + p->doc->wait_ms * MS_NS;
	if (set_timer(p) != 0)
		finish(p, "failed");
}

static struct target *
target_new(struct push *p, const char *id)
{
	size_t len = strlen(id);
	struct target *t = malloc(sizeof *t + len);

	if (t == NULL)
		return NULL;
	t->result = RESULT_NONE;
	t->id_len = len;
	memcpy(t->id, id, len);
	if (map_put(&p->targets, t->id, len, t) != 0) {
		free(t);
		return NULL;
	}
	p->targeted++;
	return t;
}

static size_t *
counter_of(struct push *p, enum result r)
{
	switch (r) {
	case RESULT_APPLIED:
	case RESULT_HAVE:
	case RESULT_REVERTED:
		return &p->applied;
	case RESULT_DEFERRED:
	case RESULT_FETCHING:
		return &p->deferred;
	case RESULT_NONE:
	case RESULT_READY:
	case RESULT_FAILED:
	case RESULT_PARTIAL:
	case RESULT_HUNG:
	case RESULT_SUPERSEDED:
	case RESULT_REFUSED:
	case RESULT_GAVE_UP:
	case RESULT_CRASHED:
	case RESULT_COUNT:
		break;
	}
	return &p->failed;
}

static void
count_target(struct push *p, struct target *t, enum result r)
{
	if (t->result == RESULT_NONE)
		p->answered++;
	else
		--*counter_of(p, t->result);
	t->result = r;
	++*counter_of(p, r);
	p->dirty = 1;
}

/* 1 when the update runs there, or is on its way. */
static int
concerned(const struct session *s, uint64_t id)
{
	size_t i;

	for (i = 0; i < s->nawaited; i++)
		if (s->awaited[i].id == id)
			return 1;
	return session_has(s, id);
}

/* 1 when the client's session is to hear of what the push is about. */
static int
concerns(const struct push *p, const struct session *s)
{
	struct catalog_end end = session_end(s);
	const struct record *r;

	if (p->doc->kind == DOC_UPDATE)
		return catalog_counts(p->record, &end);
	if (concerned(s, p->doc->target))
		return 1;
	r = catalog_find(&p->host->catalog, p->doc->target);
	return r != NULL && session_needs_revert(p->host, s, r);
}

/* To every client that it is for, all with one copy of the frame. */
static void
send_to_clients(struct push *p, struct blob *frame, int revert)
{
	struct host *h = p->host;
	struct host_conn *c;
	struct target *t;

	for (c = h->conns; c != NULL; c = c->next) {
		if (c->session == NULL || c->link.state != LINK_OPEN ||
		    !concerns(p, c->session))
			continue;
		t = target_new(p, c->session->id);
		if (t == NULL) {
			host_log(h,
			    "document %" PRIu64 ": out of memory at "
			    "client %s",
			    p->doc->id, c->session->id);
			continue;
		}
		if (p->doc->kind == DOC_UPDATE &&
		    session_has(c->session, p->subject))
			count_target(p, t, RESULT_HAVE);
		else
			session_send(c, frame != NULL ? blob_hold(frame) : NULL,
			    p->subject, revert);
	}
	blob_drop(frame);
	tell_clients(p);
}

/* Equal errors are one group; what no group is left for joins the last. */
static void
add_group(struct push *p, const struct session *s, const char *result,
    const uint8_t *text, size_t len)
{
	struct group *g = NULL;
	size_t i;

	for (i = 0; i < p->ngroups && g == NULL; i++)
		if (strcmp(p->groups[i].result, result) == 0 &&
		    p->groups[i].text_len == len &&
		    (len == 0 || memcmp(p->groups[i].text, text, len) == 0))
			g = &p->groups[i];
	if (g == NULL && p->ngroups == HOST_GROUPS)
		g = &p->groups[HOST_GROUPS - 1];
	if (g == NULL) {
		g = &p->groups[p->ngroups++];
		snprintf(g->result, sizeof g->result, "%s", result);
		snprintf(g->platform, sizeof g->platform, "%s",
		    s->platform[0] != '\0' ? s->platform : "untold");
		snprintf(g->version, sizeof g->version, "%s",
		    s->version[0] != '\0' ? s->version : "untold");
		g->text = malloc(len > 0 ? len : 1);
		if (g->text != NULL && len > 0) {
			memcpy(g->text, text, len);
			g->text_len = len;
		}
	}
	g->count++;
	if (strcmp(g->platform, s->platform[0] ? s->platform : "untold") == 0 &&
	    strcmp(g->version, s->version[0] ? s->version : "untold") == 0)
		g->first++;
}

/* ---- taking back -------------------------------------------------------- */

static void
settle_back(struct push *p)
{
	finish(p, p->server == RESULT_PARTIAL ? "partial" : "reverted");
}

/*
 * The host's own decision, after the release: both ends go back. With wait
 * set the clients' answers are awaited.
 */
static void
take_back(struct push *p, const char *why, int wait)
{
	struct host *h = p->host;
	struct record *r = p->record;
	struct note *note = r->owner;
	struct ledger_field field = {"why", why};
	struct host_applied out;
	struct blob *frame;
	struct host_conn *c;
	struct err e;

	if (state_event(h, r->id, "taken-back", &field, 1, &e) != 0) {
		/* What could not be recorded is not done. */
		host_log(h, "update %" PRIu64 " is NOT taken back: %s", r->id,
		    e.text);
		finish(p, "failed");
		return;
	}
	host_log(h, "update %" PRIu64 " (%s) is taken back: %s", r->id,
	    r->doc->feature, why);
	r->state = RECORD_TAKEN_BACK;
	r->take_back_until_us = r->doc->take_back_until_us;
	if (note->on_server) {
		server_revert(h, r, &out);
		p->server = out.result == RESULT_REVERTED ? RESULT_REVERTED
							  : RESULT_PARTIAL;
		tell_server(p, &out);
		program_event_updated(h, r, out.result);
	}
	tell_clients(p);
	p->phase = PUSH_TAKING_BACK;
	frame = push_revert_frame(r->id, NULL);
	for (c = h->conns; c != NULL; c = c->next) {
		if (c->session == NULL || c->link.state != LINK_OPEN ||
		    !concerned(c->session, r->id))
			continue;
		session_send(c, frame != NULL ? blob_hold(frame) : NULL, r->id,
		    1);
		p->back_sent++;
	}
	blob_drop(frame);
	if (!wait || p->back_sent == 0)
		settle_back(p);
	else
		wait_for_results(p);
}

/* More failed than the document allows? It goes back while it may. */
static int
is_past_bound(struct push *p)
{
	if (p->doc->kind != DOC_UPDATE ||
	    p->failed <= doc_max_failed(p->doc, p->targeted))
		return 0;
	if (host_now_us(p->host) >= p->doc->take_back_until_us) {
		host_log(p->host,
		    "update %" PRIu64 ": too many failed, but its time to be "
		    "taken back is over",
		    p->doc->id);
		return 0;
	}
	return 1;
}

/* ---- phases ------------------------------------------------------------- */

static const char *
done_word(const struct push *p)
{
	if (p->doc->kind == DOC_REVERT)
		return p->server == RESULT_PARTIAL ? "partial" : "reverted";
	if (p->doc->kind == DOC_UPDATE && p->failed == 0 && p->targeted > 0 &&
	    p->deferred == p->targeted)
		return "deferred";
	if (p->doc->kind == DOC_UPDATE &&
	    p->failed > doc_max_failed(p->doc, p->targeted))
		return "failed";
	return "applied";
}

/* New results: is it decided, or over? */
static void
review(struct push *p)
{
	char why[64];

	if (is_past_bound(p)) {
		snprintf(why, sizeof why, "%zu of %zu clients failed",
		    p->failed, p->targeted);
		take_back(p, why, 1);
	} else if (p->answered == p->targeted) {
		finish(p, done_word(p));
	}
}

/* It counts as accepted from here on: recorded, then told. 0, or -1. */
static int
accept_record(struct push *p, struct err *e)
{
	struct host *h = p->host;
	struct record *r = p->record;

	if (state_event(h, r->id, "released", NULL, 0, e) != 0)
		return -1;
	/* The ledger knows; memory that lacks it is mended by a restart. */
	if (catalog_accept(&h->catalog, r->doc->feature, r->id) != 0)
		host_log(h, "update %" PRIu64 ": out of memory for its order",
		    r->id);
	return 0;
}

static void
release_update(struct push *p)
{
	struct record *r = p->record;

	r->state = RECORD_LIVE;
	state_cover(p->host, r);
	if (r->doc->parts[DOC_CLIENT].present)
		send_to_clients(p, push_update_frame(r), 0);
	if (p->answered < p->targeted)
		wait_for_results(p);
	else
		review(p);
}

static void
run_update(struct push *p)
{
	struct host *h = p->host;
	struct record *r = p->record, *old = NULL;
	struct host_applied out;
	struct catalog_end end = host_end(h);
	int mine = h->cb.apply != NULL && catalog_counts(r, &end);
	struct err e;

	if (mine) {
		old = running_of(h, r);
		server_apply(h, r, old, &out);
		p->server = out.result;
		tell_server(p, &out);
		if (out.result != RESULT_APPLIED) {
			forget(p,
			    out.result == RESULT_PARTIAL ? "partial" : "failed",
			    "server part failed");
			return;
		}
		if (state_event(h, r->id, "server-applied", NULL, 0, &e) != 0)
			goto undo;
	} else if (r->doc->parts[DOC_SERVER].present) {
		memset(&out, 0, sizeof out);
		out.result = RESULT_REFUSED;
		tell_server(p, &out);
	}
	if (accept_record(p, &e) != 0)
		goto undo;
	if (mine)
		program_event_updated(h, r, RESULT_APPLIED);
	release_update(p);
	return;

undo:
	if (mine)
		server_undo(h, r, old);
	fail_local(p, &e);
}

/* The document hands itself over to the record that it is about; its own
 * record stays for its id, its file for the next start. */
static void
attach_to_target(struct push *p, struct record *target)
{
	doc_free(target->by);
	target->by = p->doc;
	p->record->doc = NULL;
	p->record->state = RECORD_COVERED;
	((struct note *)p->record->owner)->on_disk = 0;
}

static void
run_revert(struct push *p)
{
	struct host *h = p->host;
	struct record *t = catalog_find(&h->catalog, p->doc->target);
	struct note *note = t != NULL ? t->owner : NULL;
	struct host_applied out;
	int mine = note != NULL && note->on_server;
	struct err e;

	if (t == NULL)
		t = catalog_add(&h->catalog, p->doc->target);
	if (t == NULL) {
		err_set(&e, ERR_LOCAL, "out of memory");
		fail_local(p, &e);
		return;
	}
	if (mine) {
		server_revert(h, t, &out);
		p->server = out.result;
		tell_server(p, &out);
		if (out.result != RESULT_REVERTED &&
		    out.result != RESULT_PARTIAL) {
			forget(p, "failed", "server part not reverted");
			return;
		}
	}
	if (accept_record(p, &e) != 0) {
		if (mine) {
			server_apply(h, t, NULL, &out);
			host_log(h, "update %" PRIu64 " put back: %s", t->id,
			    result_name(out.result));
		}
		fail_local(p, &e);
		return;
	}
	attach_to_target(p, t);
	t->state = RECORD_REVERTED;
	if (mine)
		program_event_updated(h, t, RESULT_REVERTED);
	send_to_clients(p, push_revert_frame(t->id, t->by), 1);
	if (p->answered < p->targeted)
		wait_for_results(p);
	else
		review(p);
}

static void
run_retire(struct push *p)
{
	struct record *t = catalog_find(&p->host->catalog, p->doc->target);
	struct err e;

	if (accept_record(p, &e) != 0) {
		fail_local(p, &e);
		return;
	}
	attach_to_target(p, t);
	t->state = RECORD_RETIRED;
	send_to_clients(p, push_retirement_frame(t->by), 0);
	if (p->answered < p->targeted)
		wait_for_results(p);
	else
		review(p);
}

/* The document into the catalog and onto the disk. 0, or -1. */
static int
receive(struct push *p, struct err *e)
{
	static const char *const kinds[] = {
	    "update", "revert", "retire", "notice"};
	struct host *h = p->host;
	char digest[2 * SHA512_SIZE + 1], target[24];
	struct ledger_field fields[] = {{"kind", kinds[p->doc->kind]},
	    {"feature", p->doc->feature}, {"target", target},
	    {"key", p->doc->key_name}, {"from", p->from}, {"digest", digest}};
	struct buf whole = BUF_INIT;
	struct record *r;
	struct note *note;
	int ret;

	r = catalog_add(&h->catalog, p->doc->id);
	note = r != NULL ? state_note(r) : NULL;
	if (note == NULL)
		return err_set(e, ERR_LOCAL,
		    "out of memory, or %d ids remembered", CATALOG_RECORDS);
	snprintf(note->feature, sizeof note->feature, "%s", p->doc->feature);
	snprintf(note->key, sizeof note->key, "%s", p->doc->key_name);
	note->on_disk = 1;
	r->doc = p->doc;
	r->body = p->body;
	r->body_len = p->body_len;
	r->held = 1;
	memcpy(r->digest, p->doc->digest, sizeof r->digest);
	r->state = RECORD_PENDING;
	p->record = r;

	snprintf(target, sizeof target, "%" PRIu64, p->doc->target);
	hex_encode(digest, p->doc->digest, SHA512_SIZE);
	buf_append(&whole, p->doc->head, p->doc->head_len);
	buf_append(&whole, p->body, p->body_len);
	ret = -1;
	if (whole.oom)
		err_set(e, ERR_LOCAL, "out of memory");
	else if (journal_put_doc(h->journal, r->id, whole.data, whole.len, e) ==
		 0)
		ret = state_event(h, r->id, "received", fields,
		    sizeof fields / sizeof *fields, e);
	buf_free(&whole);
	return ret;
}

static void
run(struct push *p)
{
	struct err e;

	p->phase = PUSH_COLLECT;
	p->subject = p->doc->kind == DOC_REVERT ? p->doc->target : p->doc->id;
	if (p->conn != NULL)
		link_pause(&p->conn->link);
	if (receive(p, &e) != 0) {
		fail_local(p, &e);
		return;
	}
	host_log(p->host, "document %" PRIu64 " (%s) from %s, key %s",
	    p->doc->id, p->doc->feature, p->from, p->doc->key_name);
	switch (p->doc->kind) {
	case DOC_UPDATE:
		run_update(p);
		break;
	case DOC_REVERT:
		run_revert(p);
		break;
	case DOC_RETIRE:
		run_retire(p);
		break;
	case DOC_NOTICE: /* refused as unsupported before it comes here */
		break;
	}
}

/* ---- arrivals ----------------------------------------------------------- */

/* A revert while something runs: it stops a push of its own feature, and
 * waits for any other. */
static void
enqueue(struct host *h, struct push *p)
{
	struct push **last = &h->queue;
	struct push *running = h->push;
	int abort = running->doc->kind == DOC_UPDATE &&
		    running->phase == PUSH_COLLECT &&
		    strcmp(running->doc->feature, p->doc->feature) == 0;

	p->phase = PUSH_QUEUED;
	if (p->conn != NULL) {
		link_pause(&p->conn->link);
		host_arm(p->conn);
	}
	while (*last != NULL)
		last = &(*last)->next;
	*last = p;
	h->nqueue++;
	if (!abort)
		return;
	if (running->doc->id == p->doc->target)
		/* The signed document takes it back for good, at once. */
		finish(running, "reverted");
	else
		take_back(running, "a revert of its feature came", 0);
}

static struct push *
push_new(struct host *h, struct host_conn *conn, struct doc *d,
    const uint8_t *body, size_t body_len, const char *from)
{
	struct push *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->body = malloc(body_len > 0 ? body_len : 1);
	if (p->body == NULL || map_init(&p->targets) != 0) {
		free(p->body);
		free(p);
		return NULL;
	}
	if (body_len > 0)
		memcpy(p->body, body, body_len);
	p->body_len = body_len;
	p->host = h;
	p->conn = conn;
	p->doc = d;
	if (from != NULL)
		snprintf(p->from, sizeof p->from, "%s", from);
	else
		sock_ip_format(p->from, &conn->peer);
	return p;
}

void
push_start(struct host *h, struct host_conn *conn, struct doc *d,
    const uint8_t *body, size_t body_len, const char *from)
{
	struct refusal why = {WORD_OK, ""};
	struct push *p = push_new(h, conn, d, body, body_len, from);
	enum word w;

	if (p == NULL) {
		doc_free(d);
		if (conn != NULL)
			host_refuse(conn, WORD_INTERNAL, "out of memory");
		return;
	}
	/* Other documents may have come since the head was looked at. */
	w = push_admit(h, d, from != NULL, &why);
	if (w == WORD_OK)
		w = admit_plain(d, body, &why);
	if (w == WORD_HAVE) {
		tell_done(p, "have", WORD_OK, NULL);
		push_free(p);
	} else if (w != WORD_OK) {
		refused(p, w, why.text);
		push_free(p);
	} else if (h->push == NULL) {
		h->push = p;
		run(p);
	} else if (d->kind == DOC_REVERT && h->nqueue < HOST_QUEUE) {
		enqueue(h, p);
	} else {
		if (conn != NULL)
			link_send_error(&conn->link, WORD_BUSY,
			    "another push is running");
		push_free(p);
	}
}

/* ---- results ------------------------------------------------------------ */

struct answer { /* a RESULT */
	uint64_t id;
	enum result result;
	char word[64]; /* as it was told, "refused stale" */
	const uint8_t *text;
	size_t len;
};

static int
parse_answer(struct answer *a, const struct frame *f)
{
	enum word refused_word;

	if (f->nargs < 2 || f->nargs > 3 ||
	    num_parse(f->args[0].s, f->args[0].len, INT64_MAX, &a->id) !=
		NUM_OK ||
	    f->body_len > RESULT_TEXT_MAX)
		return -1;
	a->result = result_parse(f->args[1].s, f->args[1].len);
	if (a->result == RESULT_NONE ||
	    (f->nargs == 3) != (a->result == RESULT_REFUSED))
		return -1;
	snprintf(a->word, sizeof a->word, "%s", result_name(a->result));
	if (f->nargs == 3) {
		refused_word = word_parse(f->args[2].s, f->args[2].len);
		if (refused_word == WORD_COUNT)
			return -1;
		snprintf(a->word, sizeof a->word, "refused %s",
		    word_name(refused_word));
	}
	a->text = f->body;
	a->len = (size_t)f->body_len;
	return 0;
}

/* The oldest frame with this id that has no result yet; -1: none. */
static int
take_awaited(struct session *s, const struct answer *a, struct awaited *out)
{
	size_t i;

	for (i = 0; i < s->nawaited && s->awaited[i].id != a->id; i++)
		;
	if (i == s->nawaited)
		return -1;
	*out = s->awaited[i];
	if (!result_is_final(a->result))
		return 0;
	s->nawaited--;
	memmove(s->awaited + i, s->awaited + i + 1,
	    (s->nawaited - i) * sizeof *s->awaited);
	return 0;
}

/* Of the record's feature, what is at or below the id leaves the session. */
static void
drop_older(struct host *h, struct session *s, const struct record *r, int self)
{
	size_t i = s->nhave;

	while (i-- > 0) {
		const struct record *o = catalog_find(&h->catalog, s->have[i]);

		if (s->have[i] > r->id || (s->have[i] == r->id && !self))
			continue;
		if (s->have[i] == r->id ||
		    (o != NULL && state_same_feature(o, r)))
			session_remove(s, s->have[i]);
	}
}

/* What runs on the client now. */
static void
note_state(struct host *h, struct session *s, const struct answer *a,
    const struct awaited *w)
{
	struct record *r = catalog_find(&h->catalog, a->id);

	if (r == NULL || r->doc == NULL || r->doc->kind != DOC_UPDATE)
		return;
	if (!w->revert &&
	    (a->result == RESULT_APPLIED || a->result == RESULT_HAVE)) {
		drop_older(h, s, r, 0);
		session_add(s, a->id);
	} else if (w->revert && a->result != RESULT_FAILED) {
		drop_older(h, s, r, 1);
	}
}

static void
keep_result(struct host *h, const struct session *s, const struct answer *a)
{
	char line[512], time[TIMETEXT_SIZE];
	struct record *r = catalog_find(&h->catalog, a->id);
	struct note *note = r != NULL ? state_note(r) : NULL;

	if (note != NULL)
		note->tally[a->result]++;
	snprintf(line, sizeof line, "%s %" PRIu64 " %s %s\n",
	    timetext_format(host_now_us(h), time), a->id, s->id, a->word);
	journal_result(h->journal, line);
}

static int
is_failure(enum result r)
{
	return r != RESULT_APPLIED && r != RESULT_HAVE &&
	       r != RESULT_REVERTED && r != RESULT_DEFERRED &&
	       r != RESULT_FETCHING;
}

void
push_result(struct host_conn *c, const struct frame *f)
{
	struct host *h = c->host;
	struct push *p = h->push;
	struct answer a;
	struct awaited w;
	struct target *t;

	if (parse_answer(&a, f) != 0) {
		host_refuse(c, WORD_SYNTAX, "not a RESULT");
		return;
	}
	if (take_awaited(c->session, &a, &w) != 0) {
		h->stray_results++;
		return;
	}
	note_state(h, c->session, &a, &w);
	keep_result(h, c->session, &a);
	if (p == NULL || p->subject != a.id)
		return;
	if (p->phase == PUSH_TAKING_BACK) {
		if (w.revert && ++p->back_answered == p->back_sent)
			settle_back(p);
		return;
	}
	if (w.revert != (p->doc->kind == DOC_REVERT))
		return;
	t = map_get(&p->targets, c->session->id, strlen(c->session->id));
	if (t == NULL || result_is_final(t->result))
		return;
	if (is_failure(a.result))
		add_group(p, c->session, a.word, a.text, a.len);
	count_target(p, t, a.result);
	review(p);
}

void
push_login(struct host_conn *c)
{
	struct push *p = c->host->push;
	struct target *t;

	if (p == NULL || p->phase != PUSH_COLLECT || p->doc->kind != DOC_UPDATE)
		return;
	t = map_get(&p->targets, c->session->id, strlen(c->session->id));
	if (t == NULL || result_is_final(t->result) ||
	    !session_has(c->session, p->subject))
		return;
	/* It applied it; the result was lost with the connection. */
	count_target(p, t, RESULT_HAVE);
	review(p);
}

void
push_gone(struct host *h, struct host_conn *operator)
{
	struct push *p;

	if (h->push != NULL && h->push->conn == operator)
		h->push->conn = NULL;
	for (p = h->queue; p != NULL; p = p->next)
		if (p->conn == operator)
			p->conn = NULL;
}

void
push_tick(struct push *p)
{
	if (host_now_ns(p->host) >= p->deadline_ns) {
		heap_remove(&p->host->push_timers, &p->timer);
		if (p->phase == PUSH_TAKING_BACK)
			settle_back(p);
		else
			finish(p, done_word(p));
		return;
	}
	if (p->dirty)
		tell_clients(p);
	else
		p->progress_ns = host_now_ns(p->host);
	if (set_timer(p) != 0)
		finish(p, "failed");
}
