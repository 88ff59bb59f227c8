/*
 * The updates in force, and one change of them.
 *
 * A change takes its steps in an order in which everything that can fail
 * comes before everything that is seen:
 *
 *	run	each text that is to be in force anew, in a thread of its own
 *		and under the budget; they queue what they want
 *	plan	undo the old pairs in a view of the program, from the top down,
 *		then work out each queue in that view, from the bottom up
 *	walk	look for every reference that the view shows changed
 *	commit	change them, once
 *
 * So an update that goes down and comes up again is never seen to be gone,
 * and one that fails has changed nothing (but what plain code did by hand).
 * A text that is run again sees the program as it is, not as it will be.
 */

#include "lua-host/engine_impl.h"
#include "lua-host/swap.h"
#include "lua-host/swapproto.h"
#include "lua-host/walk.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

/* Lua shows this much of a chunk's name. */
#define CHUNK_NAME_MAX 59

/* The text of one entry in this change. */
struct run {
	struct engine_entry *entry;
	lua_Integer serial;
	int used_api;
	struct walkset protos;
	struct swap_plan plan;
};

struct change {
	struct engine *e;
	struct engine_report *report;
	struct engine_entry *fresh; /* the one that enters, or NULL */
	struct engine_entry **next; /* the list as it is to be */
	size_t nnext;
	size_t low; /* where it begins to differ */
	struct run *runs;
	size_t nruns;
	const struct run *at; /* the one that is being worked out */
	enum engine_result failure;
	int told; /* the report has the reason */
	int plain_gone;
	int collector_ran;
	struct swapmap map;
	struct swap_joins joins;
	struct walk walk;
	/* Stack indices of W: the engine's table, the records in it; for each
	 * run its main function, its queue, the names of its pairs. */
	int own, records, mains, queues, labels;
};

const char *
engine_result_name(enum engine_result r)
{
	static const char *const names[] = {
	    "applied", "have", "failed", "partial", "hung", "reverted"};

	return names[r];
}

/* --- reports -------------------------------------------------------------- */

void
engine_report_init(struct engine_report *r)
{
	memset(r, 0, sizeof *r);
	buf_init(&r->text);
}

void
engine_report_free(struct engine_report *r)
{
	buf_free(&r->text);
	engine_report_init(r);
}

/* Text that is escaped already, as far as it fits. */
static void
report_puts(struct engine_report *r, const char *text, size_t len)
{
	static const char more[] = "...";
	size_t room = ENGINE_REPORT_MAX - r->text.len;

	if (len == 0 || room < sizeof more) /* or it was cut before */
		return;
	if (len <= room) {
		buf_append(&r->text, text, len);
		return;
	}
	/* Cut between characters: UTF-8 goes on with 10xxxxxx. */
	len = room - (sizeof more - 1);
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	buf_append(&r->text, text, len);
	buf_puts(&r->text, more);
}

/* keep as of text_escape: 0 for one line of ours, whatever names are in it;
 * 1 for a message of Lua's, which may have several and has escapes of its
 * own. */
static void
report_line(struct engine_report *r, const char *text, size_t len, int keep)
{
	char out[ENGINE_REPORT_MAX + 1];

	text_escape(out, sizeof out, text, len, keep);
	report_puts(r, out, strlen(out));
	report_puts(r, "\n", 1);
}

/* The line is on the top of the stack and is taken. */
static void
report_top(lua_State *L, struct engine_report *r, int keep)
{
	size_t len;
	const char *s = lua_tolstring(L, -1, &len);

	report_line(r, s, len, keep);
	lua_pop(L, 1);
}

/* --- entries -------------------------------------------------------------- */

static void
entry_free(struct engine_entry *en)
{
	if (en == NULL)
		return;
	free(en->name);
	free(en->text);
	free(en);
}

static struct engine_entry *
entry_new(uint64_t id, const char *name, const char *text, size_t len)
{
	struct engine_entry *en = calloc(1, sizeof *en);
	size_t size = strlen(name) + 1;

	if (en == NULL)
		return NULL;
	en->id = id;
	en->len = len;
	en->name = malloc(size);
	en->text = malloc(len > 0 ? len : 1);
	if (en->name == NULL || en->text == NULL) {
		entry_free(en);
		return NULL;
	}
	memcpy(en->name, name, size);
	if (len > 0)
		memcpy(en->text, text, len);
	return en;
}

void
engine_push_table(lua_State *L, const struct engine *e)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, e);
}

