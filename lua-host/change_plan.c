/*
 * What a step is to change, worked out in a view of the program: the pairs of
 * what goes are laid the other way round, and each queue is planned on top.
 */

#include "lua-host/change.h"
#include "lua-host/swap.h"

#include <string.h>

#include <lauxlib.h>

/* --- pairs ----------------------------------------------------------------
 */

/*
 * Lay the pair of the functions at old and new, or its inverse.
 *
 * A hook that comes, or goes, calls what it was made around: that variable is
 * not looked at, though it holds a function that others see replaced. (A hook
 * that stays has nothing replaced below it, but by who names its upvalue.)
 */
static void
lay_pair(lua_State *W, struct change *c, int old, int new, int undo)
{
	int n = swap_hook_original(W, c->wrap, new), top = lua_gettop(W);

	swapmap_add(W, &c->view, undo ? new : old, undo ? old : new);
	if (n > 0) {
		walk_skip_variable(W, &c->walk, new, n);
		lua_getupvalue(W, new, n);
	}
	if (n > 0 && undo)
		swapmap_hold(W, &c->map, top + 1);
	if (n > 0 && !undo)
		swapmap_add_hook(W, &c->map, old, new);
	else
		swapmap_add(W, &c->map, undo ? new : old, undo ? old : new);
	lua_settop(W, top);
}

void
change_lay(lua_State *W, struct change *c, int undo)
{
	int instances = lua_gettop(W), pairs = instances - 1;
	lua_Integer i, n = (lua_Integer)lua_rawlen(W, pairs);

	for (i = 1; i < n; i += 2) {
		lua_rawgeti(W, pairs, i);
		lua_rawgeti(W, pairs, i + 1);
		lay_pair(W, c, instances + 1, instances + 2, undo);
		lua_settop(W, instances);
	}
	for (lua_pushnil(W); lua_next(W, instances); lua_pop(W, 1))
		lay_pair(W, c, instances + 2, instances + 1, undo);
	lua_settop(W, pairs - 1);
}

void
change_undo(lua_State *W, struct change *c, const struct engine_entry *en)
{
	lua_Integer changed;

	if (en->serial == 0)
		return;
	/* Its functions first: what it set may have been one of them, or one
	 * that it replaced. */
	change_push_pairs(W, c->e, en->serial);
	change_lay(W, c, 1);
	engine_push_record(W, c->e, en->serial, RECORD_NOTES);
	changed = (lua_Integer)places_undo(W, &c->places, lua_gettop(W));
	lua_pop(W, 1);
	if (changed > 0 && !change_stays(c, en)) {
		lua_pushfstring(W,
		    "%s: %I value%s that it set %s changed since and stay%s",
		    en->name, changed, changed == 1 ? "" : "s",
		    changed == 1 ? "was" : "were", changed == 1 ? "s" : "");
		engine_report_top(W, c->report, 0);
	}
}

/* --- the queue ------------------------------------------------------------
 */

static const char *
push_text_field(lua_State *W, int action, const char *field)
{
	lua_getfield(W, action, field);
	return lua_tostring(W, -1);
}

/* 1 when the action on the top is for now. */
static int
is_due(lua_State *W, const struct change_run *r)
{
	int action = lua_gettop(W), due;
	const char *on = push_text_field(W, action, "on");

	lua_getfield(W, action, "due");
	due = on == NULL || lua_toboolean(W, -1) ||
	      (!r->group && engine_entry_has_fired(r->entry, on));
	lua_settop(W, action);
	return due;
}

/* The action on the top waits, and so did one of this update's before it was
 * applied again: if the event of that one came, its owner has been told. */
static void
keep_due(lua_State *W, struct change *c, const struct change_run *r)
{
	int action = lua_gettop(W);
	lua_Integer i, n;

	lua_getfield(W, action, "on");
	engine_push_record(W, c->e, r->entry->serial, RECORD_PENDING);
	n = (lua_Integer)lua_rawlen(W, action + 2);
	for (i = 1; i <= n; i++) {
		lua_rawgeti(W, action + 2, i);
		lua_getfield(W, action + 3, "on");
		lua_getfield(W, action + 3, "due");
		if (lua_rawequal(W, action + 1, action + 4) &&
		    lua_toboolean(W, action + 5)) {
			lua_pushboolean(W, 1);
			lua_setfield(W, action, "due");
		}
		lua_settop(W, action + 2);
	}
	lua_settop(W, action);
}

/*
 * Sort the queue, which is on the top: what is planned now stays, the rest
 * goes into the record, the second from the top.
 */
