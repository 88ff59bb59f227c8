/* One Lua state: what it lacks, protected calls, limits. */

#include "lua-host/state.h"
#include "lua-host/state_alloc.h"
#include "tests/tap.h"

#include <lauxlib.h>
#include <lua.h>

static const struct state_limits roomy = {
    UINT64_C(1000000000), INT64_C(100000000000), (size_t)64 << 20};

/* Load and call; 0 or -1 with the text of the error. */
static int
run_in(struct state *s, lua_State *L, const char *text, struct buf *error)
{
	buf_reset(error);
	if (state_load(s, L, text, strlen(text), "=t") != 0) {
		buf_puts(error, lua_tostring(L, -1));
		lua_pop(L, 1);
		return -1;
	}
	return state_call(s, L, 0, 0, error);
}

static int
run(struct state *s, const char *text, struct buf *error)
{
	return run_in(s, state_lua(s), text, error);
}

/* The same under a budget, in a thread of its own. */
static enum state_over
run_bounded(struct state *s, const char *text, struct state_limits limits,
    struct buf *error, int *result)
{
	lua_State *L = state_lua(s), *U = lua_newthread(L);
	enum state_over over;

	state_begin_budget(s, U, &limits);
	*result = run_in(s, U, text, error);
	over = state_end_budget(s);
	lua_pop(L, 1);
	return over;
}

static int
has(struct buf *b, const char *what)
{
	const char *s = buf_text(b);

	if (s != NULL && strstr(s, what) != NULL)
		return 1;
	printf("#   no '%s' in '%s'\n", what, s != NULL ? s : "");
	return 0;
}

static void
test_libraries(void)
{
	struct state *s = state_new();
	struct buf e = BUF_INIT;
	char big[64];
	char *long_text;

	OK(run(s,
	       "assert(package.loadlib == nil and package.cpath == nil)\n"
	       "assert(#package.searchers == 2 and package.path == '')\n"
	       "assert(string and table and math and io and os and debug "
	       "and coroutine and utf8)",
	       &e) == 0,
	    "the standard libraries, and no way to load C code");
	OK(run(s, "assert(load(string.dump(function() end)))", &e) != 0 &&
		has(&e, "binary chunks are refused"),
	    "load refuses a binary chunk in any mode");
	OK(run(s,
	       "F = string.dump(function() end)\n"
	       "local f, m = load(F, 'x', 'b')\n"
	       "assert(f == nil and m:find('binary chunks are refused'))",
	       &e) == 0,
	    "load refuses a binary chunk in binary mode");
	snprintf(big, sizeof big, "%sLua", LUA_SIGNATURE);
	OK(run(s, big, &e) != 0 && has(&e, "binary chunk"),
	    "a source that begins as a binary chunk is refused");

	long_text = malloc(STATE_SOURCE_MAX + 1);
	memset(long_text, ' ', STATE_SOURCE_MAX + 1);
	IS(state_load(s, state_lua(s), long_text, STATE_SOURCE_MAX, "=t"), 0,
	    "a source of the largest size loads");
	IS(state_load(s, state_lua(s), long_text, STATE_SOURCE_MAX + 1, "=t"),
	    -1, "one byte more is refused");
	lua_settop(state_lua(s), 0);
	free(long_text);

	IS(state_set_path(s, "/nowhere/game"), 0, "a folder for require");
	OK(run(s, "require 'x.y'", &e) != 0 &&
		has(&e, "'/nowhere/game/x/y.lua'") &&
		has(&e, "'/nowhere/game/x/y/init.lua'"),
	    "require looks there");
	OK(strstr(buf_text(&e), "usr") == NULL &&
		strstr(buf_text(&e), ".so") == NULL,
	    "and nowhere else");
	IS(state_set_path(s, "/a;b"), -1, "a name with ; is refused");
	IS(state_set_path(s, "/a?b"), -1, "a name with ? is refused");

	OK(state_of(lua_newthread(state_lua(s))) == s,
	    "a coroutine knows its state");
	buf_free(&e);
	state_free(s);
	state_free(NULL);
}

