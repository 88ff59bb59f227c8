/* What a script may call, other than timers: the table "hotfix". */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lua-host/program_internal.h"

static int
api_on(lua_State *L)
{
	struct program *p = program_self(L);
	lua_Integer n;

	luaL_checktype(L, 1, LUA_TSTRING);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	program_push(p, L, PROGRAM_EVENTS);
	lua_pushvalue(L, 1);
	if (lua_rawget(L, 3) == LUA_TNIL) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, 1);
		lua_pushvalue(L, -2);
		lua_rawset(L, 3);
	}
	n = (lua_Integer)lua_rawlen(L, 4);
	if (n >= PROGRAM_HANDLERS_MAX)
		return luaL_error(L, "more than %d handlers of one event",
		    PROGRAM_HANDLERS_MAX);
	lua_pushvalue(L, 2);
	lua_rawseti(L, 4, n + 1);
	return 0;
}

static int
api_fire(lua_State *L)
{
	struct program *p = program_self(L);

	luaL_checktype(L, 1, LUA_TSTRING);
	lua_pushinteger(L, program_fire(p, L, 1));
	return 1;
}

static int
api_now(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)clock_wall_us() / 1e6);
	return 1;
}

static int
api_log(lua_State *L)
{
	struct program *p = program_self(L);
	int i, n = lua_gettop(L);
	const char *text;
	luaL_Buffer b;
	size_t len;

	luaL_buffinit(L, &b);
	for (i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&b, '\t');
		luaL_tolstring(L, i, NULL);
		luaL_addvalue(&b);
	}
	luaL_pushresult(&b);
	text = lua_tolstring(L, -1, &len);
	program_log(p, NULL, text,
	    len <= PROGRAM_LOG_MAX ? len : PROGRAM_LOG_MAX);
	if (len > PROGRAM_LOG_MAX)
		program_log(p, NULL, "...", 3);
	return 0;
}

static int
api_stop(lua_State *L)
{
	struct program *p = program_self(L);
	lua_Integer status = luaL_optinteger(L, 1, 0);

	luaL_argcheck(L, status >= 0 && status <= 255, 1,
	    "an exit status is 0 to 255");
	if (!p->stopped) {
		p->stopped = 1;
		p->status = (int)status;
	}
	return 0;
}

static int
api_proven(lua_State *L)
{
	struct program *p = program_self(L);

	if (state_is_rehearsing(p->state))
		state_pretend(L, "hotfix.proven", 0);
	else if (p->ops.proven != NULL)
		p->ops.proven(p->ops.arg);
	return 0;
}

/* --- peers ---------------------------------------------------------------- */

static int
refused(lua_State *L, const char *why)
{
	lua_pushboolean(L, 0);
	lua_pushstring(L, why);
	return 2;
}

/* The string at index arg as a C string, NULL when a NUL is in it: no id and
 * no feature is such a name, and cut there it would be another's. */
static const char *
check_name(lua_State *L, int arg)
{
	const char *name;
	size_t len;

	luaL_checktype(L, arg, LUA_TSTRING);
	name = lua_tolstring(L, arg, &len);
	return memchr(name, '\0', len) == NULL ? name : NULL;
}

static int
api_send(lua_State *L)
{
	struct program *p = program_self(L);
	const char *client = check_name(L, 1), *text;
	size_t len;

	luaL_checktype(L, 2, LUA_TSTRING);
	text = lua_tolstring(L, 2, &len);
	if (len > PROGRAM_MESSAGE_MAX)
		return refused(L, "too large");
	if (client == NULL)
		return refused(L, "not connected");
	if (state_is_rehearsing(p->state))
		state_pretend(L, "hotfix.send", 1);
	else if (p->ops.send(p->ops.arg, client, text, len) != 0)
		return refused(L, "not connected");
	lua_pushboolean(L, 1);
	return 1;
}

static int
api_send_to_host(lua_State *L)
{
	struct program *p = program_self(L);
	const char *text;
	size_t len;

	luaL_checktype(L, 1, LUA_TSTRING);
	text = lua_tolstring(L, 1, &len);
	if (len > PROGRAM_MESSAGE_MAX)
		return refused(L, "too large");
	if (state_is_rehearsing(p->state))
		state_pretend(L, "hotfix.send", 0);
	else if (p->ops.send(p->ops.arg, NULL, text, len) != 0)
		return refused(L, "not connected");
	lua_pushboolean(L, 1);
	return 1;
}

