/* The engine: life, the list of updates, what the outside asks for. */

#include "lua-host/engine_impl.h"
#include "lua-host/swap.h"
#include "lua-host/sweep.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

/* --- entries -------------------------------------------------------------- */

void
engine_entry_free(struct engine_entry *en)
{
	if (en == NULL)
		return;
	engine_entry_unfire(en, 0);
	free(en->fired);
	free(en->event);
	free(en->name);
	free(en->text);
	free(en->modules);
	free(en);
}

/* Bytes of a text, or of all names and sources of a list of modules. */
static size_t
size_of(const struct engine_text *t)
{
	size_t i, size = 0;

	if (t->modules == NULL)
		return t->len;
	for (i = 0; i < t->nmodules; i++)
		size += strlen(t->modules[i].name) + 1 + t->modules[i].len;
	return size;
}

/* The list is copied to the entry's text, which has room for it. */
static int
copy_modules(struct engine_entry *en, const struct engine_text *t)
{
	struct engine_module *m;
	char *to = en->text;
	size_t i, len;

	en->modules = calloc(t->nmodules + 1, sizeof *en->modules);
	if (en->modules == NULL)
		return -1;
	for (i = 0; i < t->nmodules; i++) {
		m = &en->modules[i];
		*m = t->modules[i];
		len = strlen(m->name) + 1;
		m->name = memcpy(to, m->name, len);
		to += len;
		if (m->len > 0)
			memcpy(to, m->source, m->len);
		m->source = to;
		to += m->len;
	}
	en->nmodules = t->nmodules;
	return 0;
}

struct engine_entry *
engine_entry_new(uint64_t id, const char *name, const struct engine_text *text,
    const char *event)
{
	struct engine_entry *en = calloc(1, sizeof *en);

	if (en == NULL)
		return NULL;
	en->id = id;
	en->len = size_of(text);
	en->name = strdup(name);
	en->text = malloc(en->len > 0 ? en->len : 1);
	if (event != NULL)
		en->event = strdup(event);
	if (en->name == NULL || en->text == NULL ||
	    (event != NULL && en->event == NULL) ||
	    (text->modules != NULL && copy_modules(en, text) != 0)) {
		engine_entry_free(en);
		return NULL;
	}
	if (text->modules == NULL && en->len > 0)
		memcpy(en->text, text->text, en->len);
	return en;
}

int
engine_entry_has_fired(const struct engine_entry *en, const char *event)
{
	size_t i;

	for (i = 0; i < en->nfired; i++)
		if (strcmp(en->fired[i], event) == 0)
			return 1;
	return 0;
}

int
engine_entry_fired(struct engine_entry *en, const char *event)
{
	char **more;

	if (engine_entry_has_fired(en, event))
		return 0;
	more = realloc(en->fired, (en->nfired + 1) * sizeof *more);
	if (more == NULL)
		return -1;
	en->fired = more;
	more[en->nfired] = strdup(event);
	if (more[en->nfired] == NULL)
		return -1;
	en->nfired++;
	return 0;
}

void
engine_entry_unfire(struct engine_entry *en, size_t n)
{
	while (en->nfired > n)
		free(en->fired[--en->nfired]);
}

int
engine_entry_waits(const struct engine_entry *en)
{
	return en->event != NULL || en->npending > 0;
}

size_t
engine_place_of(const struct engine *e, uint64_t id)
{
	size_t i = 0;

	while (i < e->len && e->entries[i]->id < id)
		i++;
	return i;
}

static struct engine_entry *
find(const struct engine *e, uint64_t id)
{
	size_t i = engine_place_of(e, id);

	if (i < e->len && e->entries[i]->below)
		i++;
	return i < e->len && e->entries[i]->id == id ? e->entries[i] : NULL;
}

/* Its first text, or NULL. */
static struct engine_entry *
find_below(const struct engine *e, uint64_t id)
{
	size_t i = engine_place_of(e, id);

	return i < e->len && e->entries[i]->id == id && e->entries[i]->below
		   ? e->entries[i]
		   : NULL;
}

int
engine_has(const struct engine *e, uint64_t id)
{
	return find(e, id) != NULL;
}

