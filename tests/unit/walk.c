/*
 * The two ways of looking for references: on random heaps they must find the
 * same, and what one has changed, the other must not find again; with the
 * collector of either kind in the middle of its work. And where they differ.
 */

#include "lua-host/state.h"
#include "lua-host/sweep.h"
#include "lua-host/walk.h"
#include "tests/tap.h"

#include <lauxlib.h>
#include <lua.h>

#define HEAPS  40
#define CHANGE 6 /* functions that are replaced at once */

/* Functions to scatter, and things to hold them: of all kinds that can. */
static const char scene[] =
    "local random, F, things = math.random, {}, {}\n"
    "local function make(i)\n"
    "  local n = i\n"
    "  local kinds = {\n"
    "    function() return i end, function() n = n + 1 return n end,\n"
    "    function(...) local a = ... coroutine.yield(a) return ... end,\n"
    "    function(a, b, ...) coroutine.yield(b, ...) return a end}\n"
    "  if i == 1 then return print end\n"
    "  if i == 2 then return cclosure(i, i) end\n"
    "  return kinds[i % 4 + 1]\n"
    "end\n"
    "for i = 1, 12 do F[i] = make(i) end\n"
    "local function any()\n"
    "  if random(3) > 1 then return F[random(#F)] end\n"
    "  return things[random(#things)] or random(9)\n"
    "end\n"
    "local function down(n, ...)\n"
    "  local f = any()\n"
    "  if n == 0 then coroutine.yield(f, ...) else down(n - 1, f, ...) end\n"
    "  return f, ...\n"
    "end\n"
    "local kinds = {\n"
    "  function() return {any(), any(), x = any(), [random(99)] = any()} end,\n"
    "  function() return {[any()] = any(), [F[random(#F)]] = 1} end,\n"
    "  function() return setmetatable({any()}, {__index = any()}) end,\n"
    "  function() return setmetatable({any(), [any()] = any()},\n"
    "    {__mode = ({'k', 'v', 'kv'})[random(3)]}) end,\n"
    "  function() local a, b = any(), any()\n"
    "    things[#things + 1] = function(c) b = c return b end\n"
    "    return function(c) a, b = b, c return a end end,\n"
    "  function() return cclosure(any(), any()) end,\n"
    "  function() return udata(any(), any()) end,\n"
    "  function() local f = any() ref(f) return {f} end,\n"
    "  function() return coroutine.create(F[random(#F)]) end,\n"
    "  function() local co = coroutine.create(F[random(3, #F)])\n"
    "    coroutine.resume(co, any(), any(), any()) return co end,\n"
    "  function() local co = coroutine.create(down)\n"
    "    coroutine.resume(co, random(4), any(), any()) return co end,\n"
    "  function() local co = coroutine.wrap(function(...)\n"
    "      local a <close> = setmetatable({any()}, {__close = any})\n"
    "      for _, v in ipairs({any(), any()}) do\n"
    "        pcall(down, 2, v, ...) end end)\n"
    "    co(any()) return co end,\n"
    "  function() local co = coroutine.create(function(...)\n"
    "      local a = any() error(a) end)\n"
    "    coroutine.resume(co, any()) return co end,\n"
    "  function() local co = coroutine.create(down)\n"
    "    debug.sethook(co, F[random(3, #F)], 'l') return co end,\n"
    "  function() return setmetatable({any()}, {__gc = function() end}) end,\n"
    "}\n"
    "for i = 1, 150 do things[#things + 1] = kinds[random(#kinds)]() end\n"
    "THINGS, PAIRS = things, {}\n"
    "for i = 1, 6 do\n"
    "  PAIRS[2 * i - 1] = F[i]\n"
    "  PAIRS[2 * i] = function(...) return i, ... end\n"
    "end\n";

static int
call_upvalue(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushvalue(L, lua_upvalueindex(2));
	return 2;
}

static int
cclosure(lua_State *L)
{
	lua_settop(L, 2);
	lua_pushcclosure(L, call_upvalue, 2);
	return 1;
}

