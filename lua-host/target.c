/* From the text of a target to the place in the program. */

#include "lua-host/target.h"
#include "lua-host/places.h"
#include "base/num.h"

#include <string.h>

#include <lauxlib.h>

#define NAMES_MAX 20 /* names listed in a message: one screen line or two */
#define CHAIN_MAX 16 /* __index links looked at to tell where a field is */

/* How Lua names the upvalues of a stripped function. */
#define NO_NAME "(no name)"

/* A target on its way. The value reached is on the top of the stack, below
 * it the key it has in what holds it, below that the holder. */
struct path {
	lua_State *L;
	const struct swapmap *view;
	const char *text, *at, *end; /* at: where the next step begins */
};

/* Names for a message, in order, the first of them if there are many. */
struct names {
	const char *name[NAMES_MAX];
	size_t len, all;
};

static void
names_add(struct names *n, const char *name)
{
	size_t i;

	n->all++;
	i = n->len < NAMES_MAX ? n->len++ : NAMES_MAX - 1;
	if (n->all > NAMES_MAX && strcmp(name, n->name[i]) >= 0)
		return;
	for (; i > 0 && strcmp(name, n->name[i - 1]) < 0; i--)
		n->name[i] = n->name[i - 1];
	n->name[i] = name;
}

static void
names_push(lua_State *L, const struct names *n)
{
	luaL_Buffer b;
	size_t i;

	luaL_buffinit(L, &b);
	if (n->all == 0)
		luaL_addstring(&b, "none");
	for (i = 0; i < n->len; i++) {
		if (i > 0)
			luaL_addstring(&b, ", ");
		luaL_addstring(&b, n->name[i]);
	}
	if (n->all > n->len)
		luaL_addstring(&b, ", ...");
	luaL_pushresult(&b);
}

int
target_push_upvalues(lua_State *L, int idx)
{
	struct names names = {{NULL}, 0, 0};
	const char *name;
	int i, stripped = 0;

	for (i = 1; (name = lua_getupvalue(L, idx, i)) != NULL; i++) {
		lua_pop(L, 1);
		if (strcmp(name, NO_NAME) == 0)
			stripped = 1;
		else
			names_add(&names, name);
	}
	names_push(L, &names);
	return !stripped;
}

/* Raise an error about the target: the message is on the top. */
static void
refuse(struct path *p)
{
	lua_pushlstring(p->L, p->text, (size_t)(p->end - p->text));
	lua_pushliteral(p->L, ": ");
	lua_rotate(p->L, -3, -1);
	lua_concat(p->L, 3);
	lua_error(p->L);
}

/* The part of the target that has been walked. */
static const char *
walked(struct path *p)
{
	return lua_pushlstring(p->L, p->text, (size_t)(p->at - p->text));
}

static void
refuse_syntax(struct path *p, const char *why)
{
	lua_pushfstring(p->L, "%s at '%s'", why,
	    lua_pushlstring(p->L, p->at, (size_t)(p->end - p->at)));
	refuse(p);
}

/* Push the integer or string key at index key as it stands in messages. */
static const char *
show_key(lua_State *L, int key)
{
	if (lua_type(L, key) == LUA_TSTRING)
		return lua_pushfstring(L, "'%s'", lua_tostring(L, key));
	return lua_pushfstring(L, "[%I]", lua_tointeger(L, key));
}

/* 1 when a metatable of the value at obj has the key further on, 2 when its
 * __index is a function, which may know it. Raw. */
static int
inherited(lua_State *L, int obj, int key)
{
	int i, top = lua_gettop(L), found = 0;

	lua_pushvalue(L, obj);
	for (i = 0; i < CHAIN_MAX && found == 0; i++) {
		if (!lua_getmetatable(L, -1))
			break;
		lua_pushliteral(L, "__index");
		lua_rawget(L, -2);
		if (lua_isfunction(L, -1))
			found = 2;
		if (!lua_istable(L, -1))
			break;
		lua_pushvalue(L, key);
		if (lua_rawget(L, -2) != LUA_TNIL)
			found = 1;
		lua_pop(L, 1);
		lua_copy(L, -1, top + 1);
		lua_settop(L, top + 1);
	}
	lua_settop(L, top);
	return found;
}

