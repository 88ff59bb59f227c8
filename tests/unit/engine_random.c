/*
 * Updates come, go, wait, fail and take each other's places at random in one
 * engine. After each step its program must behave as a fresh one that was
 * given the updates in force, in the order of their ids, and the events that
 * came for them; and no call that was counted is ever lost.
 */

#include "base/text.h"
#include "lua-host/engine.h"
#include "tests/tap.h"

#include <lauxlib.h>
#include <lua.h>

#define STEPS     300
#define IDS       12 /* updates have ids 1 to this */
#define HELD_MAX  6  /* of them in force */
#define TEXT_SIZE 4096

/* Every function says its name and, after an @, whose text it is from, and
 * counts its call in `hits`: as many as there are @. `own` counts those of
 * three alone. Data has a # before the text it is from. The probe calls what it
 * can reach in every way. */
static const char program[] =
    "local hits, own = 0, 0\n"
    "local function roll() hits = hits + 1 return 'roll@base' end\n"
    "local function fight() hits = hits + 1 return 'fight@base' end\n"
    "M = {}\n"
    "function M.one() hits = hits + 1 return 'one@base ' .. roll() end\n"
    "function M.two() hits = hits + 1 return 'two@base' end\n"
    "function M.three() hits = hits + 1 own = own + 1\n"
    "  return 'three@base ' .. roll() end\n"
    "local second = M.two\n" /* when round is hidden, nobody has it */
    "function M.round() hits = hits + 1\n"
    "  return 'round@base ' .. fight() .. ' ' .. second() end\n"
    "function M.late() hits = hits + 1 return 'late@base' end\n"
    "local shown = 'shown#base'\n"
    "function M.shown() return shown end\n"
    "M.label, M.object = 'label#base', setmetatable({}, {n = 'meta#base'})\n"
    "M.each = {}\n"
    "for i = 1, 3 do\n"
    "  local made = 0\n"
    "  M.each[i] = function() hits = hits + 1 made = made + 1\n"
    "    assert(made == probes, 'a state was lost')\n"
    "    return 'each@base' .. i end\n"
    "end\n"
    "package.loaded.m = M\n"
    "local S = {n = 0, data = {v = 'v#base'}}\n"
    "function S.alpha() hits = hits + 1 S.n = S.n + 1 return 'alpha@base' end\n"
    "function S.beta() hits = hits + 1 return 'beta@base' .. S.alpha() end\n"
    "package.loaded.s = S\n"
    "local alpha = S.alpha\n"
    "probes = 0\n"
    "local names = {'one', 'two', 'three', 'round'}\n"
    "local copy = M.one\n"
    "local cache, keys, first = {}, {}, {}\n"
    "for _, name in ipairs(names) do\n"
    "  cache[name], keys[M[name]], first[name] = M[name], name,\n"
    "    tostring(M[name])\n"
    "end\n"
    "local object = setmetatable({}, {__call = M.three, __index = cache})\n"
    "local loop = coroutine.wrap(function()\n"
    "  local f = M.round\n"
    "  while true do coroutine.yield(f()) end\n"
    "end)\n"
    /* What is made before a change and used after it. */
    "local late, begun, under_way\n"
    "local function prepare()\n"
    "  late = {M.one, [M.two] = true}\n"
    "  begun = coroutine.create(M.two)\n"
    "  under_way = coroutine.wrap(function()\n"
    "    coroutine.yield() return roll()\n"
    "  end)\n"
    "  under_way()\n"
    "end\n"
    "prepare()\n"
    "local calls, threes = 0, 0\n"
    "function probe()\n"
    "  probes = probes + 1\n"
    "  local said = {copy(), object(), object.two(), loop(), late[1](),\n"
    "    select(2, coroutine.resume(begun)), under_way()}\n"
    "  for _, name in ipairs(names) do\n"
    "    said[#said + 1] = M[name]()\n"
    "    assert(cache[name] == M[name], 'a copy')\n"
    "    assert(keys[M[name]] == name, 'a key')\n"
    "  end\n"
    "  assert(late[M.two], 'a late key')\n"
    "  for i = 1, 3 do said[#said + 1] = M.each[i]() end\n"
    "  for _, x in ipairs{M.late(), M.shown(), M.label,\n"
    "    getmetatable(M.object).n, S.beta(), alpha(),\n"
    "    S.gamma and S.gamma() or 'no gamma', S.data.v, S.data.w or 'no w'}\n"
    "  do said[#said + 1] = tostring(x) end\n"
    "  assert(S.n == 2 * probes, 'state of a module was lost')\n"
    "  assert(next(keys, next(keys, next(keys, next(keys, (next(keys))))))\n"
    "    == nil, 'four keys')\n"
    "  said = table.concat(said, ', ')\n"
    "  calls = calls + select(2, said:gsub('@', ''))\n"
    "  threes = threes + select(2, said:gsub('three@', ''))\n"
    "  assert(hits == calls, 'a call was lost')\n"
    "  assert(own == threes, 'a call of three was lost')\n"
    "  prepare()\n"
    "  return said\n"
    "end\n"
    "function is_first()\n"
    "  for name, was in pairs(first) do\n"
    "    if tostring(M[name]) ~= was then return false end\n"
    "  end\n"
    "  return true\n"
    "end\n";