static int
udata(lua_State *L)
{
	lua_settop(L, 2);
	lua_newuserdatauv(L, 16, 2);
	lua_insert(L, 1);
	lua_setiuservalue(L, 1, 2);
	lua_setiuservalue(L, 1, 1);
	return 1;
}

static int
ref(lua_State *L)
{
	lua_settop(L, 1);
	luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

/* An allocator knows its state by one pointer, which is taken. */
static struct {
	lua_Alloc is;
	int armed;
} refuser;

struct heap {
	struct state *state;
	lua_State *L, *W;
	/* One walk. */
	enum walk_way way;
	int commit;
	int join;   /* the variable of the new becomes that of the old */
	int swap;   /* the olds are also the news, in the other order */
	int refuse; /* the first allocation of the commit */
	int spared; /* what is on W's stack is not changed */
	size_t changed[CHANGE], running[CHANGE];
};

static int
lua_run(struct heap *h, const char *text)
{
	struct buf e = BUF_INIT;
	int result;

	if (state_load(h->state, h->L, text, strlen(text), "=test") != 0) {
		printf("#   %s\n", lua_tostring(h->L, -1));
		lua_pop(h->L, 1);
		return 0;
	}
	result = state_call(h->state, h->L, 0, 0, &e);
	if (result != 0)
		printf("#   %s\n", buf_text(&e));
	buf_free(&e);
	return result == 0;
}

static int
is_true(struct heap *h, const char *expression)
{
	char text[512];

	snprintf(text, sizeof text, "assert(%s)", expression);
	return lua_run(h, text);
}

static void
heap_open(struct heap *h)
{
	memset(h, 0, sizeof *h);
	h->state = state_new();
	h->L = state_lua(h->state);
	h->W = lua_newthread(h->L);
	lua_rawsetp(h->L, LUA_REGISTRYINDEX, h);
	lua_register(h->L, "cclosure", cclosure);
	lua_register(h->L, "udata", udata);
	lua_register(h->L, "ref", ref);
}

static void
heap_close(struct heap *h)
{
	state_free(h->state);
}

/* What the walk needs, on W's stack: the heap, then tables. The pairs are in
 * the list under this key of the registry: from, to, from, to ... */
static const char pairs_key = 'p';
/* The marks of a sweep are in the table under this one, if there are any. */
static const char marks_key = 'm';

struct walk_args {
	struct heap *h;
	struct walk walk;
	struct swapmap map;
	struct walkset joins;
	struct walk_join join;
};

/* Maps are laid over one another when they are added, so this cannot be said
 * by adding. */
static void
swap_two(lua_State *W, struct swapmap *m)
{
	int i;

	for (i = 0; i < 2; i++) {
		swapmap_push_from(W, m, (size_t)!i);
		m->to[i] = lua_topointer(W, -1);
		lua_rawseti(W, m->table, 2 * i + 2);
	}
}

/* The pair at index 6 is of functions with a variable each. */
static void
join_two(lua_State *W, struct walk_args *a)
{
	lua_rawgeti(W, 6, 1);
	lua_rawseti(W, a->walk.joins_table, 1);
	lua_rawgeti(W, 6, 2);
	a->join.id = lua_upvalueid(W, -1, 1);
	a->join.upvalue = 1;
	a->walk.joins = &a->join;
	walkset_add(&a->joins, a->join.id, 0);
	lua_settop(W, 6);
}

static int
walk_body(lua_State *W)
{
	struct walk_args *a = lua_touserdata(W, 1);
	struct walk *w = &a->walk;
	lua_Integer i, n;
	int k;

	for (k = 0; k < 4; k++)
		lua_newtable(W);
	a->map.table = 2;
	w->joins_table = 3;
	w->anchors = 4;
	w->list = 5;
	lua_rawgetp(W, LUA_REGISTRYINDEX, &pairs_key);
	n = a->h->join ? 0 : (lua_Integer)lua_rawlen(W, 6);
	if (a->h->join)
		join_two(W, a);
	for (i = 1; i < n; i += 2) {
		lua_rawgeti(W, 6, i);
		lua_rawgeti(W, 6, i + 1);
		swapmap_add(W, &a->map, -2, -1);
		lua_settop(W, 6);
	}
	for (k = 2; k <= 6; k++)
		walk_skip(W, w, k);
	if (a->h->swap)
		swap_two(W, &a->map);
	w->map = &a->map;
	w->join_index = &a->joins;
	w->way = a->h->way;
	lua_rawgetp(W, LUA_REGISTRYINDEX, &marks_key);
	w->marks = lua_istable(W, 7) ? 7 : 0;
	lua_rawgeti(W, 6, 1);
	walk_collect(W, w);
	for (k = 0; k < CHANGE && k < (int)a->map.len; k++) {
		a->h->changed[k] = w->changed[k];
		a->h->running[k] = w->running[k];
	}
	if (a->h->commit) {
		refuser.armed = a->h->refuse;
		walk_commit(W, w);
		lua_rawgeti(W, 6, 1);
		a->h->spared = lua_rawequal(W, 8, lua_gettop(W));
	}
	return 0;
}

/* One walk with the pairs: 0, or -1 with the reason printed. */
static int
walk(struct heap *h, enum walk_way way, int commit)
{
	struct walk_args a = {.h = h};
	int status, was_running = lua_gc(h->L, LUA_GCISRUNNING);

	h->way = way;
	h->commit = commit;
	walk_init(&a.walk);
	lua_gc(h->L, LUA_GCSTOP);
	lua_pushcfunction(h->W, walk_body);
	lua_pushlightuserdata(h->W, &a);
	status = lua_pcall(h->W, 1, 0, 0);
	if (status != LUA_OK)
		printf("# %s\n", lua_tostring(h->W, -1));
	lua_settop(h->W, 0);
	if (was_running)
		lua_gc(h->L, LUA_GCRESTART);
	walk_free(&a.walk);
	walkset_free(&a.joins);
	swapmap_free(&a.map);
	return status == LUA_OK ? 0 : -1;
}

/* PAIRS is the list of them; only the registry has it then. */
static void
take_pairs(struct heap *h)
{
	lua_getglobal(h->L, "PAIRS");
	lua_rawsetp(h->L, LUA_REGISTRYINDEX, &pairs_key);
	lua_pushnil(h->L);
	lua_setglobal(h->L, "PAIRS");
}

/* Old and new change their places. */
static int
turn_pairs(lua_State *L)
{
	lua_Integer i, n;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &pairs_key);
	n = (lua_Integer)lua_rawlen(L, -1);
	for (i = 1; i < n; i += 2) {
		lua_rawgeti(L, 1, i);
		lua_rawgeti(L, 1, i + 1);
		lua_rawseti(L, 1, i);
		lua_rawseti(L, 1, i + 1);
	}
	return 0;
}

