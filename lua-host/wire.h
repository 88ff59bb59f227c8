#ifndef LUA_HOST_WIRE_H
#define LUA_HOST_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lua-host/engine.h"
#include "lua-host/hotfix.h"
#include "lua-host/modules.h"
#include "lua-host/program.h"
#include "net/loop.h"
#include "peer/attach.h"
#include "peer/result.h"
#include "update/doc.h"

/*
 * What both ends of hotfix.h have: a program in a Lua state with the updates
 * in force in it, its timers in the loop, its log. Nobody else includes this.
 */

/* No true time is before this program was made: 2026-11-22. A fixed date, so
 * that the same source makes the same bytes. */
#define WIRE_RELEASED_US INT64_C(1795305600000000)

struct hotfix_loop {
	struct loop *loop;
	struct attach *attach;
	struct loop_reader *readers;
};

/* Fill e (NULL: nobody cares) from err. */
void wire_error(struct hotfix_error *e, const struct err *err);

/* An update on its way into the program, or one that waited in it. */
struct wire_update {
	const struct doc *doc; /* "on": it waits for that event */
	const void *part;      /* NULL: nothing of it is Lua, but it has its
				  place among the updates */
	size_t len;
	const uint64_t *drop; /* updates that leave in the same step */
	size_t ndrop;
};

/* What became of it, in the protocol's words; the text lives until the next
 * change, or in a callback until that returns. */
struct wire_outcome {
	enum result result;
	const char *text;
	size_t len;
	int64_t took_ns;
	int64_t rehearsed_ns, stall_ns; /* 0: it was not rehearsed */
};

struct wire_trial;

/*
 * What else comes with an update, in one step with its text. before: the
 * program is about to be changed for good: 0, or -1: it is not to be. u NULL:
 * it waited. after: the text came in, or it did not and nothing is to be left.
 * Both append lines to the report, which come before its own or, when that
 * tells of a failure, after it.
 */
struct wire_beside {
	void *arg;
	int (*before)(void *arg, uint64_t id, const struct wire_update *u,
	    struct buf *text);
	void (*after)(void *arg, int went_well, struct buf *text);
};

struct wire {
	struct loop *loop;
	struct loop_timer timer; /* the program's earliest */
	void (*log)(void *arg, const char *line);
	void *log_arg;
	/* NULL, all four, where no program is run */
	struct state *state;
	struct engine *engine;
	struct program *program;
	struct modules *modules;     /* of a client, else NULL */
	struct engine_report report; /* of the latest change */
	/* What waited is about to be applied, here and not in a copy; or
	 * NULL. */
	void (*releasing)(void *arg, uint64_t id);
	void *releasing_arg;
	const struct wire_beside *beside; /* NULL: nothing comes with it */
	struct wire_trial *trials;        /* rehearsals, the oldest first */
	struct loop_timer next; /* begins the next release's rehearsal */
};

void wire_init(struct wire *w, struct hotfix_loop *l,
    void (*log)(void *arg, const char *line), void *arg);
/* A state, and the script run in it. ops' log and rearm are to call the two
 * below. 0, or -1 with err. */
int wire_run(struct wire *w, enum program_side side,
    const struct program_ops *ops, const char *script, int argc,
    char *const *argv, struct err *e);
void wire_end(struct wire *w); /* fine after wire_init alone */

void wire_log(struct wire *w, const char *line);
void wire_rearm(struct wire *w);

/* --- updates --- */

/* What the engine tells, in the protocol's words. */
void wire_told(enum engine_result r, const struct engine_report *report,
    struct wire_outcome *out);

/* It enters. APPLIED, HAVE, DEFERRED, FAILED, PARTIAL, HUNG. */
void wire_apply(struct wire *w, const struct wire_update *u,
    struct wire_outcome *out);
/* The same with other texts in the place of the part (engine_change_both);
 * below NULL: there is one. */
void wire_apply_both(struct wire *w, const struct wire_update *u,
    const struct engine_text *below, const struct engine_text *text,
    struct wire_outcome *out);
/* What waits of it is installed. APPLIED, DEFERRED; HAVE: nothing did; else it
 * has left. */
void wire_release(struct wire *w, uint64_t id, struct wire_outcome *out);
/* They leave. REVERTED, PARTIAL, FAILED, HUNG. */
void wire_revert(struct wire *w, const uint64_t *drop, size_t ndrop,
    struct wire_outcome *out);
/* Does it compile? READY, FAILED. Nothing changes. */
void wire_compile(struct wire *w, const struct wire_update *u,
    struct wire_outcome *out);

/*
 * The same after a rehearsal in a copy of the process (lua-host/rehearse.h),
 * which runs beside the loop: it happens here only if that went well.
 *
 * Releases are tried one after the other, in the order in which they begin: an
 * event may make many due at once, each copy may come to need as much memory
 * as the program has, and a later one may build on an earlier one.
 */
/* A machine may be short of memory or processes for a moment: what waited is
 * tried again, this often and at this distance, before it is given up. */
#define WIRE_COPIES   30
#define WIRE_RETRY_NS INT64_C(1000000000)

enum wire_try {
	WIRE_CHECK,   /* the rehearsal alone: READY, FAILED, HUNG */
	WIRE_APPLY,   /* then wire_apply */
	WIRE_RELEASE, /* then wire_release; it leaves if it did not go well */
};

/*
 * Begin; done is called from the loop, once, unless wire_forget is. The doc
 * and the part stay until then, drop is copied. 0, or -1 with the reason in
 * out: there is no copy, and nothing has changed.
 */
int wire_begin(struct wire *w, enum wire_try what, const struct wire_update *u,
    void (*done)(void *arg, uint64_t id, const struct wire_outcome *out),
    void *arg, struct wire_outcome *out);
/* WIRE_RELEASE of an update that waits; -1: it has left. */
int wire_begin_release(struct wire *w, uint64_t id,
    void (*done)(void *arg, uint64_t id, const struct wire_outcome *out),
    void *arg, struct wire_outcome *out);
/* 1 when the id is being rehearsed. */
int wire_is_trying(const struct wire *w, uint64_t id);
/* Its rehearsal, or all of them, end unheard. */
void wire_forget(struct wire *w, uint64_t id);
void wire_forget_all(struct wire *w);
/* WIRE_APPLY while the caller waits. */
void wire_apply_tried(struct wire *w, const struct wire_update *u,
    struct wire_outcome *out);

/* The program's event, when there is a program; NULL ends the arguments. */
void wire_event(struct wire *w, const char *event, const char *a, const char *b,
    const char *c);
void wire_updated(struct wire *w, uint64_t id, const char *feature,
    const char *result);
/* 1 when the program called hotfix.stop. */
int wire_stopped(const struct wire *w, int *status);

#endif
