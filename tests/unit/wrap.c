/* Modules as text of an update: Lua reads the very bytes of the file. */

#include "lua-host/wrap.h"

#include <lua.h>

#include "lua-host/state.h"
#include "tests/tap.h"

#define RANDOM_TEXTS 2000
#define RANDOM_LEN   40

struct got {
	struct buf name, source;
	int calls, nargs;
};

static int
take(lua_State *L)
{
	struct got *g = lua_touserdata(L, lua_upvalueindex(1));
	const char *s;
	size_t len;

	g->calls++;
	g->nargs = lua_gettop(L);
	buf_reset(&g->name);
	buf_reset(&g->source);
	s = lua_tolstring(L, 1, &len);
	buf_append(&g->name, s, len);
	s = lua_tolstring(L, 2, &len);
	buf_append(&g->source, s, len);
	return 0;
}

/* Run the text with hotfix.module being take: 0 when it ran. */
static int
run(struct state *s, struct got *g, const struct buf *text)
{
	lua_State *L = state_lua(s);
	struct buf error = BUF_INIT;
	int ret;

	g->calls = 0;
	lua_newtable(L);
	lua_pushlightuserdata(L, g);
	lua_pushcclosure(L, take, 1);
	lua_setfield(L, -2, "module");
	lua_setglobal(L, "hotfix");
	ret = state_load(s, L, (const char *)text->data, text->len, "=part");
	if (ret == 0)
		ret = state_call(s, L, 0, 0, &error);
	else
		printf("# %s\n", lua_tostring(L, -1));
	if (error.len > 0)
		printf("# %s\n", buf_text(&error));
	lua_settop(L, 0);
	buf_free(&error);
	return ret;
}

/* 1 when Lua reads the very bytes; quoted >= 0: written as a quoted string (1)
 * or in a long bracket (0). */
static int
survives(struct state *s, const char *name, const void *source, size_t len,
    int quoted)
{
	struct got g = {BUF_INIT, BUF_INIT, 0, 0};
	/* Where a name stands that needs no escapes. */
	const size_t source_at = strlen("hotfix.module(\"\", ") + strlen(name);
	struct buf text = BUF_INIT;
	int good;

	good = wrap_module(&text, name, strlen(name), source, len) == 0 &&
	       run(s, &g, &text) == 0 && g.calls == 1 && g.nargs == 2 &&
	       g.name.len == strlen(name) &&
	       memcmp(g.name.data, name, g.name.len) == 0 &&
	       g.source.len == len &&
	       (len == 0 || memcmp(g.source.data, source, len) == 0) &&
	       (quoted < 0 || (text.data[source_at] == '"') == quoted);
	if (!good)
		printf("# %.*s\n", text.len < 200 ? (int)text.len : 200,
		    (char *)text.data);
	buf_free(&text);
	buf_free(&g.name);
	buf_free(&g.source);
	return good;
}

