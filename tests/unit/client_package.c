/* Packages of a client: brought here, put in force in a program, taken back. */

#include "lua-host/client_package.h"
#include "tests/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/clock.h"
#include "base/file.h"
#include "pack/package.h"

#define STATE "state/packages"

struct player {
	struct hotfix_loop loop;
	struct wire wire;
	struct client_packages *packages;
	int fetched;
	enum result result;
	char text[1200], release[80], report[ENGINE_REPORT_MAX + 1];
};

/* --- files ---------------------------------------------------------------- */

static void
put(const char *path, const char *text)
{
	char dir[256];
	struct err e;

	snprintf(dir, sizeof dir, "%s", path);
	*strrchr(dir, '/') = '\0';
	if (file_mkdirs(dir, &e) != 0 ||
	    file_write(path, text, strlen(text), 0644, &e) != 0)
		printf("# %s\n", e.text);
}

static int
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* The folder in which the release called so is unpacked, from STATE on. */
static const char *
where(const char *called)
{
	static char out[512];
	char command[512];
	FILE *f;

	snprintf(command, sizeof command,
	    "ls -d " STATE "/arena/%s-???????????????? 2>/dev/null", called);
	f = popen(command, "r");
	if (fgets(out, sizeof out, f) == NULL)
		out[0] = '\0';
	pclose(f);
	out[strcspn(out, "\n")] = '\0';
	return out;
}

static const char *
current(void)
{
	static char out[256];
	ssize_t n = readlink(STATE "/arena/current", out, sizeof out - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "-")] = '\0';
	return out;
}

/* --- releases --------------------------------------------------------------
 */

#define DAMAGE                                               \
	"local M, calls = {}, 0\n"                           \
	"function M.hit() calls = calls + 1 return %d end\n" \
	"function M.calls() return calls end\n"              \
	"return M\n"

static void
write_program(const char *dir, int damage)
{
	char path[256], text[512];

	snprintf(text, sizeof text, DAMAGE, damage);
	snprintf(path, sizeof path, "%s/game/damage.lua", dir);
	put(path, text);
	snprintf(path, sizeof path, "%s/game/init.lua", dir);
	put(path, "return {name = function() return 'arena' end}\n");
	snprintf(path, sizeof path, "%s/game/late.lua", dir);
	snprintf(text, sizeof text, "return {of = %d}\n", damage);
	put(path, text);
	snprintf(path, sizeof path, "%s/string.lua", dir);
	put(path, "return 'nobody loads this'\n");
	snprintf(path, sizeof path, "%s/data/map.txt", dir);
	snprintf(text, sizeof text, "map %d\n", damage);
	put(path, text);
	snprintf(path, sizeof path, "%s/main.lua", dir);
	put(path, "D, G = require 'game.damage', require 'game'\n"
		  "hotfix.on('package', function(release, folder)\n"
		  "  TOLD = (TOLD or '') .. (release or 'none') .. ' '\n"
		  "  FOLDER = folder\n"
		  "end)\n");
}

/* Pack the folder; since: "r1.tar" or NULL. The package's line of a
 * document. */
static void
pack(const char *dir, const char *called, const char *since,
    struct doc_package *out)
{
	struct package_spec spec = {.dir = dir,
	    .name = "arena",
	    .release = called,
	    .since = since,
	    .time_us = INT64_C(1795305600000000)};
	struct package_info info;
	char path[64];
	static char urls[32][80];
	static size_t n;
	struct err e;

	snprintf(path, sizeof path, "%s%s.tar", called,
	    since != NULL ? "-since" : "");
	if (package_create(&spec, path, &info, &e) != 0)
		printf("# %s\n", e.text);
	out->present = 1;
	strcpy(out->name, "arena");
	strcpy(out->release, called);
	out->len = info.len;
	memcpy(out->md5, info.md5, sizeof out->md5);
	memcpy(out->sha512, info.sha512, sizeof out->sha512);
	snprintf(urls[n], sizeof urls[n], "local://x/%s", path);
	out->url = urls[n++];
}

static struct doc
document(uint64_t id, const char *feature, const struct doc_package *p)
{
	struct doc d;

	memset(&d, 0, sizeof d);
	d.id = id;
	d.feature = feature;
	if (p != NULL)
		d.package = *p;
	return d;
}

/* --- a player --------------------------------------------------------------
 */

