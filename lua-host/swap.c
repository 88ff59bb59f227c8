/*
 * From functions of the update to variables of the program.
 *
 * What becomes of a variable is decided for the variable, not for each
 * function that has it: joined if any of them asks for that, and then the same
 * for all.
 */

#include "lua-host/swap_impl.h"
#include "lua-host/swapproto.h"
#include "lua-host/target.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#define NAME_SHOWN 240 /* bytes shown of a target or variable */
#define SHOW_MAX   40  /* bytes shown of a string value */

struct swap_var {
	const void *id;   /* of the update's variable */
	const void *with; /* joined: id of the program's variable; or NULL */
	const char *name;
	int fresh;
	size_t missing; /* 1 + a context that wants it imported, or 0 */
};

/* _ENV is one variable for a whole text, but each function gets that of the
 * function whose place it takes: joined one by one. */
struct swap_env { /* in the table of contexts, from -1 down: the old function */
	const void *with;
	size_t context;
	int upvalue, old_upvalue;
	size_t same; /* 1 + one before it of the same function, or 0 */
};

void
swap_joins_free(struct swap_joins *j)
{
	walkset_free(&j->index);
	free(j->joins);
	j->joins = NULL;
	j->len = j->cap = 0;
}

void
swap_init(struct swap_plan *p)
{
	memset(p, 0, sizeof *p);
}

void
swap_free(struct swap_plan *p)
{
	buf_free(&p->notes);
	walkset_free(&p->olds);
	walkset_free(&p->news);
	walkset_free(&p->withs);
	walkset_free(&p->optioned);
	walkset_free(&p->in_force);
	walkset_free(&p->joined);
	walkset_free(&p->var_index);
	walkset_free(&p->context_index);
	walkset_free(&p->first_contexts);
	walkset_free(&p->last_contexts);
	walkset_free(&p->env_index);
	free(p->contexts);
	free(p->vars);
	free(p->envs);
	swap_init(p);
}

/* Room for one more element. */
static void *
grown(lua_State *L, void *list, size_t len, size_t *cap, size_t size)
{
	size_t n = *cap > 0 ? 2 * *cap : 16;

	if (len < *cap)
		return list;
	list = realloc(list, n * size);
	if (list == NULL)
		luaL_error(L, "not enough memory");
	*cap = n;
	return list;
}

static void
add_to(lua_State *L, struct walkset *s, const void *key, size_t value)
{
	if (walkset_add(s, key, (uint32_t)value) < 0)
		luaL_error(L, "not enough memory");
}

/* The key's value becomes this one; 1 + the value before, or 0. */
static size_t
follow(lua_State *L, struct walkset *s, const void *key, size_t value)
{
	int64_t before = walkset_get(s, key);

	if (walkset_put(s, key, (uint32_t)value) < 0)
		luaL_error(L, "not enough memory");
	return before < 0 ? 0 : (size_t)before + 1;
}

const char *
swap_label(struct swap_plan *p, size_t context)
{
	const char *s;

	lua_rawgeti(p->L, p->contexts_table, (lua_Integer)(3 * context + 3));
	s = lua_tostring(p->L, -1);
	lua_pop(p->L, 1); /* the table keeps it alive */
	return s;
}

int
swap_push_field(struct swap_plan *p, lua_Integer action, const char *field)
{
	int type;

	lua_rawgeti(p->L, p->queue, action);
	lua_pushstring(p->L, field);
	type = lua_rawget(p->L, -2);
	lua_remove(p->L, -2);
	return type;
}

/* As a key of a set. */
static const void *
action_key(lua_Integer action)
{
	return (const void *)(uintptr_t)action;
}

/* Fields that say what becomes of variables, by their names. */
static const char *const options[] = {"upvalues", "keep", "fresh"};
#define NOPTIONS (sizeof options / sizeof *options)

/* Most actions have none, and each variable of each function asks. */
static void
note_optioned(struct swap_plan *p, lua_Integer action)
{
	size_t i;

	for (i = 0; i < NOPTIONS; i++) {
		if (swap_push_field(p, action, options[i]) != LUA_TNIL)
			add_to(p->L, &p->optioned, action_key(action), 0);
		lua_pop(p->L, 1);
	}
}

