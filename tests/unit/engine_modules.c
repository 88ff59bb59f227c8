/* Updates that are lists of modules: compiled ahead, or in the step. */

#include "tests/game.h"

static const char program[] =
    "for _, name in ipairs{'a', 'b', 'c'} do\n"
    "  local M, calls = {}, 0\n"
    "  function M.hit() calls = calls + 1 return 1 end\n"
    "  function M.calls() return calls end\n"
    "  package.loaded[name] = M\n"
    "  _G[name:upper()] = M\n"
    "end\n";

#define SOURCE(hit)                                               \
	"local M, calls = {}, 0\n"                                \
	"function M.hit() calls = calls + 1 return " hit " end\n" \
	"function M.calls() return calls end\n"                   \
	"return M\n"

static struct engine_module
module(const char *name, const char *source)
{
	struct engine_module m = {
	    .name = name, .source = source, .len = strlen(source)};

	return m;
}

static enum engine_result
list(struct game *g, uint64_t id, const struct engine_module *m, size_t n)
{
	const struct engine_text text = {.modules = m, .nmodules = n};

	return engine_change_both(g->engine, NULL, 0, id, "release", NULL,
	    &text, NULL, &g->report);
}

static lua_Integer
prepare(struct game *g, const char *name, const char *source)
{
	return engine_prepare(g->engine, name, source, strlen(source));
}

static enum engine_result
revert(struct game *g, uint64_t id)
{
	return engine_change(g->engine, &id, 1, 0, "", "", 0, &g->report);
}

static void
test_list(void)
{
	struct engine_module m[3];
	struct game g;

	game_open(&g, program, &patient);
	is_true(&g, "A.hit() == 1");
	m[0] = module("a", SOURCE("10"));
	m[1] = module("gone", SOURCE("11"));
	m[2] = module("b", "#!/bin/lua\n" SOURCE("12"));
	IS(list(&g, 10, m, 3), ENGINE_APPLIED, "two of three are loaded");
	OK(is_true(&g, "A.hit() == 10 and A.calls() == 2 and B.hit() == 12"),
	    "they are swapped and keep their data");
	OK(is_true(&g, "package.loaded.gone == nil and C.hit() == 1"),
	    "nothing else is");
	OK(!g.report.plain, "it can be taken back");
	IS(list(&g, 10, m, 3), ENGINE_HAVE, "the same again");
	m[2].len--;
	IS(list(&g, 10, m, 3), ENGINE_APPLIED, "a source with a byte less");
	m[2].len++;
	IS(list(&g, 10, m, 2), ENGINE_APPLIED, "one module less");
	OK(is_true(&g, "A.hit() == 10 and B.hit() == 1"), "is as before");
	IS(push(&g, 5,
	       "hotfix.replace{target='b::hit', with=function() return 5 end}"),
	    ENGINE_APPLIED, "an older update below");
	OK(is_true(&g, "A.hit() == 10 and B.hit() == 5"), "both are in force");
	IS(push(&g, 10, SOURCE("1")), ENGINE_APPLIED, "a text is another");
	IS(list(&g, 10, m, 0), ENGINE_APPLIED, "so is an empty list");
	OK(!g.report.plain, "which can be taken back, too");
	IS(revert(&g, 10), ENGINE_REVERTED, "taken back");
	IS(revert(&g, 5), ENGINE_REVERTED, "all of it");
	OK(is_true(&g, "A.hit() == 1 and B.hit() == 1"), "all is as it was");
	game_close(&g);
}

static void
test_prepared(void)
{
	struct engine_module m[2];
	struct game g;
	lua_Integer compiled;

	/* What was compiled is another source, to be told apart. */
	game_open(&g, program, &patient);
	m[0] = module("a", SOURCE("10"));
	m[0].compiled = compiled = prepare(&g, "a", SOURCE("20"));
	OK(compiled != 0, "compiled ahead");
	IS(list(&g, 10, m, 1), ENGINE_APPLIED, "it is run");
	OK(is_true(&g, "A.hit() == 20"), "and not compiled again");
	IS(push(&g, 5,
	       "hotfix.replace{target='b::hit', with=function() return 5 end}"),
	    ENGINE_APPLIED, "an older update");
	OK(is_true(&g, "A.hit() == 10"), "what runs again is compiled anew");
	revert(&g, 10);
	IS(list(&g, 10, m, 1), ENGINE_APPLIED, "it serves once");
	OK(is_true(&g, "A.hit() == 10"), "then the source does");
	revert(&g, 10);
	m[0].compiled = prepare(&g, "a", SOURCE("30"));
	OK(m[0].compiled != compiled, "no number comes again");
	engine_forget(g.engine, m[0].compiled);
	engine_forget(g.engine, m[0].compiled);
	engine_forget(g.engine, 0);
	IS(list(&g, 10, m, 1), ENGINE_APPLIED, "one that was forgotten");
	OK(is_true(&g, "A.hit() == 10"), "is not run");
	revert(&g, 10);

	IS(prepare(&g, "b", "= x"), 0, "one that does not compile");
	m[0].compiled = prepare(&g, "a", SOURCE("40"));
	m[1] = module("b", "= x");
	IS(list(&g, 10, m, 2), ENGINE_FAILED, "fails in the step");
	OK(strstr(buf_text(&g.report.text), "b:1:") != NULL, "it is named");
	OK(is_true(&g, "A.hit() == 1"), "nothing changed");
	m[1] = module("b", SOURCE("2"));
	IS(list(&g, 10, m, 2), ENGINE_APPLIED, "once more");
	OK(is_true(&g, "A.hit() == 10 and B.hit() == 2"), "with both sources");
	game_close(&g);
}

