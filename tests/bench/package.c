/*
 * For how long a client stands still when a package comes in force.
 *
 *	usage: package [MODULES...]
 *
 * For packages of so many modules (10, 50, 200), each of 198 lines and 39
 * functions that all changed, beside a heap of a million objects: what the one
 * step takes in which they are swapped; the longest turn of the loop that came
 * before it, from the end of the fetch on; as ratios to compiling the same
 * sources by Lua, and to one full collection of the same heap. The best of
 * several.
 */

#include "lua-host/client_package.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/clock.h"
#include "base/file.h"
#include "pack/package.h"

#define ROUNDS    5
#define FUNCTIONS 38 /* of a module's table; it has a local one too */

struct bench {
	struct hotfix_loop loop;
	struct wire wire;
	struct client_packages *packages;
	int fetched;
};

struct figures {
	int64_t step, turn, compile, collection;
};

static void
die(const char *what)
{
	fprintf(stderr, "package: %s\n", what);
	exit(1);
}

static void
put(const char *path, const struct buf *text)
{
	struct err e;

	if (file_write(path, text->data, text->len, 0644, &e) != 0)
		die(e.text);
}

static void
put_module(struct buf *out, size_t module, int version)
{
	int i;

	buf_reset(out);
	buf_printf(out,
	    "-- Module %zu.\n"
	    "local M, calls, limits = {}, 0, {least = 1, most = 100}\n"
	    "local function clamp(x)\n"
	    "	return math.max(limits.least, math.min(limits.most, x))\n"
	    "end\n\n",
	    module);
	for (i = 1; i <= FUNCTIONS; i++)
		buf_printf(out,
		    "function M.work%d(unit, amount)\n"
		    "	calls = calls + 1\n"
		    "	local left = clamp((amount or 1) + %d)\n"
		    "	return unit, left * %d, calls\n"
		    "end\n",
		    i, version, i);
	buf_puts(out, "\nreturn M\n");
}

static void
write_program(const char *dir, size_t modules, int version)
{
	struct buf text = BUF_INIT;
	char path[256];
	struct err e;
	size_t i;

	snprintf(path, sizeof path, "%s/game", dir);
	if (file_mkdirs(path, &e) != 0)
		die(e.text);
	for (i = 0; i < modules; i++) {
		put_module(&text, i, version);
		snprintf(path, sizeof path, "%s/game/m%zu.lua", dir, i);
		put(path, &text);
	}
	buf_reset(&text);
	buf_printf(&text,
	    "M, HEAP = {}, {}\n"
	    "for i = 0, %zu do M[i] = require('game.m' .. i) end\n"
	    "for i = 1, 250000 do\n"
	    "  HEAP[i] = {{i}, 'unit ' .. i, function() return i end}\n"
	    "end\n"
	    "function CHECK(version)\n"
	    "  for i = 0, #M do\n"
	    "    local _, left = M[i].work1(nil, 1)\n"
	    "    assert(left == 1 + version, 'the old code runs')\n"
	    "  end\n"
	    "end\n",
	    modules - 1);
	snprintf(path, sizeof path, "%s/main.lua", dir);
	put(path, &text);
	buf_free(&text);
}

static void
pack(const char *dir, struct doc_package *out)
{
	struct package_spec spec = {.dir = dir,
	    .name = "arena",
	    .release = "2",
	    .time_us = INT64_C(1795305600000000)};
	struct package_info info;
	struct err e;

	if (package_create(&spec, "2.tar", &info, &e) != 0)
		die(e.text);
	memset(out, 0, sizeof *out);
	out->present = 1;
	strcpy(out->name, "arena");
	strcpy(out->release, "2");
	out->len = info.len;
	memcpy(out->md5, info.md5, sizeof out->md5);
	memcpy(out->sha512, info.sha512, sizeof out->sha512);
	out->url = "local://x/2.tar";
}

/* --- a client --------------------------------------------------------------
 */

static void
op_log(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "package: %s\n", line);
}

static void
op_rearm(void *arg)
{
	(void)arg;
}

static void
on_fetched(void *arg, uint64_t id, const struct client_applied *out)
{
	struct bench *b = arg;

	(void)id;
	if (out->result != RESULT_READY)
		die(out->text);
	b->fetched = 1;
}

static void
on_release(void *arg, const char *release)
{
	(void)arg;
	(void)release;
}

static void
bench_open(struct bench *b)
{
	const struct program_ops ops = {.log = op_log, .rearm = op_rearm};
	struct client_packages_options o = {.script = "prog/main.lua",
	    .timeout_ms = 60000,
	    .tries = 1,
	    .command = "sh cp.sh",
	    .fetched = on_fetched,
	    .release = on_release,
	    .arg = b};
	struct err e;

	memset(b, 0, sizeof *b);
	b->loop.loop = loop_new(LOOP_BEST);
	wire_init(&b->wire, &b->loop, op_log, NULL);
	b->packages = client_packages_new(&b->wire, &o, &e);
	if (b->packages == NULL || wire_run(&b->wire, PROGRAM_CLIENT, &ops,
				       o.script, 0, NULL, &e) != 0)
		die(e.text);
}

