/*
 * The texts of a step are run: each in a thread of its own and under the
 * budget, and what it wants is queued. Nothing of the program is changed, but
 * what plain code does by hand.
 */

#include "lua-host/change.h"
#include "lua-host/swapproto.h"
#include "base/text.h"

#include <string.h>

int
change_run_text(lua_State *W, struct change *c, size_t i)
{
	struct engine *e = c->e;
	struct change_run *r = &c->runs[i];
	const struct engine_entry *en = r->entry;
	char chunk[1 + STATE_CHUNK_NAME + 1] = "=";
	struct buf error = BUF_INIT;
	enum state_over over;
	lua_State *U;
	int failed, nargs = 0, top = lua_gettop(W);

	c->at = r;
	text_escape(chunk + 1, sizeof chunk - 1, en->name, strlen(en->name), 0);
	U = lua_newthread(W);
	lua_newtable(W);
	lua_pushvalue(W, -1);
	lua_rawseti(W, c->queues, (lua_Integer)(i + 1));
	lua_rawseti(W, c->own, ENGINE_QUEUE);

	/* No Lua error passes from here until the budget has ended. */
	state_begin_budget(e->state, U, &e->limits);
	failed =
	    en->modules == NULL && state_load_up_to(e->state, U, en->text,
				       en->len, ENGINE_TEXT_MAX, chunk) != 0;
	if (en->modules != NULL)
		lua_pushcfunction(U, engine_run_modules);
	lua_pushvalue(U, -1);
	lua_xmove(U, W, 1);
	if (en->modules != NULL) {
		lua_pushlightuserdata(U, e);
		lua_pushlightuserdata(U, r->entry);
		nargs = 2;
	}
	if (!failed) {
		e->loading = 1;
		e->used_api = 0;
		failed = state_call(e->state, U, nargs, 0, &error) != 0;
		e->loading = 0;
		r->used_api = e->used_api;
		if (r->entry == c->fresh)
			c->report->plain = !r->used_api;
	}
	over = state_end_budget(e->state);
	engine_report_puts(c->report, (const char *)error.data, error.len);
	buf_free(&error);

	if (!failed && over == STATE_WITHIN) {
		/* Modules have functions of their own (swap_plan_module). */
		if (en->modules == NULL)
			swapproto_collect(W, lua_gettop(W), &r->protos);
		lua_rawseti(W, c->mains, (lua_Integer)(i + 1));
		lua_settop(W, top);
		return 0;
	}
	c->told = 1;
	c->failure = over != STATE_WITHIN ? ENGINE_HUNG : ENGINE_FAILED;
	if (lua_type(W, -1) == LUA_TSTRING) /* it did not load */
		engine_report_top(W, c->report, 1);
	else if (failed)
		engine_report_puts(c->report, "\n", 1);
	if (over != STATE_WITHIN)
		engine_report_over(c->report, e->state, over);
	if (r->entry != c->fresh) {
		lua_pushfstring(W, "%s%s", en->name, change_again(r));
		engine_report_top(W, c->report, 0);
	}
	lua_settop(W, top);
	return -1;
}

void
change_take_group(lua_State *W, struct change *c, size_t i)
{
	struct change_run *r = &c->runs[i];
	int top = lua_gettop(W);
	lua_Integer k, n;

	r->used_api = 1;
	engine_push_record(W, c->e, r->entry->serial, RECORD_PENDING);
	lua_rawseti(W, c->queues, (lua_Integer)(i + 1));
	engine_push_record(W, c->e, r->entry->serial, RECORD_MAINS);
	n = (lua_Integer)lua_rawlen(W, -1);
	for (k = 1; k <= n; k++) {
		lua_rawgeti(W, top + 1, k);
		swapproto_collect(W, top + 2, &r->protos);
		lua_pop(W, 1);
	}
	lua_settop(W, top);
}
