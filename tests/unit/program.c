/* What a hosted program may rely on, and what it cannot break. */

#include "lua-host/engine.h"
#include "lua-host/program.h"

#include <lua.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/tap.h"

#define SECOND INT64_C(1000000000)

/* A program with everything around it: what it logs and sends is kept. */
struct world {
	struct state *s;
	struct program *p;
	struct buf log;  /* a line each */
	struct buf sent; /* "client text" LF; broadcasts as client "*" */
	size_t sent_len; /* of the last text */
	int rearms, proven;
	int nclients;
	size_t longest; /* line of log */
};

static const char *const clients[] = {"orc-2", "elf-10", "orc-10", "elf-1"};

static void
world_log(void *arg, const char *line)
{
	struct world *w = arg;

	if (strlen(line) > w->longest)
		w->longest = strlen(line);
	buf_puts(&w->log, line);
	buf_puts(&w->log, "\n");
}

static int
world_send(void *arg, const char *client, const void *bytes, size_t len)
{
	struct world *w = arg;

	if (client != NULL && strcmp(client, "nobody") == 0)
		return -1;
	w->sent_len = len;
	if (len > 1000) /* of a large one the length will do */
		return 0;
	buf_puts(&w->sent, client != NULL ? client : "host");
	buf_puts(&w->sent, " ");
	buf_append(&w->sent, bytes, len);
	buf_puts(&w->sent, "\n");
	return 0;
}

static void
world_broadcast(void *arg, const void *bytes, size_t len)
{
	world_send(arg, "*", bytes, len);
}

static void
world_clients(void *arg, void (*each)(void *cookie, const char *id),
    void *cookie)
{
	struct world *w = arg;
	int i;

	for (i = 0; i < w->nclients; i++)
		each(cookie, clients[i]);
}

static int
world_has(void *arg, const char *client, const char *feature)
{
	(void)arg;
	return strcmp(client, "orc-2") == 0 && strcmp(feature, "damage") == 0;
}

static void
world_rearm(void *arg)
{
	struct world *w = arg;

	w->rearms++;
}

/* Told with its arguments, as "fired NAME ARG...". */
static void
world_fired(void *arg, lua_State *L, int event)
{
	struct world *w = arg;
	int i;

	buf_puts(&w->sent, "fired");
	for (i = event; i <= lua_gettop(L); i++)
		buf_printf(&w->sent, " %s", lua_tostring(L, i));
	buf_puts(&w->sent, "\n");
}

static void
world_proven(void *arg)
{
	struct world *w = arg;

	w->proven++;
}

static struct program_ops
world_ops(struct world *w)
{
	struct program_ops ops = {w, world_log, world_send, world_broadcast,
	    world_clients, world_has, NULL, world_proven, world_rearm};

	return ops;
}

static void
world_open(struct world *w, enum program_side side)
{
	struct program_ops ops = world_ops(w);

	memset(w, 0, sizeof *w);
	w->s = state_new();
	w->p = w->s != NULL ? program_new(w->s, side, &ops) : NULL;
	if (w->p == NULL) {
		OK(0, "a program in a fresh state");
		exit(tap_done());
	}
}

static void
world_close(struct world *w)
{
	IS(lua_gettop(state_lua(w->s)), 0, "the stack is as it was");
	program_free(w->p);
	state_free(w->s);
	buf_free(&w->log);
	buf_free(&w->sent);
}

static const char *
world_logged(struct world *w)
{
	return buf_text(&w->log);
}

/* Forget what was logged and sent. */
static void
world_reset(struct world *w)
{
	buf_reset(&w->log);
	buf_reset(&w->sent);
	w->rearms = 0;
	w->longest = 0;
}

/* Run Lua text in the state: what it returns as text, "error: ..." with the
 * first line of its error. Lives until the next call. */
static const char *
lua(struct world *w, const char *text)
{
	static char out[2048];
	lua_State *L = state_lua(w->s);
	struct buf error = BUF_INIT;
	const char *s;

	if (state_load(w->s, L, text, strlen(text), "=test") != 0) {
		snprintf(out, sizeof out, "syntax: %s", lua_tostring(L, -1));
		lua_pop(L, 1);
	} else if (state_call(w->s, L, 0, 1, &error) != 0) {
		s = buf_text(&error);
		snprintf(out, sizeof out, "error: %.*s", (int)strcspn(s, "\n"),
		    s);
	} else {
		s = lua_isboolean(L, -1)
			? (lua_toboolean(L, -1) ? "true" : "false")
			: lua_tostring(L, -1);
		snprintf(out, sizeof out, "%s", s != NULL ? s : "nil");
		lua_pop(L, 1);
	}
	buf_free(&error);
	return out;
}

static int
has(const char *text, const char *part)
{
	int found = strstr(text, part) != NULL;

	if (!found)
		printf("#   no '%s' in '%s'\n", part, text);
	return found;
}

static void
write_text(const char *path, const char *text)
{
	struct err e;

	if (file_write(path, text, strlen(text), 0644, &e) != 0)
		OK(0, "writing a script: %s", e.text);
}

/* --- the table ------------------------------------------------------------ */