/* Whoever was not told to look at the new functions frees them now. */
static void
drop_pairs(struct heap *h)
{
	lua_pushnil(h->L);
	lua_rawsetp(h->L, LUA_REGISTRYINDEX, &pairs_key);
}

/* --- the same, both ways -------------------------------------------------- */

static size_t
sum(const size_t *n)
{
	size_t i, all = 0;

	for (i = 0; i < CHANGE; i++)
		all += n[i];
	return all;
}

/* Without garbage. Twice: what has a finalizer goes with the second. */
static int
look(struct heap *h, enum walk_way way)
{
	lua_gc(h->L, LUA_GCCOLLECT);
	lua_gc(h->L, LUA_GCCOLLECT);
	return walk(h, way, 0);
}

/* 1 when both ways find the same. */
static int
agree(struct heap *h)
{
	struct heap api;

	if (look(h, WALK_API) != 0)
		return 0;
	api = *h;
	return look(h, WALK_SWEEP) == 0 &&
	       memcmp(api.changed, h->changed, sizeof h->changed) == 0 &&
	       memcmp(api.running, h->running, sizeof h->running) == 0;
}

/* Leave the collector somewhere in its work. */
static void
disturb(struct heap *h, uint64_t *seed)
{
	uint64_t n = tap_random(seed) % 40;

	while (n-- > 0)
		lua_gc(h->L, LUA_GCSTEP, 1);
}