static void
test_errors(void)
{
	struct state *s = state_new();
	lua_State *L = state_lua(s);
	struct buf e = BUF_INIT;

	run(s, "local function f() local x = nil; x.y = 1 end f()", &e);
	OK(has(&e, "t:1: attempt to index a nil value (local 'x')") &&
		has(&e, "\nstack traceback:\n"),
	    "a message and its traceback");
	run(s,
	    "error(setmetatable({}, {__tostring = function() CALLED = true "
	    "return 'x' end, __name = 'spy'}))",
	    &e);
	OK(has(&e, "(the error is a table value)"),
	    "an error object is named by its type");
	OK(run(s, "assert(not CALLED)", &e) == 0,
	    "its __tostring is not called");
	run(s, "error()", &e);
	OK(has(&e, "(the error is a nil value)"), "no error value");
	run(s, "error(42)", &e);
	OK(has(&e, "42"), "a number");
	run(s, "error('a\\27[2Jb\\r\\0c', 0)", &e);
	OK(has(&e, "a\\x1b[2Jb\\x0d"), "control bytes are escaped");
	run(s, "error(('x'):rep(100000), 0)", &e);
	OK(e.len <= STATE_ERROR_MAX && has(&e, "xxx..."),
	    "a long message is cut");
	run(s, "error('a\\nb', 0)", &e);
	OK(has(&e, "a\nb"), "line ends stay");
	lua_pushcfunction(L, lua_error);
	lua_pushinteger(L, 1);
	IS(state_call(s, L, 1, 0, NULL), -1, "nobody wants the message");
	IS(lua_gettop(L), 0, "the stack is as before");
	buf_free(&e);
	state_free(s);
}

/* Programs that never end, and how they try to stay. */
static const struct {
	const char *what, *text;
} endless[] = {
    {"a loop", "while true do end"},
    {"a loop under pcall", "while true do pcall(function() while true do end "
			   "end) end"},
    {"a loop in pcalls in pcalls",
	"local function f() while true do pcall(f) end end f()"},
    {"a loop in a new coroutine",
	"coroutine.wrap(function() while true do end end)()"},
    {"a swarm of coroutines that fail",
	"while true do coroutine.resume(coroutine.create(function() "
	"while true do end end)) end"},
    {"a loop in a coroutine that was there (resume)",
	"while true do coroutine.resume(OLD) end"},
    {"a loop in a coroutine that was there (pcall of resume)",
	"pcall(coroutine.resume, OLD) while true do end"},
    {"a loop in a coroutine that was there (wrap)", "pcall(OLDWRAP)"},
    {"a wrapped coroutine as an iterator", "for x in OLDWRAP do end"},
    {"a wrapped coroutine as a metamethod",
	"return setmetatable({}, {__index = OLDWRAP}).x"},
    {"a loop in __close when a coroutine is closed",
	"coroutine.close(OLDCLOSE)"},
    {"a recursion through tail calls", "local function f() return f() end f()"},
    {"a goto loop", "::a:: goto a"},
    {"table.sort with a comparison that loops",
	"table.sort({1, 2, 3}, function() while true do end end)"},
};