struct update {
	uint64_t id;
	unsigned tag; /* no two texts have the same */
	int waits;    /* in part, for the event "go" and its tag */
	int fired;    /* which came */
	int stuck;    /* its part failed, but the rest of it could not leave */
	char number[12]; /* the tag */
	char text[TEXT_SIZE];
};

struct game {
	struct state *state;
	lua_State *L;
	struct engine *engine;
	struct engine_report report;
};

/* How references are looked for. */
static enum walk_way way;

static const struct state_limits limits = {
    20000, INT64_C(60000000000), (size_t)16 << 20};

static void
game_open(struct game *g)
{
	g->state = state_new();
	g->L = state_lua(g->state);
	g->engine = engine_new(g->state, &limits);
	engine_set_walk(g->engine, way);
	engine_report_init(&g->report);
	if (state_load(g->state, g->L, program, strlen(program), "=game") !=
		0 ||
	    state_call(g->state, g->L, 0, 0, NULL) != 0) {
		OK(0, "the program runs");
		exit(tap_done());
	}
}

static void
game_close(struct game *g)
{
	engine_report_free(&g->report);
	engine_free(g->engine);
	state_free(g->state);
}

/* What the probe says; or what was wrong, led by a "!". */
static void
probe(struct game *g, struct buf *said)
{
	struct buf error = BUF_INIT;

	buf_reset(said);
	lua_getglobal(g->L, "probe");
	if (state_call(g->state, g->L, 0, 1, &error) == 0) {
		buf_puts(said, lua_tostring(g->L, -1));
		lua_pop(g->L, 1);
	} else {
		buf_puts(said, "!");
		buf_puts(said, buf_text(&error));
	}
	buf_free(&error);
}

static int
one_in(uint64_t *seed, unsigned n)
{
	return tap_random(seed) % n == 0;
}

/* --- updates -------------------------------------------------------------- */

/* With what for each $, and the tag after each @. */
static void
add(struct update *u, const char *text, const char *what)
{
	size_t n = strlen(u->text);

	for (; *text != '\0' && n < sizeof u->text; text++) {
		if (*text == '$')
			snprintf(u->text + n, sizeof u->text - n, "%s", what);
		else if (*text == '@')
			snprintf(u->text + n, sizeof u->text - n, "@%u",
			    u->tag);
		else
			snprintf(u->text + n, sizeof u->text - n, "%c", *text);
		n += strlen(u->text + n);
	}
}

