/*
 * A module's new source beside its living tables.
 *
 * The source has run, and what it made lies beside what lives: its functions
 * take the place of the living ones at the same path, what is new comes in,
 * and all other data stays as it lives. Items of lists come and go while a
 * program runs: none of them is made anew, but where it is a function.
 */

#include "lua-host/swap_impl.h"
#include "lua-host/swapproto.h"

#include <string.h>

#include <lauxlib.h>

/* Tables to be merged: in the table work, three for each: the living one or
 * false, the update's, the path so far. */
struct merge {
	struct swap_plan *p;
	lua_Integer action;
	int work;
	lua_Integer n;
};

/* 1 when the table at v was made by the module's source. */
static int
is_made(struct swap_plan *p, lua_Integer action, int v)
{
	lua_State *L = p->L;
	int is;

	if (!lua_istable(L, v))
		return 0;
	swap_push_field(p, action, "made");
	lua_pushvalue(L, v);
	is = lua_rawget(L, -2) != LUA_TNIL;
	lua_pop(L, 2);
	return is;
}

/* The tables at live (0: none) and v are looked at, once. The path is on the
 * top and is taken. */
static void
add_work(struct merge *m, int live, int v)
{
	lua_State *L = m->p->L;
	int top = lua_gettop(L);

	if (is_made(m->p, m->action, v)) {
		swap_push_field(m->p, m->action, "made");
		lua_pushvalue(L, v);
		lua_pushnil(L);
		lua_rawset(L, -3);
		lua_pushvalue(L, top);
		lua_rawseti(L, m->work, 3 * m->n + 3);
		if (live != 0)
			lua_pushvalue(L, live);
		else
			lua_pushboolean(L, 0);
		lua_rawseti(L, m->work, 3 * m->n + 1);
		lua_pushvalue(L, v);
		lua_rawseti(L, m->work, 3 * m->n + 2);
		m->n++;
	}
	lua_settop(L, top - 1);
}

/* What came in as a whole: its functions find their variables. */
static void
look_into_new(struct merge *m, int v, const char *path)
{
	struct swap_plan *p = m->p;
	struct swap_context_spec s = {v, 0, NULL, m->action, 1, 0, 1};

	lua_pushstring(p->L, path);
	if (swapproto_has(p->L, v, p->protos))
		swap_add_context(p, &s);
	else
		add_work(m, 0, v);
}

static void
set_field(struct merge *m, enum place_kind kind, int live, int key, int v,
    const char *path)
{
	struct swap_plan *p = m->p;

	swap_set_place(p, places_find(p->L, p->places, kind, live, key), v);
	look_into_new(m, v, path);
}

static void
refuse_types(struct merge *m, const char *path, const char *name, int old,
    int v)
{
	lua_State *L = m->p->L;

	luaL_error(L,
	    "%s: is a %s in the program and a %s in the update; say "
	    "keep={\"%s\"} or fresh={\"%s\"}",
	    path, luaL_typename(L, old), luaL_typename(L, v), name, name);
}

/* Functions at one path (a stack index). The field alone changes where the
 * living function is not the module's to give, or stands for something else by
 * now. */
static void
merge_functions(struct merge *m, int live, int key, int old, int v, int path)
{
	struct swap_plan *p = m->p;
	lua_State *L = p->L;
	int64_t was = walkset_get(&p->olds, lua_topointer(L, old));
	int64_t is = walkset_get(&p->news, lua_topointer(L, v));
	struct swap_context_spec s = {v, 0, NULL, m->action, 0, 0, 1};

	if (lua_rawequal(L, old, v) || (was >= 0 && was == is))
		return;
	if (!swapproto_has(L, v, p->protos) || lua_iscfunction(L, old) ||
	    was >= 0 || is >= 0) {
		set_field(m, PLACE_FIELD, live, key, v, lua_tostring(L, path));
		return;
	}
	swap_push_base(p, old);
	s.old = lua_gettop(L);
	lua_pushvalue(L, path);
	swap_add_pair(p, v, old, &s, 0);
	lua_pop(L, 1);
}

/* Push the path of a field. */
static const char *
push_path(lua_State *L, const char *path, int key)
{
	size_t len = strlen(path);
	const char *dot = len >= 2 && path[len - 1] == ':' ? "" : ".";

	if (lua_type(L, key) == LUA_TSTRING)
		return lua_pushfstring(L, "%s%s%s", path, dot,
		    lua_tostring(L, key));
	if (lua_isinteger(L, key))
		return lua_pushfstring(L, "%s[%I]", path,
		    lua_tointeger(L, key));
	return lua_pushfstring(L, "%s[a %s]", path, luaL_typename(L, key));
}

/* The field of the living table at live beside that of the update's; its path
 * is at index at. */