static void
test_table(void)
{
	static const char names[] =
	    "local t = {} for k in pairs(hotfix) do t[#t + 1] = k end "
	    "table.sort(t) return table.concat(t, ' ')";
	struct program_ops ops;
	struct program *p;
	struct world w;

	world_open(&w, PROGRAM_HOST);
	IS_STR(lua(&w, names),
	    "after broadcast cancel clients every fire has log now on proven "
	    "send "
	    "stop",
	    "what a host's program may call");
	world_close(&w);

	world_open(&w, PROGRAM_CLIENT);
	IS_STR(lua(&w, names),
	    "after cancel every fire log now on proven send stop",
	    "what a client's program may call");
	world_close(&w);

	memset(&w, 0, sizeof w);
	w.s = state_new();
	lua(&w, "hotfix = {replace = 7}");
	ops = world_ops(&w);
	p = program_new(w.s, PROGRAM_CLIENT, &ops);
	OK(p != NULL, "a program where there is a table hotfix already");
	IS_STR(lua(&w, "return hotfix.replace .. type(hotfix.on)"), "7function",
	    "the table there is used, and keeps what it has");

	lua(&w, "kept, hotfix.on = hotfix.log, nil; "
		"setmetatable({}, {__gc = function() kept('late') end})");
	program_free(p);
	IS_STR(lua(&w, "kept('x')"), "error: test:1: the program has ended",
	    "a function that outlives the program says so");
	lua(&w, "collectgarbage()");
	OK(w.log.len == 0, "and does nothing, in a finalizer either");
	state_free(w.s);
	program_free(NULL);
}

/* --- the script ----------------------------------------------------------- */

static void
test_run(void)
{
	char *argv[] = {(char[]){"north"}, (char[]){""}, (char[]){"3"}};
	struct buf big = BUF_INIT;
	struct world w;
	struct err e;

	world_open(&w, PROGRAM_HOST);
	if (file_mkdirs("game", &e) != 0)
		OK(0, "%s", e.text);
	write_text("game/rules.lua", "return {limit = 12}");
	write_text("game/main.lua",
	    "#!/usr/bin/env a-program\n"
	    "local a, b, c, d = ...\n"
	    "limit = require 'rules'.limit\n"
	    "seen = table.concat({a, b, c, tostring(d), #hotfix.args}, '|')\n"
	    "same = hotfix.args[1] == a and hotfix.args[3] == c\n"
	    "line = debug.getinfo(1, 'l').currentline\n");
	IS(program_run(w.p, "game/main.lua", 3, argv, &e), 0, "a script runs");
	IS_STR(lua(&w, "return seen"), "north||3|nil|3",
	    "its arguments are ... and hotfix.args");
	IS_STR(lua(&w, "return same"), "true", "both the same");
	IS_STR(lua(&w, "return limit"), "12",
	    "require finds what is beside it");
	IS_STR(lua(&w, "return line"), "6", "a #! line counts as a line");
	write_text("plain.lua", "here = require 'beside'");
	write_text("beside.lua", "return 'here'");
	IS(program_run(w.p, "plain.lua", 0, NULL, &e), 0,
	    "a path without a folder, no arguments");
	IS_STR(lua(&w, "return here .. #hotfix.args"), "here0", "likewise");
	write_text("hash.lua", "#");
	IS(program_run(w.p, "hash.lua", 0, NULL, &e), 0, "nothing but a #");
	write_text("mark.lua", "\xef\xbb\xbf#!/bin/x\nhere = 'marked'");
	IS(program_run(w.p, "mark.lua", 0, NULL, &e), 0, "a byte order mark");
	IS_STR(lua(&w, "return here"), "marked", "is passed over");
	OK(w.log.len == 0, "nothing was logged");

	IS(program_run(w.p, "none.lua", 0, NULL, &e), -1, "no such file");
	IS(e.kind, ERR_LOCAL, "is local trouble");
	write_text("bad.lua", "local x =\n= 1");
	IS(program_run(w.p, "bad.lua", 0, NULL, &e), -1, "a syntax error");
	IS(e.kind, ERR_NO, "is the script's");
	OK(has(e.text, "bad.lua:2:"), "the reason names file and line");
	write_text("\x1b.lua", "local function f() error('no\\n\\27[2J') end "
			       "f() f()");
	world_reset(&w);
	IS(program_run(w.p, "\x1b.lua", 0, NULL, &e), -1,
	    "a script that fails");
	IS_STR(e.text, "\\x1b.lua:1: no", "one line, escaped, for the reason");
	OK(strncmp(world_logged(&w), "\\x1b[2J\nstack traceback:\n", 25) == 0,
	    "what follows is in the log, the line itself is not");
	OK(has(world_logged(&w), "in local 'f'") ||
		has(world_logged(&w), "in upvalue 'f'"),
	    "with the traceback");

	write_text("binary.lua", "\x1bLua");
	IS(program_run(w.p, "binary.lua", 0, NULL, &e), -1,
	    "a binary chunk is refused");
	buf_reserve(&big, STATE_SOURCE_MAX + 1);
	memset(big.data, ' ', STATE_SOURCE_MAX + 1);
	file_write("big.lua", big.data, STATE_SOURCE_MAX, 0644, &e);
	IS(program_run(w.p, "big.lua", 0, NULL, &e), 0, "the largest source");
	file_write("big.lua", big.data, STATE_SOURCE_MAX + 1, 0644, &e);
	IS(program_run(w.p, "big.lua", 0, NULL, &e), -1, "a byte more");
	IS(e.kind, ERR_LOCAL, "is refused by size");
	buf_free(&big);
	world_close(&w);
}