static void
op_log(void *arg, const char *line)
{
	(void)arg;
	printf("# log: %s\n", line);
}

static void
op_rearm(void *arg)
{
	(void)arg;
}

static void
on_fetched(void *arg, uint64_t id, const struct client_applied *out)
{
	struct player *p = arg;

	(void)id;
	p->fetched++;
	p->result = out->result;
	snprintf(p->text, sizeof p->text, "%.*s", (int)out->len,
	    out->text != NULL ? out->text : "");
}

static void
on_release(void *arg, const char *release)
{
	struct player *p = arg;

	snprintf(p->release, sizeof p->release, "%s", release);
}

static void
open_player(struct player *p, const char *script, const char *command)
{
	const struct program_ops ops = {.log = op_log, .rearm = op_rearm};
	struct client_packages_options o = {.dir = STATE,
	    .script = script,
	    .timeout_ms = 60000,
	    .tries = 2,
	    .command = command,
	    .fetched = on_fetched,
	    .release = on_release,
	    .arg = p};
	struct err e;

	memset(p, 0, sizeof *p);
	p->loop.loop = loop_new(LOOP_BEST);
	wire_init(&p->wire, &p->loop, op_log, NULL);
	p->packages = client_packages_new(&p->wire, &o, &e);
	if (p->packages == NULL ||
	    wire_run(&p->wire, PROGRAM_CLIENT, &ops, script, 0, NULL, &e) != 0)
		printf("# %s\n", e.text);
}

static void
close_player(struct player *p)
{
	client_packages_free(p->packages);
	wire_end(&p->wire);
	loop_free(p->loop.loop);
}

static int
lua(struct player *p, const char *expression)
{
	lua_State *L = state_lua(p->wire.state);
	char text[512];
	int is;

	snprintf(text, sizeof text, "return %s", expression);
	if (luaL_dostring(L, text) != LUA_OK) {
		printf("# %s\n", lua_tostring(L, -1));
		lua_pop(L, 1);
		return 0;
	}
	is = lua_toboolean(L, -1);
	lua_settop(L, 0);
	return is;
}

/* Bring it here: what fetch, or at last client_fetched, said. */
static enum result
fetch(struct player *p, const struct doc *d)
{
	struct client_applied out;
	int had = p->fetched, rc;

	memset(&out, 0, sizeof out);
	rc = client_packages_fetch(p->packages, d, NULL, NULL, 0, &out);
	if (rc == 1)
		return RESULT_HAVE;
	if (rc < 0) {
		snprintf(p->text, sizeof p->text, "%.*s", (int)out.len,
		    out.text);
		return out.result;
	}
	while (p->fetched == had)
		if (loop_once(p->loop.loop, -1) != 0 && errno != EINTR)
			break;
	return p->result;
}

static enum result
took(struct player *p, const struct wire_outcome *o)
{
	snprintf(p->report, sizeof p->report, "%.*s", (int)o->len,
	    o->text != NULL ? o->text : "");
	client_packages_tell(p->packages);
	return o->result;
}

static enum result
apply(struct player *p, const struct doc *d, const char *part, uint64_t drop)
{
	const struct wire_update u = {
	    d, part, part != NULL ? strlen(part) : 0, &drop, drop != 0};
	struct wire_outcome o;

	client_packages_apply(p->packages, &u, &o);
	return took(p, &o);
}

static enum result
revert(struct player *p, uint64_t id)
{
	struct wire_outcome o;

	client_packages_revert(p->packages, &id, 1, &o);
	return took(p, &o);
}

static int
says(const struct player *p, const char *what)
{
	if (strstr(p->report, what) != NULL)
		return 1;
	printf("# %s\n", p->report);
	return 0;
}

/* Until old releases are gone. */
static int
gone_in_time(struct player *p, const char *called)
{
	const int64_t end_ns = clock_mono_ns() + INT64_C(20000000000);

	while (*where(called) != '\0' && clock_mono_ns() < end_ns)
		loop_once(p->loop.loop, 10);
	return *where(called) == '\0';
}

/* --- what is promised ------------------------------------------------------
 */

static struct doc_package r2, r3, r4, r3_since;

