/* Data that a change sets. */

#include "lua-host/places.h"

#include <stdlib.h>

#include <lauxlib.h>

#define PER_PLACE 4
#define PER_NOTE  6

static void
no_memory(lua_State *L)
{
	luaL_error(L, "not enough memory");
}

void
places_free(struct places *p)
{
	walkset_free(&p->index);
	free(p->list);
	p->list = NULL;
	p->len = p->cap = 0;
}

enum slot { CONTAINER = 1, KEY, FOUND, NOW };

static void
push_slot(lua_State *L, const struct places *p, size_t place, enum slot slot)
{
	lua_rawgeti(L, p->table, (lua_Integer)(PER_PLACE * place + slot));
}

/* The value on the top is taken. */
static void
set_slot(lua_State *L, const struct places *p, size_t place, enum slot slot)
{
	lua_rawseti(L, p->table, (lua_Integer)(PER_PLACE * place + slot));
}

/* Push what the heap holds there. */
static void
push_live(lua_State *L, enum place_kind kind, int container, int key)
{
	switch (kind) {
	case PLACE_FIELD:
		lua_pushvalue(L, key);
		lua_rawget(L, container);
		break;
	case PLACE_UPVALUE:
		lua_getupvalue(L, container, (int)lua_tointeger(L, key));
		break;
	case PLACE_META:
		if (!lua_getmetatable(L, container))
			lua_pushnil(L);
		break;
	}
}

static const void *
id_of(lua_State *L, enum place_kind kind, int container, int key)
{
	if (kind == PLACE_UPVALUE)
		return lua_upvalueid(L, container, (int)lua_tointeger(L, key));
	return lua_topointer(L, container);
}

static int
is_place(lua_State *L, const struct places *p, size_t i, enum place_kind kind,
    int key)
{
	int same;

	if (p->list[i].kind != kind)
		return 0;
	if (kind != PLACE_FIELD)
		return 1;
	push_slot(L, p, i, KEY);
	same = lua_rawequal(L, -1, key);
	lua_pop(L, 1);
	return same;
}

/* 1 + the place; 0: it is not known. */
static size_t
look_up(lua_State *L, const struct places *p, enum place_kind kind,
    int container, int key)
{
	int64_t at = walkset_get(&p->index, id_of(L, kind, container, key));
	size_t i;

	for (i = at < 0 ? 0 : (size_t)at + 1; i > 0; i = p->list[i - 1].next)
		if (is_place(L, p, i - 1, kind, key))
			return i;
	return 0;
}

void
places_see(lua_State *L, const struct places *p, enum place_kind kind,
    int container, int key)
{
	size_t place = look_up(L, p, kind, container, key);

	if (place > 0) {
		lua_pop(L, 1);
		push_slot(L, p, place - 1, NOW);
	}
}

size_t
places_find(lua_State *L, struct places *p, enum place_kind kind, int container,
    int key)
{
	const void *id;
	struct place *more;
	size_t i, n;
	int64_t at;

	container = lua_absindex(L, container);
	key = lua_absindex(L, key);
	i = look_up(L, p, kind, container, key);
	if (i > 0)
		return i - 1;
	id = id_of(L, kind, container, key);
	at = walkset_get(&p->index, id);
	if (p->len == p->cap) {
		n = p->cap > 0 ? 2 * p->cap : 16;
		more = realloc(p->list, n * sizeof *more);
		if (more == NULL)
			no_memory(L);
		p->list = more;
		p->cap = n;
	}
	lua_pushvalue(L, container);
	set_slot(L, p, p->len, CONTAINER);
	lua_pushvalue(L, key);
	set_slot(L, p, p->len, KEY);
	push_live(L, kind, container, key);
	swapmap_see(L, p->view);
	lua_pushvalue(L, -1);
	set_slot(L, p, p->len, FOUND);
	set_slot(L, p, p->len, NOW);
	p->list[p->len].kind = kind;
	p->list[p->len].id = id;
	p->list[p->len].next = at < 0 ? 0 : (size_t)at + 1;
	p->list[p->len].added = 0;
	if (walkset_put(&p->index, id, (uint32_t)p->len) < 0)
		no_memory(L);
	return p->len++;
}