static void
test_stop(void)
{
	struct world w;
	int status = 99;

	world_open(&w, PROGRAM_CLIENT);
	IS(program_stopped(w.p, &status), 0, "runs");
	IS(status, 99, "the status is left alone");
	OK(has(lua(&w, "hotfix.stop(256)"), "0 to 255"), "no exit status");
	OK(has(lua(&w, "hotfix.stop(-1)"), "0 to 255"), "nor this");
	OK(has(lua(&w, "hotfix.stop('now')"), "number expected"), "nor a word");
	IS(program_stopped(w.p, NULL), 0, "and runs on");
	lua(&w, "hotfix.stop(3) hotfix.stop(4)");
	IS(program_stopped(w.p, &status), 1, "stopped");
	IS(status, 3, "the first status counts");
	world_close(&w);

	world_open(&w, PROGRAM_CLIENT);
	lua(&w, "hotfix.stop()");
	OK(program_stopped(w.p, &status) && status == 0, "0 by default");
	world_close(&w);
}

/* --- events --------------------------------------------------------------- */

static void
test_events(void)
{
	const char *const args[] = {"p1", "a\0b\xff\n"};
	const size_t lens[] = {2, 5};
	struct world w;

	world_open(&w, PROGRAM_HOST);
	IS(program_handles(w.p, "message"), 0, "nobody listens yet");
	program_event(w.p, "message", args, lens, 2);
	IS_STR(lua(&w, "return hotfix.fire('message')"), "0",
	    "an event without handlers");
	IS_STR(lua(&w, "t = {}"
		       "hotfix.on('message', function(id, text, more)"
		       "  t[#t + 1] = '1' .. id .. #text .. tostring(more)"
		       "  got = text end)"
		       "return select('#', hotfix.on('message', function()"
		       "  t[#t + 1] = '2' error('oops') end))"),
	    "0", "hotfix.on returns nothing");
	lua(&w, "hotfix.on('message', function() t[#t + 1] = '3' end)");
	IS(program_handles(w.p, "message"), 1, "now somebody listens");
	IS(program_handles(w.p, "messag"), 0, "but not to this");
	program_event(w.p, "message", args, lens, 2);
	IS_STR(lua(&w, "return table.concat(t, ' ')"), "1p15nil 2 3",
	    "all handlers in order, whatever one of them does");
	IS_STR(lua(&w, "return got == 'a\\0b\\xff\\n'"), "true",
	    "bytes arrive as they are");
	OK(has(world_logged(&w), "message: test:1: oops\nstack traceback:\n"),
	    "the error is in the log, with its traceback");
	program_event(w.p, "message", args, NULL, 1);
	IS_STR(lua(&w, "return pcall(hotfix.fire, 'message', 'x', 'y')"),
	    "true", "a program fires itself");
	IS_STR(lua(&w, "return hotfix.fire('message', 'x', 'y')"), "3",
	    "and learns how many handlers ran");
	IS_STR(lua(&w, "return coroutine.wrap(function()"
		       " return hotfix.fire('message', 'x', 'y') end)()"),
	    "3", "in a coroutine, too");
	world_close(&w);

	world_open(&w, PROGRAM_HOST);
	lua(&w, "n = 0 hotfix.on('e', function() n = n + 1 "
		"hotfix.on('e', function() n = n + 100 end) end)");
	program_event(w.p, "e", NULL, NULL, 0);
	IS_STR(lua(&w, "return n"), "1",
	    "a handler that is set while the event runs waits");
	program_event(w.p, "e", NULL, NULL, 0);
	IS_STR(lua(&w, "return n"), "102", "for the next time");
	lua(&w, "for k = 1, 5 do hotfix.on('many', function(...)"
		" m = select('#', ...) end) end");
	IS_STR(lua(&w, "return hotfix.fire('many', table.unpack({}, 1, 200))"
		       " .. '/' .. m"),
	    "5/200", "many arguments, nils among them");
	world_close(&w);
}

/* Who waits for events is told before the handlers run. */
static void
test_fired(void)
{
	struct world w;
	struct program_ops ops = world_ops(&w);
	const char *const args[] = {"ann", "10"};

	memset(&w, 0, sizeof w);
	w.s = state_new();
	ops.fired = world_fired;
	w.p = program_new(w.s, PROGRAM_HOST, &ops);
	lua(&w, "hotfix.on('level', function(who) hotfix.send('h', who) "
		"end) hotfix.fire('level', 'bob', 3)");
	program_event(w.p, "level", args, NULL, 2);
	program_event(w.p, "alone", NULL, NULL, 0);
	IS_STR(buf_text(&w.sent),
	    "fired level bob 3\nh bob\nfired level ann 10\nh ann\n"
	    "fired alone\n",
	    "each event with its arguments, handled or not");
	lua(&w, "hotfix.proven() hotfix.proven()");
	IS(w.proven, 2, "a program says that it runs well");
	world_close(&w);
}

