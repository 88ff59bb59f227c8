/*
 * What an update can say: each function checks its one table of fields and
 * queues it. What comes of it is worked out when the update has run.
 */

#include "lua-host/engine_impl.h"
#include "lua-host/swapproto.h"
#include "base/text.h"

#include <string.h>

#include <lauxlib.h>

/* A module's name is a file's name, with dots. */
#define MODULE_NAME_MAX 200

enum field_type {
	FIELD_STRING,
	FIELD_FUNCTION,
	FIELD_FUNCTIONS, /* a function, or a table of them for the filter */
	FIELD_BOOLEAN,
	FIELD_ANY,
	FIELD_NAMES,    /* { "a", "b" }; queued as a set */
	FIELD_UPVALUES, /* { name = index or target } */
};

struct field {
	const char *name;
	enum field_type type;
	int needed;
};

/* An action is queued with these fields; names are as in swap*.c. */
static const struct field replace_fields[] = {
    {"target", FIELD_STRING, 1},
    {"with", FIELD_FUNCTIONS, 1},
    {"filter", FIELD_FUNCTION, 0},
    {"on", FIELD_STRING, 0},
    {"when", FIELD_FUNCTION, 0},
    {"upvalues", FIELD_UPVALUES, 0},
    {"keep", FIELD_NAMES, 0},
    {"fresh", FIELD_NAMES, 0},
    {"allow_c", FIELD_BOOLEAN, 0},
    {NULL, FIELD_ANY, 0},
};

static const struct field hook_fields[] = {
    {"target", FIELD_STRING, 1},
    {"with", FIELD_FUNCTIONS, 1},
    {"filter", FIELD_FUNCTION, 0},
    {"on", FIELD_STRING, 0},
    {"when", FIELD_FUNCTION, 0},
    {"stack", FIELD_BOOLEAN, 0},
    {"upvalues", FIELD_UPVALUES, 0},
    {"keep", FIELD_NAMES, 0},
    {"fresh", FIELD_NAMES, 0},
    {"allow_c", FIELD_BOOLEAN, 0},
    {NULL, FIELD_ANY, 0},
};

static const struct field instances_fields[] = {
    {"like", FIELD_STRING, 1},
    {"make", FIELD_FUNCTION, 1},
    {"upvalues", FIELD_UPVALUES, 0},
    {"keep", FIELD_NAMES, 0},
    {"fresh", FIELD_NAMES, 0},
    {NULL, FIELD_ANY, 0},
};

static const struct field set_fields[] = {
    {"target", FIELD_STRING, 1},
    {"value", FIELD_ANY, 0}, /* none: nil */
    {"expect", FIELD_ANY, 0},
    {NULL, FIELD_ANY, 0},
};

static const struct field module_fields[] = {
    {"upvalues", FIELD_UPVALUES, 0},
    {"keep", FIELD_NAMES, 0},
    {"fresh", FIELD_NAMES, 0},
    {NULL, FIELD_ANY, 0},
};

static const struct field *
find_field(const struct field *fields, const char *name)
{
	for (; fields->name != NULL; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static void
need_type(lua_State *L, const char *verb, const char *field, int idx, int type)
{
	if (lua_type(L, idx) != type)
		luaL_error(L, "hotfix.%s: %s must be a %s, not a %s", verb,
		    field, lua_typename(L, type), luaL_typename(L, idx));
}

/* Push a set of the names in the list at idx. */
static void
push_names(lua_State *L, const char *verb, const char *field, int idx)
{
	need_type(L, verb, field, idx, LUA_TTABLE);
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
		if (!lua_isinteger(L, -2) || lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "hotfix.%s: %s must be a list of names",
			    verb, field);
		lua_pushvalue(L, -1);
		lua_pushboolean(L, 1);
		lua_rawset(L, -5);
	}
}

/* Push a copy of the mapping at idx. */
static void
push_upvalues(lua_State *L, const char *verb, const char *field, int idx)
{
	need_type(L, verb, field, idx, LUA_TTABLE);
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
		/* Lua counts the upvalues of a function in a byte. */
		if (lua_type(L, -2) != LUA_TSTRING ||
		    (lua_type(L, -1) != LUA_TSTRING &&
			(!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 ||
			    lua_tointeger(L, -1) > 255)))
			luaL_error(L,
			    "hotfix.%s: %s must map names to "
			    "indices or targets",
			    verb, field);
		lua_pushvalue(L, -2);
		lua_pushvalue(L, -2);
		lua_rawset(L, -5);
	}
}

