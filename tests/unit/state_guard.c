/* The guarded functions of Lua's libraries: as in plain Lua at all times but
 * in a rehearsal, where they pretend. */

#include "lua-host/state.h"
#include "tests/tap.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <unistd.h>

/* --- as in plain Lua ------------------------------------------------------ */

/* Each returns texts and numbers; an error is one, too. */
static const struct {
	const char *what, *text;
} ordinary[] = {
    {"a file is written and read",
	"local f = assert(io.open('a', 'w')) f:write('one\\ntwo\\n', 3)\n"
	"f:close() f = io.open('a') local s = f:read('L', 'l', 'n')\n"
	"local t = {f:seek('set', 1), f:read(2, 'a')} f:close()\n"
	"return s, table.concat(t, '|')"},
    {"io.open of what is not there", "return io.open('none')"},
    {"io.open in a folder that is not there", "return io.open('no/a', 'w')"},
    {"io.open without a name", "io.open()"},
    {"io.open of a table", "io.open({})"},
    {"io.open with a wrong mode", "io.open('a', 'rw')"},
    {"io.open with a mode that is no string", "io.open('a', {})"},
    {"io.open by pcall", "return pcall(io.open)"},
    {"io.open of a number", "return io.open(12)"},
    {"f:read without a format", "local f = io.open('a') return f:read()"},
    {"f:read with a wrong format", "local f = io.open('a') f:read('x')"},
    {"f:read of a closed file", "local f = io.open('a') f:close() f:read('a')"},
    {"f.read of no file", "local f = io.open('a') f.read(7)"},
    {"f.read of nothing", "local f = io.open('a') f.read()"},
    {"f.read without a dot", "local f = io.open('a') f.read('a')"},
    {"f:lines", "local t = {} local f = io.open('a')\n"
		"for l in f:lines('L') do t[#t + 1] = l end\n"
		"return table.concat(t), io.type(f)"},
    {"f:lines with formats",
	"local f = io.open('a') return f:lines(1, 2, 'l')()"},
    {"f:lines with a wrong format", "local f = io.open('a') f:lines('x')()"},
    {"f:lines with many formats", "local t = {} for i = 1, 250 do t[i] = 0 "
				  "end\nlocal f = io.open('a')\n"
				  "return #{f:lines(table.unpack(t))()}"},
    {"f:lines with too many formats",
	"local t = {} for i = 1, 251 do t[i] = 0 end\n"
	"local f = io.open('a') return f:lines(table.unpack(t))"},
    {"f:lines of a closed file", "local f = io.open('a') f:close() f:lines()"},
    {"an iterator of a file that was closed",
	"local f = io.open('a') local g = f:lines() f:close() g()"},
    {"io.lines", "local t = {} for l in io.lines('a') do t[#t + 1] = l end "
		 "return table.concat(t, '|')"},
    {"io.lines returns four values",
	"local a, b, c, d = io.lines('a', 'n')\n"
	"return type(a), b, c, io.type(d), select('#', io.lines('a'))"},
    {"the file of io.lines is closed at its end",
	"local g, _, _, f = io.lines('a') while g() do end\n"
	"return io.type(f)"},
    {"io.lines past its end", "local g = io.lines('a') while g() do end g()"},
    {"io.lines closes what a loop leaves",
	"local f for l in io.lines('a') do break end return 'fine'"},
    {"io.lines of what is not there", "io.lines('none')"},
    {"io.lines of a table", "io.lines({})"},
    {"io.input and io.read",
	"io.input('a') local s = io.read('a') io.input():close()\n"
	"local ok, e = pcall(io.read) io.input(io.stdin) return s, ok, e"},
    {"io.lines of io.input",
	"io.input('a') local t = {} for l in io.lines() do t[#t + 1] = l end\n"
	"io.close(io.input()) io.input(io.stdin) return table.concat(t)"},
    {"io.input of what is not there", "io.input('none')"},
    {"io.input of a table", "io.input({})"},
    {"io.output and io.write",
	"io.output('b') io.write('x', 1) io.close() io.output(io.stdout)\n"
	"return io.open('b'):read('a')"},
    {"io.output in a folder that is not there", "io.output('no/b')"},
    {"io.output of a table", "io.output({})"},
    {"io.tmpfile", "local f = io.tmpfile() f:write('x') f:seek('set')\n"
		   "return f:read('a'), f:close()"},
    {"io.popen", "local f = io.popen('echo hello; exit 3')\n"
		 "return f:read('a'), f:close()"},
    {"io.popen with a wrong mode", "io.popen('true', 'rw')"},
    {"io.popen with an empty mode", "io.popen('true', '')"},
    {"io.popen of nothing", "io.popen()"},
    {"os.execute", "return os.execute('exit 3')"},
    {"os.execute asks for a shell", "return type(os.execute())"},
    {"os.execute of a table", "os.execute({})"},
    {"os.rename and os.remove",
	"io.open('b', 'w'):close()\n"
	"return os.rename('b', 'c'), io.open('b'), os.remove('c')"},
    {"os.rename of what is not there", "return os.rename('none', 'c')"},
    {"os.rename of one name", "os.rename('a')"},
    {"os.remove of what is not there", "return os.remove('none')"},
    {"os.remove of nothing", "os.remove()"},
    {"os.tmpname", "local n = os.tmpname() return #n, os.remove(n)"},
    {"os.exit with a wrong argument", "os.exit({})"},
    {"debug.sethook", "local n = 0 debug.sethook(function() n = n + 1 end, "
		      "'c')\nlocal x = type(1) debug.sethook() return n > 0"},
    {"no upvalues",
	"return debug.getupvalue(io.open, 1), debug.getupvalue(os.exit, 1)"},
    {"names in a traceback",
	"return select(2, xpcall(io.open, debug.traceback)):match("
	"'%[C%]: in [^\\n]*open')"},
    {"rehearsing is told nowhere", "return hotfix == nil"},
};

