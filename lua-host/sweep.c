/*
 * The heap walk by the collector's lists, seen from inside Lua.
 *
 * Each object is looked at in place; one that has something to change is
 * noted, and looked at in the same way when it is changed. So what is counted
 * is what will be changed, and no address inside of an object is kept: tables
 * may move their parts in between, when they get new keys.
 *
 * A list of a million objects is as long as memory needs to hand it over. Only
 * several processors have it sooner, each from a mark on.
 */

#define LUA_CORE

#include <lprefix.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lua.h>

#include <lapi.h>
#include <lauxlib.h>
#include <lfunc.h>
#include <lgc.h>
#include <lobject.h>
#include <lstate.h>
#include <ltable.h>

#include "lua-host/sweep.h"
#include "base/clock.h"

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

/* 0, or -1: out of memory. */
static int
collect_object(struct sweep *s, GCObject *o)
{
	struct walk *w = s->w;
	struct walk_edit *e;

	s->what = SWEEP_LOOK;
	if (o->tt != LUA_VTHREAD && !visit(s, o))
		return 0;
	if (walkset_get(&w->seen, o) == WALK_SKIPPED)
		return 0;
	if (o->tt == LUA_VTHREAD)
		count_running(s, gco2th(o));
	s->what = SWEEP_COUNT;
	if (!visit(s, o))
		return 0;
	e = walk_try_add(w, WALK_OBJECT, 0);
	if (e == NULL)
		return -1;
	e->object = o;
	return 0;
}

/* A list, or what of one lies before the next mark. */
struct part {
	GCObject *from;
	const GCObject *end;
};

/* What is being thrown away is left alone: what it refers to may be gone. */
static int
collect_part(struct sweep *s, const struct part *p)
{
	const global_State *g = G(s->L);
	GCObject *o;

	for (o = p->from; o != p->end; o = o->next) {
		__builtin_prefetch((const void *)((uintptr_t)o - AHEAD));
		if (!isdead(g, o) && collect_object(s, o) != 0)
			return -1;
	}
	return 0;
}

/* --- in parts --------------------------------------------------------------
 */

/* The object of a mark; NULL: it was given a finalizer, and went to another
 * list. */
static GCObject *
marked(lua_State *L, int marks, lua_Integer i)
{
	GCObject *o = gcvalue(element(L, marks, (size_t)i));

	return tofinalize(o) ? NULL : o;
}

/* It can be put into a table, and stays in the list while it is there. Strings
 * keep nothing else alive. Where there are none, a table does it: it leaves
 * the list when it is given a finalizer, and that can be seen. */
static int
can_mark(const global_State *g, const GCObject *o, size_t passed)
{
	if (isdead(g, o))
		return 0;
	return o->tt == LUA_VSHRSTR || o->tt == LUA_VLNGSTR ||
	       (passed > SWEEP_STRINGLESS && o->tt == LUA_VTABLE &&
		   gco2t(o)->metatable == NULL);
}

int
sweep_mark(lua_State *L, int marks, size_t stride, int64_t deadline_ns)
{
	const global_State *g = G(L);
	lua_Integer n = (lua_Integer)lua_rawlen(L, marks);
	GCObject *o = n > 0 ? marked(L, marks, n) : g->allgc;
	size_t passed = 0;

	for (; o != NULL && n < SWEEP_MARKS_MAX; o = o->next) {
		__builtin_prefetch((const void *)((uintptr_t)o - AHEAD));
		if (++passed < stride || !can_mark(g, o, passed - stride))
			continue;
		setgcovalue(L, s2v(L->top), o);
		api_incr_top(L);
		lua_rawseti(L, marks, ++n);
		passed = 0;
		if (clock_mono_ns() >= deadline_ns)
			return 1;
	}
	return 0;
}

struct helper {
	struct team *team;
	struct sweep sweep;
	struct walk walk; /* what this one finds; the rest is all others' */
	int began, failed;
};

/*
 * All parts of a walk, each for who comes first. Where there is no processor
 * for a helper after all, nobody waits until it begins: it finds that all is
 * done, and the last one out frees the team.
 */
struct team {
	pthread_mutex_t lock;
	pthread_cond_t ready; /* one has nothing more to do */
	struct part parts[SWEEP_MARKS_MAX + 3];
	size_t nparts, next;
	struct helper helpers[SWEEP_THREADS];
	size_t nhelpers, busy, refs;
	int closed;
};

static struct team *
team_new(void)
{
	struct team *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->ready, NULL);
	t->refs = 1;
	return t;
}

