#ifndef LUA_HOST_SWAPPROTO_H
#define LUA_HOST_SWAPPROTO_H

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

#endif