/* Updates and programs each have a function "after". */
static void
test_after_of_updates(void)
{
	static const char update[] =
	    "hotfix.after(function() AFTER = (AFTER or 0) + 1 end)\n"
	    "hotfix.after(1000, function() end)\n"
	    "hotfix.set{target='_G::X', value=2}";
	struct world w;
	struct program_ops ops = world_ops(&w);
	struct engine_report report;
	struct engine *e;

	memset(&w, 0, sizeof w);
	w.s = state_new();
	e = engine_new(w.s, NULL);
	w.p = program_new(w.s, PROGRAM_HOST, &ops);
	engine_report_init(&report);
	lua(&w, "X = 1");
	IS(engine_change(e, NULL, 0, 1, "fix", update, sizeof update - 1,
	       &report),
	    ENGINE_APPLIED, "an update that uses both");
	IS_STR(lua(&w, "return AFTER .. X"), "12", "runs what comes after");
	OK(program_next_ns(w.p) > 0, "and sets a timer");
	OK(has(lua(&w, "hotfix.after(print)"), "only for an update"),
	    "a program has no use for it");
	engine_report_free(&report);
	engine_free(e);
	world_close(&w);
}

static void
test_events_hostile(void)
{
	struct world w;
	char text[200];

	world_open(&w, PROGRAM_HOST);
	OK(has(lua(&w, "hotfix.on(1, print)"), "string expected"),
	    "an event is named by a string");
	OK(has(lua(&w, "hotfix.on('e')"), "function expected"),
	    "a handler is a function");
	OK(has(lua(&w, "hotfix.on('e', setmetatable({}, {__call = print}))"),
	       "function expected"),
	    "and nothing that is like one");
	OK(has(lua(&w, "hotfix.fire(nil)"), "string expected"),
	    "fire takes a string");

	lua(&w, "hotfix.on('e', function() error(setmetatable({}, "
		"{__tostring = function() while true do end end})) end)"
		"hotfix.on('e', function() error(setmetatable({}, "
		"{__tostring = error, __name = 'Boo'})) end)"
		"hotfix.on('e', function() error() end)"
		"hotfix.on('e', function() error(nil) end)"
		"hotfix.on('e', function() coroutine.yield() end)"
		"hotfix.on('e', function() local function f()"
		" return 1 + f() end f() end)"
		"hotfix.on('e', function() setmetatable(_G, {__index ="
		" error, __newindex = error}) end)"
		"hotfix.on('e', function() rawset(_G, 'last', true) end)");
	program_event(w.p, "e", NULL, NULL, 0);
	IS_STR(lua(&w, "return last"), "true",
	    "errors of any kind reach the log, never the others");
	lua(&w, "setmetatable(_G, nil)");
	OK(has(world_logged(&w), "overflow"), "a runaway recursion is told");

	world_reset(&w);
	lua(&w, "deep = 0 hotfix.on('self', function() deep = deep + 1 "
		"hotfix.fire('self') end) hotfix.fire('self')");
	IS_STR(lua(&w, "return deep > 10"), "true",
	    "a handler that fires its own event ends");
	OK(has(world_logged(&w), "overflow"), "with an error");

	world_reset(&w);
	lua(&w, "hotfix.on('\\27[2J\\n', function() error('x', 0) end)"
		"hotfix.fire('\\27[2J\\n')");
	OK(has(world_logged(&w), "\\x1b[2J\n: x\n") ||
		has(world_logged(&w), "\\x1b[2J: x\n"),
	    "an event's name is escaped in the log");

	snprintf(text, sizeof text,
	    "for i = 1, %d do hotfix.on('full', type) end",
	    PROGRAM_HANDLERS_MAX);
	IS_STR(lua(&w, text), "nil", "as many handlers as there may be");
	OK(has(lua(&w, "hotfix.on('full', type)"), "more than 4096 handlers"),
	    "and not one more");
	lua(&w, "hotfix = nil");
	program_event(w.p, "self", NULL, NULL, 0);
	OK(1, "a program that loses its table");
	world_close(&w);
}

/* --- timers --------------------------------------------------------------- */

