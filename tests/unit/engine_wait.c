/* Updates that wait for an event: due, released, refused, in between. */

#include "tests/game.h"

static const char program[] = "local n = 0\n"
			      "M = {}\n"
			      "function M.a() n = n + 1 return 'a' end\n"
			      "function M.b() return 'b' end\n"
			      "function M.c() return 'c' end\n"
			      "package.loaded.m = M\n"
			      "RUNS = 0\n";

#define REPLACE(f, what)                                      \
	"hotfix.replace{target='m::" #f "', with=function() " \
	"return '" what "' end}\n"
#define ON(f, event, what)                                                    \
	"hotfix.replace{target='m::" #f "', on='" event "', with=function() " \
	"return '" what "' end}\n"
#define COUNTED "RUNS = RUNS + 1\n"

/* What the callbacks were told. */
struct told {
	struct engine *engine;
	int due, settled;
	uint64_t id;
	enum engine_result result;
	char text[256];
};

static void
due(void *arg, uint64_t id)
{
	struct told *t = arg;

	t->due++;
	t->id = id;
}

static void
settled(void *arg, uint64_t id, enum engine_result result,
    const struct engine_report *report)
{
	struct told *t = arg;
	const char *text = buf_text((struct buf *)(uintptr_t)&report->text);

	t->settled++;
	t->id = id;
	t->result = result;
	snprintf(t->text, sizeof t->text, "%s", text != NULL ? text : "");
}

static void
game_start(struct game *g, struct told *t, int owner)
{
	struct engine_callbacks cb = {t, owner ? due : NULL, settled};

	memset(t, 0, sizeof *t);
	game_open(g, program, &patient);
	t->engine = g->engine;
	engine_set_callbacks(g->engine, &cb);
}

static void
fire(struct game *g, const char *event)
{
	int top = lua_gettop(g->L);

	lua_pushstring(g->L, event);
	lua_pushinteger(g->L, 7);
	engine_fire(g->engine, g->L, top + 1);
	OK(lua_gettop(g->L) == top + 2, "the event %s", event);
	lua_settop(g->L, top);
}

static enum engine_result
defer(struct game *g, uint64_t id, const char *text, const char *event)
{
	return engine_defer(g->engine, NULL, 0, id, "later", text, strlen(text),
	    event, &g->report);
}

static void
test_whole(void)
{
	struct game g;
	struct told t;
	uint64_t ids[] = {1, 2};

	game_start(&g, &t, 0);
	IS(push(&g, 9, COUNTED REPLACE(c, "above")), ENGINE_APPLIED, "above");
	IS(defer(&g, 1, COUNTED REPLACE(a, "one"), "go"), ENGINE_DEFERRED,
	    "an update that waits as a whole");
	OK(is_true(&g, "M.a() == 'a' and RUNS == 1"),
	    "its text is not run, and nothing above it is again");
	OK(engine_has(g.engine, 1) && engine_is_waiting(g.engine, 1) &&
		!engine_is_waiting(g.engine, 9),
	    "it is known to wait");
	IS(defer(&g, 1, COUNTED REPLACE(a, "one"), "go"), ENGINE_HAVE,
	    "the same again");
	IS(defer(&g, 2, "x = = 1", "go"), ENGINE_FAILED, "a text in error");
	OK(says(&g, "later:1:") && !engine_has(g.engine, 2),
	    "is refused at once");
	IS(defer(&g, 2, COUNTED "error('late')", "go"), ENGINE_DEFERRED,
	    "one that fails only when it runs");
	IS(defer(&g, 3, COUNTED REPLACE(b, "three"), "other"), ENGINE_DEFERRED,
	    "one for another event");
	OK(is_true(&g, "RUNS == 1"), "still nothing is run again");
	fire(&g, "none");
	OK(t.settled == 0 && is_true(&g, "M.a() == 'a'"), "is not theirs");
	fire(&g, "go");
	OK(is_true(&g, "M.a() == 'one' and M.b() == 'b' and M.c() == 'above'"),
	    "is that of the first");
	OK(t.settled == 2 && t.id == 2 && t.result == ENGINE_PARTIAL &&
		strstr(t.text, "late") != NULL,
	    "and of the second, which fails");
	OK(!engine_has(g.engine, 2) && !engine_is_waiting(g.engine, 1),
	    "and has left");
	IS(engine_change(g.engine, ids, 2, 0, NULL, NULL, 0, &g.report),
	    ENGINE_REVERTED, "the first is taken back");
	OK(is_true(&g, "M.a() == 'a'"), "as any other");
	lua_run(&g, "RUNS = 0");
	IS(drop(&g, 3), ENGINE_REVERTED, "one that still waits, too");
	OK(says(&g, "later: taken back") && is_true(&g, "RUNS == 0"),
	    "which is told, and nothing is run");
	fire(&g, "other");
	OK(is_true(&g, "M.b() == 'b'"), "comes too late");

	IS(defer(&g, 4, REPLACE(a, "four"), "go"), ENGINE_DEFERRED,
	    "one waits");
	IS(defer(&g, 4, REPLACE(a, "FOUR"), "go"), ENGINE_DEFERRED,
	    "another text for it");
	fire(&g, "go");
	OK(is_true(&g, "M.a() == 'FOUR'"), "is that of the other text");
	IS(defer(&g, 4, REPLACE(b, "five"), "go"), ENGINE_DEFERRED,
	    "what is in force is to wait with a new text");
	OK(is_true(&g, "M.a() == 'a'"), "so what was in force has gone");
	game_close(&g);
}

