/* Where require looks, and what is remembered of what it found. */

#include "lua-host/modules.h"
#include "tests/tap.h"

#include <lauxlib.h>
#include <lua.h>

#include "base/file.h"

static void
put(const char *dir, const char *name, const char *text)
{
	char path[256];
	struct err e;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (file_mkdirs(dir, &e) != 0 ||
	    file_write(path, text, strlen(text), 0644, &e) != 0)
		printf("# %s\n", e.text);
}

static int
lua(struct state *s, const char *expression)
{
	lua_State *L = state_lua(s);
	char text[256];
	int is;

	snprintf(text, sizeof text, "return %s", expression);
	if (luaL_dostring(L, text) != LUA_OK)
		printf("# %s\n", lua_tostring(L, -1));
	is = lua_toboolean(L, -1);
	lua_settop(L, 0);
	return is;
}

struct seen {
	char names[256];
	int known, stop;
	const char *digest_of; /* compared with this source */
	int equal;
};

static int
see(void *arg, const char *name, const uint8_t loaded[SHA512_SIZE])
{
	struct seen *s = arg;
	uint8_t digest[SHA512_SIZE];

	strcat(s->names, name);
	strcat(s->names, " ");
	s->known += loaded != NULL;
	if (s->digest_of != NULL && loaded != NULL) {
		sha512(digest, s->digest_of, strlen(s->digest_of));
		s->equal += memcmp(digest, loaded, sizeof digest) == 0;
	}
	return s->stop;
}

int
main(void)
{
	static const char first[] = "#!/usr/bin/lua\nreturn ...\n";
	const char *const folders[] = {"new", "newer"};
	struct state *s = state_new();
	struct modules *m = modules_new(s);
	struct seen seen = {"", 0, 0, first, 0};
	struct buf name = BUF_INIT;

	put("script", "a.lua", first);
	put("script", "b.lua", "return 'old b'");
	put("script", "bad.lua", "= x");
	put("script/c", "init.lua", "return 'old c'");
	put("new", "b.lua", "return 'new b'");
	put("new/d", "e.lua", "return 'new d.e'");
	put("newer", "d.lua", "return 'no module d.e'");
	state_set_path(s, "script");

	OK(lua(s, "require 'a' == 'a'"), "beside the script, as ever");
	OK(lua(s, "select(2, require 'a') == nil"), "once");
	OK(lua(s, "require 'c' == 'old c'"), "NAME/init.lua too");
	IS(modules_set_folders(m, folders, 2), 0, "folders come first");
	OK(lua(s, "require 'b' == 'new b'"), "what is in one of them");
	OK(lua(s, "require 'd.e' == 'new d.e'"), "dots are folders");
	OK(lua(s,
	       "(select(2, pcall(require, 'bad'))):find('bad.lua', 1, true)"),
	    "a source that does not compile is named");
	OK(lua(s, "(select(2, pcall(require, 'none')))"
		  ":find(\"module 'none' not found\", 1, true)"),
	    "and what is nowhere");
	OK(lua(s, "not pcall(load, '\\27Lua') or load('\\27Lua') == nil"),
	    "no binary chunks");
	lua(s, "rawset(package.loaded, 'made', {})");

	IS(modules_each(m, see, &seen), 0, "what is loaded");
	IS_STR(seen.names, "a b c d.e made ",
	    "by name, without Lua's own libraries");
	IS(seen.known, 4,
	    "of a module that came from no file nothing is known");
	IS(seen.equal, 1, "the digest is that of the file");
	memset(&seen, 0, sizeof seen);
	seen.stop = 7;
	IS(modules_each(m, see, &seen), 7, "it can be ended");
	IS_STR(seen.names, "a ", "at once");

	modules_file_name(&name, "a.b", 0);
	buf_puts(&name, " ");
	modules_file_name(&name, "a.b", 1);
	IS_STR(buf_text(&name), "a/b.lua a/b/init.lua", "files of a module");
	buf_free(&name);

	modules_set_folders(m, NULL, 0);
	lua(s, "rawset(package.loaded, 'b', nil)");
	OK(lua(s, "require 'b' == 'old b'"), "folders may go");
	modules_free(m);
	lua(s, "rawset(package.loaded, 'b', nil)");
	OK(lua(s, "require 'b' == 'old b'"), "require outlives it");
	state_free(s);
	return tap_done();
}