int
engine_is_waiting(const struct engine *e, uint64_t id)
{
	const struct engine_entry *en = find(e, id);

	return en != NULL && engine_entry_waits(en);
}

size_t
engine_list(const struct engine *e, uint64_t *ids, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < e->len; i++) {
		if (e->entries[i]->below)
			continue;
		if (n < max)
			ids[n] = e->entries[i]->id;
		n++;
	}
	return n;
}

int
engine_is_busy(const struct engine *e)
{
	return e->busy;
}

void
engine_set_walk(struct engine *e, enum walk_way way)
{
	e->way = way;
}

/* --- life ----------------------------------------------------------------- */

void
engine_push_table(lua_State *L, const struct engine *e)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, e);
}

void
engine_push_record(lua_State *L, const struct engine *e, lua_Integer serial,
    enum engine_record which)
{
	engine_push_table(L, e);
	lua_rawgeti(L, -1, ENGINE_RECORDS);
	lua_rawgeti(L, -1, serial);
	lua_rawgeti(L, -1, which);
	lua_replace(L, -4);
	lua_pop(L, 2);
}

static int
open_engine(lua_State *L)
{
	struct engine *e = lua_touserdata(L, 1), **box;

	lua_createtable(L, ENGINE_SLOTS, 0);
	lua_newtable(L);
	lua_rawseti(L, 2, ENGINE_RECORDS);
	lua_newtable(L);
	lua_rawseti(L, 2, ENGINE_COMPILED);
	e->W = lua_newthread(L);
	lua_sethook(e->W, NULL, 0, 0);
	lua_rawseti(L, 2, ENGINE_THREAD);
	swap_push_wrap(L);
	lua_rawseti(L, 2, ENGINE_WRAP);
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
		engine_entry_free(e->entries[i]);
	free(e->entries);
	free(e);
}

void
engine_set_callbacks(struct engine *e, const struct engine_callbacks *cb)
{
	e->cb = *cb;
}

/* --- code of an update within its limits ------------------------------------
 */

int
engine_call(struct engine *e, lua_State *W, int nargs, int nresults,
    struct buf *why, enum state_over *over)
{
	int failed, base = lua_gettop(W) - nargs - 1;
	lua_State *U = lua_newthread(W);

	lua_insert(W, base + 1); /* keeps it alive */
	if (!lua_checkstack(U, nargs + 2))
		luaL_error(W, "not enough memory");
	lua_xmove(W, U, nargs + 1);
	/* No Lua error passes from here until the budget has ended. */
	state_begin_budget(e->state, U, &e->limits);
	failed = state_call(e->state, U, nargs, nresults, why) != 0;
	*over = state_end_budget(e->state);
	if (failed || *over != STATE_WITHIN) {
		lua_settop(W, base);
		return -1;
	}
	lua_xmove(U, W, nresults);
	lua_remove(W, base + 1);
	return 0;
}

/* --- what the outside asks for ----------------------------------------------
 */

static enum engine_result
refused(struct engine_report *r, const char *why)
{
	engine_report_line(r, why, strlen(why), 0);
	return ENGINE_FAILED;
}

int
engine_compile(struct engine *e, const char *name, const char *text, size_t len,
    struct engine_report *report)
{
	char chunk[STATE_CHUNK_NAME + 2] = "=";
	lua_State *U = e->W;
	enum state_over over;
	int failed;

	engine_report_free(report);
	if (len > ENGINE_TEXT_MAX) {
		refused(report, "the source text is too long");
		return -1;
	}
	text_escape(chunk + 1, sizeof chunk - 1, name, strlen(name), 0);
	state_begin_budget(e->state, U, &e->limits);
	failed = state_load_up_to(e->state, U, text, len, ENGINE_TEXT_MAX,
		     chunk) != 0;
	over = state_end_budget(e->state);
	if (failed && lua_type(U, -1) == LUA_TSTRING)
		engine_report_top(U, report, 1);
	else
		lua_pop(U, 1);
	if (over != STATE_WITHIN)
		engine_report_over(report, e->state, over);
	return failed || over != STATE_WITHIN ? -1 : 0;
}

struct preparing {
	struct engine *e;
	const char *name, *text;
	size_t len;
	lua_Integer number;
};