static void
test_limits(void)
{
	/* The clock is not looked at: it would hang on the machine. */
	const struct state_limits few = {
	    20000, INT64_C(600000000000), (size_t)1 << 20};
	static const char busy[] = "local n = 0\n"
				   "for i = 1, 8000 do n = i end\n"
				   "return {n = n}\n";
	static const char large[] = "return {text = ('x'):rep(450000)}\n";
	struct engine_module m[3];
	struct game g;

	game_open(&g, program, &few);
	m[0] = module("a", busy);
	m[1] = module("b", busy);
	m[2] = module("c", busy);
	IS(list(&g, 10, m, 3), ENGINE_APPLIED,
	    "each module has all instructions");
	OK(is_true(&g, "A.n + B.n + C.n == 24000"), "all ran");
	revert(&g, 10);
	m[1] = module("b", "for i = 1, 30000 do end return {}\n");
	IS(list(&g, 10, m, 3), ENGINE_HUNG, "one that needs more");
	m[0] = module("a", large);
	m[1] = module("b", "return {}\n");
	IS(list(&g, 10, m, 2), ENGINE_APPLIED, "one that needs memory");
	revert(&g, 10);
	m[1] = module("b", large);
	m[2] = module("c", large);
	IS(list(&g, 10, m, 3), ENGINE_HUNG, "they have the memory together");
	OK(is_true(&g, "A.hit() == 1 and A.text == nil"), "nothing changed");
	game_close(&g);
}

/* A step that looks through the heap from marks on, whatever came between. */
static void
test_survey(void)
{
	struct engine_module m;
	size_t replaced, more = 0;
	struct game g;

	game_open(&g, program, &patient);
	is_true(&g, "pcall(function() HELD = {} for i = 1, 30000 do\n"
		    "HELD[i] = {'unit ' .. i, {A.hit}} end end)");
	m = module("a", SOURCE("2"));
	IS(list(&g, 10, &m, 1), ENGINE_APPLIED, "without a survey");
	m = module("a", SOURCE("3"));
	is_true(&g, "collectgarbage()");
	IS(list(&g, 11, &m, 1), ENGINE_APPLIED, "and once more");
	replaced = g.report.replaced;
	IS(revert(&g, 11), ENGINE_REVERTED, "and back");
	while (engine_survey(g.engine, 0) == 1)
		more++;
	OK(more >= 2, "there is more to do after a slice (%zu)", more);
	IS(engine_survey(g.engine, 0), 0, "until all is done");
	is_true(&g, "pcall(function() for i = 2, 30000, 2 do\n"
		    "HELD[i] = {'new ' .. i, {A.hit}} end\n"
		    "collectgarbage() end)");
	IS(list(&g, 11, &m, 1), ENGINE_APPLIED, "with one");
	OK(g.report.replaced == replaced, "as much is replaced");
	OK(is_true(&g, "pcall(function() for i = 1, 30000 do\n"
		       "assert(HELD[i][2][1] == A.hit) end end)"),
	    "all of it, also what came after the survey");
	IS(engine_survey(g.engine, 0), 1, "the next step has its own");
	m = module("a", SOURCE("fail("));
	IS(list(&g, 12, &m, 1), ENGINE_FAILED, "an update that fails");
	IS(engine_survey(g.engine, 0), 1, "takes it with it, too");
	IS(revert(&g, 11), ENGINE_REVERTED, "half of a survey serves a revert");
	OK(is_true(&g, "pcall(function() for i = 1, 30000 do\n"
		       "assert(HELD[i][2][1] == A.hit) end end)\n"
		       "and A.hit() == 2"),
	    "which is complete");
	engine_set_walk(g.engine, WALK_API);
	IS(engine_survey(g.engine, 0), 0, "none for the other way of looking");
	game_close(&g);
}

int
main(void)
{
	test_list();
	test_prepared();
	test_limits();
	test_survey();
	return tap_done();
}