/* Push action[field][name], or nil; notes that the name was of use. */
static int
push_option(struct swap_plan *p, lua_Integer action, const char *field,
    const char *name)
{
	lua_State *L = p->L;

	if (walkset_get(&p->optioned, action_key(action)) < 0) {
		lua_pushnil(L);
		return LUA_TNIL;
	}
	if (swap_push_field(p, action, field) == LUA_TNIL)
		return LUA_TNIL;
	lua_pushstring(L, name);
	if (lua_rawget(L, -2) != LUA_TNIL) {
		swap_push_field(p, action, "used");
		lua_pushboolean(L, 1);
		lua_setfield(L, -2, name);
		lua_pop(L, 1);
	}
	lua_remove(L, -2);
	return lua_type(L, -1);
}

int
swap_has_option(struct swap_plan *p, lua_Integer action, const char *field,
    const char *name)
{
	int is;

	if (walkset_get(&p->optioned, action_key(action)) < 0)
		return 0;
	is = push_option(p, action, field, name) != LUA_TNIL;
	lua_pop(p->L, 1);
	return is;
}

/* --- contexts and pairs --------------------------------------------------- */

/* The context at this index is found by its function and its action. */
static void
index_context(struct swap_plan *p, size_t i)
{
	struct swap_context *c = &p->contexts[i];
	const void *key = action_key(c->action);
	size_t before;

	c->same = follow(p->L, &p->context_index, c->f, i);
	before = follow(p->L, &p->last_contexts, key, i);
	if (before > 0)
		p->contexts[before - 1].next = i + 1;
	else
		add_to(p->L, &p->first_contexts, key, i);
}

void
swap_add_context(struct swap_plan *p, const struct swap_context_spec *s)
{
	lua_State *L = p->L;
	struct swap_context *c;
	lua_Integer at = (lua_Integer)(3 * p->ncontexts);

	p->contexts = grown(L, p->contexts, p->ncontexts, &p->cap_contexts,
	    sizeof *p->contexts);
	c = &p->contexts[p->ncontexts];
	memset(c, 0, sizeof *c);
	c->f = lua_topointer(L, s->f);
	c->old = s->old != 0 ? lua_topointer(L, s->old) : NULL;
	c->live = s->live != NULL ? s->live : c->old;
	c->action = s->action;
	c->helper = s->helper;
	c->in_place = s->in_place;
	c->module = s->module;
	lua_rawseti(L, p->contexts_table, at + 3);
	lua_pushvalue(L, s->f);
	lua_rawseti(L, p->contexts_table, at + 1);
	if (s->old != 0)
		lua_pushvalue(L, s->old);
	else
		lua_pushboolean(L, 0);
	lua_rawseti(L, p->contexts_table, at + 2);
	index_context(p, p->ncontexts++);
}

static void
refuse_c(struct swap_plan *p, int live, const struct swap_context_spec *s)
{
	lua_State *L = p->L;
	int allowed;

	if (!lua_iscfunction(L, live))
		return;
	swap_push_field(p, s->action, "allow_c");
	allowed = lua_toboolean(L, -1) && s->in_place;
	lua_pop(L, 1);
	if (!allowed)
		luaL_error(L,
		    "%s: is a C function (allow_c=true replaces it "
		    "nevertheless)",
		    lua_tostring(L, -1));
}