/* Its owner is told, and releases it later. */
static void
test_owner(void)
{
	struct game g;
	struct told t;

	game_start(&g, &t, 1);
	IS(push(&g, 5, REPLACE(b, "five") ON(a, "go", "now") ON(c, "end", "c")),
	    ENGINE_DEFERRED, "an update that waits in part");
	IS(engine_release(g.engine, 5, &g.report), ENGINE_HAVE,
	    "nothing of it is due");
	IS(engine_release(g.engine, 6, &g.report), ENGINE_HAVE,
	    "nor of one that is not there");
	fire(&g, "go");
	OK(t.due == 1 && t.id == 5 && t.settled == 0, "its owner is told");
	OK(is_true(&g, "M.a() == 'a' and M.b() == 'five'"),
	    "and nothing is done yet");
	fire(&g, "go");
	IS(t.due, 1, "it is due once");
	IS(push(&g, 1, REPLACE(c, "below")), ENGINE_APPLIED,
	    "another one comes in between, below");
	OK(is_true(&g, "M.a() == 'a' and M.c() == 'below'"),
	    "it still waits for its owner");
	IS(engine_release(g.engine, 5, &g.report), ENGINE_DEFERRED,
	    "who releases it");
	OK(is_true(&g, "M.a() == 'now' and M.c() == 'below'"),
	    "it is installed, but for the rest");
	fire(&g, "end");
	IS(t.due, 2, "which is due");
	IS(engine_release(g.engine, 5, &g.report), ENGINE_APPLIED, "and done");
	OK(is_true(&g, "M.a() == 'now' and M.c() == 'c'") &&
		!engine_is_waiting(g.engine, 5),
	    "all of it");
	IS(engine_release(g.engine, 5, &g.report), ENGINE_HAVE, "once");
	IS(drop(&g, 1), ENGINE_REVERTED, "without the one below");
	OK(is_true(&g, "M.a() == 'now' and M.c() == 'c' and M.b() == 'five'"),
	    "it is in force with all its parts");

	IS(defer(&g, 7, REPLACE(b, "seven"), "go"), ENGINE_DEFERRED,
	    "one that waits as a whole");
	fire(&g, "go");
	OK(t.due == 3 && t.id == 7 && is_true(&g, "M.b() == 'five'"),
	    "is due as well");
	IS(engine_release(g.engine, 7, &g.report), ENGINE_APPLIED,
	    "and released");
	OK(is_true(&g, "M.b() == 'seven'"), "by its owner");
	IS(defer(&g, 8, REPLACE(b, "eight"), "go"), ENGINE_DEFERRED,
	    "one more");
	IS(engine_release(g.engine, 8, &g.report), ENGINE_APPLIED,
	    "is released though its event did not come");
	IS(t.settled, 0, "the engine settles nothing by itself");
	game_close(&g);
}