static void
merge_field(struct merge *m, int live, int key, int v, int at)
{
	struct swap_plan *p = m->p;
	lua_State *L = p->L;
	const char *path = lua_tostring(L, at);
	const char *name =
	    lua_type(L, key) == LUA_TSTRING ? lua_tostring(L, key) : NULL;
	int old = lua_gettop(L) + 1;

	lua_pushvalue(L, key);
	lua_rawget(L, live);
	places_see(L, p->places, PLACE_FIELD, live, key);
	swapmap_see(L, p->view);
	if (name != NULL && swap_has_option(p, m->action, "keep", name))
		;
	else if (name != NULL && swap_has_option(p, m->action, "fresh", name))
		set_field(m, PLACE_FIELD, live, key, v, path);
	else if (lua_isnil(L, old) && (name != NULL || lua_isfunction(L, v)))
		set_field(m, PLACE_FIELD, live, key, v, path);
	else if (lua_isnil(L, old))
		;
	else if (lua_type(L, old) != lua_type(L, v))
		refuse_types(m, path, name != NULL ? name : "name", old, v);
	else if (lua_isfunction(L, v))
		merge_functions(m, live, key, old, v, at);
	else if (is_made(p, m->action, v)) {
		lua_pushvalue(L, at);
		add_work(m, old, v);
	} else
		swap_note_dropped(p, path, NULL, path, v, old);
	lua_settop(L, old - 1);
}

static void
merge_metatables(struct merge *m, int live, int v, const char *path)
{
	lua_State *L = m->p->L;
	int top = lua_gettop(L);

	if (lua_getmetatable(L, v) && is_made(m->p, m->action, top + 1)) {
		lua_pushfstring(L, "%s@", path);
		lua_pushnil(L);
		if (live == 0) {
			lua_pushvalue(L, top + 2);
			add_work(m, 0, top + 1);
		} else if (lua_getmetatable(L, live)) {
			lua_pushvalue(L, top + 2);
			add_work(m, top + 4, top + 1);
		} else {
			set_field(m, PLACE_META, live, top + 3, top + 1,
			    lua_tostring(L, top + 2));
		}
	}
	lua_settop(L, top);
}

static void
merge_tables(struct merge *m, int live, int v, const char *path)
{
	lua_State *L = m->p->L;
	int top = lua_gettop(L);
	const char *at;

	merge_metatables(m, live, v, path);
	for (lua_pushnil(L); lua_next(L, v); lua_settop(L, top + 1)) {
		at = push_path(L, path, top + 1);
		if (live != 0)
			merge_field(m, live, top + 1, top + 2, top + 3);
		else
			look_into_new(m, top + 2, at);
	}
}

void
swap_merge(struct swap_plan *p, lua_Integer action, int live, int v,
    const char *label)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);
	struct merge m = {p, action, top + 1, 0};
	lua_Integer i;

	luaL_checkstack(L, 30, NULL);
	lua_newtable(L);
	lua_pushstring(L, label);
	add_work(&m, live, v);
	for (i = 0; i < m.n; i++) {
		lua_rawgeti(L, m.work, 3 * i + 1);
		lua_rawgeti(L, m.work, 3 * i + 2);
		lua_rawgeti(L, m.work, 3 * i + 3);
		merge_tables(&m, lua_toboolean(L, top + 2) ? top + 2 : 0,
		    top + 3, lua_tostring(L, top + 4));
		lua_settop(L, top + 1);
	}
	lua_settop(L, top);
}

/* --- the action ----------------------------------------------------------- */

/* The module's living value, found under its name as the view shows it, is
 * pushed; the table of all modules below it. */
static void
push_module(struct swap_plan *p, const char *name)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);

	lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_pushstring(L, name);
	lua_rawget(L, -2);
	lua_pushstring(L, name);
	lua_insert(L, -2);
	places_see(L, p->places, PLACE_FIELD, top + 1, top + 2);
	swapmap_see(L, p->view);
	lua_remove(L, top + 2);
	if (lua_isnil(L, -1))
		luaL_error(L, "module '%s' is not loaded", name);
}

void
swap_plan_module(struct swap_plan *p, lua_Integer action)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);
	struct merge m = {p, action, 0, 0};
	const char *name;

	swap_push_field(p, action, "main");
	swapproto_collect(L, top + 1, p->protos);
	swap_push_field(p, action, "name");
	name = lua_tostring(L, top + 2);
	push_module(p, name); /* top + 3: loaded, top + 4: the module */
	swap_push_field(p, action, "value");
	lua_pushfstring(L, "%s::", name); /* top + 6 */
	/* A source that returns nothing leaves true, as require does. */
	if (lua_isnil(L, top + 5)) {
		lua_pushboolean(L, 1);
		lua_replace(L, top + 5);
	}
	if (lua_type(L, top + 4) != lua_type(L, top + 5))
		luaL_error(L,
		    "module '%s' is a %s in the program and a %s in the "
		    "update",
		    name, luaL_typename(L, top + 4), luaL_typename(L, top + 5));
	if (lua_isfunction(L, top + 5))
		merge_functions(&m, top + 3, top + 2, top + 4, top + 5,
		    top + 2);
	else if (is_made(p, action, top + 5))
		swap_merge(p, action, top + 4, top + 5,
		    lua_tostring(L, top + 6));
	/* What it wrote to globals. */
	lua_settop(L, top);
	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	swap_push_field(p, action, "globals");
	swap_merge(p, action, top + 1, top + 2, "_G::");
	lua_settop(L, top);
}