void
swap_add_pair(struct swap_plan *p, int new, int live,
    const struct swap_context_spec *s, int instance)
{
	lua_State *L = p->L;
	const char *name = lua_tostring(L, -1);
	const void *o = lua_topointer(L, live), *n = lua_topointer(L, new);
	struct swap_context_spec spec = *s;
	int64_t other;

	refuse_c(p, live, s);
	if (walkset_get(&p->in_force, o) >= 0)
		luaL_error(L, "%s: is a new function of this update already",
		    name);
	if (walkset_get(&p->in_force, n) >= 0)
		luaL_error(L,
		    "%s: its new function replaces another one already; each "
		    "needs one of its own",
		    name);
	other = walkset_get(&p->olds, o);
	if (other >= 0)
		luaL_error(L,
		    "%s: replaced twice, it is the same function "
		    "as %s",
		    name, swap_label(p, (size_t)other));
	other = walkset_get(&p->news, n);
	if (other >= 0)
		luaL_error(L,
		    "%s: its new function replaces %s already; each "
		    "needs one of its own",
		    name, swap_label(p, (size_t)other));
	if (p->npairs + p->ninstances == SWAP_PAIRS_MAX)
		luaL_error(L, "more than %d functions in one update",
		    SWAP_PAIRS_MAX);
	add_to(L, &p->olds, o, p->ncontexts);
	add_to(L, &p->news, n, p->ncontexts);
	if (instance) {
		lua_pushvalue(L, new);
		lua_pushvalue(L, live);
		lua_rawset(L, p->instances);
		p->ninstances++;
	} else {
		lua_pushvalue(L, -1);
		lua_rawseti(L, p->labels, (lua_Integer)(p->npairs + 1));
		lua_pushvalue(L, live);
		lua_rawseti(L, p->pairs, (lua_Integer)(2 * p->npairs + 1));
		lua_pushvalue(L, new);
		lua_rawseti(L, p->pairs, (lua_Integer)(2 * p->npairs + 2));
		p->npairs++;
	}
	spec.live = o;
	swap_add_context(p, &spec);
}

/* --- variables ------------------------------------------------------------ */

static struct swap_var *
var_of(struct swap_plan *p, const void *id, const char *name)
{
	int64_t i = walkset_get(&p->var_index, id);
	struct swap_var *v;

	if (i >= 0)
		return &p->vars[i];
	p->vars = grown(p->L, p->vars, p->nvars, &p->cap_vars, sizeof *p->vars);
	add_to(p->L, &p->var_index, id, p->nvars);
	v = &p->vars[p->nvars++];
	memset(v, 0, sizeof *v);
	v->id = id;
	v->name = name;
	if (walkset_get(&p->joined, id) >= 0)
		v->with = id;
	return v;
}

/* The variable of the update becomes upvalue m of the function at old; 0 when
 * that was known. */
static int
join(struct swap_plan *p, size_t context, int f, int n, const char *name,
    int old, int m)
{
	lua_State *L = p->L;
	struct swap_joins *j = p->joins;
	const void *id = lua_upvalueid(L, f, n);
	const void *with = lua_upvalueid(L, old, m);
	struct swap_var *v = var_of(p, id, name);

	if (v->with == with)
		return 0;
	if (v->with != NULL)
		luaL_error(L,
		    "%s: '%s' of the update stands for two "
		    "different variables of the program; give each "
		    "function a local of its own",
		    swap_label(p, context), name);
	v->with = with;
	/* The id must stay this variable's until the walk is over, so a
	 * function is made to hold it. */
	j->joins = grown(L, j->joins, j->len, &j->cap, sizeof *j->joins);
	lua_pushvalue(L, old);
	lua_rawseti(L, j->table, (lua_Integer)(2 * j->len + 1));
	if (luaL_loadbufferx(L, "", 0, "=holder", "t") != LUA_OK)
		lua_error(L);
	lua_upvaluejoin(L, -1, 1, f, n);
	lua_rawseti(L, j->table, (lua_Integer)(2 * j->len + 2));
	add_to(L, &j->index, id, j->len);
	j->joins[j->len].id = id;
	j->joins[j->len].upvalue = m;
	j->len++;
	return 1;
}

static void
join_env(struct swap_plan *p, size_t context, int f, int n, int old, int m)
{
	const void *id = lua_topointer(p->L, f);
	const void *with = lua_upvalueid(p->L, old, m);
	int64_t last = walkset_get(&p->env_index, id);
	struct swap_env *e;
	size_t i;

	for (i = (size_t)(last + 1); i > 0; i = e->same) {
		e = &p->envs[i - 1];
		if (e->upvalue != n)
			continue;
		if (e->with != with)
			luaL_error(p->L,
			    "%s: a helper of the update would "
			    "need two different _ENV",
			    swap_label(p, context));
		return;
	}
	p->envs = grown(p->L, p->envs, p->nenvs, &p->cap_envs, sizeof *p->envs);
	e = &p->envs[p->nenvs++];
	lua_pushvalue(p->L, old);
	lua_rawseti(p->L, p->contexts_table, -(lua_Integer)p->nenvs);
	e->with = with;
	e->same = follow(p->L, &p->env_index, id, p->nenvs - 1);
	e->context = context;
	e->upvalue = n;
	e->old_upvalue = m;
}