/* One mark more: 1, or 0 when all are there. */
static int
mark(struct heap *h, size_t stride)
{
	lua_State *L = h->L;
	int more;

	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &marks_key) != LUA_TTABLE) {
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &marks_key);
		lua_replace(L, -2);
	}
	more = sweep_mark(L, lua_gettop(L), stride, 0);
	lua_pop(L, 1);
	return more;
}

static size_t
count_marks(struct heap *h)
{
	size_t n;

	lua_rawgetp(h->L, LUA_REGISTRYINDEX, &marks_key);
	n = (size_t)lua_rawlen(h->L, -1);
	lua_pop(h->L, 1);
	return n;
}

/* What is wrong, or NULL. */
static const char *
try_heap(struct heap *h, uint64_t *seed, size_t *found, size_t *running)
{
	size_t changed;
	char text[64];
	enum walk_way way = WALK_SWEEP, other = WALK_API;

	snprintf(text, sizeof text, "math.randomseed(%d)",
	    (int)(tap_random(seed) % 1000000));
	if (!lua_run(h, text) || !lua_run(h, scene))
		return "no scene";
	take_pairs(h);
	if (tap_random(seed) % 2 == 0)
		while (mark(h, 10 + tap_random(seed) % 200))
			disturb(h, seed);
	if (!agree(h))
		return "the ways do not find the same";
	changed = sum(h->changed);
	*found += changed;
	*running += sum(h->running);

	if (tap_random(seed) % 2 == 0) {
		way = WALK_API;
		other = WALK_SWEEP;
	}
	disturb(h, seed);
	if (walk(h, way, 1) != 0)
		return "it is refused";
	if (!h->spared)
		return "the walk's own stack is changed";
	disturb(h, seed);
	if (look(h, other) != 0 || sum(h->changed) != 0)
		return "a reference was missed";
	lua_pushcfunction(h->L, turn_pairs);
	lua_call(h->L, 0, 0);
	if (!agree(h))
		return "the ways do not find the same afterwards";
	if (sum(h->changed) != changed)
		return "there are not as many as there were";

	disturb(h, seed);
	if (walk(h, other, 1) != 0)
		return "it is refused on the way back";
	drop_pairs(h);
	disturb(h, seed);
	lua_gc(h->L, LUA_GCCOLLECT);
	if (!lua_run(h, "PAIRS = {print, function() end}"))
		return "it does not go on";
	take_pairs(h);
	return walk(h, WALK_API, 0) == 0 ? NULL : "it cannot be looked at";
}

static void
test_random(int generational, uint64_t *seed)
{
	size_t found = 0, running = 0;
	const char *wrong = NULL;
	struct heap h;
	int i;

	for (i = 0; i < HEAPS && wrong == NULL; i++) {
		heap_open(&h);
		lua_gc(h.L, generational ? LUA_GCGEN : LUA_GCINC, 0, 0, 0);
		wrong = try_heap(&h, seed, &found, &running);
		heap_close(&h);
	}
	OK(wrong == NULL, "%d heaps, %s collector%s%s", i,
	    generational ? "generational" : "incremental",
	    wrong != NULL ? ": " : "", wrong != NULL ? wrong : "");
	OK(found > 40 * HEAPS && running > HEAPS,
	    "%zu references in all, %zu calls running", found, running);
}

/* --- what the collector must be told -------------------------------------- */

/* Each alone holds the function in OLD; CALL gets it from there. */
static const struct holder {
	const char *what, *make;
} holders[] = {
    {"a field", "local t = {f = OLD} CALL = function() return t.f end"},
    {"an array", "local t = {OLD} CALL = function() return t[1] end"},
    {"an array, past its length",
	"local t = {1, 2, 3, 4, 5, 6, 7, 8, 9, nil, OLD, nil, nil, nil, nil, "
	"nil} assert(#t == 9) CALL = function() return t[11] end"},
    {"a key", "local t = {[OLD] = 1} CALL = function() return next(t) end"},
    {"a metatable", "local t = setmetatable({}, {__index = {f = OLD}}) "
		    "CALL = function() return t.f end"},
    {"a variable", "local f = OLD CALL = function() return f end"},
    {"a C function", "CALL = cclosure(OLD, 1)"},
    {"a user value", "local u = udata(1, OLD) "
		     "CALL = function() return debug.getuservalue(u, 2) end"},
    {"a coroutine", "local co = coroutine.wrap(function(f) while true do "
		    "coroutine.yield(f) end end) co(OLD) CALL = co"},
    {"its arguments", "local co = coroutine.wrap(function(...) while true do "
		      "coroutine.yield((...)) end end) co(OLD) CALL = co"},
};