/* With the lock, which is given back. */
static void
team_leave(struct team *t)
{
	struct helper *h;
	size_t left = --t->refs;

	pthread_mutex_unlock(&t->lock);
	if (left > 0)
		return;
	for (h = t->helpers; h < t->helpers + SWEEP_THREADS; h++) {
		free(h->walk.edits);
		free(h->walk.changed);
		free(h->walk.running);
	}
	pthread_cond_destroy(&t->ready);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Nothing of Lua's is written while parts are looked through, nor is Lua
 * called: what is only read may be read by many. With the lock, but not while
 * one is looked through. */
static int
collect_parts(struct sweep *s, struct team *t)
{
	const struct part *p;
	int failed = 0;

	while (!failed && t->next < t->nparts) {
		p = &t->parts[t->next++];
		pthread_mutex_unlock(&t->lock);
		failed = collect_part(s, p);
		pthread_mutex_lock(&t->lock);
	}
	return failed;
}

static void *
help(void *arg)
{
	struct helper *h = arg;
	struct team *t = h->team;

	pthread_mutex_lock(&t->lock);
	if (!t->closed) {
		h->began = 1;
		t->busy++;
		h->failed = collect_parts(&h->sweep, t);
		t->busy--;
		pthread_cond_signal(&t->ready);
	}
	team_leave(t);
	return NULL;
}

static void
add_part(struct team *t, GCObject *from)
{
	if (from != NULL)
		t->parts[t->nparts++].from = from;
}

static void
make_parts(struct team *t, lua_State *L, int marks)
{
	const global_State *g = G(L);
	lua_Integer i, n = marks != 0 ? (lua_Integer)lua_rawlen(L, marks) : 0;
	size_t k;

	add_part(t, g->allgc);
	for (i = 1; i <= n && i <= SWEEP_MARKS_MAX; i++)
		add_part(t, marked(L, marks, i));
	for (k = 0; k + 1 < t->nparts; k++)
		t->parts[k].end = t->parts[k + 1].from;
	/* The fourth list has strings alone. */
	add_part(t, g->finobj);
	add_part(t, g->tobefnz);
}

/* For so many helpers there is a processor, and something to do. */
static size_t
count_helpers(const struct team *t)
{
	long n;

	/* The lists of finalizers are short, mostly. */
	if (t->nparts <= 3)
		return 0;
	n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n > SWEEP_THREADS)
		n = SWEEP_THREADS;
	return n > 1 ? (size_t)n - 1 : 0;
}

/* One more, with the lock. 0, or -1: there is none, and the others do its
 * part. */
static int
start(struct team *t, const struct sweep *s)
{
	struct helper *h = &t->helpers[t->nhelpers];
	size_t n = s->w->map->len > 0 ? s->w->map->len : 1;
	pthread_attr_t attr;
	pthread_t thread;
	int result = -1;

	h->team = t;
	h->sweep = *s;
	h->sweep.w = &h->walk;
	h->walk = *s->w;
	h->walk.edits = NULL;
	h->walk.nedits = h->walk.cap = 0;
	h->walk.changed = calloc(n, sizeof *h->walk.changed);
	h->walk.running = calloc(n, sizeof *h->walk.running);
	if (h->walk.changed == NULL || h->walk.running == NULL ||
	    pthread_attr_init(&attr) != 0)
		return -1;
	if (pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
	    pthread_create(&thread, &attr, help, h) == 0) {
		t->nhelpers++;
		t->refs++;
		result = 0;
	}
	pthread_attr_destroy(&attr);
	return result;
}

/* What it found is the walk's. 0 or -1. */
static int
take_found(const struct helper *h, struct walk *w)
{
	const struct walk_edit *from = h->walk.edits;
	struct walk_edit *e;
	size_t i;

	if (!h->began)
		return 0;
	if (h->failed)
		return -1;
	for (i = 0; i < w->map->len; i++) {
		w->changed[i] += h->walk.changed[i];
		w->running[i] += h->walk.running[i];
	}
	for (i = 0; i < h->walk.nedits; i++) {
		e = walk_try_add(w, from[i].kind, from[i].which);
		if (e == NULL)
			return -1;
		e->object = from[i].object;
	}
	return 0;
}

/* Signals are the calling thread's. 0, or -1: out of memory. */
static int
collect_all(struct sweep *s, int marks)
{
	struct team *t = team_new();
	sigset_t all, before;
	size_t i, n;
	int failed;

	if (t == NULL)
		return -1;
	make_parts(t, s->L, marks);
	pthread_mutex_lock(&t->lock);
	n = count_helpers(t);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (t->nhelpers < n && start(t, s) == 0)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	failed = collect_parts(s, t);
	t->closed = 1;
	while (t->busy > 0)
		pthread_cond_wait(&t->ready, &t->lock);
	for (i = 0; i < t->nhelpers; i++)
		failed |= take_found(&t->helpers[i], s->w);
	team_leave(t);
	return failed;
}

int
sweep_collect(lua_State *L, struct walk *w)
{
	struct filter froms, joined;
	struct sweep s = {.L = L, .w = w, .froms = &froms, .joined = &joined};
	GCObject *o;
	size_t i, n;

	filter_fill(&froms, &w->map->index);
	filter_fill(&joined, w->join_index);
	/* No allocation of Lua's in here, so nothing is collected. */
	if (collect_all(&s, w->marks) != 0)
		luaL_error(L, "not enough memory");
	/* Lua's own search in a table is no mere reading. */
	n = w->nedits;
	for (i = 0; i < n; i++) {
		o = w->edits[i].object;
		if (o->tt == LUA_VTABLE && note_keys(&s, gco2t(o)) != 0)
			return 0;
	}
	return 1;
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
