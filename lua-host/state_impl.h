#ifndef LUA_HOST_STATE_IMPL_H
#define LUA_HOST_STATE_IMPL_H

#include "lua-host/state.h"
#include "lua-host/state_alloc.h"

#include <lua.h>

/* Inside of struct state, for state*.c alone. */

/* A hook of the program's that stands aside while the budget lasts. */
struct budget_aside {
	lua_State *L;
	lua_Hook hook;
	int mask, count;
};

struct budget {
	int on;
	enum state_over over;
	struct state_limits limits;
	uint64_t used; /* instructions */
	int64_t deadline_ns;
	struct budget_aside first; /* of the thread it began in */
	struct budget_aside *aside;
	size_t naside, cap_aside;
};

/* Functions of Lua's libraries that ours stand before. */
enum guard {
	GUARD_SETHOOK,
	GUARD_EXIT,
	GUARD_EXECUTE,
	GUARD_REMOVE,
	GUARD_RENAME,
	GUARD_TMPNAME,
	GUARD_OPEN,
	GUARD_POPEN,
	GUARD_TMPFILE,
	GUARD_INPUT,
	GUARD_OUTPUT,
	GUARD_READ,
	GUARD_LINES,
	GUARD_FILE_READ,
	GUARD_FILE_LINES,
	GUARD_NEXT_LINE, /* what the two of lines return */
	GUARDS,
};

struct rehearsed {
	int on;
	int starved;       /* memory ran out, other than by the cap */
	size_t tmpnames;   /* told so far */
	size_t npretences; /* calls; the first of them as lines: */
	struct buf pretences;
	char refusal[STATE_REFUSAL_MAX]; /* "": none */
};

struct state {
	struct alloc alloc;
	struct budget budget;
	struct rehearsed rehearsal;
	lua_State *L;
	lua_CFunction originals[GUARDS];
};

/* Put them in place; the libraries are open. Raises Lua errors. */
void state_open_guards(lua_State *L);

/* To be told when an allocation was refused: a collection of all garbage
 * comes next. */
void state_budget_refused(struct state *s);

#endif
