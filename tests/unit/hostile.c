/*
 * Updates that would hold up or fill up the program they come to: what the
 * bounds of a state can stop. Each ends, the old code is in force, and the
 * program and the engine go on.
 */

#include "tests/game.h"

static const char program[] =
    "local hits = 0\n"
    "M = {price = 5}\n"
    "function M.hit() hits = hits + 1 return 'old' end\n"
    "function M.heal() return 'heal' end\n"
    "function M.hits() return hits end\n"
    "package.loaded.m = M\n"
    "EACH = {}\n"
    "for i = 1, 3 do EACH[i] = function() return i end end\n"
    "package.loaded.each = EACH\n"
    "HIT = M.hit\n"
    /* Coroutines that were there before. */
    "LOOPS = coroutine.create(function() while true do end end)\n"
    "WAITS = coroutine.create(function()\n"
    "  coroutine.yield() while true do end end)\n"
    "coroutine.resume(WAITS)\n"
    "CLOSES = coroutine.create(function()\n"
    "  local x <close> = setmetatable({}, {__close = function()\n"
    "    while true do end end})\n"
    "  coroutine.yield() end)\n"
    "coroutine.resume(CLOSES)\n"
    "WRAPPED = coroutine.wrap(function() while true do pcall(error) end end)\n"
    "SLOW = setmetatable({}, {__index = function() return 'x' end,\n"
    "  __len = function() return 1 << 40 end,\n"
    "  __lt = function() while true do end end,\n"
    "  __tostring = function() CALLED = true while true do end end})\n";

static const struct state_limits tight = {
    50000, INT64_C(60000000000), (size_t)2 << 20};

#define LOOP    "while true do end"
#define LOOPING "function() while true do end end"
#define HIT                                                       \
	"hotfix.replace{target='m::hit', with=function() return " \
	"'new' end}\n"