static void
test_instructions(void)
{
	struct state_limits limits = roomy;
	struct buf e = BUF_INIT;
	struct state *s;
	size_t i;
	int result;

	limits.instructions = 100000;
	for (i = 0; i < sizeof endless / sizeof *endless; i++) {
		s = state_new();
		run(s,
		    "local function loop() while true do end end\n"
		    "OLD = coroutine.create(loop)\n"
		    "OLDWRAP = coroutine.wrap(loop)\n"
		    "OLDCLOSE = coroutine.create(function()\n"
		    "  local x <close> = setmetatable({}, {__close = loop})\n"
		    "  coroutine.yield()\nend)\n"
		    "coroutine.resume(OLDCLOSE)",
		    &e);
		OK(run_bounded(s, endless[i].text, limits, &e, &result) ==
			STATE_OVER_TIME,
		    "%s is stopped", endless[i].what);
		OK(run(s, "for i = 1, 1000000 do end", &e) == 0,
		    "the state goes on without a limit");
		state_free(s);
	}

	s = state_new();
	OK(run_bounded(s, "while true do end", limits, &e, &result) ==
		    STATE_OVER_TIME &&
		result != 0 && has(&e, "budget of 100000 instructions"),
	    "the message tells the bound");
	OK(run_bounded(s, "for i = 1, 90000 do end", limits, &e, &result) ==
		    STATE_WITHIN &&
		result == 0,
	    "what stays within the bound is not stopped");
	OK(run_bounded(s, "for i = 1, 110000 do end", limits, &e, &result) ==
		STATE_OVER_TIME,
	    "what passes it by a tenth is");
	limits = roomy;
	limits.wall_ns = 0;
	OK(run_bounded(s, "while true do end", limits, &e, &result) ==
		    STATE_OVER_TIME &&
		has(&e, "budget of 0 ms"),
	    "wall time is a bound of its own");
	OK(run_bounded(s, "debug.sethook()", roomy, &e, &result) ==
		    STATE_WITHIN &&
		result != 0 && has(&e, "debug.sethook is not for updates"),
	    "the hook cannot be taken off from Lua");
	OK(run(s, "debug.sethook()", &e) == 0, "outside it can be");
	OK(run_bounded(s, "coroutine.wrap(os.exit)(7)", roomy, &e, &result) ==
		    STATE_WITHIN &&
		result != 0 && has(&e, "os.exit is not for updates"),
	    "nor does it end the process");
	buf_free(&e);
	state_free(s);
}

/* Few instructions that take long: some 20 ms each, and thousands would
 * follow. What comes before the budget, what runs under it. */
static const struct {
	const char *what, *before, *text;
	size_t memory;
} slow[] = {
    {"calls of C functions", "S = ('a'):rep(30)",
	"for i = 1, 5000 do N = i S:rep(1000000) end", (size_t)64 << 20},
    {"calls of C functions under pcall", "S = ('a'):rep(30)",
	"for i = 1, 5000 do N = i pcall(S.rep, S, 1000000) end",
	(size_t)64 << 20},
    {"strings put together", "S = ('a'):rep(30000000)",
	"for i = 1, 5000 do N = i local t = S .. i end", (size_t)64 << 20},
    {"collections just below the cap",
	"S, T = ('a'):rep(7000), {} for i = 1, 500000 do T[i] = {} end",
	"for i = 1, 50000 do N = i local t = S .. i end", 8192},
};

/* Rounds until the clock is looked at. It is before every call of C, when
 * memory is refused, and every 100 instructions; a busy machine makes it
 * fewer rounds, never more. */
#define SLOW_ROUNDS 100

static void
test_time(void)
{
	struct state_limits limits = roomy;
	struct buf e = BUF_INIT;
	struct state *s;
	lua_State *L;
	size_t i;
	int result;

	limits.wall_ns = INT64_C(50000000);
	for (i = 0; i < sizeof slow / sizeof *slow; i++) {
		s = state_new();
		run(s, slow[i].before, &e);
		limits.memory = slow[i].memory;
		OK(run_bounded(s, slow[i].text, limits, &e, &result) ==
			    STATE_OVER_TIME &&
			result != 0 && has(&e, "t:1: over the budget of 50 ms"),
		    "%s are stopped by the clock", slow[i].what);
		L = state_lua(s);
		lua_getglobal(L, "N");
		OK(lua_tointeger(L, -1) < SLOW_ROUNDS, "after %d rounds",
		    (int)lua_tointeger(L, -1));
		lua_pop(L, 1);
		state_free(s);
	}
	buf_free(&e);
}