static void
sort_queue(lua_State *W, struct change *c, struct change_run *r, int record,
    int queue)
{
	int top = lua_gettop(W), now = top + 1, later = top + 2;
	lua_Integer i, n = (lua_Integer)lua_rawlen(W, queue);
	const char *kind;
	int to;

	lua_newtable(W);
	lua_newtable(W);
	for (i = 1; i <= n; i++) {
		lua_rawgeti(W, queue, i);
		kind = push_text_field(W, top + 3, "kind");
		lua_pop(W, 1);
		to = now;
		if (strcmp(kind, "after") == 0 ||
		    strcmp(kind, "on_rollback") == 0) {
			lua_rawgeti(W, record,
			    *kind == 'a' ? RECORD_AFTER : RECORD_ROLLBACK);
			lua_getfield(W, top + 3, "fn");
			lua_rawseti(W, top + 4,
			    (lua_Integer)lua_rawlen(W, top + 4) + 1);
			lua_settop(W, top + 2);
			continue;
		}
		if (!is_due(W, r)) {
			if (r->entry->given_up) {
				lua_settop(W, top + 2);
				continue;
			}
			if (!r->group)
				swap_try(W, &c->view, &r->protos);
			if (r->again)
				keep_due(W, c, r);
			to = later;
			r->npending++;
		}
		lua_rawseti(W, to, (lua_Integer)lua_rawlen(W, to) + 1);
		lua_settop(W, top + 2);
	}
	lua_rawseti(W, record, RECORD_PENDING);
	lua_replace(W, queue);
}

/* --- one entry ------------------------------------------------------------
 */

/* Call the function on the top, a plan's `make`. */
static void
call_make(lua_State *W, void *arg)
{
	struct change *c = arg;
	struct buf why = BUF_INIT;
	enum state_over over;

	int failed = engine_call(c->e, W, 0, 1, &why, &over) != 0;

	/* It may have told the collector to run. */
	lua_gc(W, LUA_GCSTOP);
	if (!failed) {
		buf_free(&why);
		return;
	}
	if (over != STATE_WITHIN)
		c->failure = ENGINE_HUNG;
	engine_report_puts(c->report, (const char *)why.data, why.len);
	engine_report_puts(c->report, "\n", 1);
	buf_free(&why);
	if (over != STATE_WITHIN)
		engine_report_over(c->report, c->e->state, over);
	c->told = 1;
	luaL_error(W, "make failed");
}

static void
go_on(lua_State *W, struct change *c, struct change_run *r)
{
	int top = lua_gettop(W);

	change_push_pairs(W, c->e, r->entry->serial);
	engine_push_record(W, c->e, r->entry->serial, RECORD_JOINED);
	swap_go_on(W, &r->plan, top + 1, top + 2, top + 3);
	lua_settop(W, top);
}

void
change_plan(lua_State *W, struct change *c, size_t i)
{
	struct change_run *r = &c->runs[i];
	int top = lua_gettop(W), record = top + 1, queue = top + 2;
	const int per_run[] = {
	    c->pairs, c->labels, c->instances, c->counts, c->notes};
	size_t k, njoins = c->joins.len;

	c->at = r;
	change_new_record(W);
	lua_rawgeti(W, c->queues, (lua_Integer)(i + 1));
	if (r->group)
		change_copy_record(W, c, r->entry->serial, record);
	sort_queue(W, c, r, record, queue);
	for (k = 0; k < sizeof per_run / sizeof *per_run; k++) {
		if (per_run[k] == c->instances)
			change_push_weak(W);
		else
			lua_newtable(W);
		lua_pushvalue(W, -1);
		lua_rawseti(W, per_run[k], (lua_Integer)(i + 1));
	}
	lua_newtable(W);
	r->plan.queue = queue;
	r->plan.pairs = top + 3;
	r->plan.labels = top + 4;
	r->plan.instances = top + 5;
	r->plan.counts = top + 6;
	r->plan.notes_table = top + 7;
	r->plan.contexts_table = top + 8;
	r->plan.undone_notes = 0;
	if (r->again) {
		engine_push_record(W, c->e, r->entry->serial, RECORD_NOTES);
		r->plan.undone_notes = top + 9;
	}
	r->plan.wrap = c->wrap;
	r->plan.view = &c->view;
	r->plan.protos = &r->protos;
	r->plan.joins = &c->joins;
	r->plan.places = &c->places;
	r->plan.call = call_make;
	r->plan.call_arg = c;
	walk_skip(W, &c->walk, r->plan.contexts_table);
	if (r->group)
		go_on(W, c, r);
	swap_make(W, &r->plan);

	lua_settop(W, top + 2);
	change_add_to_record(W, c, i, record);
	if (r->npending > 0)
		change_note_joins(W, c, njoins, record);
	if (r->npending > 0 && !r->group) {
		lua_rawgeti(W, record, RECORD_MAINS);
		lua_rawgeti(W, c->mains, (lua_Integer)(i + 1));
		lua_rawseti(W, -2, 1);
	}
	lua_settop(W, record);
	lua_rawseti(W, c->records, r->serial);
	lua_settop(W, top);
	lua_rawgeti(W, c->pairs, (lua_Integer)(i + 1));
	lua_rawgeti(W, c->instances, (lua_Integer)(i + 1));
	change_lay(W, c, 0);
}
