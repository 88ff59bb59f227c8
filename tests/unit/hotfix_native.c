/*
 * Native patches through the public header, and as parts of updates to a host
 * with a Lua program: in one step with it, at its events, with and without a
 * rehearsal. What is patched are functions of this test.
 */

#include "tests/native.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "lua-host/hotfix.h"
#include "tests/world.h"

#define DEADLINE_NS INT64_C(20000000000)

/* What damage(10) is: as it was built, with p1, with p2. */
#define OLD   31
#define FIRST 1110
#define OTHER 2130

static struct buf p1 = BUF_INIT, p2 = BUF_INIT, both = BUF_INIT,
		  foreign = BUF_INIT, needy = BUF_INIT;

static void
put(const char *path, const void *bytes, size_t len)
{
	struct err e;

	if (file_write(path, bytes, len, 0644, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
}

static void
format(struct buf *out, const struct made *m)
{
	struct err e;

	if (native_patch_format(out, &m->p, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
}

/* Before anything is patched: what a patch is for are the bytes of now. */
static void
make_patches(void)
{
	static struct made m;

	MADE_ONE(&m, "p1", damage, damage_1);
	format(&p1, &m);
	m.p.build_id[0] ^= 1;
	format(&foreign, &m);
	MADE_ONE(&m, "p2", damage, damage_2);
	format(&p2, &m);
	strcpy(m.p.id, "needy");
	strcpy(m.p.needs, "p1");
	format(&needy, &m);
	made_begin(&m, "both");
	made_func(&m, "damage", AT(damage), LEN(damage), 0, PAD,
	    made_code(&m, BODY(damage_2)));
	made_func(&m, "heal", AT(heal), LEN(heal), 0, PAD,
	    made_code(&m, BODY(heal_1)));
	/* As in the program; the compiler chooses their order. */
	if (m.p.funcs[0].off > m.p.funcs[1].off) {
		struct native_func f = m.p.funcs[0];

		m.p.funcs[0] = m.p.funcs[1];
		m.p.funcs[1] = f;
	}
	format(&both, &m);
	put("p1", p1.data, p1.len);
	put("p2", p2.data, p2.len);
	put("foreign", foreign.data, foreign.len);
	put("broken", p1.data, p1.len - 1);
}

/* --- the public header ------------------------------------------------------
 */

static void
test_header(void)
{
	struct listed told = {.n = 0};
	struct hotfix_native_report r;

	IS(hotfix_native_apply("p1", &r), HOTFIX_NATIVE_DISABLED,
	    "nothing is applied before the init");
	IS(hotfix_native_init(NULL, &r), HOTFIX_NATIVE_OK, "the init");
	printf("# %s\n", r.text);
	OK(strncmp(r.text, "patchable: yes (", 16) == 0, "it says how");
	IS(hotfix_native_check("p1", &r), HOTFIX_NATIVE_OK, "a check");
	IS(call_damage(10), OLD, "changes nothing");
	IS(hotfix_native_apply("p1", &r), HOTFIX_NATIVE_OK, "a patch");
	IS(call_damage(10), FIRST, "is in force");
	OK(r.functions == 1 && strcmp(r.id, "p1") == 0 && r.code == 0 &&
		r.code_left > 0 && r.load_ns > 0,
	    "the report has all of it");
	IS(hotfix_native_apply("p1", &r), HOTFIX_NATIVE_DUP, "once more");
	IS(hotfix_native_apply("p2", NULL), HOTFIX_NATIVE_OK, "one above");
	IS(hotfix_native_revert("p1", &r), HOTFIX_NATIVE_ORDER,
	    "the lower one stays");
	IS(hotfix_native_list(on_line, &told), 2, "two are live");
	OK(strncmp(told.lines[0], "p1: ", 4) == 0 &&
		strncmp(told.lines[1], "p2: ", 4) == 0,
	    "the oldest first");
	IS(hotfix_native_check("foreign", &r), HOTFIX_NATIVE_BUILD,
	    "one for another build");
	IS(hotfix_native_check("broken", &r), HOTFIX_NATIVE_FORMAT,
	    "a broken file");
	OK(strncmp(r.text, "broken: patch", 13) == 0,
	    "is told by its name and what is wrong with it");
	IS(hotfix_native_apply("none", &r), HOTFIX_NATIVE_IO, "no file");
	OK(strstr(r.text, "none") != NULL, "is told by its name, too");
	IS(hotfix_native_revert("p2", NULL), HOTFIX_NATIVE_OK, "the upper one");
	IS(hotfix_native_revert("p1", &r), HOTFIX_NATIVE_OK, "the lower one");
	IS(hotfix_native_revert("p1", &r), HOTFIX_NATIVE_NOTFOUND, "no more");
	IS(call_damage(10), OLD, "all is as it was");
	hotfix_native_safepoint();
}

/* --- a host -----------------------------------------------------------------
 */

static struct hotfix_loop *loop;
static struct hotfix_host *host;
static struct buf answer = BUF_INIT; /* to the latest document */
static struct buf logged = BUF_INIT;

static const char program[] = "m = {value = function() return 'old' end}\n"
			      "package.loaded.m = m\n"
			      "function observe() return m.value() end\n";

/* Parts of Lua. */
static const char good[] =
    "hotfix.replace{target='m::value', with=function() return 'new' end}\n";
static const char bad[] =
    "hotfix.replace{target='m::value', with=function() return 'bad' end}\n"
    "error('no good')\n";
/* It fails after the rehearsal, in the live program. */
static const char late[] =
    "hotfix.replace{target='m::value', with=function() return 'bad' end}\n"
    "if not hotfix.rehearsing then error('no good') end\n";

static void
on_log(void *arg, const char *line)
{
	(void)arg;
	buf_printf(&logged, "%s\n", line);
}

static void
begin(int rehearse, int script)
{
	static const char *const any[] = {"127.0.0.1:0"};
	static const char *const keys[] = {"key.pub"};
	const struct hotfix_host_options o = {.name = "unit",
	    .listen = any,
	    .nlisten = 1,
	    .pub = keys,
	    .npub = 1,
	    .state_dir = "state",
	    .rehearse = rehearse,
	    .script = script ? "program.lua" : NULL,
	    .log = on_log};
	struct hotfix_error e;

	buf_reset(&logged);
	loop = hotfix_loop_new(NULL, &e);
	host = loop != NULL ? hotfix_host_start(loop, &o, &e) : NULL;
	if (host == NULL) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
}

static void
end(void)
{
	hotfix_host_stop(host, 0);
	hotfix_loop_free(loop);
	while (hotfix_native_revert("both", NULL) == HOTFIX_NATIVE_OK ||
	       hotfix_native_revert("p2", NULL) == HOTFIX_NATIVE_OK ||
	       hotfix_native_revert("p1", NULL) == HOTFIX_NATIVE_OK)
		;
}

static void
fresh(void)
{
	if (system("rm -rf state") != 0)
		printf("# the state folder stays\n");
}

/* What the program makes of a text: "" nothing. */
static const char *
lua(const char *text)
{
	static char out[64];
	struct lua_State *L = hotfix_host_lua(host);

	out[0] = '\0';
	if (luaL_dostring(L, text))
		printf("# %s\n", lua_tostring(L, -1));
	else if (lua_gettop(L) > 0)
		snprintf(out, sizeof out, "%s", lua_tostring(L, -1));
	lua_settop(L, 0);
	return out;
}

#define OBSERVED lua("return observe()")

/* Connected, so that the kernel takes what is sent before the host looks. */
static int
dial(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port =
	    htons((uint16_t)atoi(strchr(hotfix_host_address(host, 0), ':') +
				 1));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		printf("Bail out! no connection\n");
		exit(1);
	}
	return fd;
}

/* The host runs until the connection has told this. */
static int
hear(int fd, const char *text)
{
	int64_t end_ns = clock_mono_ns() + DEADLINE_NS;
	char bytes[4096];
	ssize_t n;

	while (strstr(buf_text(&answer), text) == NULL) {
		if (clock_mono_ns() > end_ns) {
			printf("# want %s\n# got %s\n", text,
			    buf_text(&answer));
			return 0;
		}
		hotfix_loop_step(loop, 10);
		n = read(fd, bytes, sizeof bytes);
		if (n > 0)
			buf_append(&answer, bytes, (size_t)n);
	}
	return 1;
}

static void
send_frame(int fd, const struct buf *frame)
{
	if (write(fd, frame->data, frame->len) != (ssize_t)frame->len)
		printf("# not all was sent\n");
}

static uint64_t
next_id(void)
{
	static uint64_t last;
	uint64_t now = (uint64_t)clock_wall_us();

	last = now > last ? now : last + 1;
	return last;
}

/* 1 when its push ends so. */
static int
send_spec(const struct doc_spec *spec, const char *done)
{
	struct buf doc = BUF_INIT, frame = BUF_INIT;
	size_t head_len = 0;
	int fd = dial(), r;

	buf_reset(&answer);
	world_document(&doc, &head_len, spec, 1);
	world_push_frame(&frame, &doc, head_len);
	send_frame(fd, &frame);
	r = hear(fd, "\nDONE ") && strstr(buf_text(&answer), done) != NULL;
	if (!r)
		printf("# %s\n", buf_text(&answer));
	close(fd);
	buf_free(&doc);
	buf_free(&frame);
	return r;
}

static uint64_t pushed; /* id of the latest */

static int
push(const char *feature, const struct buf *native, const char *server,
    const char *on, const char *done)
{
	struct doc_spec spec = {
	    .id = pushed = next_id(), .feature = feature, .on = on};

	if (native != NULL) {
		spec.parts[DOC_NATIVE].bytes = native->data;
		spec.parts[DOC_NATIVE].len = native->len;
	}
	if (server != NULL) {
		spec.parts[DOC_SERVER].bytes = server;
		spec.parts[DOC_SERVER].len = strlen(server);
	}
	return send_spec(&spec, done);
}

static int
revert(const char *feature, uint64_t id, const char *done)
{
	const struct doc_spec spec = {
	    .id = next_id(), .feature = feature, .reverts = id};

	return send_spec(&spec, done);
}

static int
status_has(const char *text)
{
	struct buf frame = BUF_INIT;
	int fd = dial(), r;

	buf_reset(&answer);
	buf_puts(&frame, "STATUS\n\n");
	send_frame(fd, &frame);
	r = hear(fd, text);
	close(fd);
	buf_free(&frame);
	return r;
}

/* The host runs until its log has this. */
static int
logs(const char *text)
{
	int64_t end_ns = clock_mono_ns() + DEADLINE_NS;

	while (strstr(buf_text(&logged), text) == NULL) {
		if (clock_mono_ns() > end_ns) {
			printf("# want %s\n# log %s\n", text,
			    buf_text(&logged));
			return 0;
		}
		hotfix_loop_step(loop, 10);
	}
	return 1;
}

/* An embedding program that does not want it. */
static void
test_not_initialised(void)
{
	fresh();
	begin(0, 1);
	OK(status_has("\npatchable: no: "), "without the init STATUS says no");
	OK(push("f", &p1, good, NULL,
	       "DONE refused unsupported\ntext: not patchable: "),
	    "and patches are refused");
	IS_STR(OBSERVED, "old", "with what comes with them");
	OK(push("f", NULL, good, NULL, "DONE applied\n"), "Lua is not");
	end();
}

static void
test_together(int rehearse)
{
	fresh();
	begin(rehearse, 1);
	OK(push("f", &p1, good, NULL, "DONE applied\n"), "two parts");
	OK(strstr(buf_text(&answer), "\n\napplied p1: 1 function(s), ") != NULL,
	    "the report begins with the patch");
	OK(strstr(buf_text(&answer), "rehearsed: ") != NULL || !rehearse,
	    "Lua was tried before, if it is at all");
	IS(call_damage(10), FIRST, "the native part is in force");
	IS_STR(OBSERVED, "new", "and so is the other");
	OK(status_has("\npatch: p1 live update="), "STATUS has it");
	OK(push("f", &p2, NULL, NULL, "DONE applied\n"),
	    "a native part takes the place of both");
	IS(call_damage(10), OTHER, "its function is in force");
	IS_STR(OBSERVED, "old", "and no Lua");
	OK(status_has("\npatch: p1 below update="), "the old patch lies below");
	OK(push("f", &p1, NULL, NULL, "DONE applied\n"), "the old one again");
	IS(call_damage(10), FIRST, "is in force again");
	OK(status_has("\npatch: p1 live update=") &&
		strstr(buf_text(&answer), " below ") == NULL,
	    "and what STATUS has, too");
	OK(push("f", &p2, NULL, NULL, "DONE applied\n"), "then the new one");
	IS(call_damage(10), OTHER, "is");
	OK(revert("f", pushed, "DONE reverted\n"), "a revert");
	OK(strstr(buf_text(&answer), "reverted p2") != NULL, "tells of it");
	IS(call_damage(10), OLD, "and neither is in force");
	end();
}

static void
test_fails(int rehearse)
{
	fresh();
	begin(rehearse, 1);
	OK(push("f", &p1, bad, NULL, "DONE failed\n"), "a bad server part");
	IS(call_damage(10), OLD, "and nothing of the native one is left");
	OK((strstr(buf_text(&answer), "applied p1") == NULL) == rehearse,
	    "nor was it there for a moment, if Lua was tried before");
	OK(push("f", &p1, late, NULL, "DONE failed\n"),
	    "one that fails in the live program");
	OK(strstr(buf_text(&answer), "\napplied p1: ") != NULL &&
		strstr(buf_text(&answer), "\nreverted p1") != NULL &&
		strstr(buf_text(&answer), "no good") != NULL,
	    "takes the native part off again, and tells all that");
	OK(logs("server part failed: f:2: no good") &&
		strstr(buf_text(&logged), "failed: applied") == NULL,
	    "what logs have, the first line, is why it failed");
	IS(call_damage(10), OLD, "it is off");
	IS_STR(OBSERVED, "old", "and no Lua is in force");
	OK(!status_has("\npatchable: ") ||
		strstr(buf_text(&answer), "\npatch: ") == NULL,
	    "nothing is remembered of it");

	OK(push("f", &p1, good, NULL, "DONE applied\n"), "a good one");
	OK(push("f", &p2, late, NULL, "DONE failed\n"), "a bad one over it");
	IS(call_damage(10), FIRST, "the good one stays");
	IS_STR(OBSERVED, "new", "with its Lua");
	OK(push("f", NULL, late, NULL, "DONE failed\n"),
	    "also a bad one alone");
	IS(call_damage(10), FIRST, "does not take it off");
	OK(push("f", NULL, good, NULL, "DONE applied\n"), "a good one alone");
	IS(call_damage(10), OLD, "does");
	OK(push("f", &foreign, good, NULL, "DONE refused not-for-me\n"),
	    "a patch for another build is refused, Lua and all");
	end();
}

static void
test_waits(int rehearse)
{
	uint64_t needed;

	fresh();
	begin(rehearse, 1);
	OK(push("f", &p1, good, "round", "DONE deferred\n"), "parts that wait");
	IS(call_damage(10), OLD, "wait");
	OK(status_has("\npatch: p1 waits update="), "as STATUS tells");
	lua("hotfix.fire('round')");
	OK(logs("which waited, applied: applied p1: "), "at the event");
	IS(call_damage(10), FIRST, "both come: the native part");
	IS_STR(OBSERVED, "new", "and Lua");
	OK(push("f", &p2, NULL, "round", "DONE deferred\n"),
	    "a native part alone may wait, too");
	IS(call_damage(10), OLD, "what it supersedes has left");
	IS_STR(OBSERVED, "old", "all of it");
	lua("hotfix.fire('round')");
	OK(logs("which waited, applied: applied p2: "), "its event");
	IS(call_damage(10), OTHER, "it is there");

	buf_reset(&logged);
	OK(push("f", &p1, late, "round", "DONE deferred\n"), "a bad one waits");
	lua("hotfix.fire('round')");
	OK(logs("which waited, failed: f:"), "and fails");
	IS(call_damage(10), OLD, "nothing of it is left");
	IS_STR(OBSERVED, "old", "on either side");
	OK(status_has("\npatchable: yes") &&
		strstr(buf_text(&answer), "\npatch: ") == NULL,
	    "nothing waits any more");

	OK(push("f", &p1, bad, "round", "DONE deferred\n"), "another bad one");
	buf_reset(&logged);
	lua("hotfix.fire('round')");
	OK(logs("which waited, failed"), "fails, perhaps on the copy");
	OK(status_has("\npatchable: yes") &&
		strstr(buf_text(&answer), "\npatch: ") == NULL,
	    "nothing waits any more");

	OK(push("f", &p1, NULL, "round", "DONE deferred\n"), "one waits");
	OK(revert("f", pushed, "DONE reverted\n"), "it is taken back");
	lua("hotfix.fire('round')");
	IS(call_damage(10), OLD, "its event brings nothing");

	/* What it needs has left when its event comes. */
	OK(push("f", &p1, NULL, NULL, "DONE applied\n"), "one that is needed");
	needed = pushed;
	OK(push("g", &needy, good, "round", "DONE deferred\n"), "one waits");
	OK(revert("f", needed, "DONE reverted\n"), "the first one leaves");
	buf_reset(&logged);
	lua("hotfix.fire('round')");
	OK(logs("which waited, failed: needy "), "the second fails");
	lua("hotfix.fire('round')");
	lua("hotfix.fire('round')");
	IS_STR(OBSERVED, "old", "its Lua is not there either");
	OK(status_has("\npatchable: yes") &&
		strstr(buf_text(&answer), "\npatch: ") == NULL,
	    "nothing waits any more");
	end();
}

/* What is live is applied again at a start. */
static void
test_restart(int rehearse)
{
	fresh();
	begin(rehearse, 1);
	OK(push("f", &p1, good, NULL, "DONE applied\n"), "two parts");
	OK(push("g", &both, NULL, NULL, "DONE applied\n"), "another above");
	IS(call_heal(10), 3170, "both of its functions");
	OK(revert("f", pushed, "DONE refused syntax\n"), "of another feature");
	end();
	IS(call_damage(10), OLD, "the program ended");
	begin(rehearse, 1);
	IS(call_damage(10), OTHER, "the start applies both, in their order");
	IS(call_heal(10), 3170, "all functions");
	IS_STR(OBSERVED, "new", "and Lua");
	OK(strstr(buf_text(&logged),
	       "(f): server part applied: applied p1: ") != NULL,
	    "the log tells");
	OK(revert("g", pushed, "DONE reverted\n"), "the upper one goes");
	IS(call_damage(10), FIRST, "the lower one is in force");
	end();
}

static void
test_order(void)
{
	uint64_t lower, upper;

	fresh();
	begin(0, 1);
	OK(push("f", &p1, good, NULL, "DONE applied\n"), "two parts");
	lower = pushed;
	OK(push("g", &p2, NULL, NULL, "DONE applied\n"), "another above");
	upper = pushed;
	OK(revert("f", lower, "DONE failed\n"), "the lower one stays");
	OK(strstr(buf_text(&answer), "p2") != NULL, "the text names the upper");
	IS_STR(OBSERVED, "new", "its Lua stays with it");
	OK(push("f", NULL, good, NULL, "DONE failed\n"),
	    "nor does another take its place");
	IS_STR(OBSERVED, "new", "nothing changed");
	OK(revert("g", upper, "DONE reverted\n"), "the upper one");
	end();
}

static void
test_no_program(void)
{
	uint64_t mine;

	fresh();
	begin(1, 0);
	OK(push("f", &p1, NULL, NULL, "DONE applied\n"),
	    "a host without a program");
	OK(strstr(buf_text(&answer), "\n\napplied p1: ") != NULL,
	    "tells of it");
	IS(call_damage(10), FIRST, "is patched");
	mine = pushed;
	OK(push("g", &p2, NULL, "round", "DONE refused unsupported\n"),
	    "it has no events to wait for");
	OK(push("g", &p2, good, NULL, "DONE refused not-for-me\n"),
	    "and no server parts");
	OK(revert("f", mine, "DONE reverted\n"), "a revert");
	end();
}

static void
test_dry_run(int rehearse)
{
	struct doc_spec spec = {.id = next_id(), .feature = "f", .dry_run = 1};

	fresh();
	begin(rehearse, 1);
	spec.parts[DOC_NATIVE].bytes = p1.data;
	spec.parts[DOC_NATIVE].len = p1.len;
	OK(send_spec(&spec, "DONE dry-run\n"), "a dry run of a patch");
	OK(strstr(buf_text(&answer), "p1") != NULL, "tells of it");
	spec.id = next_id();
	spec.parts[DOC_SERVER].bytes = good;
	spec.parts[DOC_SERVER].len = sizeof good - 1;
	OK(send_spec(&spec, "DONE dry-run\n"), "of both");
	OK(strstr(buf_text(&answer), "p1") != NULL, "tells of it, too");
	spec.id = next_id();
	spec.parts[DOC_NATIVE].len--;
	OK(send_spec(&spec, "DONE failed\n") &&
		strstr(buf_text(&answer), "\n\npatch: ") != NULL,
	    "of a broken patch");
	IS(call_damage(10), OLD, "nothing has changed");
	OK(push("f", &(struct buf){.data = p1.data, .len = p1.len - 1}, good,
	       NULL, "DONE failed\n"),
	    "a broken patch is a failure");
	IS_STR(OBSERVED, "old", "of all of it");
	end();
}

int
main(void)
{
	struct signify_sec sec = world_key(1);
	struct buf text = BUF_INIT;
	struct signify_pub pub;
	int rehearse;

	signify_sec_public(&pub, &sec);
	signify_pub_format(&text, &pub, "test public key");
	put("key.pub", text.data, text.len);
	put("program.lua", program, sizeof program - 1);
	buf_free(&text);
	make_patches();
	test_not_initialised();
	test_header();
	for (rehearse = 0; rehearse < 2; rehearse++) {
		printf("# rehearse %d\n", rehearse);
		test_together(rehearse);
		test_fails(rehearse);
		test_waits(rehearse);
		test_restart(rehearse);
		test_dry_run(rehearse);
	}
	test_order();
	test_no_program();
	buf_free(&p1);
	buf_free(&p2);
	buf_free(&both);
	buf_free(&foreign);
	buf_free(&needy);
	buf_free(&answer);
	buf_free(&logged);
	return tap_done();
}
