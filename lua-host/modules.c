/* Modules of a program: a searcher that remembers what it found. */

#include "lua-host/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/text.h"

/* What require hands its searchers by is package.searchers[2] (the manual,
 * 6.3). */
#define SEARCHER 2

/* A table of Lua that is larger is no table of modules. */
#define NAMES_MAX 65536

struct modules {
	struct state *state;
	struct modules **box; /* in Lua's memory: our address, or NULL */
	char **dirs;
	size_t ndirs;
};

/* Upvalues of the searcher. */
enum { UP_BOX = 1, UP_PACKAGE, UP_SEARCHPATH, UPVALUES = UP_SEARCHPATH };

void
modules_file_name(struct buf *out, const char *name, int init)
{
	for (; *name != '\0'; name++)
		buf_append(out, *name == '.' ? "/" : name, 1);
	buf_puts(out, init ? "/init.lua" : ".lua");
}

/* --- loading -------------------------------------------------------------- */

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

/* The whole file into the block of its size, at once: nothing raises while it
 * is open. 0, or -1 with errno set (0: it changed meanwhile). */
static int
read_whole(const char *path, char *block, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	size_t got = 0;
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	do {
		n = read(fd, block + got, size + 1 - got);
		if (n > 0)
			got += (size_t)n;
	} while ((n > 0 && got <= size) || (n < 0 && errno == EINTR));
	saved = n < 0 ? errno : 0;
	close(fd);
	errno = saved;
	return n == 0 && got == size ? 0 : -1;
}

static int
cannot_load(lua_State *L, const char *name, const char *path, const char *why)
{
	return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s",
	    name, path, why);
}

/* Remember the digest of the module named at index 1, in the box's value. */
static void
remember(lua_State *L, const void *bytes, size_t len)
{
	uint8_t digest[SHA512_SIZE];

	sha512(digest, bytes, len);
	lua_getiuservalue(L, lua_upvalueindex(UP_BOX), 1);
	lua_pushvalue(L, 1);
	lua_pushlstring(L, (const char *)digest, sizeof digest);
	lua_rawset(L, -3);
	lua_pop(L, 1);
}

/* The file at this path is the module's: its loader, and the path, are what a
 * searcher returns. */
static int
load_file(lua_State *L, const char *path)
{
	const char *name = lua_tostring(L, 1);
	struct source src;
	struct stat st;
	size_t size, head;
	char *block;

	if (stat(path, &st) != 0)
		return cannot_load(L, name, path, strerror(errno));
	size = (size_t)st.st_size;
	block = lua_newuserdatauv(L, size + 1, 0);
	if (read_whole(path, block, size) != 0)
		return cannot_load(L, name, path,
		    errno != 0 ? strerror(errno) : "it changed meanwhile");
	head = state_file_head(block, size);
	src.text = block + head;
	src.len = size - head;
	if (lua_load(L, read_source, &src, lua_pushfstring(L, "@%s", path),
		"t") != LUA_OK)
		return cannot_load(L, name, path, lua_tostring(L, -1));
	remember(L, block, size);
	lua_pushstring(L, path);
	return 2;
}

/* --- searching ------------------------------------------------------------ */

static int
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, R_OK) == 0;
}

/* The module's file in one of our folders: its path is pushed. */
static const char *
find(lua_State *L, const struct modules *m, const char *name)
{
	const char *file, *path;
	size_t i;
	int init;

	file = luaL_gsub(L, name, ".", "/");
	for (i = 0; i < m->ndirs; i++)
		for (init = 0; init < 2; init++) {
			path = lua_pushfstring(L, "%s/%s%s", m->dirs[i], file,
			    init ? "/init.lua" : ".lua");
			if (is_file(path))
				return path;
			lua_pop(L, 1);
		}
	return NULL;
}

static int
search(lua_State *L)
{
	struct modules **box = lua_touserdata(L, lua_upvalueindex(UP_BOX));
	const char *name = luaL_checkstring(L, 1), *path;

	lua_settop(L, 1);
	path = *box != NULL ? find(L, *box, name) : NULL;
	if (path != NULL)
		return load_file(L, path);
	lua_pushvalue(L, lua_upvalueindex(UP_SEARCHPATH));
	lua_pushvalue(L, 1);
	if (lua_getfield(L, lua_upvalueindex(UP_PACKAGE), "path") !=
	    LUA_TSTRING)
		return luaL_error(L, "'package.path' must be a string");
	lua_call(L, 2, 2);
	if (lua_isnil(L, -2))
		return 1; /* where it was not */
	return load_file(L, lua_tostring(L, -2));
}

/* --- life ----------------------------------------------------------------- */

