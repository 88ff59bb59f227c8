/* Updates enter and leave a program, tried first in a copy of it or not. */

#include "lua-host/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lua-host/rehearse.h"

static enum result
word(enum engine_result r)
{
	switch (r) {
	case ENGINE_APPLIED:
		return RESULT_APPLIED;
	case ENGINE_HAVE:
		return RESULT_HAVE;
	case ENGINE_DEFERRED:
		return RESULT_DEFERRED;
	case ENGINE_FAILED:
		return RESULT_FAILED;
	case ENGINE_PARTIAL:
		return RESULT_PARTIAL;
	case ENGINE_HUNG:
		return RESULT_HUNG;
	case ENGINE_REVERTED:
		return RESULT_REVERTED;
	}
	return RESULT_FAILED;
}

static int
went_well(enum engine_result r)
{
	return r == ENGINE_APPLIED || r == ENGINE_HAVE || r == ENGINE_DEFERRED;
}

void
wire_told(enum engine_result r, const struct engine_report *report,
    struct wire_outcome *out)
{
	memset(out, 0, sizeof *out);
	out->result = word(r);
	out->text = (const char *)report->text.data;
	out->len = report->text.len;
	out->took_ns = report->took_ns;
}

static void
fill(struct wire *w, enum engine_result r, struct wire_outcome *out)
{
	wire_told(r, &w->report, out);
}

static enum engine_result
enter(struct engine *e, const struct wire_update *u, struct engine_report *r)
{
	return engine_defer(e, u->drop, u->ndrop, u->doc->id, u->doc->feature,
	    u->part, u->len, u->doc->on, r);
}

static enum engine_result
change(struct wire *w, const struct wire_update *u,
    const struct engine_text *below, const struct engine_text *text)
{
	enum engine_result r = engine_change_both(w->engine, u->drop, u->ndrop,
	    u->doc->id, u->doc->feature, below, text, u->doc->on, &w->report);
	size_t i;

	/* What has left is not tried any more. */
	for (i = 0; went_well(r) && i < u->ndrop; i++)
		wire_forget(w, u->drop[i]);
	return r;
}

/* The lines become some of the report: its first ones, but of what failed the
 * reason is first, for logs have no more. */
static void
put_lines(struct wire *w, struct buf *lines, int failed)
{
	struct buf own = w->report.text;
	struct buf *a = failed ? &own : lines, *b = failed ? lines : &own;
	size_t room =
	    lines->len < ENGINE_REPORT_MAX ? ENGINE_REPORT_MAX - lines->len : 0;

	if (lines->len == 0) {
		buf_free(lines);
		return;
	}
	/* Cut between lines. */
	if (own.len > room) {
		while (room > 0 && own.data[room - 1] != '\n')
			room--;
		own.len = room;
	}
	if (a->len > 0 && a->data[a->len - 1] != '\n')
		buf_puts(a, "\n");
	buf_append(a, b->data, b->len);
	buf_free(b);
	w->report.text = *a;
}

/* 0, or -1: it is not to be, and why is the report. */
static int
begin_beside(struct wire *w, uint64_t id, const struct wire_update *u,
    struct buf *text)
{
	if (w->beside == NULL ||
	    w->beside->before(w->beside->arg, id, u, text) == 0)
		return 0;
	engine_report_free(&w->report);
	put_lines(w, text, 0);
	return -1;
}

/* The change came to r, and the report tells of it. */
static void
end_beside(struct wire *w, enum engine_result r, struct buf *text)
{
	if (w->beside != NULL)
		w->beside->after(w->beside->arg, went_well(r), text);
	put_lines(w, text, !went_well(r));
}

void
wire_apply(struct wire *w, const struct wire_update *u,
    struct wire_outcome *out)
{
	/* An empty list of modules is a text that does nothing and, unlike an
	 * empty text, can be taken back. */
	static const struct engine_module none[1];
	const struct engine_text text = {.text = u->part,
	    .len = u->len,
	    .modules = u->part == NULL ? none : NULL};
	struct buf lines = BUF_INIT;
	enum engine_result r = ENGINE_FAILED;

	if (begin_beside(w, u->doc->id, u, &lines) == 0) {
		r = change(w, u, NULL, &text);
		end_beside(w, r, &lines);
	}
	fill(w, r, out);
}

void
wire_apply_both(struct wire *w, const struct wire_update *u,
    const struct engine_text *below, const struct engine_text *text,
    struct wire_outcome *out)
{
	fill(w, change(w, u, below, text), out);
}

/* What waited has failed before it was tried here: it leaves. */
static void
drop_waiting(struct wire *w, uint64_t id)
{
	struct engine_report undoing;

	engine_report_init(&undoing);
	engine_change(w->engine, &id, 1, 0, "", "", 0, &undoing);
	engine_report_free(&undoing);
}

