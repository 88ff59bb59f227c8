#ifndef LUA_HOST_SWAPPROTO_H
#define LUA_HOST_SWAPPROTO_H

#include <stddef.h>

#include <lua.h>

#include "lua-host/walkset.h"

/*
 * Which source text a function is from. Lua's API does not tell it, so this
 * looks at the prototypes of the embedded Lua.
 */

/* Add the prototypes of the Lua function at idx and of all functions in its
 * text. Raises a Lua error when out of memory. */
void swapproto_collect(lua_State *L, int idx, struct walkset *protos);

/* 1 when the value at idx is a Lua function made from one of them. The
 * function that was collected must be alive. */
int swapproto_has(lua_State *L, int idx, const struct walkset *protos);

/* 1 when the value at idx is a Lua function that stands in the text of the one
 * at parent, directly. */
int swapproto_is_child(lua_State *L, int idx, int parent);

/* Push a list of every closure with the prototype of the Lua function at idx;
 * returns how many. Also such that nothing leads to any more and the collector
 * has not seen yet. Raises a Lua error when out of memory. */
size_t swapproto_push_instances(lua_State *L, int idx);

/* Push a table with the tables for keys that were made after that at idx and
 * are alive, but for those with a finalizer. As above. */
void swapproto_push_newer(lua_State *L, int idx);

#endif
