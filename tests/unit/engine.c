/* Updates in force: order, all or nothing, limits, what the walk reaches. */

#include "lua-host/engine.h"
#include "tests/tap.h"

#include <lauxlib.h>
#include <lua.h>

/* Everything is tried with both ways of looking for references. */
static enum walk_way way;

struct game {
	struct state *state;
	lua_State *L;
	struct engine *engine;
	struct engine_report report;
};

/* A module with what most tests need. */
static const char program[] =
    "local hits, crit = 0, 15\n"
    "local function roll() return 1 end\n"
    "M = {}\n"
    "function M.hit() hits = hits + 1 return roll() end\n"
    "function M.heal() return 'old heal' end\n"
    "function M.hits() return hits end\n"
    "function M.crit() return crit end\n"
    "package.loaded.m = M\n"
    "HIT, KEYS = M.hit, {[M.hit] = 'hit', [M.heal] = 'heal'}\n"
    "NAME = tostring(M.hit)\n";

/* Run a text; 1 when it ended without an error. */
static int
lua_run(struct game *g, const char *text)
{
	struct buf e = BUF_INIT;
	int result;

	if (state_load(g->state, g->L, text, strlen(text), "=test") != 0) {
		printf("#   %s\n", lua_tostring(g->L, -1));
		lua_pop(g->L, 1);
		return 0;
	}
	result = state_call(g->state, g->L, 0, 0, &e);
	if (result != 0)
		printf("#   %s\n", buf_text(&e));
	buf_free(&e);
	return result == 0;
}

static int
is_true(struct game *g, const char *expression)
{
	char text[1024];

	snprintf(text, sizeof text, "assert(%s)", expression);
	return lua_run(g, text);
}

/* limits NULL: the usual ones, but as much time as a busy machine needs. */
static void
game_open(struct game *g, const struct state_limits *limits)
{
	static const struct state_limits patient = {
	    STATE_INSTRUCTIONS, INT64_C(60000000000), STATE_MEMORY};

	g->state = state_new();
	g->L = state_lua(g->state);
	g->engine = engine_new(g->state, limits != NULL ? limits : &patient);
	engine_set_walk(g->engine, way);
	engine_report_init(&g->report);
	lua_run(g, program);
}

static void
game_close(struct game *g)
{
	engine_report_free(&g->report);
	engine_free(g->engine);
	state_free(g->state);
}

static enum engine_result
push(struct game *g, uint64_t id, const char *text)
{
	return engine_change(g->engine, NULL, 0, id, "combat", text,
	    strlen(text), &g->report);
}

static enum engine_result
drop(struct game *g, uint64_t id)
{
	return engine_change(g->engine, &id, 1, 0, NULL, NULL, 0, &g->report);
}

static const char *
said(struct game *g)
{
	const char *s = buf_text(&g->report.text);

	return s != NULL ? s : "";
}

static int
says(struct game *g, const char *what)
{
	if (strstr(said(g), what) != NULL)
		return 1;
	printf("#   no '%s' in '%s'\n", what, said(g));
	return 0;
}

static int
is_once(const char *text, const char *what)
{
	const char *at = strstr(text, what);

	return at != NULL && strstr(at + 1, what) == NULL;
}

#define HIT(n)                                              \
	"local hits, roll\n"                                \
	"hotfix.replace{target='m::hit', with=function()\n" \
	"  hits = hits + 1 return roll() * " #n " end}\n"
#define ROLL(n)                                                           \
	"hotfix.replace{target='m::hit^roll', with=function() return " #n \
	" end}\n"

