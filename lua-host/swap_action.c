/* What each action of an update asks for. */

#include "lua-host/swap_impl.h"
#include "lua-host/swapproto.h"
#include "lua-host/target.h"
#include "base/text.h"

#include <string.h>

#include <lauxlib.h>

/* --- hooks ---------------------------------------------------------------- */

/*
 * A closure of Lua, since recursion through a C function ends after some 190
 * levels. Its upvalues are known by their names.
 */
static const char wrap_source[] = "local with, original = ...\n"
				  "return function(...)\n"
				  "	return with(original, ...)\n"
				  "end\n";

void
swap_push_wrap(lua_State *L)
{
	if (luaL_loadbufferx(L, wrap_source, sizeof wrap_source - 1, "=hook",
		"t") != LUA_OK)
		lua_error(L);
}

int
swap_hook_original(lua_State *L, int wrap, int f)
{
	const char *name;

	if (!swapproto_is_child(L, f, wrap))
		return 0;
	name = lua_getupvalue(L, f, 1);
	lua_pop(L, 1);
	/* The compiler puts them into either order. */
	return strcmp(name, "original") == 0 ? 1 : 2;
}

void
swap_push_base(struct swap_plan *p, int f)
{
	lua_State *L = p->L;
	int n;

	lua_pushvalue(L, f);
	while ((n = swap_hook_original(L, p->wrap, lua_gettop(L))) > 0) {
		lua_getupvalue(L, -1, n);
		lua_remove(L, -2);
	}
}

void
swap_note_hook(struct swap_plan *p, int f)
{
	lua_State *L = p->L;
	int added;

	lua_getupvalue(L, f, 3 - swap_hook_original(L, p->wrap, f));
	added = walkset_add(&p->withs, lua_topointer(L, -1), 0);
	lua_pop(L, 1);
	if (added < 0)
		luaL_error(L, "not enough memory");
}

/* --- targets -------------------------------------------------------------- */

/* Push the text of action[field] and its value, which must be a function. */
static const char *
push_function(struct swap_plan *p, lua_Integer action, const char *field)
{
	lua_State *L = p->L;
	const char *text;
	struct target t;
	size_t len;

	swap_push_field(p, action, field);
	text = lua_tolstring(L, -1, &len);
	target_find(L, text, len, p->view, &t);
	if (!lua_isfunction(L, -1))
		luaL_error(L, "%s: is a %s value, not a function", text,
		    luaL_typename(L, -1));
	lua_copy(L, -1, -3);
	lua_pop(L, 2);
	return text;
}

static void
refuse_with(lua_State *L, const char *target)
{
	luaL_error(L, "%s: with is not a function of this update", target);
}

/* Push action.with, a function of the update. */
static void
push_with(struct swap_plan *p, lua_Integer action, const char *target)
{
	swap_push_field(p, action, "with");
	if (!swapproto_has(p->L, lua_gettop(p->L), p->protos))
		refuse_with(p->L, target);
}

static void
plan_replace(struct swap_plan *p, lua_Integer action)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);
	const char *text = push_function(p, action, "target");
	struct swap_context_spec s = {0, 0, NULL, action, 0, 1, 0};

	push_with(p, action, text);
	swap_push_base(p, top + 2);
	s.f = top + 3;
	s.old = top + 4;
	lua_pushvalue(L, top + 1);
	swap_add_pair(p, top + 3, top + 2, &s, 0);
	lua_settop(L, top);
}