/* What else an update may do. What waits uses no variable that its update may
 * import elsewhere: applied again, the parts are worked out together. */
static void
add_others(struct update *u, uint64_t *seed)
{
	static const char *const hooked[] = {
	    "three", "round", "round^fight", "three^roll", "late"};
	const char *target = hooked[tap_random(seed) % 5];

	if (one_in(seed, 3)) {
		add(u, "hotfix.hook{target='m::$', ", target);
		add(u, one_in(seed, 3) ? "stack=true, " : "", "");
		add(u,
		    "with=function(original) hits = hits + 1 "
		    "return 'hook@(' .. original() .. ')' end}\n",
		    "");
	}
	if (one_in(seed, 4))
		add(u, "hotfix.set{target='m::label', value='label#$'}\n",
		    u->number);
	if (one_in(seed, 4))
		add(u, "hotfix.set{target='m::shown^shown', value='s#$'}\n",
		    u->number);
	if (one_in(seed, 4)) {
		add(u, "hotfix.set{target='m::object$', ", "@");
		add(u, "value={n='meta#$'}}\n", u->number);
	}
	if (one_in(seed, 6))
		add(u,
		    "hotfix.set{target='m::label', value='other#$', "
		    "expect='label#base'}\n",
		    u->number);
	if (one_in(seed, 4))
		add(u,
		    "hotfix.instances{like='m::each[2]', "
		    "make=function() local i, made return function() "
		    "hits = hits + 1 made = made + 1 "
		    "assert(made == probes) return 'each@' .. i end end}\n",
		    "");
	if (one_in(seed, 4)) {
		add(u,
		    "hotfix.module('s', [[\n"
		    "local hits = 0\n"
		    "local S = {n = 0, data = {v = 'v#module'$}}\n",
		    one_in(seed, 2) ? ", w = 'w#module'" : "");
		add(u,
		    one_in(seed, 2) ? "function S.alpha() hits = hits + 1 "
				      "S.n = S.n + 1 return 'alpha@' end\n"
				    : "",
		    "");
		add(u,
		    "function S.beta() hits = hits + 1 "
		    "return 'beta@' .. S.alpha() end\n",
		    "");
		add(u,
		    one_in(seed, 2) ? "function S.gamma() hits = hits + 1 "
				      "return 'gamma@' end\n"
				    : "",
		    "");
		add(u, "return S ]])\n", "");
	}
	if (one_in(seed, 2)) {
		u->waits = 1;
		add(u, "hotfix.replace{target='m::late', on='go@', ", "");
		add(u,
		    "when=function(n) return n == 1 end, with=function() "
		    "hits = hits + 1 return 'late@' end}\n",
		    "");
		if (one_in(seed, 2))
			add(u,
			    "hotfix.hook{target='m::one', on='go@', "
			    "with=function(o) hits = hits + 1 "
			    "return 'late hook@ ' .. o() end}\n",
			    "");
	}
	if (one_in(seed, 4))
		add(u,
		    "hotfix.after(function() if FAIL == -$ then "
		    "error('told to') end end)\n",
		    u->number);
}

/* Some functions of the program, each in one of several ways: some of which
 * need what another update may have taken away, or brings. */