static void
sources(struct state *s)
{
	static const struct {
		const char *what, *source;
		size_t len;
		int quoted;
	} rows[] = {
#define ROW(what, source, quoted) {what, source, sizeof(source) - 1, quoted}
	    ROW("a module", "local m = {}\nreturn m\n", 0),
	    ROW("nothing", "", 0),
	    ROW("no line end at the end", "return 1", 0),
	    ROW("a line end at the front", "\nreturn 1\n", 0),
	    ROW("several of them", "\n\n\nreturn 1\n\n\n", 0),
	    ROW("nothing but a line end", "\n", 0),
	    ROW("a first line for a shell", "#!/usr/bin/lua\nreturn 1\n", 0),
	    ROW("a byte order mark", "\xef\xbb\xbfreturn 1\n", 0),
	    ROW("quotes and backslashes", "return \"a\\n\\065'\\\\\"\n", 0),
	    ROW("long brackets", "return [[a]], [=[b]=], [==[c]==]\n", 0),
	    ROW("a bracket at the end", "return a[b[1]]", 0),
	    ROW("brackets and equals signs at the end", "--]=", 0),
	    ROW("more of them", "--]==]===", 0),
	    ROW("levels that share a bracket", "--]=]==]]====]", 0),
	    ROW("equals signs before a bracket", "a ======]", 0),
	    ROW("opening brackets", "[[[=[[==[", 0),
	    ROW("bytes that are no UTF-8", "return '\xff\xfe\x80'\n", 0),
	    ROW("tabs and form feeds", "\treturn\f1\v\n", 0),
	    ROW("CR LF", "local m = {}\r\nreturn m\r\n", 1),
	    ROW("CR alone", "local m = {}\rreturn m\r", 1),
	    ROW("LF CR", "return 1\n\r", 1),
	    ROW("all kinds of line ends", "\r\n\n\r\r\r\n\n\r\n\r", 1),
	    ROW("CR LF, quotes and brackets",
		"\r\nreturn \"\\r\\\n\\z  x\", ']]', [=[\r\n]=]\r\n", 1),
	    ROW("CR before digits", "\r1\r\n065", 1),
	    ROW("a NUL", "return '\0'\n", 1),
	    ROW("a NUL before digits",
		"return '\0"
		"123'\n",
		1),
	    ROW("control bytes", "\r\001\0029\033\032\177\n", 1),
#undef ROW
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		OK(survives(s, "game.damage", rows[i].source, rows[i].len,
		       rows[i].quoted),
		    "%s", rows[i].what);
	OK(survives(s, "m", NULL, 0, 0), "no bytes as NULL");
}

/* Every text of a few bytes that mean something. */
static void
random_sources(struct state *s)
{
	static const char bytes[] = "]]]==[\n\r\\\"'0a\0\xff-z";
	uint64_t seed = tap_seed(23);
	char text[RANDOM_LEN];
	int i, bad = 0;
	size_t n, len;

	for (i = 0; i < RANDOM_TEXTS; i++) {
		len = tap_random(&seed) % (RANDOM_LEN + 1);
		for (n = 0; n < len; n++)
			/* Half of them without what must be quoted. */
			do
				text[n] = bytes[tap_random(&seed) %
						(sizeof bytes - 1)];
			while (i % 2 != 0 &&
			       (text[n] == '\r' || text[n] == '\0'));
		bad += !survives(s, "m", text, len, -1);
	}
	IS(bad, 0, "random texts");
}

/* People read documents: what they see there. */
static void
exact(void)
{
	static const struct {
		const char *name, *source, *want;
	} rows[] = {
	    {"game.damage", "local m = {}\nreturn m\n",
		"hotfix.module(\"game.damage\", [=[\n"
		"local m = {}\nreturn m\n]=])\n"},
	    {"m", "t[a[1]] = b]x===]",
		"hotfix.module(\"m\", [=[\n"
		"t[a[1]] = b]x===]]=])\n"},
	    {"m", "]==] ]=", "hotfix.module(\"m\", [===[\n]==] ]=]===])\n"},
	    {"a\\b", "x = 'y'\r\n\tz = \"\"\r\n\033",
		"hotfix.module(\"a\\\\b\", \"x = 'y'\\r\\\n"
		"\tz = \\\"\\\"\\r\\\n\\027\")\n"},
	};
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_reset(&b);
		wrap_module(&b, rows[i].name, strlen(rows[i].name),
		    rows[i].source, strlen(rows[i].source));
		IS_STR(buf_text(&b), rows[i].want, "written so");
	}
	buf_free(&b);
}

static void
large(struct state *s)
{
	const size_t len = 1000000;
	char *text = malloc(len);

	memset(text, '\n', len);
	OK(survives(s, "m", text, len, 0), "a large one");
	memset(text, '=', len / 4);
	text[0] = ']';
	text[len / 4] = ']';
	OK(survives(s, "m", text, len / 4 + 1, 0), "a very deep bracket");
	free(text);
}

static void
names(struct state *s)
{
	static const char *const good[] = {"game", "game.damage", "a b", "x\\n",
	    "x\\", "]]", "\xc3\xa9", "--", "0"};
	static const char *const bad[] = {"", "a\"b", "a'b", "a\nb", "a\tb",
	    "a\177", "\xc2\x85", "\xff", "a\033b"};
	char name[WRAP_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++)
		OK(wrap_name_is_valid(good[i], strlen(good[i])) &&
			survives(s, good[i], "return 1\n", 9, -1),
		    "a name: %s", good[i]);
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		OK(!wrap_name_is_valid(bad[i], strlen(bad[i])), "none: row %zu",
		    i);
	OK(!wrap_name_is_valid("a\0b", 3), "none: a NUL");
	memset(name, 'n', sizeof name);
	OK(wrap_name_is_valid(name, WRAP_NAME_MAX), "a name: 200 bytes");
	OK(!wrap_name_is_valid(name, WRAP_NAME_MAX + 1), "none: 201 bytes");
}

/* One behind the other, behind text of another file. */
static void
together(struct state *s)
{
	struct got g = {BUF_INIT, BUF_INIT, 0, 0};
	struct buf text = BUF_INIT;

	buf_puts(&text, "local before = 1 -- no line end\n");
	wrap_module(&text, "a", 1, "return 1 -- x", 13);
	wrap_module(&text, "b", 1, "return 2\r\n", 10);
	wrap_module(&text, "c", 1, "return [[3]]", 12);
	IS(run(s, &g, &text), 0, "three modules are one text");
	IS(g.calls, 3, "each is told");
	IS_STR(buf_text(&g.source), "return [[3]]", "in their order");
	buf_free(&text);
	buf_free(&g.name);
	buf_free(&g.source);
}

static void
no_memory(void)
{
	struct buf b = {NULL, 0, 0, 1};

	IS(wrap_module(&b, "m", 1, "x", 1), -1, "no memory is told");
}

int
main(void)
{
	struct state *s = state_new();

	sources(s);
	random_sources(s);
	exact();
	large(s);
	names(s);
	together(s);
	no_memory();
	state_free(s);
	return tap_done();
}