static void
test_in_force(void)
{
	struct player p;
	struct doc d = document(20, "release", &r2);
	open_player(&p, "prog/main.lua", "sh cp.sh");
	lua(&p, "D.hit() and D.hit()");
	IS(fetch(&p, &d), RESULT_READY, "it is fetched");
	OK(*where("2") != '\0', "and unpacked");
	OK(!is_there(STATE "/arena/current"), "and not in force");
	OK(lua(&p, "D.hit() == 1"), "the program runs what it ran");
	IS(fetch(&p, &d), RESULT_HAVE, "it is here");

	IS(apply(&p, &d, NULL, 0), RESULT_APPLIED, "it is applied");
	OK(says(&p, "package arena 2: 1 of 2 loaded modules swapped, 5 other "
		    "files"),
	    "the report counts");
	OK(lua(&p, "D.hit() == 2 and D.calls() == 4"),
	    "S2.6 the code is new, the data is kept");
	OK(lua(&p, "G.name() == 'arena' and ('x'):rep(2) == 'xx'"),
	    "what did not change was left alone");
	OK(lua(&p, "require 'game.late'.of == 2"),
	    "what is loaded later comes from the release");
	IS_STR(current(), "2", "current leads to it");
	IS_STR(p.release, "2", "the next login tells");
	OK(lua(&p, "TOLD == '2 '"), "the program is told");
	OK(lua(&p, "io.open(FOLDER .. '/data/map.txt'):read() == 'map 2'"),
	    "and where its data is");

	IS(revert(&p, 20), RESULT_REVERTED, "it is taken back");
	OK(lua(&p, "D.hit() == 1 and D.calls() == 5"),
	    "the old code, the data of now");
	OK(!is_there(STATE "/arena/current"), "there was no release before");
	IS_STR(p.release, "", "nothing is in force");
	OK(lua(&p, "TOLD == '2 none '"), "the program is told");
	close_player(&p);
}

static void
test_one_after_the_other(void)
{
	struct player p;
	struct doc d2 = document(20, "release", &r2);
	struct doc d3 = document(30, "release", &r3);
	struct doc d4 = document(40, "release", &r4);

	open_player(&p, "prog/main.lua", "sh cp.sh");
	fetch(&p, &d2);
	apply(&p, &d2, NULL, 0);
	fetch(&p, &d3);
	IS(apply(&p, &d3,
	       "hotfix.hook{target='game.damage::hit',"
	       "with=function(old) return old() + 100 end}\n",
	       20),
	    RESULT_APPLIED, "the next one, with a client part");
	(void)says(&p, "package arena 3: 1 of");
	OK(lua(&p, "D.hit() == 103"),
	    "S2.7 rewritten by the package, overridden by the hook");
	IS_STR(current(), "3", "current leads to it");
	OK(*where("2") != '\0', "the one before stays");
	fetch(&p, &d4);
	IS(apply(&p, &d4, NULL, 30), RESULT_APPLIED, "one more");
	OK(lua(&p, "D.hit() == 4"), "runs");
	OK(gone_in_time(&p, "2"), "the oldest is removed");
	OK(*where("3") != '\0', "but one stays");
	IS(revert(&p, 40), RESULT_REVERTED, "taken back");
	IS_STR(current(), "3", "current goes one back");
	OK(lua(&p, "TOLD == '2 3 4 3 '"), "the program is told");
	OK(lua(&p, "D.hit() == 1"), "code that was superseded is not back");
	close_player(&p);

	/* What is in force no more at a start. */
	open_player(&p, "prog/main.lua", "sh cp.sh");
	client_packages_begun(p.packages);
	OK(!is_there(STATE "/arena/current"),
	    "at a start, what is not kept any more is current no more");
	close_player(&p);
}

static void
test_among_others(void)
{
	struct player p;
	struct doc older = document(10, "fix", NULL);
	struct doc d2 = document(20, "release", &r2);
	static const char fix[] = "hotfix.replace{target='game::name',"
				  "with=function() return 'fixed' end}\n";

	open_player(&p, "prog/main.lua", "sh cp.sh");
	fetch(&p, &d2);
	apply(&p, &older, fix, 0);
	OK(lua(&p, "G.name() == 'fixed'"), "an older fix");
	apply(&p, &d2, NULL, 0);
	OK(says(&p, "2 of 2 loaded modules"), "all modules come in above it");
	OK(lua(&p, "G.name() == 'arena'"), "and take its place");
	close_player(&p);

	open_player(&p, "prog/main.lua", "sh cp.sh");
	fetch(&p, &d2);
	apply(&p, &d2, NULL, 0);
	OK(says(&p, "1 of 2 loaded modules"), "alone, what differs");
	apply(&p, &older, fix, 0);
	OK(lua(&p, "G.name() == 'arena' and D.hit() == 2"),
	    "a fix that comes late and below it does not show");
	revert(&p, 20);
	OK(lua(&p, "G.name() == 'fixed' and D.hit() == 1"),
	    "until the package leaves");
	close_player(&p);
}

