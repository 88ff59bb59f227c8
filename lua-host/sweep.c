/*
 * The heap walk by the collector's lists, seen from inside Lua.
 *
 * Each object is looked at in place; one that has something to change is
 * noted, and looked at in the same way when it is changed. So what is counted
 * is what will be changed, and no address inside of an object is kept: tables
 * may move their parts in between, when they get new keys.
 */

#define LUA_CORE

#include <lprefix.h>

#include <string.h>

#include <lua.h>

#include <lfunc.h>
#include <lgc.h>
#include <lobject.h>
#include <lstate.h>
#include <ltable.h>

#include "lua-host/sweep.h"

/* Structures, marks and lists below are those of this release, read and
 * tried. Another one has to be read first: its successor lays out stacks in
 * another way. */
#if LUA_VERSION_RELEASE_NUM != 50404
#error "lua-host/sweep.c knows the insides of Lua 5.4.4 alone: give LUA_SRC"
#endif

/* Bytes. A list runs from its newest object to its oldest, and memory is given
 * out upwards: what comes soon lies below, mostly. As far as it takes to have
 * it here in time; nearer than half of this is of no use. */
#define AHEAD 4096

enum sweep_what {
	SWEEP_LOOK,  /* is there anything? */
	SWEEP_COUNT, /* how often, for which pair */
	SWEEP_EDIT,  /* put the new one there */
};

/* Most functions are not in the map, and most variables become no other: a
 * look at one bit tells it, also of a change of ten thousand functions. Two of
 * them leave room for the heap in a cache of 32 KiB. */
#define FILTER_BITS 65536

struct filter {
	uint64_t bits[FILTER_BITS / 64];
};

struct sweep {
	lua_State *L;
	struct walk *w;
	const struct filter *froms, *joined; /* NULL: every bit is set */
	enum sweep_what what;
	GCObject *owner; /* of the values that are looked at */
};

/* The bit for an address: objects lie at multiples of 16, or nearly. */
static size_t
filter_bit(const void *p)
{
	return ((uintptr_t)p >> 4) % FILTER_BITS;
}