/* The collector stands after so many steps: the new function must live. */
static int
survives(const struct holder *holder, int generational, int steps)
{
	struct heap h;
	int good, i;

	heap_open(&h);
	/* As little in a step as there can be. */
	if (!generational)
		lua_gc(h.L, LUA_GCINC, 100, 4, 1);
	good = lua_run(&h, "OLD = function() return 'old' end") &&
	       lua_run(&h, holder->make) && lua_run(&h, "collectgarbage()");
	if (generational)
		lua_gc(h.L, LUA_GCGEN, 0, 0);
	for (i = 0; i < steps; i++)
		lua_gc(h.L, LUA_GCSTEP, 0);
	good = good && lua_run(&h, "PAIRS = {OLD, function() return 'new' end} "
				   "OLD = nil");
	take_pairs(&h);
	good = good && walk(&h, WALK_SWEEP, 1) == 0;
	drop_pairs(&h);
	if (generational)
		lua_gc(h.L, LUA_GCSTEP, 0);
	else
		while (!lua_gc(h.L, LUA_GCSTEP, 0))
			;
	/* Something else comes to lie where it was, if it is gone. */
	good = good &&
	       lua_run(&h, "T = {} for i = 1, 50 do "
			   "T[i] = function() return i end end") &&
	       is_true(&h, "CALL()() == 'new'");
	heap_close(&h);
	return good;
}

static void
test_collector(uint64_t *seed)
{
	size_t i;
	int steps, good, n;

	for (i = 0; i < sizeof holders / sizeof *holders; i++) {
		for (n = good = 0; n < 4; n++)
			good += survives(&holders[i], 1, n);
		IS(good, n, "the new function lives: generational");
		steps = (int)(tap_random(seed) % 20);
		for (n = good = 0; n < 80; n++, steps += 17)
			good += survives(&holders[i], 0, steps);
		IS(good, n, "the new function lives: incremental");
		printf("# in %s\n", holders[i].what);
	}
}

/* A function gets a variable, and is soon the only one that has it. */
static void
test_joined(void)
{
	struct heap h;
	enum walk_way way;

	for (way = WALK_SWEEP; way <= WALK_API; way++) {
		heap_open(&h);
		h.join = 1;
		lua_gc(h.L, LUA_GCGEN, 0, 0);
		lua_run(&h, "local n = 'own' GET = function() return n end\n"
			    "SET = function(x) n = x end");
		lua_run(&h, "collectgarbage() collectgarbage('stop')");
		lua_run(&h, "local n = 'live'\n"
			    "PAIRS = {function() return n end, GET}");
		take_pairs(&h);
		IS(walk(&h, way, 1), 0, "a variable is joined");
		drop_pairs(&h);
		lua_run(&h, "collectgarbage('step') T = {} for i = 1, 50 do "
			    "T[i] = function() return i end end");
		OK(is_true(&h, "GET() == 'live'"), "and lives");
		OK(lua_run(&h, "SET('set')") && is_true(&h, "GET() == 'set'"),
		    "all functions that had the one have the other");
		heap_close(&h);
	}
}

/* Calls of coroutines that are being thrown away: their functions may have
 * gone before them. */
