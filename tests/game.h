#ifndef TESTS_GAME_H
#define TESTS_GAME_H

/*
 * A running Lua program with an engine, for unit tests: updates come and go by
 * their texts, expressions of Lua tell what has become of the program.
 */

#include "lua-host/engine.h"
#include "tests/tap.h"

#include <lauxlib.h>
#include <lua.h>

struct game {
	struct state *state;
	lua_State *L;
	struct engine *engine;
	struct engine_report report;
};

/* What is not about time is not to fail on a busy machine. */
__attribute__((unused)) static const struct state_limits patient = {
    STATE_INSTRUCTIONS, 60 * STATE_WALL_NS, STATE_MEMORY};

/* Run a text; 1 when it ended without an error. */
__attribute__((unused)) static int
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

__attribute__((unused)) static int
is_true(struct game *g, const char *expression)
{
	char text[1024];

	snprintf(text, sizeof text, "assert(%s)", expression);
	return lua_run(g, text);
}

/* A fresh state that has run the program. */
__attribute__((unused)) static void
game_open(struct game *g, const char *program,
    const struct state_limits *limits)
{
	g->state = state_new();
	g->L = state_lua(g->state);
	g->engine = engine_new(g->state, limits);
	engine_report_init(&g->report);
	if (!lua_run(g, program)) {
		OK(0, "the program runs");
		exit(tap_done());
	}
}

__attribute__((unused)) static void
game_close(struct game *g)
{
	engine_report_free(&g->report);
	engine_free(g->engine);
	state_free(g->state);
}

__attribute__((unused)) static enum engine_result
push(struct game *g, uint64_t id, const char *text)
{
	return engine_change(g->engine, NULL, 0, id, "combat", text,
	    strlen(text), &g->report);
}

__attribute__((unused)) static enum engine_result
drop(struct game *g, uint64_t id)
{
	return engine_change(g->engine, &id, 1, 0, NULL, NULL, 0, &g->report);
}

__attribute__((unused)) static const char *
said(struct game *g)
{
	const char *s = buf_text(&g->report.text);

	return s != NULL ? s : "";
}

__attribute__((unused)) static int
says(struct game *g, const char *what)
{
	if (strstr(said(g), what) != NULL)
		return 1;
	printf("#   no '%s' in '%s'\n", what, said(g));
	return 0;
}

#endif
