/* Events: the handlers of a program are called, in order and each by itself. */

#include <string.h>

#include "lua-host/program_internal.h"

/* Push the list of the event named at index event: how long it is. [+1] */
static lua_Integer
push_handlers(struct program *p, lua_State *L, int event)
{
	program_push(p, L, PROGRAM_EVENTS);
	lua_pushvalue(L, event);
	lua_rawget(L, -2);
	lua_remove(L, -2);
	return lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
}

int
program_fire(struct program *p, lua_State *L, int event)
{
	const char *name = lua_tostring(L, event);
	int nargs = lua_gettop(L) - event;
	lua_Integer i, n;
	int j;

	luaL_checkstack(L, nargs + 4, "too many arguments");
	/* What waits for the event is in force for its handlers already. In a
	 * rehearsal nothing else is tried, let alone written down. */
	if (p->ops.fired != NULL && !state_is_rehearsing(p->state))
		p->ops.fired(p->ops.arg, L, event);
	/* The list may grow meanwhile; n is how long it is now. */
	n = push_handlers(p, L, event);
	for (i = 1; i <= n; i++) {
		lua_rawgeti(L, event + nargs + 1, i);
		for (j = 1; j <= nargs; j++)
			lua_pushvalue(L, event + j);
		program_call(p, L, nargs, 0, name);
	}
	return (int)n;
}

struct event {
	struct program *p;
	const char *name;
	const char *const *args;
	const size_t *lens;
	size_t nargs;
	int handled;
};

static int
event(lua_State *L)
{
	struct event *ev = lua_touserdata(L, 1);
	size_t i;

	luaL_checkstack(L, (int)ev->nargs + 1, "too many arguments");
	lua_pushstring(L, ev->name);
	for (i = 0; i < ev->nargs; i++) {
		if (ev->lens != NULL)
			lua_pushlstring(L, ev->args[i], ev->lens[i]);
		else
			lua_pushstring(L, ev->args[i]);
	}
	program_fire(ev->p, L, 2);
	return 0;
}

void
program_event(struct program *p, const char *name, const char *const *args,
    const size_t *lens, size_t nargs)
{
	struct event ev = {p, name, args, lens, nargs, 0};
	struct buf error = BUF_INIT;

	if (program_enter(p, event, &ev, &error) != 0)
		program_log_error(p, name, &error);
	buf_free(&error);
}

static int
handles(lua_State *L)
{
	struct event *ev = lua_touserdata(L, 1);

	lua_pushstring(L, ev->name);
	ev->handled = push_handlers(ev->p, L, 2) > 0;
	return 0;
}

int
program_handles(struct program *p, const char *name)
{
	struct event ev = {p, name, NULL, NULL, 0, 1};

	/* Out of memory: 1, since somebody may well want to hear of it. */
	program_enter(p, handles, &ev, NULL);
	return ev.handled;
}

/* --- login ---------------------------------------------------------------- */

struct login {
	struct program *p;
	const char *id;
	const char *info[4];
	struct buf *token;
	int answer; /* program_login's */
};

/* The answer that a handler's result at the top of the stack gives; 0: none,
 * the next one is asked. */
static int
judge_token(lua_State *L, struct login *l)
{
	const char *token, *why = NULL;
	size_t len;

	if (!lua_toboolean(L, -1))
		return 0;
	if (lua_type(L, -1) != LUA_TSTRING) {
		why = "a handler returned something else than a string";
	} else {
		token = lua_tolstring(L, -1, &len);
		/* An empty key is one that everybody has. */
		if (len == 0)
			why = "a handler returned an empty token";
		else if (len > PROGRAM_TOKEN_MAX)
			why = "a handler returned a token that is too long";
		else if (buf_append(l->token, token, len) != 0)
			why = "out of memory";
	}
	if (why == NULL)
		return 1;
	program_log(l->p, "login", why, strlen(why));
	return -1;
}

static int
login(lua_State *L)
{
	static const char *const fields[4] = {
	    "program", "version", "platform", "address"};
	struct login *l = lua_touserdata(L, 1);
	lua_Integer i, n;
	int answer = 0;

	lua_pushliteral(L, "login");
	n = push_handlers(l->p, L, 2); /* 3: the list */
	lua_createtable(L, 0, 4);      /* 4: info */
	for (i = 0; i < 4; i++) {
		lua_pushstring(L, fields[i]);
		lua_pushstring(L, l->info[i]); /* NULL: nil */
		lua_rawset(L, 4);
	}
	for (i = 1; i <= n && answer == 0; i++) {
		lua_rawgeti(L, 3, i);
		lua_pushstring(L, l->id);
		lua_pushvalue(L, 4);
		if (program_call(l->p, L, 2, 1, "login") != 0)
			return 0;
		answer = judge_token(L, l);
		lua_pop(L, 1);
	}
	l->answer = n > 0 && answer == 0 ? -1 : answer;
	return 0;
}

int
program_login(struct program *p, const char *id, const char *program,
    const char *version, const char *platform, const char *address,
    struct buf *token)
{
	struct login l = {
	    p, id, {program, version, platform, address}, token, -1};
	struct buf error = BUF_INIT;

	if (program_enter(p, login, &l, &error) != 0)
		program_log_error(p, "login", &error);
	buf_free(&error);
	return l.answer;
}
