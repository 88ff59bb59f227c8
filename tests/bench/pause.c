/*
 * For how long a program stands still when a function of it is replaced.
 *
 *	usage: pause [OBJECTS...]
 *
 * For heaps of so many objects (100000, 1000000, 3000000) prints what one
 * hotfix.replace takes, by either way of looking for references, as a ratio
 * to one full collection of the same heap by Lua; and what a reload of the
 * same function by luareload takes, when the variable PEER names its file.
 * Then, what a hook adds to a call.
 *
 * An object has two tables, a closure and a string; 2000 coroutines hold the
 * function too. Each figure is the best of several, taken in turns with the
 * others: they tell about each other, and little about another machine.
 */

#include "base/clock.h"
#include "lua-host/engine.h"
#include "lua-host/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#define ROUNDS      5
#define PEER_ROUNDS 3 /* it takes seconds */
#define CALLS       5000000

struct bench {
	struct state *state;
	lua_State *L;
	struct engine *engine;
	int version; /* what the function adds; each change brings one more */
	int has_peer;
};

enum what { COLLECTION, SWEEP, API, PEER, NWHAT };

static const char program[] =
    "function SOURCE(version)\n"
    "  return 'local M, calls = {}, 0 '\n"
    "    .. 'function M.hit(x) calls = calls + 1 return x + ' .. version\n"
    "    .. ' end return M'\n"
    "end\n"
    "package.preload.bench = load(SOURCE(0))\n"
    "M = require 'bench'\n"
    "HEAP, HOLDERS = {}, {}\n"
    "for i = 1, OBJECTS do\n"
    "  HEAP[i] = {{i}, 'unit ' .. i, function() return i end}\n"
    "end\n"
    "for i = 1, 2000 do\n"
    "  HOLDERS[i] = coroutine.wrap(function(f)\n"
    "    while true do coroutine.yield(f) end end)\n"
    "  HOLDERS[i](M.hit)\n"
    "end\n"
    "function CHECK(version, everywhere)\n"
    "  assert(M.hit(1) == version + 1, 'the new function is not there')\n"
    "  assert(not everywhere or HOLDERS[77]() == M.hit, 'nor in coroutines')\n"
    "end\n"
    "if PEER then\n"
    "  local reload = assert(loadfile(PEER))()\n"
    "  function RELOAD() assert(reload.reload {'bench'}) end\n"
    "end\n"
    "function TIME(f, n) for i = 1, n do f(i) end end\n";

static const char replace[] =
    "local calls\n"
    "hotfix.replace{target='bench::hit', with=function(x)\n"
    "  calls = calls + 1 return x + %d end}";

static const char hook[] =
    "hotfix.hook{target='bench::hit', with=function(original, x)\n"
    "  return original(x) end}";

static void
die(const char *what)
{
	fprintf(stderr, "pause: %s\n", what);
	exit(1);
}

/* Call the global function of this name with nargs arguments. */
static void
call(struct bench *b, const char *name, int nargs)
{
	lua_getglobal(b->L, name);
	lua_insert(b->L, -1 - nargs);
	if (lua_pcall(b->L, nargs, 0, 0) != LUA_OK)
		die(lua_tostring(b->L, -1));
}

static void
push(struct bench *b, uint64_t id, const char *text)
{
	struct engine_report report;

	engine_report_init(&report);
	if (engine_change(b->engine, NULL, 0, id, "bench", text, strlen(text),
		&report) != ENGINE_APPLIED)
		die(buf_text(&report.text));
	engine_report_free(&report);
}

static void
bench_open(struct bench *b, lua_Integer objects)
{
	const char *peer = getenv("PEER");

	memset(b, 0, sizeof *b);
	b->state = state_new();
	if (b->state == NULL ||
	    (b->engine = engine_new(b->state, NULL)) == NULL)
		die("out of memory");
	b->L = state_lua(b->state);
	lua_pushinteger(b->L, objects);
	lua_setglobal(b->L, "OBJECTS");
	if (peer != NULL && *peer != '\0') {
		lua_pushstring(b->L, peer);
		lua_setglobal(b->L, "PEER");
		b->has_peer = 1;
	}
	if (luaL_dostring(b->L, program) != LUA_OK)
		die(lua_tostring(b->L, -1));
}

static void
bench_close(struct bench *b)
{
	engine_free(b->engine);
	state_free(b->state);
}

static int64_t
time_collection(struct bench *b)
{
	int64_t start = clock_mono_ns();

	lua_gc(b->L, LUA_GCCOLLECT);
	return clock_mono_ns() - start;
}