static int
open_engine(lua_State *L)
{
	struct engine *e = lua_touserdata(L, 1), **box;

	lua_createtable(L, ENGINE_SLOTS, 0);
	lua_newtable(L);
	lua_rawseti(L, 2, ENGINE_RECORDS);
	e->W = lua_newthread(L);
	lua_sethook(e->W, NULL, 0, 0);
	lua_rawseti(L, 2, ENGINE_THREAD);
	box = lua_newuserdatauv(L, sizeof *box, 0);
	*box = e;
	lua_pushvalue(L, -1);
	lua_rawseti(L, 2, ENGINE_BOX);
	engine_open_api(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, e);
	return 0;
}

struct engine *
engine_new(struct state *s, const struct state_limits *limits)
{
	static const struct state_limits standard = {
	    STATE_INSTRUCTIONS, STATE_WALL_NS, STATE_MEMORY};
	struct engine *e = calloc(1, sizeof *e);
	lua_State *L = state_lua(s);

	if (e == NULL)
		return NULL;
	e->state = s;
	e->limits = limits != NULL ? *limits : standard;
	lua_pushcfunction(L, open_engine);
	lua_pushlightuserdata(L, e);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
		lua_pop(L, 1);
		free(e);
		return NULL;
	}
	return e;
}

void
engine_free(struct engine *e)
{
	lua_State *L;
	struct engine **box;
	size_t i;

	if (e == NULL)
		return;
	/* The program may hold the functions of the API for longer. */
	L = state_lua(e->state);
	engine_push_table(L, e);
	lua_rawgeti(L, -1, ENGINE_BOX);
	box = lua_touserdata(L, -1);
	*box = NULL;
	lua_pop(L, 2);
	lua_pushnil(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, e);
	for (i = 0; i < e->len; i++)
		entry_free(e->entries[i]);
	free(e->entries);
	free(e);
}

static size_t
place_of(const struct engine *e, uint64_t id)
{
	size_t i = 0;

	while (i < e->len && e->entries[i]->id < id)
		i++;
	return i;
}

int
engine_has(const struct engine *e, uint64_t id)
{
	size_t i = place_of(e, id);

	return i < e->len && e->entries[i]->id == id;
}

size_t
engine_list(const struct engine *e, uint64_t *ids, size_t max)
{
	size_t i;

	for (i = 0; i < e->len && i < max; i++)
		ids[i] = e->entries[i]->id;
	return e->len;
}

int
engine_is_busy(const struct engine *e)
{
	return e->busy;
}

/* --- run ------------------------------------------------------------------ */

/* Added to messages about an update that was not asked for by name. */
static const char *
again(const struct change *c, const struct run *r)
{
	return r->entry == c->fresh ? "" : " (applied again)";
}

/* Name the bound that was met, if the report does not: out of memory is an
 * error without words, and a coroutine takes its error to itself. */
static void
report_over(struct engine_report *r, const struct state *s,
    enum state_over over)
{
	char words[STATE_OVER_TEXT];
	const char *text = buf_text(&r->text);

	state_over_text(s, over, words);
	if (text == NULL || strstr(text, words) == NULL)
		report_line(r, words, strlen(words), 0);
}

/* Run the text of runs[i], keep its main function and queue. 0, or -1 with
 * the reason in the report. */
static int
run_text(lua_State *W, struct change *c, size_t i)
{
	struct engine *e = c->e;
	struct run *r = &c->runs[i];
	const struct engine_entry *en = r->entry;
	char chunk[1 + CHUNK_NAME_MAX + 1] = "=";
	struct buf error = BUF_INIT;
	enum state_over over;
	lua_State *U;
	int failed, top = lua_gettop(W);

	c->at = r;
	text_escape(chunk + 1, sizeof chunk - 1, en->name, strlen(en->name), 0);
	U = lua_newthread(W);
	lua_newtable(W);
	lua_pushvalue(W, -1);
	lua_rawseti(W, c->queues, (lua_Integer)(i + 1));
	lua_rawseti(W, c->own, ENGINE_QUEUE);

	/* No Lua error passes from here until the budget has ended. */
	state_begin_budget(e->state, U, &e->limits);
	failed = state_load(e->state, U, en->text, en->len, chunk) != 0;
	lua_pushvalue(U, -1);
	lua_xmove(U, W, 1);
	if (!failed) {
		e->loading = 1;
		e->used_api = 0;
		failed = state_call(e->state, U, 0, 0, &error) != 0;
		e->loading = 0;
		r->used_api = e->used_api;
		if (r->entry == c->fresh)
			c->report->plain = !r->used_api;
	}
	over = state_end_budget(e->state);
	report_puts(c->report, (const char *)error.data, error.len);
	buf_free(&error);

	if (!failed && over == STATE_WITHIN) {
		swapproto_collect(W, -1, &r->protos);
		lua_rawseti(W, c->mains, (lua_Integer)(i + 1));
		lua_settop(W, top);
		return 0;
	}
	c->told = 1;
	c->failure = over != STATE_WITHIN ? ENGINE_HUNG : ENGINE_FAILED;
	if (lua_type(W, -1) == LUA_TSTRING) /* it did not load */
		report_top(W, c->report, 1);
	else if (failed)
		report_puts(c->report, "\n", 1);
	if (over != STATE_WITHIN)
		report_over(c->report, e->state, over);
	if (r->entry != c->fresh) {
		lua_pushfstring(W, "%s%s", en->name, again(c, r));
		report_top(W, c->report, 0);
	}
	lua_settop(W, top);
	return -1;
}