static void
test_dead(void)
{
	struct heap h;
	int n, i, full, good = 0;

	for (n = 0; n < 6; n++) {
		heap_open(&h);
		lua_gc(h.L, LUA_GCINC, 100, 4, 1);
		lua_run(&h,
		    "OLD = function() end PAIRS = {OLD, function() "
		    "end}\n"
		    "collectgarbage() collectgarbage('stop')\n"
		    "local function go()\n"
		    "  local function f(...) coroutine.yield(...) end\n"
		    "  f(OLD) end\n"
		    "KEEP = {} for i = 1, 300 do KEEP[i] = {{}, {}, {}} "
		    "coroutine.wrap(go)() end");
		take_pairs(&h);
		/* Until some of them go, up to one that is kept (a stack that
		 * shrinks is less than that), and a few steps more. */
		full = lua_gc(h.L, LUA_GCCOUNT);
		while (lua_gc(h.L, LUA_GCCOUNT) > full - 10)
			lua_gc(h.L, LUA_GCSTEP, 0);
		for (i = 0; i < n; i++)
			lua_gc(h.L, LUA_GCSTEP, 0);
		good += walk(&h, WALK_SWEEP, 1) == 0 && h.running[0] == 0;
		heap_close(&h);
	}
	IS(good, n, "what is being thrown away is left alone");
}

/* --- where they differ ---------------------------------------------------- */

/* Each of two functions takes the place of the other. */
static void
test_swapped(void)
{
	struct heap h;
	enum walk_way way;

	for (way = WALK_SWEEP; way <= WALK_API; way++) {
		heap_open(&h);
		h.swap = 1;
		lua_run(&h,
		    "local a, b = function() return 'a' end, "
		    "function() return 'b' end\n"
		    "PAIRS, BOTH, ONE, OTHER = {a, print, b, print}, {a, b}, "
		    "{[a] = b}, {[b] = b}\n"
		    "GET = cclosure(b, a)");
		take_pairs(&h);
		IS(walk(&h, way, 1), 0, "two functions change their places");
		OK(is_true(&h, "BOTH[1]() == 'b' and BOTH[2]() == 'a' and "
			       "GET()() == 'a' and select(2, GET())() == 'b'"),
		    "as values");
		OK(is_true(&h, "ONE[BOTH[1]] == BOTH[2] and "
			       "OTHER[BOTH[2]] == BOTH[2] and "
			       "not next(ONE, (next(ONE))) and "
			       "not next(OTHER, (next(OTHER)))"),
		    "as keys with values");
		lua_run(&h, "TWO = {[BOTH[1]] = 1, [BOTH[2]] = 2}");
		IS(walk(&h, way, 1), -1, "not as keys of one table");
		OK(is_true(&h, "BOTH[1]() == 'b' and TWO[BOTH[1]] == 1 and "
			       "ONE[BOTH[1]] == BOTH[2]"),
		    "nothing is changed");
		heap_close(&h);
	}
}

static int
sweep_here(lua_State *L)
{
	struct heap *h = lua_touserdata(L, lua_upvalueindex(1));

	lua_pushboolean(L, walk(h, h->way, 1) == 0);
	return 1;
}