static int
prepare(lua_State *L)
{
	struct preparing *p = lua_touserdata(L, 1);

	engine_push_table(L, p->e);
	lua_rawgeti(L, -1, ENGINE_COMPILED);
	if (engine_load_module(L, p->name, p->text, p->len) != 0)
		lua_error(L);
	lua_rawseti(L, -2, p->e->last_compiled + 1);
	p->number = ++p->e->last_compiled;
	return 0;
}

lua_Integer
engine_prepare(struct engine *e, const char *name, const void *source,
    size_t len)
{
	struct preparing p = {e, name, source, len, 0};
	lua_State *U = e->W;

	if (e->busy)
		return 0;
	state_begin_budget(e->state, U, &e->limits);
	lua_pushcfunction(U, prepare);
	lua_pushlightuserdata(U, &p);
	if (lua_pcall(U, 1, 0, 0) != LUA_OK)
		lua_pop(U, 1);
	state_end_budget(e->state);
	return p.number;
}

void
engine_forget(struct engine *e, lua_Integer compiled)
{
	lua_State *L = state_lua(e->state);

	if (compiled == 0)
		return;
	/* Nothing here allocates: what is not there is not put there. */
	engine_push_table(L, e);
	lua_rawgeti(L, -1, ENGINE_COMPILED);
	if (lua_rawgeti(L, -1, compiled) != LUA_TNIL) {
		lua_pushnil(L);
		lua_rawseti(L, -3, compiled);
	}
	lua_pop(L, 3);
}

struct surveying {
	struct engine *e;
	int64_t deadline_ns;
	int more;
};

static int
survey(lua_State *L)
{
	struct surveying *s = lua_touserdata(L, 1);

	engine_push_table(L, s->e);
	if (lua_rawgeti(L, 2, ENGINE_MARKS) != LUA_TTABLE) {
		lua_newtable(L);
		lua_replace(L, 3);
		lua_pushvalue(L, 3);
		lua_rawseti(L, 2, ENGINE_MARKS);
	}
	s->more = sweep_mark(L, 3, SWEEP_STRIDE, s->deadline_ns);
	return 0;
}

int
engine_survey(struct engine *e, int64_t deadline_ns)
{
	struct surveying s = {e, deadline_ns, 0};
	lua_State *U = e->W;

	if (e->busy || e->surveyed || e->way != WALK_SWEEP)
		return 0;
	lua_pushcfunction(U, survey);
	lua_pushlightuserdata(U, &s);
	if (lua_pcall(U, 1, 0, 0) != LUA_OK)
		lua_pop(U, 1);
	e->surveyed = !s.more;
	return s.more;
}

void
engine_end_survey(struct engine *e)
{
	lua_State *W = e->W;

	engine_push_table(W, e);
	lua_pushboolean(W, 0);
	lua_rawseti(W, -2, ENGINE_MARKS);
	lua_pop(W, 1);
	e->surveyed = 0;
}

static int
has_modules(const struct engine_entry *en, const struct engine_text *t)
{
	const struct engine_module *a, *b;
	size_t i;

	for (i = 0; i < t->nmodules; i++) {
		a = &en->modules[i];
		b = &t->modules[i];
		if (strcmp(a->name, b->name) != 0 || a->len != b->len ||
		    (a->len > 0 && memcmp(a->source, b->source, a->len) != 0))
			return 0;
	}
	return 1;
}

/* 1 when the entry (NULL: none) has this text (NULL: none). */
static int
has_text(const struct engine_entry *en, const struct engine_text *t)
{
	if (en == NULL || t == NULL)
		return en == NULL && t == NULL;
	if (en->modules != NULL || t->modules != NULL)
		return en->modules != NULL && t->modules != NULL &&
		       en->nmodules == t->nmodules && has_modules(en, t);
	return en->len == t->len && memcmp(en->text, t->text, t->len) == 0;
}

static enum engine_result
enter(struct engine *e, const uint64_t *drop, size_t ndrop, uint64_t id,
    const char *name, const struct engine_text *below,
    const struct engine_text *text, const char *event,
    struct engine_report *report)
{
	struct engine_step step = {drop, ndrop, NULL, NULL, NULL};
	const struct engine_text *const texts[] = {below, text};
	const struct engine_entry *en = find(e, id);
	size_t i, held = 0;

