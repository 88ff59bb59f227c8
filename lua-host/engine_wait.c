/*
 * Updates that wait for an event of the program.
 *
 * The actions of one update for one event are a group: due when the event
 * comes and the `when` of each of them agrees, installed as one. A `when` that
 * fails makes the update leave.
 */

#include "lua-host/engine_impl.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

/* Is the group of this entry due? */
struct judge {
	struct engine *e;
	const struct engine_entry *entry;
	struct engine_report *report;
	const char *event;
	lua_State *from; /* the event's arguments lie there */
	int first, n;
	int waits;   /* something of it is for this event */
	int refused; /* a when said no */
	enum engine_result failure;
	int failed;
};

/* The arguments onto W. */
static void
push_arguments(lua_State *W, const struct judge *j)
{
	int i;

	luaL_checkstack(W, j->n + 4, "too many arguments");
	if (!lua_checkstack(j->from, 1))
		luaL_error(W, "stack overflow");
	for (i = 0; i < j->n; i++) {
		lua_pushvalue(j->from, j->first + i);
		lua_xmove(j->from, W, 1);
	}
}

/* Ask the function on the top, with the event's arguments. */
static void
ask(lua_State *W, struct judge *j)
{
	static const char when[] = "when: ";
	struct buf why = BUF_INIT;
	enum state_over over;

	push_arguments(W, j);
	if (engine_call(j->e, W, j->n, 1, &why, &over) == 0) {
		j->refused |= !lua_toboolean(W, -1);
	} else {
		j->failed = 1;
		j->failure = over != STATE_WITHIN ? ENGINE_HUNG : ENGINE_FAILED;
		engine_report_puts(j->report, when, sizeof when - 1);
		engine_report_puts(j->report, (const char *)why.data, why.len);
		engine_report_puts(j->report, "\n", 1);
		if (over != STATE_WITHIN)
			engine_report_over(j->report, j->e->state, over);
	}
	buf_free(&why);
}

/* 1 when the action on the top waits for this event, and is not due yet. */
static int
is_for(lua_State *W, const struct judge *j)
{
	int action = lua_gettop(W), is;

	lua_getfield(W, action, "on");
	lua_getfield(W, action, "due");
	is = strcmp(lua_tostring(W, action + 1), j->event) == 0 &&
	     !lua_toboolean(W, action + 2);
	lua_settop(W, action);
	return is;
}

static int
judge_body(lua_State *W)
{
	struct judge *j = lua_touserdata(W, 1);
	lua_Integer i, n;

	engine_push_record(W, j->e, j->entry->serial, RECORD_PENDING); /* 2 */
	n = (lua_Integer)lua_rawlen(W, 2);
	for (i = 1; i <= n && !j->failed && !j->refused; i++) {
		lua_rawgeti(W, 2, i);
		if (is_for(W, j)) {
			j->waits = 1;
			lua_getfield(W, 3, "when");
			if (!lua_isnil(W, 4))
				ask(W, j);
		}
		lua_settop(W, 2);
	}
	if (!j->waits || j->failed || j->refused)
		return 0;
	for (i = 1; i <= n; i++) {
		lua_rawgeti(W, 2, i);
		if (is_for(W, j)) {
			lua_pushboolean(W, 1);
			lua_setfield(W, 3, "due"); /* it is there, false */
		}
		lua_settop(W, 2);
	}
	return 0;
}

/* 1: due now. 0: not. -1: it failed. */
static int
judge(struct engine *e, const struct engine_entry *en, lua_State *L, int event,
    struct engine_report *report)
{
	struct judge j = {e, en, report, lua_tostring(L, event), L, event + 1,
	    lua_gettop(L) - event, 0, 0, ENGINE_FAILED, 0};

	if (en->event != NULL)
		return strcmp(en->event, j.event) == 0;
	if (en->npending == 0)
		return 0;
	e->busy = 1;
	lua_pushcfunction(e->W, judge_body);
	lua_pushlightuserdata(e->W, &j);
	if (lua_pcall(e->W, 1, 0, 0) != LUA_OK) {
		j.failed = 1;
		engine_report_top(e->W, report, 0);
	}
	e->busy = 0;
	if (j.failed)
		return j.failure == ENGINE_HUNG ? -2 : -1;
	return j.waits && !j.refused;
}

static void
settle(struct engine *e, uint64_t id, enum engine_result result,
    const struct engine_report *report)
{
	if (e->cb.settled != NULL)
		e->cb.settled(e->cb.arg, id, result, report);
}

static void
fire_one(struct engine *e, const struct engine_entry *en, lua_State *L,
    int event)
{
	struct engine_report report;
	uint64_t id = en->id;
	int due;

	engine_report_init(&report);
	due = judge(e, en, L, event, &report);
	if (due < 0)
		settle(e, id,
		    engine_leave(e, id, due == -2 ? ENGINE_HUNG : ENGINE_FAILED,
			&report),
		    &report);
	else if (due && e->cb.due != NULL)
		e->cb.due(e->cb.arg, id);
	else if (due)
		settle(e, id, engine_release(e, id, &report), &report);
	engine_report_free(&report);
}

void
engine_fire(struct engine *e, lua_State *L, int event)
{
	uint64_t last = 0;
	size_t i = 0;

	event = lua_absindex(L, event);
	while (!e->busy && i < e->len) {
		if (e->entries[i]->id > last &&
		    engine_entry_waits(e->entries[i])) {
			/* The list may be another one afterwards. */
			last = e->entries[i]->id;
			fire_one(e, e->entries[i], L, event);
			i = 0;
		} else {
			i++;
		}
	}
}
