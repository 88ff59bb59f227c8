/*
 * A document's way through its phases: ledger, the host's own program, the
 * clients, the report.
 */

#include "peer/host_internal.h"
#include "base/hex.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS    INT64_C(1000000)
/* Of why the host's part failed: what it was, and its first line. */
#define HOST_WHY (HOST_PART_TEXT + 32)

/* ---- the end ------------------------------------------------------------ */

static void run(struct push *p);

/* The program's answer is not wanted any more. */
static void
cancel_answer(struct push *p)
{
	const struct host_callbacks *cb = &p->host->cb;

	if (!p->asked)
		return;
	p->asked = 0;
	p->next_ns = -1;
	if (cb->cancel != NULL)
		cb->cancel(cb->arg);
}

void
push_free(struct push *p)
{
	struct target *t;
	size_t i, at = 0;

	if (p == NULL)
		return;
	cancel_answer(p);
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

/* What waited: much may have happened since it was looked at. */
static void
begin(struct push *p)
{
	struct refusal why = {WORD_OK, ""};
	struct host *h = p->host;
	enum word w = push_readmit(h, p->doc, 0, &why);

	if (w == WORD_OK) {
		h->push = p;
		run(p);
		return;
	}
	if (w == WORD_HAVE) {
		push_tell_done(p, "have", WORD_OK, NULL);
		if (p->conn != NULL)
			p->conn->held = 1;
	} else {
		push_refused(p, w, why.text);
	}
	push_free(p);
	host_package_sweep(h);
}

/* The first of the queue that waits for nothing but its turn, taken out of it;
 * NULL: none. */
static struct push *
take_next(struct host *h)
{
	struct push **at = &h->queue, *p;

	while (*at != NULL && (*at)->phase != PUSH_QUEUED)
		at = &(*at)->next;
	p = *at;
	if (p != NULL)
		*at = p->next;
	return p;
}

/* The queue first, then the connections whose next frame was held back while
 * a document of theirs ran. */
void
push_next(struct host *h)
{
	struct host_conn *c;
	struct push *next;

	while (h->push == NULL && !h->ending) {
		if ((next = take_next(h)) != NULL) {
			begin(next);
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

void
push_leave(struct push *p)
{
	struct host *h = p->host;

	h->push = NULL;
	push_late_soon(h);
	if (p->conn != NULL)
		p->conn->held = 1;
	push_free(p);
	host_package_sweep(h);
	push_next(h);
}

void
push_refused(struct push *p, enum word w, const char *text)
{
	struct host_conn *c = p->conn;

	host_log(p->host, "document %" PRIu64 " from %s refused: %s: %s",
	    p->doc->id, p->from, word_name(w), text);
	p->host->refusals++;
	push_note_refused(p->host, p->doc, p->from, w, text);
	push_tell_done(p, "refused", w, text);
	p->conn = NULL;
	if (c != NULL) {
		link_end(&c->link);
		host_arm(c);
	}
}

void
push_finish(struct push *p, const char *word)
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
	/* A notice has been logged, and was applied to nothing. */
	if (p->doc->kind != DOC_NOTICE)
		host_log(p->host,
		    "document %" PRIu64 " (%s): %s%s; clients: %s targeted, "
		    "%s applied, %s deferred, %s failed, %s missing",
		    p->doc->id, p->doc->feature, word,
		    p->not_here && p->targeted == 0 ? ", it was never here"
						    : "",
		    counts[0], counts[1], counts[2], counts[3], counts[4]);
	push_tell_clients(p);
	push_tell_groups(p);
	push_tell_done(p, word, WORD_OK, NULL);
	push_leave(p);
}

/* That the host's part did not do as it should, and what it said of it. */
static const char *
why_part(char out[HOST_WHY], const char *what, const struct host_applied *a)
{
	int n = snprintf(out, HOST_WHY, "%s: ", what);

	server_first_line(a, out + n, HOST_WHY - (size_t)n);
	/* It says nothing: no colon either. */
	if (out[n] == '\0')
		out[n - 2] = '\0';
	return out;
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
	push_tell_done(p, word, WORD_OK, NULL);
	state_forget(p->host, p->record);
	p->doc = NULL;
	p->body = NULL;
	p->record = NULL;
	push_leave(p);
}

/* As forget, where the disk did not take it. */
void
push_fail(struct push *p, const struct err *e)
{
	host_log(p->host, "document %" PRIu64 ": %s", p->doc->id, e->text);
	push_tell_done(p, "refused", WORD_INTERNAL, e->text);
	if (p->record != NULL) {
		state_forget(p->host, p->record);
		p->doc = NULL;
		p->body = NULL;
		p->record = NULL;
	}
	if (p->conn != NULL)
		link_end(&p->conn->link);
	push_leave(p);
}

/* ---- deadlines ---------------------------------------------------------- */

static void
set_timer(struct push *p)
{
	struct host *h = p->host;

	p->next_ns = p->progress_ns + HOST_PROGRESS_NS;
	if (p->deadline_ns < p->next_ns)
		p->next_ns = p->deadline_ns;
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
}

void
push_wait(struct push *p)
{
	p->deadline_ns = host_now_ns(p->host) + p->doc->wait_ms * MS_NS;
	set_timer(p);
}

/* ---- phases ------------------------------------------------------------- */

static const char *
done_word(const struct push *p)
{
	int waits = p->targeted > 0 && p->deferred == p->targeted;

	if (p->doc->kind == DOC_REVERT)
		return p->server == RESULT_PARTIAL ? "partial" : "reverted";
	if (p->doc->kind != DOC_UPDATE)
		return "applied";
	/* It waited, and then it was nothing. */
	if (p->server == RESULT_PARTIAL)
		return "partial";
	if (p->server == RESULT_FAILED || p->server == RESULT_HUNG ||
	    p->failed > doc_max_failed(p->doc, p->targeted))
		return "failed";
	return p->server == RESULT_DEFERRED || waits ? "deferred" : "applied";
}

void
push_review(struct push *p)
{
	char why[64];

	if (p->doc->dry_run) {
		check_review(p);
	} else if (push_is_past_bound(p)) {
		snprintf(why, sizeof why, "%zu of %zu clients failed",
		    p->failed, p->targeted);
		push_take_back(p, why, 1);
	} else if (p->answered == p->targeted) {
		push_finish(p, done_word(p));
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
	state_let_in_done(h, r->id);
	if (catalog_accept(&h->catalog, r->doc->feature, r->id) != 0)
		host_log(h, "update %" PRIu64 ": out of memory for its order",
		    r->id);
	host_package_review(h, r->doc->feature);
	return 0;
}

/* The host's own part is decided. 0, or -1: the ledger did not take it. */
static int
release_update(struct push *p, struct err *e)
{
	struct record *r = p->record;

	if (accept_record(p, e) != 0)
		return -1;
	if (p->server == RESULT_APPLIED)
		server_tell_program(p->host, r, RESULT_APPLIED);
	p->phase = PUSH_COLLECT;
	r->state = RECORD_LIVE;
	state_cover(p->host, r);
	if (p->seed) /* what was pushed has its packages here */
		host_package_live(p->host, r);
	if (doc_has_client(r->doc))
		push_send_all(p, push_update_frame(p->host, r), ASKED_UPDATE);
	if (p->answered < p->targeted)
		push_wait(p);
	else
		push_review(p);
	return 0;
}

int
push_ask(struct push *p, enum host_how how, struct host_applied *out)
{
	struct host *h = p->host;

	p->phase = PUSH_SERVER;
	if (server_ask(h, p->doc, p->body, how, out))
		return 1;
	p->asked = 1;
	p->deadline_ns = p->next_ns = host_now_ns(h) + HOST_ANSWER_NS;
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
	return 0;
}

/* The program's answer to the server part of an update. */
static void
update_answered(struct push *p, const struct host_applied *answer)
{
	struct host *h = p->host;
	struct record *r = p->record, *old = server_held_of(h, r->doc);
	const struct note *note = r->owner;
	char text[HOST_PART_TEXT + 1] = "", why[HOST_WHY];
	struct ledger_field fields[2] = {{"result", NULL}, {"native", text}};
	struct host_applied out = *answer;
	int deferred, native = p->doc->parts[DOC_NATIVE].present;
	struct err e;

	if (out.result == RESULT_HAVE)
		out.result = RESULT_APPLIED;
	server_log(h, r->id, r->doc->feature, "", &out);
	push_tell_server(p, &out);
	/* Before the program does anything else with its buffer. */
	why_part(why, "server part failed", &out);
	if (native)
		server_first_line(&out, text, sizeof text);
	if (!server_take(h, r, old, &out)) {
		p->server = note->server;
		forget(p, p->server == RESULT_PARTIAL ? "partial" : "failed",
		    why);
		return;
	}
	p->server = note->server;
	deferred = p->server == RESULT_DEFERRED;
	fields[0].value = result_name(p->server);
	if (state_event(h, r->id, "server-applied", fields + !deferred,
		(size_t)(deferred + native), &e) == 0 &&
	    release_update(p, &e) == 0)
		return;
	if (old != NULL)
		server_put_back(h, old, r);
	else
		server_revert(h, r, &out);
	host_log(h, "update %" PRIu64 " undone", r->id);
	push_fail(p, &e);
}

static void
run_update(struct push *p)
{
	struct host_applied out;
	struct err e;

	if (server_is_mine(p)) {
		/* Seeds come one after the other, before anything is served. */
		if (push_ask(p, p->seed ? HOST_START : HOST_PUSH, &out))
			update_answered(p, &out);
		return;
	}
	push_tell_not_mine(p);
	if (release_update(p, &e) != 0)
		push_fail(p, &e);
}

/* The program answered, or is taken to have answered. */
static void
answered(struct push *p, const struct host_applied *out)
{
	p->asked = 0;
	p->next_ns = -1;
	if (p->doc->dry_run)
		check_answered(p, out);
	else
		update_answered(p, out);
}

void
host_answer(struct host *h, uint64_t id, const struct host_applied *out)
{
	struct push *p = h->push;

	if (p != NULL && p->asked && p->doc->id == id)
		answered(p, out);
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
	int unheld = t == NULL;
	char why[HOST_WHY];
	struct err e;

	p->not_here = t == NULL || !t->held;
	if (unheld)
		t = catalog_add(&h->catalog, p->doc->target);
	if (t == NULL) {
		err_set(&e, ERR_LOCAL, "out of memory");
		push_fail(p, &e);
		return;
	}
	if (mine) {
		server_revert(h, t, &out);
		p->server = out.result;
		push_tell_server(p, &out);
		if (out.result != RESULT_REVERTED &&
		    out.result != RESULT_PARTIAL) {
			why_part(why, "server part not reverted", &out);
			forget(p, "failed", why);
			return;
		}
	}
	if (accept_record(p, &e) != 0) {
		if (mine)
			server_put_back(h, t, NULL);
		if (unheld)
			catalog_remove(&h->catalog, t);
		push_fail(p, &e);
		return;
	}
	attach_to_target(p, t);
	t->state = RECORD_REVERTED;
	if (mine)
		server_tell_program(h, t, RESULT_REVERTED);
	push_send_all(p, push_revert_frame(t->id, t->by), ASKED_REVERT);
	if (p->answered < p->targeted)
		push_wait(p);
	else
		push_review(p);
}

static void
run_retire(struct push *p)
{
	struct record *t = catalog_find(&p->host->catalog, p->doc->target);
	struct err e;

	if (accept_record(p, &e) != 0) {
		push_fail(p, &e);
		return;
	}
	attach_to_target(p, t);
	t->state = RECORD_RETIRED;
	push_send_all(p, push_retirement_frame(t->by), ASKED_UPDATE);
	if (p->answered < p->targeted)
		push_wait(p);
	else
		push_review(p);
}

/*
 * It is told and remembered, and that is all. It has no place in its feature's
 * order: a release that was signed before it may be pushed after it. What is
 * left is the record of its id, so that it cannot be played again.
 */
static void
run_notice(struct push *p)
{
	struct host *h = p->host;
	struct record *r = p->record;
	char text[HOST_NOTICE_TEXT + 1];
	struct err e;

	if (state_event(h, r->id, "released", NULL, 0, &e) != 0) {
		push_fail(p, &e);
		return;
	}
	state_let_in_done(h, r->id);
	host_log(h, "notice %" PRIu64 " (%s): publication failed: %s", r->id,
	    p->doc->feature,
	    text_escape(text, sizeof text, p->doc->notice,
		strlen(p->doc->notice), 0));
	r->state = RECORD_COVERED;
	r->doc = NULL;
	r->body = NULL;
	r->body_len = 0;
	p->record = NULL;
	state_trim_notices(h);
	push_finish(p, done_word(p));
}

/* The document into the catalog and onto the disk. 0, or -1. */
static int
receive(struct push *p, struct err *e)
{
	struct host *h = p->host;
	char digest[2 * SHA512_SIZE + 1], target[24];
	char notice[HOST_NOTICE_TEXT + 1] = "";
	int is_notice = p->doc->kind == DOC_NOTICE;
	struct ledger_field fields[] = {{"kind", state_kind_name(p->doc->kind)},
	    {"feature", p->doc->feature}, {"target", target},
	    {"key", p->doc->key_name}, {"from", p->from}, {"digest", digest},
	    {"text", notice}};
	size_t nfields = sizeof fields / sizeof *fields - !is_notice;
	struct buf whole = BUF_INIT;
	struct record *r;
	struct note *note;
	int ret;

	r = catalog_add(&h->catalog, p->doc->id);
	note = r != NULL ? state_note(r) : NULL;
	if (r != NULL && note == NULL && !r->held && r->by == NULL)
		catalog_remove(&h->catalog, r);
	if (note == NULL)
		return err_set(e, ERR_LOCAL,
		    "out of memory, or %d ids remembered", CATALOG_RECORDS);
	snprintf(note->feature, sizeof note->feature, "%s", p->doc->feature);
	snprintf(note->key, sizeof note->key, "%s", p->doc->key_name);
	note->on_disk = !is_notice; /* the ledger has all of it */
	note->kind = p->doc->kind;
	note->package = p->fetches ? RESULT_APPLIED : RESULT_NONE;
	/* A revert that named this id under another feature was not its. */
	doc_free(r->by);
	r->by = NULL;
	r->doc = p->doc;
	r->body = p->body;
	r->body_len = p->body_len;
	r->held = 1;
	r->foreign = p->foreign;
	memcpy(r->digest, p->doc->digest, sizeof r->digest);
	r->state = RECORD_PENDING;
	p->record = r;

	snprintf(target, sizeof target, "%" PRIu64, p->doc->target);
	hex_encode(digest, p->doc->digest, SHA512_SIZE);
	if (is_notice)
		text_escape(notice, sizeof notice, p->doc->notice,
		    strlen(p->doc->notice), 1);
	buf_append(&whole, p->doc->head, p->doc->head_len);
	buf_append(&whole, p->body, p->body_len);
	ret = -1;
	if (whole.oom)
		err_set(e, ERR_LOCAL, "out of memory");
	else if (is_notice || journal_put_doc(h->journal, r->id, whole.data,
				  whole.len, e) == 0)
		ret = state_event(h, r->id, "received", fields, nfields, e);
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
	if (p->doc->dry_run) {
		check_run(p);
		return;
	}
	if (receive(p, &e) != 0) {
		push_fail(p, &e);
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
	case DOC_NOTICE:
		run_notice(p);
		break;
	}
}

/* ---- arrivals ----------------------------------------------------------- */

/* A revert ends the running push of its feature, whatever of it. */
static int
is_aborted_by(const struct push *running, const struct doc *revert)
{
	return revert->kind == DOC_REVERT && running->doc->kind == DOC_UPDATE &&
	       (running->phase == PUSH_SERVER ||
		   running->phase == PUSH_COLLECT) &&
	       strcmp(running->doc->feature, revert->feature) == 0;
}

void
push_enqueue(struct push *p)
{
	struct push **last = &p->host->queue;

	p->phase = PUSH_QUEUED;
	if (p->conn != NULL) {
		link_pause(&p->conn->link);
		host_arm(p->conn);
	}
	while (*last != NULL)
		last = &(*last)->next;
	*last = p;
}

/* A revert stops a push of its own feature, and waits for any other. */
static void
enqueue(struct host *h, struct push *p)
{
	struct push *running = h->push;

	push_enqueue(p);
	if (!is_aborted_by(running, p->doc))
		return;
	cancel_answer(running);
	if (running->doc->dry_run)
		check_end(running, "reverted");
	else if (running->phase == PUSH_SERVER)
		forget(running, "reverted", "a revert of its feature came");
	else if (running->doc->id == p->doc->target)
		/* The signed document takes it back for good, at once. */
		push_finish(running, "reverted");
	else if (push_may_take_back(running) || running->targeted == 0)
		push_take_back(running, "a revert of its feature came", 0);
	else
		/* Its clients would not let it go: it is not waited for. */
		push_finish(running, done_word(running));
}

/* 1 when this very revert or notice waits already. */
static int
is_queued(const struct host *h, const struct doc *d)
{
	const struct push *p;

	for (p = h->queue; p != NULL; p = p->next)
		if (!p->fetches &&
		    memcmp(p->doc->digest, d->digest, SHA512_SIZE) == 0)
			return 1;
	return 0;
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
	p->next_ns = -1;
	p->seed = from != NULL;
	if (from != NULL)
		snprintf(p->from, sizeof p->from, "%s", from);
	else
		sock_ip_format(p->from, &conn->peer);
	return p;
}

static void
busy(struct push *p, const char *why)
{
	if (p->conn != NULL)
		link_send_error(&p->conn->link, WORD_BUSY, why);
	else
		host_log(p->host, "document %" PRIu64 " from %s: %s",
		    p->doc->id, p->from, why);
	push_free(p);
}

/* 1 when it may wait while something else runs. */
static int
may_queue(const struct host *h, const struct doc *d)
{
	const struct push *p;
	size_t n = 0;

	if (d->kind != DOC_REVERT && d->kind != DOC_NOTICE)
		return 0;
	for (p = h->queue; p != NULL; p = p->next)
		n += !p->fetches;
	return n < HOST_QUEUE || is_aborted_by(h->push, d);
}

/* It may come in: now, or it waits, or another time. */
static void
take_in(struct host *h, struct push *p)
{
	struct refusal why = {WORD_OK, ""};

	/* A seed is needed by those that follow it; its packages are fetched
	 * when it is live. */
	if (!p->seed && host_package_is_wanted(h, p->doc)) {
		if (host_package_admit(h, p->doc, &why) == WORD_OK)
			host_package_start(p);
		else
			busy(p, why.text);
		return;
	}
	if (h->push != NULL && !may_queue(h, p->doc)) {
		refuse(&why, WORD_BUSY,
		    "%" PRIu64 " (%s) is being pushed; try again",
		    h->push->doc->id, h->push->doc->feature);
		busy(p, why.text);
		return;
	}
	if (p->doc->kind == DOC_REVERT)
		host_package_abort(h, p->doc);
	if (h->push != NULL) {
		enqueue(h, p);
	} else {
		h->push = p;
		run(p);
	}
}

/* A native part for another executable: refused, unless there is something
 * for clients, who have it in common with that one. */
static enum word
admit_native(struct push *p, struct refusal *why)
{
	enum word w = server_admit_native(p->host, p->doc, p->body, why);

	if (w == WORD_OK || !doc_has_client(p->doc))
		return w;
	p->foreign = 1;
	p->why_foreign = *why;
	return WORD_OK;
}

void
push_start(struct host *h, struct host_conn *conn, struct doc *d,
    const uint8_t *body, size_t body_len, const char *from)
{
	struct refusal why = {WORD_OK, ""};
	struct push *p = push_new(h, conn, d, body, body_len, from);
	enum word w;

	if (p == NULL) {
		host_log(h, "document %" PRIu64 ": out of memory", d->id);
		doc_free(d);
		if (conn != NULL)
			host_refuse(conn, WORD_INTERNAL, "out of memory");
		return;
	}
	/* Other documents may have come since the head was looked at, and
	 * its key may have been revoked. */
	w = push_readmit(h, d, from != NULL, &why);
	if (w == WORD_OK)
		w = push_admit_plain(d, body, &why);
	if (w == WORD_OK)
		w = admit_native(p, &why);
	if (w == WORD_OK && is_queued(h, d))
		w = WORD_HAVE;
	if (w == WORD_HAVE) {
		push_tell_done(p, "have", WORD_OK, NULL);
		push_free(p);
	} else if (w != WORD_OK) {
		push_refused(p, w, why.text);
		push_free(p);
	} else {
		take_in(h, p);
	}
}

/* ---- time passes, peers go ----------------------------------------------- */

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
push_shutdown(struct host *h)
{
	struct push *p = h->push;

	h->ending = 1;
	host_package_stop(h);
	if (p == NULL || p->phase != PUSH_SERVER)
		return;
	cancel_answer(p);
	p->conn = NULL; /* it hears of the shutdown, as all others do */
	if (p->doc->dry_run)
		check_end(p, "shutdown");
	else
		forget(p, "shutdown", "the host ends");
}

static void
give_up_answer(struct push *p)
{
	static const char text[] = "the program did not answer";
	struct host_applied out;

	memset(&out, 0, sizeof out);
	out.result = RESULT_HUNG;
	out.text = text;
	out.len = sizeof text - 1;
	out.took_ns = HOST_ANSWER_NS;
	cancel_answer(p);
	answered(p, &out);
}

void
push_tick(struct push *p)
{
	if (host_now_ns(p->host) >= p->deadline_ns) {
		p->next_ns = -1;
		if (p->phase == PUSH_SERVER)
			give_up_answer(p);
		else if (p->phase == PUSH_TAKING_BACK)
			push_settle_back(p);
		else if (p->doc->dry_run)
			check_over(p);
		else
			push_finish(p, done_word(p));
		return;
	}
	if (p->dirty)
		push_tell_clients(p);
	else
		p->progress_ns = host_now_ns(p->host);
	set_timer(p);
}
