#ifndef LUA_HOST_STATE_H
#define LUA_HOST_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * One Lua state with its limits: our allocator (size classes, a cap while an
 * update runs), protected calls with a traceback, a budget of instructions
 * and wall time. Text chunks only; no dynamic loading; no undumper.
 */

struct lua_State;

/* Limits while an update runs (and only then). */
#define STATE_INSTRUCTIONS UINT64_C(50000000)
#define STATE_WALL_NS      INT64_C(1000000000)
#define STATE_MEMORY       ((size_t)64 << 20) /* more than before */
#define STATE_SOURCE_MAX   ((size_t)1 << 20)  /* bytes of one source text */

#define STATE_CHUNK_NAME 59 /* bytes of a chunk's name that Lua shows */

#define STATE_ERROR_MAX 4096 /* bytes of an error text with its traceback */

struct state_limits {
	uint64_t instructions;
	int64_t wall_ns;
	size_t memory;
};

struct state;

/*
 * A fresh state with the standard libraries (package.loadlib and C searchers
 * taken out; print goes to standard output as usual). NULL: out of memory.
 */
struct state *state_new(void);
void state_free(struct state *s);
struct lua_State *state_lua(struct state *s);
/* The state that a lua_State (any coroutine of it) belongs to. */
struct state *state_of(struct lua_State *L);

/*
 * require finds modules beside the script: DIR/?.lua;DIR/?/init.lua alone
 * (before this call: none in files). 0, or -1: out of memory, or the name
 * holds a ; or ?, which a path cannot say.
 */
int state_set_path(struct state *s, const char *dir);

/*
 * Load a source text (never a binary chunk) as a function on the stack:
 * 0, or -1 with the message on the stack. name as lua_load takes it, "=x" or
 * "@file".
 */
int state_load(struct state *s, struct lua_State *L, const char *text,
    size_t len, const char *name);
/* The same with a bound of its own instead of STATE_SOURCE_MAX. */
int state_load_up_to(struct state *s, struct lua_State *L, const char *text,
    size_t len, size_t max, const char *name);

/* How many bytes at the start of a source file are no Lua: a byte order mark
 * of UTF-8, and a first line for the shell, which begins with '#', but for its
 * end, so that lines keep their numbers. */
size_t state_file_head(const char *text, size_t len);

/*
 * Call the function under nargs arguments of L's stack, protected. 0 with
 * nresults results on the stack; -1 with them gone and the error's text with
 * a traceback appended to error (when it is not NULL), at most
 * STATE_ERROR_MAX bytes, escaped, LF between lines. An error value that is no
 * string is named by its type; no __tostring is ever called.
 */
int state_call(struct state *s, struct lua_State *L, int nargs, int nresults,
    struct buf *error);

/* Why a budget ended. */
enum state_over { STATE_WITHIN, STATE_OVER_TIME, STATE_OVER_MEMORY };

/*
 * Begin and end a bounded stretch; not nested. Within it, allocating past the
 * memory fails as out of memory; that, and running past the instructions or
 * the wall time, raises an error that pcall cannot hold back (the hook stays
 * armed), in L and in every coroutine made or resumed meanwhile, however long
 * ago it was made. The clock is read every 100 instructions and before every
 * call of a C function. debug.sethook and os.exit raise an error. A hook that
 * the program set is put back at the end. Not stopped: one long call of a C
 * function, a finalizer, a message handler of xpcall once the budget is over.
 * state_end_budget tells whether a bound was met, also where the code ended
 * before it could be stopped; instructions and wall time are both
 * STATE_OVER_TIME.
 */
void state_begin_budget(struct state *s, struct lua_State *L,
    const struct state_limits *limits);
enum state_over state_end_budget(struct state *s);
/* Within one, once it is not over: instructions and wall time count anew, the
 * memory counts on. */
void state_renew_budget(struct state *s);

/* The bound that was met in the latest stretch, in words. Returns out. */
#define STATE_OVER_TEXT 64
const char *state_over_text(const struct state *s, enum state_over over,
    char out[STATE_OVER_TEXT]);

/*
 * In a copy of the process that ends soon (lua-host/rehearse.h): from now on
 * what would change the world does nothing, answers as if it had worked, and
 * is noted: os.execute, os.remove, os.rename, os.tmpname, io.popen, io.open
 * and io.output of a name for writing (the handle takes everything and holds
 * nothing). os.exit, and reading a file that was opened before, raise an
 * error and leave a refusal that no pcall can take back. hotfix.rehearsing is
 * true, where there is a table hotfix. There is no way back. 0, or -1: out of
 * memory.
 */
int state_rehearse(struct state *s);
int state_is_rehearsing(const struct state *s);
/* Note that the C function which runs did nothing: call as a script writes
 * it, and its first nargs arguments (strings). */
void state_pretend(struct lua_State *L, const char *call, int nargs);
/* How many calls were noted, and the first of them, a line each, escaped. */
#define STATE_PRETENCES_MAX 12 /* lines; half of a report at most */
#define STATE_PRETENCE_ARG  60 /* bytes that are shown of an argument */
size_t state_pretences(const struct state *s, const struct buf **lines);
/* The first reason to refuse the update, one escaped line; NULL: none. */
#define STATE_REFUSAL_MAX 256 /* a place in a source and a sentence */
const char *state_refusal(const struct state *s);
/* 1 when memory ran out below the cap, if only for Lua to collect garbage. */
int state_starved(const struct state *s);

/* Allocations that failed so far. Each made Lua collect all garbage, even
 * with its collector stopped. */
uint64_t state_refusals(const struct state *s);
/* For tests: the n-th allocation from now and all after it fail (0: none). */
void state_fail_allocation(struct state *s, uint64_t n);

#endif
