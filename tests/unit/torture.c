/*
 * Memory that runs out at every place of a step. Either the n-th allocation
 * and all after it fail, or the n-th alone, of Lua or of the engine. After a
 * failure the program is what it was: the same text of a dump of all that can
 * be reached, with the addresses of functions. Then the step works.
 */

#include "tests/game.h"

/* The linker leads what our code asks of the C library to these (Makefile). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);

/* The sanitizers' build is slow, and there each block of Lua's is one of the C
 * library's: some of the places. */
#ifdef HOTFIX_SANITIZED
#define EVERY 7
#else
#define EVERY 1
#endif

/* Requests until one fails; 0: none does. */
static uint64_t fail_in, failed;

static int
fails(void)
{
	if (fail_in == 0 || --fail_in > 0)
		return 0;
	failed++;
	return 1;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

static const char program[] =
    "local hits, crit, tax = 0, 15, 2\n"
    "local function roll() return 1 end\n"
    "local function other() return 'other' end\n"
    "M = {price = 5, list = {1, {deep = 'deep'}},\n"
    "  object = setmetatable({}, {__index = {a = 1}})}\n"
    "function M.hit() hits = hits + 1 return roll() end\n"
    "function M.heal() return 'heal', crit end\n"
    "function M.pay(n) return n * tax end\n"
    "function M.walk(n) if n == 0 then return 0 end\n"
    "  return 1 + M.walk(n - 1) end\n"
    "function M.late() return 'late', hits end\n"
    "function M.other() return other() end\n"
    "package.loaded.m = M\n"
    "local S = {n = 1, sub = {x = 1}}\n"
    "local secret = {}\n"
    "function S.get() return S.n, secret end\n"
    "function S.set(n) S.n = n end\n"
    "package.loaded.s = S\n"
    "EACH = {}\n"
    "for i = 1, 4 do EACH[i] = function() i = i + 1 return i end end\n"
    "package.loaded.each = EACH\n"
    "KEYS = {[M.hit] = 'hit', [M.heal] = 'heal', [EACH[2]] = 'each',\n"
    "  [S.get] = 'get'}\n"
    "WEAK = setmetatable({[M.hit] = 'hit'}, {__mode = 'k'})\n"
    "CO = coroutine.create(function(f, ...) local g = f coroutine.yield()\n"
    "  return g, ... end)\n"
    "coroutine.resume(CO, M.hit, M.heal, S.get)\n"
    "NEW = coroutine.create(M.pay)\n"
    "COPY = {M.hit, function() return M.hit, roll end}\n"
    "LOG = {}\n"
    /* All that can be reached, in an order of names; a thing that came before
     * by its number. */
    "function dump()\n"
    "  local seen, n, visit = {}, 0\n"
    "  local function upvalues(f, out)\n"
    "    for i = 1, 255 do\n"
    "      local name, v = debug.getupvalue(f, i)\n"
    "      if not name then break end\n"
    "      local id = debug.upvalueid(f, i)\n"
    "      if not seen[id] then n = n + 1 seen[id] = n end\n"
    "      if name ~= '_ENV' then\n"
    "        out[#out + 1] = name .. '(' .. seen[id] .. ')=' .. visit(v)\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  function visit(v)\n"
    "    local kind, out = type(v), {}\n"
    "    if kind == 'string' then return ('%q'):format(v) end\n"
    "    if kind ~= 'table' and kind ~= 'function' and kind ~= 'thread' then\n"
    "      return tostring(v)\n"
    "    end\n"
    "    if seen[v] then return '#' .. seen[v] end\n"
    "    n = n + 1 seen[v] = n\n"
    "    local head = kind .. n\n"
    "    if kind == 'function' then\n"
    "      if ADDRESSES then head = head .. tostring(v) end\n"
    "      upvalues(v, out)\n"
    "    elseif kind == 'thread' then\n"
    "      for i = -3, 4 do\n"
    "        if coroutine.status(v) == 'suspended' and\n"
    "          debug.getinfo(v, 1) then\n"
    "          local name, l = debug.getlocal(v, 1, i)\n"
    "          if name then out[#out + 1] = i .. '=' .. visit(l) end\n"
    "        end\n"
    "      end\n"
    "    else\n"
    "      local keys = {}\n"
    "      for k, x in next, v do\n"
    "        local s = type(k) == 'function' and 'f:' .. tostring(x) or\n"
    "          tostring(k)\n"
    "        keys[#keys + 1] = {s, k, x}\n"
    "      end\n"
    "      table.sort(keys, function(a, b) return a[1] < b[1] end)\n"
    "      for i, k in ipairs(keys) do\n"
    "        out[i] = k[1] .. (type(k[2]) == 'function' and visit(k[2]) or\n"
    "          '') .. '=' .. visit(k[3])\n"
    "      end\n"
    "      out[#out + 1] = 'meta=' .. visit(debug.getmetatable(v))\n"
    "    end\n"
    "    return head .. '{' .. table.concat(out, ',') .. '}'\n"
    "  end\n"
    "  return visit{M, package.loaded.s, EACH, KEYS, WEAK, CO, NEW, COPY}\n"
    "end\n";

/* Of every kind that there is. */
#define RICH(n)                                                             \
	"local hits, crit, blocked = nil, 1.5, 0\n"                         \
	"local function roll() return crit * " #n " end\n"                  \
	"local function extra(k) blocked = blocked + 1 return k + " #n      \
	" end\n"                                                            \
	"hotfix.replace{target='m::hit', upvalues={crit='m::heal^crit'},\n" \
	"  with=function() hits = hits + 1 return extra(roll()) end}\n"     \
	"hotfix.hook{target='m::walk', with=function(o, k)\n"               \
	"  hits = hits + 1 return o(k) end}\n"                              \
	"hotfix.hook{target='m::heal', stack=true, with=function(o)\n"      \
	"  return " #n ", o() end}\n"                                       \
	"hotfix.instances{like='each::[1]', make=function() local i\n"      \
	"  return function() i = i + " #n " return i end end}\n"            \
	"hotfix.set{target='m::price', value=" #n "}\n"                     \
	"hotfix.set{target='m::pay^tax', value=" #n "}\n"                   \
	"hotfix.set{target='m::list[2].deep', value={" #n "}}\n"            \
	"hotfix.set{target='m::object@', value={__index={a=" #n "}}}\n"     \
	"hotfix.module('s', [[local secret = {}\n"                          \
	"local S = {n = 2, sub = {x = 2, y = " #n "}, fresh = {}}\n"        \
	"function S.get() return -S.n, secret end\n"                        \
	"function S.more() return secret end\n"                             \
	"GLOBAL = S.more\n"                                                 \
	"return setmetatable(S, {__call = S.more})]])\n"                    \
	"hotfix.on_rollback(function() LOG[#LOG + 1] = 'back' end)\n"

#define ABOVE                                                          \
	"local other\n"                                                \
	"hotfix.replace{target='m::other', with=function() "           \
	"return 'above ' .. other() end}\n"                            \
	"hotfix.hook{target='m::hit', with=function(o) return o() "    \
	"end}\n"                                                       \
	"hotfix.instances{like='each::[1]', make=function() local i\n" \
	"  return function() i = i + 100 return i end end}\n"          \
	"hotfix.set{target='m::price', value=30}\n"

/* Push a copy of what dump says; freed by the caller. */
static char *
dump(struct game *g, int addresses)
{
	char *text = NULL;

	lua_pushboolean(g->L, addresses);
	lua_setglobal(g->L, "ADDRESSES");
	lua_getglobal(g->L, "dump");
	if (lua_pcall(g->L, 0, 1, 0) == LUA_OK)
		text = __real_strdup(lua_tostring(g->L, -1));
	else
		printf("#   %s\n", lua_tostring(g->L, -1));
	lua_pop(g->L, 1);
	return text;
}

static int
same(const char *what, const char *is, const char *want)
{
	size_t i = 0;

	if (is == NULL || want == NULL)
		return 0;
	if (strcmp(is, want) == 0)
		return 1;
	while (is[i] == want[i])
		i++;
	i = i > 60 ? i - 60 : 0;
	printf("#   %s\n#   is   %.160s\n#   want %.160s\n", what, is + i,
	    want + i);
	return 0;
}

/* A step under torture. */
struct scenario {
	const char *name;
	void (*prepare)(struct game *g);
	enum engine_result (*act)(struct game *g);
	enum engine_result want;
	/* What a failure leaves: NULL, the program as it was. */
	void (*expect)(struct game *g);
	/* What is left of one that failed too late to be undone, and is taken
	 * back: as expect. */
	void (*dropped)(struct game *g);
};

static void
must(struct game *g, enum engine_result is, enum engine_result want)
{
	if (is != want)
		OK(0, "the stage: %s", said(g));
}

static void
prepare_above(struct game *g)
{
	must(g, push(g, 30, ABOVE), ENGINE_APPLIED);
}

static void
prepare_both(struct game *g)
{
	must(g, push(g, 20, RICH(2)), ENGINE_APPLIED);
	must(g, push(g, 30, ABOVE), ENGINE_APPLIED);
}

static enum engine_result
act_rich(struct game *g)
{
	return push(g, 20, RICH(3));
}

static enum engine_result
act_drop(struct game *g)
{
	return drop(g, 20);
}

#define AFTER(then) \
	RICH(3)     \
	"hotfix.after(function() LOG[#LOG + 1] = 'after' " then " end)\n"

static enum engine_result
act_after(struct game *g)
{
	return push(g, 20, AFTER(""));
}

static enum engine_result
act_fail_after(struct game *g)
{
	return push(g, 20, AFTER("error('told to')"));
}

static enum engine_result
act_defer(struct game *g)
{
	static const char text[] = "error('never')";

	return engine_defer(g->engine, NULL, 0, 25, "later", text,
	    sizeof text - 1, "go", &g->report);
}

static void
ignore_due(void *arg, uint64_t id)
{
	(void)arg;
	(void)id;
}

#define WAITS                                                                  \
	"local hits\n"                                                         \
	"local function more() hits = hits + 1 return hits end\n"              \
	"hotfix.replace{target='m::late', on='go', when=function(x) "          \
	"return x end, with=function() return more() end}\n"                   \
	"hotfix.hook{target='m::hit', on='go', with=function(o) hits = "       \
	"hits + 1 return o() end}\n"                                           \
	"hotfix.replace{target='m::heal', with=function() return 'new' end}\n" \
	"hotfix.set{target='m::price', value=7}\n"

static void
prepare_waits(struct game *g)
{
	struct engine_callbacks cb = {NULL, ignore_due, NULL};

	engine_set_callbacks(g->engine, &cb);
	must(g, push(g, 20, WAITS), ENGINE_DEFERRED);
	must(g, push(g, 30, ABOVE), ENGINE_APPLIED);
	lua_pushliteral(g->L, "go");
	lua_pushboolean(g->L, 1);
	engine_fire(g->engine, g->L, 1);
	lua_settop(g->L, 0);
}

static enum engine_result
act_release(struct game *g)
{
	return engine_release(g->engine, 20, &g->report);
}

static const struct scenario scenarios[] = {
    {"a new update", prepare_above, act_rich, ENGINE_APPLIED, NULL, NULL},
    {"another text", prepare_both, act_rich, ENGINE_APPLIED, NULL, NULL},
    {"taking back", prepare_both, act_drop, ENGINE_REVERTED, NULL, NULL},
    {"one that waits", prepare_above, act_defer, ENGINE_DEFERRED, NULL, NULL},
    {"a release", prepare_waits, act_release, ENGINE_APPLIED, prepare_above,
	NULL},
    {"what is run afterwards", prepare_both, act_after, ENGINE_APPLIED, NULL,
	prepare_above},
    {"what fails afterwards", prepare_both, act_fail_after, ENGINE_FAILED, NULL,
	prepare_above},
};

/* What the program is after this; and, with s, when all goes well then. */
static char *
dump_after(void (*prepare)(struct game *g), const struct scenario *s)
{
	struct game g;
	char *text = NULL;

	if (prepare == NULL)
		return NULL;
	game_open(&g, program, &patient);
	prepare(&g);
	if (s != NULL)
		IS(s->act(&g), s->want, s->name);
	text = dump(&g, 0);
	game_close(&g);
	return text;
}

struct torture {
	const struct scenario *s;
	char *want, *left, *dropped; /* dumps */
	char *before;                /* with addresses */
	int failures, stayed, wrong;
	int spoilt; /* the next one needs a new program */
};

/* One failure: the program is what it was, or what is expected. */
static void
check_failure(struct torture *t, struct game *g)
{
	int there = engine_has(g->engine, 20);
	char *is;

	t->failures++;
	t->wrong += engine_is_busy(g->engine);
	if (strstr(said(g), "it stays in force") != NULL) {
		t->stayed++;
		t->spoilt = 1;
		t->wrong += !there || drop(g, 20) != ENGINE_REVERTED;
		is = dump(g, 0);
		t->wrong += !same("taken back", is, t->dropped);
	} else if (t->s->expect != NULL) {
		/* It left, or could not and stays as it was. */
		t->spoilt = 1;
		is = dump(g, there);
		t->wrong += !same("left", is, there ? t->before : t->left);
	} else {
		is = dump(g, 1);
		t->wrong += !same("as before", is, t->before);
	}
	free(is);
}

static void
begin(struct torture *t, struct game *g)
{
	game_open(g, program, &patient);
	t->s->prepare(g);
	free(t->before);
	t->before = dump(g, 1);
	t->spoilt = 0;
}

/* Garbage that refers to what is replaced: where memory runs out it goes, in
 * the middle of a step. */
static void
litter(struct game *g)
{
	lua_run(g,
	    "for i = 1, 30 do\n"
	    "  local t = {M.hit, M.heal, {M.pay}, [M.walk] = i, [M.hit] = i}\n"
	    "  local f = function() return t, M.hit end\n"
	    "end");
}

/* only: the n-th allocation alone fails, one of the C library's. */
static void
torture(const struct scenario *s, int only)
{
	struct torture t = {s, dump_after(s->prepare, s),
	    dump_after(s->expect, NULL), dump_after(s->dropped, NULL), NULL, 0,
	    0, 0, 0};
	enum engine_result r;
	struct game g;
	uint64_t n, refusals;
	int failing;
	char *is;

	begin(&t, &g);
	for (n = 1;; n += EVERY) {
		/* A program that has seen some failures has room left. */
		if (t.spoilt || n % 64 == 0) {
			game_close(&g);
			begin(&t, &g);
		}
		litter(&g);
		failed = 0;
		refusals = state_refusals(g.state);
		if (only)
			fail_in = n;
		else
			state_fail_allocation(g.state, n);
		r = s->act(&g);
		fail_in = 0;
		state_fail_allocation(g.state, 0);
		failing = failed > 0 || state_refusals(g.state) != refusals;
		if (!failing)
			break;
		if (r != s->want || r == ENGINE_FAILED)
			check_failure(&t, &g);
		else
			t.spoilt = 1; /* it was done in spite of all */
	}
	/* With memory back it can be undone; where all fails it may have to
	 * stay. */
	OK(t.failures > 0 &&
		(only ? t.stayed == 0
		      : EVERY > 1 || (t.stayed > 0) == (s->dropped != NULL)),
	    "%s: failed at %d of %d places%s, and stayed %d times", s->name,
	    t.failures, (int)n, only ? ", alone" : "", t.stayed);
	IS(t.wrong, 0, "each time all was as it should be");
	is = dump(&g, 0);
	OK(r == s->want && same("in the end", is, t.want),
	    "then it worked, and so is the program");
	free(is);
	free(t.want);
	free(t.left);
	free(t.dropped);
	free(t.before);
	game_close(&g);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
		torture(&scenarios[i], 0);
		torture(&scenarios[i], 1);
	}
	return tap_done();
}