static void
make_update(struct update *u, uint64_t id, uint64_t *seed)
{
	static unsigned last_tag;
	static const char *const broken[] = {
	    "error('on purpose')",
	    "while true do end",
	    "pcall(string.rep, 'x', 1 << 30)",
	    "local x = = 1",
	    "hotfix.replace{target='m::none', with=function() end}",
	    "local a hotfix.replace{target='m::one', with=function() a() end}",
	    "hotfix.replace{target='m::one', with=print}",
	};
	const char *roll = "", *round = "", *mine = "", *more = "";

	memset(u, 0, sizeof *u);
	u->id = id;
	u->tag = ++last_tag;
	snprintf(u->number, sizeof u->number, "%u", u->tag);
	snprintf(u->text, sizeof u->text,
	    "if FAIL == %u then error('told to') end\nlocal hits, own\n",
	    u->tag);
	switch (tap_random(seed) % 4) {
	case 0:
		add(u, "local roll\n", "");
		roll = " .. ' ' .. roll()";
		break;
	case 1:
		add(u,
		    "local function roll() hits = hits + 1 "
		    "return 'roll@' end\n",
		    "");
		roll = " .. ' ' .. roll()";
		break;
	}
	switch (tap_random(seed) % 3) {
	case 0:
		add(u, "local fight, second\n", "");
		round = " .. ' ' .. fight() .. ' ' .. second()";
		break;
	case 1:
		add(u, "local fight\n", "");
		round = " .. ' ' .. fight()";
		break;
	}
	if (one_in(seed, 3)) {
		add(u, one_in(seed, 2) ? "local mine = 0\n" : "local mine\n",
		    "");
		mine = "mine = mine + 1 ";
	}
	if (one_in(seed, 2)) {
		add(u,
		    "local function more() hits = hits + 1 "
		    "return ' more@' end\n",
		    "");
		more = " .. more()";
	}
	if (one_in(seed, 2))
		add(u,
		    "hotfix.replace{target='m::one', with=function() "
		    "hits = hits + 1 return 'one@'$ end}\n",
		    roll);
	if (one_in(seed, 3))
		add(u,
		    "hotfix.replace{target='m::three', with=function() "
		    "hits = hits + 1 own = own + 1 "
		    "return 'three@'$ end}\n",
		    roll);
	if (one_in(seed, 3))
		add(u,
		    "hotfix.replace{target='m::round', with=function() "
		    "hits = hits + 1 return 'round@'$ end}\n",
		    round);
	if (one_in(seed, 5))
		add(u,
		    "hotfix.replace{target='m::round^fight', with=function() "
		    "hits = hits + 1 return 'fight@' end}\n",
		    "");
	if (one_in(seed, 6))
		add(u,
		    "hotfix.replace{target='m::three^roll', with=function() "
		    "hits = hits + 1 return 'roll@' end}\n",
		    "");
	add_others(u, seed);
	if (one_in(seed, 10)) {
		add(u, "$", broken[tap_random(seed) % 7]);
		return;
	}
	/* Last, so that each text uses the API. */
	add(u,
	    "hotfix.replace{target='m::two', with=function() "
	    "hits = hits + 1 $",
	    mine);
	add(u, "return 'two@'$ end}\n", more);
}

/* --- a step --------------------------------------------------------------- */

struct list {
	struct update *at[HELD_MAX + 2];
	size_t n;
};

/* In the order of ids. */
static void
insert(struct list *l, struct update *u)
{
	size_t i = l->n++;

	for (; i > 0 && l->at[i - 1]->id > u->id; i--)
		l->at[i] = l->at[i - 1];
	l->at[i] = u;
}

static int
is_held(const struct list *l, const struct update *u)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->at[i] == u)
			return 1;
	return 0;
}

/* The n-th allocation, and all later ones, fail meanwhile (0: none). */
static void
fire(struct game *g, const struct update *u, int argument, uint64_t n)
{
	char event[32];

	snprintf(event, sizeof event, "go@%u", u->tag);
	lua_pushstring(g->L, event);
	lua_pushinteger(g->L, argument);
	state_fail_allocation(g->state, n);
	engine_fire(g->engine, g->L, 1);
	state_fail_allocation(g->state, 0);
	lua_settop(g->L, 0);
}

static int
enters_fresh(struct game *g, const struct update *u)
{
	enum engine_result r = engine_change(g->engine, NULL, 0, u->id, "fresh",
	    u->text, strlen(u->text), &g->report);

	if (r != (u->waits ? ENGINE_DEFERRED : ENGINE_APPLIED))
		return 0;
	if (u->fired)
		fire(g, u, 1, 0);
	return engine_has(g->engine, u->id);
}