static void
test_order(void)
{
	struct game g;
	uint64_t ids[2] = {0, 0}, both[] = {10, 30, 99};

	game_open(&g, NULL);
	IS(push(&g, 20, HIT(10)), ENGINE_APPLIED, "an update");
	OK(is_true(&g, "M.hit() == 10 and HIT == M.hit"), "is in force");
	OK(g.report.replaced == 3 && g.report.running == 0 && !g.report.plain &&
		g.report.took_ns >= 0,
	    "three references");
	IS(push(&g, 20, HIT(10)), ENGINE_HAVE, "the same again");
	IS(push(&g, 30,
	       "RUNS = 1 local roll\n"
	       "hotfix.replace{target='m::heal', "
	       "with=function() return roll end}"),
	    ENGINE_FAILED, "an import that nobody has");
	OK(says(&g, "m::heal") && says(&g, "'roll'") &&
		is_true(&g, "RUNS == 1 and M.heal() == 'old heal'"),
	    "is refused, though it ran");
	game_close(&g);

	game_open(&g, NULL);
	IS(push(&g, 20, HIT(10)), ENGINE_APPLIED, "one");
	IS(push(&g, 30,
	       "RUNS = (RUNS or 0) + 1\n"
	       "hotfix.replace{target='m::heal', with="
	       "function() return 'new heal' end}"),
	    ENGINE_APPLIED, "another one above");
	IS(push(&g, 10, ROLL(3)), ENGINE_APPLIED, "one below both");
	OK(is_true(&g, "M.hit() == 30 and M.heal() == 'new heal'"),
	    "all three are in force");
	OK(is_true(&g, "RUNS == 2"), "what is above was run again");
	IS(engine_list(g.engine, ids, 2), 3, "three are listed");
	OK(ids[0] == 10 && ids[1] == 20, "in order, as many as asked for");
	OK(engine_has(g.engine, 30) && !engine_has(g.engine, 31), "by id");

	IS(push(&g, 20, HIT(100)), ENGINE_APPLIED, "another text, same id");
	OK(is_true(&g, "M.hit() == 300"), "took its place");
	OK(says(&g, "m::hit: replaced") &&
		says(&g, "the text before is taken back") &&
		says(&g, "combat: applied again"),
	    "the report tells");
	IS(drop(&g, 5), ENGINE_REVERTED, "an id that is not held");
	OK(is_true(&g, "RUNS == 3"), "changes nothing");
	IS(engine_change(g.engine, both, 3, 0, NULL, NULL, 0, &g.report),
	    ENGINE_REVERTED, "two of three at once");
	OK(is_true(&g, "M.hit() == 100 and M.heal() == 'old heal'"),
	    "the third stays");
	IS(engine_list(g.engine, NULL, 0), 1, "alone");
	IS(engine_change(g.engine, (uint64_t[]){20}, 1, 25, "heal",
	       "hotfix.replace{target='m::heal', with=function() return 25 "
	       "end}",
	       63, &g.report),
	    ENGINE_APPLIED, "one in, another out, as one step");
	OK(is_true(&g, "M.hit() == 1 and M.heal() == 25"), "both are done");
	IS(drop(&g, 25), ENGINE_REVERTED, "the last");
	OK(is_true(&g, "tostring(M.hit) == NAME and KEYS[M.hit] == 'hit' and "
		       "KEYS[M.heal] == 'heal' and M.hits() == 4"),
	    "all is as it was, but for the state");
	game_close(&g);
}

static void
test_all_or_nothing(void)
{
	struct game g;

	game_open(&g, NULL);
	push(&g, 20, HIT(10));
	push(&g, 30,
	    "if BROKEN then error('broken') end\n"
	    "hotfix.replace{target='m::heal', with="
	    "function() return 'new heal' end}");
	lua_run(&g, "BEFORE = {M.hit, M.heal, n = M.hits()} BROKEN = true");
	IS(push(&g, 10, ROLL(3)), ENGINE_FAILED,
	    "what is above does not run again");
	OK(says(&g, "broken") && says(&g, "applied again"), "says which");
	OK(is_true(&g, "M.hit == BEFORE[1] and M.heal == BEFORE[2] and "
		       "M.hit() == 10 and KEYS[M.hit] == 'hit'"),
	    "the functions are the same");
	IS(drop(&g, 20), ENGINE_FAILED, "nor can one below leave");
	OK(engine_has(g.engine, 20) && is_true(&g, "M.hit() == 10"),
	    "it stays in force");
	IS(push(&g, 20, HIT(1000)), ENGINE_FAILED, "nor change");
	OK(is_true(&g, "M.hit() == 10"), "the text before stays");
	lua_run(&g, "BROKEN = false");
	IS(push(&g, 20, HIT(10)), ENGINE_HAVE, "which is the one in force");
	IS(push(&g, 10, ROLL(3)), ENGINE_APPLIED, "mended, it works");
	OK(is_true(&g, "M.hit() == 30"), "for all");
	IS(push(&g, 40,
	       HIT(2) "hotfix.replace{target='m::nothing', "
		      "with=function() end}"),
	    ENGINE_FAILED, "the second target is not there");
	OK(says(&g, "combat: m::nothing: no field 'nothing' in 'm' (it has: "
		    "crit, heal, hit, hits)"),
	    "the message has the name, the target and what there is");
	OK(is_true(&g, "M.hit() == 30"), "the first is not replaced");
	game_close(&g);
}