static void
test_differences(void)
{
	struct heap h;
	enum walk_way way;

	heap_open(&h);
	lua_run(&h, "OLD = function() end PAIRS = {OLD, function() end}\n"
		    "local function deep(n) if n == 0 then coroutine.yield() "
		    "else deep(n - 1) end return n end\n"
		    "DEEP = coroutine.create(function(f) deep(30000) "
		    "return f end)\n"
		    "coroutine.resume(DEEP, OLD)");
	take_pairs(&h);
	IS(walk(&h, WALK_API, 0), -1, "the API does not go very deep");
	IS(walk(&h, WALK_SWEEP, 1), 0, "the sweep does");
	OK(is_true(&h, "select(2, coroutine.resume(DEEP)) == OLD"),
	    "to the bottom");
	heap_close(&h);

	/* Once each, on a stack of the program's too. */
	for (way = WALK_SWEEP; way <= WALK_API; way++) {
		heap_open(&h);
		h.way = way;
		lua_pushlightuserdata(h.L, &h);
		lua_pushcclosure(h.L, sweep_here, 1);
		lua_setglobal(h.L, "SWEEP");
		lua_run(&h, "PAIRS = {function(f) return SWEEP(), f end, "
			    "function() end}\n"
			    "START = PAIRS[1]");
		take_pairs(&h);
		lua_getglobal(h.L, "START");
		lua_pushvalue(h.L, -1);
		lua_pushnil(h.L);
		lua_setglobal(h.L, "START");
		lua_call(h.L, 1, 2);
		OK(lua_toboolean(h.L, -2) && h.changed[0] == 1 &&
			h.running[0] == 1,
		    "an argument and a call on the main stack");
		heap_close(&h);
	}

	/* What lies on the main stack while a call is under way. */
	for (way = WALK_SWEEP; way <= WALK_API; way++) {
		heap_open(&h);
		lua_run(&h, "OLD = function() end PAIRS = {OLD, function() "
			    "end}");
		take_pairs(&h);
		lua_getglobal(h.L, "OLD");
		lua_pushlightuserdata(h.L, &h);
		lua_pushcclosure(h.L, sweep_here, 1);
		h.way = way;
		lua_call(h.L, 0, 1);
		lua_getglobal(h.L, "OLD");
		OK(lua_toboolean(h.L, -2) &&
			lua_rawequal(h.L, -1, -3) == (way == WALK_SWEEP),
		    "below a call: %s",
		    way == WALK_SWEEP ? "found" : "out of reach");
		heap_close(&h);
	}

	/* A local of a coroutine that a function has, too. */
	heap_open(&h);
	lua_run(&h, "PAIRS = {function() end, function() end}\n"
		    "CO = coroutine.create(function(f) local f = f\n"
		    "  GET = function() return f end coroutine.yield() end)\n"
		    "coroutine.resume(CO, PAIRS[1])");
	take_pairs(&h);
	OK(walk(&h, WALK_API, 0) == 0 && h.changed[0] == 3,
	    "by the API a variable counts once for the stack, once for the "
	    "function");
	lua_gc(h.L, LUA_GCCOLLECT);
	OK(walk(&h, WALK_SWEEP, 1) == 0 && h.changed[0] == 2,
	    "by the sweep once");
	OK(walk(&h, WALK_API, 0) == 0 && h.changed[0] == 0, "it is all of it");
	heap_close(&h);

	/* What waits for its finalizer: the newer one's is called first. */
	heap_open(&h);
	lua_run(&h, "OLD = function() end PAIRS = {OLD, function() end}");
	take_pairs(&h);
	lua_pushlightuserdata(h.L, &h);
	lua_pushcclosure(h.L, sweep_here, 1);
	lua_setglobal(h.L, "SWEEP");
	lua_run(&h, "setmetatable({OLD}, {__gc = function(o) "
		    "SAW = o[1] end})\n"
		    "setmetatable({}, {__gc = function() DONE = SWEEP() "
		    "end})\n"
		    "collectgarbage()");
	OK(is_true(&h, "DONE and SAW == OLD"),
	    "an object that waits for its finalizer");
	heap_close(&h);

	/* Both as keys: the way that knows what is in use decides. */
	heap_open(&h);
	lua_run(&h, "OLD = function() end local new = function() end\n"
		    "CLASH = {[OLD] = 1, [new] = 2} PAIRS = {OLD, new}\n"
		    "T = {f = OLD, [OLD] = 1}");
	take_pairs(&h);
	IS(walk(&h, WALK_SWEEP, 1), -1, "a table with both as keys");
	lua_run(&h, "CLASH = nil");
	IS(walk(&h, WALK_SWEEP, 1), 0, "is no reason when it is garbage");
	IS(h.changed[0], 3, "which does not count then");
	OK(is_true(&h, "T.f == OLD and T[OLD] == 1 and "
		       "not next(T, next(T, next(T)))"),
	    "all is done");
	heap_close(&h);
	heap_open(&h);
	lua_run(&h, "local a, b, new = function() return 1 end, "
		    "function() return 2 end, function() end\n"
		    "T = {[a] = 1, [b] = 2} PAIRS = {a, new, b, new}");
	take_pairs(&h);
	IS(walk(&h, WALK_SWEEP, 1), -1, "two keys that would become one");
	heap_close(&h);
}

/* --- in parts --------------------------------------------------------------
 */

/* A heap with the old function everywhere: what the program does between marks
 * and after them changes nothing of what is found. */