static void
test_hooks(void)
{
	struct state *s = state_new();
	lua_State *L = state_lua(s);
	struct buf e = BUF_INIT;
	int result;

	run(s,
	    "LINES = 0\n"
	    "local function count() LINES = LINES + 1 end\n"
	    "CO = coroutine.create(function()\n"
	    "  while true do\n    coroutine.yield()\n  end\nend)\n"
	    "COLINES = 0\n"
	    "debug.sethook(CO, function() COLINES = COLINES + 1 end, 'l')\n"
	    "debug.sethook(count, 'l')",
	    &e);
	OK(run_bounded(s, "assert(coroutine.resume(CO)) SEEN = LINES", roomy,
	       &e, &result) == STATE_WITHIN &&
		result == 0,
	    "a coroutine with a hook of the program's is resumed");
	OK(run(s,
	       "local n = COLINES\n"
	       "coroutine.resume(CO)\n"
	       "assert(COLINES > n)\n"
	       "local f, mask = debug.gethook(CO)\n"
	       "assert(type(f) == 'function' and mask == 'l')\n"
	       "f, mask = debug.gethook()\n"
	       "assert(type(f) == 'function' and mask == 'l')",
	       &e) == 0,
	    "the program's hooks are back");

	/* A budget that begins in a thread with a hook. */
	state_begin_budget(s, L, &roomy);
	IS(run(s, "local n = LINES\nassert(LINES == n)", &e), 0,
	    "the program's hook stands aside");
	IS(state_end_budget(s), STATE_WITHIN, "within");
	OK(run(s, "local n = LINES\nassert(LINES > n)", &e) == 0,
	    "and is put back in that thread too");

	/* Coroutines that the update leaves behind are free afterwards. */
	run_bounded(s,
	    "LEFT = coroutine.wrap(function() coroutine.yield()\n"
	    "for i = 1, 3000000 do end return 'done' end) LEFT()",
	    roomy, &e, &result);
	OK(run(s, "assert(LEFT() == 'done')", &e) == 0,
	    "a coroutine made under a budget runs on after it");
	buf_free(&e);
	state_free(s);
}

static void
test_memory(void)
{
	struct state *s = state_new();
	struct state_limits limits = roomy;
	struct buf e = BUF_INIT;
	int result;

	limits.memory = (size_t)8 << 20;
	OK(run_bounded(s, "local s = ('x'):rep(1 << 30)", limits, &e,
	       &result) == STATE_OVER_MEMORY &&
		result != 0 && has(&e, "over the budget of 8388608 bytes"),
	    "a string of 1 GiB is refused");
	OK(run_bounded(s, "local t = {} while true do t[#t + 1] = {} end",
	       limits, &e, &result) == STATE_OVER_MEMORY,
	    "many small blocks meet the cap too");
	OK(run_bounded(s,
	       "PASSED = nil pcall(string.rep, 'x', 1 << 30) PASSED = 1",
	       limits, &e, &result) == STATE_OVER_MEMORY &&
		result != 0,
	    "pcall does not hold that back");
	OK(run_bounded(s,
	       "t = {} pcall(function() while true do t[#t + 1] = 1 "
	       "end end)",
	       limits, &e, &result) == STATE_OVER_MEMORY,
	    "nor an end before it could be stopped");
	OK(run(s, "assert(not PASSED) t = nil", &e) == 0, "nothing ran on");
	OK(run_bounded(s, "for i = 1, 100 do local s = ('x'):rep(1 << 20) end",
	       limits, &e, &result) == STATE_WITHIN &&
		result == 0,
	    "garbage does not count: it is collected before the cap stands");
	OK(run(s, "assert(#('x'):rep(1 << 24) == 1 << 24)", &e) == 0,
	    "outside there is no cap");
	limits.memory = SIZE_MAX;
	OK(run_bounded(s, "local s = ('x'):rep(1 << 20)", limits, &e,
	       &result) == STATE_WITHIN &&
		result == 0,
	    "the largest cap does not wrap around");
	buf_free(&e);
	state_free(s);
}