static void
test_plain(void)
{
	struct game g;

	game_open(&g, NULL);
	IS(push(&g, 20, "N = (N or 0) + 1"), ENGINE_APPLIED, "a plain chunk");
	OK(g.report.plain && is_true(&g, "N == 1"), "ran");
	IS(push(&g, 10, ROLL(3)), ENGINE_APPLIED, "one below it");
	OK(is_true(&g, "N == 1"), "a plain chunk is not run again");
	IS(push(&g, 20, "N = N + 10"), ENGINE_APPLIED, "another plain text");
	OK(is_true(&g, "N == 11"), "ran on what was there");
	IS(drop(&g, 20), ENGINE_PARTIAL, "taken back, but not its doing");
	OK(!engine_has(g.engine, 20) && says(&g, "stays"), "it is gone");
	IS(push(&g, 30, "N = 0 error('late')"), ENGINE_PARTIAL,
	    "an error after plain code");
	OK(is_true(&g, "N == 0") && !engine_has(g.engine, 30) && g.report.plain,
	    "is not in force");
	IS(push(&g, 30, "N = N +"), ENGINE_FAILED,
	    "a syntax error, so none of it ran");
	IS(push(&g, 30, "N = 5 hotfix.replace{target='m::hit', with=4}"),
	    ENGINE_FAILED, "a refused call, too, is the API");
	lua_run(&g, "BROKEN = false");
	push(&g, 50, "if BROKEN then error('broken') end\n" HIT(7));
	lua_run(&g, "BROKEN = true");
	IS(push(&g, 40, "N = 77"), ENGINE_PARTIAL,
	    "a plain chunk ran, then what is above failed");
	OK(is_true(&g, "N == 77 and M.hit() == 21") &&
		!engine_has(g.engine, 40),
	    "it is not in force");
	game_close(&g);
}

static void
test_limits(void)
{
	static const struct state_limits tight = {
	    200000, INT64_C(60000000000), (size_t)4 << 20};
	static const char *const hung[] = {
	    HIT(2) "while true do end",
	    HIT(2) "while true do pcall(function() while true do end end) end",
	    "while true do end",
	    HIT(2) "local s = ('x'):rep(1 << 30)",
	    HIT(2) "local t = {} for i = 1, 1 << 30 do t[i] = {} end",
	    HIT(2) "coroutine.wrap(function() while true do end end)()",
	    HIT(2) "coroutine.resume(coroutine.create(function() "
		   "while true do end end))",
	    HIT(2) "pcall(string.rep, 'x', 1 << 30)",
	};
	struct game g;
	char *text;
	size_t i;

	game_open(&g, &tight);
	for (i = 0; i < sizeof hung / sizeof *hung; i++) {
		IS(push(&g, 20, hung[i]), ENGINE_HUNG, "past a bound");
		OK(says(&g, "budget") && is_true(&g, "M.hit() == 1"),
		    "nothing is replaced");
	}
	OK(is_true(&g, "#('x'):rep(1 << 24) == 1 << 24"),
	    "outside there is no cap");
	IS(push(&g, 20, HIT(2) "while true do end"), ENGINE_HUNG, "a loop");
	IS(is_once(said(&g), "over the budget of 200000 instructions"), 1,
	    "tells its bound once");
	IS(push(&g, 20, HIT(2) "local s = ('x'):rep(1 << 30)"), ENGINE_HUNG,
	    "a large string");
	IS(is_once(said(&g), "over the budget of 4194304 bytes"), 1,
	    "likewise");
	IS(push(&g, 20, HIT(2)), ENGINE_APPLIED, "one that ends is applied");
	IS(push(&g, 21, HIT(2) "('x'):rep(1 << 40)"), ENGINE_FAILED,
	    "an error of its own is no bound");

	text = malloc(ENGINE_TEXT_MAX + 1);
	memset(text, ' ', ENGINE_TEXT_MAX + 1);
	memcpy(text, ROLL(3), strlen(ROLL(3)));
	IS(engine_change(g.engine, NULL, 0, 30, "big", text,
	       ENGINE_TEXT_MAX + 1, &g.report),
	    ENGINE_FAILED, "a text over the limit by one");
	IS(engine_change(g.engine, NULL, 0, 30, "big", text, ENGINE_TEXT_MAX,
	       &g.report),
	    ENGINE_APPLIED, "a text at the limit");
	free(text);
	game_close(&g);
}