static void
test_timers(void)
{
	struct world w;
	int64_t start, due;

	world_open(&w, PROGRAM_CLIENT);
	IS(program_next_ns(w.p), -1, "no timer");
	start = clock_mono_ns();
	lua(&w, "s = '' hotfix.after(3, function() s = s .. 'c' end)");
	IS(w.rearms, 1, "the first timer rearms");
	due = program_next_ns(w.p);
	OK(due >= start + 3 * SECOND && due <= clock_mono_ns() + 3 * SECOND,
	    "it is due after its time");
	lua(&w, "hotfix.after(4, function() s = s .. 'd' end)");
	IS(w.rearms, 1, "a later one does not");
	lua(&w,
	    "for _, k in ipairs {'1', '2', '3', '4', '5', '6', '7', '8'} do "
	    "hotfix.after(1, function() s = s .. k end) end");
	IS(w.rearms, 2, "an earlier one does");
	program_run_due(w.p, program_next_ns(w.p) - 1);
	IS_STR(lua(&w, "return s"), "", "none runs a nanosecond early");
	program_run_due(w.p, start + 10 * SECOND);
	IS_STR(lua(&w, "return s"), "12345678cd",
	    "by deadline; equal delays in the order in which they were set");
	IS(program_next_ns(w.p), -1, "and each once");

	lua(&w,
	    "n = 0 local function f() n = n + 1 hotfix.after(0, f) end f()");
	program_run_due(w.p, start + 20 * SECOND);
	IS_STR(lua(&w, "return n"), "2",
	    "a timer that is set meanwhile waits for the next round");
	program_run_due(w.p, start + 20 * SECOND);
	IS_STR(lua(&w, "return n"), "2", "as long as time stands still");
	program_run_due(w.p, start + 21 * SECOND);
	IS_STR(lua(&w, "return n"), "3", "and runs in it");
	lua(&w,
	    "weak = setmetatable({}, {__mode = 'v'}) "
	    "for i = 1, 3 do weak[i] = function() return i end end "
	    "hotfix.after(0, weak[1]) hotfix.cancel(hotfix.after(0, weak[2]))"
	    "hotfix.after(1, weak[3])");
	program_run_due(w.p, start + 21 * SECOND + SECOND / 2);
	lua(&w, "collectgarbage()");
	IS_STR(lua(&w, "return tostring(not weak[1]) .. tostring(not weak[2]) "
		       ".. tostring(not weak[3])"),
	    "truetruefalse", "a function is let go when its timer is done");
	IS_STR(lua(&w, "return math.abs(hotfix.now() - os.time()) < 5"), "true",
	    "hotfix.now is the time of day");
	world_close(&w);
}

static void
test_timers_every(void)
{
	struct world w;
	int64_t first;

	world_open(&w, PROGRAM_CLIENT);
	lua(&w, "n = 0 h = hotfix.every(0.25, function() n = n + 1 end)");
	first = program_next_ns(w.p);
	program_run_due(w.p, first);
	IS(program_next_ns(w.p) - first, SECOND / 4, "a period on");
	program_run_due(w.p, first + SECOND / 4 + 7);
	IS(program_next_ns(w.p) - first, SECOND / 2,
	    "lateness does not add up");
	program_run_due(w.p, first + 10 * SECOND);
	IS_STR(lua(&w, "return n"), "3", "missed turns are not made up for");
	IS(program_next_ns(w.p) - first, 10 * SECOND + SECOND / 4,
	    "and the phase stays");
	world_reset(&w);
	IS_STR(lua(&w, "return hotfix.cancel(h)"), "true", "cancelled");
	IS(w.rearms, 1, "which rearms");
	IS(program_next_ns(w.p), -1, "none is left");
	IS_STR(lua(&w, "return hotfix.cancel(h)"), "false", "but once only");

	lua(&w,
	    "n = 0 h = hotfix.every(1, function() n = n + 1 error('e' .. n) "
	    "end)");
	first = program_next_ns(w.p);
	program_run_due(w.p, first);
	program_run_due(w.p, first + SECOND);
	IS_STR(lua(&w, "return n"), "2", "an error does not end it");
	OK(has(world_logged(&w), "timer: test:1: e1\nstack traceback:\n") &&
		has(world_logged(&w), "timer: test:1: e2\n"),
	    "and is logged");
	world_close(&w);
}

static void
test_timers_hostile(void)
{
	static const char *const bad[] = {
	    "hotfix.after(-0.001, print)",
	    "hotfix.after(0/0, print)",
	    "hotfix.after(1/0, print)",
	    "hotfix.after(1e9 + 1, print)",
	    "hotfix.every(0, print)",
	    "hotfix.every(0.0009, print)",
	    "hotfix.every(0/0, print)",
	};
	struct world w;
	char text[200];
	size_t i;
	int64_t far;

	world_open(&w, PROGRAM_CLIENT);
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		OK(has(lua(&w, bad[i]), "out of range"), "%s", bad[i]);
	OK(has(lua(&w, "hotfix.after(print)"),
	       "number of seconds expected, got function"),
	    "a function where the seconds are due");
	OK(has(lua(&w, "hotfix.after('1', print)"), "number of seconds"),
	    "a string is not a number");
	OK(has(lua(&w, "hotfix.every(1, 'print')"), "function expected"),
	    "nor a function");
	OK(has(lua(&w, "hotfix.cancel()"), "number expected"), "no handle");
	IS_STR(lua(&w, "return hotfix.cancel(-1)"), "false", "a foreign one");
	IS(program_next_ns(w.p), -1, "none of this set a timer");
	lua(&w, "hotfix.after(1e9, print) hotfix.every(1e9, print)");
	far = program_next_ns(w.p) - clock_mono_ns();
	OK(far > 999999999 * SECOND, "the longest time");
	world_close(&w);

	world_open(&w, PROGRAM_CLIENT);
	lua(&w, "s = '' "
		"local function add(k) return function() s = s .. k end end "
		"a = hotfix.after(1, function() s = s .. 'a' "
		"  assert(hotfix.cancel(b)) assert(hotfix.cancel(e)) "
		"  assert(not hotfix.cancel(a)) end) "
		"b = hotfix.after(1, add 'b') "
		"c = hotfix.every(1, function() s = s .. 'c' "
		"  assert(hotfix.cancel(c)) assert(not hotfix.cancel(c)) end) "
		"e = hotfix.every(1, add 'e') hotfix.after(1, add 'f')");
	program_run_due(w.p, clock_mono_ns() + 5 * SECOND);
	IS_STR(lua(&w, "return s"), "acf",
	    "cancelled from inside: itself, and others that are due");
	OK(w.log.len == 0, "nothing failed");
	IS(program_next_ns(w.p), -1, "none is left");

	lua(&w, "s = '' hotfix.after(1, function() hotfix.stop() end) "
		"hotfix.every(1, function() s = 'late' end)");
	program_run_due(w.p, clock_mono_ns() + 50 * SECOND);
	IS_STR(lua(&w, "return s"), "", "no timer runs after a stop");
	IS(program_next_ns(w.p), -1, "or is waited for");
	world_close(&w);

	world_open(&w, PROGRAM_CLIENT);
	snprintf(text, sizeof text,
	    "for i = 1, %d do hotfix.after(i %% 100, type) end",
	    PROGRAM_TIMERS_MAX);
	IS_STR(lua(&w, text), "nil", "as many timers as there may be");
	OK(has(lua(&w, "hotfix.after(1, type)"), "more than 65536 timers"),
	    "and not one more");
	OK(has(lua(&w, "hotfix.cancel(1) hotfix.after(1, type) "
		       "hotfix.after(1, type)"),
	       "more than"),
	    "one that is cancelled makes room for one");
	world_close(&w);
}

