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

#include "lua-host/change.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

/* --- for all of a step -----------------------------------------------------
 */

int
change_stays(const struct change *c, const struct engine_entry *en)
{
	size_t i;

	for (i = 0; i < c->nnext; i++)
		if (c->next[i] == en)
			return 1;
	return 0;
}

int
change_is_fresh(const struct change *c, const struct engine_entry *en)
{
	return en == c->fresh ||
	       (c->fresh != NULL && en->below && en->id == c->fresh->id);
}

int
change_push_kept(struct change *c, int which)
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

void
change_wake_collector(struct change *c)
{
	if (c->collector_ran)
		lua_gc(c->e->W, LUA_GCRESTART);
	c->collector_ran = 0;
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
			change_take_group(W, c, i);
		else if (change_run_text(W, c, i) != 0)
			return 0;
	}

	/* From here on no code of the program may come in between, that is
	 * no finalizer; so the garbage waits. */
	c->collector_ran = lua_gc(W, LUA_GCISRUNNING) > 0;
	lua_gc(W, LUA_GCSTOP);
	refusals = state_refusals(e->state);
	for (i = e->len; i > c->low; i--)
		change_undo(W, c, e->entries[i - 1]);
	for (i = 0; i < c->nruns; i++)
		change_plan(W, c, i);
	c->at = NULL;
	/* Nobody looks before all of it is done. */
	places_add(W, &c->places);
	if (c->map.len > 0)
		change_collect(W, c);
	change_report(W, c);
	/* Memory ran out, garbage was collected in spite of all, and then it
	 * sufficed: objects may have gone and others come under the walk. */
	if (state_refusals(e->state) != refusals)
		luaL_error(W, "not enough memory");
	walk_commit(W, &c->walk);
	places_write(W, &c->places);
	return 0;
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
		change_tell(c);
	}
	/* Fields that were made before it was known to work. */
	if (change_push_kept(c, KEPT_PLACES)) {
		c->places.table = top + 1;
		places_remove(W, &c->places);
	}
	lua_settop(W, top);
	change_remove_new_records(c);
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
	struct change_run *r = &c->runs[c->nruns++];

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
		if (en->id < low || (change_is_fresh(c, en) &&
					en->event != NULL && release == NULL))
			continue;
		if (!change_is_fresh(c, en) && (en->plain || en->event != NULL))
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
			change_remove_record(e, en->serial);
		en->serial = c->runs[i].serial;
		en->plain = !c->runs[i].used_api;
		en->npending = c->runs[i].npending;
		free(en->event);
		en->event = NULL;
	}
	for (i = 0; i < e->len; i++)
		if (!change_stays(c, e->entries[i])) {
			if (e->entries[i]->serial != 0) {
				change_rollback(c, e->entries[i]->serial);
				change_remove_record(e, e->entries[i]->serial);
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
	} else if (carry_out(&c) == 0 && (after = change_after(&c)) >= 0) {
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
	engine_end_survey(e);
	e->busy = 0;
	change_wake_collector(&c);
	change_free(&c);
	engine_entry_free(enters);
	engine_entry_free(below);
	return result;
}
