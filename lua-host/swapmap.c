/* The view through which one change looks at the heap. */

#include "lua-host/swapmap.h"

#include <stdlib.h>

#include <lauxlib.h>

void
swapmap_free(struct swapmap *m)
{
	walkset_free(&m->index);
	free(m->to);
	m->to = NULL;
	m->len = m->cap = 0;
}

static void
set_to(lua_State *L, struct swapmap *m, size_t pair, int to)
{
	lua_pushvalue(L, to);
	lua_rawseti(L, m->table, (lua_Integer)(2 * pair + 2));
	m->to[pair] = lua_topointer(L, to);
}

void
swapmap_add(lua_State *L, struct swapmap *m, int from, int to)
{
	const void *a = lua_topointer(L, from), **more;
	size_t i, n;

	from = lua_absindex(L, from);
	to = lua_absindex(L, to);
	for (i = 0; i < m->len; i++)
		if (m->to[i] == a)
			set_to(L, m, i, to);
	/* A function that is seen as another one is not seen itself. */
	if (walkset_get(&m->index, a) >= 0)
		return;
	if (m->len == m->cap) {
		n = m->cap > 0 ? 2 * m->cap : 16;
		more = realloc(m->to, n * sizeof *more);
		if (more == NULL)
			luaL_error(L, "not enough memory");
		m->to = more;
		m->cap = n;
	}
	lua_pushvalue(L, from);
	lua_rawseti(L, m->table, (lua_Integer)(2 * m->len + 1));
	set_to(L, m, m->len, to);
	if (walkset_add(&m->index, a, (uint32_t)m->len) < 0)
		luaL_error(L, "not enough memory");
	m->len++;
}

int
swapmap_find(const struct swapmap *m, const void *from)
{
	return (int)walkset_get(&m->index, from);
}

void
swapmap_push_from(lua_State *L, const struct swapmap *m, size_t pair)
{
	lua_rawgeti(L, m->table, (lua_Integer)(2 * pair + 1));
}

void
swapmap_push_to(lua_State *L, const struct swapmap *m, size_t pair)
{
	lua_rawgeti(L, m->table, (lua_Integer)(2 * pair + 2));
}

void
swapmap_see(lua_State *L, const struct swapmap *m)
{
	int pair;

	if (lua_type(L, -1) != LUA_TFUNCTION)
		return;
	pair = swapmap_find(m, lua_topointer(L, -1));
	if (pair >= 0) {
		lua_pop(L, 1);
		swapmap_push_to(L, m, (size_t)pair);
	}
}
