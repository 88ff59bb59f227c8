/*
 * Cases of an update to a running Lua program.
 *
 *	usage: lua-cases [-agn] DIR [PREFIX...]
 *
 * Each folder in DIR (with PREFIX: whose name begins so) is a case, run in a
 * state of its own: before.lua is the program, patch.lua the update with the
 * id "case", check.lua asserts what must be so afterwards. Prints TAP.
 *
 * For the checks the table hotfix has also apply(id, text), rollback([id]),
 * fire(event, ...) and status(id); the globals PATCH_OK, PATCH_ERR and
 * PATCH_REPORT tell how the update went. With -n nothing is ever applied, and
 * every case must fail. With -g the collector is generational. With -a
 * references are looked for by Lua's public API, not by a sweep.
 */

#include "base/buf.h"
#include "base/file.h"
#include "lua-host/engine.h"
#include "lua-host/state.h"
#include "tests/tap.h"

#include <dirent.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#define FILE_MAX ((size_t)1 << 20)

struct run {
	struct state *state;
	struct engine *engine;
	uint64_t last_id;
	int control;
};

/* Push what is known of the string id at index 1: {id=, state=, error=}. */
static void
push_known(lua_State *L, struct run *r)
{
	lua_getfield(L, LUA_REGISTRYINDEX, "lua-cases");
	lua_pushvalue(L, 1);
	if (lua_rawget(L, -2) == LUA_TNIL) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushinteger(L, (lua_Integer)++r->last_id);
		lua_setfield(L, -2, "id");
		lua_pushvalue(L, 1);
		lua_pushvalue(L, -2);
		lua_rawset(L, -4);
	}
	lua_remove(L, -2);
}

static uint64_t
known_id(lua_State *L)
{
	uint64_t id;

	lua_getfield(L, -1, "id");
	id = (uint64_t)lua_tointeger(L, -1);
	lua_pop(L, 1);
	return id;
}

