/*
 * What is remembered of each entry in force, to take it back one day: its
 * record, made while a step is planned.
 */

#include "lua-host/change.h"

void
change_push_pairs(lua_State *W, const struct engine *e, lua_Integer serial)
{
	engine_push_record(W, e, serial, RECORD_PAIRS);
	engine_push_record(W, e, serial, RECORD_INSTANCES);
}

size_t
change_count_functions(struct change *c, lua_Integer serial,
    enum engine_record which)
{
	lua_State *W = c->e->W;
	size_t n;

	engine_push_record(W, c->e, serial, which);
	n = lua_rawlen(W, -1);
	lua_pop(W, 1);
	return n;
}

void
change_remove_record(struct engine *e, lua_Integer serial)
{
	lua_State *W = e->W;

	engine_push_table(W, e);
	lua_rawgeti(W, -1, ENGINE_RECORDS);
	lua_pushnil(W);
	lua_rawseti(W, -2, serial);
	lua_pop(W, 2);
}

void
change_remove_new_records(struct change *c)
{
	size_t i;

	for (i = 0; i < c->nruns; i++)
		change_remove_record(c->e, c->runs[i].serial);
}

void
change_push_weak(lua_State *W)
{
	lua_newtable(W);
	lua_createtable(W, 0, 1);
	lua_pushliteral(W, "k");
	lua_setfield(W, -2, "__mode");
	lua_setmetatable(W, -2);
}

void
change_new_record(lua_State *W)
{
	int i, record;

	lua_createtable(W, RECORD_SLOTS, 0);
	record = lua_gettop(W);
	for (i = 1; i <= RECORD_SLOTS; i++) {
		if (i == RECORD_INSTANCES)
			change_push_weak(W);
		else
			lua_newtable(W);
		lua_rawseti(W, record, i);
	}
}

/* Put a copy of the list at from behind that at to. */
static void
append_list(lua_State *W, int to, int from)
{
	lua_Integer i, n = (lua_Integer)lua_rawlen(W, from);
	lua_Integer at = (lua_Integer)lua_rawlen(W, to);

	for (i = 1; i <= n; i++) {
		lua_rawgeti(W, from, i);
		lua_rawseti(W, to, at + i);
	}
}

static void
append_map(lua_State *W, int to, int from)
{
	for (lua_pushnil(W); lua_next(W, from); lua_pop(W, 1)) {
		lua_pushvalue(W, -2);
		lua_pushvalue(W, -2);
		lua_rawset(W, to);
	}
}

void
change_add_to_record(lua_State *W, struct change *c, size_t i, int record)
{
	static const enum engine_record lists[] = {
	    RECORD_PAIRS, RECORD_INSTANCES, RECORD_NOTES};
	const int from[] = {c->pairs, c->instances, c->notes};
	int top = lua_gettop(W);
	size_t k;

	for (k = 0; k < sizeof lists / sizeof *lists; k++) {
		lua_rawgeti(W, record, lists[k]);
		lua_rawgeti(W, from[k], (lua_Integer)(i + 1));
		/* Of notes the number is at 0, and there may be holes. */
		if (lists[k] == RECORD_PAIRS)
			append_list(W, top + 1, top + 2);
		else if (lists[k] == RECORD_INSTANCES)
			append_map(W, top + 1, top + 2);
		else
			places_append(W, top + 1, top + 2);
		lua_settop(W, top);
	}
}

void
change_copy_record(lua_State *W, struct change *c, lua_Integer serial,
    int record)
{
	static const enum engine_record kept[] = {RECORD_PAIRS, RECORD_AFTER,
	    RECORD_ROLLBACK, RECORD_MAINS, RECORD_JOINED};
	int top = lua_gettop(W);
	size_t k;

	for (k = 0; k < sizeof kept / sizeof *kept; k++) {
		lua_rawgeti(W, record, kept[k]);
		engine_push_record(W, c->e, serial, kept[k]);
		append_list(W, top + 1, top + 2);
		lua_settop(W, top);
	}
	lua_rawgeti(W, record, RECORD_INSTANCES);
	engine_push_record(W, c->e, serial, RECORD_INSTANCES);
	append_map(W, top + 1, top + 2);
	lua_rawgeti(W, record, RECORD_NOTES);
	engine_push_record(W, c->e, serial, RECORD_NOTES);
	places_append(W, top + 3, top + 4);
	lua_settop(W, top);
}

void
change_note_joins(lua_State *W, struct change *c, size_t first, int record)
{
	int top = lua_gettop(W);
	size_t i;

	lua_rawgeti(W, record, RECORD_JOINED);
	for (i = first; i < c->joins.len; i++) {
		lua_rawgeti(W, c->joins.table, (lua_Integer)(2 * i + 1));
		lua_rawseti(W, top + 1,
		    (lua_Integer)lua_rawlen(W, top + 1) + 1);
		lua_pushinteger(W, c->joins.joins[i].upvalue);
		lua_rawseti(W, top + 1,
		    (lua_Integer)lua_rawlen(W, top + 1) + 1);
	}
	lua_settop(W, top);
}
