/* One Lua state: its birth, what it lacks, loading and protected calls. */

#include "lua-host/state_impl.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

static void *
resize(void *ud, void *block, size_t old, size_t size)
{
	struct state *s = ud;
	void *new = alloc_resize(&s->alloc, block, old, size);

	if (new == NULL && size > 0) {
		/* The cap did not stand: the machine, or the process's limit.
		 */
		if (s->rehearsal.on && !s->alloc.refused)
			s->rehearsal.starved = 1;
		state_budget_refused(s);
	}
	return new;
}

static int
open_libraries(lua_State *L)
{
	int i;

	/* The environment's LUA_PATH and LUA_INIT say nothing here. */
	lua_pushboolean(L, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
	luaL_openlibs(L);

	lua_getglobal(L, LUA_LOADLIBNAME);
	lua_pushnil(L);
	lua_setfield(L, -2, "loadlib");
	lua_pushnil(L);
	lua_setfield(L, -2, "cpath");
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "path");
	/* preload and Lua files stay; C libraries and all-in-one ones go. */
	lua_getfield(L, -1, "searchers");
	for (i = (int)lua_rawlen(L, -1); i > 2; i--) {
		lua_pushnil(L);
		lua_rawseti(L, -2, i);
	}
	lua_pop(L, 2);

	state_open_guards(L);

	/* Keeps threads alive whose hook stands aside (state_budget.c). */
	lua_newtable(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &state_of(L)->budget);
	return 0;
}

struct state *
state_new(void)
{
	struct state *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	alloc_init(&s->alloc);
	s->L = lua_newstate(resize, s);
	if (s->L == NULL)
		goto fail;
	lua_pushcfunction(s->L, open_libraries);
	if (lua_pcall(s->L, 0, 0, 0) != LUA_OK)
		goto fail;
	return s;
fail:
	state_free(s);
	return NULL;
}

void
state_free(struct state *s)
{
	if (s == NULL)
		return;
	if (s->L != NULL)
		lua_close(s->L);
	alloc_free(&s->alloc);
	free(s->budget.aside);
	buf_free(&s->rehearsal.pretences);
	free(s);
}

lua_State *
state_lua(struct state *s)
{
	return s->L;
}

struct state *
state_of(lua_State *L)
{
	void *ud;

	lua_getallocf(L, &ud);
	return ud;
}

static int
set_path(lua_State *L)
{
	const char *dir = lua_touserdata(L, 1);

	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_getfield(L, -1, LUA_LOADLIBNAME);
	lua_pushfstring(L, "%s/?.lua;%s/?/init.lua", dir, dir);
	lua_setfield(L, -2, "path");
	return 0;
}

int
state_set_path(struct state *s, const char *dir)
{
	/* Both have a meaning in a path and no way to be quoted. */
	if (dir[strcspn(dir, ";?")] != '\0')
		return -1;
	lua_pushcfunction(s->L, set_path);
	lua_pushlightuserdata(s->L, (void *)(uintptr_t)dir);
	if (lua_pcall(s->L, 1, 0, 0) != LUA_OK) {
		lua_pop(s->L, 1);
		return -1;
	}
	return 0;
}

struct source {
	const char *text;
	size_t len;
};

static const char *
read_source(lua_State *L, void *arg, size_t *len)
{
	struct source *src = arg;
	const char *text = src->text;

	(void)L;
	*len = src->len;
	src->text = NULL;
	src->len = 0;
	return text;
}

static int
too_long(lua_State *L)
{
	return luaL_error(L, "the source text is longer than %I bytes",
	    lua_tointeger(L, 1));
}

int
state_load(struct state *s, lua_State *L, const char *text, size_t len,
    const char *name)
{
	return state_load_up_to(s, L, text, len, STATE_SOURCE_MAX, name);
}

int
state_load_up_to(struct state *s, lua_State *L, const char *text, size_t len,
    size_t max, const char *name)
{
	struct source src = {text, len};
	int status;

	(void)s;
	if (len > max) {
		lua_pushcfunction(L, too_long);
		lua_pushinteger(L, (lua_Integer)max);
		status = lua_pcall(L, 1, 0, 0);
	} else {
		status = lua_load(L, read_source, &src, name, "t");
	}
	return status == LUA_OK ? 0 : -1;
}

size_t
state_file_head(const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t n = 0;

	if (len >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0)
		n = sizeof mark - 1;
	if (n < len && text[n] == '#')
		while (n < len && text[n] != '\n')
			n++;
	return n;
}

/* The message handler: text and traceback, whatever was raised. */
static int
with_traceback(lua_State *L)
{
	size_t len;
	const char *msg;

	if (lua_isstring(L, 1)) {
		msg = lua_tolstring(L, 1, &len);
		if (len > STATE_ERROR_MAX)
			msg = lua_pushlstring(L, msg, STATE_ERROR_MAX);
	} else {
		msg = lua_pushfstring(L, "(the error is a %s value)",
		    luaL_typename(L, 1));
	}
	luaL_traceback(L, L, msg, 1);
	return 1;
}

/* Take the error from the stack to the buffer (NULL: nowhere). */
static void
take_error(lua_State *L, struct buf *error)
{
	char out[STATE_ERROR_MAX + 1];
	const char *msg = "(an error in the error's handling)";
	size_t len = strlen(msg);

	if (error != NULL) {
		/* No number: nothing is converted, so nothing is raised. */
		if (lua_type(L, -1) == LUA_TSTRING)
			msg = lua_tolstring(L, -1, &len);
		buf_puts(error, text_escape(out, sizeof out, msg, len, 1));
	}
	lua_pop(L, 1);
}

int
state_call(struct state *s, lua_State *L, int nargs, int nresults,
    struct buf *error)
{
	int function = lua_gettop(L) - nargs, status;

	(void)s;
	if (!lua_checkstack(L, nresults > 0 ? nresults + 1 : 2)) {
		lua_settop(L, function - 1);
		if (error != NULL)
			buf_puts(error, "stack overflow");
		return -1;
	}
	lua_pushcfunction(L, with_traceback);
	lua_insert(L, function);
	status = lua_pcall(L, nargs, nresults, function);
	lua_remove(L, function);
	if (status == LUA_OK)
		return 0;
	take_error(L, error);
	return -1;
}

void
state_fail_allocation(struct state *s, uint64_t n)
{
	s->alloc.fail_in = n;
}

uint64_t
state_refusals(const struct state *s)
{
	return s->alloc.refusals;
}