void
wire_release(struct wire *w, uint64_t id, struct wire_outcome *out)
{
	struct buf lines = BUF_INIT;
	enum engine_result r = ENGINE_FAILED;

	if (w->releasing != NULL)
		w->releasing(w->releasing_arg, id);
	if (begin_beside(w, id, NULL, &lines) == 0) {
		r = engine_release(w->engine, id, &w->report);
		end_beside(w, r, &lines);
	} else {
		drop_waiting(w, id);
	}
	fill(w, r, out);
}

void
wire_revert(struct wire *w, const uint64_t *drop, size_t ndrop,
    struct wire_outcome *out)
{
	enum engine_result r =
	    engine_change(w->engine, drop, ndrop, 0, "", "", 0, &w->report);
	size_t i;

	/* What stays is still tried, and then installed. */
	for (i = 0; i < ndrop; i++)
		if (!engine_has(w->engine, drop[i]))
			wire_forget(w, drop[i]);
	fill(w, r, out);
}

void
wire_compile(struct wire *w, const struct wire_update *u,
    struct wire_outcome *out)
{
	static const char text[] = "it compiles; it was not run\n";

	if (engine_compile(w->engine, u->doc->feature, u->part, u->len,
		&w->report) != 0) {
		fill(w, ENGINE_FAILED, out);
		return;
	}
	memset(out, 0, sizeof *out);
	out->result = RESULT_READY;
	out->text = text;
	out->len = sizeof text - 1;
}

/* --- tried first ------------------------------------------------------------
 */

struct wire_trial {
	struct wire_trial *next;
	struct wire *wire;
	struct rehearsal *rehearsal; /* NULL: a release that has to wait */
	unsigned failed;             /* how often there was no copy */
	enum wire_try what;
	uint64_t id;
	struct wire_update update; /* its drop points behind this struct */
	void (*done)(void *arg, uint64_t id, const struct wire_outcome *out);
	void *arg;
	uint64_t drop[];
};

/* In the copy. */
static enum engine_result
rehearse(void *arg, struct engine_report *report)
{
	struct wire_trial *t = arg;
	enum engine_result r;

	if (t->what == WIRE_RELEASE)
		return engine_release(t->wire->engine, t->id, report);
	r = enter(t->wire->engine, &t->update, report);
	/* Of one that would wait as a whole nothing was looked at yet: who
	 * only asks is told now what would go wrong then. */
	if (t->what == WIRE_CHECK && r == ENGINE_DEFERRED &&
	    t->update.doc->on != NULL)
		r = engine_release(t->wire->engine, t->id, report);
	return r;
}

static void run_next(void *arg);

/* The oldest release; only that one is tried. */
static struct wire_trial *
first_release(const struct wire *w)
{
	struct wire_trial *t = w->trials;

	while (t != NULL && t->what != WIRE_RELEASE)
		t = t->next;
	return t;
}

static void
put_in(struct wire_trial *t)
{
	struct wire_trial **at = &t->wire->trials;

	while (*at != NULL)
		at = &(*at)->next;
	*at = t;
}

/* Its place among the timers is the one that the rehearsal's had, so that
 * there is memory for it. */
static void
take_out(struct wire_trial *t)
{
	struct wire *w = t->wire;
	struct wire_trial **at = &w->trials, *first;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	first = first_release(w);
	if (first != NULL && first->rehearsal == NULL)
		(void)loop_timer_set(w->loop, &w->next, clock_mono_ns(),
		    run_next, w);
}

/* The rehearsal's own words take the place of the report. */
static void
set_text(struct wire *w, const char *text, size_t len)
{
	engine_report_free(&w->report);
	buf_append(&w->report.text, text, len);
}

/* After the rehearsal: what is to be done here. */
static void
conclude(struct wire_trial *t, const struct rehearse_answer *a,
    struct wire_outcome *out)
{
	struct wire *w = t->wire;
	size_t room;

	if (!went_well(a->result)) {
		set_text(w, a->text, a->len);
		fill(w, a->result == ENGINE_HUNG ? ENGINE_HUNG : ENGINE_FAILED,
		    out);
		if (t->what == WIRE_RELEASE)
			drop_waiting(w, t->id);
	} else if (t->what == WIRE_CHECK) {
		set_text(w, a->text, a->len);
		fill(w, ENGINE_APPLIED, out);
		out->result = RESULT_READY;
	} else {
		if (t->what == WIRE_RELEASE)
			wire_release(w, t->id, out);
		else
			wire_apply(w, &t->update, out);
		/* What was only pretended there has been done here. */
		room = ENGINE_REPORT_MAX - w->report.text.len;
		if (a->len - a->own <= room)
			buf_append(&w->report.text, a->text + a->own,
			    a->len - a->own);
		out->text = (const char *)w->report.text.data;
		out->len = w->report.text.len;
	}
	out->rehearsed_ns = a->took_ns;
	out->stall_ns = a->stall_ns;
}

static void
rehearsed(void *arg, const struct rehearse_answer *answer)
{
	struct wire_trial *t = arg;
	struct wire_outcome out;

	take_out(t);
	conclude(t, answer, &out);
	t->done(t->arg, t->id, &out);
	free(t);
}