/* --- plan, walk, commit --------------------------------------------------- */

/* Lay the pairs of a record over the view, or their inverse. */
static void
lay_pairs(lua_State *W, struct change *c, lua_Integer serial, int undo)
{
	lua_Integer i, n;
	int top = lua_gettop(W);

	lua_rawgeti(W, c->records, serial);
	n = (lua_Integer)lua_rawlen(W, -1);
	for (i = 1; i < n; i += 2) {
		lua_rawgeti(W, top + 1, undo ? i + 1 : i);
		lua_rawgeti(W, top + 1, undo ? i : i + 1);
		swapmap_add(W, &c->map, -2, -1);
		lua_settop(W, top + 1);
	}
	lua_settop(W, top);
}

static void
plan_run(lua_State *W, struct change *c, size_t i)
{
	struct run *r = &c->runs[i];
	int top = lua_gettop(W);

	c->at = r;
	lua_rawgeti(W, c->queues, (lua_Integer)(i + 1));
	lua_newtable(W);
	lua_newtable(W);
	lua_newtable(W);
	r->plan.queue = top + 1;
	r->plan.pairs = top + 2;
	r->plan.labels = top + 3;
	r->plan.contexts_table = top + 4;
	r->plan.view = &c->map;
	r->plan.protos = &r->protos;
	r->plan.joins = &c->joins;
	swap_make(W, &r->plan);
	lua_pushvalue(W, top + 2);
	lua_rawseti(W, c->records, r->serial);
	lua_pushvalue(W, top + 3);
	lua_rawseti(W, c->labels, (lua_Integer)(i + 1));
	lua_settop(W, top);
	lay_pairs(W, c, r->serial, 0);
}

/* The functions of updates in force may be in nobody's hands but ours, and
 * come back one day: what they refer to is kept up to date. */
static void
root_records(lua_State *W, struct change *c)
{
	int top = lua_gettop(W);
	lua_Integer i, n;

	for (lua_pushnil(W); lua_next(W, c->records); lua_pop(W, 1)) {
		n = (lua_Integer)lua_rawlen(W, -1);
		for (i = 1; i <= n; i++) {
			lua_rawgeti(W, top + 2, i);
			walk_root(W, &c->walk, -1);
			lua_pop(W, 1);
		}
	}
}

static void
collect(lua_State *W, struct change *c)
{
	lua_newtable(W);
	lua_newtable(W);
	c->walk.anchors = lua_gettop(W) - 1;
	c->walk.list = c->walk.anchors + 1;
	c->walk.map = &c->map;
	c->walk.joins = c->joins.joins;
	c->walk.join_index = &c->joins.index;
	c->walk.joins_table = c->joins.table;
	walk_skip(W, &c->walk, c->own);
	root_records(W, c);
	walk_collect(W, &c->walk);
}

/* Sum up, for one new function or (NULL) for all. */
static void
count(const struct change *c, const void *to, size_t *changed, size_t *running)
{
	size_t i;

	*changed = *running = 0;
	for (i = 0; i < c->map.len; i++)
		if (to == NULL || c->map.to[i] == to) {
			*changed += c->walk.changed[i];
			*running += c->walk.running[i];
		}
}