static void
test_marks(const char *name, const char *make, const char *between,
    const char *after, size_t least, size_t n)
{
	struct heap h;

	heap_open(&h);
	lua_run(&h, "OLD = function() end PAIRS = {OLD, function() end}\n"
		    "NEW = function(n) local t = {} for i = 1, n do\n"
		    "  t[i] = {OLD, [OLD] = 1} end return t end");
	lua_run(&h, make);
	take_pairs(&h);
	while (mark(&h, 100))
		lua_run(&h, between);
	OK(count_marks(&h) >= least, "%s: %zu marks", name, count_marks(&h));
	lua_run(&h, after);
	lua_gc(h.L, LUA_GCCOLLECT);
	lua_gc(h.L, LUA_GCCOLLECT);
	OK(walk(&h, WALK_SWEEP, 1) == 0 && h.changed[0] == n,
	    "%s: each place once", name);
	OK(walk(&h, WALK_API, 0) == 0 && h.changed[0] == 0,
	    "%s: none was missed", name);
	heap_close(&h);
}

/* --- memory --------------------------------------------------------------- */

/* Refuses once; what is asked for again after that is granted. */
static void *
refuse_once(void *ud, void *block, size_t old, size_t size)
{
	if (refuser.armed && size > (block != NULL ? old : 0)) {
		refuser.armed = 0;
		return NULL;
	}
	return refuser.is(ud, block, old, size);
}

/* Lua collects garbage when memory runs out; among it may be what a sweep has
 * found and is about to change. */
static void
test_memory(void)
{
	struct heap h;
	void *ud;

	heap_open(&h);
	lua_run(&h, "OLD = function() end PAIRS = {OLD, function() end}\n"
		    "KEYS, VALUES = {[OLD] = OLD}, {OLD}\n"
		    "collectgarbage() collectgarbage('stop')\n"
		    "for i = 1, 100 do local t = {OLD, [OLD] = {OLD}} end");
	take_pairs(&h);
	refuser.is = lua_getallocf(h.L, &ud);
	lua_setallocf(h.L, refuse_once, ud);
	h.refuse = 1;
	IS(walk(&h, WALK_SWEEP, 1), -1,
	    "a new key for which there is no memory");
	OK(is_true(&h, "KEYS[OLD] == OLD and VALUES[1] == OLD and "
		       "next(KEYS, next(KEYS)) == nil"),
	    "nothing is changed");
	h.refuse = 0;
	IS(walk(&h, WALK_SWEEP, 1), 0, "with memory it is done");
	OK(is_true(&h, "KEYS[OLD] == OLD and VALUES[1] == OLD and "
		       "next(KEYS, next(KEYS)) == nil"),
	    "everywhere");
	lua_pushcfunction(h.L, turn_pairs);
	lua_call(h.L, 0, 0);
	lua_run(&h, "collectgarbage()");
	IS(walk(&h, WALK_API, 0), 0, "back again");
	IS(h.changed[0], 4, "has four places to go to");
	heap_close(&h);
}

int
main(void)
{
	uint64_t seed = tap_seed(20261122);

	test_random(0, &seed);
	test_random(1, &seed);
	test_collector(&seed);
	test_joined();
	test_dead();
	test_swapped();
	test_differences();
	test_marks("strings that are given up",
	    "T, S = NEW(5000), {}\n"
	    "for i = 1, 40000 do S[i] = 'string ' .. i end",
	    "S = nil collectgarbage('step')", "T[1] = {OLD, T[1]}", 5, 10002);
	test_marks("tables, where there are no strings", "T = NEW(15000)",
	    "collectgarbage('step')", "T[#T + 1] = {OLD}", 10, 30002);
	test_marks("marks that get finalizers", "T = NEW(15000)", "",
	    "local gc = {__gc = function() end}\n"
	    "for i = 1, #T, 2 do setmetatable(T[i], gc) end",
	    10, 30001);
	test_marks("the last mark gets one", "T = NEW(15000)",
	    "local gc = {__gc = function() end}\n"
	    "for i = 1, #T do setmetatable(T[i], gc) end",
	    "", 1, 30001);
	test_memory();
	return tap_done();
}
