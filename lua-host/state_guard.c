/*
 * Functions of Lua's libraries that are not the same at all times: some are
 * not for updates, others only pretend while an update is rehearsed.
 *
 * Each stands in the library from the state's birth on, so that a program
 * which keeps one in a local is covered. It is a C function without upvalues
 * and runs Lua's own in the same call: what that checks, returns and says in
 * its errors stays as it is, and nobody gets at Lua's own by the debug
 * library.
 *
 * A handle that was opened in the rehearsal is told by its closing function,
 * which is one of ours.
 */

#include "lua-host/state_impl.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#define NOWHERE "/dev/null" /* where pretended files lead */

/* Lua has no more upvalues in a function. */
#define UPVALUES_MAX 255

/* --- what a rehearsal keeps ----------------------------------------------- */

static int
tell_program(lua_State *L)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pushliteral(L, "hotfix");
	if (lua_rawget(L, -2) == LUA_TTABLE) {
		lua_pushliteral(L, "rehearsing");
		lua_pushboolean(L, 1);
		lua_rawset(L, -3);
	}
	return 0;
}

int
state_rehearse(struct state *s)
{
	s->rehearsal.on = 1;
	lua_pushcfunction(s->L, tell_program);
	if (lua_pcall(s->L, 0, 0, 0) == LUA_OK)
		return 0;
	lua_pop(s->L, 1);
	return -1;
}

int
state_is_rehearsing(const struct state *s)
{
	return s->rehearsal.on;
}

const char *
state_refusal(const struct state *s)
{
	return s->rehearsal.refusal[0] != '\0' ? s->rehearsal.refusal : NULL;
}

int
state_starved(const struct state *s)
{
	return s->rehearsal.starved;
}

size_t
state_pretences(const struct state *s, const struct buf **lines)
{
	*lines = &s->rehearsal.pretences;
	return s->rehearsal.npretences;
}

static struct rehearsed *
rehearsal(lua_State *L)
{
	struct state *s = state_of(L);

	return s->rehearsal.on ? &s->rehearsal : NULL;
}

void
state_pretend(lua_State *L, const char *call, int nargs)
{
	struct rehearsed *r = &state_of(L)->rehearsal;
	char shown[STATE_PRETENCE_ARG + 1];
	const char *arg;
	size_t len;
	int i;

	if (r->npretences++ >= STATE_PRETENCES_MAX)
		return;
	buf_printf(&r->pretences, "%s(", call);
	for (i = 1; i <= nargs; i++) {
		arg = lua_tolstring(L, i, &len);
		buf_printf(&r->pretences, "%s\"%s\"", i > 1 ? ", " : "",
		    arg != NULL ? text_escape(shown, sizeof shown, arg, len, 0)
				: "");
	}
	buf_puts(&r->pretences, ")\n");
}

/* The update is refused, and pcall cannot hide it. */
static int
refuse(lua_State *L, const char *why)
{
	struct rehearsed *r = rehearsal(L);
	char shown[STATE_REFUSAL_MAX];
	lua_Debug at;

	/* Nothing here may fail for want of Lua's memory. */
	if (r->refusal[0] == '\0') {
		if (lua_getstack(L, 1, &at) && lua_getinfo(L, "Sl", &at) &&
		    at.currentline > 0)
			snprintf(shown, sizeof shown, "%s:%d: %s", at.short_src,
			    at.currentline, why);
		else
			snprintf(shown, sizeof shown, "%s", why);
		text_escape(r->refusal, sizeof r->refusal, shown, strlen(shown),
		    0);
	}
	return luaL_error(L, "%s (this is a rehearsal)", why);
}

/* Lua's own function, in this very call. */
static int
original(lua_State *L, enum guard which)
{
	return state_of(L)->originals[which](L);
}

/* --- not for updates ------------------------------------------------------ */

/* An update must not take its own limits off. */
static int
debug_sethook(lua_State *L)
{
	if (state_of(L)->budget.on)
		return luaL_error(L, "debug.sethook is not for updates");
	return original(L, GUARD_SETHOOK);
}

/* Nor a host with all its players away. */
static int
os_exit(lua_State *L)
{
	if (rehearsal(L) != NULL)
		return refuse(L, "it calls os.exit");
	if (state_of(L)->budget.on)
		return luaL_error(L, "os.exit is not for updates");
	return original(L, GUARD_EXIT);
}

/* --- what would change the world ------------------------------------------ */

