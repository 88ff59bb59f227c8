/*
 * What an update can say: each function checks its one table of fields and
 * queues it. What comes of it is worked out when the update has run.
 */

#include "lua-host/engine_impl.h"

#include <string.h>

#include <lauxlib.h>

enum field_type {
	FIELD_STRING,
	FIELD_FUNCTION,
	FIELD_BOOLEAN,
	FIELD_NAMES,    /* { "a", "b" }; queued as a set */
	FIELD_UPVALUES, /* { name = index or target } */
	FIELD_LATER,    /* known, but not in this version */
};

struct field {
	const char *name;
	enum field_type type;
	int needed;
};

/* An action is queued with these fields; names are as in swap.c. */
static const struct field replace_fields[] = {
    {"target", FIELD_STRING, 1},
    {"with", FIELD_FUNCTION, 1},
    {"upvalues", FIELD_UPVALUES, 0},
    {"keep", FIELD_NAMES, 0},
    {"fresh", FIELD_NAMES, 0},
    {"allow_c", FIELD_BOOLEAN, 0},
    {"on", FIELD_LATER, 0},
    {"when", FIELD_LATER, 0},
    {NULL, FIELD_LATER, 0},
};

static const struct field *
find_field(const struct field *fields, const char *name)
{
	for (; fields->name != NULL; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static void
need_type(lua_State *L, const char *verb, const char *field, int idx, int type)
{
	if (lua_type(L, idx) != type)
		luaL_error(L, "hotfix.%s: %s must be a %s, not a %s", verb,
		    field, lua_typename(L, type), luaL_typename(L, idx));
}

/* Push a set of the names in the list at idx. */
static void
push_names(lua_State *L, const char *verb, const char *field, int idx)
{
	need_type(L, verb, field, idx, LUA_TTABLE);
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
		if (!lua_isinteger(L, -2) || lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "hotfix.%s: %s must be a list of names",
			    verb, field);
		lua_pushvalue(L, -1);
		lua_pushboolean(L, 1);
		lua_rawset(L, -5);
	}
}

/* Push a copy of the mapping at idx. */
static void
push_upvalues(lua_State *L, const char *verb, const char *field, int idx)
{
	need_type(L, verb, field, idx, LUA_TTABLE);
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
		/* Lua counts the upvalues of a function in a byte. */
		if (lua_type(L, -2) != LUA_TSTRING ||
		    (lua_type(L, -1) != LUA_TSTRING &&
			(!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 ||
			    lua_tointeger(L, -1) > 255)))
			luaL_error(L,
			    "hotfix.%s: %s must map names to "
			    "indices or targets",
			    verb, field);
		lua_pushvalue(L, -2);
		lua_pushvalue(L, -2);
		lua_rawset(L, -5);
	}
}

/* Push the checked value of the field from the value at idx. */
static void
push_checked(lua_State *L, const char *verb, const struct field *f, int idx)
{
	switch (f->type) {
	case FIELD_NAMES:
		push_names(L, verb, f->name, idx);
		return;
	case FIELD_UPVALUES:
		push_upvalues(L, verb, f->name, idx);
		return;
	case FIELD_STRING:
		need_type(L, verb, f->name, idx, LUA_TSTRING);
		break;
	case FIELD_FUNCTION:
		need_type(L, verb, f->name, idx, LUA_TFUNCTION);
		break;
	case FIELD_BOOLEAN:
		need_type(L, verb, f->name, idx, LUA_TBOOLEAN);
		break;
	case FIELD_LATER:
		luaL_error(L, "hotfix.%s: %s is not supported yet", verb,
		    f->name);
	}
	lua_pushvalue(L, idx);
}

/* Queue an action of the kind with the fields of the table at index 1, which
 * is read raw and copied. */
static void
queue(lua_State *L, struct engine *e, const char *kind,
    const struct field *fields)
{
	const struct field *f;
	const char *name;

	need_type(L, kind, "its argument", 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, 1); lua_settop(L, 3)) {
		if (lua_type(L, 3) != LUA_TSTRING)
			luaL_error(L,
			    "hotfix.%s: the names of fields are "
			    "strings, not a %s",
			    kind, luaL_typename(L, 3));
		name = lua_tostring(L, 3);
		f = find_field(fields, name);
		if (f == NULL)
			luaL_error(L, "hotfix.%s: unknown field '%s'", kind,
			    name);
		push_checked(L, kind, f, 4);
		lua_setfield(L, 2, name);
	}
	for (f = fields; f->name != NULL; f++) {
		if (!f->needed)
			continue;
		if (lua_getfield(L, 2, f->name) == LUA_TNIL)
			luaL_error(L, "hotfix.%s: %s is missing", kind,
			    f->name);
		lua_pop(L, 1);
	}
	lua_pushstring(L, kind);
	lua_setfield(L, 2, "kind");
	lua_newtable(L); /* options that were of use, filled in by swap.c */
	lua_setfield(L, 2, "used");
	engine_push_table(L, e);
	lua_rawgeti(L, -1, ENGINE_QUEUE);
	lua_pushvalue(L, 2);
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static struct engine *
loading(lua_State *L, const char *verb)
{
	struct engine **box = lua_touserdata(L, lua_upvalueindex(1));

	if (*box == NULL || !(*box)->loading)
		luaL_error(L, "hotfix.%s is only for an update while it loads",
		    verb);
	(*box)->used_api = 1;
	return *box;
}

static int
replace(lua_State *L)
{
	queue(L, loading(L, "replace"), "replace", replace_fields);
	return 0;
}

void
engine_open_api(lua_State *L)
{
	int box = lua_gettop(L);

	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pushliteral(L, "hotfix");
	if (lua_rawget(L, -2) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushliteral(L, "hotfix");
		lua_pushvalue(L, -2);
		lua_rawset(L, -4);
	}
	lua_pushliteral(L, "replace");
	lua_pushvalue(L, box);
	lua_pushcclosure(L, replace, 1);
	lua_rawset(L, -3);
	lua_settop(L, box - 1);
}
