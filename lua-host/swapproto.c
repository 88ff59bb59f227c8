/* Prototypes, seen from inside Lua. */

#define LUA_CORE

#include <lprefix.h>

#include <lobject.h>
#include <lua.h>

#include <lauxlib.h>

#include "lua-host/swapproto.h"

/* The compiler allows less than 200 functions in one another. */
static void
collect(lua_State *L, const Proto *p, struct walkset *protos)
{
	int i;

	if (walkset_add(protos, p, 0) < 0)
		luaL_error(L, "not enough memory");
	for (i = 0; i < p->sizep; i++)
		collect(L, p->p[i], protos);
}

void
swapproto_collect(lua_State *L, int idx, struct walkset *protos)
{
	const LClosure *f = lua_topointer(L, idx);

	collect(L, f->p, protos);
}

int
swapproto_has(lua_State *L, int idx, const struct walkset *protos)
{
	const LClosure *f;

	if (!lua_isfunction(L, idx) || lua_iscfunction(L, idx))
		return 0;
	f = lua_topointer(L, idx);
	return walkset_get(protos, f->p) >= 0;
}
