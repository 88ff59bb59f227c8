/*
 * What clients answer: matched with what they were sent, noted, counted for
 * the push that waits for it.
 */

#include "peer/host_internal.h"
#include "base/num.h"
#include "base/text.h"
#include "base/timetext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a reason in the file of results: a line that can be read. */
#define RESULT_LINE 500

/* Equal errors are one group. */
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
	/* What no group is left for is one group of its own, without a text. */
	if (g == NULL && p->ngroups == HOST_GROUPS) {
		g = &p->groups[HOST_GROUPS - 1];
	} else if (g == NULL) {
		if (p->ngroups == HOST_GROUPS - 1) {
			result = "other errors";
			len = 0;
		}
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

struct answer { /* a RESULT */
	uint64_t id;
	enum result result;
	enum word refused; /* WORD_OK: not refused */
	char word[64];     /* as it was told, "refused stale" */
	const uint8_t *text;
	size_t len;
};

static int
parse_answer(struct answer *a, const struct frame *f)
{
	const struct frame_text *text;

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
	a->refused = WORD_OK;
	if (f->nargs == 3) {
		a->refused = word_parse(f->args[2].s, f->args[2].len);
		if (a->refused == WORD_COUNT)
			return -1;
		snprintf(a->word, sizeof a->word, "refused %s",
		    word_name(a->refused));
	}
	a->text = f->body;
	a->len = (size_t)f->body_len;
	text = frame_get(f, "text");
	if (a->len == 0 && a->refused != WORD_OK && text != NULL) {
		a->text = (const uint8_t *)text->s;
		a->len =
		    text->len < RESULT_TEXT_MAX ? text->len : RESULT_TEXT_MAX;
	}
	return 0;
}

static void
forget_awaited(struct session *s, size_t i)
{
	s->nawaited--;
	memmove(s->awaited + i, s->awaited + i + 1,
	    (s->nawaited - i) * sizeof *s->awaited);
}

/*
 * The oldest frame with this id that has no result yet; -1: none. A REVERT of
 * what waits there, or is being fetched, is answered once, and that is the end
 * of the UPDATE too: such an update is neither reverted nor refused by anything
 * else.
 */
static int
take_awaited(struct session *s, const struct answer *a, struct awaited *out)
{
	size_t i, k;

	for (i = 0; i < s->nawaited && s->awaited[i].id != a->id; i++)
		;
	if (i == s->nawaited)
		return -1;
	if ((s->awaited[i].last == RESULT_DEFERRED ||
		s->awaited[i].last == RESULT_FETCHING) &&
	    (a->result == RESULT_REVERTED || a->result == RESULT_REFUSED)) {
		for (k = i + 1; k < s->nawaited &&
				!(s->awaited[k].id == a->id &&
				    s->awaited[k].asked == ASKED_REVERT);
		     k++)
			;
		if (k < s->nawaited) {
			forget_awaited(s, i);
			i = k - 1;
		}
	}
	*out = s->awaited[i];
	if (result_is_final(a->result))
		forget_awaited(s, i);
	else
		s->awaited[i].last = a->result;
	return 0;
}

/* 1 when this can be the answer. */
static int
fits(const struct awaited *w, enum result r)
{
	switch (w->asked) {
	case ASKED_UPDATE:
		return r != RESULT_REVERTED && r != RESULT_READY;
	case ASKED_REVERT:
		return r != RESULT_READY;
	case ASKED_CHECK: /* nothing changes there */
		return r == RESULT_READY || r == RESULT_HAVE ||
		       r == RESULT_FAILED || r == RESULT_HUNG ||
		       r == RESULT_CRASHED || r == RESULT_REFUSED;
	}
	return 0;
}

/* Of the record's feature, what is at or below the id leaves the set. */
static void
drop_older(struct host *h, struct ids *ids, const struct record *r, int self)
{
	size_t i = ids->n;

	while (i-- > 0) {
		uint64_t id = ids->v[i];
		const struct record *o = catalog_find(&h->catalog, id);

		if (id > r->id || (id == r->id && !self))
			continue;
		if (id == r->id || (o != NULL && state_same_feature(o, r)))
			ids_remove(ids, id);
	}
}

/* After a REVERT: does the update not run there any more? With "have" the
 * revert is in force already; a client that refuses for any other reason runs
 * the update still. */
static int
is_gone(const struct answer *a)
{
	return a->result == RESULT_REVERTED || a->result == RESULT_PARTIAL ||
	       a->result == RESULT_HAVE ||
	       (a->result == RESULT_REFUSED &&
		   (a->refused == WORD_UNKNOWN || a->refused == WORD_REVERTED));
}

/* What runs on the client now. */
static void
note_state(struct host *h, struct session *s, const struct answer *a,
    const struct awaited *w)
{
	struct record *r = catalog_find(&h->catalog, a->id);
	const struct note *n = r != NULL ? r->owner : NULL;

	/* Of one that was covered meanwhile the document is gone. */
	if (n == NULL || n->kind != DOC_UPDATE || w->asked == ASKED_CHECK)
		return;
	if (w->asked == ASKED_REVERT) {
		if (is_gone(a)) {
			drop_older(h, &s->have, r, 1);
			drop_older(h, &s->waiting, r, 1);
		}
	} else if (a->result == RESULT_APPLIED || a->result == RESULT_HAVE ||
		   a->result == RESULT_DEFERRED) {
		/* What it supersedes has left, also when it waits. */
		drop_older(h, &s->have, r, 0);
		drop_older(h, &s->waiting, r, 1);
		ids_add(a->result == RESULT_DEFERRED ? &s->waiting : &s->have,
		    a->id);
	} else if (result_is_final(a->result)) {
		ids_remove(&s->waiting, a->id);
	}
}

/* Also why, in a line: nobody else tells of what fails after its push. */
static void
keep_result(struct host *h, const struct session *s, const struct answer *a,
    int revert)
{
	char line[1024], time[TIMETEXT_SIZE], why[RESULT_LINE + 1] = "";
	const uint8_t *end;
	size_t len = a->len;
	struct record *r = catalog_find(&h->catalog, a->id);
	struct note *note = r != NULL ? state_note(r) : NULL;

	/* How the update fared; what became of a revert is in the file. */
	if (note != NULL && !revert)
		note->tally[a->result]++;
	if (len > 0 && result_is_failure(a->result)) {
		end = memchr(a->text, '\n', len);
		if (end != NULL)
			len = (size_t)(end - a->text);
		text_escape(why, sizeof why, a->text, len, 0);
	}
	snprintf(line, sizeof line, "%s %" PRIu64 " %s %s%s%s\n",
	    timetext_format(host_now_us(h), time), a->id, s->id, a->word,
	    why[0] != '\0' ? ": " : "", why);
	journal_result(h->journal, line);
}

/* It is recorded soon, with what else comes until then. */
static void
note_late(struct host *h, uint64_t id)
{
	struct record *r = catalog_find(&h->catalog, id);
	struct note *n = r != NULL ? r->owner : NULL;

	if (n == NULL)
		return;
	n->late = 1;
	if (h->late_ns >= 0)
		return;
	h->late_ns = host_now_ns(h) + h->late_wait_ns;
	h->late_wait_ns *= 2;
	if (h->late_wait_ns > HOST_LATE_MAX_NS)
		h->late_wait_ns = HOST_LATE_MAX_NS;
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
}

void
push_late_soon(struct host *h)
{
	int64_t soon_ns = host_now_ns(h) + HOST_LATE_NS;

	h->late_wait_ns = HOST_LATE_NS;
	if (h->late_ns <= soon_ns)
		return;
	h->late_ns = soon_ns;
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
}

void
push_record_late(struct host *h)
{
	char counts[3][24];
	const struct ledger_field fields[] = {{"applied", counts[0]},
	    {"deferred", counts[1]}, {"failed", counts[2]}};
	struct err e;
	size_t i, k;

	h->late_ns = -1;
	oper_count(h);
	for (i = 0; i < h->catalog.n; i++) {
		struct note *n = h->catalog.records[i]->owner;
		size_t failed = 0;

		if (n == NULL || !n->late)
			continue;
		n->late = 0;
		for (k = RESULT_READY; k < RESULT_COUNT; k++)
			if (result_is_failure((enum result)k))
				failed += n->tally[k];
		snprintf(counts[0], sizeof *counts, "%zu",
		    n->tally[RESULT_APPLIED] + n->tally[RESULT_HAVE]);
		snprintf(counts[1], sizeof *counts, "%zu", n->waiting);
		snprintf(counts[2], sizeof *counts, "%zu", failed);
		host_log(h,
		    "update %" PRIu64 " (%s): late results; clients: %s "
		    "applied, %s wait, %s failed so far",
		    h->catalog.records[i]->id,
		    state_feature_of(h->catalog.records[i]), counts[0],
		    counts[1], counts[2]);
		if (state_event(h, h->catalog.records[i]->id, "late", fields,
			sizeof fields / sizeof *fields, &e) != 0)
			host_log(h, "%s", e.text);
	}
}

void
push_result(struct host_conn *c, const struct frame *f)
{
	struct host *h = c->host;
	struct push *p = h->push;
	struct answer a;
	struct awaited w;
	struct target *t;
	int revert;

	if (parse_answer(&a, f) != 0) {
		host_refuse(c, WORD_SYNTAX, "not a RESULT");
		return;
	}
	if (take_awaited(c->session, &a, &w) != 0) {
		h->stray_results++;
		return;
	}
	if (!fits(&w, a.result)) {
		host_refuse(c, WORD_SYNTAX, "not a RESULT of what was asked");
		return;
	}
	revert = w.asked == ASKED_REVERT;
	if (a.result == w.last) /* told before, and still on its way */
		return;
	note_state(h, c->session, &a, &w);
	keep_result(h, c->session, &a, revert);
	if (p == NULL || p->subject != a.id) {
		if (!revert)
			note_late(h, a.id);
		return;
	}
	if (p->phase == PUSH_TAKING_BACK) {
		t = map_get(&p->targets, c->session->id,
		    strlen(c->session->id));
		if (revert && t != NULL && t->told_back &&
		    result_is_final(a.result)) {
			t->told_back = 0;
			if (++p->back_answered == p->back_sent)
				push_settle_back(p);
		}
		return;
	}
	if (revert != (p->doc->kind == DOC_REVERT))
		return;
	t = map_get(&p->targets, c->session->id, strlen(c->session->id));
	if (t == NULL || result_is_final(t->result)) {
		if (!revert)
			note_late(h, a.id);
		return;
	}
	/* A revert reached its end where there is nothing to revert. */
	if (revert && is_gone(&a) && a.result == RESULT_REFUSED)
		a.result = RESULT_REVERTED;
	if (result_is_failure(a.result))
		add_group(p, c->session, a.word, a.text, a.len);
	push_count(p, t, a.result);
	push_review(p);
}

void
push_login(struct host_conn *c)
{
	struct push *p = c->host->push;
	enum result now = RESULT_NONE;
	struct target *t;

	/* What was checked there is forgotten. */
	if (p == NULL || p->phase != PUSH_COLLECT || p->doc->kind == DOC_RETIRE)
		return;
	t = map_get(&p->targets, c->session->id, strlen(c->session->id));
	if (t == NULL || result_is_final(t->result))
		return;
	/* It did what it was told; the result was lost with the connection. */
	if (p->doc->kind == DOC_UPDATE) {
		if (ids_has(&c->session->have, p->subject))
			now = RESULT_HAVE;
		else if (ids_has(&c->session->waiting, p->subject))
			now = RESULT_DEFERRED;
	} else if (!session_holds(c->session, p->subject)) {
		now = RESULT_REVERTED;
	}
	if (now == RESULT_NONE || now == t->result)
		return;
	push_count(p, t, now);
	push_review(p);
}