static void
append_results(struct buf *out, lua_State *L, int first)
{
	const char *s;
	int i;

	for (i = first; i <= lua_gettop(L); i++) {
		s = luaL_tolstring(L, i, NULL);
		buf_puts(out, s);
		buf_puts(out, ";");
		lua_pop(L, 1);
	}
	lua_settop(L, first - 1);
}

static void
run(lua_State *L, const char *text, struct buf *out)
{
	int top = lua_gettop(L);

	buf_reset(out);
	if (luaL_loadbufferx(L, text, strlen(text), "=t", "t") != LUA_OK ||
	    lua_pcall(L, 0, LUA_MULTRET, 0) != LUA_OK)
		buf_puts(out, "error: ");
	append_results(out, L, top + 1);
}

static void
test_ordinary(void)
{
	struct state *s = state_new();
	lua_State *plain = luaL_newstate();
	struct buf want = BUF_INIT, got = BUF_INIT;
	size_t i;

	luaL_openlibs(plain);
	for (i = 0; i < sizeof ordinary / sizeof *ordinary; i++) {
		run(plain, ordinary[i].text, &want);
		run(state_lua(s), ordinary[i].text, &got);
		IS_STR(buf_text(&got), buf_text(&want), ordinary[i].what);
	}
	buf_free(&want);
	buf_free(&got);
	lua_close(plain);
	state_free(s);
}

/* --- in a rehearsal ------------------------------------------------------- */

/* What the program did before. */
static const char before[] =
    "hotfix = {}\n"
    "OUT = io.open('save', 'w') OUT:write('kept') OUT:flush()\n"
    "local f = io.open('old', 'w') f:write('1\\n2\\n3\\n') f:close()\n"
    "OLD, MORE = io.open('old'), io.open('old')\n"
    "NEXT, LINES = MORE:lines(), io.lines('old')\n"
    "PIPE = io.popen('cat')\n"
    "io.input('old')\n";

static struct state *
rehearsing(void)
{
	struct state *s = state_new();
	struct buf out = BUF_INIT;

	run(state_lua(s), before, &out);
	IS_STR(buf_text(&out), "", "a program opens its files");
	OK(!state_is_rehearsing(s), "nothing is rehearsed");
	IS(state_rehearse(s), 0, "a rehearsal begins");
	OK(state_is_rehearsing(s), "and is one");
	buf_free(&out);
	return s;
}