void
places_push(lua_State *L, const struct places *p, size_t place)
{
	push_slot(L, p, place, NOW);
	/* Found before a function was laid over it. */
	swapmap_see(L, p->view);
}

void
places_put(lua_State *L, struct places *p, size_t place, int idx)
{
	lua_pushvalue(L, idx);
	set_slot(L, p, place, NOW);
}

/* Arguments: the places, their table. */
static int
add_fields(lua_State *L)
{
	struct places *p = lua_touserdata(L, 1), here = *p;
	size_t i;

	here.table = 2;
	for (i = 0; i < p->len; i++) {
		if (p->list[i].kind != PLACE_FIELD)
			continue;
		lua_settop(L, 2);
		push_slot(L, &here, i, CONTAINER);
		push_slot(L, &here, i, KEY);
		push_slot(L, &here, i, NOW);
		if (lua_isnil(L, 5))
			continue;
		lua_pushvalue(L, 4);
		if (lua_rawget(L, 3) != LUA_TNIL)
			continue;
		lua_settop(L, 5);
		lua_rawset(L, 3);
		p->list[i].added = 1;
	}
	return 0;
}

void
places_add(lua_State *L, struct places *p)
{
	lua_pushcfunction(L, add_fields);
	lua_pushlightuserdata(L, p);
	lua_pushvalue(L, p->table);
	if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
		places_remove(L, p);
		lua_error(L);
	}
}

void
places_remove(lua_State *L, struct places *p)
{
	size_t i;

	for (i = 0; i < p->len; i++) {
		if (!p->list[i].added)
			continue;
		push_slot(L, p, i, CONTAINER);
		push_slot(L, p, i, KEY);
		lua_pushnil(L);
		lua_rawset(L, -3);
		lua_pop(L, 1);
		p->list[i].added = 0;
	}
}

static void
write(lua_State *L, const struct places *p, size_t i)
{
	switch (p->list[i].kind) {
	case PLACE_FIELD:
		push_slot(L, p, i, KEY);
		lua_insert(L, -2);
		lua_rawset(L, -3);
		break;
	case PLACE_UPVALUE:
		push_slot(L, p, i, KEY);
		lua_insert(L, -2);
		lua_setupvalue(L, -3, (int)lua_tointeger(L, -2));
		break;
	case PLACE_META:
		lua_setmetatable(L, -2);
		break;
	}
}

void
places_write(lua_State *L, struct places *p)
{
	int top = lua_gettop(L);
	size_t i;

	for (i = 0; i < p->len; i++) {
		push_slot(L, p, i, FOUND);
		push_slot(L, p, i, NOW);
		if (!lua_rawequal(L, -1, -2)) {
			push_slot(L, p, i, CONTAINER);
			lua_insert(L, -2);
			swapmap_see(L, p->view);
			lua_pushvalue(L, -1);
			set_slot(L, p, i, NOW);
			write(L, p, i);
		}
		lua_settop(L, top);
	}
}

void
places_turn_back(lua_State *L, struct places *p)
{
	int top = lua_gettop(L);
	size_t i;

	for (i = 0; i < p->len; i++) {
		push_slot(L, p, i, CONTAINER);
		push_slot(L, p, i, KEY);
		push_live(L, p->list[i].kind, top + 1, top + 2);
		push_slot(L, p, i, NOW);
		swapmap_see(L, p->view);
		if (lua_rawequal(L, top + 3, top + 4)) {
			lua_settop(L, top + 1);
			push_slot(L, p, i, FOUND);
			swapmap_see(L, p->view);
			write(L, p, i);
		}
		lua_settop(L, top);
	}
}

/* --- what one update set -------------------------------------------------- */

enum {
	NOTE_KIND = 1,
	NOTE_CONTAINER,
	NOTE_KEY,
	NOTE_BEFORE,
	NOTE_WRITTEN,
	NOTE_OTHER
}; /* true: the latest places_undo found something else */

