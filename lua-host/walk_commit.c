/* The heap walk: the edits. */

#include "lua-host/walk.h"
#include "lua-host/sweep.h"
#include "lua-host/walk_edit.h"

#include <lauxlib.h>

/* The table of a WALK_KEY edit; anchors: where the walk keeps its own. */
static void
push_table(lua_State *L, const struct walk_edit *e, int anchors)
{
	if (e->object != NULL)
		sweep_push_table(L, e);
	else
		lua_rawgeti(L, anchors, e->container);
}

/* The new keys of tables, with any value, beside the old ones. Arguments:
 * the walk, the anchors, the map's table. Counts what it did in nkeys. */
static int
insert_keys(lua_State *L)
{
	struct walk *w = lua_touserdata(L, 1);
	const struct walk_edit *e;
	size_t i;

	w->nkeys = 0;
	for (i = 0; i < w->nedits; i++) {
		e = &w->edits[i];
		if (e->kind != WALK_KEY)
			continue;
		push_table(L, e, 2);
		lua_rawgeti(L, 3, (lua_Integer)(2 * e->which + 2));
		lua_pushboolean(L, 1);
		lua_rawset(L, -3);
		lua_settop(L, 3);
		w->nkeys++;
	}
	return 0;
}

/* Take the first nkeys of them out again. */
static void
remove_keys(lua_State *L, struct walk *w)
{
	const struct walk_edit *e;
	size_t i;

	for (i = 0; w->nkeys > 0; i++) {
		e = &w->edits[i];
		if (e->kind != WALK_KEY)
			continue;
		push_table(L, e, w->anchors);
		swapmap_push_to(L, w->map, e->which);
		lua_pushnil(L);
		lua_rawset(L, -3);
		lua_pop(L, 1);
		w->nkeys--;
	}
}

static void
edit_thread(lua_State *L, const struct walk_edit *e)
{
	lua_State *T = lua_tothread(L, -2);
	lua_Debug ar;

	lua_xmove(L, T, 1);
	if (e->kind == WALK_SLOT) {
		lua_replace(T, e->n);
	} else {
		lua_getstack(T, e->level, &ar);
		lua_setlocal(T, &ar, e->n);
	}
}

/* Only keys that are there are set: nothing here asks for memory. */
static void
edit(lua_State *L, struct walk *w, const struct walk_edit *e)
{
	int top = lua_gettop(L);

	if (e->kind == WALK_OBJECT) {
		sweep_edit(L, w, e);
		return;
	}
	lua_rawgeti(L, w->anchors, e->container);
	if (e->kind == WALK_JOIN) {
		lua_rawgeti(L, w->joins_table, (lua_Integer)(2 * e->which + 1));
		lua_upvaluejoin(L, -2, e->n, -1, w->joins[e->which].upvalue);
		lua_settop(L, top);
		return;
	}
	swapmap_push_to(L, w->map, e->which);
	switch (e->kind) {
	case WALK_FIELD:
		lua_rawgeti(L, w->anchors, e->extra);
		lua_insert(L, -2);
		lua_rawset(L, -3);
		break;
	case WALK_UPVALUE:
		lua_setupvalue(L, -2, e->n);
		break;
	case WALK_USERVALUE:
		lua_setiuservalue(L, -2, e->n);
		break;
	case WALK_LOCAL:
	case WALK_SLOT:
		edit_thread(L, e);
		break;
	case WALK_KEY: /* moved afterwards, with its new value */
	case WALK_JOIN:
	case WALK_OBJECT:
		break;
	}
	lua_settop(L, top);
}

static void
move_key(lua_State *L, struct walk *w, const struct walk_edit *e)
{
	push_table(L, e, w->anchors);
	swapmap_push_to(L, w->map, e->which);
	swapmap_push_from(L, w->map, e->which);
	lua_rawget(L, -3);
	lua_rawset(L, -3);
	swapmap_push_from(L, w->map, e->which);
	lua_pushnil(L);
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

void
walk_commit(lua_State *L, struct walk *w)
{
	size_t i;
	int hold, status;

	luaL_checkstack(L, 20, NULL);
	if (w->nkeys > 0) {
		lua_pushcfunction(L, insert_keys);
		lua_pushlightuserdata(L, w);
		lua_pushvalue(L, w->anchors);
		lua_pushvalue(L, w->map->table);
		hold = sweep_hold(L, 1);
		status = lua_pcall(L, 3, 0, 0);
		sweep_hold(L, hold);
		if (status != LUA_OK) {
			remove_keys(L, w);
			lua_error(L);
		}
	}
	for (i = 0; i < w->nedits; i++)
		edit(L, w, &w->edits[i]);
	for (i = 0; i < w->nedits; i++)
		if (w->edits[i].kind == WALK_KEY)
			move_key(L, w, &w->edits[i]);
}