/* Whatever allocation fails: an error, and the state is as good as before. */
static void
test_failing(void)
{
	static const char text[] =
	    "local t = {} for i = 1, 50 do t[i] = {i, tostring(i)} end\n"
	    "local f = assert(load('return ' .. table.concat({1, 2, 3}, "
	    "'+')))\n"
	    "local co = coroutine.wrap(function(a) coroutine.yield(a) end)\n"
	    "co(t) return f()";
	struct state *s = state_new();
	struct buf e = BUF_INIT;
	uint64_t n;
	int failures = 0, wrong = 0, result;

	for (n = 1; n < 5000; n++) {
		state_fail_allocation(s, n);
		result = run(s, text, &e);
		state_fail_allocation(s, 0);
		if (result == 0)
			break;
		failures++;
		wrong +=
		    run(s, "local t = {} t[1] = 'ok' assert(#t == 1)", &e) != 0;
		wrong += lua_gettop(state_lua(s)) != 0;
	}
	OK(failures > 20 && n < 5000, "failed at %d places, then worked",
	    failures);
	IS(wrong, 0, "the state was usable after each");
	buf_free(&e);
	state_free(s);
}

/* Random blocks: contents survive every change of size. */
static void
test_allocator(void)
{
	enum { BLOCKS = 200, STEPS = 20000 };
	uint64_t seed = tap_seed(20261122);
	struct {
		unsigned char *p, fill;
		size_t size;
	} b[BLOCKS];
	struct alloc a;
	size_t used = 0, size, i, j;
	int wrong = 0;
	void *p;

	memset(b, 0, sizeof b);
	alloc_init(&a);
	for (i = 0; i < STEPS; i++) {
		j = (size_t)(tap_random(&seed) % BLOCKS);
		size = (size_t)(tap_random(&seed) %
				(tap_random(&seed) % 4 == 0 ? 3000 : 300));
		p = alloc_resize(&a, b[j].p, b[j].p != NULL ? b[j].size : 5,
		    size);
		if (size > 0 && (uintptr_t)p % ALLOC_GRAIN != 0)
			wrong++;
		used += size - b[j].size;
		b[j].p = p;
		if (size < b[j].size)
			b[j].size = size;
		while (b[j].size > 0)
			if (b[j].p[--b[j].size] != b[j].fill)
				wrong++;
		b[j].size = size;
		b[j].fill = (unsigned char)i;
		if (size > 0)
			memset(p, b[j].fill, size);
	}
	IS(wrong, 0, "contents and alignment hold");
	IS(a.used, used, "every byte is counted");

	/* With no memory left, blocks can still be made smaller. */
	a.fail_in = 1;
	OK(alloc_resize(&a, NULL, 0, 8) == NULL, "no new block");
	for (j = 0; j < BLOCKS; j++) {
		if (b[j].size < 2)
			continue;
		p = alloc_resize(&a, b[j].p, b[j].size, b[j].size / 2);
		if (p == NULL || *(unsigned char *)p != b[j].fill)
			wrong++;
		b[j].p = p;
		b[j].size /= 2;
	}
	IS(wrong, 0, "each got smaller and kept its contents");
	for (j = 0; j < BLOCKS; j++)
		alloc_resize(&a, b[j].p, b[j].size, 0);
	IS(a.used, 0, "all is given back");
	alloc_free(&a);

	/* Neither a class nor a chunk has room. */
	p = alloc_resize(&a, NULL, 0, 1000);
	a.fail_in = 1;
	p = alloc_resize(&a, p, 1000, 16);
	OK(p != NULL, "a block of malloc's serves on");
	alloc_free(&a);
	free(p); /* the allocator has lost sight of it */
}

int
main(void)
{
	test_libraries();
	test_errors();
	test_instructions();
	test_time();
	test_hooks();
	test_memory();
	test_failing();
	test_allocator();
	return tap_done();
}