/* Push the checked value of the field from the value at idx. */
static void
push_checked(lua_State *L, const char *verb, const struct field *f, int idx)
{
	switch (f->type) {
	case FIELD_NAMES:
		push_names(L, verb, f->name, idx);
		return;
	case FIELD_UPVALUES:
		push_upvalues(L, verb, f->name, idx);
		return;
	case FIELD_STRING:
		need_type(L, verb, f->name, idx, LUA_TSTRING);
		break;
	case FIELD_FUNCTION:
		need_type(L, verb, f->name, idx, LUA_TFUNCTION);
		break;
	case FIELD_BOOLEAN:
		need_type(L, verb, f->name, idx, LUA_TBOOLEAN);
		break;
	case FIELD_FUNCTIONS:
		if (lua_type(L, idx) != LUA_TTABLE)
			need_type(L, verb, f->name, idx, LUA_TFUNCTION);
		break;
	case FIELD_ANY:
		break;
	}
	lua_pushvalue(L, idx);
}

/* Check the fields of the table at index from, which is read raw, and push an
 * action with them. */
static void
push_action(lua_State *L, const char *kind, const struct field *fields,
    int from)
{
	int to = lua_gettop(L) + 1, key = to + 1;
	const struct field *f;
	const char *name;

	need_type(L, kind, "its argument", from, LUA_TTABLE);
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, from); lua_settop(L, key)) {
		if (lua_type(L, key) != LUA_TSTRING)
			luaL_error(L,
			    "hotfix.%s: the names of fields are "
			    "strings, not a %s",
			    kind, luaL_typename(L, key));
		name = lua_tostring(L, key);
		f = find_field(fields, name);
		if (f == NULL)
			luaL_error(L, "hotfix.%s: unknown field '%s'", kind,
			    name);
		push_checked(L, kind, f, key + 1);
		lua_setfield(L, to, name);
	}
	for (f = fields; f->name != NULL; f++) {
		if (!f->needed)
			continue;
		if (lua_getfield(L, to, f->name) == LUA_TNIL)
			luaL_error(L, "hotfix.%s: %s is missing", kind,
			    f->name);
		lua_pop(L, 1);
	}
}