/* 1 when a fresh program takes them all; said: what it says then. */
static int
try_fresh(const struct list *l, struct buf *said)
{
	struct game g;
	int good = 1;
	size_t i;

	game_open(&g);
	for (i = 0; i < l->n && good; i++)
		good = enters_fresh(&g, l->at[i]);
	probe(&g, said);
	game_close(&g);
	return good;
}

static int
is_clean(struct buf *report)
{
	size_t i, from = 0;
	const char *text = (const char *)report->data;

	for (i = 0; i <= report->len; i++) {
		if (i < report->len && text[i] != '\n' && text[i] != '\t')
			continue;
		if (i > from && !text_is_clean(text + from, i - from))
			return 0;
		from = i + 1;
	}
	return 1;
}

static int
ids_are(struct engine *e, const struct list *l)
{
	uint64_t ids[HELD_MAX + 2];
	size_t i, n = engine_list(e, ids, HELD_MAX + 2);
	int same = n == l->n;

	for (i = 0; same && i < n; i++)
		same = ids[i] == l->at[i]->id;
	return same;
}

struct tally {
	int applied, reverted, failed, hung, have, again, released, left;
};

/* What failed afterwards could not be undone either. */
static int
stays(const struct engine_report *r)
{
	static const char words[] = "it stays in force";
	size_t i;

	for (i = 0; i + sizeof words <= r->text.len; i++)
		if (memcmp(r->text.data + i, words, sizeof words - 1) == 0)
			return 1;
	return 0;
}

/* What the program says, and who is in force: what is wrong, or NULL. */
static const char *
look(struct game *g, const struct list *held, struct buf *want, struct buf *is,
    uint64_t *seed)
{
	if (one_in(seed, 4))
		lua_gc(g->L, LUA_GCCOLLECT);
	probe(g, is);
	if (strcmp(buf_text(is), buf_text(want)) != 0)
		return "it behaves otherwise";
	if (!ids_are(g->engine, held))
		return "others are in force";
	if (!is_clean(&g->report.text))
		return "the report is not clean";
	return NULL;
}

/* One change of the list by what enters (or NULL) and what leaves. What is
 * wrong, or NULL. */