	for (i = 0; i < ndrop; i++)
		held += drop[i] != id && engine_has(e, drop[i]);
	if (e->busy)
		return refused(report, "another update is being applied");
	if (id == 0)
		return held == 0 ? ENGINE_REVERTED
				 : engine_step(e, &step, report);
	for (i = 0; i < 2; i++)
		if (texts[i] != NULL && size_of(texts[i]) > ENGINE_TEXT_MAX)
			return refused(report, "the source text is too long");
	if (held == 0 && en != NULL && has_text(en, text) &&
	    has_text(find_below(e, id), below))
		return ENGINE_HAVE;
	for (i = 0; event != NULL && i < 2; i++)
		if (texts[i] != NULL && texts[i]->modules == NULL &&
		    engine_compile(e, name, texts[i]->text, texts[i]->len,
			report) != 0)
			return ENGINE_FAILED;
	step.enters = engine_entry_new(id, name, text, event);
	if (below != NULL)
		step.below = engine_entry_new(id, name, below, event);
	if (step.enters == NULL || (below != NULL && step.below == NULL)) {
		engine_entry_free(step.enters);
		engine_entry_free(step.below);
		return refused(report, "not enough memory");
	}
	if (below != NULL)
		step.below->below = 1;
	return engine_step(e, &step, report);
}

enum engine_result
engine_change(struct engine *e, const uint64_t *drop, size_t ndrop, uint64_t id,
    const char *name, const char *text, size_t len,
    struct engine_report *report)
{
	return engine_defer(e, drop, ndrop, id, name, text, len, NULL, report);
}

enum engine_result
engine_defer(struct engine *e, const uint64_t *drop, size_t ndrop, uint64_t id,
    const char *name, const char *text, size_t len, const char *event,
    struct engine_report *report)
{
	const struct engine_text only = {.text = text, .len = len};

	return engine_change_both(e, drop, ndrop, id, name, NULL, &only, event,
	    report);
}

enum engine_result
engine_change_both(struct engine *e, const uint64_t *drop, size_t ndrop,
    uint64_t id, const char *name, const struct engine_text *below,
    const struct engine_text *text, const char *event,
    struct engine_report *report)
{
	int64_t start_ns = clock_mono_ns();
	enum engine_result result;

	engine_report_free(report);
	result = enter(e, drop, ndrop, id, name, below, text, event, report);
	report->took_ns = clock_mono_ns() - start_ns;
	return result;
}

enum engine_result
engine_leave(struct engine *e, uint64_t id, enum engine_result why,
    struct engine_report *report)
{
	struct engine_step step = {&id, 1, NULL, NULL, NULL};
	struct engine_report undoing;
	struct engine_entry *en, *below;
	enum engine_result undone;

	engine_report_init(&undoing);
	undone = engine_step(e, &step, &undoing);
	en = find(e, id);
	if (undone != ENGINE_REVERTED && en != NULL) {
		/* It is not tried again, in any case. */
		below = find_below(e, id);
		if (below != NULL) {
			free(below->event);
			below->event = NULL;
		}
		free(en->event);
		en->event = NULL;
		en->npending = 0;
		en->given_up = 1;
		engine_report_puts(report, (const char *)undoing.text.data,
		    undoing.text.len);
		why = ENGINE_PARTIAL;
	}
	engine_report_free(&undoing);
	return why;
}

enum engine_result
engine_release(struct engine *e, uint64_t id, struct engine_report *report)
{
	struct engine_step step = {NULL, 0, NULL, NULL, find(e, id)};
	int64_t start_ns = clock_mono_ns();
	enum engine_result result;

	engine_report_free(report);
	if (step.release == NULL || !engine_entry_waits(step.release))
		return ENGINE_HAVE;
	if (e->busy)
		return refused(report, "another update is being applied");
	result = engine_step(e, &step, report);
	if (result != ENGINE_APPLIED && result != ENGINE_DEFERRED &&
	    result != ENGINE_HAVE)
		result = engine_leave(e, id, result, report);
	report->took_ns = clock_mono_ns() - start_ns;
	return result;
}