static struct run *
self(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

/* Push the report's text, and free it. */
static void
push_text(lua_State *L, struct engine_report *report)
{
	lua_pushlstring(L, (const char *)report->text.data, report->text.len);
	engine_report_free(report);
}

static int
apply(lua_State *L)
{
	struct run *r = self(L);
	const char *name = luaL_checkstring(L, 1), *text;
	struct engine_report report;
	enum engine_result result;
	size_t len;

	text = luaL_checklstring(L, 2, &len);
	if (r->control) {
		lua_pushboolean(L, 1);
		lua_newtable(L);
		return 2;
	}
	push_known(L, r);
	engine_report_init(&report);
	result = engine_change(r->engine, NULL, 0, known_id(L), name, text, len,
	    &report);
	if (result != ENGINE_APPLIED && result != ENGINE_HAVE &&
	    result != ENGINE_DEFERRED) {
		lua_pushboolean(L, 0);
		push_text(L, &report);
		lua_pushliteral(L, "failed");
		lua_setfield(L, 3, "state");
		lua_pushvalue(L, -1);
		lua_setfield(L, 3, "error");
		return 2;
	}
	if (result != ENGINE_HAVE) {
		lua_pushstring(L,
		    result == ENGINE_DEFERRED ? "pending" : "applied");
		lua_setfield(L, 3, "state");
	}
	lua_pushboolean(L, 1);
	lua_newtable(L);
	lua_pushboolean(L, result == ENGINE_HAVE);
	lua_setfield(L, -2, "already");
	lua_pushinteger(L, (lua_Integer)report.running);
	lua_setfield(L, -2, "running");
	lua_pushinteger(L, (lua_Integer)report.replaced);
	lua_setfield(L, -2, "replaced");
	push_text(L, &report);
	lua_setfield(L, -2, "text");
	return 2;
}

/* The string id of the newest in force to index 1; 0 when there is none. */
static int
push_newest(lua_State *L, struct run *r)
{
	uint64_t ids[64];
	size_t n = engine_list(r->engine, ids, 64);

	lua_settop(L, 0);
	if (n == 0 || n > 64)
		return 0;
	lua_getfield(L, LUA_REGISTRYINDEX, "lua-cases");
	for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
		if (known_id(L) == ids[n - 1]) {
			lua_pop(L, 1);
			lua_replace(L, 1);
			return 1;
		}
	return 0;
}

static int
rollback(lua_State *L)
{
	struct run *r = self(L);
	struct engine_report report;
	enum engine_result result;
	uint64_t id;

	if (lua_isnoneornil(L, 1) && !push_newest(L, r)) {
		lua_pushboolean(L, 0);
		lua_pushliteral(L, "nothing is in force");
		return 2;
	}
	lua_settop(L, 1);
	push_known(L, r);
	id = known_id(L);
	if (!engine_has(r->engine, id)) {
		lua_pushboolean(L, 0);
		lua_pushliteral(L, "not in force");
		return 2;
	}
	engine_report_init(&report);
	result = engine_change(r->engine, &id, 1, 0, NULL, NULL, 0, &report);
	lua_pushboolean(L, result == ENGINE_REVERTED);
	push_text(L, &report);
	if (result == ENGINE_REVERTED) {
		lua_pushliteral(L, "rolledback");
		lua_setfield(L, 2, "state");
	}
	return 2;
}

static int
fire(lua_State *L)
{
	luaL_checkstring(L, 1);
	engine_fire(self(L)->engine, L, 1);
	return 0;
}

/* Arguments: the run, the update's id, its state, its report's text. */
static int
note_settled(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	uint64_t id = (uint64_t)lua_tointeger(L, 2);

	lua_getfield(L, LUA_REGISTRYINDEX, "lua-cases");
	for (lua_pushnil(L); lua_next(L, 5); lua_pop(L, 1)) {
		if (known_id(L) != id)
			continue;
		lua_pushvalue(L, 3);
		lua_setfield(L, -2, "state");
		lua_pushvalue(L, 4);
		lua_setfield(L, -2,
		    engine_has(r->engine, id) ? "text" : "error");
	}
	return 0;
}

static void
settled(void *arg, uint64_t id, enum engine_result result,
    const struct engine_report *report)
{
	struct run *r = arg;
	lua_State *L = state_lua(r->state);

	lua_pushcfunction(L, note_settled);
	lua_pushlightuserdata(L, r);
	lua_pushinteger(L, (lua_Integer)id);
	lua_pushstring(L, result == ENGINE_APPLIED    ? "applied"
			  : result == ENGINE_DEFERRED ? "pending"
						      : "failed");
	lua_pushlstring(L, (const char *)report->text.data, report->text.len);
	lua_call(L, 4, 0);
}

static int
status(lua_State *L)
{
	luaL_checkstring(L, 1);
	push_known(L, self(L));
	return 1;
}

static int
prepare(lua_State *L)
{
	static const luaL_Reg functions[] = {{"apply", apply},
	    {"rollback", rollback}, {"fire", fire}, {"status", status},
	    {NULL, NULL}};
	const luaL_Reg *f;

	lua_newtable(L);
	lua_setfield(L, LUA_REGISTRYINDEX, "lua-cases");
	lua_getglobal(L, "hotfix");
	for (f = functions; f->name != NULL; f++) {
		lua_pushvalue(L, 1);
		lua_pushcclosure(L, f->func, 1);
		lua_setfield(L, -2, f->name);
	}
	return 0;
}

/* hotfix.apply("case", text) and its results as globals. */
static int
patch(lua_State *L)
{
	lua_getglobal(L, "hotfix");
	lua_getfield(L, -1, "apply");
	lua_pushliteral(L, "case");
	lua_pushvalue(L, 1);
	lua_call(L, 2, 2);
	lua_pushvalue(L, -2);
	lua_setglobal(L, "PATCH_OK");
	lua_setglobal(L, lua_toboolean(L, -2) ? "PATCH_REPORT" : "PATCH_ERR");
	return 0;
}

static int
read_file(const char *dir, const char *name, struct buf *out, struct buf *why)
{
	struct err e;
	char *path = file_join(dir, name);
	int result = -1;

	if (path == NULL)
		return -1;
	if (file_read(path, FILE_MAX, out, &e) == 0)
		result = 0;
	else
		buf_puts(why, e.text);
	free(path);
	return result;
}

static int
run_file(struct run *r, const char *dir, const char *name, struct buf *why)
{
	lua_State *L = state_lua(r->state);
	struct buf text = BUF_INIT;
	char chunk[64];
	int result = -1;

	snprintf(chunk, sizeof chunk, "@%s", name);
	if (read_file(dir, name, &text, why) != 0)
		goto done;
	if (state_load(r->state, L, (const char *)text.data, text.len, chunk) !=
	    0) {
		buf_puts(why, lua_tostring(L, -1));
		goto done;
	}
	result = state_call(r->state, L, 0, 0, why);
done:
	buf_free(&text);
	return result;
}

static int
run_case(const char *dir, int control, int generational, enum walk_way way,
    struct buf *why)
{
	struct run r = {NULL, NULL, 0, control};
	struct engine_callbacks callbacks = {NULL, NULL, settled};
	struct buf text = BUF_INIT;
	lua_State *L;
	int result = -1;

	r.state = state_new();
	if (r.state == NULL)
		goto done;
	r.engine = engine_new(r.state, NULL);
	if (r.engine == NULL)
		goto done;
	callbacks.arg = &r;
	engine_set_callbacks(r.engine, &callbacks);
	engine_set_walk(r.engine, way);
	L = state_lua(r.state);
	if (generational)
		lua_gc(L, LUA_GCGEN, 0, 0);
	lua_pushcfunction(L, prepare);
	lua_pushlightuserdata(L, &r);
	if (state_call(r.state, L, 1, 0, why) != 0 ||
	    run_file(&r, dir, "before.lua", why) != 0)
		goto done;
	if (!control) {
		if (read_file(dir, "patch.lua", &text, why) != 0)
			goto done;
		lua_pushcfunction(L, patch);
		lua_pushlstring(L, (const char *)text.data, text.len);
		if (state_call(r.state, L, 1, 0, why) != 0)
			goto done;
	}
	result = run_file(&r, dir, "check.lua", why);
done:
	engine_free(r.engine);
	state_free(r.state);
	buf_free(&text);
	return result;
}

/* The reason as comments of TAP. */
static void
explain(struct buf *why)
{
	const char *s = buf_text(why);

	while (s != NULL && *s != '\0') {
		printf("#   %.*s\n", (int)strcspn(s, "\n"), s);
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
}

static int
is_case(const struct dirent *d)
{
	return d->d_name[0] != '.' && strcmp(d->d_name, "README.md") != 0;
}

static int
is_chosen(const char *name, char *const *prefixes)
{
	if (*prefixes == NULL)
		return 1;
	for (; *prefixes != NULL; prefixes++)
		if (strncmp(name, *prefixes, strlen(*prefixes)) == 0)
			return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	struct dirent **names;
	struct buf why = BUF_INIT;
	char *path;
	enum walk_way way = WALK_SWEEP;
	int control = 0, generational = 0, i, n, failed, option;

	while ((option = getopt(argc, argv, "agn")) != -1) {
		control |= option == 'n';
		generational |= option == 'g';
		if (option == 'a')
			way = WALK_API;
		if (option == '?')
			return 2;
	}
	argv += optind - 1;
	if (argv[1] == NULL) {
		fprintf(stderr, "usage: lua-cases [-agn] DIR [PREFIX...]\n");
		return 2;
	}
	n = scandir(argv[1], &names, is_case, alphasort);
	if (n < 0) {
		perror(argv[1]);
		return 2;
	}
	for (i = 0; i < n; i++) {
		path = file_join(argv[1], names[i]->d_name);
		if (path != NULL && is_chosen(names[i]->d_name, argv + 2)) {
			buf_reset(&why);
			failed = run_case(path, control, generational, way,
				     &why) != 0;
			OK(failed == control, "%s", names[i]->d_name);
			if (failed && !control)
				explain(&why);
		}
		free(path);
		free(names[i]);
	}
	free(names);
	buf_free(&why);
	return tap_done();
}
