/* Does a source file compile? */

#include "lua-host/compile.h"

#include <stdio.h>
#include <string.h>

#include <lua.h>

#include "base/text.h"
#include "lua-host/state.h"

/* "=" and a name; Lua shows no more of it than STATE_CHUNK_NAME bytes, so the
 * name itself is said here. */
#define CHUNK "=line"

#define SHOWN 288 /* of the file's name */

/* What compiling may take: large tables of data are sources too, and their
 * functions are some ten times as long as their text. */
#define COMPILE_MEMORY ((size_t)512 << 20)

struct source {
	const char *text;
	size_t len;
};

static const char *
read_source(lua_State *L, void *arg, size_t *len)
{
	struct source *s = arg;

	(void)L;
	*len = s->len;
	s->len = 0;
	return s->text;
}

int
compile_check(const char *name, const void *text, size_t len, struct err *e)
{
	const struct state_limits limits = {
	    STATE_INSTRUCTIONS, STATE_WALL_NS, COMPILE_MEMORY};
	const size_t head = state_file_head(text, len);
	struct source source = {(const char *)text + head, len - head};
	struct state *s = state_new();
	const char *what;
	char shown[SHOWN], why[SHOWN];
	lua_State *L;
	int ret = 0;

	if (s == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	L = state_lua(s);
	text_escape(shown, sizeof shown, name, strlen(name), 0);
	state_begin_budget(s, L, &limits);
	if (lua_load(L, read_source, &source, CHUNK, "t") != LUA_OK) {
		what = lua_tostring(L, -1);
		/* "line:N: what" */
		if (what != NULL &&
		    strncmp(what, CHUNK + 1, strlen(CHUNK) - 1) == 0)
			what += strlen(CHUNK) - 1;
		text_escape(why, sizeof why, what != NULL ? what : "?",
		    what != NULL ? strlen(what) : 1, 0);
		ret = err_set(e, ERR_NO, "%s%s%s", shown,
		    why[0] == ':' ? "" : ": ", why);
	}
	state_end_budget(s);
	state_free(s);
	return ret;
}