static const char *
step(struct game *g, struct list *held, struct update *enters,
    const uint64_t *drop, size_t ndrop, uint64_t *seed, struct tally *t)
{
	struct buf want = BUF_INIT, is = BUF_INIT;
	struct list next = {{NULL}, 0};
	uint64_t low = enters != NULL ? enters->id : UINT64_MAX;
	const struct update *fails = NULL;
	enum engine_result r;
	const char *wrong = NULL;
	int should, same, starved = 0, done, fired = 0, stuck = 0;
	size_t i, k;

	for (i = 0; i < held->n; i++) {
		uint64_t id = held->at[i]->id;
		int leaves = enters != NULL && id == enters->id;

		for (k = 0; k < ndrop; k++)
			leaves |= id == drop[k];
		if (!leaves)
			insert(&next, held->at[i]);
		else if (id < low)
			low = id;
	}
	same = enters != NULL && is_held(held, enters) && next.n + 1 == held->n;
	if (enters != NULL)
		insert(&next, enters);
	/* What comes anew has not heard of any event. */
	if (enters != NULL && !same) {
		fired = enters->fired;
		stuck = enters->stuck;
		enters->fired = enters->stuck = 0;
	}
	should = try_fresh(&next, &want);

	/* One is told to fail when it is run again, or afterwards. */
	if (next.n > 0 && !same && one_in(seed, 6))
		fails = next.at[tap_random(seed) % next.n];
	if (fails != NULL && one_in(seed, 2)) {
		lua_pushinteger(g->L, fails->tag);
		lua_setglobal(g->L, "FAIL");
		should &= fails != enters && fails->id < low;
	} else if (fails != NULL) {
		lua_pushinteger(g->L, -(lua_Integer)fails->tag);
		lua_setglobal(g->L, "FAIL");
		/* What waits in part is run afterwards when all of it came. */
		should &= fails != enters || fails->waits ||
			  strstr(fails->text, "hotfix.after") == NULL;
	}
	if (one_in(seed, 6)) {
		starved = 1;
		state_fail_allocation(g->state, 1 + tap_random(seed) % 600);
	}
	r = engine_change(g->engine, drop, ndrop,
	    enters != NULL ? enters->id : 0, "random",
	    enters != NULL ? enters->text : NULL,
	    enters != NULL ? strlen(enters->text) : 0, &g->report);
	state_fail_allocation(g->state, 0);
	lua_pushnil(g->L);
	lua_setglobal(g->L, "FAIL");

	t->applied += r == ENGINE_APPLIED || r == ENGINE_DEFERRED;
	t->reverted += r == ENGINE_REVERTED;
	t->have += r == ENGINE_HAVE;
	t->hung += r == ENGINE_HUNG;
	t->failed += r == ENGINE_FAILED || r == ENGINE_PARTIAL;
	done = r == ENGINE_APPLIED || r == ENGINE_DEFERRED ||
	       r == ENGINE_REVERTED || r == ENGINE_HAVE;
	if (r == ENGINE_PARTIAL && starved && stays(&g->report))
		done = should = 1;
	t->again += done && low < UINT64_MAX && next.n > 0 &&
		    next.at[next.n - 1]->id > low;
	if (done != should && !(starved && !done))
		wrong = should ? "it was refused" : "it was not refused";
	else if (done)
		*held = next;
	if (!done && enters != NULL && !same) {
		enters->fired = fired;
		enters->stuck = stuck;
	}
	if (wrong == NULL && !done)
		try_fresh(held, &want);
	if (wrong == NULL)
		wrong = look(g, held, &want, &is, seed);
	if (wrong != NULL)
		printf("#   %s: %s\n#   is:   %s\n#   want: %s\n#   %s\n",
		    wrong, engine_result_name(r), buf_text(&is),
		    buf_text(&want),
		    g->report.text.len > 0 ? buf_text(&g->report.text) : "");
	buf_free(&want);
	buf_free(&is);
	return wrong;
}

/* One of them; mostly one that waits, if any does. */
static struct update *
any_waiting(const struct list *held, uint64_t *seed)
{
	struct update *u = NULL;
	int i;

	for (i = 0; i < 4; i++) {
		u = held->at[tap_random(seed) % held->n];
		if (u->waits && !u->fired && !u->stuck)
			break;
	}
	return u;
}

struct outcome {
	enum engine_result result;
	int stays;
};

static void
settled(void *arg, uint64_t id, enum engine_result r,
    const struct engine_report *report)
{
	struct outcome *o = arg;

	(void)id;
	o->result = r;
	o->stays = stays(report);
}