/* The table at obj has no field with the key at index key. */
static void
refuse_field(struct path *p, int obj, int key)
{
	lua_State *L = p->L;
	struct names names = {{NULL}, 0, 0};
	const char *k = show_key(L, key), *in = walked(p);

	if (inherited(L, obj, key) == 1) {
		lua_pushfstring(L,
		    "no field %s of its own in '%s': it is inherited through "
		    "__index; name the table that owns it",
		    k, in);
		refuse(p);
	}
	for (lua_pushnil(L); lua_next(L, obj); lua_pop(L, 1))
		if (lua_type(L, -2) == LUA_TSTRING)
			names_add(&names, lua_tostring(L, -2));
	names_push(L, &names);
	lua_pushfstring(L, "no field %s in '%s' (it has: %s)%s", k, in,
	    lua_tostring(L, -1),
	    inherited(L, obj, key) == 2
		? "; its metatable's __index is a function, name the table "
		  "behind it"
		: "");
	refuse(p);
}

/* The value on the top is what the view shows of a place. */
static void
see(struct path *p, enum place_kind kind, int container, int key)
{
	if (p->view->data != NULL)
		places_see(p->L, p->view->data, kind, container, key);
	swapmap_see(p->L, p->view);
}

/* Go on to a field: its key is on the top. */
static void
step_field(struct path *p, struct target *t)
{
	lua_State *L = p->L;
	int obj = lua_gettop(L) - 1, key = obj + 1;

	if (!lua_istable(L, obj)) {
		lua_pushfstring(L, "no field %s: '%s' is a %s value",
		    show_key(L, key), walked(p), luaL_typename(L, obj));
		refuse(p);
	}
	lua_pushvalue(L, key);
	lua_rawget(L, obj);
	see(p, PLACE_FIELD, obj, key);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		refuse_field(p, obj, key);
	}
	lua_remove(L, obj - 1);
	lua_remove(L, obj - 2);
	t->kind = TARGET_FIELD;
}

/* name NULL: the n-th upvalue. */
static void
step_upvalue(struct path *p, struct target *t, const char *name, int n)
{
	lua_State *L = p->L;
	int f = lua_gettop(L);
	const char *is;

	/* The name is on the top as a string, so that it has an end. */
	if (name != NULL)
		f--;
	if (!lua_isfunction(L, f)) {
		lua_pushfstring(L, "no upvalue: '%s' is a %s value", walked(p),
		    luaL_typename(L, f));
		refuse(p);
	}
	if (name != NULL) {
		for (n = 1; (is = lua_getupvalue(L, f, n)) != NULL; n++) {
			if (strcmp(is, name) == 0)
				break;
			lua_pop(L, 1);
		}
	} else {
		is = lua_getupvalue(L, f, n);
	}
	if (is == NULL) {
		int named = target_push_upvalues(L, f);
		const char *has = lua_tostring(L, -1);

		if (lua_iscfunction(L, f) || !named)
			has = "no names, use ^ and the index";
		if (name != NULL)
			lua_pushfstring(L,
			    "no upvalue '%s' in '%s' (it has: "
			    "%s)",
			    name, walked(p), has);
		else
			lua_pushfstring(L, "no upvalue %d in '%s'", n,
			    walked(p));
		refuse(p);
	}
	lua_pushinteger(L, n);
	lua_insert(L, -2);
	if (name != NULL)
		lua_remove(L, f + 1);
	see(p, PLACE_UPVALUE, f, f + 1);
	lua_remove(L, f - 1);
	lua_remove(L, f - 2);
	t->kind = TARGET_UPVALUE;
	t->upvalue = n;
}

static void
step_meta(struct path *p, struct target *t)
{
	lua_State *L = p->L;
	int obj = lua_gettop(L);

	lua_pushnil(L);
	if (!lua_getmetatable(L, obj))
		lua_pushnil(L);
	see(p, PLACE_META, obj, obj + 1);
	if (lua_isnil(L, -1)) {
		lua_settop(L, obj);
		lua_pushfstring(L, "'%s' has no metatable", walked(p));
		refuse(p);
	}
	lua_remove(L, obj - 1);
	lua_remove(L, obj - 2);
	t->kind = TARGET_META;
}