static void
test_errors(void)
{
	struct game g;
	char name[200];

	game_open(&g, NULL);
	IS(push(&g, 1,
	       HIT(2) "error(setmetatable({}, {__tostring = function() "
		      "CALLED = true return 'x' end, __name = 'x'}))"),
	    ENGINE_FAILED, "an error object");
	OK(says(&g, "(the error is a table value)") &&
		is_true(&g, "not CALLED"),
	    "is named by its type; its __tostring is not called");
	IS(push(&g, 1, HIT(2) "error()"), ENGINE_FAILED, "a nil error");
	IS(push(&g, 1, HIT(2) "error(('\\27x'):rep(100000))"), ENGINE_FAILED,
	    "a long error");
	OK(g.report.text.len <= ENGINE_REPORT_MAX && says(&g, "\\x1bx"),
	    "is cut and escaped");
	IS(push(&g, 1, HIT(2) "\n\nlocal x = nil\nx.y = 1"), ENGINE_FAILED,
	    "an error in the text");
	OK(says(&g, "combat:7: ") && says(&g, "stack traceback:"),
	    "has its line and a traceback");
	IS(push(&g, 1,
	       "hotfix.replace{target='m::\\nok: forged', "
	       "with=function() end}"),
	    ENGINE_FAILED, "a line end in a target");
	OK(strchr(said(&g), '\n') == said(&g) + strlen(said(&g)) - 1,
	    "does not make a line of its own");
	IS(push(&g, 1, HIT(2) "os.exit(7)"), ENGINE_FAILED,
	    "an update cannot end the process");
	OK(says(&g, "combat:") && says(&g, "os.exit is not for updates"),
	    "and is told with its line");
	IS(push(&g, 1, HIT(2) "coroutine.yield()"), ENGINE_FAILED,
	    "an update cannot yield");
	OK(says(&g, "yield"), "and is told");
	IS(push(&g, 1, "\x1bLua"), ENGINE_FAILED, "a binary chunk");
	OK(says(&g, "binary chunk"), "is refused as that");
	IS(push(&g, 1, "x = \xff"), ENGINE_FAILED, "a byte that is no text");
	IS_STR(said(&g), "combat:1: unexpected symbol near '<\\255>'\n",
	    "is shown as Lua tells it");
	IS(push(&g, 1, "x = 'a' 'b\xff\\\\'"), ENGINE_FAILED, "likewise");
	OK(says(&g, "near ''b\\xff\\''"), "or escaped, once");
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	IS(engine_change(g.engine, NULL, 0, 1, name, "error('x')", 10,
	       &g.report),
	    ENGINE_PARTIAL, "a long name");
	OK(is_true(&g, "M.hit() == 1"), "nothing was replaced by any of them");
	OK(!engine_is_busy(g.engine), "nothing is under way");
	game_close(&g);
	engine_free(NULL);
}

static int
nested_change(lua_State *L)
{
	struct game *g = lua_touserdata(L, lua_upvalueindex(1));
	struct engine_report r;

	engine_report_init(&r);
	lua_pushboolean(L, engine_is_busy(g->engine));
	lua_pushinteger(L, engine_change(g->engine, NULL, 0, 99, "inner",
			       ROLL(9), strlen(ROLL(9)), &r));
	engine_report_free(&r);
	return 2;
}

static void
test_nested(void)
{
	struct game g;

	game_open(&g, NULL);
	lua_pushlightuserdata(g.L, &g);
	lua_pushcclosure(g.L, nested_change, 1);
	lua_setglobal(g.L, "nested");
	IS(push(&g, 1, HIT(2) "BUSY, RESULT = nested()"), ENGINE_APPLIED,
	    "an update that tries to apply another");
	lua_pushinteger(g.L, ENGINE_FAILED);
	lua_setglobal(g.L, "FAILED");
	OK(is_true(&g, "BUSY and RESULT == FAILED and M.hit() == 2"),
	    "which is refused");
	lua_run(&g, "REPLACE = hotfix.replace");
	engine_free(g.engine);
	g.engine = NULL;
	OK(is_true(&g, "not pcall(REPLACE, {target='m::hit', "
		       "with=function() end})"),
	    "without its engine the API is an error");
	game_close(&g);
}