/* The action on the top is put behind the others. */
static void
queue(lua_State *L, struct engine *e, const char *kind)
{
	int action = lua_gettop(L);

	lua_pushstring(L, kind);
	lua_setfield(L, action, "kind");
	lua_newtable(L); /* options that were of use, filled in by swap.c */
	lua_setfield(L, action, "used");
	lua_pushboolean(L, 0); /* its event came */
	lua_setfield(L, action, "due");
	engine_push_table(L, e);
	lua_rawgeti(L, -1, ENGINE_QUEUE);
	lua_pushvalue(L, action);
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* Of a table of functions the filter picks the one: exactly one. */
static void
pick(lua_State *L, const char *kind)
{
	int picked = 0, with = 3, filter = 4;

	lua_settop(L, 2);
	lua_getfield(L, 2, "with");
	lua_getfield(L, 2, "filter");
	if (lua_isfunction(L, with)) {
		if (!lua_isnil(L, filter))
			luaL_error(L,
			    "hotfix.%s: a filter picks from a table, and "
			    "with is a function",
			    kind);
		lua_settop(L, 2);
		return;
	}
	if (lua_isnil(L, filter))
		luaL_error(L,
		    "hotfix.%s: with is a table, so a filter must pick "
		    "one of its functions",
		    kind);
	for (lua_pushnil(L); lua_next(L, with); lua_settop(L, 5)) {
		if (!lua_isfunction(L, 6))
			continue;
		lua_pushvalue(L, filter);
		lua_pushvalue(L, 5);
		lua_pushvalue(L, 6);
		lua_call(L, 2, 1);
		if (!lua_toboolean(L, -1))
			continue;
		picked++;
		lua_pushvalue(L, 6);
		lua_setfield(L, 2, "with");
	}
	if (picked != 1)
		luaL_error(L,
		    "hotfix.%s: the filter picked %d functions, not one", kind,
		    picked);
	lua_settop(L, 2);
}

static void
check_event(lua_State *L, const char *kind)
{
	if (lua_getfield(L, 2, "when") != LUA_TNIL &&
	    lua_getfield(L, 2, "on") == LUA_TNIL)
		luaL_error(L, "hotfix.%s: when needs the event to wait for, on",
		    kind);
	lua_settop(L, 2);
}

static struct engine *
loading(lua_State *L, const char *verb)
{
	struct engine **box = lua_touserdata(L, lua_upvalueindex(1));

	if (*box == NULL || !(*box)->loading)
		luaL_error(L, "hotfix.%s is only for an update while it loads",
		    verb);
	(*box)->used_api = 1;
	return *box;
}

static struct engine *
begin(lua_State *L, const char *kind, const struct field *fields)
{
	struct engine *e = loading(L, kind);

	lua_settop(L, 1);
	push_action(L, kind, fields, 1); /* at 2 */
	return e;
}

static int
replace(lua_State *L)
{
	struct engine *e = begin(L, "replace", replace_fields);

	pick(L, "replace");
	check_event(L, "replace");
	queue(L, e, "replace");
	return 0;
}

static int
hook(lua_State *L)
{
	struct engine *e = begin(L, "hook", hook_fields);

	pick(L, "hook");
	check_event(L, "hook");
	queue(L, e, "hook");
	return 0;
}

static int
instances(lua_State *L)
{
	queue(L, begin(L, "instances", instances_fields), "instances");
	return 0;
}

static int
set(lua_State *L)
{
	struct engine *e = begin(L, "set", set_fields);

	/* That a field is to be nil cannot be said in a table. */
	if (lua_getfield(L, 2, "expect") != LUA_TNIL) {
		lua_pushboolean(L, 1);
		lua_setfield(L, 2, "has_expect");
	}
	lua_settop(L, 2);
	queue(L, e, "set");
	return 0;
}

static int
queue_function(lua_State *L, const char *kind)
{
	struct engine *e = loading(L, kind);

	need_type(L, kind, "its argument", 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, 1);
	lua_setfield(L, 2, "fn");
	queue(L, e, kind);
	return 0;
}

static int
after(lua_State *L)
{
	return queue_function(L, "after");
}

static int
on_rollback(lua_State *L)
{
	return queue_function(L, "on_rollback");
}

/* --- modules ----------------------------------------------------------------
 */

int
engine_load_module(lua_State *L, const char *name, const char *text, size_t len)
{
	char chunk[STATE_CHUNK_NAME + 2] = "=";
	size_t head = state_file_head(text, len);

	text_escape(chunk + 1, sizeof chunk - 1, name, strlen(name), 0);
	return state_load_up_to(state_of(L), L, text + head, len - head,
	    ENGINE_TEXT_MAX, chunk);
}

/* __index of a module's environment: what it wrote, else the globals. */
static int
look_up(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL) {
		lua_pushvalue(L, 2);
		lua_gettable(L, lua_upvalueindex(2));
	}
	return 1;
}

/*
 * Run the function at index f with the module's name: its value is pushed.
 * What it writes to globals goes to the table at index written; afterwards it
 * has the globals for its environment, as all functions that it made.
 */
static void
run_source(lua_State *L, int f, int written)
{
	int top = lua_gettop(L);

	lua_newtable(L); /* top + 1: the environment */
	lua_createtable(L, 0, 2);
	lua_pushvalue(L, written);
	lua_setfield(L, -2, "__newindex");
	lua_pushvalue(L, written);
	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pushvalue(L, -1);
	lua_insert(L, top + 1); /* and the globals below it */
	lua_pushcclosure(L, look_up, 2);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, top + 2);
	lua_setupvalue(L, f, 1);
	lua_pushvalue(L, f);
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	lua_insert(L, top + 1);
	lua_setupvalue(L, f, 1);
}

/* Indices of the stack while a module's source is run. */
enum { NAME = 1, SOURCE, OPTIONS, MAIN, MARK, WRITTEN, VALUE, ACTION };

/*
 * The source is run at once, in the update's limits: what it makes is laid
 * beside the living module when all is worked out. Its function is on the top.
 */