/* The upvalue of this name of the function at old: its index and the value
 * as it is seen, pushed; or 0. C functions have no names. */
static int
push_named(struct swap_plan *p, int old, const char *name)
{
	lua_State *L = p->L;
	const char *is;
	int m;

	if (lua_iscfunction(L, old))
		return 0;
	for (m = 1; (is = lua_getupvalue(L, old, m)) != NULL; m++) {
		if (strcmp(is, name) == 0) {
			swapmap_see(L, p->view);
			return m;
		}
		lua_pop(L, 1);
	}
	return 0;
}

const char *
swap_show(lua_State *L, int idx, int of_program)
{
	char out[SHOW_MAX + 1];
	const char *s;
	size_t len;

	switch (lua_type(L, idx)) {
	case LUA_TNIL:
		return "nil";
	case LUA_TBOOLEAN:
		return lua_toboolean(L, idx) ? "true" : "false";
	case LUA_TNUMBER:
		lua_pushvalue(L, idx);
		return lua_tostring(L, -1);
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &len);
		text_escape(out, sizeof out, s, len, 0);
		return lua_pushfstring(L, "\"%s\"", out);
	default:
		return lua_pushfstring(L, "%s%s", of_program ? "its " : "",
		    luaL_typename(L, idx));
	}
}

void
swap_note_dropped(struct swap_plan *p, const char *where, const char *name,
    const char *target, int v, int live)
{
	lua_State *L = p->L;
	char place[NAME_SHOWN + 1], what[NAME_SHOWN + 1] = "";
	int top = lua_gettop(L);

	if (lua_isnil(L, v) || lua_rawequal(L, v, live))
		return;
	text_escape(place, sizeof place, where, strlen(where), 0);
	if (name != NULL)
		text_escape(what, sizeof what, name, strlen(name), 0);
	buf_printf(&p->notes, "%s%s%s keeps %s, the update's %s is dropped",
	    place, name != NULL ? ": " : "", what, swap_show(L, live, 1),
	    swap_show(L, v, 0));
	if (target != NULL) {
		text_escape(place, sizeof place, target, strlen(target), 0);
		buf_printf(&p->notes, " (hotfix.set{target=\"%s\"} changes it)",
		    place);
	}
	buf_puts(&p->notes, "\n");
	lua_settop(L, top);
}

/* The same of a variable. A helper's cannot be reached by a target that is
 * known to hold for long. */
static void
note_kept(struct swap_plan *p, size_t context, const char *name, int v,
    int live)
{
	lua_State *L = p->L;
	const struct swap_context *c = &p->contexts[context];
	const char *label = swap_label(p, context), *target = NULL;
	int top = lua_gettop(L);

	if (!c->helper)
		target = lua_pushfstring(L, "%s%s^%s", label,
		    walkset_get(&p->withs, c->f) >= 0 ? "^with" : "", name);
	swap_note_dropped(p, label, name, target, v, live);
	lua_settop(L, top);
}

/* Joined as the update tells: the index or target is on the top. */
static void
join_as_told(struct swap_plan *p, size_t context, int f, int n,
    const char *name, int old, int v)
{
	lua_State *L = p->L;
	const char *text;
	struct target t;
	size_t len;
	int m;

	if (lua_type(L, -1) == LUA_TNUMBER) {
		m = (int)lua_tointeger(L, -1);
		if (lua_getupvalue(L, old, m) == NULL)
			luaL_error(L,
			    "%s: upvalues: '%s': there is no upvalue "
			    "with index %d",
			    swap_label(p, context), name, m);
	} else {
		text = lua_tolstring(L, -1, &len);
		target_find(L, text, len, p->view, &t);
		if (t.kind != TARGET_UPVALUE)
			luaL_error(L, "%s: upvalues: '%s': %s is no upvalue",
			    swap_label(p, context), name, text);
		old = lua_gettop(L) - 2;
		m = t.upvalue;
	}
	if (lua_iscfunction(L, old))
		luaL_error(L,
		    "%s: upvalues: '%s': variables of C functions "
		    "cannot be shared",
		    swap_label(p, context), name);
	if (join(p, context, f, n, name, old, m))
		note_kept(p, context, name, v, lua_gettop(L));
}