/* Whatever allocation fails, all is as before or all is done. */
static void
try_failing(const char *what, int superseding, int dropping)
{
	static const char text[] =
	    "local crit, hits = 1.5\n"
	    "local function roll() return crit end\n"
	    "local function extra(n) return n + 5 end\n"
	    "hotfix.replace{target='m::hit', with=function()\n"
	    "  hits = hits + 1 return extra(roll()) end}\n"
	    "hotfix.replace{target='m::heal', with=function() "
	    "return 'new' end}\n";
	struct game g;
	enum engine_result r = ENGINE_FAILED;
	uint64_t n;
	int failures = 0, wrong = 0;

	game_open(&g, NULL);
	lua_run(&g, "CO = coroutine.create(function(f) coroutine.yield() "
		    "return f end) coroutine.resume(CO, M.hit)");
	if (superseding || dropping)
		push(&g, 20,
		    HIT(2) "hotfix.replace{target='m::heal', "
			   "with=function() return 'mid' end}");
	IS(push(&g, 30, "RUNS = 1\n" ROLL(4)), ENGINE_APPLIED, "one above");
	lua_run(&g, "BEFORE = {M.hit, M.heal, M.hit()}\n"
		    "LEN = function(t) local n = 0 for _ in pairs(t) do n = n "
		    "+ 1 end return n end");
	for (n = 1; n < 20000; n++) {
		state_fail_allocation(g.state, n);
		r = dropping ? drop(&g, 20) : push(&g, 20, text);
		state_fail_allocation(g.state, 0);
		if (r == ENGINE_APPLIED || r == ENGINE_REVERTED)
			break;
		failures++;
		wrong += !is_true(&g, "M.hit == BEFORE[1] and M.heal == "
				      "BEFORE[2] and HIT == M.hit and M.hit() "
				      "== BEFORE[3]");
		wrong += !is_true(&g, "KEYS[M.hit] == 'hit' and KEYS[M.heal] "
				      "== 'heal' and LEN(KEYS) == 2");
		wrong += engine_has(g.engine, 20) != (superseding || dropping);
		wrong += engine_is_busy(g.engine);
	}
	OK(failures > 20, "%s: failed at %d places", what, failures);
	IS(wrong, 0, "each time all was as before");
	IS(r, dropping ? ENGINE_REVERTED : ENGINE_APPLIED, "then it worked");
	OK(is_true(&g, dropping ? "M.hit() == 4 and M.heal() == 'old heal'"
				: "M.hit() == 9 and M.heal() == 'new'"),
	    "and all was done");
	OK(is_true(&g, "select(2, coroutine.resume(CO)) == M.hit and "
		       "KEYS[M.hit] == 'hit' and KEYS[M.heal] == 'heal' and "
		       "LEN(KEYS) == 2"),
	    "everywhere");
	game_close(&g);
}

static int
call_upvalue(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_call(L, 0, 1);
	return 1;
}

