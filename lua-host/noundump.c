/*
 * Stands in for Lua's undumper, which trusts its input: a binary chunk can
 * do anything to the process. Whoever asks Lua to load one gets this error,
 * whatever mode was allowed.
 */

#define LUA_CORE

#include <lprefix.h>

#include <ldo.h>
#include <lobject.h>
#include <lua.h>
#include <lundump.h>

LClosure *
luaU_undump(lua_State *L, ZIO *Z, const char *name)
{
	(void)Z;
	if (*name == '@' || *name == '=')
		name++;
	luaO_pushfstring(L, "%s: binary chunks are refused", name);
	luaD_throw(L, LUA_ERRSYNTAX);
}
