/* Updates of two texts: one step, the first below the second. */

#include "tests/game.h"

static const char program[] =
    "local M, calls = {}, 0\n"
    "function M.hit() calls = calls + 1 return 1 end\n"
    "function M.calls() return calls end\n"
    "M.walk = function() return 'old' end\n"
    "M.x = 0\n"
    "package.loaded.m = M\n"
    "D = M\n";

static const char module[] =
    "hotfix.module('m', [[local M, calls = {}, 0\n"
    "function M.hit() calls = calls + 1 return 10 end\n"
    "function M.calls() return calls end\n"
    "M.walk = function() return 'new' end\n"
    "return M]])\n";

static const char hook[] = "hotfix.hook{target='m::hit',"
			   "with=function(old) return old() + 100 end}\n";

static const char wrong[] =
    "hotfix.replace{target='m::none', with=function() end}\n";

static enum engine_result
both(struct game *g, uint64_t id, const char *below, const char *text,
    const char *event)
{
	const struct engine_text first = {.text = below, .len = strlen(below)};
	const struct engine_text second = {.text = text, .len = strlen(text)};

	return engine_change_both(g->engine, NULL, 0, id, "release", &first,
	    &second, event, &g->report);
}

static void
report(struct game *g)
{
	printf("# %s\n", buf_text(&g->report.text));
}

int
main(void)
{
	const uint64_t ten = 10, five = 5;
	struct game g;
	uint64_t ids[4];

	game_open(&g, program, &patient);
	is_true(&g, "D.hit() == 1");
	IS(both(&g, 10, module, hook, NULL), ENGINE_APPLIED,
	    "a function is replaced, and then hooked");
	OK(is_true(&g, "D.hit() == 110 and D.calls() == 2"),
	    "the hook is on the new one, the data is kept");
	OK(is_true(&g, "D.walk() == 'new'"), "what has no hook is new");
	IS(both(&g, 10, module, hook, NULL), ENGINE_HAVE, "the same again");
	IS(engine_list(g.engine, ids, 4), 1, "it is one update");
	IS(ids[0], 10, "of its id");

	/* One that comes in below: both texts are applied again. */
	IS(push(&g, 5,
	       "hotfix.replace{target='m::walk',"
	       "with=function() return 'five' end}"),
	    ENGINE_APPLIED, "an older one");
	OK(is_true(&g, "D.walk() == 'new' and D.hit() == 110"),
	    "does not show");
	IS(both(&g, 10, module, "hotfix.set{target='m::x', value=1}", NULL),
	    ENGINE_APPLIED, "another second text");
	OK(is_true(&g, "D.hit() == 10 and D.x == 1"), "in its place");
	IS(both(&g, 10, module, wrong, NULL), ENGINE_FAILED,
	    "a second text that fails");
	OK(is_true(&g, "D.hit() == 10 and D.x == 1"), "changes nothing");
	IS(both(&g, 10, wrong, hook, NULL), ENGINE_FAILED,
	    "nor does a first one");
	OK(is_true(&g, "D.hit() == 10 and D.x == 1"), "all or nothing");
	IS(engine_change(g.engine, &ten, 1, 0, "", "", 0, &g.report),
	    ENGINE_REVERTED, "both leave");
	OK(is_true(&g, "D.hit() == 1 and D.x == 0 and D.walk() == 'five'"),
	    "in one step");
	IS(engine_change(g.engine, &five, 1, 0, "", "", 0, &g.report),
	    ENGINE_REVERTED, "and the older one");
	OK(is_true(&g, "D.walk() == 'old'"), "all is as it was");
	IS(engine_list(g.engine, ids, 4), 0, "nothing is held");

	/* A plain second text is told as such. */
	IS(both(&g, 10, module, "X = 1", NULL), ENGINE_APPLIED, "a plain one");
	OK(g.report.plain, "is told");
	IS(engine_change(g.engine, &ten, 1, 0, "", "", 0, &g.report),
	    ENGINE_PARTIAL, "it stays when the first text leaves");
	OK(is_true(&g, "D.hit() == 1 and X == 1"), "which is gone");

	/* Both wait. */
	IS(both(&g, 10, module, hook, "go"), ENGINE_DEFERRED, "both wait");
	OK(is_true(&g, "D.hit() == 1"), "nothing changes");
	OK(engine_is_waiting(g.engine, 10), "one update waits");
	if (engine_release(g.engine, 10, &g.report) != ENGINE_APPLIED)
		report(&g);
	OK(is_true(&g, "D.hit() == 110"), "both come");
	OK(!engine_is_waiting(g.engine, 10), "it waits no more");
	IS(engine_change(g.engine, &ten, 1, 0, "", "", 0, &g.report),
	    ENGINE_REVERTED, "and leave");
	OK(is_true(&g, "D.hit() == 1"), "together");
	game_close(&g);
	return tap_done();
}
