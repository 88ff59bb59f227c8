/* The heap walk: the search by Lua's API; by the collector's lists, sweep.c.
 * The edits are made in walk_commit.c. */

#include "lua-host/walk.h"
#include "lua-host/sweep.h"
#include "lua-host/walk_edit.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

static int
no_memory(lua_State *L)
{
	return luaL_error(L, "not enough memory");
}

void
walk_init(struct walk *w)
{
	memset(w, 0, sizeof *w);
}

void
walk_free(struct walk *w)
{
	walkset_free(&w->seen);
	free(w->edits);
	free(w->changed);
	free(w->running);
	walk_init(w);
}

static int
is_object(int type)
{
	return type == LUA_TTABLE || type == LUA_TFUNCTION ||
	       type == LUA_TUSERDATA || type == LUA_TTHREAD;
}

void
walk_skip(lua_State *L, struct walk *w, int idx)
{
	if (walkset_put(&w->seen, lua_topointer(L, idx), WALK_SKIPPED) < 0)
		no_memory(L);
}

void
walk_skip_variable(lua_State *L, struct walk *w, int idx, int n)
{
	if (walkset_put(&w->seen, lua_upvalueid(L, idx, n), WALK_SKIPPED) < 0)
		no_memory(L);
}

void
walk_root(lua_State *L, struct walk *w, int idx)
{
	int added;

	if (!is_object(lua_type(L, idx)))
		return;
	added = walkset_add(&w->seen, lua_topointer(L, idx), 0);
	if (added < 0)
		no_memory(L);
	if (added == 0)
		return;
	lua_pushvalue(L, idx);
	lua_rawseti(L, w->list, ++w->pending);
}

/* The value at idx is looked into in its turn; returns the pair that changes
 * it, or -1. */
static int
look(struct walk *w, int idx)
{
	walk_root(w->L, w, idx);
	if (lua_type(w->L, idx) != LUA_TFUNCTION)
		return -1;
	return swapmap_find(w->map, lua_topointer(w->L, idx));
}

/* Keep the value at idx for the commit. Runs of edits share one. */
static lua_Integer
anchor(struct walk *w, int idx)
{
	const void *p = lua_topointer(w->L, idx);

	if (p != NULL && p == w->last_container)
		return w->last_anchor;
	lua_pushvalue(w->L, idx);
	lua_rawseti(w->L, w->anchors, ++w->nanchors);
	w->last_container = p;
	w->last_anchor = w->nanchors;
	return w->nanchors;
}

struct walk_edit *
walk_try_add(struct walk *w, enum walk_kind kind, size_t which)
{
	struct walk_edit *more, *e;
	size_t n;

	if (w->nedits == w->cap) {
		n = w->cap > 0 ? 2 * w->cap : 64;
		more = realloc(w->edits, n * sizeof *more);
		if (more == NULL)
			return NULL;
		w->edits = more;
		w->cap = n;
	}
	e = &w->edits[w->nedits++];
	memset(e, 0, sizeof *e);
	e->kind = kind;
	e->which = which;
	return e;
}

struct walk_edit *
walk_add(lua_State *L, struct walk *w, enum walk_kind kind, size_t which)
{
	struct walk_edit *e = walk_try_add(w, kind, which);

	if (e == NULL)
		no_memory(L);
	return e;
}

static struct walk_edit *
add_edit(struct walk *w, enum walk_kind kind, int container, int which)
{
	struct walk_edit *e = walk_add(w->L, w, kind, (size_t)which);

	e->container = anchor(w, container);
	if (kind != WALK_JOIN)
		w->changed[which]++;
	return e;
}

/* The key at index key of table t changes its place. */
static void
add_key(struct walk *w, int t, int which, size_t first)
{
	lua_State *L = w->L;
	size_t i;
	int taken;

	swapmap_push_to(L, w->map, (size_t)which);
	taken = lua_rawget(L, t) != LUA_TNIL;
	lua_pop(L, 1);
	for (i = first; i < w->nedits; i++)
		if (w->edits[i].kind == WALK_KEY &&
		    w->map->to[w->edits[i].which] == w->map->to[which])
			taken = 1;
	if (taken)
		luaL_error(L, "a table has both the old and the new function "
			      "as keys");
	add_edit(w, WALK_KEY, t, which);
	w->nkeys++;
}