static void
report_pairs(lua_State *W, struct change *c, size_t run)
{
	lua_Integer i, n = (lua_Integer)c->runs[run].plan.npairs;
	size_t changed, running;
	int top = lua_gettop(W);
	const char *label;

	lua_rawgeti(W, c->labels, (lua_Integer)(run + 1));
	lua_rawgeti(W, c->records, c->runs[run].serial);
	for (i = 1; i <= n; i++) {
		lua_rawgeti(W, top + 1, i);
		label = lua_tostring(W, -1);
		lua_rawgeti(W, top + 2, 2 * i);
		count(c, lua_topointer(W, -1), &changed, &running);
		lua_pushfstring(W, "%s: replaced, %I reference%s", label,
		    (lua_Integer)changed, changed == 1 ? "" : "s");
		report_top(W, c->report, 0);
		if (running > 0) {
			lua_pushfstring(W,
			    "%s: %I call%s still running the "
			    "old code",
			    label, (lua_Integer)running,
			    running == 1 ? "" : "s");
			report_top(W, c->report, 0);
		}
		lua_settop(W, top + 2);
	}
	lua_settop(W, top);
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
		if (c->runs[i].entry != c->fresh)
			continue;
		report_pairs(W, c, i);
		report_puts(c->report, (const char *)c->runs[i].plan.notes.data,
		    c->runs[i].plan.notes.len);
	}
	for (i = c->low; i < e->len; i++) {
		en = e->entries[i];
		if (en->plain && stays(c, en))
			continue;
		lua_pushfstring(W, "%s: %s", en->name, fate(c, en));
		report_top(W, c->report, 0);
	}
}

/* All that needs Lua, protected. Without an error: done, or c->told. */
static int
change_body(lua_State *W)
{
	struct change *c = lua_touserdata(W, 1);
	struct engine *e = c->e;
	uint64_t refusals;
	size_t i;

	luaL_checkstack(W, 40, NULL);
	engine_push_table(W, e);
	lua_rawgeti(W, -1, ENGINE_RECORDS);
	for (i = 0; i < 5; i++)
		lua_newtable(W);
	c->own = 2;
	c->records = 3;
	c->mains = 4;
	c->queues = 5;
	c->labels = 6;
	c->map.table = 7;
	c->joins.table = 8;
	for (i = 0; i < c->nruns; i++)
		if (run_text(W, c, i) != 0)
			return 0;

	/* From here on no code of the program may come in between, that is
	 * no finalizer; so the garbage waits. */
	c->collector_ran = lua_gc(W, LUA_GCISRUNNING) > 0;
	lua_gc(W, LUA_GCSTOP);
	refusals = state_refusals(e->state);
	for (i = e->len; i > c->low; i--)
		lay_pairs(W, c, e->entries[i - 1]->serial, 1);
	for (i = 0; i < c->nruns; i++)
		plan_run(W, c, i);
	c->at = NULL;
	if (c->map.len > 0)
		collect(W, c);
	write_report(W, c);
	/* Memory ran out, garbage was collected in spite of all, and then it
	 * sufficed: objects may have gone and others come under the walk. */
	if (state_refusals(e->state) != refusals)
		luaL_error(W, "not enough memory");
	walk_commit(W, &c->walk);
	for (i = c->low; i < e->len; i++)
		if (!e->entries[i]->plain || !stays(c, e->entries[i])) {
			lua_pushnil(W);
			lua_rawseti(W, c->records, e->entries[i]->serial);
		}
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

	buf_reset(&c->report->text);
	if (c->at != NULL) {
		buf_puts(&line, c->at->entry->name);
		buf_puts(&line, again(c, c->at));
		buf_puts(&line, ": ");
	}
	/* Errors of Lua's and of ours are strings. */
	msg = lua_tolstring(W, -1, &len);
	if (msg != NULL)
		buf_append(&line, msg, len);
	if (!line.oom)
		report_line(c->report, (const char *)line.data, line.len, 0);
	buf_free(&line);
	lua_pop(W, 1);
}

/* Run the body. 0 when it is done; -1 when nothing is. */
static int
carry_out(struct change *c)
{
	struct engine *e = c->e;
	lua_State *W = e->W;
	size_t i;
	int status;

	e->busy = 1;
	lua_pushcfunction(W, change_body);
	lua_pushlightuserdata(W, c);
	status = lua_pcall(W, 1, 0, 0);
	e->busy = 0;
	if (c->collector_ran)
		lua_gc(W, LUA_GCRESTART);
	if (status == LUA_OK && !c->told)
		return 0;
	if (status != LUA_OK) {
		c->failure = ENGINE_FAILED;
		tell(c);
	}
	engine_push_table(W, e);
	lua_rawgeti(W, -1, ENGINE_RECORDS);
	for (i = 0; i < c->nruns; i++) {
		lua_pushnil(W);
		lua_rawseti(W, -2, c->runs[i].serial);
	}
	lua_pop(W, 2);
	c->report->replaced = c->report->running = 0;
	return -1;
}

/* --- a change ------------------------------------------------------------- */