static void
bench_close(struct bench *b)
{
	client_packages_free(b->packages);
	wire_end(&b->wire);
	loop_free(b->loop.loop);
}

static void
check(struct bench *b, int version)
{
	lua_State *L = state_lua(b->wire.state);

	lua_getglobal(L, "CHECK");
	lua_pushinteger(L, version);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK)
		die(lua_tostring(L, -1));
}

/* --- what is measured ------------------------------------------------------
 */

static int64_t
time_compile(struct bench *b, size_t modules)
{
	lua_State *L = state_lua(b->wire.state);
	struct buf text = BUF_INIT;
	int64_t start, sum = 0;
	size_t i;

	for (i = 0; i < modules; i++) {
		put_module(&text, i, 2);
		start = clock_mono_ns();
		if (luaL_loadbufferx(L, (const char *)text.data, text.len,
			"=module", "t") != LUA_OK)
			die(lua_tostring(L, -1));
		sum += clock_mono_ns() - start;
		lua_pop(L, 1);
	}
	buf_free(&text);
	return sum;
}

static int64_t
time_collection(struct bench *b)
{
	int64_t start = clock_mono_ns();

	lua_gc(state_lua(b->wire.state), LUA_GCCOLLECT);
	return clock_mono_ns() - start;
}

/* Of this process: what a turn of the loop waits for is no work. */
static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The longest turn until the package is here. */
static int64_t
fetch(struct bench *b, const struct doc *d)
{
	struct client_applied out;
	int64_t start, longest = 0;

	if (client_packages_fetch(b->packages, d, NULL, NULL, 0, &out) != 0)
		die("the package is here already");
	while (!b->fetched) {
		start = cpu_ns();
		if (loop_once(b->loop.loop, -1) != 0 && errno != EINTR)
			die(strerror(errno));
		start = cpu_ns() - start;
		if (start > longest)
			longest = start;
	}
	return longest;
}

static struct figures
measure(size_t modules, const struct doc_package *package)
{
	struct wire_update u = {NULL, NULL, 0, NULL, 0};
	struct wire_outcome out;
	struct figures f;
	struct bench b;
	struct doc d;
	int64_t start;

	memset(&d, 0, sizeof d);
	memset(&f, 0, sizeof f);
	d.id = 20;
	d.feature = "release";
	d.package = *package;
	u.doc = &d;
	bench_open(&b);
	check(&b, 1);
	f.compile = time_compile(&b, modules);
	f.collection = time_collection(&b);
	f.turn = fetch(&b, &d);
	start = clock_mono_ns();
	client_packages_apply(b.packages, &u, &out);
	f.step = clock_mono_ns() - start;
	if (out.result != RESULT_APPLIED)
		die(out.text);
	check(&b, 2);
	bench_close(&b);
	return f;
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
bench_package(size_t modules)
{
	struct figures best = {0}, f;
	struct doc_package package;
	int i;

	if (system("rm -rf prog new 2.tar") != 0)
		die("rm");
	write_program("prog", modules, 1);
	write_program("new", modules, 2);
	pack("new", &package);
	for (i = 0; i < ROUNDS; i++) {
		f = measure(modules, &package);
		note(&best.step, f.step);
		note(&best.turn, f.turn);
		note(&best.compile, f.compile);
		note(&best.collection, f.collection);
	}
	printf("%7zu  %9zu  %8.1f  %8.1f  %8.1f  %5.2f  %10.1f  %5.2f\n",
	    modules, modules * (FUNCTIONS + 1), ms(best.step), ms(best.turn),
	    ms(best.compile), ms(best.step) / ms(best.compile),
	    ms(best.collection), ms(best.step) / ms(best.collection));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static const size_t usual[] = {10, 50, 200};
	static const char copy[] = "cp \"${1##*/}\" \"$2\"\n";
	char dir[] = "/tmp/hotfix-bench.XXXXXX";
	const struct buf script = {
	    (uint8_t *)(uintptr_t)copy, sizeof copy - 1, sizeof copy - 1, 0};
	char clean[sizeof dir + 8];
	size_t i;

	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		die(strerror(errno));
	put("cp.sh", &script);
	printf("milliseconds, and as ratios to compiling and to one full "
	       "collection\n"
	       "%7s  %9s  %8s  %8s  %8s  %5s  %10s  %5s\n",
	    "modules", "functions", "step", "turn", "compile", "", "collection",
	    "");
	if (argc > 1)
		for (i = 1; i < (size_t)argc; i++)
			bench_package((size_t)strtoull(argv[i], NULL, 10));
	else
		for (i = 0; i < sizeof usual / sizeof *usual; i++)
			bench_package(usual[i]);
	snprintf(clean, sizeof clean, "rm -rf %s", dir);
	return chdir("/") == 0 && system(clean) == 0 ? 0 : 1;
}
