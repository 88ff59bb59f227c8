#ifndef LUA_HOST_PROGRAM_INTERNAL_H
#define LUA_HOST_PROGRAM_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>
#include <lauxlib.h>

#include "base/heap.h"
#include "base/map.h"
#include "lua-host/program.h"

/* What the files of the program share; nobody else includes this. */

struct program {
	struct state *state;
	struct program_ops ops;
	struct program **anchor; /* in Lua's memory: the userdata that each
				    function of the table has as upvalue */
	struct heap deadlines;   /* of struct timer, through their item */
	struct map timers;       /* the same, by id */
	uint64_t last_id;        /* of a timer; never used again */
	int64_t last_ns;         /* when the latest timer was set */
	int stopped, status;
};

/*
 * The functions a script handed over are kept in tables, in the anchor's user
 * values: there the collector sees them, and an update that replaces one.
 */
enum program_table {
	PROGRAM_EVENTS = 1, /* event name -> list of functions */
	PROGRAM_TIMERS = 2, /* timer id -> function */
	PROGRAM_TABLES = 2,
};

/* Push that table. Does not raise. [+1] */
void program_push(struct program *p, lua_State *L, enum program_table which);

/* The program of the function that runs; raises once it has been freed. */
struct program *program_self(lua_State *L);

/* Run body(L) in the main thread, protected, with arg as its light userdata:
 * 0, or -1 with the error in error. */
int program_enter(struct program *p, lua_CFunction body, void *arg,
    struct buf *error);

/* As state_call; a failure is logged, led by what. */
int program_call(struct program *p, lua_State *L, int nargs, int nresults,
    const char *what);

/* Call the handlers of the event named at index event with what lies above
 * it as arguments: how many there were. */
int program_fire(struct program *p, lua_State *L, int event);

/* Log the text, a line for each of its lines, led by what (NULL: by
 * nothing). Does not raise. */
void program_log(struct program *p, const char *what, const void *text,
    size_t len);
void program_log_error(struct program *p, const char *what, struct buf *error);

/* hotfix.after, every, cancel; and the end of all timers. */
int program_after(lua_State *L);
int program_every(lua_State *L);
int program_cancel(lua_State *L);
void program_free_timers(struct program *p);

/* Put the functions of this side into the table on top, with the userdata at
 * index anchor as their upvalue. A function "after" that is there already, of
 * updates, goes on to be called with a function for its first argument. */
void program_register(lua_State *L, int anchor, enum program_side side);

#endif