static void
test_start_from_current(void)
{
	struct player p;
	struct doc d2 = document(20, "release", &r2);

	open_player(&p, "prog/main.lua", "sh cp.sh");
	fetch(&p, &d2);
	apply(&p, &d2, NULL, 0);
	close_player(&p);
	open_player(&p, STATE "/arena/current/main.lua", "sh cp.sh");
	OK(lua(&p, "D.hit() == 2"), "started from current");
	IS(fetch(&p, &d2), RESULT_HAVE, "it is here");
	IS(apply(&p, &d2, NULL, 0), RESULT_APPLIED, "what is kept is applied");
	OK(says(&p, "0 of 2 loaded modules"), "there is nothing to swap");
	IS(revert(&p, 20), RESULT_REVERTED, "it is taken back");
	OK(says(&p, "2 modules were loaded from it"),
	    "what cannot come back is told");
	OK(lua(&p, "D.hit() == 2"), "it runs on");
	close_player(&p);
}

static void
test_since(void)
{
	struct player p;
	struct doc d2 = document(20, "release", &r2);
	struct doc d3 = document(30, "release", &r3_since);

	d3.base = "2";
	system("rm -rf " STATE);
	open_player(&p, "prog/main.lua", "sh cp.sh");
	IS(fetch(&p, &d3), RESULT_REFUSED, "its base is not here");
	OK(strstr(p.text, "release 2") != NULL, "it says which");
	d3.full = r3;
	IS(fetch(&p, &d3), RESULT_READY, "the full package is");
	OK(is_there(where("3")), "it is there");
	system("rm -rf " STATE);
	memset(&d3.full, 0, sizeof d3.full);
	fetch(&p, &d2);
	apply(&p, &d2, NULL, 0);
	IS(fetch(&p, &d3), RESULT_READY, "it is made of its base");
	IS(apply(&p, &d3, NULL, 20), RESULT_APPLIED, "and applied");
	OK(lua(&p, "D.hit() == 3 and require 'game.late'.of == 3"), "it runs");
	/* A base that is damaged. */
	revert(&p, 30);
	system("rm -rf " STATE "/arena/3-*");
	system("for f in " STATE "/arena/2-*/game/init.lua; do"
	       " echo x >>$f; done");
	IS(fetch(&p, &d3), RESULT_FAILED, "on a damaged base nothing is made");
	d3.full = r3;
	IS(fetch(&p, &d3), RESULT_READY, "then the full one is fetched");
	close_player(&p);
	system("rm -rf " STATE);
}

static void
test_event(void)
{
	struct player p;
	struct doc d2 = document(20, "release", &r2);
	struct wire_outcome o;

	d2.on = "round";
	open_player(&p, "prog/main.lua", "sh cp.sh");
	fetch(&p, &d2);
	IS(apply(&p, &d2, NULL, 0), RESULT_DEFERRED, "it waits");
	OK(!is_there(STATE "/arena/current"), "current does not change");
	OK(lua(&p, "require 'game.late'.of == 1 and D.hit() == 1"),
	    "nor does the program");
	client_packages_release(p.packages, 20, &o);
	IS(took(&p, &o), RESULT_APPLIED, "its event comes");
	OK(says(&p, "2 of 3 loaded modules"),
	    "what was loaded meanwhile is swapped too");
	IS_STR(current(), "2", "current leads to it");
	OK(lua(&p, "D.hit() == 2"), "it runs");
	IS(revert(&p, 20), RESULT_REVERTED, "and is taken back");
	close_player(&p);
}