/* --- log ------------------------------------------------------------------ */

static void
test_log(void)
{
	struct world w;
	size_t i;

	world_open(&w, PROGRAM_CLIENT);
	lua(&w,
	    "hotfix.log('orc', 14, 1.5, nil, true) hotfix.log() "
	    "hotfix.log(setmetatable({}, {__tostring = function()"
	    " return 'two\\nlines\\n' end})) hotfix.log('\\27[0m\\0\\r\\n') "
	    "hotfix.log('\xc3\xa9\xff')");
	IS_STR(world_logged(&w),
	    "orc\t14\t1.5\tnil\ttrue\n\ntwo\nlines\n\\x1b[0m\\x00\\x0d\n"
	    "\xc3\xa9\\xff\n",
	    "as print shows it, a line for each line, escaped");

	world_reset(&w);
	OK(has(lua(&w, "hotfix.log('a', setmetatable({}, {__tostring ="
		       " function() error('mine') end}))"),
	       "mine"),
	    "what __tostring raises comes to the caller");
	OK(has(lua(&w, "hotfix.log(setmetatable({}, {__tostring ="
		       " function() return {} end}))"),
	       "must return a string"),
	    "likewise when it is no string");
	OK(w.log.len == 0, "and nothing is logged");

	lua(&w, "hotfix.log(('\\1'):rep(100000))");
	IS(w.longest, PROGRAM_LINE_MAX - 1, "a line is bounded (pieces of 4)");
	OK(has(world_logged(&w), "...\n"), "which shows");
	world_reset(&w);
	lua(&w, "hotfix.log(('x'):rep(1024)) hotfix.log(('x'):rep(1025))");
	IS(w.longest, PROGRAM_LINE_MAX, "as long as a line may be");
	IS(w.log.len, 2 * (PROGRAM_LINE_MAX + 1), "and cut when it is longer");
	world_reset(&w);
	lua(&w, "hotfix.log(('\\n'):rep(1000000))");
	for (i = 0; i < w.log.len && w.log.data[i] == '\n'; i++)
		;
	IS(i, PROGRAM_LOG_MAX, "a call is bounded");
	IS_STR(world_logged(&w) + i, "...\n", "which shows, too");
	world_close(&w);
}

/* --- peers ---------------------------------------------------------------- */

