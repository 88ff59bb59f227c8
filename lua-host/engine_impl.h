#ifndef LUA_HOST_ENGINE_IMPL_H
#define LUA_HOST_ENGINE_IMPL_H

#include "lua-host/engine.h"

#include <lua.h>

/*
 * Inside of struct engine, for engine*.c alone.
 *
 *	engine.c	life, the list of entries, what the outside asks for
 *	engine_change.c	one step from one set of updates in force to another,
 *			with change_*.c (lua-host/change.h)
 *	engine_wait.c	updates that wait for an event
 *	engine_report.c	reports
 *	engine_api.c	what an update can call
 */

struct engine_entry {
	uint64_t id;
	int below; /* the first of two texts of this id */
	char *name;
	char *text; /* or all names and sources of the modules */
	size_t len;
	struct engine_module *modules; /* they point into text; or NULL */
	size_t nmodules;
	int plain;
	char *event;  /* its text is not run before this; NULL: it was */
	char **fired; /* events that its actions waited for, and that came */
	size_t nfired;
	int given_up;       /* it failed at an event, and could not leave:
			       what waited of it never comes */
	size_t npending;    /* actions that wait */
	lua_Integer serial; /* of its record; no two are alike */
};

/* On the Lua side the registry holds under the engine's address a table with
 * these. No walk looks into it. (Strings as keys might need memory.) */
enum engine_slot {
	ENGINE_RECORDS = 1, /* serial -> record of an entry in force */
	ENGINE_THREAD,      /* the engine's own, where all its work is done */
	ENGINE_QUEUE,       /* the actions of the update that is loading */
	ENGINE_WRAP,        /* the function that makes hooks */
	ENGINE_CHANGE,      /* what a step needs to be turned back; or false */
	ENGINE_BOX,      /* userdata: the engine's address, or NULL when it is
			    gone; upvalue of the API functions */
	ENGINE_COMPILED, /* number of engine_prepare -> function */
	ENGINE_MARKS,    /* what engine_survey saw of the heap; or false */
	ENGINE_SLOTS = ENGINE_MARKS,
};

/* A record, a table of tables. */
enum engine_record {
	RECORD_PAIRS = 1, /* old, new, ... */
	RECORD_INSTANCES, /* new -> old, weak: gone when the program lets go */
	RECORD_NOTES,     /* data that was set (places_note) */
	RECORD_PENDING,   /* actions that wait for their event */
	RECORD_AFTER,     /* functions to run when all of them came */
	RECORD_ROLLBACK,  /* functions to run when it is taken back */
	RECORD_MAINS,     /* the text as a function, while actions wait */
	RECORD_JOINED,    /* function, upvalue, ...: joined, likewise */
	RECORD_SLOTS = RECORD_JOINED,
};

struct engine {
	struct state *state;
	struct state_limits limits;
	struct engine_callbacks cb;
	lua_State *W; /* the thread above */
	struct engine_entry **entries;
	size_t len;
	lua_Integer last_serial, last_compiled;
	int busy;
	int surveyed; /* all marks are there */
	enum walk_way way;
	int loading;  /* the update functions may be called */
	int used_api; /* and one was */
};

/* --- engine.c --- */

/* Push the engine's table. */
void engine_push_table(lua_State *L, const struct engine *e);
/* Push a table of the entry's record. */
void engine_push_record(lua_State *L, const struct engine *e,
    lua_Integer serial, enum engine_record which);
/* Where the id is in the list, or belongs. */
size_t engine_place_of(const struct engine *e, uint64_t id);
void engine_entry_free(struct engine_entry *en);
struct engine_entry *engine_entry_new(uint64_t id, const char *name,
    const struct engine_text *text, const char *event);
int engine_entry_has_fired(const struct engine_entry *en, const char *event);
/* 0 or -1: memory. */
int engine_entry_fired(struct engine_entry *en, const char *event);
/* All but the first n of those events did not come, after all. */
void engine_entry_unfire(struct engine_entry *en, size_t n);
/* Anything of it waits. */
int engine_entry_waits(const struct engine_entry *en);

/*
 * Call the function under nargs arguments on W's stack within the engine's
 * limits, in a thread of its own: 0 with nresults results on the stack, or -1
 * with them gone and the reason appended to why; *over tells whether a limit
 * was met. Raises nothing but memory errors, from before the call.
 */
int engine_call(struct engine *e, lua_State *W, int nargs, int nresults,
    struct buf *why, enum state_over *over);

/* The marks of a survey go, for the step is done. Raises nothing. */
void engine_end_survey(struct engine *e);

/* What failed while it waited leaves; what it had installed is undone. Returns
 * why, or PARTIAL when that could not be done. */
enum engine_result engine_leave(struct engine *e, uint64_t id,
    enum engine_result why, struct engine_report *report);

/* --- engine_change.c --- */

/* What a step is to do: exactly one of enters, release, or only drops. */
struct engine_step {
	const uint64_t *drop;
	size_t ndrop;
	struct engine_entry *enters;  /* taken over */
	struct engine_entry *below;   /* likewise: its first text, or NULL */
	struct engine_entry *release; /* what of it is due comes in */
};

enum engine_result engine_step(struct engine *e, const struct engine_step *step,
    struct engine_report *report);

/* --- engine_report.c --- */

#define ENGINE_CUT 4 /* "..." where a report was cut, and a NUL */
/* 1 when nothing more goes in, or something was cut. */
int engine_report_is_full(const struct engine_report *r);

/* Text that is escaped already, as far as it fits. */
void engine_report_puts(struct engine_report *r, const char *text, size_t len);
/* keep as of text_escape: 0 for one line of ours, whatever names are in it;
 * 1 for a message of Lua's, which may have several lines. */
void engine_report_line(struct engine_report *r, const char *text, size_t len,
    int keep);
/* The line is on the top of the stack and is taken. */
void engine_report_top(lua_State *L, struct engine_report *r, int keep);
/* Name the bound that was met, if the report does not: out of memory is an
 * error without words, and a coroutine takes its error to itself. */
void engine_report_over(struct engine_report *r, const struct state *s,
    enum state_over over);

/* --- engine_api.c --- */

/* Put the update functions into the table hotfix. Takes the box from the top
 * of the stack; raises Lua errors. */
void engine_open_api(lua_State *L);
/* Load a module's source, with lines as in its file and the module's name: 0
 * with the function on the stack, or -1 with the message. */
int engine_load_module(lua_State *L, const char *name, const char *text,
    size_t len);
/* A function of Lua's: swap the modules of an entry. Arguments: the engine,
 * the entry. */
int engine_run_modules(lua_State *L);

#endif