static void
walk_table(struct walk *w, int t)
{
	lua_State *L = w->L;
	size_t first = w->nedits;
	struct walk_edit *e;
	int which;

	if (lua_getmetatable(L, t)) {
		look(w, -1);
		lua_pop(L, 1);
	}
	for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
		which = look(w, -1);
		if (which >= 0) {
			e = add_edit(w, WALK_FIELD, t, which);
			lua_pushvalue(L, -2);
			lua_rawseti(L, w->anchors, ++w->nanchors);
			e->extra = w->nanchors;
		}
		which = look(w, -2);
		if (which >= 0)
			add_key(w, t, which, first);
	}
}

static void
walk_function(struct walk *w, int f)
{
	lua_State *L = w->L;
	int n, added, which, is_c = lua_iscfunction(L, f);
	const void *id;
	int64_t join;

	for (n = 1; lua_getupvalue(L, f, n) != NULL; n++, lua_pop(L, 1)) {
		if (!is_c) {
			id = lua_upvalueid(L, f, n);
			join = walkset_get(w->join_index, id);
			if (join >= 0) {
				add_edit(w, WALK_JOIN, f, (int)join)->n = n;
				continue;
			}
			/* A variable that many functions share, once. */
			added = walkset_add(&w->seen, id, 0);
			if (added < 0)
				no_memory(L);
			if (added == 0)
				continue;
		}
		which = look(w, -1);
		if (which >= 0)
			add_edit(w, WALK_UPVALUE, f, which)->n = n;
	}
}