static int
open_searcher(lua_State *L)
{
	struct modules *m = lua_touserdata(L, 1), **box;

	box = lua_newuserdatauv(L, sizeof *box, 1);
	*box = NULL;
	lua_newtable(L);
	/* What is there before the program is Lua's own, and no file's. */
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	for (lua_pushnil(L); lua_next(L, 4); lua_settop(L, 5)) {
		lua_pushvalue(L, 5);
		lua_pushboolean(L, 0);
		lua_rawset(L, 3);
	}
	lua_settop(L, 3);
	lua_setiuservalue(L, -2, 1);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, m);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_getfield(L, -1, LUA_LOADLIBNAME);
	lua_getfield(L, -1, "searchers");
	lua_pushvalue(L, 2);
	lua_pushvalue(L, -3);
	lua_getfield(L, -4, "searchpath");
	lua_pushcclosure(L, search, UPVALUES);
	lua_rawseti(L, -2, SEARCHER);
	/* Nothing can fail any more. */
	m->box = box;
	*box = m;
	return 0;
}

struct modules *
modules_new(struct state *s)
{
	struct modules *m = calloc(1, sizeof *m);
	lua_State *L = state_lua(s);

	if (m == NULL)
		return NULL;
	m->state = s;
	lua_pushcfunction(L, open_searcher);
	lua_pushlightuserdata(L, m);
	if (lua_pcall(L, 1, 0, 0) == LUA_OK)
		return m;
	lua_pop(L, 1);
	free(m);
	return NULL;
}

static void
free_dirs(char **dirs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(dirs[i]);
	free(dirs);
}

void
modules_free(struct modules *m)
{
	lua_State *L;

	if (m == NULL)
		return;
	/* The searcher lives on: it finds an empty box. Neither line
	 * allocates, the key is there. */
	*m->box = NULL;
	L = state_lua(m->state);
	if (lua_checkstack(L, 1)) {
		lua_pushnil(L);
		lua_rawsetp(L, LUA_REGISTRYINDEX, m);
	}
	free_dirs(m->dirs, m->ndirs);
	free(m);
}

int
modules_set_folders(struct modules *m, const char *const *dirs, size_t n)
{
	char **copy = calloc(n > 0 ? n : 1, sizeof *copy);
	size_t i;

	if (copy == NULL)
		return -1;
	for (i = 0; i < n; i++)
		if ((copy[i] = strdup(dirs[i])) == NULL) {
			free_dirs(copy, i);
			return -1;
		}
	free_dirs(m->dirs, m->ndirs);
	m->dirs = copy;
	m->ndirs = n;
	return 0;
}

/* --- what is loaded ------------------------------------------------------- */

struct loaded {
	struct modules *m;
	const char **names; /* they live in Lua's table of modules */
	const uint8_t **digests;
	size_t n;
};

/* The names and digests are copied out first: what is done with them may take
 * long and must not run under Lua. */
static int
list(lua_State *L)
{
	struct loaded *l = lua_touserdata(L, 1);
	size_t len;
	int kind;

	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); /* 2 */
	lua_rawgetp(L, LUA_REGISTRYINDEX, l->m);
	lua_getiuservalue(L, 3, 1); /* 4 */
	for (lua_pushnil(L); lua_next(L, 2); lua_settop(L, 5)) {
		if (lua_type(L, 5) != LUA_TSTRING)
			continue;
		l->names[l->n] = lua_tolstring(L, 5, &len);
		if (len == 0 || len > MODULES_NAME_MAX ||
		    strlen(l->names[l->n]) != len)
			continue;
		lua_pushvalue(L, 5);
		kind = lua_rawget(L, 4);
		if (kind == LUA_TBOOLEAN)
			continue;
		l->digests[l->n] = kind == LUA_TSTRING
				       ? (const void *)lua_tostring(L, -1)
				       : NULL;
		if (++l->n == NAMES_MAX)
			break;
	}
	return 0;
}

struct row {
	const char *name;
	const uint8_t *digest;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name,
	    ((const struct row *)b)->name);
}

int
modules_each(struct modules *m,
    int (*each)(void *arg, const char *name, const uint8_t loaded[SHA512_SIZE]),
    void *arg)
{
	struct loaded l = {m, NULL, NULL, 0};
	lua_State *L = state_lua(m->state);
	struct row *rows = NULL;
	size_t i;
	int rc = -1;

	l.names = calloc(NAMES_MAX, sizeof *l.names);
	l.digests = calloc(NAMES_MAX, sizeof *l.digests);
	if (l.names == NULL || l.digests == NULL || !lua_checkstack(L, 2))
		goto out;
	lua_pushcfunction(L, list);
	lua_pushlightuserdata(L, &l);
	if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
		lua_pop(L, 1);
		goto out;
	}
	rows = calloc(l.n > 0 ? l.n : 1, sizeof *rows);
	if (rows == NULL)
		goto out;
	for (i = 0; i < l.n; i++) {
		rows[i].name = l.names[i];
		rows[i].digest = l.digests[i];
	}
	qsort(rows, l.n, sizeof *rows, by_name);
	rc = 0;
	for (i = 0; i < l.n && rc == 0; i++)
		rc = each(arg, rows[i].name, rows[i].digest);
out:
	free(l.names);
	free(l.digests);
	free(rows);
	return rc;
}