static int
os_execute(lua_State *L)
{
	if (rehearsal(L) == NULL)
		return original(L, GUARD_EXECUTE);
	if (luaL_optstring(L, 1, NULL) == NULL) {
		lua_pushboolean(L, 1); /* there is a shell */
		return 1;
	}
	state_pretend(L, "os.execute", 1);
	return luaL_execresult(L, 0);
}

static int
os_remove(lua_State *L)
{
	if (rehearsal(L) == NULL)
		return original(L, GUARD_REMOVE);
	luaL_checkstring(L, 1);
	state_pretend(L, "os.remove", 1);
	return luaL_fileresult(L, 1, NULL);
}

static int
os_rename(lua_State *L)
{
	if (rehearsal(L) == NULL)
		return original(L, GUARD_RENAME);
	luaL_checkstring(L, 1);
	luaL_checkstring(L, 2);
	state_pretend(L, "os.rename", 2);
	return luaL_fileresult(L, 1, NULL);
}

/* Lua's makes the file, too. */
static int
os_tmpname(lua_State *L)
{
	struct rehearsed *r = rehearsal(L);
	char name[32];

	if (r == NULL)
		return original(L, GUARD_TMPNAME);
	state_pretend(L, "os.tmpname", 0);
	snprintf(name, sizeof name, "/tmp/lua_%06zu", ++r->tmpnames);
	lua_pushstring(L, name);
	return 1;
}

/* --- files ---------------------------------------------------------------- */

static int
close_file(lua_State *L)
{
	luaL_Stream *f = luaL_checkudata(L, 1, LUA_FILEHANDLE);

	return luaL_fileresult(L, fclose(f->f) == 0, NULL);
}

static int
close_program(lua_State *L)
{
	luaL_Stream *f = luaL_checkudata(L, 1, LUA_FILEHANDLE);

	fclose(f->f);
	return luaL_execresult(L, 0);
}

/* The handle at idx was opened in the rehearsal. */
static void
mark(lua_State *L, int idx, lua_CFunction closef)
{
	luaL_Stream *f = luaL_testudata(L, idx, LUA_FILEHANDLE);

	if (f != NULL && f->closef != NULL)
		f->closef = closef;
}

static int
is_older(const luaL_Stream *f)
{
	return f != NULL && f->closef != NULL && f->closef != close_file &&
	       f->closef != close_program;
}

static int
refuse_reading(lua_State *L)
{
	return refuse(L, "it reads a file that was opened before");
}

/* 1 when the file that io.read takes from was opened before. */
static int
default_is_older(lua_State *L)
{
	int older;

	luaL_checkstack(L, 1, NULL);
	lua_pushcfunction(L, state_of(L)->originals[GUARD_INPUT]);
	lua_call(L, 0, 1);
	older = is_older(luaL_testudata(L, -1, LUA_FILEHANDLE));
	lua_pop(L, 1);
	return older;
}

static int
io_open(lua_State *L)
{
	int n;

	if (rehearsal(L) == NULL)
		return original(L, GUARD_OPEN);
	luaL_checkstring(L, 1);
	if (strpbrk(luaL_optstring(L, 2, "r"), "wa+") != NULL) {
		state_pretend(L, "io.open", 2);
		lua_pushliteral(L, NOWHERE);
		lua_replace(L, 1);
	}
	n = original(L, GUARD_OPEN);
	mark(L, -1, close_file);
	return n;
}

static int
io_popen(lua_State *L)
{
	const char *mode;
	int n;

	if (rehearsal(L) == NULL)
		return original(L, GUARD_POPEN);
	luaL_checkstring(L, 1);
	mode = luaL_optstring(L, 2, "r");
	luaL_argcheck(L, (*mode == 'r' || *mode == 'w') && mode[1] == '\0', 2,
	    "invalid mode");
	state_pretend(L, "io.popen", 1);
	lua_pushliteral(L, NOWHERE);
	lua_replace(L, 1);
	n = original(L, GUARD_OPEN);
	mark(L, -1, close_program);
	return n;
}

/* Lua's own leaves nothing behind: its file has no name. */
static int
io_tmpfile(lua_State *L)
{
	int n = original(L, GUARD_TMPFILE);

	if (rehearsal(L) != NULL)
		mark(L, -n, close_file);
	return n;
}

static int
io_input(lua_State *L)
{
	int opens = lua_isstring(L, 1), n = original(L, GUARD_INPUT);

	if (rehearsal(L) != NULL && opens)
		mark(L, -1, close_file);
	return n;
}

