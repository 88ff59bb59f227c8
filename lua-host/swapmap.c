/* The view through which one change looks at the heap. */

#include "lua-host/swapmap.h"

#include <stdlib.h>

#include <lauxlib.h>

#define NONE UINT32_MAX

static void
no_memory(lua_State *L)
{
	luaL_error(L, "not enough memory");
}

void
swapmap_free(struct swapmap *m)
{
	walkset_free(&m->index);
	walkset_free(&m->heads);
	walkset_free(&m->held);
	free(m->to);
	free(m->next);
	m->to = NULL;
	m->next = NULL;
	m->len = m->cap = 0;
}

static uint32_t
head(const struct swapmap *m, const void *to)
{
	int64_t i = walkset_get(&m->heads, to);

	return i < 0 ? NONE : (uint32_t)i;
}

static void
set_head(lua_State *L, struct swapmap *m, const void *to, uint32_t pair)
{
	if (walkset_put(&m->heads, to, pair) < 0)
		no_memory(L);
}

static void
set_to(lua_State *L, struct swapmap *m, size_t pair, int to)
{
	lua_pushvalue(L, to);
	lua_rawseti(L, m->table, (lua_Integer)(2 * pair + 2));
	m->to[pair] = lua_topointer(L, to);
}

/* 1 when the pair's from is held as a hook's original. */
static int
is_held(lua_State *L, const struct swapmap *m, size_t pair)
{
	const void *from;

	swapmap_push_from(L, m, pair);
	from = lua_topointer(L, -1);
	lua_pop(L, 1);
	return walkset_get(&m->held, from) >= 0;
}

/* All pairs that lead to a lead to the function at index to; with but_held,
 * those of a held one stay. */
static void
redirect(lua_State *L, struct swapmap *m, const void *a, int to, int but_held)
{
	const void *b = lua_topointer(L, to);
	uint32_t first = head(m, a), i, next, moved, stay = NONE;

	if (first == NONE || a == b)
		return;
	moved = head(m, b);
	for (i = first; i != NONE; i = next) {
		next = m->next[i];
		if (but_held && is_held(L, m, i)) {
			m->next[i] = stay;
			stay = i;
		} else {
			set_to(L, m, i, to);
			m->next[i] = moved;
			moved = i;
		}
	}
	set_head(L, m, b, moved);
	set_head(L, m, a, stay);
}

static void
grow(lua_State *L, struct swapmap *m)
{
	size_t n = m->cap > 0 ? 2 * m->cap : 16;
	const void **to;
	uint32_t *next;

	to = realloc(m->to, n * sizeof *to);
	if (to == NULL)
		no_memory(L);
	m->to = to;
	next = realloc(m->next, n * sizeof *next);
	if (next == NULL)
		no_memory(L);
	m->next = next;
	m->cap = n;
}

static void
add(lua_State *L, struct swapmap *m, int from, int to, int is_hook)
{
	const void *a = lua_topointer(L, from);

	from = lua_absindex(L, from);
	to = lua_absindex(L, to);
	redirect(L, m, a, to, is_hook);
	/* A function that is seen as another one is not seen itself. */
	if (walkset_get(&m->index, a) >= 0)
		return;
	if (is_hook && walkset_get(&m->held, a) >= 0)
		return;
	if (m->len == m->cap)
		grow(L, m);
	lua_pushvalue(L, from);
	lua_rawseti(L, m->table, (lua_Integer)(2 * m->len + 1));
	set_to(L, m, m->len, to);
	m->next[m->len] = head(m, m->to[m->len]);
	set_head(L, m, m->to[m->len], (uint32_t)m->len);
	if (walkset_add(&m->index, a, (uint32_t)m->len) < 0)
		no_memory(L);
	m->len++;
}

void
swapmap_add(lua_State *L, struct swapmap *m, int from, int to)
{
	add(L, m, from, to, 0);
}

void
swapmap_add_hook(lua_State *L, struct swapmap *m, int from, int to)
{
	add(L, m, from, to, 1);
}

void
swapmap_hold(lua_State *L, struct swapmap *m, int f)
{
	if (walkset_add(&m->held, lua_topointer(L, f), 0) < 0)
		no_memory(L);
}

int
swapmap_find(const struct swapmap *m, const void *from)
{
	return (int)walkset_get(&m->index, from);
}

int
swapmap_next_to(const struct swapmap *m, const void *to, int pair)
{
	uint32_t next = pair < 0 ? head(m, to) : m->next[pair];

	return next == NONE ? -1 : (int)next;
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