static const struct {
	const char *what, *text, *result, *noted;
} pretended[] = {
    {"os.execute", "return os.execute('rm -f save')", "true;exit;0;",
	"os.execute(\"rm -f save\")\n"},
    {"os.execute without a command", "return os.execute()", "true;", ""},
    {"os.execute of a table", "os.execute({})",
	"error: t:1: bad argument #1 to 'execute' (string expected, got "
	"table);",
	""},
    {"os.remove", "return os.remove('save')", "true;", "os.remove(\"save\")\n"},
    {"os.remove of nothing", "os.remove()",
	"error: t:1: bad argument #1 to 'remove' (string expected, got no "
	"value);",
	""},
    {"os.rename", "return os.rename('save', 'x')", "true;",
	"os.rename(\"save\", \"x\")\n"},
    {"os.tmpname",
	"local a, b = os.tmpname(), os.tmpname()\n"
	"return a ~= b, a:match('^/tmp/'), io.open(a), io.open(b)",
	"true;/tmp/;nil;nil;/tmp/lua_000002: No such file or directory;2;",
	"os.tmpname()\nos.tmpname()\n"},
    {"io.popen",
	"local f = io.popen('touch x; echo y')\n"
	"return io.type(f), f:read('a'), f:close()",
	"file;;true;exit;0;", "io.popen(\"touch x; echo y\")\n"},
    {"io.popen for writing",
	"local f = io.popen('touch x', 'w') f:write('y') return f:close()",
	"true;exit;0;", "io.popen(\"touch x\")\n"},
    {"io.popen with a wrong mode", "io.popen('true', 'rw')",
	"error: t:1: bad argument #2 to 'popen' (invalid mode);", ""},
    {"io.open for writing",
	"local f = io.open('save', 'w') f:write(('x'):rep(100000))\n"
	"return f:seek('end') ~= nil, f:flush() ~= nil, f:close()",
	"true;true;true;", "io.open(\"save\", \"w\")\n"},
    {"io.open in a folder that is not there",
	"return io.type(io.open('a/b', "
	"'wb'))",
	"file;", "io.open(\"a/b\", \"wb\")\n"},
    {"io.open for appending", "return io.open('x', 'a'):close()", "true;",
	"io.open(\"x\", \"a\")\n"},
    {"io.open for reading and writing",
	"return io.open('old', 'r+'):write('no'):close()", "true;",
	"io.open(\"old\", \"r+\")\n"},
    {"io.open with a wrong mode", "io.open('x', 'wr')",
	"error: t:1: bad argument #2 to 'open' (invalid mode);",
	"io.open(\"x\", \"wr\")\n"},
    {"io.output of a name",
	"io.output('x') io.write('y') io.close() return io.type(io.output())",
	"closed file;", "io.output(\"x\")\n"},
    {"io.output of a handle", "return io.output(io.stdout) == io.stdout",
	"true;", ""},
    {"reading a file that is opened now",
	"local f = io.open('old') local s = f:read('L') .. f:lines()()\n"
	"return s, f:close()",
	"1\n2;true;", ""},
    {"io.open of what is not there", "return io.open('none')",
	"nil;none: No such file or directory;2;", ""},
    {"io.lines of a name",
	"local t = {} for l in io.lines('old') do t[#t + 1] = l end "
	"return table.concat(t)",
	"123;", ""},
    {"io.input of a name",
	"local was = io.input() io.input('old')\n"
	"local s = io.read('a') .. type(io.lines()) io.input():close()\n"
	"io.input(was) return s",
	"1\n2\n3\nfunction;", ""},
    {"io.tmpfile",
	"local f = io.tmpfile() f:write('x') f:seek('set') return f:read('a')",
	"x;", ""},
    {"writing to a file of before", "return OUT:write('') == OUT", "true;", ""},
    {"closing a file of before", "local f = io.open('old') return f:close()",
	"true;", ""},
    {"garbage handles",
	"io.open('old') io.popen('x') io.open('x', 'w') "
	"collectgarbage() return 'fine'",
	"fine;", "io.popen(\"x\")\nio.open(\"x\", \"w\")\n"},
    {"an argument that is long, with what a line cannot hold",
	"os.remove(('\\n'):rep(100))", "",
	"os.remove(\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n"
	"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n...\")\n"},
    {"hotfix.rehearsing", "return hotfix.rehearsing", "true;", ""},
};