static int
is_name_char(char c, int first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

/* The end of the name that begins at s, s when none does. */
static const char *
name_end(const struct path *p, const char *s)
{
	const char *from = s;

	while (s < p->end && is_name_char(*s, s == from))
		s++;
	return s;
}

/* An integer up to stop; 0 or -1. */
static int
read_integer(const char *s, const char *stop, lua_Integer *i)
{
	int minus = s < stop && *s == '-';
	uint64_t n;

	s += minus;
	if (num_parse(s, (size_t)(stop - s), LUA_MAXINTEGER, &n) != NUM_OK)
		return -1;
	*i = minus ? -(lua_Integer)n : (lua_Integer)n;
	return 0;
}

/* "[...]" with the key pushed; returns its end. */
static const char *
read_bracket(struct path *p)
{
	lua_State *L = p->L;
	const char *s = p->at + 1, *stop;
	luaL_Buffer b;
	lua_Integer i = 0;

	if (s < p->end && *s == '"') {
		luaL_buffinit(L, &b);
		for (s++; s < p->end && *s != '"'; s++) {
			if (*s == '\\' && s + 1 < p->end &&
			    (s[1] == '"' || s[1] == '\\'))
				s++;
			luaL_addchar(&b, *s);
		}
		luaL_pushresult(&b);
		if (p->end - s < 2 || s[1] != ']')
			refuse_syntax(p, "\"] missing");
		return s + 2;
	}
	stop = memchr(s, ']', (size_t)(p->end - s));
	if (stop == NULL || read_integer(s, stop, &i) != 0)
		refuse_syntax(p, "neither [integer] nor [\"string\"]");
	lua_pushinteger(L, i);
	return stop + 1;
}

static void
step(struct path *p, struct target *t)
{
	lua_State *L = p->L;
	const char *s = p->at + 1, *stop;
	lua_Integer n;

	switch (*p->at) {
	case '.':
	case ':':
		stop = name_end(p, s);
		if (stop == s)
			refuse_syntax(p, "no name");
		lua_pushlstring(L, s, (size_t)(stop - s));
		step_field(p, t);
		break;
	case '[':
		stop = read_bracket(p);
		step_field(p, t);
		break;
	case '^':
		stop = name_end(p, s);
		if (stop > s) {
			step_upvalue(p, t,
			    lua_pushlstring(L, s, (size_t)(stop - s)), 0);
			break;
		}
		while (stop < p->end && *stop >= '0' && *stop <= '9')
			stop++;
		/* Lua counts the upvalues of a function in a byte. */
		if (read_integer(s, stop, &n) != 0 || n < 1 || n > 255)
			refuse_syntax(p, "neither ^name nor ^index");
		step_upvalue(p, t, NULL, (int)n);
		break;
	case '@':
		stop = s;
		step_meta(p, t);
		break;
	default:
		refuse_syntax(p, "no step");
		return;
	}
	p->at = stop;
}

/* The table of all modules, the name, and the module. */
static void
find_module(struct path *p, const char *stop)
{
	lua_State *L = p->L;
	size_t len = (size_t)(stop - p->text);

	if (len == 0)
		refuse_syntax(p, "no module");
	lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_pushlstring(L, p->text, len);
	lua_pushvalue(L, -1);
	lua_rawget(L, -3);
	see(p, PLACE_FIELD, lua_gettop(L) - 2, lua_gettop(L) - 1);
	if (lua_isnil(L, -1)) {
		lua_pushfstring(L, "module '%s' is not loaded",
		    lua_pushlstring(L, p->text, len));
		refuse(p);
	}
	p->at = stop;
}

/* Where the module's name ends: the first "::", or NULL. */
static const char *
module_end(const char *text, size_t len)
{
	const char *s;

	for (s = text; s + 1 < text + len; s++)
		if (s[0] == ':' && s[1] == ':')
			return s;
	return NULL;
}

int
target_is_loaded(lua_State *L, const char *text, size_t len)
{
	const char *sep = module_end(text, len);
	int is;

	lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_pushlstring(L, text, sep != NULL ? (size_t)(sep - text) : len);
	is = lua_rawget(L, -2) != LUA_TNIL;
	lua_pop(L, 2);
	return is;
}

void
target_find(lua_State *L, const char *text, size_t len,
    const struct swapmap *view, struct target *t)
{
	struct path p = {L, view, text, text, text + len};
	const char *sep = module_end(text, len), *stop;

	luaL_checkstack(L, 20, NULL);
	if (len > TARGET_MAX)
		luaL_error(L, "a target of %d bytes (at most %d)", (int)len,
		    TARGET_MAX);
	t->kind = TARGET_FIELD;
	t->upvalue = 0;
	find_module(&p, sep != NULL ? sep : p.end);
	if (sep == NULL)
		return;
	/* The first name needs no dot of its own. */
	stop = name_end(&p, sep + 2);
	if (stop > sep + 2) {
		lua_pushlstring(L, sep + 2, (size_t)(stop - sep - 2));
		step_field(&p, t);
	}
	for (p.at = stop; p.at < p.end;)
		step(&p, t);
}
