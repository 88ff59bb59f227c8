#ifndef LUA_HOST_WALK_H
#define LUA_HOST_WALK_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "lua-host/swapmap.h"
#include "lua-host/walk_way.h"
#include "lua-host/walkset.h"

/*
 * Every reference to a function in a Lua state: found, then changed.
 *
 * walk_collect looks at all that can be reached: values and keys of tables,
 * metatables (also those of types), upvalues of Lua and C functions, user
 * values, the registry with its hooks, and the stacks of coroutines: locals,
 * temporaries, varargs, and what a coroutine that has not started yet was
 * given. It writes nothing but a list of edits, so that it can be given up
 * anywhere. walk_commit performs the edits.
 *
 * The function slots of active calls stay: such a call ends in the code it
 * began with; it is counted as running.
 *
 * There are two ways, which make the same of whatever is in use. The sweep
 * runs through the embedded Lua's lists of objects, in a fraction of the time
 * of a full collection. It also finds what is garbage and not collected yet,
 * so its counts can be higher. The other way follows every reference by Lua's
 * public API; it takes several times longer, goes WALK_LEVELS_MAX calls deep,
 * counts a local variable once more for the functions that have it, and what a
 * C program keeps on the main stack below the call it is in is out of its
 * reach. The sweep falls back on it to find out whether a table that has the
 * old and the new function as keys, which is refused, is in use at all.
 *
 * The collector must be stopped from before walk_collect until after
 * walk_commit, and between them no allocation may have been refused (Lua
 * collects garbage then). Both run in a thread of their own, which is not
 * looked at.
 */

/* Levels of one stack: Lua finds each by counting from the top, so a deeper
 * one takes seconds. */
#define WALK_LEVELS_MAX 20000

/* A variable that leaves the update's own for one of the program: every
 * function that has it is joined. */
struct walk_join {
	const void *id; /* of the variable that is given up */
	int upvalue;    /* of the function at 2 * index + 1 in joins_table */
};

struct walk_edit;

struct walk {
	/* Set by the caller; tables are stack indices. */
	const struct swapmap *map;
	int anchors, list; /* two empty tables */
	const struct walk_join *joins;
	const struct walkset *join_index; /* of their ids */
	int joins_table;
	int marks; /* 0, or those of a sweep (lua-host/sweep.h) */
	enum walk_way way;
	/* Results of walk_collect, an element for each pair of the map. */
	size_t *changed, *running;
	/* Private. */
	lua_State *L;
	struct walkset seen;
	struct walk_edit *edits;
	size_t nedits, cap, nkeys;
	lua_Integer pending, nanchors, last_anchor;
	const void *last_container;
};

void walk_init(struct walk *w); /* all zero */
void walk_free(struct walk *w); /* without the tables, which are Lua's */

/* Never look into this object (before walk_collect). What only skipped ones
 * lead to is not spared by that, a sweep finds it all the same: each table of
 * the caller's own that can hold an old function must be skipped by itself,
 * until walk_commit also if it has become garbage. The functions here raise
 * Lua errors: memory, and what they refuse. */
void walk_skip(lua_State *L, struct walk *w, int idx);
/* Never change upvalue n of the Lua function at idx, whoever shares it. */
void walk_skip_variable(lua_State *L, struct walk *w, int idx, int n);
/* Look into this one too, though nothing in the heap may lead to it. */
void walk_root(lua_State *L, struct walk *w, int idx);
void walk_collect(lua_State *L, struct walk *w);

/*
 * The edits. What needs memory comes first (new keys in tables): when that
 * fails, a Lua error is raised and nothing is changed. After that nothing
 * fails.
 */
void walk_commit(lua_State *L, struct walk *w);

#endif