static int
io_output(lua_State *L)
{
	int n;

	if (rehearsal(L) == NULL || !lua_isstring(L, 1))
		return original(L, GUARD_OUTPUT);
	state_pretend(L, "io.output", 1);
	lua_pushliteral(L, NOWHERE);
	lua_replace(L, 1);
	n = original(L, GUARD_OUTPUT);
	mark(L, -1, close_file);
	return n;
}

static int
io_read(lua_State *L)
{
	if (rehearsal(L) != NULL && default_is_older(L))
		return refuse_reading(L);
	return original(L, GUARD_READ);
}

static int
file_read(lua_State *L)
{
	if (rehearsal(L) != NULL &&
	    is_older(luaL_testudata(L, 1, LUA_FILEHANDLE)))
		return refuse_reading(L);
	return original(L, GUARD_FILE_READ);
}

/* What lines returns: its first upvalue is the handle. */
static int
next_line(lua_State *L)
{
	if (rehearsal(L) != NULL &&
	    is_older(lua_touserdata(L, lua_upvalueindex(1))))
		return refuse_reading(L);
	return original(L, GUARD_NEXT_LINE);
}

/* Put next_line before the iterator at idx: it may outlive this moment, and
 * be called in a rehearsal. */
static void
guard_iterator(lua_State *L, int idx)
{
	int n = 0;

	luaL_checkstack(L, UPVALUES_MAX + 1, "too many arguments");
	state_of(L)->originals[GUARD_NEXT_LINE] = lua_tocfunction(L, idx);
	while (lua_getupvalue(L, idx, n + 1) != NULL)
		n++;
	lua_pushcclosure(L, next_line, n);
	lua_replace(L, idx);
}

static int
io_lines(lua_State *L)
{
	int n;

	if (rehearsal(L) != NULL && lua_isnoneornil(L, 1) &&
	    default_is_older(L))
		return refuse_reading(L);
	n = original(L, GUARD_LINES);
	if (rehearsal(L) != NULL && n > 1) /* the last is the file it opened */
		mark(L, -1, close_file);
	guard_iterator(L, lua_gettop(L) - n + 1);
	return n;
}

static int
file_lines(lua_State *L)
{
	int n;

	if (rehearsal(L) != NULL &&
	    is_older(luaL_testudata(L, 1, LUA_FILEHANDLE)))
		return refuse_reading(L);
	n = original(L, GUARD_FILE_LINES);
	guard_iterator(L, lua_gettop(L) - n + 1);
	return n;
}

/* -------------------------------------------------------------------------- */

static const struct {
	enum guard which;
	const char *library; /* NULL: the methods of handles */
	const char *name;
	lua_CFunction instead;
} guards[] = {
    {GUARD_SETHOOK, LUA_DBLIBNAME, "sethook", debug_sethook},
    {GUARD_EXIT, LUA_OSLIBNAME, "exit", os_exit},
    {GUARD_EXECUTE, LUA_OSLIBNAME, "execute", os_execute},
    {GUARD_REMOVE, LUA_OSLIBNAME, "remove", os_remove},
    {GUARD_RENAME, LUA_OSLIBNAME, "rename", os_rename},
    {GUARD_TMPNAME, LUA_OSLIBNAME, "tmpname", os_tmpname},
    {GUARD_OPEN, LUA_IOLIBNAME, "open", io_open},
    {GUARD_POPEN, LUA_IOLIBNAME, "popen", io_popen},
    {GUARD_TMPFILE, LUA_IOLIBNAME, "tmpfile", io_tmpfile},
    {GUARD_INPUT, LUA_IOLIBNAME, "input", io_input},
    {GUARD_OUTPUT, LUA_IOLIBNAME, "output", io_output},
    {GUARD_READ, LUA_IOLIBNAME, "read", io_read},
    {GUARD_LINES, LUA_IOLIBNAME, "lines", io_lines},
    {GUARD_FILE_READ, NULL, "read", file_read},
    {GUARD_FILE_LINES, NULL, "lines", file_lines},
};

void
state_open_guards(lua_State *L)
{
	struct state *s = state_of(L);
	size_t i;

	for (i = 0; i < sizeof guards / sizeof *guards; i++) {
		if (guards[i].library != NULL) {
			lua_getglobal(L, guards[i].library);
		} else {
			luaL_getmetatable(L, LUA_FILEHANDLE);
			lua_getfield(L, -1, "__index");
			lua_remove(L, -2);
		}
		lua_getfield(L, -1, guards[i].name);
		s->originals[guards[i].which] = lua_tocfunction(L, -1);
		lua_pushcfunction(L, guards[i].instead);
		lua_setfield(L, -3, guards[i].name);
		lua_pop(L, 2);
	}
}