static void
filter_fill(struct filter *f, const struct walkset *set)
{
	size_t i, bit;

	memset(f, 0, sizeof *f);
	for (i = 0; i < set->nslots; i++) {
		bit = filter_bit(set->slots[i].key);
		if (set->slots[i].key != NULL)
			f->bits[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

static int
may_have(const struct filter *f, const void *p)
{
	size_t bit = filter_bit(p);

	return f == NULL || (f->bits[bit / 64] >> bit % 64 & 1) != 0;
}

/* The pair that changes a function, or -1. It is known by the address that
 * lua_topointer gives for it. */
static int
pair_of_function(const struct sweep *s, const Value *v, int tag)
{
	const void *p;

	switch (tag) {
	case ctb(LUA_VLCL):
	case ctb(LUA_VCCL):
		p = v->gc;
		break;
	case LUA_VLCF:
		p = (const void *)(uintptr_t)v->f;
		break;
	default:
		return -1;
	}
	if (!may_have(s->froms, p))
		return -1;
	return swapmap_find(s->w->map, p);
}

/* The same of any value: most are no functions, and there are millions. */
static inline int
pair_of(const struct sweep *s, const Value *v, int tag)
{
	return novariant(tag) == LUA_TFUNCTION ? pair_of_function(s, v, tag)
					       : -1;
}

/* Element i of a table of the walk's. */
static const TValue *
element(lua_State *L, int table, size_t i)
{
	Table *t = hvalue(s2v(L->ci->func + table));

	return luaH_getint(t, (lua_Integer)i);
}

static const TValue *
new_function(const struct sweep *s, size_t pair)
{
	return element(s->L, s->w->map->table, 2 * pair + 2);
}

/* The collector may be in the middle of a cycle, and must not miss that an
 * object it is done with refers to one it has not seen. As Lua does it: those
 * with many values are looked at again, of others the value is seen at once;
 * stacks are always looked at again. */
static void
barrier(const struct sweep *s, const TValue *v)
{
	switch (s->owner->tt) {
	case LUA_VTABLE:
	case LUA_VUSERDATA:
		luaC_barrierback(s->L, s->owner, v);
		break;
	case LUA_VTHREAD:
		break;
	default:
		luaC_barrier(s->L, s->owner, v);
	}
}

/* 1 when the function at v is one to change. */
static int
visit_function(const struct sweep *s, TValue *v)
{
	const TValue *new;
	int pair = pair_of_function(s, &v->value_, rawtt(v));

	if (pair < 0)
		return 0;
	if (s->what == SWEEP_COUNT) {
		s->w->changed[pair]++;
	} else if (s->what == SWEEP_EDIT) {
		new = new_function(s, (size_t)pair);
		/* Not the whole of it: a stack slot has more behind. */
		v->value_ = new->value_;
		v->tt_ = new->tt_;
		barrier(s, new);
	}
	return 1;
}

/* 1 when the value at v is one to change. The tag alone tells it for most. */
static inline int
visit_value(const struct sweep *s, TValue *v)
{
	return novariant(rawtt(v)) == LUA_TFUNCTION && visit_function(s, v);
}

/* 1 when anything in a row of values is to change. */
static int
visit_values(const struct sweep *s, TValue *v, size_t n)
{
	int found = 0;

	for (; n > 0; n--, v++)
		found |= visit_value(s, v);
	return found;
}

static int
visit_table(const struct sweep *s, Table *t)
{
	Node *n = gnode(t, 0), *end = gnode(t, allocsizenode(t));
	int found;

	found = visit_values(s, t->array,
	    isrealasize(t) ? t->alimit : luaH_realasize(t));
	for (; n < end; n++) {
		if (isempty(gval(n)))
			continue;
		found |= visit_value(s, gval(n));
		found |= pair_of(s, &keyval(n), keytt(n)) >= 0;
	}
	return found;
}

/* A closure's variables are objects of their own; but some become others. */
static int
visit_closure(const struct sweep *s, LClosure *f)
{
	const struct walk *w = s->w;
	const TValue *holder;
	int64_t join;
	int i, found = 0;

	if (w->join_index->used == 0)
		return 0;
	for (i = 0; i < f->nupvalues; i++) {
		join = may_have(s->joined, f->upvals[i])
			   ? walkset_get(w->join_index, f->upvals[i])
			   : -1;
		if (join < 0)
			continue;
		found = 1;
		if (s->what != SWEEP_EDIT)
			continue;
		holder = element(s->L, w->joins_table, 2 * (size_t)join + 1);
		f->upvals[i] =
		    clLvalue(holder)->upvals[w->joins[join].upvalue - 1];
		luaC_objbarrier(s->L, f, f->upvals[i]);
	}
	return found;
}

/* One that is open is a slot of a stack, and looked at there. */
static int
visit_variable(const struct sweep *s, UpVal *v)
{
	return !upisopen(v) && visit_value(s, v->v);
}

static int
visit_userdata(const struct sweep *s, Udata *u)
{
	int i, found = 0;

	for (i = 0; i < u->nuvalue; i++)
		found |= visit_value(s, &u->uv[i].uv);
	return found;
}

/* From one slot of a stack to before another. */
static int
visit_slots(const struct sweep *s, StkId from, StkId end)
{
	int found = 0;

	for (; from < end; from++)
		found |= visit_value(s, s2v(from));
	return found;
}

/* A vararg function was lifted over its arguments: where it was, for Lua
 * reads it there again when the call returns; or NULL. (A call that failed
 * before it was lifted says so, too, but has nothing there.) */
static StkId
lifted_from(const CallInfo *ci)
{
	const Proto *p;
	StkId slot;
	int n;

	if (!isLua(ci))
		return NULL;
	p = clLvalue(s2v(ci->func))->p;
	n = 1 + p->numparams + ci->u.l.nextraargs;
	if (!p->is_vararg || n >= ci->func - ci->previous->func)
		return NULL;
	slot = ci->func - n;
	return rawtt(s2v(slot)) == rawtt(s2v(ci->func)) &&
		       gcvalue(s2v(slot)) == gcvalue(s2v(ci->func))
		   ? slot
		   : NULL;
}

/* All slots but those of the functions of calls. */
static int
visit_thread(const struct sweep *s, lua_State *t)
{
	const CallInfo *ci;
	StkId end = t->top, below;
	int found = 0;

	if (t->stack == NULL) /* just being made */
		return 0;
	for (ci = t->ci; ci != &t->base_ci; ci = ci->previous) {
		found |= visit_slots(s, ci->func + 1, end);
		end = ci->func;
		below = lifted_from(ci);
		if (below != NULL) {
			found |= visit_slots(s, below + 1, end);
			end = below;
		}
	}
	return found | visit_slots(s, ci->func + 1, end);
}

static int
visit(struct sweep *s, GCObject *o)
{
	s->owner = o;
	switch (o->tt) {
	case LUA_VTABLE:
		return visit_table(s, gco2t(o));
	case LUA_VLCL:
		return visit_closure(s, gco2lcl(o));
	case LUA_VCCL:
		return visit_values(s, gco2ccl(o)->upvalue,
		    gco2ccl(o)->nupvalues);
	case LUA_VUPVAL:
		return visit_variable(s, gco2upv(o));
	case LUA_VUSERDATA:
		return visit_userdata(s, gco2u(o));
	case LUA_VTHREAD:
		return visit_thread(s, gco2th(o));
	default:
		return 0;
	}
}

/* --- collect -------------------------------------------------------------- */

/* Note the keys of a table that are to change. 0, or -1: the new one is there
 * too, or will be. */
static int
note_keys(struct sweep *s, Table *t)
{
	struct walk *w = s->w;
	size_t i, first = w->nedits;
	struct walk_edit *e;
	Node *n;
	int at, pair;

	for (at = 0; at < sizenode(t); at++) {
		n = gnode(t, at);
		if (isempty(gval(n)))
			continue;
		pair = pair_of(s, &keyval(n), keytt(n));
		if (pair < 0)
			continue;
		if (!isempty(luaH_get(t, new_function(s, (size_t)pair))))
			return -1;
		for (i = first; i < w->nedits; i++)
			if (w->map->to[w->edits[i].which] == w->map->to[pair])
				return -1;
		e = walk_add(s->L, w, WALK_KEY, (size_t)pair);
		e->object = t;
		w->changed[pair]++;
		w->nkeys++;
	}
	return 0;
}

static void
count_running(const struct sweep *s, const lua_State *t)
{
	const CallInfo *ci;
	int pair;

	if (t->stack == NULL)
		return;
	for (ci = t->ci; ci != &t->base_ci; ci = ci->previous) {
		pair = pair_of(s, &s2v(ci->func)->value_, rawtt(s2v(ci->func)));
		if (pair >= 0)
			s->w->running[pair]++;
	}
}

/* 0, or -1 as of note_keys. */
static int
collect_object(struct sweep *s, GCObject *o)
{
	struct walk *w = s->w;

	s->what = SWEEP_LOOK;
	if (o->tt != LUA_VTHREAD && !visit(s, o))
		return 0;
	if (walkset_get(&w->seen, o) == WALK_SKIPPED)
		return 0;
	if (o->tt == LUA_VTHREAD)
		count_running(s, gco2th(o));
	s->what = SWEEP_COUNT;
	if (visit(s, o))
		walk_add(s->L, w, WALK_OBJECT, 0)->object = o;
	return o->tt == LUA_VTABLE ? note_keys(s, gco2t(o)) : 0;
}

/* What is being thrown away is left alone: what it refers to may be gone. */
static int
collect_list(struct sweep *s, GCObject *o)
{
	const global_State *g = G(s->L);

	for (; o != NULL; o = o->next) {
		__builtin_prefetch((const void *)((uintptr_t)o - AHEAD));
		if (!isdead(g, o) && collect_object(s, o) != 0)
			return -1;
	}
	return 0;
}

int
sweep_collect(lua_State *L, struct walk *w)
{
	const global_State *g = G(L);
	struct filter froms, joined;
	struct sweep s = {.L = L, .w = w, .froms = &froms, .joined = &joined};

	filter_fill(&froms, &w->map->index);
	filter_fill(&joined, w->join_index);
	/* No allocation of Lua's in here, so nothing is collected. The fourth
	 * list has strings alone. */
	return collect_list(&s, g->allgc) == 0 &&
	       collect_list(&s, g->finobj) == 0 &&
	       collect_list(&s, g->tobefnz) == 0;
}

/* --- commit --------------------------------------------------------------- */

void
sweep_edit(lua_State *L, struct walk *w, const struct walk_edit *e)
{
	struct sweep s = {.L = L, .w = w, .what = SWEEP_EDIT};

	/* One object of many: to fill the filters would take longer. */
	visit(&s, e->object);
}

void
sweep_push_table(lua_State *L, const struct walk_edit *e)
{
	Table *t = e->object;

	sethvalue2s(L, L->top, t);
	L->top++;
}

int
sweep_hold(lua_State *L, int hold)
{
	int before = G(L)->gcstopem;

	G(L)->gcstopem = cast_byte(hold);
	return before;
}