/* Past a bound, whatever it tries; the tables say what it is that goes on. */
static const char *const hung[] = {
    /* loops */
    LOOP,
    "repeat until false",
    "for i = 1, math.maxinteger do end",
    "::again:: goto again",
    "local t = {} for i = 1, 1 << 40 do t[1] = i end",
    "local function f() return f() end f()",
    /* errors are caught */
    "while true do pcall(" LOOPING ") end",
    "local function f() pcall(f) while true do end end f()",
    "while true do xpcall(" LOOPING ", function(e) return e end) end",
    "local function f() while true do pcall(f) end end f()",
    "while true do pcall(error, 'x') end",
    /* coroutines, new and old */
    "coroutine.wrap(" LOOPING ")()",
    "coroutine.resume(coroutine.create(" LOOPING "))",
    "while true do coroutine.resume(coroutine.create(" LOOPING ")) end",
    "local function f() coroutine.wrap(f)() end pcall(f) " LOOP,
    "coroutine.resume(LOOPS)",
    "coroutine.resume(WAITS)",
    "WRAPPED()",
    "coroutine.close(CLOSES)",
    "local c = coroutine.wrap(function() coroutine.resume(LOOPS) end) "
    "pcall(c) while true do pcall(c) end",
    /* what is run on the way out */
    "do local x <close> = setmetatable({}, {__close = " LOOPING "}) end",
    "local x <close> = setmetatable({}, {__close = " LOOPING "}) error('x')",
    "for _ in function() end, nil, nil, setmetatable({}, {__close = " LOOPING
    "}) do end",
    /* called by C */
    "table.sort({1, 2, 3}, " LOOPING ")",
    "table.sort({SLOW, SLOW, SLOW})",
    "table.concat(SLOW)",
    "local t = {table.unpack(SLOW, 1, 100000)} " LOOP,
    "string.gsub('xx', 'x', " LOOPING ")",
    "print(SLOW)",
    "tostring(SLOW)",
    "load(function() return ' ' end)",
    "load(" LOOPING ")",
    "return SLOW < SLOW",
    "require = nil local t = setmetatable({}, "
    "{__index = " LOOPING "}) return t.x",
    "pcall(pcall, pcall, pcall, " LOOPING ") " LOOP,
    "select('#', string.byte(('x'):rep(10000), 1, -1)) " LOOP,
    /* memory */
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do t[#t + 1] = {} end",
    "local t = {} for i = 1, 1 << 40 do t[i] = i end",
    "local s = ('x'):rep(1 << 30)",
    "pcall(string.rep, 'x', 1 << 30)",
    "collectgarbage('stop') while true do local t = {{}, {}} end",
    "local s = ('x'):rep(1 << 20) s = s:gsub('x', 'xxxxxxxx')",
    "local function f() return 1 + f() end f()",
    "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
    "local t = {} while true do t[#t + 1] = function() return t end end",
    "local s = 'return ' .. ('{'):rep(100) .. ('1,'):rep(200000) "
    "load(s .. ('}'):rep(100)) " LOOP,
    "while true do pcall(string.rep, 'x', 1 << 30) end",
    "string.format('%s', ('x'):rep(1 << 22) .. 'y') " LOOP,
    /* an update's own functions */
    "hotfix.replace{target='m::heal', with={a=" LOOPING
    "}, filter=function() while true do end end}",
    "hotfix.instances{like='each::[1]', make=" LOOPING "}",
    "hotfix.instances{like='each::[1]', make=function() "
    "while true do pcall(" LOOPING ") end end}",
    "hotfix.instances{like='each::[1]', make=function() "
    "return ('x'):rep(1 << 30) end}",
    "hotfix.after(" LOOPING ")",
    "hotfix.after(function() local s = 'x' while true do s = s .. s end end)",
    "hotfix.after(function() while true do pcall(" LOOPING ") end end)",
    "hotfix.module('m', 'while true do end')",
    "hotfix.module('m', 'local t = {} while true do t[#t + 1] = {} end')",
    "hotfix.module('m', 'return setmetatable({}, {__index = 1}), "
    "coroutine.wrap(function() while true do end end)()')",
    "pcall(hotfix.module, 'm', 'while true do end') " LOOP,
};

/* Errors of their own, within all bounds. */
static const struct {
	const char *text, *says;
} failed[] = {
    {"error(SLOW)", "the error is a table value"},
    {"error(setmetatable({}, {__tostring = " LOOPING ", __name = SLOW}))",
	"the error is a table value"},
    {"error()", "nil value"},
    {"error(('\\27[2J\\n'):rep(100000))", "\\x1b[2J"},
    {"debug.sethook()", "sethook"},
    {"coroutine.wrap(function() debug.sethook() end)()", "sethook"},
    {"os.exit(1)", "os.exit"},
    {"pcall(os.exit) error('went on')", "went on"},
    {"assert(load(string.dump(function() end)))", "binary"},
    {"assert(load(string.dump(function() end), 'x', 'b'))", "binary"},
    {"assert(load('\\27Lua', 'x', 'bt'))", "binary"},
    {"assert(load('#!x\\n\\27Lua'))", "unexpected symbol"},
    {"local s = 'return ' .. ('('):rep(300) .. '1' .. (')'):rep(300) "
     "assert(load(s))",
	"overflow"},
    {"local s = ('x'):rep(100):rep(100) string.rep(s, 1 << 60)", "too large"},
    {"coroutine.yield()", "yield"},
    {"hotfix.instances{like='each::[1]', make=function() error(SLOW) end}",
	"table value"},
    {"hotfix.after(function() error(SLOW) end)", "table value"},
    {"hotfix.replace(setmetatable({}, {__index = " LOOPING
     ", __pairs = " LOOPING "}))",
	"target is missing"},
    {"hotfix.replace{target=SLOW, with=print}", "target must be a string"},
    {"hotfix.module('m', setmetatable({}, {__tostring = " LOOPING "}))",
	"the source must be a string"},
    {"hotfix.set{target='m::price', value=1, expect=SLOW}",
	"not table as expected"},
    {"hotfix.set{target='m::nothing', value=SLOW}", "no field"},
};

static int
is_whole(struct game *g)
{
	return is_true(g,
		   "M.hit() == 'old' and HIT == M.hit and M.price == 5 and "
		   "M.heal() == 'heal' and EACH[1]() == 1 and EACH[3]() == 3 "
		   "and not debug.gethook()") &&
	       !engine_is_busy(g->engine) &&
	       engine_list(g->engine, NULL, 0) == 0;
}

/* The next one is applied, and taken back. */
static int
goes_on(struct game *g)
{
	return push(g, 7, HIT) == ENGINE_APPLIED &&
	       is_true(g, "HIT() == 'new'") && drop(g, 7) == ENGINE_REVERTED &&
	       is_true(g, "HIT() == 'old'");
}

static void
try_one(const char *text, enum engine_result want, const char *what)
{
	struct game g;
	char all[1024], shown[60];
	enum engine_result r;
	size_t used;

	game_open(&g, program, &tight);
	used = (size_t)lua_gc(g.L, LUA_GCCOUNT);
	snprintf(all, sizeof all, HIT "%s", text);
	r = push(&g, 7, all);
	snprintf(shown, sizeof shown, "%s", text);
	/* A value that is raised is never asked what it is. */
	if (r == ENGINE_FAILED && !is_true(&g, "not CALLED"))
		what = "not CALLED";
	if (!OK(r == want && says(&g, what) && is_whole(&g), "%s", shown))
		printf("#   %s: %s\n", engine_result_name(r), said(&g));
	/* By itself, though some stop the collector. */
	lua_gc(g.L, LUA_GCRESTART);
	lua_gc(g.L, LUA_GCCOLLECT);
	if (!goes_on(&g) || (size_t)lua_gc(g.L, LUA_GCCOUNT) > used + 200)
		OK(0, "and the program goes on: %s", shown);
	game_close(&g);
}

static void
settled(void *arg, uint64_t id, enum engine_result result,
    const struct engine_report *report)
{
	enum engine_result *told = arg;

	(void)id;
	(void)report;
	*told = result;
}

static void
fire(struct game *g)
{
	lua_pushliteral(g->L, "go");
	lua_pushinteger(g->L, 1);
	engine_fire(g->engine, g->L, 1);
	lua_settop(g->L, 0);
}

/* Functions that are called later. */
static void
test_later(void)
{
	static const char *const when[] = {LOOPING,
	    "function() while true do pcall(" LOOPING ") end end",
	    "function() return ('x'):rep(1 << 30) end",
	    "function() coroutine.resume(coroutine.create(" LOOPING ")) end",
	    "function() local function f() return 1 + f() end return f() end"};
	enum engine_result told = ENGINE_HAVE;
	struct engine_callbacks cb = {&told, NULL, settled};
	char text[1024];
	struct game g;
	size_t i;

	for (i = 0; i < sizeof when / sizeof *when; i++) {
		game_open(&g, program, &tight);
		engine_set_callbacks(g.engine, &cb);
		snprintf(text, sizeof text,
		    "hotfix.replace{target='m::heal', with=function() end}\n"
		    "hotfix.replace{target='m::hit', on='go', when=%s, "
		    "with=function() end}",
		    when[i]);
		IS(push(&g, 7, text), ENGINE_DEFERRED, "one that waits");
		told = ENGINE_HAVE;
		fire(&g);
		IS(told, ENGINE_HUNG, "its condition never ends");
		OK(is_whole(&g) && goes_on(&g), "it has left");

		snprintf(text, sizeof text,
		    HIT "hotfix.on_rollback(%s)\n"
			"hotfix.on_rollback(function() TIDY = true end)",
		    when[i]);
		lua_run(&g, "TIDY = false");
		IS(push(&g, 7, text), ENGINE_APPLIED, "one in force");
		IS(drop(&g, 7), ENGINE_REVERTED, "goes");
		OK(says(&g, "on_rollback: ") && says(&g, "over the budget") &&
			is_true(&g, "TIDY") && is_whole(&g) && goes_on(&g),
		    "though what it wants to be run then never ends");

		snprintf(text, sizeof text,
		    "hotfix.replace{target='m::hit', on='go', "
		    "with=function() return 'new' end} hotfix.after(%s)",
		    when[i]);
		IS(push(&g, 7, text), ENGINE_DEFERRED, "one that waits");
		told = ENGINE_HAVE;
		fire(&g);
		IS(told, ENGINE_HUNG, "what is run afterwards never ends");
		OK(is_whole(&g) && goes_on(&g), "it has left");
		game_close(&g);
	}
	game_open(&g, program, &tight);
	engine_set_callbacks(g.engine, &cb);
	IS(engine_defer(g.engine, NULL, 0, 7, "later", LOOP, sizeof LOOP - 1,
	       "go", &g.report),
	    ENGINE_DEFERRED, "one that waits as a whole");
	fire(&g);
	OK(told == ENGINE_HUNG && is_whole(&g) && goes_on(&g),
	    "does not end and has left");
	game_close(&g);
}

/* A function for instances runs while the collector must not. */
static void
test_collector(void)
{
	struct game g;

	game_open(&g, program, &patient);
	OK(lua_run(&g, "collectgarbage('incremental', 1, 10000)\n"
		       "FINAL = 0\n"
		       "local mt = {__gc = function() if not MAKING then\n"
		       "  FINAL = FINAL + 1 end end}\n"
		       "function litter()\n"
		       "  for i = 1, 100 do setmetatable({}, mt) end end\n"
		       "for i = 1, 2000 do M['f' .. i] = {M.hit} end"),
	    "a program with finalizers");
	IS(push(&g, 7,
	       HIT "litter() collectgarbage() MAKING, FINAL = true, 0\n"
		   "hotfix.instances{like='each::[1]', make=function()\n"
		   "  collectgarbage() collectgarbage('restart')\n"
		   "  litter() MAKING = false\n"
		   "  local i return function() return -i end end}"),
	    ENGINE_APPLIED, "make wakes the collector");
	OK(is_true(&g, "EACH[2]() == -2 and HIT() == 'new' and "
		       "M.f2000[1] == HIT"),
	    "and all is replaced");
	IS(drop(&g, 7), ENGINE_REVERTED, "and taken back");
	OK(is_true(&g, "EACH[2]() == 2 and HIT() == 'old' and "
		       "M.f2000[1] == HIT"),
	    "all of it");
	game_close(&g);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof hung / sizeof *hung; i++)
		try_one(hung[i], ENGINE_HUNG, "over the budget");
	for (i = 0; i < sizeof failed / sizeof *failed; i++)
		try_one(failed[i].text, ENGINE_FAILED, failed[i].says);
	test_later();
	test_collector();
	return tap_done();
}
