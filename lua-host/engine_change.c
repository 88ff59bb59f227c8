/*
 * One step from the updates in force to another list of them.
 *
 * A step goes in an order in which everything that can fail comes before
 * everything that is seen:
 *
 *	run	each text that is to be in force anew, in a thread of its own
 *		and under the budget; they queue what they want
 *	plan	undo the old pairs in a view of the program, from the top down,
 *		then work out each queue in that view, from the bottom up
 *	walk	look for every reference that the view shows changed
 *	commit	change them, once
 *	after	the functions that the update wants to be run then; if one
 *		fails, a second walk turns all of it back
 *
 * So an update that goes down and comes up again is never seen to be gone,
 * and one that fails has changed nothing (but what plain code did by hand).
 * A text that is run again sees the program as it is, not as it will be.
 */

#include "lua-host/engine_impl.h"
#include "lua-host/swap.h"
#include "lua-host/swapproto.h"
#include "lua-host/walk.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

/* One entry that is worked out in this step. */
struct run {
	struct engine_entry *entry;
	int group; /* what of it is due, beside what is in force of it */
	int again; /* it was in force before: another update changes below */
	lua_Integer serial;
	int used_api;
	size_t npending; /* actions that wait from now on */
	struct walkset protos;
	struct swap_plan plan;
};

struct change {
	struct engine *e;
	struct engine_report *report;
	const struct engine_step *step;
	struct engine_entry *fresh; /* the one that the report is about */
	struct engine_entry **next; /* the list as it is to be */
	size_t nnext;
	size_t low; /* what lies from here on in the old list is undone */
	struct run *runs;
	size_t nruns;
	const struct run *at; /* the one that is being worked out */
	enum engine_result failure;
	int told;    /* the report has the reason */
	int nothing; /* nothing was due */
	int plain_gone;
	int collector_ran;
	struct swapmap view; /* the program as it is to be */
	struct swapmap map;  /* by which it is changed */
	struct swap_joins joins;
	struct places places;
	struct walk walk;
	struct buf said; /* the report, while functions run afterwards */
	/* Stack indices of W: the engine's table, the records in it, the
	 * function that wraps; tables with an element for each run: its main
	 * functions, its queue, new pairs, their names, new instances, their
	 * counts, what it set. */
	int own, records, wrap, mains, queues, pairs, labels, instances, counts,
	    notes;
};

/* In the table ENGINE_CHANGE, until the step is over. The view's table keeps
 * instances that nobody else has while the step may be turned back. */
enum {
	KEPT_PAIRS = 1,
	KEPT_INSTANCES,
	KEPT_PLACES,
	KEPT_VIEW,
	KEPT_SLOTS = KEPT_VIEW
};

/* --- small things -----------------------------------------------------------
 */

/* Added to messages about an update that was not asked for by name. */
static const char *
again(const struct run *r)
{
	return r->again ? " (applied again)" : "";
}

/* 1 when the entry is in the list that is to be. */
static int
stays(const struct change *c, const struct engine_entry *en)
{
	size_t i;

	for (i = 0; i < c->nnext; i++)
		if (c->next[i] == en)
			return 1;
	return 0;
}

/* 1 for what the report is about, and for its first text. */
static int
is_fresh(const struct change *c, const struct engine_entry *en)
{
	return en == c->fresh ||
	       (c->fresh != NULL && en->below && en->id == c->fresh->id);
}

/* Push table[key], which is a table. */
static void
push_sub(lua_State *W, int table, lua_Integer key)
{
	lua_rawgeti(W, table, key);
}

static const char *
push_text_field(lua_State *W, int action, const char *field)
{
	lua_getfield(W, action, field);
	return lua_tostring(W, -1);
}

/* --- run ------------------------------------------------------------------ */

/* Run the text of runs[i], keep its main function and queue. 0, or -1 with
 * the reason in the report. */
static int
run_text(lua_State *W, struct change *c, size_t i)
{
	struct engine *e = c->e;
	struct run *r = &c->runs[i];
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
		lua_pushfstring(W, "%s%s", en->name, again(r));
		engine_report_top(W, c->report, 0);
	}
	lua_settop(W, top);
	return -1;
}

