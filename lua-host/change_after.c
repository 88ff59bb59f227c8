/*
 * What is run when a step is in force: the functions for afterwards of what
 * came, and those for a rollback of what went. When one of the first fails,
 * the step is turned back.
 */

#include "lua-host/change.h"

#include <string.h>

#include <lauxlib.h>

/* Call the functions of the list on the top, which is taken. 0, or -1 with the
 * reason in the report; the rest is not called then unless all are to be. */
static int
call_all(lua_State *W, struct change *c, const char *what, int all)
{
	int list = lua_gettop(W), result = 0;
	lua_Integer i, n = (lua_Integer)lua_rawlen(W, list);
	struct buf why = BUF_INIT;
	enum state_over over;

	for (i = 1; i <= n && (all || result == 0); i++) {
		lua_rawgeti(W, list, i);
		buf_reset(&why);
		if (engine_call(c->e, W, 0, 0, &why, &over) == 0)
			continue;
		result = -1;
		if (over != STATE_WITHIN)
			c->failure = ENGINE_HUNG;
		engine_report_puts(c->report, what, strlen(what));
		engine_report_puts(c->report, (const char *)why.data, why.len);
		engine_report_puts(c->report, "\n", 1);
		if (over != STATE_WITHIN)
			engine_report_over(c->report, c->e->state, over);
	}
	buf_free(&why);
	lua_settop(W, list - 1);
	return result;
}

/* --- on rollback ----------------------------------------------------------
 */

struct rollback {
	struct change *c;
	lua_Integer serial;
};

static int
rollback_body(lua_State *W)
{
	struct rollback *rb = lua_touserdata(W, 1);

	engine_push_record(W, rb->c->e, rb->serial, RECORD_ROLLBACK);
	call_all(W, rb->c, "on_rollback: ", 1);
	return 0;
}

void
change_rollback(struct change *c, lua_Integer serial)
{
	struct rollback rb = {c, serial};
	enum engine_result failure = c->failure;
	lua_State *W = c->e->W;

	if (change_count_functions(c, serial, RECORD_ROLLBACK) == 0)
		return;
	change_wake_collector(c);
	lua_pushcfunction(W, rollback_body);
	lua_pushlightuserdata(W, &rb);
	if (lua_pcall(W, 1, 0, 0) != LUA_OK)
		engine_report_top(W, c->report, 0);
	c->failure = failure;
}

/* --- turned back ----------------------------------------------------------
 */

/* What the step did is turned into its opposite: its pairs go, those that it
 * undid come back, with the functions they had. */
static int
turn_back_body(lua_State *W)
{
	struct change *c = lua_touserdata(W, 1);
	const struct engine *e = c->e;
	uint64_t refusals;
	size_t i;
	int k, pairs, instances;

	luaL_checkstack(W, 60, NULL);
	change_push_kept(c, KEPT_PAIRS);
	change_push_kept(c, KEPT_INSTANCES);
	change_push_kept(c, KEPT_PLACES);
	pairs = 2;
	instances = 3;
	c->places.table = 4;
	engine_push_table(W, e);
	lua_rawgeti(W, -1, ENGINE_RECORDS);
	lua_rawgeti(W, -2, ENGINE_WRAP);
	for (k = 0; k < 4; k++)
		lua_newtable(W);
	c->own = 5;
	c->records = 6;
	c->wrap = 7;
	c->view.table = 8;
	c->map.table = 9;
	c->joins.table = 10;
	c->pairs = c->notes = 11; /* empty */
	c->collector_ran = lua_gc(W, LUA_GCISRUNNING) > 0;
	lua_gc(W, LUA_GCSTOP);
	refusals = state_refusals(e->state);
	for (i = c->nruns; i > 0; i--) {
		lua_rawgeti(W, pairs, (lua_Integer)i);
		lua_rawgeti(W, instances, (lua_Integer)i);
		change_lay(W, c, 1);
	}
	for (i = c->low; i < e->len; i++) {
		if (e->entries[i]->serial == 0)
			continue;
		change_push_pairs(W, e, e->entries[i]->serial);
		change_lay(W, c, 0);
	}
	for (k = pairs; k <= c->places.table; k++)
		walk_skip(W, &c->walk, k);
	for (k = pairs; k <= instances; k++)
		for (lua_pushnil(W); lua_next(W, k); lua_pop(W, 1))
			walk_skip(W, &c->walk, lua_gettop(W));
	if (c->map.len > 0)
		change_collect(W, c);
	if (state_refusals(e->state) != refusals)
		luaL_error(W, "not enough memory");
	walk_commit(W, &c->walk);
	places_turn_back(W, &c->places);
	return 0;
}

/* 0, or -1 with the reason on W's stack: nothing is turned back. */
static int
turn_back(struct change *c)
{
	struct engine *e = c->e;
	struct change back;
	int result = 0;

	memset(&back, 0, sizeof back);
	back.e = e;
	back.report = c->report;
	back.low = c->low;
	back.runs = c->runs;
	back.nruns = c->nruns;
	back.places = c->places;
	walk_init(&back.walk);
	back.places.view = &back.view;
	lua_pushcfunction(e->W, turn_back_body);
	lua_pushlightuserdata(e->W, &back);
	if (lua_pcall(e->W, 1, 0, 0) != LUA_OK)
		result = -1;
	change_wake_collector(&back);
	c->places = back.places;
	c->places.view = &c->view;
	swapmap_free(&back.view);
	swapmap_free(&back.map);
	walk_free(&back.walk);
	return result;
}

/* --- after ----------------------------------------------------------------
 */

static const struct change_run *
run_of_fresh(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->nruns; i++)
		if (c->runs[i].entry == c->fresh)
			return &c->runs[i];
	return NULL;
}

static int
after_body(lua_State *W)
{
	struct change *c = lua_touserdata(W, 1);
	const struct change_run *r = run_of_fresh(c);

	engine_push_record(W, c->e, r->serial, RECORD_AFTER);
	c->failure = ENGINE_FAILED;
	buf_append(&c->said, c->report->text.data, c->report->text.len);
	buf_reset(&c->report->text);
	if (call_all(W, c, "after: ", 0) != 0) {
		c->told = 1;
		return 0;
	}
	engine_report_puts(c->report, (const char *)c->said.data, c->said.len);
	return 0;
}

int
change_after(struct change *c)
{
	static const char still[] = "it stays in force, since: ";
	lua_State *W = c->e->W;
	const struct change_run *r = run_of_fresh(c);
	int status;

	/* Those of an update that still waits in part come with the rest. */
	if (r == NULL || r->npending > 0 ||
	    change_count_functions(c, r->serial, RECORD_AFTER) == 0)
		return 0;
	change_wake_collector(c);
	lua_pushcfunction(W, after_body);
	lua_pushlightuserdata(W, c);
	status = lua_pcall(W, 1, 0, 0);
	buf_free(&c->said);
	if (status == LUA_OK && !c->told)
		return 0;
	if (status != LUA_OK)
		change_tell(c);
	/* What is needed for that, there may be when garbage was collected. */
	if (turn_back(c) != 0) {
		lua_pop(W, 1);
		if (turn_back(c) != 0) {
			engine_report_puts(c->report, still, sizeof still - 1);
			engine_report_top(W, c->report, 0);
			return 1;
		}
	}
	/* One that was in force in part leaves as a whole, later. */
	if (!r->group)
		change_rollback(c, r->serial);
	change_remove_new_records(c);
	c->report->replaced = c->report->running = 0;
	return -1;
}