static lua_Integer
count_notes(lua_State *L, int notes)
{
	lua_Integer n;

	lua_rawgeti(L, notes, 0);
	n = lua_tointeger(L, -1);
	lua_pop(L, 1);
	return n;
}

void
places_note(lua_State *L, const struct places *p, int notes, size_t place,
    int before)
{
	lua_Integer n = count_notes(L, notes), at = PER_NOTE * n;

	lua_pushinteger(L, (lua_Integer)p->list[place].kind);
	lua_rawseti(L, notes, at + NOTE_KIND);
	push_slot(L, p, place, CONTAINER);
	lua_rawseti(L, notes, at + NOTE_CONTAINER);
	push_slot(L, p, place, KEY);
	lua_rawseti(L, notes, at + NOTE_KEY);
	lua_pushvalue(L, before);
	lua_rawseti(L, notes, at + NOTE_BEFORE);
	push_slot(L, p, place, NOW);
	lua_rawseti(L, notes, at + NOTE_WRITTEN);
	lua_pushboolean(L, 0);
	lua_rawseti(L, notes, at + NOTE_OTHER);
	lua_pushinteger(L, n + 1);
	lua_rawseti(L, notes, 0);
}

/* Push the n-th note; its place is returned. */
static size_t
push_note(lua_State *L, struct places *p, int notes, lua_Integer n)
{
	int top = lua_gettop(L), i;

	for (i = 1; i <= PER_NOTE; i++)
		lua_rawgeti(L, notes, PER_NOTE * (n - 1) + i);
	return places_find(L, p,
	    (enum place_kind)lua_tointeger(L, top + NOTE_KIND),
	    top + NOTE_CONTAINER, top + NOTE_KEY);
}

size_t
places_undo(lua_State *L, struct places *p, int notes)
{
	int top = lua_gettop(L), other;
	lua_Integer n;
	size_t place, others = 0;

	for (n = count_notes(L, notes); n > 0; n--) {
		place = push_note(L, p, notes, n);
		places_push(L, p, place);
		lua_pushvalue(L, top + NOTE_WRITTEN);
		swapmap_see(L, p->view);
		other = !lua_rawequal(L, -1, -2);
		if (other)
			others++;
		else
			places_put(L, p, place, top + NOTE_BEFORE);
		lua_pushboolean(L, other);
		lua_rawseti(L, notes, PER_NOTE * (n - 1) + NOTE_OTHER);
		lua_settop(L, top);
	}
	return others;
}

/* Push the last note of the place; 0: there is none. */
static int
push_note_of(lua_State *L, struct places *p, int notes, size_t place)
{
	int top = lua_gettop(L);
	lua_Integer n;

	for (n = count_notes(L, notes); n > 0; n--) {
		if (push_note(L, p, notes, n) == place)
			return 1;
		lua_settop(L, top);
	}
	return 0;
}

int
places_leave(lua_State *L, struct places *p, int notes, size_t place, int to)
{
	int top = lua_gettop(L), other, i;
	lua_Integer n = count_notes(L, to);

	other = push_note_of(L, p, notes, place) &&
		lua_toboolean(L, top + NOTE_OTHER);
	if (other) {
		for (i = PER_NOTE; i > 0; i--)
			lua_rawseti(L, to, PER_NOTE * n + i);
		lua_pushinteger(L, n + 1);
		lua_rawseti(L, to, 0);
	}
	lua_settop(L, top);
	return other;
}

int
places_push_written(lua_State *L, struct places *p, int notes, size_t place)
{
	int top = lua_gettop(L);

	if (!push_note_of(L, p, notes, place))
		return 0;
	lua_copy(L, top + NOTE_WRITTEN, top + 1);
	lua_settop(L, top + 1);
	swapmap_see(L, p->view);
	return 1;
}

void
places_append(lua_State *L, int to, int from)
{
	lua_Integer i, n = count_notes(L, from), m = count_notes(L, to);

	for (i = 1; i <= PER_NOTE * n; i++) {
		lua_rawgeti(L, from, i);
		lua_rawseti(L, to, PER_NOTE * m + i);
	}
	lua_pushinteger(L, m + n);
	lua_rawseti(L, to, 0);
}
