#ifndef LUA_HOST_ENGINE_H
#define LUA_HOST_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/buf.h"
#include "lua-host/state.h"
#include "lua-host/walk_way.h"

/*
 * The updates in force in one Lua state: applied, taken back, re-applied.
 *
 * The engine keeps an entry per update, in the order of ids, with what is
 * needed to undo it. Every change is one step over that list: undo down to
 * the lowest place that changes, drop and insert, re-apply what lies above.
 * If any of it fails, everything is as it was before. An entry whose chunk
 * used none of the update API ("plain") cannot be undone and is never run a
 * second time by a re-application: its doing is still there.
 *
 * References change once, when all texts have run: a text that is run again
 * sees the program as it is then, with the old step in force. Nothing in the
 * program runs between the first look at it and the last change, but for the
 * `make` of instances.
 *
 * An update may wait for an event, as a whole or with some of its actions.
 * What of it does not wait is in force meanwhile. What waits is installed
 * when the program fires the event, before its handlers run; when it fails
 * then, the whole update leaves.
 */

struct engine;

enum engine_result { /* in the protocol's words */
	ENGINE_APPLIED,
	ENGINE_HAVE,     /* this id with this text is held already */
	ENGINE_DEFERRED, /* it, or part of it, waits for an event */
	ENGINE_FAILED,
	ENGINE_PARTIAL, /* failed or reverted, but plain code had run */
	ENGINE_HUNG,    /* past its instructions, time or memory */
	ENGINE_REVERTED,
};

const char *engine_result_name(enum engine_result r);

#define ENGINE_REPORT_MAX 4096 /* a RESULT's body */

/*
 * Bytes of one update's text. What a document carries inline is bounded by its
 * fields (DOC_PART_MAX); this is for the modules of a package, many in one
 * text. As strings and as compiled functions they take some three times their
 * size, of the STATE_MEMORY that an update has.
 */
#define ENGINE_TEXT_MAX ((size_t)16 << 20)

struct engine_report {
	struct buf text; /* what was replaced, kept, dropped, still runs old
			    code; or the error with its traceback. Escaped, LF
			    between lines, at most ENGINE_REPORT_MAX bytes */
	int64_t took_ns;
	/* What is garbage, but not collected yet, may count too. */
	size_t running;  /* activations of replaced functions on a stack */
	size_t replaced; /* references that were changed */
	int plain;       /* the chunk used none of the API */
};

void engine_report_init(struct engine_report *r);
void engine_report_free(struct engine_report *r);

/*
 * An engine for the state; puts the update functions into the global table
 * "hotfix", making it when it is not there. limits NULL: those of state.h.
 * NULL: out of memory.
 */
struct engine *engine_new(struct state *s, const struct state_limits *limits);
void engine_free(struct engine *e);

/*
 * One step: the entries named in drop leave (ids not held are passed over),
 * the update id with this text enters at its place by id (id 0: none does).
 * name is shown in messages and tracebacks (the feature). The results:
 *   APPLIED, HAVE, DEFERRED	with an id
 *   REVERTED		without one
 *   FAILED, HUNG	nothing changed
 *   PARTIAL		with an id: it failed after plain code may have run
 *			(what went through the API was undone), or what is run
 *			afterwards failed and memory did not suffice to undo
 *			it: then engine_has it; without one: taken back, but a
 *			dropped entry was plain
 */
enum engine_result engine_change(struct engine *e, const uint64_t *drop,
    size_t ndrop, uint64_t id, const char *name, const char *text, size_t len,
    struct engine_report *report);

/*
 * An update of two texts, in one step: the first comes in below the second,
 * which sees what it changed and may hook that. Both come and go together;
 * report and result are the second's. below NULL: there is no first one. event
 * NULL: as engine_change, else as engine_defer.
 *
 * In the place of a text there may be a list of modules: those of them that
 * are loaded then are swapped, in this order, as by hotfix.module. It can be
 * taken back always. Instructions and time of the limits count for each module
 * anew, the memory for all of them, and ENGINE_TEXT_MAX for all sources.
 */