static void
run_module(lua_State *L, struct engine *e)
{
	static const char verb[] = "module";

	lua_newtable(L); /* MARK: all that is newer was made by the source */
	lua_newtable(L);
	run_source(L, MAIN, WRITTEN);
	push_action(L, verb, module_fields, OPTIONS);
	swapproto_push_newer(L, MARK);
	lua_setfield(L, ACTION, "made");
	lua_pushvalue(L, NAME);
	lua_setfield(L, ACTION, "name");
	lua_pushvalue(L, MAIN);
	lua_setfield(L, ACTION, "main");
	lua_pushvalue(L, WRITTEN);
	lua_setfield(L, ACTION, "globals");
	lua_pushvalue(L, VALUE);
	lua_setfield(L, ACTION, "value");
	queue(L, e, verb);
}

static int
module(lua_State *L)
{
	static const char verb[] = "module";
	struct engine *e = loading(L, verb);
	const char *text;
	size_t len;

	need_type(L, verb, "the name", NAME, LUA_TSTRING);
	need_type(L, verb, "the source", SOURCE, LUA_TSTRING);
	lua_tolstring(L, NAME, &len);
	if (len == 0 || len > MODULE_NAME_MAX)
		luaL_error(L, "hotfix.module: a name of %d bytes (1 to %d)",
		    (int)len, MODULE_NAME_MAX);
	lua_settop(L, OPTIONS);
	if (lua_isnil(L, OPTIONS)) {
		lua_newtable(L);
		lua_replace(L, OPTIONS);
	}
	text = lua_tolstring(L, SOURCE, &len);
	if (engine_load_module(L, lua_tostring(L, NAME), text, len) != 0)
		lua_error(L);
	run_module(L, e);
	return 0;
}

/* Push the function that was compiled ahead under this number, which serves
 * once: what two runs make must not be of one prototype. 1, or 0: it is
 * gone. */
static int
take_compiled(lua_State *L, const struct engine *e, lua_Integer number)
{
	int top = lua_gettop(L), is;

	engine_push_table(L, e);
	lua_rawgeti(L, -1, ENGINE_COMPILED);
	is = lua_rawgeti(L, -1, number) == LUA_TFUNCTION;
	if (is) {
		lua_pushnil(L);
		lua_rawseti(L, -3, number);
	}
	lua_replace(L, top + 1);
	lua_settop(L, is ? top + 1 : top);
	return is;
}

/* Arguments: the engine, a module of a list. Without a name it is not loaded
 * any more, and there is nothing to do. */
static int
listed_module(lua_State *L)
{
	struct engine *e = lua_touserdata(L, 1);
	struct engine_module *m = lua_touserdata(L, 2);
	lua_Integer compiled = m->compiled;

	m->compiled = 0;
	lua_settop(L, 0);
	lua_pushstring(L, m->name);
	lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_pushvalue(L, NAME);
	if (lua_rawget(L, -2) == LUA_TNIL)
		return 0;
	lua_settop(L, SOURCE);
	lua_newtable(L);
	if ((compiled == 0 || !take_compiled(L, e, compiled)) &&
	    engine_load_module(L, m->name, m->source, m->len) != 0)
		lua_error(L);
	state_renew_budget(e->state);
	run_module(L, e);
	return 0;
}

int
engine_run_modules(lua_State *L)
{
	struct engine *e = lua_touserdata(L, 1);
	struct engine_entry *en = lua_touserdata(L, 2);
	size_t i;

	e->used_api = 1;
	for (i = 0; i < en->nmodules; i++) {
		lua_pushcfunction(L, listed_module);
		lua_pushvalue(L, 1);
		lua_pushlightuserdata(L, &en->modules[i]);
		lua_call(L, 2, 0);
	}
	return 0;
}

static const luaL_Reg functions[] = {
    {"replace", replace},
    {"hook", hook},
    {"instances", instances},
    {"module", module},
    {"set", set},
    {"after", after},
    {"on_rollback", on_rollback},
    {NULL, NULL},
};

void
engine_open_api(lua_State *L)
{
	int box = lua_gettop(L);

	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	lua_pushliteral(L, "hotfix");
	if (lua_rawget(L, -2) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushliteral(L, "hotfix");
		lua_pushvalue(L, -2);
		lua_rawset(L, -4);
	}
	lua_pushvalue(L, box);
	luaL_setfuncs(L, functions, 1);
	lua_settop(L, box - 1);
}