static void
test_peers(void)
{
	struct world w;
	char text[200];

	world_open(&w, PROGRAM_HOST);
	IS_STR(lua(&w, "return hotfix.send('orc-2', 'hi')"), "true", "sent");
	IS_STR(lua(&w, "return hotfix.broadcast('all')"), "true", "broadcast");
	lua(&w, "hotfix.send('orc-2', 'a\\0b')");
	OK(w.sent.len == 25 &&
		memcmp(w.sent.data, "orc-2 hi\n* all\norc-2 a\0b\n", 25) == 0,
	    "with any bytes");
	world_reset(&w);
	IS_STR(lua(&w, "local ok, why = hotfix.send('nobody', 'x') "
		       "return tostring(ok) .. ' ' .. why"),
	    "false not connected", "an unknown client is no error");
	IS_STR(lua(&w, "local ok, why = hotfix.send('orc-2\\0', 'x') "
		       "return tostring(ok) .. ' ' .. why"),
	    "false not connected", "an id with a NUL is not the one before it");
	IS_STR(lua(&w, "return hotfix.has('orc-2', 'damage')"), "true", "has");
	IS_STR(lua(&w, "return hotfix.has('orc-2', 'gold')"), "false",
	    "has not");
	IS_STR(lua(&w, "return hotfix.has('orc-2', 'damage\\0')"), "false",
	    "no feature has a NUL");
	OK(has(lua(&w, "hotfix.send('x', 12)"), "string expected"),
	    "a text is a string");
	OK(has(lua(&w, "hotfix.send(12, 'x')"), "string expected"), "an id");
	OK(has(lua(&w, "hotfix.send('x')"), "string expected"), "and is there");
	OK(has(lua(&w, "hotfix.broadcast({})"), "string expected"), "always");
	OK(has(lua(&w, "hotfix.has('x')"), "string expected"), "and so on");
	OK(w.sent.len == 0, "nothing of this was sent");

	snprintf(text, sizeof text,
	    "big = ('x'):rep(1024):rep(%u) return hotfix.send('orc-2', big)",
	    (unsigned)PROGRAM_MESSAGE_MAX / 1024);
	IS_STR(lua(&w, text), "true", "the largest message");
	IS(w.sent_len, PROGRAM_MESSAGE_MAX, "all of it");
	w.sent_len = 0;
	lua(&w, "big = big .. 'x'");
	IS_STR(lua(&w, "return select(2, hotfix.send('orc-2', big))"),
	    "too large", "a byte more");
	IS_STR(lua(&w, "return select(2, hotfix.broadcast(big))"), "too large",
	    "to all, too");
	IS(w.sent_len, 0, "is not sent");

	IS_STR(lua(&w, "return #hotfix.clients()"), "0", "no clients");
	w.nclients = 4;
	IS_STR(lua(&w, "return table.concat(hotfix.clients(), ' ')"),
	    "elf-1 elf-10 orc-10 orc-2", "clients, sorted by bytes");
	world_close(&w);

	world_open(&w, PROGRAM_CLIENT);
	IS_STR(lua(&w, "return hotfix.send('hello')"), "true", "to the host");
	IS_STR(buf_text(&w.sent), "host hello\n", "as it is");
	OK(has(lua(&w, "hotfix.send(nil)"), "string expected"), "a string");
	world_close(&w);
}

/* --- login ---------------------------------------------------------------- */

static int
login(struct world *w, const char *address, struct buf *token)
{
	buf_reset(token);
	return program_login(w->p, "p1", "arena", "1.4", "linux", address,
	    token);
}

static void
test_login(void)
{
	static const struct {
		const char *handler, *what;
		int answer;
	} cases[] = {
	    {"return 'secret'", "a string is the token", 1},
	    {"return 'a\\0b\\255'", "of any bytes", 1},
	    {"", "nothing refuses", -1},
	    {"return nil, 'x'", "and nil", -1},
	    {"return false", "and false", -1},
	    {"error('down')", "an error refuses", -1},
	    {"return true", "true is no token", -1},
	    {"return 12345", "a number is none", -1},
	    {"return {}", "a table is none", -1},
	    {"return ''", "an empty token is none", -1},
	    {"return ('x'):rep(4096)", "the longest token", 1},
	    {"return ('x'):rep(4097)", "one too long", -1},
	    {"return coroutine.yield()", "no yielding", -1},
	};
	struct buf token = BUF_INIT;
	struct world w;
	char text[200];
	size_t i;

	world_open(&w, PROGRAM_HOST);
	IS(login(&w, "192.0.2.1", &token), 0, "without handler all come in");
	lua(&w, "hotfix.on('login', function(id, i) "
		"saw = table.concat({id, i.program, i.version, i.platform, "
		"tostring(i.address)}, ' ') return 'k' end)");
	IS(login(&w, "192.0.2.1", &token), 1, "a handler answers");
	IS_STR(buf_text(&token), "k", "with the token");
	IS_STR(lua(&w, "return saw"), "p1 arena 1.4 linux 192.0.2.1",
	    "it knows who comes");
	login(&w, NULL, &token);
	IS_STR(lua(&w, "return saw"), "p1 arena 1.4 linux nil",
	    "and what was not told");
	world_close(&w);

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world_open(&w, PROGRAM_HOST);
		snprintf(text, sizeof text,
		    "hotfix.on('login', function() %s end)", cases[i].handler);
		lua(&w, text);
		IS(login(&w, NULL, &token), cases[i].answer, cases[i].what);
		OK(cases[i].answer == 1 ? token.len > 0 : token.len == 0,
		    "a token comes with a yes only");
		if (i == 1)
			IS_MEM(token.data, "a\0b\xff", 4, "byte for byte");
		world_close(&w);
	}

	world_open(&w, PROGRAM_HOST);
	lua(&w, "hotfix.on('login', function(id, i) i.program = nil end) "
		"hotfix.on('login', function() n = 1 return 'second' end) "
		"hotfix.on('login', function() n = 2 return 'third' end)");
	IS(login(&w, NULL, &token), 1, "one handler knows the client");
	IS_STR(buf_text(&token), "second", "the first answer counts");
	IS_STR(lua(&w, "return n"), "1", "and ends the round");
	world_close(&w);

	world_open(&w, PROGRAM_HOST);
	lua(&w, "hotfix.on('login', function() error('database') end) "
		"hotfix.on('login', function() return 'k' end)");
	IS(login(&w, NULL, &token), -1, "nobody comes in past an error");
	OK(has(world_logged(&w), "login: test:1: database"), "which is logged");
	world_close(&w);
	buf_free(&token);
}