/* A group that is due needs no text run: it was queued when it came. */
static void
take_group(lua_State *W, struct change *c, size_t i)
{
	struct run *r = &c->runs[i];
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

/* --- plan -------------------------------------------------------------------
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

/* Lay the pairs in the two tables on the top, or their inverse; they are
 * taken. */
static void
lay(lua_State *W, struct change *c, int undo)
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

static void
push_pairs(lua_State *W, const struct engine *e, lua_Integer serial)
{
	engine_push_record(W, e, serial, RECORD_PAIRS);
	engine_push_record(W, e, serial, RECORD_INSTANCES);
}

static void
undo_entry(lua_State *W, struct change *c, const struct engine_entry *en)
{
	lua_Integer changed;

	if (en->serial == 0)
		return;
	/* Its functions first: what it set may have been one of them, or one
	 * that it replaced. */
	push_pairs(W, c->e, en->serial);
	lay(W, c, 1);
	engine_push_record(W, c->e, en->serial, RECORD_NOTES);
	changed = (lua_Integer)places_undo(W, &c->places, lua_gettop(W));
	lua_pop(W, 1);
	if (changed > 0 && !stays(c, en)) {
		lua_pushfstring(W,
		    "%s: %I value%s that it set %s changed since and stay%s",
		    en->name, changed, changed == 1 ? "" : "s",
		    changed == 1 ? "was" : "were", changed == 1 ? "s" : "");
		engine_report_top(W, c->report, 0);
	}
}

/* 1 when the action on the top is for now. */
static int
is_due(lua_State *W, const struct run *r)
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
keep_due(lua_State *W, struct change *c, const struct run *r)
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
sort_queue(lua_State *W, struct change *c, struct run *r, int record, int queue)
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

/* A weak table: its keys go when nothing else holds them. */
static void
push_weak(lua_State *W)
{
	lua_newtable(W);
	lua_createtable(W, 0, 1);
	lua_pushliteral(W, "k");
	lua_setfield(W, -2, "__mode");
	lua_setmetatable(W, -2);
}

static void
new_record(lua_State *W)
{
	int i, record;

	lua_createtable(W, RECORD_SLOTS, 0);
	record = lua_gettop(W);
	for (i = 1; i <= RECORD_SLOTS; i++) {
		if (i == RECORD_INSTANCES)
			push_weak(W);
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

/* What the record at index record has of its own, and that of the tables made
 * for this run: the new record of the entry. */
static void
add_to_record(lua_State *W, struct change *c, size_t i, int record)
{
	static const enum engine_record lists[] = {
	    RECORD_PAIRS, RECORD_INSTANCES, RECORD_NOTES};
	const int from[] = {c->pairs, c->instances, c->notes};
	int top = lua_gettop(W);
	size_t k;

	for (k = 0; k < sizeof lists / sizeof *lists; k++) {
		lua_rawgeti(W, record, lists[k]);
		push_sub(W, from[k], (lua_Integer)(i + 1));
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

/* The record of an entry of which a group is due begins as a copy. */
static void
copy_record(lua_State *W, struct change *c, lua_Integer serial, int record)
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

/* What of an update's variables is the program's, while actions of it wait. */
static void
note_joins(lua_State *W, struct change *c, size_t first, int record)
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

static void
go_on(lua_State *W, struct change *c, struct run *r)
{
	int top = lua_gettop(W);

	push_pairs(W, c->e, r->entry->serial);
	engine_push_record(W, c->e, r->entry->serial, RECORD_JOINED);
	swap_go_on(W, &r->plan, top + 1, top + 2, top + 3);
	lua_settop(W, top);
}

static void
plan_run(lua_State *W, struct change *c, size_t i)
{
	struct run *r = &c->runs[i];
	int top = lua_gettop(W), record = top + 1, queue = top + 2;
	const int per_run[] = {
	    c->pairs, c->labels, c->instances, c->counts, c->notes};
	size_t k, njoins = c->joins.len;

	c->at = r;
	new_record(W);
	push_sub(W, c->queues, (lua_Integer)(i + 1));
	if (r->group)
		copy_record(W, c, r->entry->serial, record);
	sort_queue(W, c, r, record, queue);
	for (k = 0; k < sizeof per_run / sizeof *per_run; k++) {
		if (per_run[k] == c->instances)
			push_weak(W);
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
	add_to_record(W, c, i, record);
	if (r->npending > 0)
		note_joins(W, c, njoins, record);
	if (r->npending > 0 && !r->group) {
		lua_rawgeti(W, record, RECORD_MAINS);
		lua_rawgeti(W, c->mains, (lua_Integer)(i + 1));
		lua_rawseti(W, -2, 1);
	}
	lua_settop(W, record);
	lua_rawseti(W, c->records, r->serial);
	lua_settop(W, top);
	push_sub(W, c->pairs, (lua_Integer)(i + 1));
	push_sub(W, c->instances, (lua_Integer)(i + 1));
	lay(W, c, 0);
}

/* --- walk -------------------------------------------------------------------
 */

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

static void
collect(lua_State *W, struct change *c)
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
	c->walk.way = c->e->way;
	c->walk.map = &c->map;
	c->walk.joins = c->joins.joins;
	c->walk.join_index = &c->joins.index;
	c->walk.joins_table = c->joins.table;
	walk_collect(W, &c->walk);
}

/* --- the report -------------------------------------------------------------
 */

/* Sum up, for one new function or (NULL) for all. */
static void
count(const struct change *c, const void *to, size_t *changed, size_t *running)
{
	size_t i;

	for (i = 0; i < c->map.len; i++)
		if (to == NULL || c->map.to[i] == to) {
			*changed += c->walk.changed[i];
			*running += c->walk.running[i];
		}
}

static const char *
s_if_many(size_t n)
{
	return n == 1 ? "" : "s";
}

static void
report_running(lua_State *W, struct change *c, const char *label, size_t n)
{
	if (n == 0)
		return;
	lua_pushfstring(W, "%s: %I call%s still running the old code", label,
	    (lua_Integer)n, s_if_many(n));
	engine_report_top(W, c->report, 0);
}

static void
report_pairs(lua_State *W, struct change *c, size_t run)
{
	lua_Integer i, n = (lua_Integer)c->runs[run].plan.npairs;
	size_t changed, running;
	int top = lua_gettop(W);
	const char *label;

	push_sub(W, c->labels, (lua_Integer)(run + 1));
	push_sub(W, c->pairs, (lua_Integer)(run + 1));
	/* Each line counts over all pairs: not for what nobody will read. */
	for (i = 1; i <= n && !engine_report_is_full(c->report); i++) {
		lua_rawgeti(W, top + 1, i);
		label = lua_tostring(W, -1);
		lua_rawgeti(W, top + 2, 2 * i);
		changed = running = 0;
		count(c, lua_topointer(W, -1), &changed, &running);
		lua_pushfstring(W, "%s: replaced, %I reference%s", label,
		    (lua_Integer)changed, s_if_many(changed));
		engine_report_top(W, c->report, 0);
		report_running(W, c, label, running);
		lua_settop(W, top + 2);
	}
	lua_settop(W, top);
}

static void
report_instances(lua_State *W, struct change *c, size_t run)
{
	size_t i, n = c->runs[run].plan.ncounts, changed = 0, running = 0;
	int top = lua_gettop(W);
	lua_Integer made;

	if (n == 0)
		return;
	push_sub(W, c->counts, (lua_Integer)(run + 1));
	for (i = 0; i < n; i++) {
		lua_rawgeti(W, top + 1, (lua_Integer)(2 * i + 1));
		lua_rawgeti(W, top + 1, (lua_Integer)(2 * i + 2));
		made = lua_tointeger(W, -1);
		lua_pushfstring(W, "%s: %I instance%s replaced",
		    lua_tostring(W, -2), made, s_if_many((size_t)made));
		engine_report_top(W, c->report, 0);
		lua_settop(W, top + 1);
	}
	push_sub(W, c->instances, (lua_Integer)(run + 1));
	for (lua_pushnil(W); lua_next(W, top + 2); lua_pop(W, 1))
		count(c, lua_topointer(W, -2), &changed, &running);
	report_running(W, c, "instances", running);
	lua_settop(W, top);
}

/* The events that are waited for, each once. */
static void
report_waiting(lua_State *W, struct change *c, const struct run *r)
{
	int top = lua_gettop(W);
	lua_Integer i, k, n;

	lua_rawgeti(W, c->records, r->serial);
	lua_rawgeti(W, -1, RECORD_PENDING);
	n = (lua_Integer)lua_rawlen(W, -1);
	for (i = 1; i <= n; i++) {
		lua_rawgeti(W, top + 2, i);
		lua_getfield(W, -1, "on");
		for (k = 1; k < i; k++) {
			lua_rawgeti(W, top + 2, k);
			lua_getfield(W, -1, "on");
			if (lua_rawequal(W, -1, top + 4))
				break;
			lua_settop(W, top + 4);
		}
		if (k == i) {
			lua_pushfstring(W, "%s: waits for the event %s",
			    r->entry->name, lua_tostring(W, top + 4));
			engine_report_top(W, c->report, 0);
		}
		lua_settop(W, top + 2);
	}
	lua_settop(W, top);
}

static const char *
fate(const struct change *c, const struct engine_entry *en)
{
	if (stays(c, en))
		return "applied again";
	if (en->plain)
		return "gone, but what it did by hand stays";
	if (c->fresh != NULL && c->fresh->id == en->id)
		return "the text before is taken back";
	return c->fresh != NULL ? "superseded" : "taken back";
}

/* What is going to be done. */
static void
write_report(lua_State *W, struct change *c)
{
	const struct engine *e = c->e;
	const struct engine_entry *en;
	size_t i;

	count(c, NULL, &c->report->replaced, &c->report->running);
	for (i = 0; i < c->nruns; i++) {
		if (!is_fresh(c, c->runs[i].entry))
			continue;
		report_pairs(W, c, i);
		report_instances(W, c, i);
		engine_report_puts(c->report,
		    (const char *)c->runs[i].plan.notes.data,
		    c->runs[i].plan.notes.len);
		report_waiting(W, c, &c->runs[i]);
	}
	for (i = 0; i < e->len; i++) {
		en = e->entries[i];
		if (en->below ||
		    ((i < c->low || en->plain || en->event != NULL) &&
			stays(c, en)))
			continue;
		lua_pushfstring(W, "%s: %s", en->name, fate(c, en));
		engine_report_top(W, c->report, 0);
	}
}

/* --- the body ---------------------------------------------------------------
 */

/* All that needs Lua, protected. Without an error: done, or c->told. */
static int
change_body(lua_State *W)
{
	struct change *c = lua_touserdata(W, 1);
	struct engine *e = c->e;
	uint64_t refusals;
	size_t i;
	int k;

	luaL_checkstack(W, 60, NULL);
	engine_push_table(W, e);
	lua_rawgeti(W, -1, ENGINE_RECORDS);
	lua_rawgeti(W, -2, ENGINE_WRAP);
	c->own = 2;
	c->records = 3;
	c->wrap = 4;
	for (k = 0; k < 11; k++)
		lua_newtable(W);
	c->mains = 5;
	c->queues = 6;
	c->pairs = 7;
	c->labels = 8;
	c->instances = 9;
	c->counts = 10;
	c->notes = 11;
	c->view.table = 12;
	c->map.table = 13;
	c->joins.table = 14;
	c->places.table = 15;
	c->places.view = &c->view;
	c->view.data = &c->places;
	/* What is needed when it has to be turned back. */
	lua_createtable(W, KEPT_SLOTS, 0);
	for (k = 0; k < KEPT_SLOTS; k++) {
		const int kept[] = {
		    c->pairs, c->instances, c->places.table, c->view.table};

		lua_pushvalue(W, kept[k]);
		lua_rawseti(W, -2, k + 1);
	}
	lua_rawseti(W, c->own, ENGINE_CHANGE);
	for (i = 0; i < c->nruns; i++) {
		if (c->runs[i].group)
			take_group(W, c, i);
		else if (run_text(W, c, i) != 0)
			return 0;
	}

	/* From here on no code of the program may come in between, that is
	 * no finalizer; so the garbage waits. */
	c->collector_ran = lua_gc(W, LUA_GCISRUNNING) > 0;
	lua_gc(W, LUA_GCSTOP);
	refusals = state_refusals(e->state);
	for (i = e->len; i > c->low; i--)
		undo_entry(W, c, e->entries[i - 1]);
	for (i = 0; i < c->nruns; i++)
		plan_run(W, c, i);
	c->at = NULL;
	/* Nobody looks before all of it is done. */
	places_add(W, &c->places);
	if (c->map.len > 0)
		collect(W, c);
	write_report(W, c);
	/* Memory ran out, garbage was collected in spite of all, and then it
	 * sufficed: objects may have gone and others come under the walk. */
	if (state_refusals(e->state) != refusals)
		luaL_error(W, "not enough memory");
	walk_commit(W, &c->walk);
	places_write(W, &c->places);
	return 0;
}

/* The error on W's stack becomes the report. */
static void
tell(struct change *c)
{
	lua_State *W = c->e->W;
	struct buf line = BUF_INIT;
	const char *msg;
	size_t len;

	if (c->told) { /* by who raised it */
		lua_pop(W, 1);
		return;
	}
	buf_reset(&c->report->text);
	if (c->at != NULL) {
		buf_puts(&line, c->at->entry->name);
		buf_puts(&line, again(c->at));
		buf_puts(&line, ": ");
	}
	/* Errors of Lua's and of ours are strings. */
	msg = lua_tolstring(W, -1, &len);
	if (msg != NULL)
		buf_append(&line, msg, len);
	if (!line.oom)
		engine_report_line(c->report, (const char *)line.data, line.len,
		    0);
	buf_free(&line);
	lua_pop(W, 1);
}

/* Take records out; raises nothing, since they are there. */
static void
remove_record(struct engine *e, lua_Integer serial)
{
	lua_State *W = e->W;

	engine_push_table(W, e);
	lua_rawgeti(W, -1, ENGINE_RECORDS);
	lua_pushnil(W);
	lua_rawseti(W, -2, serial);
	lua_pop(W, 2);
}

static void
remove_new_records(struct change *c)
{
	size_t i;

	for (i = 0; i < c->nruns; i++)
		remove_record(c->e, c->runs[i].serial);
}

/* The program's code may run again. */
static void
wake_collector(struct change *c)
{
	if (c->collector_ran)
		lua_gc(c->e->W, LUA_GCRESTART);
	c->collector_ran = 0;
}

/* How many functions the record has for afterwards. */
static size_t
count_functions(struct change *c, lua_Integer serial, enum engine_record which)
{
	lua_State *W = c->e->W;
	size_t n;

	engine_push_record(W, c->e, serial, which);
	n = lua_rawlen(W, -1);
	lua_pop(W, 1);
	return n;
}

/* Push a table of the step that is under way; NULL: it came not so far. */
static int
push_kept(struct change *c, int which)
{
	lua_State *W = c->e->W;

	engine_push_table(W, c->e);
	lua_rawgeti(W, -1, ENGINE_CHANGE);
	lua_remove(W, -2);
	if (!lua_istable(W, -1))
		return 0;
	lua_rawgeti(W, -1, which);
	lua_remove(W, -2);
	return 1;
}

static void
drop_kept(struct change *c)
{
	lua_State *W = c->e->W;

	engine_push_table(W, c->e);
	lua_pushboolean(W, 0);
	lua_rawseti(W, -2, ENGINE_CHANGE);
	lua_pop(W, 1);
}

/* Run the body. 0 when it is done; -1 when nothing is. */
static int
carry_out(struct change *c)
{
	struct engine *e = c->e;
	lua_State *W = e->W;
	int status, top = lua_gettop(W);

	lua_pushcfunction(W, change_body);
	lua_pushlightuserdata(W, c);
	status = lua_pcall(W, 1, 0, 0);
	if (status == LUA_OK && !c->told)
		return 0;
	if (status != LUA_OK) {
		if (c->failure != ENGINE_HUNG)
			c->failure = ENGINE_FAILED;
		tell(c);
	}
	/* Fields that were made before it was known to work. */
	if (push_kept(c, KEPT_PLACES)) {
		c->places.table = top + 1;
		places_remove(W, &c->places);
	}
	lua_settop(W, top);
	remove_new_records(c);
	c->report->replaced = c->report->running = 0;
	return -1;
}

/* --- after ------------------------------------------------------------------
 */

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

static const struct run *
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
	const struct run *r = run_of_fresh(c);

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

/* The functions that are run when the entry of this record is taken back. What
 * goes wrong is told, and changes nothing. */
static void
run_rollback(struct change *c, lua_Integer serial)
{
	struct rollback rb = {c, serial};
	enum engine_result failure = c->failure;
	lua_State *W = c->e->W;

	if (count_functions(c, serial, RECORD_ROLLBACK) == 0)
		return;
	wake_collector(c);
	lua_pushcfunction(W, rollback_body);
	lua_pushlightuserdata(W, &rb);
	if (lua_pcall(W, 1, 0, 0) != LUA_OK)
		engine_report_top(W, c->report, 0);
	c->failure = failure;
}

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
	push_kept(c, KEPT_PAIRS);
	push_kept(c, KEPT_INSTANCES);
	push_kept(c, KEPT_PLACES);
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
		push_sub(W, pairs, (lua_Integer)i);
		push_sub(W, instances, (lua_Integer)i);
		lay(W, c, 1);
	}
	for (i = c->low; i < e->len; i++) {
		if (e->entries[i]->serial == 0)
			continue;
		push_pairs(W, e, e->entries[i]->serial);
		lay(W, c, 0);
	}
	for (k = pairs; k <= c->places.table; k++)
		walk_skip(W, &c->walk, k);
	for (k = pairs; k <= instances; k++)
		for (lua_pushnil(W); lua_next(W, k); lua_pop(W, 1))
			walk_skip(W, &c->walk, lua_gettop(W));
	if (c->map.len > 0)
		collect(W, c);
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
	wake_collector(&back);
	c->places = back.places;
	c->places.view = &c->view;
	swapmap_free(&back.view);
	swapmap_free(&back.map);
	walk_free(&back.walk);
	return result;
}

/* The functions that the fresh update wants to be run once it is in force. 0;
 * -1: one failed, and nothing is changed any more; 1: one failed, and all of
 * it had to stay. */
static int
run_after(struct change *c)
{
	static const char still[] = "it stays in force, since: ";
	lua_State *W = c->e->W;
	const struct run *r = run_of_fresh(c);
	int status;

	/* Those of an update that still waits in part come with the rest. */
	if (r == NULL || r->npending > 0 ||
	    count_functions(c, r->serial, RECORD_AFTER) == 0)
		return 0;
	wake_collector(c);
	lua_pushcfunction(W, after_body);
	lua_pushlightuserdata(W, c);
	status = lua_pcall(W, 1, 0, 0);
	buf_free(&c->said);
	if (status == LUA_OK && !c->told)
		return 0;
	if (status != LUA_OK)
		tell(c);
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
		run_rollback(c, r->serial);
	remove_new_records(c);
	c->report->replaced = c->report->running = 0;
	return -1;
}

/* --- a step -----------------------------------------------------------------
 */

static int
is_in(uint64_t id, const uint64_t *ids, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

static void
add_run(struct change *c, struct engine_entry *en, int group, int again)
{
	struct run *r = &c->runs[c->nruns++];

	r->entry = en;
	r->group = group;
	r->again = again;
	r->serial = ++c->e->last_serial;
	swap_init(&r->plan);
}

/* The list without what is dropped, with what enters. What only waits, as a
 * whole, comes and goes without a change of anything: *low is the lowest id
 * from which on the program changes. */
static void
make_list(struct change *c, uint64_t *low)
{
	struct engine *e = c->e;
	const struct engine_step *step = c->step;
	const struct engine_entry *enters = step->enters;
	size_t i, at = enters != NULL ? engine_place_of(e, enters->id) : e->len;
	struct engine_entry *en;

	*low =
	    enters != NULL && enters->event == NULL ? enters->id : UINT64_MAX;
	for (i = 0; i <= e->len; i++) {
		if (i == at && step->below != NULL)
			c->next[c->nnext++] = step->below;
		if (i == at && enters != NULL)
			c->next[c->nnext++] = step->enters;
		if (i == e->len)
			break;
		en = e->entries[i];
		if (is_in(en->id, step->drop, step->ndrop) ||
		    (enters != NULL && en->id == enters->id)) {
			c->plain_gone |= en->plain;
			if (en->event == NULL && en->id < *low)
				*low = en->id;
		} else {
			c->next[c->nnext++] = en;
		}
	}
}

/* 0, or -1: out of memory. */
static int
make_lists(struct change *c)
{
	struct engine *e = c->e;
	struct engine_entry *release = c->step->release, *en;
	uint64_t low;
	size_t i;

	/* Two texts may enter. */
	c->next = malloc((e->len + 2) * sizeof(struct engine_entry *));
	c->runs = calloc(e->len + 2, sizeof *c->runs);
	if (c->next == NULL || c->runs == NULL)
		return -1;
	c->fresh = release != NULL ? release : c->step->enters;
	make_list(c, &low);
	if (release != NULL) {
		low = release->id;
		/* A group comes on top of what is in force of its update. */
		if (release->event == NULL) {
			add_run(c, release, 1, 0);
			low++;
		}
	}
	c->low = engine_place_of(e, low);
	for (i = 0; i < c->nnext; i++) {
		en = c->next[i];
		if (en->id < low ||
		    (is_fresh(c, en) && en->event != NULL && release == NULL))
			continue;
		if (!is_fresh(c, en) && (en->plain || en->event != NULL))
			continue;
		add_run(c, en, 0, en->serial != 0);
	}
	return 0;
}

/* The events of what is due have come, also for a later re-application. Told
 * first, since it needs memory. 0 or -1. */
static int
note_fired(struct change *c)
{
	struct engine_entry *en = c->step->release;
	lua_State *W = c->e->W;
	lua_Integer i, n;
	int top = lua_gettop(W), due = 0, result = 0;

	if (en == NULL || en->event != NULL)
		return 0;
	engine_push_record(W, c->e, en->serial, RECORD_PENDING);
	n = (lua_Integer)lua_rawlen(W, -1);
	for (i = 1; i <= n && result == 0; i++) {
		lua_rawgeti(W, top + 1, i);
		lua_pushliteral(W, "due");
		lua_rawget(W, -2);
		if (lua_toboolean(W, -1)) {
			due = 1;
			lua_pushliteral(W, "on");
			lua_rawget(W, -3);
			result = engine_entry_fired(en, lua_tostring(W, -1));
		}
		lua_settop(W, top + 1);
	}
	lua_settop(W, top);
	c->nothing = !due;
	return result;
}

/* The list that was to be is the list. */
static void
take_over(struct change *c)
{
	struct engine *e = c->e;
	struct engine_entry *en;
	size_t i;

	for (i = 0; i < c->nruns; i++) {
		en = c->runs[i].entry;
		if (en->serial != 0)
			remove_record(e, en->serial);
		en->serial = c->runs[i].serial;
		en->plain = !c->runs[i].used_api;
		en->npending = c->runs[i].npending;
		free(en->event);
		en->event = NULL;
	}
	for (i = 0; i < e->len; i++)
		if (!stays(c, e->entries[i])) {
			if (e->entries[i]->serial != 0) {
				run_rollback(c, e->entries[i]->serial);
				remove_record(e, e->entries[i]->serial);
			}
			engine_entry_free(e->entries[i]);
		}
	free(e->entries);
	e->entries = c->next;
	e->len = c->nnext;
	c->next = NULL;
}

static void
change_free(struct change *c)
{
	size_t i;

	for (i = 0; i < c->nruns; i++) {
		walkset_free(&c->runs[i].protos);
		swap_free(&c->runs[i].plan);
	}
	free(c->runs);
	free(c->next);
	swapmap_free(&c->view);
	swapmap_free(&c->map);
	swap_joins_free(&c->joins);
	places_free(&c->places);
	walk_free(&c->walk);
}

static enum engine_result
done(const struct change *c)
{
	if (c->fresh == NULL)
		return c->plain_gone ? ENGINE_PARTIAL : ENGINE_REVERTED;
	return engine_entry_waits(c->fresh) ? ENGINE_DEFERRED : ENGINE_APPLIED;
}

enum engine_result
engine_step(struct engine *e, const struct engine_step *step,
    struct engine_report *report)
{
	static const char oom[] = "not enough memory";
	struct engine_entry *enters = step->enters, *below = step->below;
	struct engine_entry *release = step->release;
	size_t nfired = release != NULL ? release->nfired : 0;
	enum engine_result result;
	struct change c;
	int after = -1;

	memset(&c, 0, sizeof c);
	c.e = e;
	c.step = step;
	c.report = report;
	walk_init(&c.walk);
	e->busy = 1;
	if (make_lists(&c) != 0 || note_fired(&c) != 0) {
		engine_report_line(report, oom, sizeof oom - 1, 0);
		result = ENGINE_FAILED;
	} else if (c.nothing) {
		result = ENGINE_HAVE;
	} else if (carry_out(&c) == 0 && (after = run_after(&c)) >= 0) {
		take_over(&c);
		enters = below = release = NULL;
		result = after > 0 ? ENGINE_PARTIAL : done(&c);
	} else if (c.failure == ENGINE_FAILED && report->plain) {
		result = ENGINE_PARTIAL;
	} else {
		result = c.failure;
	}
	if (release != NULL)
		engine_entry_unfire(release, nfired);
	drop_kept(&c);
	e->busy = 0;
	wake_collector(&c);
	change_free(&c);
	engine_entry_free(enters);
	engine_entry_free(below);
	return result;
}