/* A failure at the event takes the update with it; if that cannot be, it
 * stays and is not tried again. */
static void
test_leaving(void)
{
	struct game g;
	struct told t;

	game_start(&g, &t, 0);
	IS(push(&g, 5, REPLACE(b, "five") ON(a, "go", "now")), ENGINE_DEFERRED,
	    "an update that waits in part");
	IS(push(&g, 9, "if BROKEN then error('broken') end\n" REPLACE(c, "c9")),
	    ENGINE_APPLIED, "one above it");
	lua_run(&g, "BROKEN = true");
	fire(&g, "go");
	OK(t.settled == 1 && t.id == 5 && t.result == ENGINE_PARTIAL &&
		strstr(t.text, "broken") != NULL,
	    "the one above cannot be applied again");
	OK(engine_has(g.engine, 5) && !engine_is_waiting(g.engine, 5) &&
		is_true(&g, "M.b() == 'five' and M.c() == 'c9'"),
	    "so it stays as it is, and waits no longer");
	lua_run(&g, "BROKEN = false");
	fire(&g, "go");
	OK(t.settled == 1 && is_true(&g, "M.a() == 'a'"), "is not for it");
	IS(push(&g, 1, REPLACE(c, "c1")), ENGINE_APPLIED,
	    "another comes below, so it is applied again");
	OK(!engine_is_waiting(g.engine, 5) && is_true(&g, "M.b() == 'five'"),
	    "and does not wait again");
	fire(&g, "go");
	OK(t.settled == 1 && is_true(&g, "M.a() == 'a'"), "is not for it");
	IS(drop(&g, 5), ENGINE_REVERTED, "it can be taken back");
	OK(is_true(&g, "M.b() == 'b' and M.c() == 'c9'"), "as any other");
	game_close(&g);
}

static int
inner_fire(lua_State *L)
{
	struct game *g = lua_touserdata(L, lua_upvalueindex(1));

	lua_settop(L, 0);
	lua_pushliteral(L, "go");
	engine_fire(g->engine, L, 1);
	return 0;
}

/* Events in an update, in a condition and in what runs afterwards. */
static void
test_nested(void)
{
	struct game g;
	struct told t;

	game_start(&g, &t, 0);
	lua_pushlightuserdata(g.L, &g);
	lua_pushcclosure(g.L, inner_fire, 1);
	lua_setglobal(g.L, "fire");
	IS(push(&g, 1,
	       "hotfix.replace{target='m::a', on='go', when=function(x) fire() "
	       "WHEN = (WHEN or 0) + 1 return true end, "
	       "with=function() return 'one' end}\n"),
	    ENGINE_DEFERRED, "one waits");
	IS(push(&g, 2,
	       "fire()\n" REPLACE(b, "two") "hotfix.after(fire)\n"
					    "hotfix.on_rollback(fire)"),
	    ENGINE_APPLIED, "an update fires its event");
	OK(is_true(&g, "M.a() == 'a' and M.b() == 'two' and not WHEN"),
	    "which is not heard");
	IS(drop(&g, 2), ENGINE_REVERTED, "nor when it goes");
	OK(is_true(&g, "M.a() == 'a' and not WHEN"), "nothing");
	lua_run(&g, "coroutine.wrap(fire)()");
	OK(is_true(&g, "M.a() == 'one' and WHEN == 1"),
	    "outside, it is, also in a coroutine");
	game_close(&g);
}

int
main(void)
{
	test_whole();
	test_owner();
	test_leaving();
	test_nested();
	return tap_done();
}