/* --- memory --------------------------------------------------------------- */

#define FAILURES 400 /* more than any of the calls below allocates */

static void
test_memory(void)
{
	static const char *const args[] = {"p1", "text"};
	struct buf token = BUF_INIT;
	struct program_ops ops;
	struct program *p;
	struct world w;
	int opened = 1;
	uint64_t n;

	memset(&w, 0, sizeof w);
	ops = world_ops(&w);
	for (n = 1; n <= FAILURES; n++) {
		w.s = state_new();
		state_fail_allocation(w.s, n);
		p = program_new(w.s, PROGRAM_HOST, &ops);
		state_fail_allocation(w.s, 0);
		if (p == NULL) {
			p = program_new(w.s, PROGRAM_HOST, &ops);
			opened &= p != NULL;
		}
		program_free(p);
		state_free(w.s);
	}
	OK(opened, "a program that failed to open opens at the next try");

	world_open(&w, PROGRAM_HOST);
	w.nclients = 4;
	lua(&w, "hotfix.on('login', function() return 'k' end) "
		"hotfix.on('e', function(id, text) "
		"  hotfix.on('x' .. id, type) hotfix.log(hotfix.clients()[1])"
		"  hotfix.cancel(hotfix.after(1, type)) "
		"  hotfix.after(0, function() end) end)");
	for (n = 1; n <= FAILURES; n++) {
		state_fail_allocation(w.s, n);
		program_event(w.p, "e", args, NULL, 2);
		state_fail_allocation(w.s, n);
		program_run_due(w.p, INT64_MAX / 4 + (int64_t)n * SECOND);
		state_fail_allocation(w.s, n);
		opened &= login(&w, NULL, &token) != 0;
		state_fail_allocation(w.s, n);
		opened &= program_handles(w.p, "e");
		state_fail_allocation(w.s, 0);
		lua(&w, "collectgarbage()");
	}
	lua(&w, "hotfix.on('t', function() hotfix.after(0, type) end)");
	for (n = 0; n < FAILURES; n++) {
		state_fail_allocation(w.s, 1 + n % 4);
		program_event(w.p, "t", NULL, NULL, 0);
		state_fail_allocation(w.s, 0);
	}
	OK(opened, "memory that runs out lets nobody in");
	IS(login(&w, NULL, &token), 1, "and passes");
	program_run_due(w.p, INT64_MAX / 2);
	IS(program_next_ns(w.p), -1, "no timer is left behind");
	OK(strstr(world_logged(&w), "call a nil value") == NULL,
	    "and none was set without its function");
	buf_free(&token);
	world_close(&w);
}

/* --- a rehearsal ---------------------------------------------------------- */

static void
test_rehearsal(void)
{
	const struct buf *lines;
	struct buf noted = BUF_INIT;
	struct world w;

	world_open(&w, PROGRAM_HOST);
	IS(state_rehearse(w.s), 0, "a host's program in a rehearsal");
	IS_STR(lua(&w, "return hotfix.send('orc-2', 'x') and "
		       "hotfix.send('nobody', 'x') and hotfix.broadcast('x')"),
	    "true", "what it sends seems to go out");
	IS_STR(lua(&w, "return hotfix.send('a\\0b', 'x')"), "false",
	    "to what can be a client");
	IS_STR(lua(&w, "return select(2, hotfix.broadcast(('x'):rep((1 << "
		       "26) + 1)))"),
	    "too large", "and is no message too large");
	lua(&w, "hotfix.on('x', function() error('e') end) hotfix.fire('x') "
		"hotfix.log('x')");
	OK(w.sent.len == 0 && w.log.len == 0, "nothing is sent or logged");
	state_pretences(w.s, &lines);
	buf_append(&noted, lines->data, lines->len);
	IS_STR(buf_text(&noted),
	    "hotfix.send(\"orc-2\")\nhotfix.send(\"nobody\")\n"
	    "hotfix.broadcast()\n",
	    "what was pretended is noted");
	lua(&w, "hotfix.stop(3)");
	OK(program_stopped(w.p, NULL), "the copy may stop");
	world_close(&w);

	world_open(&w, PROGRAM_CLIENT);
	IS(state_rehearse(w.s), 0, "a client's program in a rehearsal");
	IS_STR(lua(&w, "return hotfix.send('x')"), "true", "seems to send");
	OK(w.sent.len == 0, "and does not");
	buf_reset(&noted);
	state_pretences(w.s, &lines);
	buf_append(&noted, lines->data, lines->len);
	IS_STR(buf_text(&noted), "hotfix.send()\n", "which is noted");
	world_close(&w);
	buf_free(&noted);
}

int
main(void)
{
	test_table();
	test_run();
	test_stop();
	test_events();
	test_fired();
	test_after_of_updates();
	test_events_hostile();
	test_timers();
	test_timers_every();
	test_timers_hostile();
	test_log();
	test_peers();
	test_login();
	test_memory();
	test_rehearsal();
	return tap_done();
}