static void
walk_userdata(struct walk *w, int u)
{
	lua_State *L = w->L;
	int n, which;

	if (lua_getmetatable(L, u)) {
		look(w, -1);
		lua_pop(L, 1);
	}
	for (n = 1; lua_getiuservalue(L, u, n) != LUA_TNONE; n++) {
		which = look(w, -1);
		if (which >= 0)
			add_edit(w, WALK_USERVALUE, u, which)->n = n;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* The value on the top of T's stack, taken to ours. */
static int
look_over(struct walk *w, lua_State *T)
{
	int which;

	lua_xmove(T, w->L, 1);
	which = look(w, -1);
	lua_pop(w->L, 1);
	return which;
}

/* How many locals a call has; by -1: varargs. */
static int
count_locals(lua_State *T, const lua_Debug *ar, int by)
{
	int n = 0;

	while (lua_getlocal(T, ar, (n + 1) * by) != NULL) {
		lua_pop(T, 1);
		n++;
	}
	return n;
}

/* Slots below the function at ar that Lua keeps for this call: it lifts a
 * vararg function over its arguments, and what it leaves behind looks like
 * temporaries of the caller. The old function is among that, and Lua still
 * reads it. (A C function, vararg by definition, is not lifted.) */
static int
count_lifted(lua_State *T, lua_Debug *ar)
{
	int is_c;

	lua_getinfo(T, "fu", ar);
	is_c = lua_iscfunction(T, -1);
	lua_pop(T, 1);
	if (is_c || !ar->isvararg)
		return 0;
	return 1 + ar->nparams + count_locals(T, ar, -1);
}

static void
walk_local(struct walk *w, int t, lua_State *T, lua_Debug *ar, int level, int n)
{
	struct walk_edit *e;
	int which;

	lua_getlocal(T, ar, n);
	which = look_over(w, T);
	if (which < 0)
		return;
	e = add_edit(w, WALK_LOCAL, t, which);
	e->n = n;
	e->level = level;
}

/* The locals of one call, but for the last ones (lifted), and its varargs,
 * which count down from -1. */
static void
walk_locals(struct walk *w, int t, lua_State *T, lua_Debug *ar, int level,
    int lifted)
{
	int i, n = count_locals(T, ar, 1) - lifted;

	for (i = 1; i <= n; i++)
		walk_local(w, t, T, ar, level, i);
	n = count_locals(T, ar, -1);
	for (i = 1; i <= n; i++)
		walk_local(w, t, T, ar, level, -i);
}

static void
walk_thread(struct walk *w, int t)
{
	lua_State *L = w->L, *T = lua_tothread(L, t);
	lua_Debug ar;
	int level, n, top, which, lifted = 0;

	/* The commit needs this room too; nothing shrinks a stack meanwhile. */
	if (!lua_checkstack(T, 2))
		luaL_error(L, "a coroutine's stack is too full to look at");
	for (level = 0; lua_getstack(T, level, &ar); level++) {
		if (level == WALK_LEVELS_MAX)
			luaL_error(L, "a coroutine is more than %d calls deep",
			    WALK_LEVELS_MAX);
		lua_getinfo(T, "f", &ar);
		which = look_over(w, T);
		if (which >= 0)
			w->running[which]++;
		walk_locals(w, t, T, &ar, level, lifted);
		lifted = count_lifted(T, &ar);
	}
	if (level > 0)
		return;
	/* Not started, or ended: what lies on the bare stack. */
	top = lua_gettop(T);
	for (n = 1; n <= top; n++) {
		lua_pushvalue(T, n);
		which = look_over(w, T);
		if (which >= 0)
			add_edit(w, WALK_SLOT, t, which)->n = n;
	}
}

/* Metatables of types are in no table: reached through a value of each. */
static void
walk_types(struct walk *w)
{
	lua_State *L = w->L;
	int top = lua_gettop(L), i;

	lua_pushnil(L);
	lua_pushboolean(L, 0);
	lua_pushlightuserdata(L, w);
	lua_pushinteger(L, 0);
	lua_pushliteral(L, "");
	lua_pushcfunction(L, no_memory);
	lua_pushthread(L);
	for (i = lua_gettop(L); i > top; i--)
		if (lua_getmetatable(L, i)) {
			look(w, -1);
			lua_pop(L, 1);
		}
	lua_settop(L, top);
}

static void
walk_object(struct walk *w, int idx)
{
	switch (lua_type(w->L, idx)) {
	case LUA_TTABLE:
		walk_table(w, idx);
		break;
	case LUA_TFUNCTION:
		walk_function(w, idx);
		break;
	case LUA_TUSERDATA:
		walk_userdata(w, idx);
		break;
	default:
		walk_thread(w, idx);
	}
}

/* Look into everything that can be reached. */
static void
follow(lua_State *L, struct walk *w)
{
	int top = lua_gettop(L);
	size_t i;

	lua_pushvalue(L, LUA_REGISTRYINDEX);
	walk_root(L, w, -1);
	walk_types(w);
	for (i = 0; i < w->map->len; i++) {
		swapmap_push_from(L, w->map, i);
		walk_root(L, w, -1);
		swapmap_push_to(L, w->map, i);
		walk_root(L, w, -1);
		lua_settop(L, top);
	}
	while (w->pending > 0) {
		lua_rawgeti(L, w->list, w->pending--);
		walk_object(w, top + 1);
		lua_settop(L, top);
	}
}

void
walk_collect(lua_State *L, struct walk *w)
{
	size_t n = w->map->len > 0 ? w->map->len : 1;

	luaL_checkstack(L, 20, NULL);
	w->L = L;
	w->changed = calloc(n, sizeof *w->changed);
	w->running = calloc(n, sizeof *w->running);
	if (w->changed == NULL || w->running == NULL)
		no_memory(L);
	lua_pushthread(L);
	walk_skip(L, w, -1);
	lua_pop(L, 1);
	if (w->way == WALK_SWEEP && sweep_collect(L, w))
		return;
	memset(w->changed, 0, n * sizeof *w->changed);
	memset(w->running, 0, n * sizeof *w->running);
	w->nedits = w->nkeys = 0;
	follow(L, w);
}