static void
test_pretended(void)
{
	struct state *s;
	const struct buf *lines;
	struct buf out = BUF_INIT, noted = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof pretended / sizeof *pretended; i++) {
		s = rehearsing();
		run(state_lua(s), pretended[i].text, &out);
		IS_STR(buf_text(&out), pretended[i].result, pretended[i].what);
		state_pretences(s, &lines);
		buf_reset(&noted);
		buf_append(&noted, lines->data, lines->len);
		IS_STR(buf_text(&noted), pretended[i].noted, "is noted");
		OK(state_refusal(s) == NULL, "is no reason to refuse");
		state_free(s);
	}
	OK(access("x", F_OK) != 0, "nothing was made");
	OK(access("save", F_OK) == 0, "nothing was removed");

	s = rehearsing();
	run(state_lua(s), "for i = 1, 1000 do os.remove(('x'):rep(1000)) end",
	    &out);
	IS(state_pretences(s, &lines), 1000, "every call is counted");
	OK(lines->len > 0 &&
		lines->len <= STATE_PRETENCES_MAX * (STATE_PRETENCE_ARG + 20),
	    "the lines are bounded");
	state_free(s);

	s = state_new();
	IS(state_rehearse(s), 0, "a state without a table hotfix");
	run(state_lua(s), "return hotfix", &out);
	IS_STR(buf_text(&out), "nil;", "gets none");
	state_free(s);
	buf_free(&noted);
	buf_free(&out);
}

#define OPENED_BEFORE "t:1: it reads a file that was opened before"

static const struct {
	const char *what, *text, *why;
} refused[] = {
    {"f:read", "OLD:read('a')", OPENED_BEFORE},
    {"f:lines", "OLD:lines()", OPENED_BEFORE},
    {"io.read", "io.read()", OPENED_BEFORE},
    {"io.lines", "io.lines()", OPENED_BEFORE},
    {"io.lines(nil)", "io.lines(nil)", OPENED_BEFORE},
    {"an iterator of f:lines", "NEXT()", OPENED_BEFORE},
    {"an iterator of io.lines", "LINES()", OPENED_BEFORE},
    {"an iterator in a loop", "for l in NEXT do end", OPENED_BEFORE},
    {"what a program says", "PIPE:read('a')", OPENED_BEFORE},
    {"standard input", "io.stdin:read()", OPENED_BEFORE},
    {"io.input of a handle", "io.input(OLD) io.read()", OPENED_BEFORE},
    {"reading under pcall", "pcall(OLD.read, OLD)",
	"it reads a file that was opened before"},
    {"reading in a coroutine", "coroutine.wrap(function() OLD:read() end)()",
	OPENED_BEFORE},
    {"os.exit", "os.exit(0)", "t:1: it calls os.exit"},
    {"os.exit under pcall", "pcall(function() os.exit(0) end)",
	"t:1: it calls os.exit"},
    {"os.exit in a finalizer",
	"setmetatable({}, {__gc = function() os.exit() end}) "
	"collectgarbage()",
	"t:1: it calls os.exit"},
    {"the first of two", "pcall(os.exit) OLD:read()", "it calls os.exit"},
};

static void
test_refused(void)
{
	struct state *s;
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof refused / sizeof *refused; i++) {
		s = rehearsing();
		run(state_lua(s), refused[i].text, &out);
		IS_STR(state_refusal(s), refused[i].why, refused[i].what);
		state_free(s);
	}
	s = rehearsing();
	lua_getglobal(state_lua(s), "os");
	lua_getfield(state_lua(s), -1, "exit");
	state_fail_allocation(s, 1);
	IS(lua_pcall(state_lua(s), 0, 0, 0), LUA_ERRMEM,
	    "without memory there is no message");
	state_fail_allocation(s, 0);
	IS_STR(state_refusal(s), "it calls os.exit", "but a refusal");
	OK(state_starved(s), "memory ran out, and not by the cap");
	state_free(s);

	s = rehearsing();
	state_begin_budget(s, state_lua(s),
	    &(struct state_limits){1000000, INT64_C(100000000000), 1 << 20});
	run(state_lua(s), "('x'):rep(1 << 24)", &out);
	OK(state_end_budget(s) == STATE_OVER_MEMORY && !state_starved(s),
	    "the cap of a budget starves nobody");
	state_free(s);
	buf_free(&out);
}

int
main(void)
{
	test_ordinary();
	test_pretended();
	test_refused();
	return tap_done();
}