static void
plan_hook(struct swap_plan *p, lua_Integer action)
{
	lua_State *L = p->L;
	int top = lua_gettop(L), stacked;
	const char *text = push_function(p, action, "target");
	struct swap_context_spec s = {0, 0, NULL, action, 0, 1, 0};
	const void *with;

	push_with(p, action, text);
	swap_push_base(p, top + 2);
	with = lua_topointer(L, top + 3);
	if (walkset_get(&p->withs, with) >= 0)
		luaL_error(L,
		    "%s: with is used for another hook already; each "
		    "needs one of its own",
		    text);
	if (walkset_add(&p->withs, with, 0) < 0)
		luaL_error(L, "not enough memory");
	swap_push_field(p, action, "stack");
	stacked = lua_toboolean(L, -1);
	lua_pop(L, 1);

	lua_pushvalue(L, p->wrap);
	lua_pushvalue(L, top + 3);
	lua_pushvalue(L, stacked ? top + 2 : top + 4);
	lua_call(L, 2, 1); /* top + 5: the new function */
	/* The wrapper has no variables of the program's, with has. */
	s.f = top + 5;
	s.old = top + 5;
	lua_pushvalue(L, top + 1);
	swap_add_pair(p, top + 5, top + 2, &s, 0);
	p->contexts[p->ncontexts - 1].visited = 1;
	s.f = top + 3;
	s.old = top + 4;
	s.live = lua_topointer(L, top + 2);
	lua_pushvalue(L, top + 1);
	swap_add_context(p, &s);
	lua_settop(L, top);
}

/* --- instances ------------------------------------------------------------ */

static void
make_instance(struct swap_plan *p, lua_Integer action, const char *text,
    int live)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);
	struct swap_context_spec s = {top + 1, live, NULL, action, 0, 1, 0};

	swap_push_field(p, action, "make");
	p->call(L, p->call_arg);
	if (!swapproto_has(L, top + 1, p->protos))
		luaL_error(L,
		    "%s: make must return a new function of this "
		    "update each time, not a %s",
		    text, luaL_typename(L, top + 1));
	lua_pushstring(L, text);
	swap_add_pair(p, top + 1, live, &s, 1);
	lua_settop(L, top);
}

static void
plan_instances(struct swap_plan *p, lua_Integer action)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);
	const char *text = push_function(p, action, "like");
	lua_Integer i, n, made = 0;

	if (lua_iscfunction(L, top + 2) ||
	    swap_hook_original(L, p->wrap, top + 2) > 0)
		luaL_error(L, "%s: is a %s, and those have no instances", text,
		    lua_iscfunction(L, top + 2) ? "C function" : "hook");
	n = (lua_Integer)swapproto_push_instances(L, top + 2);
	for (i = 1; i <= n; i++) {
		lua_rawgeti(L, top + 3, i);
		/* One that is seen as another function is no instance. */
		if (swapmap_find(p->view, lua_topointer(L, -1)) < 0) {
			make_instance(p, action, text, top + 4);
			made++;
		}
		lua_settop(L, top + 3);
	}
	lua_pushvalue(L, top + 1);
	lua_rawseti(L, p->counts, (lua_Integer)(2 * p->ncounts + 1));
	lua_pushinteger(L, made);
	lua_rawseti(L, p->counts, (lua_Integer)(2 * p->ncounts + 2));
	p->ncounts++;
	lua_settop(L, top);
}

/* --- data ----------------------------------------------------------------- */

/* 1 when the program has changed the place since this update set it first. */
static int
is_left(struct swap_plan *p, size_t place)
{
	return p->undone_notes != 0 &&
	       places_leave(p->L, p->places, p->undone_notes, place,
		   p->notes_table);
}

void
swap_set_place(struct swap_plan *p, size_t place, int v)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);

	if (is_left(p, place))
		return;
	/* A table or function of the update's own goes together with others
	 * that it makes. */
	if (p->undone_notes != 0 && !lua_istable(L, v) &&
	    !swapproto_has(L, v, p->protos) &&
	    places_push_written(L, p->places, p->undone_notes, place) &&
	    lua_type(L, v) == lua_type(L, top + 1))
		v = top + 1;
	places_push(L, p->places, place);
	places_put(L, p->places, place, v);
	places_note(L, p->places, p->notes_table, place, lua_gettop(L));
	lua_settop(L, top);
}