static int
api_broadcast(lua_State *L)
{
	struct program *p = program_self(L);
	const char *text;
	size_t len;

	luaL_checktype(L, 1, LUA_TSTRING);
	text = lua_tolstring(L, 1, &len);
	if (len > PROGRAM_MESSAGE_MAX)
		return refused(L, "too large");
	if (state_is_rehearsing(p->state))
		state_pretend(L, "hotfix.broadcast", 0);
	else
		p->ops.broadcast(p->ops.arg, text, len);
	lua_pushboolean(L, 1);
	return 1;
}

static int
api_has(lua_State *L)
{
	struct program *p = program_self(L);
	const char *client = check_name(L, 1);
	const char *feature = check_name(L, 2);

	lua_pushboolean(L, client != NULL && feature != NULL &&
			       p->ops.has(p->ops.arg, client, feature));
	return 1;
}

/* Ids, one after the other with their NULs, and pointers to them in order. */
struct names {
	struct buf text;
	const char **order;
	size_t n;
};

static void
collect(void *cookie, const char *id)
{
	struct names *names = cookie;

	buf_append(&names->text, id, strlen(id) + 1);
	names->n++;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* 0, or -1: out of memory. */
static int
sort(struct names *names)
{
	const char *at = buf_text(&names->text);
	size_t i;

	if (at == NULL)
		return -1;
	names->order = calloc(names->n + 1, sizeof *names->order);
	if (names->order == NULL)
		return -1;
	for (i = 0; i < names->n; i++, at += strlen(at) + 1)
		names->order[i] = at;
	qsort(names->order, names->n, sizeof *names->order, compare);
	return 0;
}

static int
push_names(lua_State *L)
{
	const struct names *names = lua_touserdata(L, 1);
	size_t i;

	lua_newtable(L);
	for (i = 0; i < names->n; i++) {
		lua_pushstring(L, names->order[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* The ids are copied first and pushed under a protected call: an error of
 * Lua's must neither pass through whoever lists them nor lose the copy. */
static int
api_clients(lua_State *L)
{
	struct program *p = program_self(L);
	struct names names = {BUF_INIT, NULL, 0};
	int sorted, rc = LUA_OK;

	lua_settop(L, 0);
	lua_pushcfunction(L, push_names);
	lua_pushlightuserdata(L, &names);
	p->ops.clients(p->ops.arg, collect, &names);
	sorted = sort(&names) == 0;
	if (sorted)
		rc = lua_pcall(L, 1, 1, 0);
	buf_free(&names.text);
	free(names.order);
	if (!sorted)
		return luaL_error(L, "out of memory");
	return rc == LUA_OK ? 1 : lua_error(L);
}

/* -------------------------------------------------------------------------- */

static const luaL_Reg both[] = {
    {"on", api_on},
    {"fire", api_fire},
    {"every", program_every},
    {"cancel", program_cancel},
    {"now", api_now},
    {"log", api_log},
    {"stop", api_stop},
    {"proven", api_proven},
    {NULL, NULL},
};

static const luaL_Reg host[] = {
    {"send", api_send},
    {"broadcast", api_broadcast},
    {"clients", api_clients},
    {"has", api_has},
    {NULL, NULL},
};

static const luaL_Reg client[] = {
    {"send", api_send_to_host},
    {NULL, NULL},
};

void
program_register(lua_State *L, int anchor, enum program_side side)
{
	int table = lua_gettop(L);

	lua_pushvalue(L, anchor);
	luaL_setfuncs(L, both, 1);
	lua_pushvalue(L, anchor);
	luaL_setfuncs(L, side == PROGRAM_HOST ? host : client, 1);
	lua_pushliteral(L, "after");
	lua_pushvalue(L, anchor);
	lua_pushliteral(L, "after");
	lua_rawget(L, table);
	lua_pushcclosure(L, program_after, 2);
	lua_rawset(L, table);
}
