/*
 * A hosted program: its life and its script. Everything that can raise runs
 * under program_enter.
 */

#include "lua-host/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "lua-host/program_internal.h"

void
program_push(struct program *p, lua_State *L, enum program_table which)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, p);
	lua_getiuservalue(L, -1, (int)which);
	lua_remove(L, -2);
}

int
program_enter(struct program *p, lua_CFunction body, void *arg,
    struct buf *error)
{
	lua_State *L = state_lua(p->state);

	if (!lua_checkstack(L, 2)) {
		if (error != NULL)
			buf_puts(error, "out of memory");
		return -1;
	}
	lua_pushcfunction(L, body);
	lua_pushlightuserdata(L, arg);
	return state_call(p->state, L, 1, 0, error);
}

void
program_log(struct program *p, const char *what, const void *text, size_t len)
{
	char line[PROGRAM_LINE_MAX + 1];
	const char *at = text, *end;
	size_t n, used = 0;

	if (state_is_rehearsing(p->state)) /* the log is the world's */
		return;
	if (what != NULL) {
		text_escape(line, PROGRAM_LINE_MAX / 2, what, strlen(what), 1);
		used = strlen(line);
		memcpy(line + used, ": ", 2);
		used += 2;
	}
	do {
		end = len > 0 ? memchr(at, '\n', len) : NULL;
		n = end != NULL ? (size_t)(end - at) : len;
		text_escape(line + used, sizeof line - used, at, n, 1);
		p->ops.log(p->ops.arg, line);
		used = 0;
		n += end != NULL;
		at += n;
		len -= n;
	} while (len > 0);
}

void
program_log_error(struct program *p, const char *what, struct buf *error)
{
	const char *text = buf_text(error);

	if (text == NULL)
		text = "out of memory";
	program_log(p, what, text, strlen(text));
}

int
program_call(struct program *p, lua_State *L, int nargs, int nresults,
    const char *what)
{
	struct buf error = BUF_INIT;
	int rc = state_call(p->state, L, nargs, nresults, &error);

	if (rc != 0)
		program_log_error(p, what, &error);
	buf_free(&error);
	return rc;
}

/* --- life ----------------------------------------------------------------- */

struct birth {
	struct program *p;
	enum program_side side;
};

static int
born(lua_State *L)
{
	struct birth *b = lua_touserdata(L, 1);
	struct program **anchor;
	int i;

	luaL_checkversion(L);
	anchor = lua_newuserdatauv(L, sizeof *anchor, PROGRAM_TABLES);
	*anchor = NULL;
	for (i = 1; i <= PROGRAM_TABLES; i++) {
		lua_newtable(L);
		lua_setiuservalue(L, 2, i);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pushliteral(L, "hotfix");
	if (lua_rawget(L, 3) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushliteral(L, "hotfix");
		lua_pushvalue(L, -2);
		lua_rawset(L, 3);
	}
	program_register(L, 2, b->side);
	lua_pushvalue(L, 2);
	lua_rawsetp(L, LUA_REGISTRYINDEX, b->p);
	/* Nothing can fail any more. */
	b->p->anchor = anchor;
	*anchor = b->p;
	return 0;
}

struct program *
program_new(struct state *s, enum program_side side,
    const struct program_ops *ops)
{
	struct program *p = calloc(1, sizeof *p);
	struct birth b = {p, side};

	if (p == NULL)
		return NULL;
	if (map_init(&p->timers) != 0) {
		free(p);
		return NULL;
	}
	p->state = s;
	p->ops = *ops;
	if (program_enter(p, born, &b, NULL) != 0) {
		map_free(&p->timers);
		free(p);
		return NULL;
	}
	return p;
}

void
program_free(struct program *p)
{
	lua_State *L;

	if (p == NULL)
		return;
	/* The functions may live on where the script put them: they find an
	 * empty anchor. Neither line allocates: the key is there. */
	*p->anchor = NULL;
	L = state_lua(p->state);
	if (lua_checkstack(L, 1)) {
		lua_pushnil(L);
		lua_rawsetp(L, LUA_REGISTRYINDEX, p);
	}
	program_free_timers(p);
	free(p);
}

struct program *
program_self(lua_State *L)
{
	struct program **anchor = lua_touserdata(L, lua_upvalueindex(1));

	if (*anchor == NULL)
		luaL_error(L, "the program has ended");
	return *anchor;
}

int
program_stopped(const struct program *p, int *status)
{
	if (p->stopped && status != NULL)
		*status = p->status;
	return p->stopped;
}

/* --- the script ----------------------------------------------------------- */

struct run {
	struct program *p;
	const char *path, *text;
	size_t len;
	int argc;
	char *const *argv;
};

static int
run(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	const char *name;
	int i;

	luaL_checkstack(L, r->argc, "too many arguments");
	lua_createtable(L, r->argc, 0);
	for (i = 0; i < r->argc; i++) {
		lua_pushstring(L, r->argv[i]);
		lua_rawseti(L, 2, i + 1);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pushliteral(L, "hotfix");
	lua_rawget(L, 3);
	luaL_checktype(L, 4, LUA_TTABLE);
	lua_pushliteral(L, "args");
	lua_pushvalue(L, 2);
	lua_rawset(L, 4);

	name = lua_pushfstring(L, "@%s", r->path);
	if (state_load(r->p->state, L, r->text, r->len, name) != 0)
		return lua_error(L);
	for (i = 0; i < r->argc; i++)
		lua_rawgeti(L, 2, i + 1);
	lua_call(L, r->argc, 0);
	return 0;
}

/* The folder of a path as package.path takes it. */
static int
set_path(struct state *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf dir = BUF_INIT;
	int rc = -1;

	if (slash == NULL)
		buf_puts(&dir, ".");
	else /* "/x.lua" lies in "/" */
		buf_append(&dir, path,
		    slash > path ? (size_t)(slash - path) : 1);
	if (buf_text(&dir) != NULL)
		rc = state_set_path(s, buf_text(&dir));
	buf_free(&dir);
	return rc;
}

int
program_run(struct program *p, const char *path, int argc, char *const *argv,
    struct err *e)
{
	struct buf text = BUF_INIT, error = BUF_INIT;
	struct run r = {p, path, NULL, 0, argc, argv};
	const char *line, *rest;
	size_t head;
	int rc = -1;

	if (file_read(path, STATE_SOURCE_MAX, &text, e) != 0)
		goto done;
	if (buf_text(&text) == NULL || set_path(p->state, path) != 0) {
		err_set(e, ERR_LOCAL, "%s: out of memory", path);
		goto done;
	}
	r.text = buf_text(&text);
	head = state_file_head(r.text, text.len);
	r.text += head;
	r.len = text.len - head;
	if (program_enter(p, run, &r, &error) != 0) {
		line = buf_text(&error);
		if (line == NULL)
			line = "out of memory";
		rest = line + strcspn(line, "\n");
		err_set(e, ERR_NO, "%.*s", (int)(rest - line), line);
		if (*rest != '\0')
			program_log(p, NULL, rest + 1, strlen(rest + 1));
		goto done;
	}
	rc = 0;
done:
	buf_free(&text);
	buf_free(&error);
	return rc;
}