static void
check_expected(struct swap_plan *p, lua_Integer action, const char *text,
    int live)
{
	lua_State *L = p->L;

	if (swap_push_field(p, action, "has_expect") == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	swap_push_field(p, action, "expect");
	if (!lua_rawequal(L, -1, live))
		luaL_error(L, "%s: is %s, not %s as expected", text,
		    swap_show(L, live, 0), swap_show(L, lua_gettop(L), 0));
	lua_pop(L, 2);
}

/* The place that the target leads to: holder and key are on the stack. */
static size_t
place_of(struct swap_plan *p, const struct target *t, int holder)
{
	enum place_kind kind = t->kind == TARGET_UPVALUE ? PLACE_UPVALUE
			       : t->kind == TARGET_META  ? PLACE_META
							 : PLACE_FIELD;

	return places_find(p->L, p->places, kind, holder, holder + 1);
}

static void
check_metatable(lua_State *L, const char *text, int holder, int v)
{
	if (!lua_istable(L, holder) && lua_type(L, holder) != LUA_TUSERDATA)
		luaL_error(L,
		    "%s: the metatable of all %s values is not set "
		    "so; set its fields",
		    text, luaL_typename(L, holder));
	if (!lua_istable(L, v) && !lua_isnil(L, v))
		luaL_error(L, "%s: a metatable is a table, not a %s", text,
		    luaL_typename(L, v));
}

static void
plan_set(struct swap_plan *p, lua_Integer action)
{
	lua_State *L = p->L;
	char shown[TARGET_MAX + 1];
	int top = lua_gettop(L);
	const char *text;
	struct target t;
	size_t len, place;

	swap_push_field(p, action, "target");
	text = lua_tolstring(L, -1, &len);
	target_find(L, text, len, p->view, &t);
	place = place_of(p, &t, top + 2);
	if (is_left(p, place)) {
		lua_settop(L, top);
		return;
	}
	places_push(L, p->places, place); /* top + 5 */
	check_expected(p, action, text, top + 5);
	swap_push_field(p, action, "value");
	swapmap_see(L, p->view);
	if (t.kind == TARGET_META)
		check_metatable(L, text, top + 2, top + 6);
	swap_set_place(p, place, top + 6);
	text_escape(shown, sizeof shown, text, len, 0);
	buf_printf(&p->notes, "%s: set from %s to %s\n", shown,
	    swap_show(L, top + 5, 0), swap_show(L, top + 6, 0));
	lua_settop(L, top);
}

/* -------------------------------------------------------------------------- */

void
swap_plan_action(struct swap_plan *p, lua_Integer action)
{
	lua_State *L = p->L;
	const char *kind;

	swap_push_field(p, action, "kind");
	kind = lua_tostring(L, -1);
	lua_pop(L, 1); /* the action keeps it alive */
	if (strcmp(kind, "replace") == 0)
		plan_replace(p, action);
	else if (strcmp(kind, "hook") == 0)
		plan_hook(p, action);
	else if (strcmp(kind, "instances") == 0)
		plan_instances(p, action);
	else if (strcmp(kind, "set") == 0)
		plan_set(p, action);
	else
		swap_plan_module(p, action);
}

void
swap_try(lua_State *L, const struct swapmap *view, const struct walkset *protos)
{
	int action = lua_gettop(L);
	struct target t;
	const char *text;
	size_t len;

	lua_getfield(L, action, "target");
	text = lua_tolstring(L, -1, &len);
	lua_getfield(L, action, "with");
	if (!swapproto_has(L, action + 2, protos))
		refuse_with(L, text);
	if (target_is_loaded(L, text, len)) {
		target_find(L, text, len, view, &t);
		if (!lua_isfunction(L, -1))
			luaL_error(L, "%s: is a %s value, not a function", text,
			    luaL_typename(L, -1));
	}
	lua_settop(L, action);
}