static int
is_in(uint64_t id, const uint64_t *ids, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

/* The list without what is dropped, with the fresh one; and what is to run.
 * 0, or -1: out of memory. */
static int
make_lists(struct change *c, const uint64_t *drop, size_t ndrop)
{
	struct engine *e = c->e;
	size_t i, at = e->len;

	c->next = malloc((e->len + 1) * sizeof(struct engine_entry *));
	c->runs = calloc(e->len + 1, sizeof *c->runs);
	if (c->next == NULL || c->runs == NULL)
		return -1;
	c->low = e->len;
	if (c->fresh != NULL)
		c->low = at = place_of(e, c->fresh->id);
	for (i = 0; i <= e->len; i++) {
		if (i == at && c->fresh != NULL)
			c->next[c->nnext++] = c->fresh;
		if (i == e->len)
			break;
		if (is_in(e->entries[i]->id, drop, ndrop) ||
		    (c->fresh != NULL && e->entries[i]->id == c->fresh->id)) {
			c->plain_gone |= e->entries[i]->plain;
			if (i < c->low)
				c->low = i;
		} else {
			c->next[c->nnext++] = e->entries[i];
		}
	}
	for (i = c->low; i < c->nnext; i++) {
		if (c->next[i] != c->fresh && c->next[i]->plain)
			continue;
		c->runs[c->nruns].entry = c->next[i];
		c->runs[c->nruns].serial = ++e->last_serial;
		swap_init(&c->runs[c->nruns].plan);
		c->nruns++;
	}
	return 0;
}

/* The list that was to be is the list. */
static void
take_over(struct change *c)
{
	struct engine *e = c->e;
	size_t i;

	for (i = c->low; i < e->len; i++)
		if (!stays(c, e->entries[i]))
			entry_free(e->entries[i]);
	for (i = 0; i < c->nruns; i++) {
		c->runs[i].entry->serial = c->runs[i].serial;
		c->runs[i].entry->plain = !c->runs[i].used_api;
	}
	free(e->entries);
	e->entries = c->next;
	e->len = c->nnext;
	c->next = NULL;
	c->fresh = NULL;
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
	entry_free(c->fresh);
	swapmap_free(&c->map);
	swap_joins_free(&c->joins);
	walk_free(&c->walk);
}

static enum engine_result
refused(struct engine_report *r, const char *why)
{
	report_line(r, why, strlen(why), 0);
	return ENGINE_FAILED;
}

static enum engine_result
change(struct engine *e, const uint64_t *drop, size_t ndrop, uint64_t id,
    const char *name, const char *text, size_t len,
    struct engine_report *report)
{
	struct change c;
	enum engine_result result;

	memset(&c, 0, sizeof c);
	c.e = e;
	c.report = report;
	walk_init(&c.walk);
	if (id != 0)
		c.fresh = entry_new(id, name, text, len);
	if ((id != 0 && c.fresh == NULL) || make_lists(&c, drop, ndrop) != 0) {
		result = refused(report, "not enough memory");
	} else if (carry_out(&c) == 0) {
		result = id != 0        ? ENGINE_APPLIED
			 : c.plain_gone ? ENGINE_PARTIAL
					: ENGINE_REVERTED;
		take_over(&c);
	} else if (c.failure == ENGINE_FAILED && report->plain) {
		result = ENGINE_PARTIAL;
	} else {
		result = c.failure;
	}
	change_free(&c);
	return result;
}

enum engine_result
engine_change(struct engine *e, const uint64_t *drop, size_t ndrop, uint64_t id,
    const char *name, const char *text, size_t len,
    struct engine_report *report)
{
	int64_t start_ns = clock_mono_ns();
	const struct engine_entry *en;
	enum engine_result result;
	size_t i, at, held = 0;

	engine_report_free(report);
	for (i = 0; i < ndrop; i++)
		held += drop[i] != id && engine_has(e, drop[i]);
	at = place_of(e, id);
	en = at < e->len && e->entries[at]->id == id ? e->entries[at] : NULL;
	if (e->busy)
		result = refused(report, "another update is being applied");
	else if (id != 0 && len > STATE_SOURCE_MAX)
		result = refused(report, "the source text is too long");
	else if (id == 0 && held == 0)
		result = ENGINE_REVERTED;
	else if (held == 0 && en != NULL && en->len == len &&
		 memcmp(en->text, text, len) == 0)
		result = ENGINE_HAVE;
	else
		result = change(e, drop, ndrop, id, name, text, len, report);
	report->took_ns = clock_mono_ns() - start_ns;
	return result;
}
