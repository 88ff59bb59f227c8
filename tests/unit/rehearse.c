/* Rehearsals: what an update does in a copy, and what reaches us of it. */

#include "lua-host/rehearse.h"
#include "tests/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/clock.h"
#include "base/file.h"
#include "lua-host/program.h"

/* Where it ends by itself: long enough for any machine. */
static const struct rehearse_limits roomy = {
    INT64_C(100000000000), 100, (size_t)64 << 20};
#define DEADLINE_MS 100000

/* Where it never ends. */
static const struct rehearse_limits hasty = {
    INT64_C(300000000), 100, (size_t)64 << 20};

/* The engine's own bounds, by instructions and memory alone. */
static const struct state_limits engine_limits = {
    UINT64_C(1000000), INT64_C(100000000000), (size_t)48 << 20};

struct game {
	struct loop *loop;
	struct state *state;
	lua_State *L;
	struct engine *engine;
	struct program *program;
	const char *text; /* of the update that is pushed */
	struct rehearse_answer answer;
	int answers;
	struct rehearsal *running;
};

/* What the live program has: a function to replace, files, coroutines. */
static const char program_text[] =
    "local hits = 0\n"
    "M = {}\n"
    "function M.hit() hits = hits + 1 return 'old' end\n"
    "function M.hits() return hits end\n"
    "package.loaded.m = M\n"
    "KIB = ('x'):rep(1024)\n"
    "local function loop() while true do end end\n"
    "OLDCO = coroutine.create(loop)\n"
    "OLDWRAP = coroutine.wrap(loop)\n"
    "local f = io.open('data', 'w') f:write('1\\n2\\n') f:close()\n"
    "IN, OUT = io.open('data'), io.open('out', 'w')\n";

/* --- a game --------------------------------------------------------------- */

static void
op_log(void *arg, const char *line)
{
	(void)arg;
	printf("# log: %s\n", line);
	file_create("logged", "", 0, 0644, NULL);
}

static int
op_send(void *arg, const char *client, const void *bytes, size_t len)
{
	(void)arg;
	(void)client;
	(void)bytes;
	(void)len;
	file_create("sent", "", 0, 0644, NULL);
	return -1;
}

static void
op_broadcast(void *arg, const void *bytes, size_t len)
{
	op_send(arg, NULL, bytes, len);
}

static void
op_fired(void *arg, lua_State *L, int event)
{
	(void)arg;
	(void)L;
	(void)event;
	file_create("fired", "", 0, 0644, NULL);
}

static void
op_proven(void *arg)
{
	(void)arg;
	file_create("proven", "", 0, 0644, NULL);
}

static void
op_rearm(void *arg)
{
	(void)arg;
}

/* 1 when the text ran without an error. */
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

static void
game_open(struct game *g)
{
	const struct program_ops ops = {.log = op_log,
	    .send = op_send,
	    .broadcast = op_broadcast,
	    .fired = op_fired,
	    .proven = op_proven,
	    .rearm = op_rearm};

	memset(g, 0, sizeof *g);
	g->loop = loop_new(LOOP_BEST);
	g->state = state_new();
	g->L = state_lua(g->state);
	g->engine = engine_new(g->state, &engine_limits);
	g->program = program_new(g->state, PROGRAM_HOST, &ops);
	OK(lua_run(g, program_text), "a program");
}

static void
game_close(struct game *g)
{
	IS(lua_gettop(g->L), 0, "the stack is as it was");
	program_free(g->program);
	engine_free(g->engine);
	state_free(g->state);
	loop_free(g->loop);
}

static enum engine_result
push(void *arg, struct engine_report *report)
{
	struct game *g = arg;

	return engine_change(g->engine, NULL, 0, 7, "fix", g->text,
	    strlen(g->text), report);
}

static void
on_done(void *arg, const struct rehearse_answer *a)
{
	struct game *g = arg;

	g->answer = *a;
	g->answers++;
	g->running = NULL;
}

static void
wait_for_answer(struct game *g)
{
	int before = g->answers;

	while (g->answers == before)
		if (loop_once(g->loop, -1) != 0 && errno != EINTR)
			break;
}

/* The same body both ways; in a loop first. */
static void
rehearse_body(struct game *g, const struct rehearse_limits *limits,
    enum engine_result (*body)(void *arg, struct engine_report *report))
{
	struct err e;

	g->running =
	    rehearse_start(g->loop, g->state, limits, body, g, on_done, g, &e);
	if (g->running == NULL)
		OK(0, "it starts: %s", e.text);
	else
		wait_for_answer(g);
}

static void
rehearse(struct game *g, const char *text, const struct rehearse_limits *limits)
{
	g->text = text;
	rehearse_body(g, limits, push);
}