/* Places that only C can make. */
static void
test_walk(void)
{
	struct game g;
	lua_State *co;
	int i;

	game_open(&g, NULL);
	/* A C closure, a user value, the registry, a coroutine with a bare
	 * stack, the main stack. */
	lua_getglobal(g.L, "HIT");
	lua_pushcclosure(g.L, call_upvalue, 1);
	lua_setglobal(g.L, "CLOSURE");
	lua_newuserdatauv(g.L, 1, 3);
	lua_getglobal(g.L, "HIT");
	lua_setiuservalue(g.L, -2, 3);
	lua_setglobal(g.L, "UDATA");
	lua_getglobal(g.L, "HIT");
	lua_rawsetp(g.L, LUA_REGISTRYINDEX, &g);
	co = lua_newthread(g.L);
	lua_setglobal(g.L, "BARE");
	lua_getglobal(co, "HIT");
	lua_pushinteger(co, 7);
	lua_getglobal(co, "HIT");
	lua_getglobal(g.L, "HIT"); /* stays on the main stack */

	lua_run(&g,
	    "local guard = {__index = error, __newindex = error, "
	    "__pairs = error, __len = error, __eq = error, __gc = function() "
	    "GC = true end, __metatable = false}\n"
	    "PROXY = setmetatable({}, guard)\n"
	    "rawset(PROXY, 'hit', HIT) rawset(PROXY, HIT, 1)\n"
	    "local list = {f = HIT} for i = 1, 200000 do list = {list} end\n"
	    "LIST = list\n"
	    "debug.setmetatable(HIT, {__index = {go = HIT}})\n"
	    "debug.setmetatable(coroutine.create(print), {__index = {go = "
	    "HIT}})\n"
	    "HOOKED = coroutine.create(print) debug.sethook(HOOKED, HIT, 'l')\n"
	    "WEAK = setmetatable({HIT}, {__mode = 'kv'})\n"
	    "DEAD = coroutine.create(function(f) error('x') end)\n"
	    "coroutine.resume(DEAD, HIT)\n"
	    "BOX = setmetatable({}, {__gc = function(o) o.f = nil end})\n"
	    "collectgarbage('stop')\n");
	IS(push(&g, 1, HIT(2)), ENGINE_APPLIED, "an update");
	OK(is_true(&g, "CLOSURE() == 2"), "upvalue of a C function");
	OK(is_true(&g, "debug.getuservalue(UDATA, 3) == M.hit"),
	    "third user value");
	lua_rawgetp(g.L, LUA_REGISTRYINDEX, &g);
	lua_getglobal(g.L, "HIT");
	OK(lua_rawequal(g.L, -1, -2), "registry");
	lua_pop(g.L, 1);
	lua_pushvalue(co, 1);
	lua_xmove(co, g.L, 1);
	OK(lua_rawequal(g.L, -1, -2), "bare stack of a coroutine");
	lua_pushvalue(co, 3);
	lua_xmove(co, g.L, 1);
	OK(lua_rawequal(g.L, -1, -3), "and above");
	lua_settop(g.L, 1);
	lua_getglobal(g.L, "HIT");
	OK(lua_rawequal(g.L, -1, -2), "main stack");
	lua_settop(g.L, 0);
	OK(is_true(&g, "rawget(PROXY, 'hit') == HIT and rawget(PROXY, HIT) "
		       "== 1"),
	    "a table that guards itself");
	lua_run(&g, "local t = LIST while t[1] do t = t[1] end DEEP = t.f");
	OK(is_true(&g, "DEEP == HIT"), "at the end of a long list");
	OK(is_true(&g, "HIT.go == HIT and coroutine.create(print).go == HIT"),
	    "metatables of types");
	OK(is_true(&g, "debug.gethook(HOOKED) == HIT"), "a hook function");
	OK(is_true(&g, "WEAK[1] == HIT"), "a weak table");
	OK(is_true(&g, "select(2, debug.getlocal(DEAD, 1, 1)) == HIT"),
	    "a coroutine that died");
	OK(is_true(&g, "not collectgarbage('isrunning') and not GC"),
	    "the collector is still stopped");
	lua_run(&g, "collectgarbage('restart')");
	IS(drop(&g, 1), ENGINE_REVERTED, "taken back");
	OK(is_true(&g, "collectgarbage('isrunning')"),
	    "the collector is still running");
	OK(is_true(&g, "tostring(HIT) == NAME and CLOSURE() == 1"),
	    "and all is back");
	game_close(&g);

	/* Update 1 hides the old g, which knows f. */
	game_open(&g, NULL);
	lua_run(&g, "local f = function() return 1 end\n"
		    "M.f = f M.g = function() return f() end\n"
		    "local seen\n"
		    "function M.wait() coroutine.yield(seen) seen = M.f "
		    "return seen() end\n"
		    "CO = coroutine.wrap(M.wait) CO()");
	push(&g, 1,
	    "hotfix.replace{target='m::g', with=function() "
	    "return 'alone' end}");
	push(&g, 2,
	    "hotfix.replace{target='m::f', with=function() "
	    "return 2 end}");
	drop(&g, 1);
	OK(is_true(&g, "M.g() == 2 and M.f() == 2"),
	    "a function that comes back has heard of the others");
	drop(&g, 2);
	OK(is_true(&g, "M.g() == 1 and M.f() == 1"), "and hears again");

	/* A function that is hidden, but for a call under way, learns of
	 * another one that is taken back before it comes back itself. */
	push(&g, 1,
	    "hotfix.replace{target='m::wait', with=function() "
	    "return 'alone' end}");
	push(&g, 2,
	    "hotfix.replace{target='m::f', with=function() "
	    "return 2 end}");
	OK(is_true(&g, "CO() == 2") && lua_run(&g, "CO = nil"),
	    "a call under way goes on");
	drop(&g, 2);
	drop(&g, 1);
	OK(is_true(&g, "coroutine.wrap(M.wait)() == M.f"),
	    "what it has learned was taken back too");

	IS(push(&g, 3,
	       "local f = function() return 3 end\n"
	       "KEYS[f] = 'taken'\n"
	       "hotfix.replace{target='m::hit', with=f}"),
	    ENGINE_FAILED, "the new function is a key beside the old one");
	OK(says(&g, "keys") && is_true(&g, "KEYS[M.hit] == 'hit'"),
	    "is refused");
	OK(lua_run(&g, "DEEP = coroutine.create(function() local function f(n) "
		       "if n == 0 then coroutine.yield() else f(n - 1) end "
		       "return n end f(20000) end) coroutine.resume(DEEP)"),
	    "a coroutine very many calls deep");
	if (way == WALK_API) {
		IS(push(&g, 4, HIT(4)), ENGINE_FAILED,
		    "is too deep to look at");
		OK(says(&g, "calls deep"), "and that is said");
	} else {
		IS(push(&g, 4, HIT(4)), ENGINE_APPLIED, "is not too deep");
		drop(&g, 4);
	}
	OK(is_true(&g, "coroutine.resume(DEEP)"), "it goes on");
	for (i = 0; i < 2; i++) {
		lua_run(&g, i == 0 ? "collectgarbage('generational')"
				   : "collectgarbage('incremental')");
		push(&g, 4, HIT(4));
		lua_run(&g, "for i = 1, 5 do collectgarbage('step') end "
			    "collectgarbage()");
		OK(is_true(&g, "M.hit() == 4 and KEYS[M.hit] == 'hit'"),
		    "after collections of either kind");
		drop(&g, 4);
	}
	game_close(&g);
}

