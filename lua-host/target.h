#ifndef LUA_HOST_TARGET_H
#define LUA_HOST_TARGET_H

#include <stddef.h>

#include <lua.h>

#include "lua-host/swapmap.h"

/*
 * Names for places in a running program:
 *
 *	target = module [ "::" [ name ] { step } ]
 *	module = name in package.loaded, dots and all ("_G": the globals)
 *	step   = ("." | ":") name		raw field
 *	       | "[" integer | "string" "]"	raw field (\" and \\ in it)
 *	       | "^" name | "^" integer		upvalue of the function reached
 *	       | "@"				metatable of what is reached
 *	name   = as in Lua
 *
 * Nothing is loaded, called or inherited on the way.
 */

#define TARGET_MAX 1024 /* bytes: no path that people write comes near */

/* A module is a field of package.loaded. */
enum target_kind { TARGET_FIELD, TARGET_UPVALUE, TARGET_META };

struct target {
	enum target_kind kind; /* of the last step */
	int upvalue;           /* its number, for TARGET_UPVALUE */
};

/*
 * Push three: what holds the target (table, function; the owner of a
 * metatable), its key there (of a field; an upvalue's number; nil), and its
 * value, all as the view shows them. A target that leads nowhere raises
 * an error that names the target and the step and lists what there is.
 */
void target_find(lua_State *L, const char *text, size_t len,
    const struct swapmap *view, struct target *t);

/* 1 when the target's module is loaded. */
int target_is_loaded(lua_State *L, const char *text, size_t len);

/* Push the names of the upvalues of the Lua function at idx, as "a, b" for
 * messages; returns 0 when they were stripped. */
int target_push_upvalues(lua_State *L, int idx);

#endif