static int
says(const struct game *g, const char *what)
{
	if (strstr(g->answer.text, what) != NULL)
		return 1;
	printf("#   no '%s' in '%s'\n", what, g->answer.text);
	return 0;
}

static int
is_answer(const struct game *g, enum engine_result result, const char *what)
{
	if (g->answer.result != result)
		printf("#   %s, not %s\n", engine_result_name(g->answer.result),
		    engine_result_name(result));
	return g->answer.result == result && says(g, what) &&
	       g->answer.len == strlen(g->answer.text);
}

/* The live program is as it was. */
static int
is_untouched(struct game *g)
{
	return !engine_has(g->engine, 7) && !state_is_rehearsing(g->state) &&
	       lua_run(g, "assert(M.hit() == 'old' and not hotfix.rehearsing)");
}

static int
descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* 1 when there is no child, dead or alive. */
static int
is_childless(void)
{
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

/* --- what goes well ------------------------------------------------------- */

#define HIT                                             \
	"local hits\n"                                  \
	"hotfix.replace{target='m::hit', with=function" \
	"() hits = hits + 1 return 'new' end}\n"

static void
test_good(void)
{
	struct engine_report report;
	struct game g;
	int before;

	game_open(&g);
	before = descriptors();
	rehearse(&g, HIT, &roomy);
	OK(is_answer(&g, ENGINE_APPLIED, "m::hit: replaced, 1 reference\n"),
	    "a good update is applied in the copy, with its report");
	IS(g.answer.own, g.answer.len, "which has no lines of ours");
	OK(is_untouched(&g), "and not here");
	OK(g.answer.stall_ns > 0 && g.answer.took_ns > g.answer.stall_ns,
	    "the times are told");
	IS(g.answers, 1, "the answer comes once");
	IS(descriptors(), before, "no descriptor is left");
	OK(is_childless(), "no child is left");

	rehearse(&g, "GLOBAL = 1 assert(hotfix.rehearsing == true)", &roomy);
	OK(is_answer(&g, ENGINE_APPLIED, ""), "a plain one");
	OK(lua_run(&g, "assert(GLOBAL == nil)"), "leaves nothing here");
	rehearse(&g, "assert(not hotfix.rehearsing, 'it tells')", &roomy);
	OK(is_answer(&g, ENGINE_PARTIAL, "fix:1: it tells"),
	    "one that fails tells why");
	rehearse(&g, "local x =", &roomy);
	OK(is_answer(&g, ENGINE_FAILED, "fix:1: unexpected symbol"),
	    "one that does not load, too");
	rehearse(&g, "hotfix.replace{target='m::none', with=function() end}",
	    &roomy);
	OK(is_answer(&g, ENGINE_FAILED, "none"), "one without its target, too");

	/* And now here. */
	g.text = HIT;
	engine_report_init(&report);
	OK(push(&g, &report) == ENGINE_APPLIED &&
		lua_run(&g, "assert(M.hit() == 'new')"),
	    "what was rehearsed can be applied");
	engine_report_free(&report);
	rehearse(&g, HIT, &roomy);
	OK(is_answer(&g, ENGINE_HAVE, ""), "the copy has what we have");
	IS(descriptors(), before, "no descriptor is left");
	OK(is_childless(), "no child is left");
	game_close(&g);
}

static void
test_wait(void)
{
	struct rehearse_answer a;
	struct game g;
	struct err e;

	game_open(&g);
	g.text = HIT;
	IS(rehearse_wait(g.state, NULL, push, &g, &a, &e), 0,
	    "waiting, with the usual limits");
	OK(a.result == ENGINE_APPLIED && strstr(a.text, "replaced") != NULL,
	    "the answer is the same");
	OK(is_untouched(&g), "nothing is done here");
	g.text = "string.rep('', 1 << 62)";
	IS(rehearse_wait(g.state, &hasty, push, &g, &a, &e), 0,
	    "waiting for what never ends");
	IS(a.result, ENGINE_HUNG, "does");
	IS_STR(a.text, "rehearsal: still running after 0.3 s\n",
	    "and tells why");
	OK(is_childless(), "no child is left");
	game_close(&g);
}

/* --- what does not -------------------------------------------------------- */

enum ending { ENDS, NEVER_ENDS };

#define HUNG    "rehearsal: still running after 0.3 s\n"
#define OLDFILE "rehearsal: fix:1: it reads a file that was opened before\n"

static const struct {
	const char *what, *text;
	enum ending ending;
	enum engine_result result;
	const char *says;
} hostile[] = {
    {"a loop", "while true do end", ENDS, ENGINE_HUNG,
	"over the budget of 1000000 instructions"},
    {"a loop under pcall",
	"while true do pcall(function() while true do end end) end", ENDS,
	ENGINE_HUNG, "instructions"},
    {"a loop in a new coroutine",
	"coroutine.wrap(function() while true do end end)()", ENDS, ENGINE_HUNG,
	"instructions"},
    {"a loop in a coroutine that was there", "coroutine.resume(OLDCO)", ENDS,
	ENGINE_HUNG, "instructions"},
    {"the same, wrapped", "pcall(OLDWRAP)", ENDS, ENGINE_HUNG, "instructions"},
    {"a loop in __close",
	"local x <close> = setmetatable({}, {__close = function() while true "
	"do end end})",
	ENDS, ENGINE_HUNG, "instructions"},
    {"a sort with a comparison that loops",
	"table.sort({1, 2, 3}, function() while true do end end)", ENDS,
	ENGINE_HUNG, "instructions"},
    {"a loop in a message handler, once the budget is over",
	"xpcall(function() while true do end end, function() while true do "
	"end end)",
	NEVER_ENDS, ENGINE_HUNG, HUNG},
    {"a loop in a finalizer",
	"setmetatable({}, {__gc = function() while true do end end})",
	NEVER_ENDS, ENGINE_HUNG, HUNG},
    {"the same, collected at once",
	"setmetatable({}, {__gc = function() while true do end end}) "
	"collectgarbage()",
	NEVER_ENDS, ENGINE_HUNG, HUNG},
    {"the same, in generational mode",
	"collectgarbage('generational')\n"
	"setmetatable({}, {__gc = function() while true do end end})",
	NEVER_ENDS, ENGINE_HUNG, HUNG},
    {"a string of nothing, very often", "string.rep('', 1 << 62)", NEVER_ENDS,
	ENGINE_HUNG, HUNG},
    {"a pattern that tries all ways",
	"string.find(('a'):rep(40000), ('.-'):rep(12) .. 'b')", NEVER_ENDS,
	ENGINE_HUNG, HUNG},
    {"a pattern with many choices",
	"string.find(('a'):rep(28), ('a-'):rep(28) .. 'b')", NEVER_ENDS,
	ENGINE_HUNG, HUNG},
    {"table.move of a false length", "table.move({}, 1, 1 << 60, 2)",
	NEVER_ENDS, ENGINE_HUNG, HUNG},
    {"table.insert with a false __len",
	"table.insert(setmetatable({}, {__len = function() return 1 << 60 "
	"end, __newindex = function() end}), 1, 1)",
	ENDS, ENGINE_HUNG, "instructions"},
    {"table.insert with a false __len, in C alone",
	"table.insert(setmetatable({}, {__len = function() return 1 << 60 "
	"end, __newindex = {}}), 1, 1)",
	NEVER_ENDS, ENGINE_HUNG, HUNG},
    {"table.remove with a false __len",
	"table.remove(setmetatable({}, {__len = function() return 1 << 60 "
	"end}), 1)",
	NEVER_ENDS, ENGINE_HUNG, HUNG},
    {"a file that never has anything", "io.open('fifo'):read()", NEVER_ENDS,
	ENGINE_HUNG, HUNG},
    {"a string that doubles", "local s = 'x' while true do s = s .. s end",
	ENDS, ENGINE_HUNG, "over the budget of 50331648 bytes"},
    {"a string that grows in gsub",
	"local s = ('x'):rep(1 << 20) while true do s = s:gsub('x', 'xxxx') "
	"end",
	ENDS, ENGINE_HUNG, "bytes"},
    {"a long string", "string.rep('x', 1 << 40)", ENDS, ENGINE_PARTIAL,
	"resulting string too large"},
    {"a finalizer that takes memory",
	"setmetatable({}, {__gc = function() local t = {} while true do "
	"t[#t + 1] = KIB:rep(1024) .. #t end end})",
	ENDS, ENGINE_HUNG,
	"rehearsal: its finalizers are over the budget of 67108864 bytes\n"},
    {"deep recursion", "local function f() return 1 + f() end f()", ENDS,
	ENGINE_HUNG, "over the budget of 1000000 instructions"},
    {"deep recursion through C",
	"local function f(s) return s:gsub('.', f) end f('x')", ENDS,
	ENGINE_PARTIAL, "stack overflow"},
    {"brackets in brackets", NULL, ENDS, ENGINE_FAILED, "overflow"},
    {"an error object with a __tostring that loops",
	"error(setmetatable({}, {__tostring = function() while true do end "
	"end}))",
	ENDS, ENGINE_PARTIAL, "(the error is a table value)"},
    {"bytecode", "assert(load(string.dump(function() end)))", ENDS,
	ENGINE_PARTIAL, "binary chunks are refused"},
    {"debug.sethook", "debug.sethook()", ENDS, ENGINE_PARTIAL,
	"debug.sethook is not for updates"},
    {"os.exit", "os.exit(0)", ENDS, ENGINE_FAILED,
	"rehearsal: fix:1: it calls os.exit\n"},
    {"os.exit under pcall", "pcall(os.exit, true, true)", ENDS, ENGINE_FAILED,
	"rehearsal: it calls os.exit\n"},
    {"os.exit in a finalizer",
	"setmetatable({}, {__gc = function() os.exit(0) end})", ENDS,
	ENGINE_FAILED, "rehearsal: fix:1: it calls os.exit\n"},
    {"reading an old handle", "IN:read()", ENDS, ENGINE_FAILED, OLDFILE},
    {"reading an old handle under pcall",
	"pcall(function() IN:read() end) " HIT, ENDS, ENGINE_FAILED, OLDFILE},
    {"reading an old handle in a finalizer",
	"setmetatable({}, {__gc = function() IN:read() end})", ENDS,
	ENGINE_FAILED, OLDFILE},
    {"reading standard input", "io.read()", ENDS, ENGINE_FAILED, OLDFILE},
};

static void
test_hostile(void)
{
	char brackets[8 + 2 * 300 + 1];
	struct game g;
	size_t i;

	memset(brackets, 0, sizeof brackets);
	memcpy(brackets, "return  ", 8);
	memset(brackets + 8, '(', 300);
	memset(brackets + 308, ')', 300);
	OK(mkfifo("fifo", 0600) == 0, "a pipe that nobody writes to");
	for (i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		game_open(&g);
		rehearse(&g,
		    hostile[i].text != NULL ? hostile[i].text : brackets,
		    hostile[i].ending == ENDS ? &roomy : &hasty);
		OK(is_answer(&g, hostile[i].result, hostile[i].says), "%s",
		    hostile[i].what);
		OK(is_untouched(&g), "the old code is in force");
		OK(is_childless(), "no child is left");
		game_close(&g);
	}
}

/* gsub reads on in a string that has gone; so large that its pages went. */
static void
test_crash(void)
{
	struct game g;

	game_open(&g);
	rehearse(&g,
	    "(('x'):rep(1 << 23)):gsub('.', function()\n"
	    "  debug.setlocal(2, 1, '') collectgarbage() return 'y' end, 2)",
	    &roomy);
#ifdef HOTFIX_SANITIZED
	OK(is_answer(&g, ENGINE_FAILED, "rehearsal: "),
	    "misuse of the debug library is stopped by the sanitizer");
#else
	OK(is_answer(&g, ENGINE_FAILED,
	       "rehearsal: killed by signal 11 (segmentation fault)\n"),
	    "a crash by misuse of the debug library");
#endif
	OK(is_untouched(&g), "the old code is in force");
	game_close(&g);
}

/* Bodies that stand for code which has taken the copy over. */

static enum engine_result
crash(void *arg, struct engine_report *report)
{
	(void)arg;
	(void)report;
	raise(SIGSEGV);
	return ENGINE_APPLIED;
}

static enum engine_result
terminate(void *arg, struct engine_report *report)
{
	(void)arg;
	(void)report;
	raise(SIGTERM);
	return ENGINE_APPLIED;
}

static enum engine_result
abandon(void *arg, struct engine_report *report)
{
	(void)arg;
	(void)report;
	abort();
}

static enum engine_result
leave(void *arg, struct engine_report *report)
{
	(void)arg;
	(void)report;
	_exit(3);
}

/* The pipe: the only one there is. */
static int
find_pipe(void)
{
	struct stat st;
	int fd;

	for (fd = 0; fd < 1000; fd++)
		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
			return fd;
	_exit(99);
}

static enum engine_result
close_and_stay(void *arg, struct engine_report *report)
{
	(void)arg;
	(void)report;
	close(find_pipe());
	while (pause() < 0)
		;
	return ENGINE_APPLIED;
}

static enum engine_result
answer_and_stay(void *arg, struct engine_report *report)
{
	static const uint8_t ok[] = {ENGINE_APPLIED, 0, 0, 0, 0};

	(void)arg;
	(void)report;
	file_write_all(find_pipe(), ok, sizeof ok);
	while (pause() < 0)
		;
	return ENGINE_APPLIED;
}

/* Nothing but a kill ends it. */
static enum engine_result
stay_deaf(void *arg, struct engine_report *report)
{
	(void)arg;
	(void)report;
	signal(SIGALRM, SIG_IGN);
	while (pause() < 0)
		;
	return ENGINE_APPLIED;
}

static enum engine_result
flood(void *arg, struct engine_report *report)
{
	static const uint8_t zeros[4096];
	int fd = find_pipe();

	(void)arg;
	(void)report;
	while (file_write_all(fd, zeros, sizeof zeros) == 0)
		;
	_exit(0);
}

/* What the next body says in place of an answer. */
struct message {
	const char *what;
	size_t len;
	uint8_t bytes[12];
};

static const struct message garbled[] = {
    {"half a head", 4, {0, 0, 0, 0}},
    {"a result that there is not", 5, {ENGINE_REVERTED + 1, 0, 0, 0, 0}},
    {"a result far from any", 5, {255, 0, 0, 0, 0}},
    {"less text than told", 6, {0, 0, 2, 0, 0, 'x'}},
    {"more text than told", 7, {0, 0, 1, 0, 0, 'x', 'y'}},
    {"a length past all bounds", 6, {0, 255, 255, 0, 0, 'x'}},
    {"lines of its own past the text", 6, {0, 0, 1, 0, 2, 'x'}},
    {"a control byte", 6, {0, 0, 1, 0, 0, 27}},
    {"a NUL", 7, {0, 0, 2, 0, 0, 0, 'x'}},
    {"half a character", 6, {0, 0, 1, 0, 0, 0xc3}},
};
static const struct message genuine = {
    "a whole answer", 7, {ENGINE_HUNG, 0, 2, 0, 1, '\n', 'x'}};

static const struct message *saying; /* read in the copy */

static enum engine_result
say(void *arg, struct engine_report *report)
{
	(void)arg;
	(void)report;
	file_write_all(find_pipe(), saying->bytes, saying->len);
	_exit(0);
}

static void
test_taken_over(void)
{
	struct game g;
	size_t i;
	int before;

	game_open(&g);
	before = descriptors();
	rehearse_body(&g, &roomy, crash);
	OK(is_answer(&g, ENGINE_FAILED,
	       "rehearsal: killed by signal 11 (segmentation fault)\n"),
	    "a crash");
	rehearse_body(&g, &roomy, abandon);
	OK(is_answer(&g, ENGINE_FAILED,
	       "rehearsal: killed by signal 6 (aborted)\n"),
	    "an abort");
	rehearse_body(&g, &roomy, terminate);
	OK(is_answer(&g, ENGINE_FAILED, "rehearsal: killed by signal 15\n"),
	    "another signal");
	rehearse_body(&g, &roomy, leave);
	OK(is_answer(&g, ENGINE_FAILED,
	       "rehearsal: it ended with status 3 and no answer\n"),
	    "an end in between");
	rehearse_body(&g, &roomy, close_and_stay);
	OK(is_answer(&g, ENGINE_HUNG,
	       "rehearsal: killed by signal 9 "
	       "(killed)\n"),
	    "one that closes the pipe and stays");
	rehearse_body(&g, &hasty, answer_and_stay);
	OK(is_answer(&g, ENGINE_HUNG, HUNG),
	    "one that answers and stays is not believed");
	rehearse_body(&g, &hasty, stay_deaf);
	OK(is_answer(&g, ENGINE_HUNG, HUNG), "one that hears no alarm");
	rehearse_body(&g, &roomy, flood);
	OK(is_answer(&g, ENGINE_FAILED, "rehearsal: its answer is garbled\n"),
	    "one that answers without end");
	for (i = 0; i < sizeof garbled / sizeof *garbled; i++) {
		saying = &garbled[i];
		rehearse_body(&g, &roomy, say);
		OK(is_answer(&g, ENGINE_FAILED,
		       "rehearsal: its answer is garbled\n"),
		    "%s", saying->what);
	}
	saying = &genuine;
	rehearse_body(&g, &roomy, say);
	OK(g.answer.result == ENGINE_HUNG && g.answer.len == 2 &&
		g.answer.own == 1 && memcmp(g.answer.text, "\nx", 3) == 0,
	    "%s is one", saying->what);
	OK(is_untouched(&g), "the program is as it was");
	IS(g.answers, 9 + (intmax_t)i, "one answer each");
	IS(descriptors(), before, "no descriptor is left");
	OK(is_childless(), "no child is left");
	game_close(&g);
}

/* --- limits of the process ------------------------------------------------ */

#ifndef HOTFIX_SANITIZED
static enum engine_result
take_memory(void *arg, struct engine_report *report)
{
	volatile char *p = malloc((size_t)1 << 30);

	(void)arg;
	if (p == NULL)
		buf_puts(&report->text, "no memory\n");
	else
		*p = 1;
	return ENGINE_FAILED;
}

/* Lua without a budget, as in a finalizer that runs in passing. */
static enum engine_result
starve(void *arg, struct engine_report *report)
{
	struct game *g = arg;

	(void)report;
	lua_run(g, "pcall(function() local t = {} while true do t[#t + 1] = "
		   "KIB:rep(1024) .. #t end end)");
	return ENGINE_APPLIED;
}

static size_t
mapped(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (f == NULL || fscanf(f, "%lu", &pages) != 1)
		OK(0, "the process knows its size");
	if (f != NULL)
		fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}
#endif

static enum engine_result
take_disk(void *arg, struct engine_report *report)
{
	struct game *g = arg;

	(void)report;
	lua_run(g, "local f = io.tmpfile() f:setvbuf('no')\n"
		   "f:seek('set', 1 << 40) f:write('x')");
	return ENGINE_APPLIED;
}

/* Nothing of ours for signals is in the copy, and nothing is dumped. */
static enum engine_result
look_around(void *arg, struct engine_report *report)
{
	struct sigaction sa;
	struct rlimit core;
	sigset_t mask;
	struct stat st, null;
	char text[8] = "";
	int fd, n = 0;

	(void)arg;
	sigaction(SIGUSR1, NULL, &sa);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	getrlimit(RLIMIT_CORE, &core);
	buf_printf(&report->text, "handler %d, blocked %d, core %d\n",
	    sa.sa_handler != SIG_DFL, sigismember(&mask, SIGUSR2),
	    core.rlim_cur != 0);
	stat("/dev/null", &null);
	for (fd = 0; fd < 1000; fd++)
		if (fstat(fd, &st) == 0 &&
		    (st.st_rdev != null.st_rdev || !S_ISCHR(st.st_mode)))
			n++;
	buf_printf(&report->text, "%d descriptors\n", n);
	fd = open("/proc/self/oom_score_adj", O_RDONLY);
	if (fd >= 0 && read(fd, text, sizeof text - 1) > 0)
		buf_printf(&report->text, "score %s", text);
	if (fd >= 0)
		close(fd);
	return ENGINE_APPLIED;
}

static void
on_signal(int number)
{
	(void)number;
}

static void
test_limits(void)
{
	struct rehearse_limits limits = roomy;
	struct sigaction sa, was;
	struct rlimit core, core_was;
	sigset_t usr2, before;
	struct game g;

	game_open(&g);
	limits.cpu_s = 1;
	rehearse(&g, "string.rep('', 1 << 62)", &limits);
	OK(is_answer(&g, ENGINE_HUNG,
	       "rehearsal: over its 1 s of processor time\n"),
	    "processor time is bounded");
	limits = roomy;
#ifndef HOTFIX_SANITIZED
	rehearse_body(&g, &limits, take_memory);
	OK(is_answer(&g, ENGINE_FAILED, "no memory\n"), "memory is bounded");
	rehearse_body(&g, &limits, starve);
	OK(is_answer(&g, ENGINE_HUNG, "rehearsal: out of memory\n"),
	    "nor can a script hide that it took it all");
	/* With twice what is mapped this is next to nothing, modulo. */
	limits.memory = SIZE_MAX - 2 * mapped() + (1 << 20);
	rehearse(&g, "assert(#KIB:rep(8192) == 1 << 23)", &limits);
	OK(is_answer(&g, ENGINE_APPLIED, ""),
	    "the largest bounds do not wrap around");
	limits = roomy;
#endif
	rehearse_body(&g, &limits, take_disk);
	OK(is_answer(&g, ENGINE_FAILED,
	       "rehearsal: killed by signal 25 (file too large)\n"),
	    "so are files without a name");

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_signal;
	sigaction(SIGUSR1, &sa, &was);
	getrlimit(RLIMIT_CORE, &core);
	core_was = core;
	core.rlim_cur = core.rlim_max;
	setrlimit(RLIMIT_CORE, &core);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	sigprocmask(SIG_BLOCK, &usr2, &before);
	rehearse_body(&g, &limits, look_around);
	sigprocmask(SIG_SETMASK, &before, NULL);
	setrlimit(RLIMIT_CORE, &core_was);
	sigaction(SIGUSR1, &was, NULL);
	OK(is_answer(&g, ENGINE_APPLIED,
	       "handler 0, blocked 0, core 0\n1 descriptors\n"),
	    "signals are as in a fresh process, and one descriptor is left");
	OK(says(&g, "score 1000\n"), "the copy is the first to be killed");
	OK(is_childless(), "no child is left");
	game_close(&g);
}

/* --- what is pretended ---------------------------------------------------- */

static const char world_changes[] =
    "os.remove('data') os.rename('data', 'moved') os.execute('touch made')\n"
    "io.popen('touch made'):close()\n"
    "io.open('made', 'w'):write('x'):close()\n"
    "io.output('made') io.write('x') io.close()\n"
    "OUT:write('from the copy') OUT:flush() print('from the copy')\n"
    "io.stdout:write('from the copy') io.stdout:flush()\n"
    "hotfix.send('orc', 'x') hotfix.broadcast('x') hotfix.log('x')\n"
    "assert(io.open('data'):read('a') == '1\\n2\\n')\n"
    "hotfix.stop(4)\n" HIT;

static int
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void
test_pretended(void)
{
	struct game g;
	struct stat st;
	struct err e;
	int saved, out, result;

	game_open(&g);
	/* Standard output is TAP's: put a file there meanwhile. */
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	out = open("stdout", O_CREAT | O_WRONLY, 0600);
	dup2(out, STDOUT_FILENO);
	g.text = world_changes;
	result = rehearse_wait(g.state, &roomy, push, &g, &g.answer, &e);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(out);
	IS(result, 0, "an update that changes the world");
	OK(is_answer(&g, ENGINE_APPLIED, "m::hit: replaced, 1 reference\n"),
	    "goes well");
	IS_STR(g.answer.text + g.answer.own,
	    "rehearsal: only pretended: os.remove(\"data\")\n"
	    "rehearsal: only pretended: os.rename(\"data\", \"moved\")\n"
	    "rehearsal: only pretended: os.execute(\"touch made\")\n"
	    "rehearsal: only pretended: io.popen(\"touch made\")\n"
	    "rehearsal: only pretended: io.open(\"made\", \"w\")\n"
	    "rehearsal: only pretended: io.output(\"made\")\n"
	    "rehearsal: only pretended: hotfix.send(\"orc\")\n"
	    "rehearsal: only pretended: hotfix.broadcast()\n",
	    "what it only pretended is listed");
	OK(is_there("data") && !is_there("moved") && !is_there("made"),
	    "no file was touched");
	OK(!is_there("sent") && !is_there("logged"), "nothing sent or logged");
	OK(stat("out", &st) == 0 && st.st_size == 0,
	    "nothing written to a file that is open here");
	OK(stat("stdout", &st) == 0 && st.st_size == 0,
	    "nor to standard output");
	OK(!program_stopped(g.program, NULL), "and nothing stopped");
	OK(lua_run(&g, "assert(IN:read('a') == '1\\n2\\n')\n"
		       "OUT:write('here') OUT:close()\n"
		       "assert(io.open('out'):read('a') == 'here')"),
	    "our own handles are where they were");

	rehearse(&g,
	    "for i = 1, 500 do os.remove(('\\xff'):rep(100)) end\n"
	    "error(('e'):rep(4090))",
	    &roomy);
	OK(g.answer.result == ENGINE_PARTIAL &&
		g.answer.len <= ENGINE_REPORT_MAX &&
		g.answer.own > ENGINE_REPORT_MAX / 3,
	    "a long report and many lines share the room");
	OK(says(&g, "...\nrehearsal: only pretended: os.remove(\"\\xff") &&
		says(&g, "\nrehearsal: 488 more calls only pretended\n"),
	    "both are cut at their ends");
	game_close(&g);
}

/* --- the process here ----------------------------------------------------- */

static void
test_parent(void)
{
	struct rehearsal *r;
	struct game g;
	struct err e;
	int i, before, gone = 0;

	game_open(&g);
	before = descriptors();

	/* The copy hangs, we do not. */
	g.text = "string.rep('', 1 << 62)";
	r = rehearse_start(g.loop, g.state, &roomy, push, &g, on_done, &g, &e);
	OK(r != NULL, "a rehearsal that hangs");
	IS(lua_gc(g.L, LUA_GCISRUNNING), 0, "our collector waits");
	IS(loop_once(g.loop, 0), 0, "the loop goes on");
	OK(lua_run(&g, "assert(M.hit() == 'old')"), "the program, too");
	IS(g.answers, 0, "there is no answer yet");
	rehearse_cancel(r);
	IS(lua_gc(g.L, LUA_GCISRUNNING), 1, "cancelled: our collector runs");
	OK(is_childless(), "no child is left");
	IS(descriptors(), before, "no descriptor is left");
	IS(loop_once(g.loop, 0), 0, "the loop goes on");
	IS(g.answers, 0, "and no answer comes");

	/* An answer that lies there already is not told after a cancel. */
	g.text = HIT;
	r = rehearse_start(g.loop, g.state, &roomy, push, &g, on_done, &g, &e);
	rehearse_cancel(r);
	loop_once(g.loop, 0);
	IS(g.answers, 0, "nor from one that was about to end");

	lua_gc(g.L, LUA_GCSTOP);
	rehearse(&g, HIT, &roomy);
	IS(lua_gc(g.L, LUA_GCISRUNNING), 0,
	    "a collector that was stopped stays so");
	lua_gc(g.L, LUA_GCRESTART);
	rehearse(&g, HIT, &roomy);
	IS(lua_gc(g.L, LUA_GCISRUNNING), 1, "one that ran runs");

	for (i = 0; i < 100; i++) {
		r = rehearse_start(g.loop, g.state, &roomy, push, &g, on_done,
		    &g, &e);
		if (r != NULL && i % 2 == 0)
			rehearse_cancel(r);
		else if (r != NULL)
			wait_for_answer(&g);
		gone += is_childless();
	}
	IS(gone, 100, "a hundred leave no child");
	IS(g.answers, 52, "half of them answer");
	IS(descriptors(), before, "they leave no descriptor");
	rehearse_cancel(NULL);
	game_close(&g);
}

/* Tells by a pipe of its own that it lives. */
static enum engine_result
linger(void *arg, struct engine_report *report)
{
	int fd = open("alive", O_WRONLY | O_NONBLOCK);

	(void)arg;
	(void)report;
	file_write_all(fd, "x", 1);
	while (pause() < 0)
		;
	return ENGINE_APPLIED;
}

/* A process that ends without a word leaves no copy behind for good. */
static void
test_orphan(void)
{
	struct pollfd alive = {-1, POLLIN, 0};
	struct game g;
	struct err e;
	char byte;
	pid_t pid;

	game_open(&g);
	IS(mkfifo("alive", 0600), 0, "a pipe for the copy");
	alive.fd = open("alive", O_RDONLY | O_NONBLOCK);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(rehearse_start(g.loop, g.state, &hasty, linger, &g,
			  on_done, &g, &e) == NULL);
	OK(pid > 0 && waitpid(pid, NULL, 0) == pid, "a process that is gone");
	OK(poll(&alive, 1, DEADLINE_MS) == 1 && read(alive.fd, &byte, 1) == 1,
	    "its copy lives on");
	OK(poll(&alive, 1, DEADLINE_MS) == 1 && read(alive.fd, &byte, 1) == 0,
	    "and ends by itself");
	close(alive.fd);
	game_close(&g);
}

/* Without /proc/self/fd (here: without a descriptor to open it) all numbers
 * are gone through; without any, there is no rehearsal. */
static void
test_descriptors(void)
{
	struct rlimit was, few;
	int fds[64], n = 0, i;
	struct game g;
	struct stat st;
	struct err e;

	game_open(&g);
	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &few);
	while (n < 64 && (fds[n] = open("/dev/zero", O_RDONLY)) >= 0)
		n++;
	g.text = "OUT:write('x') OUT:flush()";
	IS(rehearse_wait(g.state, &roomy, push, &g, &g.answer, &e), -1,
	    "without descriptors there is no copy");
	OK(e.kind == ERR_LOCAL && strstr(e.text, "cannot rehearse: ") == e.text,
	    "and the reason is told");
	OK(rehearse_start(g.loop, g.state, &roomy, push, &g, on_done, &g, &e) ==
		NULL,
	    "in a loop neither");
	IS(lua_gc(g.L, LUA_GCISRUNNING), 1, "the collector runs");
	for (i = 0; i < 3 && n > 0; i++)
		close(fds[--n]);
	IS(rehearse_wait(g.state, &roomy, push, &g, &g.answer, &e), 0,
	    "with three there is one");
	OK(is_answer(&g, ENGINE_APPLIED, ""), "which goes well");
	OK(stat("out", &st) == 0 && st.st_size == 0,
	    "and reaches no file of ours");
	IS(rehearse_wait(g.state, &roomy, look_around, &g, &g.answer, &e), 0,
	    "and in which");
	OK(says(&g, "1 descriptors\n"), "one descriptor is left");
	while (n > 0)
		close(fds[--n]);
	setrlimit(RLIMIT_NOFILE, &was);
	game_close(&g);
}

/* What waits for an event is not tried within a rehearsal, and nothing is
 * proven by one: both would be written down by the copy, by path. */
static void
test_events(void)
{
	struct game g;

	game_open(&g);
	rehearse(&g,
	    "hotfix.on('x', hotfix.proven)\n"
	    "hotfix.fire('x')\n"
	    "setmetatable({}, {__gc = function()\n"
	    "  hotfix.fire('x') FIRED = true\n"
	    "end})",
	    &roomy);
	OK(is_answer(&g, ENGINE_APPLIED,
	       "only pretended: hotfix.proven()\n"
	       "rehearsal: only pretended: hotfix.proven()\n"),
	    "events are fired in the copy, by finalizers too");
	OK(!is_there("fired") && !is_there("proven"),
	    "but go no further than to handlers");
	OK(lua_run(&g, "hotfix.on('x', hotfix.proven) hotfix.fire('x')") &&
		is_there("fired") && is_there("proven"),
	    "here they do");
	game_close(&g);
}

int
main(void)
{
	test_good();
	test_wait();
	test_hostile();
	test_crash();
	test_taken_over();
	test_limits();
	test_pretended();
	test_events();
	test_parent();
	test_orphan();
	test_descriptors();
	return tap_done();
}
