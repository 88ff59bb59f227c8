#ifndef LUA_HOST_ENGINE_IMPL_H
#define LUA_HOST_ENGINE_IMPL_H

#include "lua-host/engine.h"

#include <lua.h>

/* Inside of struct engine, for engine*.c alone. */

struct engine_entry {
	uint64_t id;
	char *name;
	char *text;
	size_t len;
	int plain;
	lua_Integer serial; /* of its pairs in the records; no two are alike */
};

/* On the Lua side the registry holds under the engine's address a table with
 * these. No walk looks into it. (Strings as keys might need memory.) */
enum engine_slot {
	ENGINE_RECORDS = 1, /* serial -> {old, new, ...} of entries in force */
	ENGINE_THREAD,      /* the engine's own, where all its work is done */
	ENGINE_QUEUE,       /* the actions of the update that is loading */
	ENGINE_BOX, /* userdata: the engine's address, or NULL when it is
		       gone; upvalue of the API functions */
	ENGINE_SLOTS = ENGINE_BOX,
};

struct engine {
	struct state *state;
	struct state_limits limits;
	lua_State *W; /* the thread above */
	struct engine_entry **entries;
	size_t len;
	lua_Integer last_serial;
	int busy;
	int loading;  /* the update functions may be called */
	int used_api; /* and one was */
};

/* Push the engine's table. */
void engine_push_table(lua_State *L, const struct engine *e);

/* Put the update functions into the table hotfix. Takes the box from the top
 * of the stack; raises Lua errors. */
void engine_open_api(lua_State *L);

#endif