/* Lua lifts a vararg function over its arguments, and keeps it below too. */
/* What an update sets may be what another one of the same step undoes. */
static void
test_set_function(void)
{
	static const char text[] =
	    "hotfix.set{target='m::heal', value=M.hit}\n";
	uint64_t id = 5;
	struct game g;

	game_open(&g, NULL);
	IS(push(&g, id, HIT(5)), ENGINE_APPLIED, "a function is replaced");
	IS(engine_change(g.engine, &id, 1, 10, "set", text, sizeof text - 1,
	       &g.report),
	    ENGINE_APPLIED, "one comes that sets it elsewhere, as it leaves");
	OK(is_true(&g, "M.heal == M.hit and tostring(M.hit) == NAME"),
	    "both are the first one");
	IS(drop(&g, 10), ENGINE_REVERTED, "what was set is taken back");
	OK(is_true(&g, "M.heal() == 'old heal'"), "and is what it was");
	game_close(&g);
}

static void
test_varargs(void)
{
	struct game g;

	game_open(&g, NULL);
	lua_run(&g, "function M.va(...) coroutine.yield() return ... end\n"
		    "CO = coroutine.create(function(f) local va = M.va\n"
		    "  return 1, va(f, 2) end)\n"
		    "coroutine.resume(CO, M.heal)\n"
		    "debug.sethook(CO, function()\n"
		    "  local i = debug.getinfo(2, 'fS')\n"
		    "  if i.what == 'Lua' and not RETURNED then\n"
		    "    RETURNED = i.func end end, 'r')\n"
		    "VA = M.va collectgarbage()\n");
	IS(push(&g, 1,
	       "hotfix.replace{target='m::va', with=function(a, b, c) "
	       "return a, b, c end}\n"
	       "hotfix.replace{target='m::heal', with=function() end}"),
	    ENGINE_APPLIED, "a vararg function while it runs");
	OK(says(&g, "m::va: replaced, 3 references\n"),
	    "two globals and a local of its caller");
	OK(says(&g, "m::heal: replaced, 4 references\n"),
	    "an argument is counted once for the caller, once for the call");
	OK(says(&g, "m::va: 1 call still running"), "it is running");
	lua_run(&g, "RESULT = {coroutine.resume(CO)}");
	OK(is_true(&g, "RETURNED and RETURNED ~= M.va"),
	    "it ends as what it began");
	OK(is_true(&g, "RESULT[3] == M.heal and RESULT[4] == 2"),
	    "with the new function among its arguments");
	game_close(&g);
}

static int
note_finalizer(lua_State *L)
{
	struct game *g = lua_touserdata(L, lua_upvalueindex(1));

	/* Nothing that runs its text: between the looks and the changes. */
	lua_getglobal(L, "RUNNING");
	if (engine_is_busy(g->engine) && !lua_toboolean(L, -1)) {
		lua_getglobal(L, "BETWEEN");
		lua_pushinteger(L, lua_tointeger(L, -1) + 1);
		lua_setglobal(L, "BETWEEN");
	}
	return 0;
}

/* Garbage with finalizers, and a collector in a hurry. */
static void
test_finalizers(void)
{
	struct game g;
	char text[20000];
	size_t n = 0, i;

	game_open(&g, NULL);
	lua_pushlightuserdata(g.L, &g);
	lua_pushcclosure(g.L, note_finalizer, 1);
	lua_setglobal(g.L, "note");
	lua_run(&g, "BETWEEN, RUNNING = 0, true\n"
		    "local mt = {}\n"
		    "function mt.__gc() note() setmetatable({}, mt) end\n"
		    "for i = 1, 100 do setmetatable({}, mt) end\n"
		    "for i = 1, 200 do M['f' .. i] = function() end end\n"
		    "collectgarbage('incremental', 1, 10000)");
	for (i = 1; i <= 200; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "hotfix.replace{target='m::f%d', with=function() end}\n",
		    (int)i);
	snprintf(text + n, sizeof text - n, "RUNNING = false");
	IS(push(&g, 1, text), ENGINE_APPLIED, "two hundred functions");
	OK(is_true(&g, "BETWEEN == 0"), "no finalizer runs in between");
	IS(drop(&g, 1), ENGINE_REVERTED, "they go");
	/* The function that makes an instance runs in between, and wakes the
	 * collector. */
	lua_run(&g, "BETWEEN, RUNNING = 0, true\n"
		    "function M.one() return 1 end\n"
		    "function litter()\n"
		    "  local mt = {__gc = function() note() end}\n"
		    "  for i = 1, 100 do setmetatable({}, mt) end\n"
		    "end\n");
	n = (size_t)snprintf(text, sizeof text,
	    "hotfix.instances{like='m::one', make=function()\n"
	    "  litter() collectgarbage('restart')\n"
	    "  local f = function() return 2 end RUNNING = false return f\n"
	    "end}\n");
	for (i = 1; i <= 200; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "hotfix.replace{target='m::f%d', with=function() end}\n",
		    (int)i);
	IS(push(&g, 1, text), ENGINE_APPLIED, "one is made, others replaced");
	OK(is_true(&g, "BETWEEN == 0 and M.one() == 2"),
	    "no finalizer runs in between");
	/* They run once more when the state ends, without the engine. */
	lua_run(&g, "note = function() end");
	game_close(&g);
}

