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

struct state {
	struct alloc alloc;
	struct budget budget;
	lua_State *L;
};

/* To be told when an allocation was refused: a collection of all garbage
 * comes next. */
void state_budget_refused(struct state *s);

#endif