static void
test_failures(void)
{
	struct player p;
	struct doc d2 = document(20, "release", &r2);
	struct doc_package wrong = r2;

	system("rm -rf " STATE);
	open_player(&p, "prog/main.lua", "false");
	IS(fetch(&p, &d2), RESULT_GAVE_UP, "S2.5 it cannot be fetched");
	OK(p.text[0] != '\0', "the reason is told");
	close_player(&p);

	open_player(&p, "prog/main.lua", "sh cp.sh");
	strcpy(wrong.release, "9");
	d2.package = wrong;
	IS(fetch(&p, &d2), RESULT_FAILED, "it is another release than told");
	OK(*where("9") == '\0', "and not unpacked");
	wrong = r2;
	wrong.sha512[0] ^= 1;
	d2.package = wrong;
	IS(fetch(&p, &d2), RESULT_GAVE_UP, "other bytes than told");
	close_player(&p);

	/* What was fetched was read and compiled before it is applied. */
	open_player(&p, "prog/main.lua", "sh cp.sh");
	d2 = document(20, "release", &r2);
	IS(fetch(&p, &d2), RESULT_READY, "fetched, and made ready");
	system("for f in " STATE "/arena/2-*/game/damage.lua; do"
	       " mv $f $f.aside; echo '= x' >$f; done");
	IS(apply(&p, &d2, NULL, 0), RESULT_APPLIED, "nothing is read then");
	OK(lua(&p, "D.hit() == 2"), "it is in force");
	revert(&p, 20);
	close_player(&p);
	system("rm -rf " STATE);

	/* A module that does not compile changes nothing. */
	open_player(&p, "prog/main.lua", "sh cp.sh");
	d2 = document(20, "release", &r2);
	fetch(&p, &d2);
	close_player(&p);
	open_player(&p, "prog/main.lua", "sh cp.sh");
	system("for f in " STATE "/arena/2-*/game/damage.lua; do"
	       " echo '= x' >$f; done");
	IS(apply(&p, &d2, NULL, 0), RESULT_FAILED, "a broken module");
	OK(says(&p, "game.damage"), "it is named");
	OK(lua(&p, "D.hit() == 1"), "nothing changed");
	OK(!is_there(STATE "/arena/current"), "nor did current");
	close_player(&p);
	system("rm -rf " STATE);
}

static void
test_ends(void)
{
	struct player p;
	struct doc d2 = document(20, "release", &r2);
	struct doc d3 = document(30, "release", &r3);
	struct client_applied out;

	open_player(&p, "prog/main.lua", "sh slow.sh");
	IS(client_packages_fetch(p.packages, &d2, NULL, NULL, 0, &out), 0,
	    "one begins");
	IS(client_packages_fetch(p.packages, &d3, NULL, NULL, INT64_C(1) << 60,
	       &out),
	    0, "one waits for its turn");
	client_packages_cancel(p.packages, 20);
	client_packages_cancel(p.packages, 30);
	client_packages_cancel(p.packages, 40);
	client_packages_fetch(p.packages, &d3, NULL, NULL, INT64_C(1) << 60,
	    &out);
	close_player(&p);
	OK(!is_there("fetched"), "what is cancelled is heard of no more");

	/* What a kill left behind. */
	put(STATE "/arena/.gone-1-0123456789abcdef/x", "x");
	put(STATE "/arena/1-0123456789abcdef.new-abcdef/x", "x");
	put(STATE "/arena/1-0123456789abcdef/x", "x");
	open_player(&p, "prog/main.lua", "sh cp.sh");
	OK(!is_there(STATE "/arena/.gone-1-0123456789abcdef") &&
		!is_there(STATE "/arena/1-0123456789abcdef.new-abcdef"),
	    "rubbish is removed");
	OK(is_there(STATE "/arena/1-0123456789abcdef"), "a release is not");
	close_player(&p);
}

int
main(void)
{
	put("./cp.sh", "cp \"${1#local://x/}\" \"$2\"\n");
	put("./slow.sh", "while :; do sleep 1; done\n");
	write_program("prog", 1);
	write_program("rel2", 2);
	write_program("rel3", 3);
	write_program("rel4", 4);
	pack("rel2", "2", NULL, &r2);
	pack("rel3", "3", NULL, &r3);
	pack("rel4", "4", NULL, &r4);
	pack("rel3", "3", "2.tar", &r3_since);
	test_in_force();
	test_one_after_the_other();
	test_among_others();
	test_start_from_current();
	test_since();
	test_event();
	test_failures();
	test_ends();
	return tap_done();
}