static void
test_report(void)
{
	struct game g;
	char text[20000];
	size_t n = 0, i;

	game_open(&g, NULL);
	IS(push(&g, 1,
	       "local crit = 1.5 hotfix.replace{target='m::crit', "
	       "with=function() return crit end}"),
	    ENGINE_APPLIED, "an update with an initial value");
	OK(says(&g, "m::crit: replaced, 1 reference\n") &&
		says(&g, "m::crit: crit keeps 15, the update's 1.5 is "
			 "dropped (hotfix.set{target=\"m::crit^crit\"} changes "
			 "it)\n"),
	    "which is dropped, and said to be");
	push(&g, 1, "");
	lua_run(&g, "debug.setupvalue(M.crit, 1, 'old\\n\\27')");
	IS(push(&g, 1,
	       "local crit = 'new\\t\\255' hotfix.replace{target='m::crit', "
	       "with=function() return crit end}"),
	    ENGINE_APPLIED, "initial values that are not clean");
	OK(says(&g, "m::crit: crit keeps \"old\\n\\x1b\", the update's "
		    "\"new\\t\\xff\" is dropped "),
	    "are escaped once");
	IS(push(&g, 1,
	       "local old = M.heal hotfix.replace{target='m::heal', "
	       "with=function() return old() end}"),
	    ENGINE_FAILED, "a new function that would call itself");
	OK(says(&g, "hotfix.hook hands it the original"),
	    "is refused, and the way to do it is told");
	lua_run(&g, "for i = 1, 200 do M['f' .. i] = function() end end");
	for (i = 1; i <= 200; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "hotfix.replace{target='m::f%d', with=function() end}\n",
		    (int)i);
	IS(push(&g, 2, text), ENGINE_APPLIED, "two hundred at once");
	OK(g.report.text.len <= ENGINE_REPORT_MAX && says(&g, "...") &&
		g.report.replaced == 200,
	    "the text is cut, the count is not");
	IS(push(&g, 3,
	       "local k = 'a\\nb' .. ('x'):rep(500)\n"
	       "hotfix.replace{target='m::crit', fresh={'k'}, "
	       "with=function() return k end}"),
	    ENGINE_APPLIED, "over another update's function");
	IS_STR(engine_result_name(ENGINE_HUNG), "hung", "results have names");
	IS_STR(engine_result_name(ENGINE_REVERTED), "reverted", "all of them");
	game_close(&g);
}

/* The source of a module is what a file of it has. */
static void
test_source(void)
{
	static const struct {
		const char *head, *what;
		int lines; /* before the function */
		enum engine_result result;
	} heads[] = {
	    {"", "no head", 0, ENGINE_APPLIED},
	    {"\\xef\\xbb\\xbf", "a byte order mark", 0, ENGINE_APPLIED},
	    {"#!/usr/bin/lua\\n", "a line for the shell", 1, ENGINE_APPLIED},
	    {"\\xef\\xbb\\xbf# x\\r\\n", "both", 1, ENGINE_APPLIED},
	    {"\\xef\\xbb", "two bytes of a mark", 0, ENGINE_FAILED},
	    {"\\xef\\xbb\\xbf\\xef\\xbb\\xbf", "two marks", 0, ENGINE_FAILED},
	    {" #!/usr/bin/lua\\n", "a later #", 0, ENGINE_FAILED},
	};
	char text[256];
	struct game g;
	size_t i;

	for (i = 0; i < sizeof heads / sizeof *heads; i++) {
		game_open(&g, NULL);
		snprintf(text, sizeof text,
		    "hotfix.module('m', '%sreturn {hit = function() return "
		    "debug.getinfo(1, \"l\").currentline end}')",
		    heads[i].head);
		IS(push(&g, 1, text), heads[i].result, heads[i].what);
		snprintf(text, sizeof text, "M.hit() == %d",
		    heads[i].lines + 1);
		if (heads[i].result == ENGINE_APPLIED)
			OK(is_true(&g, text), "lines keep their numbers");
		game_close(&g);
	}
}

static void
test_all(void)
{
	test_order();
	test_all_or_nothing();
	test_plain();
	test_limits();
	test_errors();
	test_nested();
	try_failing("a new update", 0, 0);
	try_failing("another text", 1, 0);
	try_failing("taking back", 0, 1);
	test_walk();
	test_varargs();
	test_set_function();
	test_finalizers();
	test_report();
	test_source();
}

int
main(void)
{
	for (way = WALK_SWEEP; way <= WALK_API; way++)
		test_all();
	return tap_done();
}