static void
check(struct bench *b, int everywhere)
{
	lua_pushinteger(b->L, b->version);
	lua_pushboolean(b->L, everywhere);
	call(b, "CHECK", 2);
}

static int64_t
time_replace(struct bench *b, enum walk_way way)
{
	char text[256];
	int64_t start;

	snprintf(text, sizeof text, replace, ++b->version);
	engine_set_walk(b->engine, way);
	start = clock_mono_ns();
	push(b, 1, text);
	start = clock_mono_ns() - start;
	check(b, 1);
	return start;
}

static int64_t
time_peer(struct bench *b)
{
	char text[128];
	int64_t start;

	snprintf(text, sizeof text, "package.preload.bench = load(SOURCE(%d))",
	    ++b->version);
	if (luaL_dostring(b->L, text) != LUA_OK)
		die(lua_tostring(b->L, -1));
	start = clock_mono_ns();
	call(b, "RELOAD", 0);
	start = clock_mono_ns() - start;
	check(b, 0);
	return start;
}

static void
note(int64_t *best, int64_t t)
{
	if (*best == 0 || t < *best)
		*best = t;
}

static double
ms(int64_t ns)
{
	return (double)ns / 1e6;
}

static void
bench_pause(lua_Integer objects)
{
	int64_t best[NWHAT] = {0};
	uint64_t id = 1;
	struct bench b;
	int i;

	bench_open(&b, objects);
	for (i = 0; i < ROUNDS; i++) {
		note(&best[COLLECTION], time_collection(&b));
		note(&best[SWEEP], time_replace(&b, WALK_SWEEP));
		note(&best[COLLECTION], time_collection(&b));
		note(&best[API], time_replace(&b, WALK_API));
	}
	/* The peer knows of no update in force, and keeps none. */
	{
		struct engine_report report;

		engine_report_init(&report);
		engine_change(b.engine, &id, 1, 0, NULL, NULL, 0, &report);
		engine_report_free(&report);
	}
	for (i = 0; b.has_peer && i < PEER_ROUNDS; i++) {
		note(&best[COLLECTION], time_collection(&b));
		note(&best[PEER], time_peer(&b));
	}
	printf("%9" PRId64 "  %10.1f  %10.1f  %5.2f  %10.1f  %5.2f",
	    (int64_t)objects, ms(best[COLLECTION]), ms(best[SWEEP]),
	    ms(best[SWEEP]) / ms(best[COLLECTION]), ms(best[API]),
	    ms(best[API]) / ms(best[COLLECTION]));
	if (b.has_peer)
		printf("  %10.1f  %8.1f\n", ms(best[PEER]),
		    ms(best[PEER]) / ms(best[SWEEP]));
	else
		printf("  %10s  %8s\n", "-", "-");
	fflush(stdout);
	bench_close(&b);
}

static int64_t
time_calls(struct bench *b)
{
	int64_t start, best = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		lua_getglobal(b->L, "M");
		lua_getfield(b->L, -1, "hit");
		lua_remove(b->L, -2);
		lua_pushinteger(b->L, CALLS);
		start = clock_mono_ns();
		call(b, "TIME", 2);
		note(&best, clock_mono_ns() - start);
	}
	return best;
}

static void
bench_hook(void)
{
	struct bench b;
	int64_t plain, hooked;

	bench_open(&b, 1000);
	lua_getglobal(b.L, "hotfix");
	if (lua_getfield(b.L, -1, "hook") == LUA_TNIL) {
		printf("a call: -\n");
	} else {
		lua_settop(b.L, 0);
		plain = time_calls(&b);
		push(&b, 1, hook);
		hooked = time_calls(&b);
		printf("a call: %.1f ns, through a hook %.1f ns, ratio %.2f\n",
		    (double)plain / CALLS, (double)hooked / CALLS,
		    (double)hooked / (double)plain);
	}
	bench_close(&b);
}

int
main(int argc, char **argv)
{
	static const lua_Integer usual[] = {100000, 1000000, 3000000};
	const char *peer = getenv("PEER");
	size_t i;

	printf("milliseconds, and as a ratio to one full collection\n"
	       "%9s  %10s  %10s  %5s  %10s  %5s  %10s  %8s\n",
	    "objects", "collection", "sweep", "", "API", "", "peer",
	    "to sweep");
	if (argc > 1)
		for (i = 1; i < (size_t)argc; i++)
			bench_pause(strtoll(argv[i], NULL, 10));
	else
		for (i = 0; i < sizeof usual / sizeof *usual; i++)
			bench_pause(usual[i]);
	if (peer == NULL || *peer == '\0')
		printf("no peer: PEER=FILE is reload.lua of luareload\n");
	bench_hook();
	return 0;
}
