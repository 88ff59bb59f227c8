/* Prototypes, seen from inside Lua. */

#define LUA_CORE

#include <lprefix.h>

#include <lapi.h>
#include <lgc.h>
#include <lobject.h>
#include <lstate.h>
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

int
swapproto_is_child(lua_State *L, int idx, int parent)
{
	const Proto *p;
	int i;

	if (!lua_isfunction(L, idx) || lua_iscfunction(L, idx))
		return 0;
	p = ((const LClosure *)lua_topointer(L, parent))->p;
	for (i = 0; i < p->sizep; i++)
		if (p->p[i] == ((const LClosure *)lua_topointer(L, idx))->p)
			return 1;
	return 0;
}

/*
 * Both functions below count first, make a table with room for all, and then
 * fill it without a single allocation: none can make the collector run and
 * free what was found, or run finalizers that make more of it.
 */

/* Closures have no finalizers, so one list holds them all. */
static size_t
closures(lua_State *L, const Proto *p, size_t max)
{
	const global_State *g = G(L);
	GCObject *o;
	size_t n = 0;

	for (o = g->allgc; o != NULL; o = o->next) {
		if (o->tt != LUA_VLCL || isdead(g, o) || gco2lcl(o)->p != p)
			continue;
		n++;
		if (max == 0)
			continue;
		setclLvalue2s(L, L->top, gco2lcl(o));
		api_incr_top(L);
		lua_rawseti(L, -2, (lua_Integer)n);
		if (n == max)
			break;
	}
	return n;
}

size_t
swapproto_push_instances(lua_State *L, int idx)
{
	const LClosure *like = lua_topointer(L, idx);
	size_t n = closures(L, like->p, 0);

	luaL_checkstack(L, 4, NULL);
	lua_createtable(L, (int)n, 0);
	return closures(L, like->p, n);
}

/* New objects come to the front of the list, in either mode of collection. */
static size_t
newer(lua_State *L, const void *than, size_t max)
{
	const global_State *g = G(L);
	GCObject *o;
	size_t n = 0;

	for (o = g->allgc; o != NULL && (const void *)o != than; o = o->next) {
		if (o->tt != LUA_VTABLE || isdead(g, o))
			continue;
		n++;
		if (max == 0)
			continue;
		sethvalue2s(L, L->top, gco2t(o));
		api_incr_top(L);
		lua_pushboolean(L, 1);
		lua_rawset(L, -3);
		if (n == max)
			break;
	}
	return n;
}

void
swapproto_push_newer(lua_State *L, int idx)
{
	const void *than = lua_topointer(L, idx);
	/* The table for them is among them. */
	size_t n = newer(L, than, 0) + 1;

	luaL_checkstack(L, 4, NULL);
	lua_createtable(L, 0, (int)n);
	newer(L, than, n);
}