/* u NULL: what waits is released. */
static struct wire_trial *
trial_new(struct wire *w, enum wire_try what, uint64_t id,
    const struct wire_update *u)
{
	size_t ndrop = u != NULL ? u->ndrop : 0;
	struct wire_trial *t = malloc(sizeof *t + ndrop * sizeof *t->drop);

	if (t == NULL)
		return NULL;
	memset(t, 0, sizeof *t);
	t->wire = w;
	t->what = what;
	t->id = id;
	if (u != NULL)
		t->update = *u;
	t->update.drop = t->drop;
	if (ndrop > 0)
		memcpy(t->drop, u->drop, ndrop * sizeof *t->drop);
	return t;
}

static void
fail(struct wire *w, enum wire_try what, uint64_t id, const struct err *e,
    struct wire_outcome *out)
{
	static const char lead[] = "rehearsal: ";

	set_text(w, lead, sizeof lead - 1);
	buf_puts(&w->report.text, e->text);
	buf_puts(&w->report.text, "\n");
	fill(w, ENGINE_FAILED, out);
	if (what == WIRE_RELEASE)
		drop_waiting(w, id);
}

/* Fork now. 0 or -1. */
static int
start(struct wire_trial *t, struct err *e)
{
	t->rehearsal = rehearse_start(t->wire->loop, t->wire->state, NULL,
	    rehearse, t, rehearsed, t, e);
	return t->rehearsal != NULL ? 0 : -1;
}

/* Once more, some time from now. 0, or -1: often enough. */
static int
retry(struct wire_trial *t)
{
	struct wire *w = t->wire;

	if (++t->failed >= WIRE_COPIES)
		return -1;
	return loop_timer_set(w->loop, &w->next,
	    clock_mono_ns() + WIRE_RETRY_NS, run_next, w);
}

static void
run_next(void *arg)
{
	struct wire *w = arg;
	struct wire_trial *t = first_release(w);
	struct wire_outcome out;
	struct err e;

	if (t == NULL || t->rehearsal != NULL || start(t, &e) == 0 ||
	    retry(t) == 0)
		return;
	take_out(t);
	fail(w, t->what, t->id, &e, &out);
	t->done(t->arg, t->id, &out);
	free(t);
}

static int
begin(struct wire *w, enum wire_try what, uint64_t id,
    const struct wire_update *u,
    void (*done)(void *arg, uint64_t id, const struct wire_outcome *out),
    void *arg, struct wire_outcome *out)
{
	struct wire_trial *t = trial_new(w, what, id, u);
	int waits = what == WIRE_RELEASE && first_release(w) != NULL;
	struct err e;

	err_set(&e, ERR_LOCAL, "out of memory");
	if (t == NULL || (!waits && start(t, &e) != 0 &&
			     (what != WIRE_RELEASE || retry(t) != 0))) {
		fail(w, what, id, &e, out);
		free(t);
		return -1;
	}
	t->done = done;
	t->arg = arg;
	put_in(t);
	return 0;
}

int
wire_begin(struct wire *w, enum wire_try what, const struct wire_update *u,
    void (*done)(void *arg, uint64_t id, const struct wire_outcome *out),
    void *arg, struct wire_outcome *out)
{
	return begin(w, what, u->doc->id, u, done, arg, out);
}

int
wire_begin_release(struct wire *w, uint64_t id,
    void (*done)(void *arg, uint64_t id, const struct wire_outcome *out),
    void *arg, struct wire_outcome *out)
{
	return begin(w, WIRE_RELEASE, id, NULL, done, arg, out);
}

static struct wire_trial *
find(const struct wire *w, uint64_t id)
{
	struct wire_trial *t = w->trials;

	while (t != NULL && t->id != id)
		t = t->next;
	return t;
}

int
wire_is_trying(const struct wire *w, uint64_t id)
{
	return find(w, id) != NULL;
}

void
wire_forget(struct wire *w, uint64_t id)
{
	struct wire_trial *t = find(w, id);

	if (t == NULL)
		return;
	rehearse_cancel(t->rehearsal);
	take_out(t);
	free(t);
}

void
wire_forget_all(struct wire *w)
{
	while (w->trials != NULL)
		wire_forget(w, w->trials->id);
	loop_timer_cancel(w->loop, &w->next);
}

void
wire_apply_tried(struct wire *w, const struct wire_update *u,
    struct wire_outcome *out)
{
	struct wire_trial *t = trial_new(w, WIRE_APPLY, u->doc->id, u);
	struct rehearse_answer answer;
	struct err e;

	err_set(&e, ERR_LOCAL, "out of memory");
	if (t != NULL &&
	    rehearse_wait(w->state, NULL, rehearse, t, &answer, &e) == 0)
		conclude(t, &answer, out);
	else
		fail(w, WIRE_APPLY, 0, &e, out);
	free(t);
}
