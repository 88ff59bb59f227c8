/* A program, its updates, its timers and its log. */

#include "lua-host/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void
wire_error(struct hotfix_error *e, const struct err *err)
{
	if (e == NULL)
		return;
	e->status = (int)err->kind;
	snprintf(e->text, sizeof e->text, "%s", err->text);
}

/* --- log and timers ------------------------------------------------------ */

void
wire_log(struct wire *w, const char *line)
{
	if (w->log != NULL)
		w->log(w->log_arg, line);
	else
		fprintf(stderr, "%s\n", line);
}

static void
due(void *arg)
{
	struct wire *w = arg;

	program_run_due(w->program, clock_mono_ns());
	wire_rearm(w);
}

void
wire_rearm(struct wire *w)
{
	int64_t next_ns = w->program != NULL ? program_next_ns(w->program) : -1;

	if (next_ns < 0)
		loop_timer_cancel(w->loop, &w->timer);
	else if (loop_timer_set(w->loop, &w->timer, next_ns, due, w) != 0)
		wire_log(w, "out of memory: the program's timers stand still");
}

/* --- life ---------------------------------------------------------------- */

void
wire_init(struct wire *w, struct hotfix_loop *l,
    void (*log)(void *arg, const char *line), void *arg)
{
	memset(w, 0, sizeof *w);
	w->loop = l->loop;
	w->log = log;
	w->log_arg = arg;
	engine_report_init(&w->report);
}

int
wire_run(struct wire *w, enum program_side side, const struct program_ops *ops,
    const char *script, int argc, char *const *argv, struct err *e)
{
	w->state = state_new();
	if (w->state == NULL)
		goto oom;
	w->engine = engine_new(w->state, NULL);
	if (w->engine == NULL)
		goto oom;
	w->program = program_new(w->state, side, ops);
	if (w->program == NULL)
		goto oom;
	if (side == PROGRAM_CLIENT &&
	    (w->modules = modules_new(w->state)) == NULL)
		goto oom;
	if (program_run(w->program, script, argc, argv, e) != 0)
		return -1;
	wire_rearm(w);
	return 0;

oom:
	return err_set(e, ERR_LOCAL, "%s: out of memory", script);
}

void
wire_end(struct wire *w)
{
	loop_timer_cancel(w->loop, &w->timer);
	wire_forget_all(w);
	engine_report_free(&w->report);
	program_free(w->program);
	engine_free(w->engine);
	modules_free(w->modules);
	state_free(w->state);
	w->modules = NULL;
	w->program = NULL;
	w->engine = NULL;
	w->state = NULL;
}

/* --- events -------------------------------------------------------------- */

void
wire_event(struct wire *w, const char *event, const char *a, const char *b,
    const char *c)
{
	const char *const args[] = {a, b, c};
	size_t n = 0;

	while (n < 3 && args[n] != NULL)
		n++;
	if (w->program != NULL)
		program_event(w->program, event, args, NULL, n);
}

void
wire_updated(struct wire *w, uint64_t id, const char *feature,
    const char *result)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, id);
	wire_event(w, "updated", digits, feature, result);
}

int
wire_stopped(const struct wire *w, int *status)
{
	return w->program != NULL && program_stopped(w->program, status);
}