struct engine_module {
	const char *name; /* 1 to WRAP_NAME_MAX bytes */
	const void *source;
	size_t len;
	lua_Integer compiled; /* of engine_prepare; 0: when it is run */
};

struct engine_text {
	const char *text;
	size_t len;
	const struct engine_module *modules; /* NULL: it is a text */
	size_t nmodules;
};

enum engine_result engine_change_both(struct engine *e, const uint64_t *drop,
    size_t ndrop, uint64_t id, const char *name,
    const struct engine_text *below, const struct engine_text *text,
    const char *event, struct engine_report *report);

/*
 * The same for an update that waits as a whole: its text is compiled now, and
 * run when the program fires the event or engine_release is called. DEFERRED,
 * HAVE, FAILED or HUNG.
 */
enum engine_result engine_defer(struct engine *e, const uint64_t *drop,
    size_t ndrop, uint64_t id, const char *name, const char *text, size_t len,
    const char *event, struct engine_report *report);

/*
 * Compile a module's source ahead of the step that it is for, within the
 * limits: what it is called by then; or 0, when that cannot be done, of which
 * the step will tell. Not while the engine is busy. It is for one step, which
 * may fail: after that, or when it was forgotten, the source is compiled anew.
 */
lua_Integer engine_prepare(struct engine *e, const char *name,
    const void *source, size_t len);
void engine_forget(struct engine *e, lua_Integer compiled); /* or 0 */

/*
 * Look over the heap ahead of a step, until about the time deadline_ns
 * (clock_mono_ns), so that the step may look through it with several
 * processors. 1: there is more to do; 0: all is done, or cannot be. What was
 * seen never becomes wrong, only less of use the more the program makes
 * meanwhile; it serves the next step and goes with it. A few strings or tables
 * of the program are held until then. Not while the engine is busy.
 */
int engine_survey(struct engine *e, int64_t deadline_ns);

/* Compile and no more: 0, or -1 with the reason in the report. */
int engine_compile(struct engine *e, const char *name, const char *text,
    size_t len, struct engine_report *report);

/*
 * The event whose name is at this index of the stack happens, with what lies
 * above it as arguments. Raises nothing and leaves the stack as it was. Not
 * heard while an update is being applied.
 */
void engine_fire(struct engine *e, struct lua_State *L, int event);

struct engine_callbacks {
	void *arg;
	/* What waits is due: its event came, and all its conditions hold. The
	 * owner calls engine_release, now or later. NULL: done at once. */
	void (*due)(void *arg, uint64_t id);
	/* What engine_fire released by itself, or refused. FAILED and HUNG:
	 * the update has left. DEFERRED: more of it waits. */
	void (*settled)(void *arg, uint64_t id, enum engine_result result,
	    const struct engine_report *report);
};

void engine_set_callbacks(struct engine *e, const struct engine_callbacks *cb);

/*
 * What of the update is due is installed; one that waits as a whole begins,
 * whether its event came or not. APPLIED, DEFERRED (more of it waits), HAVE
 * (nothing of it was due), or FAILED, HUNG, PARTIAL: then the update has left.
 */
enum engine_result engine_release(struct engine *e, uint64_t id,
    struct engine_report *report);

/* 1 when the id is in force, or waits. */
int engine_has(const struct engine *e, uint64_t id);
/* 1 when the id, or some of its actions, wait. */
int engine_is_waiting(const struct engine *e, uint64_t id);
/* The ids of engine_has, ascending: at most max are stored, all are counted. */
size_t engine_list(const struct engine *e, uint64_t *ids, size_t max);
/* 1 while an update is loading or committing: no other may begin. */
int engine_is_busy(const struct engine *e);
/* How to look for references (walk.h); a new engine sweeps. */
void engine_set_walk(struct engine *e, enum walk_way way);

#endif