/* The update's own binding stays. It must not lead back to its user. */
static void
stay(struct swap_plan *p, size_t context, int v, const char *name)
{
	lua_State *L = p->L;
	const struct swap_context *c = &p->contexts[context];
	const void *seen;

	lua_pushvalue(L, v);
	swapmap_see(L, p->view);
	seen = lua_topointer(L, -1);
	lua_pop(L, 1);
	if (lua_isfunction(L, v) && (seen == c->old || seen == c->live))
		luaL_error(L,
		    "%s: '%s' of the update holds the function that "
		    "is replaced, so the new one would call itself; "
		    "hotfix.hook hands it the original",
		    swap_label(p, context), name);
}

/* A variable that the old function has not. */
static void
absent(struct swap_plan *p, size_t context, int f, int n, int old, int v,
    const char *name)
{
	lua_State *L = p->L;
	struct swap_context c = p->contexts[context];
	struct swap_context_spec s = {v, c.old != NULL ? old : 0, c.live,
	    c.action, 1, c.in_place, c.module};
	struct swap_var *var = var_of(p, lua_upvalueid(L, f, n), name);
	const void *helper = lua_topointer(L, v);
	int64_t last;
	size_t i;

	/* A module's source declares its own locals, also without a value. */
	if (lua_isnil(L, v) && c.module)
		return;
	if (lua_isnil(L, v)) {
		var->missing = 1 + context;
		return;
	}
	stay(p, context, v, name);
	if (c.module && lua_istable(L, v)) {
		lua_pushfstring(L, "%s^%s", swap_label(p, context), name);
		swap_merge(p, c.action, 0, v, lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	if (!swapproto_has(L, v, p->protos))
		return;
	last = walkset_get(&p->context_index, helper);
	for (i = (size_t)(last + 1); i > 0; i = p->contexts[i - 1].same)
		if (!p->contexts[i - 1].helper ||
		    p->contexts[i - 1].old == c.old)
			return;
	lua_pushfstring(L, "%s^%s", swap_label(p, context), name);
	swap_add_context(p, &s);
}

/* The update's function at v has the name of the program's at live: code, so
 * it replaces that. 1 when the variable is to be joined. */
static int
replace_helper(struct swap_plan *p, size_t context, int v, int live,
    const char *name)
{
	lua_State *L = p->L;
	struct swap_context c = p->contexts[context];
	int64_t pair = walkset_get(&p->news, lua_topointer(L, v));
	struct swap_context_spec s = {v, 0, NULL, c.action, 0, 0, c.module};

	if (pair >= 0 && pair == walkset_get(&p->olds, lua_topointer(L, live)))
		return 1;
	/* It calls itself, and this name meant something else before. */
	if (pair >= 0 && lua_topointer(L, v) == c.f)
		return 0;
	swap_push_base(p, live);
	s.old = lua_gettop(L);
	lua_pushfstring(L, "%s^%s", swap_label(p, context), name);
	swap_add_pair(p, v, live, &s, 0);
	lua_pop(L, 1);
	return 1;
}

static void
present(struct swap_plan *p, size_t context, int f, int n, int old, int m,
    int v, const char *name)
{
	lua_State *L = p->L;
	lua_Integer action = p->contexts[context].action;
	int live = lua_gettop(L), types_differ, replaced = 0, merged = 0;

	if (swap_has_option(p, action, "keep", name)) {
		;
	} else if (lua_isfunction(L, v)) {
		replaced = swapproto_has(L, v, p->protos) &&
			   lua_isfunction(L, live) &&
			   replace_helper(p, context, v, live, name);
		if (!replaced) {
			stay(p, context, v, name);
			return;
		}
	} else if (p->contexts[context].module && lua_istable(L, v) &&
		   lua_istable(L, live)) {
		merged = 1;
	} else {
		types_differ = !lua_isnil(L, v) && !lua_isnil(L, live) &&
			       lua_type(L, v) != lua_type(L, live);
		if (types_differ)
			luaL_error(L,
			    "%s: '%s' is a %s in the program and a "
			    "%s in the update; say keep={\"%s\"} or "
			    "fresh={\"%s\"}",
			    swap_label(p, context), name,
			    luaL_typename(L, live), luaL_typename(L, v), name,
			    name);
	}
	if (!join(p, context, f, n, name, old, m) || replaced)
		return;
	if (merged) {
		lua_pushfstring(L, "%s^%s", swap_label(p, context), name);
		swap_merge(p, action, live, v, lua_tostring(L, -1));
		lua_pop(L, 1);
	} else {
		note_kept(p, context, name, v, live);
	}
}

/*
 * The variable of this name of all functions that the module's action
 * replaces: the function (pushed, then its value as it is seen) and the index;
 * or 0. A function that is new in the module finds the module's locals so. Two
 * variables of one name are refused, unless any of them will do.
 */
static int
push_of_module(struct swap_plan *p, size_t context, const char *name, int any)
{
	lua_State *L = p->L;
	lua_Integer action = p->contexts[context].action;
	const void *id, *found = NULL;
	int m, top = lua_gettop(L), result = 0;
	size_t i =
	    (size_t)(walkset_get(&p->first_contexts, action_key(action)) + 1);

	lua_settop(L, top + 2);
	for (; i > 0; i = p->contexts[i - 1].next) {
		if (p->contexts[i - 1].helper || p->contexts[i - 1].old == NULL)
			continue;
		lua_rawgeti(L, p->contexts_table, (lua_Integer)(3 * i - 1));
		m = push_named(p, top + 3, name);
		id = m > 0 ? lua_upvalueid(L, top + 3, m) : NULL;
		if (m > 0 && found != NULL && id != found && !any)
			luaL_error(L,
			    "%s: '%s' stands for two different variables of "
			    "the module; say upvalues={%s=\"module::f^%s\"}",
			    swap_label(p, context), name, name, name);
		if (m > 0 && found == NULL) {
			found = id;
			result = m;
			lua_copy(L, top + 3, top + 1);
			lua_copy(L, top + 4, top + 2);
		}
		lua_settop(L, top + 2);
	}
	if (result == 0)
		lua_settop(L, top);
	return result;
}

/* Names can be looked up in the function at old, or the update must say. */
static void
need_names(struct swap_plan *p, size_t context, int old, const char *name)
{
	lua_State *L = p->L;
	int named = lua_iscfunction(L, old) || target_push_upvalues(L, old);

	if (!named)
		luaL_error(L,
		    "%s: was stripped of its names; say which one "
		    "'%s' is: upvalues={%s=index}, or fresh={\"%s\"}",
		    swap_label(p, context), name, name, name);
}

/* Upvalue n of the function at f; its value is at v. */
static void
decide(struct swap_plan *p, size_t context, int f, int old, int n, int v,
    const char *name)
{
	lua_State *L = p->L;
	struct swap_context c = p->contexts[context];
	int env = strcmp(name, "_ENV") == 0, told, m;

	told = push_option(p, c.action, "upvalues", name);
	if (told == LUA_TSTRING || (told == LUA_TNUMBER && c.in_place)) {
		if (!env)
			join_as_told(p, context, f, n, name, old, v);
		else if (told == LUA_TNUMBER && !lua_iscfunction(L, old) &&
			 lua_getupvalue(L, old, (int)lua_tointeger(L, -1)) !=
			     NULL)
			join_env(p, context, f, n, old,
			    (int)lua_tointeger(L, -2));
		else
			luaL_error(L,
			    "%s: upvalues: _ENV takes the index of "
			    "an upvalue",
			    swap_label(p, context));
		return;
	}
	if (swap_has_option(p, c.action, "fresh", name)) {
		if (!env)
			var_of(p, lua_upvalueid(L, f, n), name)->fresh = 1;
		return;
	}
	m = 0;
	if (c.old != NULL) {
		m = push_named(p, old, name);
		if (m == 0)
			need_names(p, context, old, name);
	}
	if (m == 0 && c.module) {
		m = push_of_module(p, context, name, env);
		if (m > 0)
			old = lua_gettop(L) - 1;
	}
	if (env) {
		if (m > 0)
			join_env(p, context, f, n, old, m);
	} else if (walkset_get(&p->joined, lua_upvalueid(L, f, n)) >= 0) {
		/* By a part of the update that came before: what it holds is
		 * the program's. It is the same here, or refused. */
		swap_has_option(p, c.action, "keep", name);
		if (m > 0)
			join(p, context, f, n, name, old, m);
	} else if (m == 0) {
		absent(p, context, f, n, old, v, name);
	} else {
		present(p, context, f, n, old, m, v, name);
	}
}

static void
visit(struct swap_plan *p, size_t context)
{
	lua_State *L = p->L;
	int f = lua_gettop(L) + 1, old = f + 1, v = f + 2, n;
	const char *name;

	p->contexts[context].visited = 1;
	/* Found to be a replacement since: it has an old one of its own. */
	if (p->contexts[context].helper &&
	    (walkset_get(&p->news, p->contexts[context].f) >= 0 ||
		walkset_get(&p->in_force, p->contexts[context].f) >= 0))
		return;
	lua_rawgeti(L, p->contexts_table, (lua_Integer)(3 * context + 1));
	lua_rawgeti(L, p->contexts_table, (lua_Integer)(3 * context + 2));
	for (n = 1; (name = lua_getupvalue(L, f, n)) != NULL; n++) {
		decide(p, context, f, old, n, v, name);
		lua_settop(L, old);
	}
	lua_settop(L, f - 1);
}

/* Replacements before helpers: only when all of them are known is it clear
 * what is a helper. */
static void
visit_all(struct swap_plan *p)
{
	/* Of either kind, all before this one are visited. */
	size_t next[2] = {0, 0}, *i;
	int helpers;

	do {
		for (helpers = 0; helpers < 2; helpers++) {
			i = &next[helpers];
			while (*i < p->ncontexts &&
			       (p->contexts[*i].visited ||
				   p->contexts[*i].helper != helpers))
				++*i;
			if (*i < p->ncontexts) {
				visit(p, *i);
				break;
			}
		}
	} while (helpers < 2);
}

/* --- the whole ------------------------------------------------------------ */

/* What could be told only with all contexts seen. */
static void
check_vars(struct swap_plan *p)
{
	lua_State *L = p->L;
	const struct swap_var *v;
	size_t i, at;

	for (i = 0; i < p->nvars; i++) {
		v = &p->vars[i];
		if (v->fresh && v->with != NULL)
			luaL_error(L,
			    "'%s' of the update is fresh for one "
			    "function and joined for another",
			    v->name);
		if (v->missing == 0 || v->with != NULL || v->fresh)
			continue;
		at = v->missing - 1;
		lua_rawgeti(L, p->contexts_table, (lua_Integer)(3 * at + 2));
		if (lua_iscfunction(L, -1))
			lua_pushliteral(L, "none, it is a C function");
		else
			target_push_upvalues(L, -1);
		luaL_error(L,
		    "%s: the old function has no upvalue '%s' (it "
		    "has: %s), and the update gives it no value",
		    swap_label(p, at), v->name, lua_tostring(L, -1));
	}
}

/* Push what the action is about, as the update says it. */
static void
push_subject(struct swap_plan *p, lua_Integer action)
{
	static const char *const fields[] = {"target", "like", "name"};
	size_t i;

	for (i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (swap_push_field(p, action, fields[i]) != LUA_TNIL)
			return;
		lua_pop(p->L, 1);
	}
	lua_pushliteral(p->L, "?");
}

/* Names in keep, fresh and upvalues that meant nothing are mistakes. */
static void
check_options(struct swap_plan *p, lua_Integer action)
{
	lua_State *L = p->L;
	int top = lua_gettop(L);
	size_t i;

	if (walkset_get(&p->optioned, action_key(action)) < 0)
		return;
	swap_push_field(p, action, "used");
	for (i = 0; i < NOPTIONS; i++) {
		lua_settop(L, top + 1);
		if (swap_push_field(p, action, options[i]) == LUA_TNIL)
			continue;
		for (lua_pushnil(L); lua_next(L, top + 2); lua_pop(L, 1)) {
			lua_pushvalue(L, -2);
			if (lua_rawget(L, top + 1) == LUA_TNIL) {
				push_subject(p, action);
				luaL_error(L,
				    "%s: %s names '%s', which the "
				    "update does not use",
				    lua_tostring(L, -1), options[i],
				    lua_tostring(L, top + 3));
			}
			lua_pop(L, 1);
		}
	}
	lua_settop(L, top);
}

static void
join_all(struct swap_plan *p)
{
	lua_State *L = p->L;
	const struct swap_env *e;
	size_t i;
	int64_t j;
	int n, top = lua_gettop(L);

	for (i = 0; i < p->nenvs; i++) {
		e = &p->envs[i];
		lua_rawgeti(L, p->contexts_table,
		    (lua_Integer)(3 * e->context + 1));
		lua_rawgeti(L, p->contexts_table, -(lua_Integer)(i + 1));
		lua_upvaluejoin(L, -2, e->upvalue, -1, e->old_upvalue);
		lua_settop(L, top);
	}
	for (i = 0; i < p->ncontexts; i++) {
		lua_rawgeti(L, p->contexts_table, (lua_Integer)(3 * i + 1));
		for (n = 1; lua_getupvalue(L, top + 1, n) != NULL; n++) {
			lua_settop(L, top + 1);
			j = walkset_get(&p->joins->index,
			    lua_upvalueid(L, top + 1, n));
			if (j < 0)
				continue;
			lua_rawgeti(L, p->joins->table,
			    (lua_Integer)(2 * j + 1));
			lua_upvaluejoin(L, top + 1, n, -1,
			    p->joins->joins[j].upvalue);
		}
		lua_settop(L, top);
	}
}

void
swap_go_on(lua_State *L, struct swap_plan *p, int pairs, int instances,
    int joined)
{
	int top = lua_gettop(L);
	lua_Integer i, n = (lua_Integer)lua_rawlen(L, pairs);

	p->L = L;
	for (i = 2; i <= n; i += 2) {
		lua_rawgeti(L, pairs, i);
		add_to(L, &p->in_force, lua_topointer(L, -1), 0);
		if (swap_hook_original(L, p->wrap, top + 1) > 0)
			swap_note_hook(p, top + 1);
		lua_settop(L, top);
	}
	for (lua_pushnil(L); lua_next(L, instances); lua_pop(L, 1))
		add_to(L, &p->in_force, lua_topointer(L, -2), 0);
	n = (lua_Integer)lua_rawlen(L, joined);
	for (i = 1; i < n; i += 2) {
		lua_rawgeti(L, joined, i);
		lua_rawgeti(L, joined, i + 1);
		add_to(L, &p->joined,
		    lua_upvalueid(L, top + 1, (int)lua_tointeger(L, top + 2)),
		    0);
		lua_settop(L, top);
	}
}

void
swap_make(lua_State *L, struct swap_plan *p)
{
	lua_Integer i, n = (lua_Integer)lua_rawlen(L, p->queue);

	luaL_checkstack(L, 40, NULL);
	p->L = L;
	for (i = 1; i <= n; i++)
		note_optioned(p, i);
	for (i = 1; i <= n; i++)
		swap_plan_action(p, i);
	visit_all(p);
	/* A new function that is an old one of the same update would be
	 * replaced as soon as it is there. */
	for (i = 0; i < (lua_Integer)p->ncontexts; i++)
		if (!p->contexts[i].helper &&
		    walkset_get(&p->news, p->contexts[i].live) >= 0)
			luaL_error(L,
			    "%s: is a new function of this update "
			    "already",
			    swap_label(p, (size_t)i));
	check_vars(p);
	for (i = 1; i <= n; i++)
		check_options(p, i);
	join_all(p);
}
