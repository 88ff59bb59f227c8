/*
 * What the walk of a step looks at beside the program: what the engine holds
 * of updates in force. Its own tables are left out.
 */

#include "lua-host/change.h"

/* The functions of updates in force may be in nobody's hands but ours, and
 * come back one day, and so may data: what they refer to is kept up to date.
 * The table on the top is ours: it stays as it is, but what is in it is
 * looked into; it is taken. */
static void
root_all_in(lua_State *W, struct change *c)
{
	int table = lua_gettop(W);

	walk_skip(W, &c->walk, table);
	for (lua_pushnil(W); lua_next(W, table); lua_pop(W, 1)) {
		walk_root(W, &c->walk, table + 1);
		walk_root(W, &c->walk, table + 2);
	}
	lua_pop(W, 1);
}

static void
root_record(lua_State *W, struct change *c, int record)
{
	static const enum engine_record ours[] = {
	    RECORD_PAIRS, RECORD_INSTANCES, RECORD_NOTES};
	int i;

	walk_skip(W, &c->walk, record);
	for (i = 0; i < 3; i++) {
		lua_rawgeti(W, record, ours[i]);
		root_all_in(W, c);
	}
	for (i = RECORD_MAINS; i <= RECORD_SLOTS; i++) {
		lua_rawgeti(W, record, i);
		walk_skip(W, &c->walk, lua_gettop(W));
		lua_pop(W, 1);
	}
	/* Of what is to be done later, functions of the program are to be
	 * those of then. */
	for (i = RECORD_PENDING; i <= RECORD_ROLLBACK; i++) {
		lua_rawgeti(W, record, i);
		walk_root(W, &c->walk, lua_gettop(W));
		lua_pop(W, 1);
	}
}

void
change_collect(lua_State *W, struct change *c)
{
	int top = lua_gettop(W), i;

	lua_newtable(W);
	lua_newtable(W);
	c->walk.anchors = top + 1;
	c->walk.list = top + 2;
	for (i = c->own; i <= top + 2; i++)
		if (lua_istable(W, i))
			walk_skip(W, &c->walk, i);
	for (i = c->pairs; i <= c->notes; i++)
		for (lua_pushnil(W); lua_next(W, i); lua_pop(W, 1))
			walk_skip(W, &c->walk, lua_gettop(W));
	for (lua_pushnil(W); lua_next(W, c->records); lua_settop(W, top + 3))
		root_record(W, c, top + 4);
	/* What is to be written is not in the heap yet. */
	lua_pushvalue(W, c->places.table);
	root_all_in(W, c);
	lua_rawgeti(W, c->own, ENGINE_MARKS);
	c->walk.marks = lua_istable(W, -1) ? lua_gettop(W) : 0;
	c->walk.way = c->e->way;
	c->walk.map = &c->map;
	c->walk.joins = c->joins.joins;
	c->walk.join_index = &c->joins.index;
	c->walk.joins_table = c->joins.table;
	walk_collect(W, &c->walk);
}