/* The event of one that waits comes, or one that its condition refuses. */
static const char *
event(struct game *g, struct list *held, uint64_t *seed, struct tally *t)
{
	struct outcome o = {ENGINE_HAVE, 0};
	struct engine_callbacks cb = {&o, NULL, settled};
	struct update *u = any_waiting(held, seed);
	struct buf want = BUF_INIT, is = BUF_INIT;
	int comes = !one_in(seed, 3), should, starved = one_in(seed, 6);
	int waits = u->waits && !u->fired && !u->stuck;
	const char *wrong = NULL;
	size_t i;

	if (waits && comes)
		u->fired = 1;
	should = try_fresh(held, &want);
	engine_set_callbacks(g->engine, &cb);
	fire(g, u, comes, starved ? 1 + tap_random(seed) % 400 : 0);
	if (o.result == ENGINE_APPLIED) {
		t->released++;
		if (!waits || !comes || !should)
			wrong = "it was released";
	} else if (!engine_has(g->engine, u->id)) {
		t->left++;
		if (should && !starved)
			wrong = "it left";
		for (i = 0; held->at[i] != u; i++)
			;
		for (held->n--; i < held->n; i++)
			held->at[i] = held->at[i + 1];
	} else if (o.result != ENGINE_HAVE) {
		u->stuck = 1;
		u->fired = o.stays;
	} else if (waits && comes) {
		wrong = "its event was not heard";
	}
	if (wrong == NULL && o.result != ENGINE_APPLIED)
		try_fresh(held, &want);
	if (wrong == NULL)
		wrong = look(g, held, &want, &is, seed);
	if (wrong != NULL)
		printf("#   %s: event of %u: %s\n#   is:   %s\n"
		       "#   want: %s\n#   %s\n",
		    wrong, u->tag, engine_result_name(o.result), buf_text(&is),
		    buf_text(&want), u->text);
	buf_free(&want);
	buf_free(&is);
	return wrong;
}

static void
test_random(int generational, uint64_t *seed)
{
	static struct update pool[STEPS];
	struct list held = {{NULL}, 0};
	struct tally t = {0, 0, 0, 0, 0, 0, 0, 0};
	uint64_t drop[2];
	struct update *enters;
	struct game g;
	const char *wrong = NULL;
	size_t ndrop;
	int i;

	game_open(&g);
	if (generational)
		lua_gc(g.L, LUA_GCGEN, 0, 0);
	for (i = 0; i < STEPS && wrong == NULL; i++) {
		enters = NULL;
		ndrop = 0;
		if (held.n > 0 && one_in(seed, 5)) {
			wrong = event(&g, &held, seed, &t);
			continue;
		}
		if (!one_in(seed, 4)) {
			enters = &pool[i];
			make_update(enters, 1 + tap_random(seed) % IDS, seed);
		} else if (held.n > 0 && one_in(seed, 4)) {
			enters = held.at[tap_random(seed) % held.n];
		}
		/* Make room, supersede, take back; also what is not there. */
		if (held.n >= HELD_MAX || enters == NULL || one_in(seed, 4)) {
			drop[ndrop++] =
			    held.n > 0 && !one_in(seed, 8)
				? held.at[tap_random(seed) % held.n]->id
				: 1 + tap_random(seed) % IDS;
			if (one_in(seed, 3))
				drop[ndrop++] = 1 + tap_random(seed) % IDS;
		}
		if (held.n > HELD_MAX && enters != NULL)
			enters = NULL;
		wrong = step(&g, &held, enters, drop, ndrop, seed, &t);
	}
	OK(wrong == NULL, "%d steps, %s collector, %s", i,
	    generational ? "generational" : "incremental",
	    way == WALK_API ? "by the API" : "by the sweep");
	OK(t.applied > STEPS / 6 && t.reverted > 10 && t.failed > 20 &&
		t.again > STEPS / 10,
	    "%d applied, %d taken back, %d failed, %d hung, %d there already; "
	    "%d with others above",
	    t.applied, t.reverted, t.failed, t.hung, t.have, t.again);
	OK(t.released > 0, "%d were released by an event, %d left at one",
	    t.released, t.left);

	while (wrong == NULL && held.n > 0) {
		drop[0] = held.at[tap_random(seed) % held.n]->id;
		wrong = step(&g, &held, NULL, drop, 1, seed, &t);
	}
	lua_getglobal(g.L, "is_first");
	OK(wrong == NULL && state_call(g.state, g.L, 0, 1, NULL) == 0 &&
		lua_toboolean(g.L, -1),
	    "with all taken back the functions are the first ones");
	game_close(&g);
}

int
main(void)
{
	uint64_t seed = tap_seed(20261122);

	for (way = WALK_SWEEP; way <= WALK_API; way++) {
		test_random(0, &seed);
		test_random(1, &seed);
	}
	return tap_done();
}
