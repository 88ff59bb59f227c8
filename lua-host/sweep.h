#ifndef LUA_HOST_SWEEP_H
#define LUA_HOST_SWEEP_H

#include <lua.h>

#include "lua-host/walk.h"
#include "lua-host/walk_edit.h"

/*
 * The heap walk by the collector's own lists of objects; between walk.c,
 * walk_commit.c and sweep.c.
 *
 * No graph is followed and no set is kept, so that it takes a fraction of a
 * collection's time however the objects hang together. It reads the insides
 * of one release of Lua, and does not compile with another.
 */

/*
 * What walk_collect does, when it can: 1; or 0 when it is to be done the
 * other way: a table has the old and the new function as keys, and who knows
 * whether that table is still in use. The list of edits may have begun then.
 * Raises a Lua error when memory runs out.
 */
int sweep_collect(lua_State *L, struct walk *w);

/* The edit of an object, but for keys. Nothing fails. */
void sweep_edit(lua_State *L, struct walk *w, const struct walk_edit *e);

/* Push the table that a WALK_KEY edit is about. Needs one stack slot. */
void sweep_push_table(lua_State *L, const struct walk_edit *e);

/*
 * Objects that only the edits know may be garbage. While this is held, memory
 * that runs out is not looked for among them. Returns what was before, to be
 * given back.
 */
int sweep_hold(lua_State *L, int hold);

#endif
