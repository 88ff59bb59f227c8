/*
 * What a step tells: what it is going to do, or why it did nothing.
 */

#include "lua-host/change.h"

/* Add up what was found for all pairs. */
static void
count_all(struct change *c)
{
	size_t i;

	for (i = 0; i < c->map.len; i++) {
		c->report->replaced += c->walk.changed[i];
		c->report->running += c->walk.running[i];
	}
}

/* The same for one new function. */
static void
count(const struct change *c, const void *to, size_t *changed, size_t *running)
{
	int i = -1;

	while ((i = swapmap_next_to(&c->map, to, i)) >= 0) {
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

	lua_rawgeti(W, c->labels, (lua_Integer)(run + 1));
	lua_rawgeti(W, c->pairs, (lua_Integer)(run + 1));
	/* No lines for what nobody will read. */
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
	lua_rawgeti(W, c->counts, (lua_Integer)(run + 1));
	for (i = 0; i < n; i++) {
		lua_rawgeti(W, top + 1, (lua_Integer)(2 * i + 1));
		lua_rawgeti(W, top + 1, (lua_Integer)(2 * i + 2));
		made = lua_tointeger(W, -1);
		lua_pushfstring(W, "%s: %I instance%s replaced",
		    lua_tostring(W, -2), made, s_if_many((size_t)made));
		engine_report_top(W, c->report, 0);
		lua_settop(W, top + 1);
	}
	lua_rawgeti(W, c->instances, (lua_Integer)(run + 1));
	for (lua_pushnil(W); lua_next(W, top + 2); lua_pop(W, 1))
		count(c, lua_topointer(W, -2), &changed, &running);
	report_running(W, c, "instances", running);
	lua_settop(W, top);
}

/* The events that are waited for, each once. */
static void
report_waiting(lua_State *W, struct change *c, const struct change_run *r)
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
	if (change_stays(c, en))
		return "applied again";
	if (en->plain)
		return "gone, but what it did by hand stays";
	if (c->fresh != NULL && c->fresh->id == en->id)
		return "the text before is taken back";
	return c->fresh != NULL ? "superseded" : "taken back";
}

void
change_report(lua_State *W, struct change *c)
{
	const struct engine *e = c->e;
	const struct engine_entry *en;
	size_t i;

	count_all(c);
	for (i = 0; i < c->nruns; i++) {
		if (!change_is_fresh(c, c->runs[i].entry))
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
			change_stays(c, en)))
			continue;
		lua_pushfstring(W, "%s: %s", en->name, fate(c, en));
		engine_report_top(W, c->report, 0);
	}
}

const char *
change_again(const struct change_run *r)
{
	return r->again ? " (applied again)" : "";
}

void
change_tell(struct change *c)
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
		buf_puts(&line, change_again(c->at));
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
