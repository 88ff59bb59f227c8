/* The timers of a program: hotfix.after, hotfix.every, hotfix.cancel. */

#include <stdlib.h>

#include "base/clock.h"
#include "lua-host/program_internal.h"

struct timer {
	struct heap_item item; /* first: the heap hands it back */
	uint64_t id;
	int64_t period_ns; /* 0: once */
};

static struct timer *
find(const struct program *p, uint64_t id)
{
	return map_get(&p->timers, &id, sizeof id);
}

static void
drop(struct program *p, struct timer *t)
{
	heap_remove(&p->deadlines, &t->item);
	map_remove(&p->timers, &t->id, sizeof t->id);
	free(t);
}

static struct timer *
add(struct program *p, uint64_t id, int64_t deadline_ns, int64_t period_ns)
{
	struct timer *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->id = id;
	t->period_ns = period_ns;
	if (map_put(&p->timers, &t->id, sizeof t->id, t) != 0) {
		free(t);
		return NULL;
	}
	if (heap_set(&p->deadlines, &t->item, deadline_ns) != 0) {
		drop(p, t);
		return NULL;
	}
	return t;
}

/* Of two timers of one delay the one that was set first is due first, however
 * coarse the clock; and none is due in the round that sets it. */
static int64_t
start_ns(struct program *p)
{
	int64_t now_ns = clock_mono_ns();

	p->last_ns = now_ns > p->last_ns ? now_ns : p->last_ns + 1;
	return p->last_ns;
}

/* Forget the function of a timer. The key is there: does not raise. */
static void
forget(struct program *p, lua_State *L, uint64_t id)
{
	program_push(p, L, PROGRAM_TIMERS);
	lua_pushnil(L);
	lua_rawseti(L, -2, (lua_Integer)id);
	lua_pop(L, 1);
}

/* set(seconds, fn): once, or again and again. */
static int
set(lua_State *L, int again)
{
	struct program *p = program_self(L);
	struct timer *t;
	lua_Number seconds;
	int64_t delay_ns;
	uint64_t id;

	if (lua_type(L, 1) != LUA_TNUMBER)
		return luaL_typeerror(L, 1, "number of seconds");
	luaL_checktype(L, 2, LUA_TFUNCTION);
	seconds = lua_tonumber(L, 1);
	/* Written so that a NaN fails. */
	luaL_argcheck(L,
	    seconds >= (again ? PROGRAM_EVERY_MIN : 0) &&
		seconds <= PROGRAM_SECONDS_MAX,
	    1, "seconds out of range");
	if (p->timers.used >= PROGRAM_TIMERS_MAX)
		return luaL_error(L, "more than %d timers", PROGRAM_TIMERS_MAX);
	delay_ns = (int64_t)(seconds * 1e9);

	/* What can raise comes first. */
	id = ++p->last_id;
	program_push(p, L, PROGRAM_TIMERS);
	lua_pushvalue(L, 2);
	lua_rawseti(L, -2, (lua_Integer)id);
	t = add(p, id, start_ns(p) + delay_ns, again ? delay_ns : 0);
	if (t == NULL) {
		forget(p, L, id);
		return luaL_error(L, "out of memory");
	}
	if (heap_first(&p->deadlines) == &t->item)
		p->ops.rearm(p->ops.arg);
	lua_pushinteger(L, (lua_Integer)id);
	return 1;
}

int
program_after(lua_State *L)
{
	/* Updates have a function of this name, which takes a function. */
	if (lua_isfunction(L, 1) && lua_isfunction(L, lua_upvalueindex(2))) {
		lua_pushvalue(L, lua_upvalueindex(2));
		lua_insert(L, 1);
		lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
		return lua_gettop(L);
	}
	return set(L, 0);
}

int
program_every(lua_State *L)
{
	return set(L, 1);
}

int
program_cancel(lua_State *L)
{
	struct program *p = program_self(L);
	uint64_t id = (uint64_t)luaL_checkinteger(L, 1);
	struct timer *t = find(p, id);
	int first;

	if (t != NULL) {
		first = heap_first(&p->deadlines) == &t->item;
		drop(p, t);
		forget(p, L, id);
		if (first)
			p->ops.rearm(p->ops.arg);
	}
	lua_pushboolean(L, t != NULL);
	return 1;
}

int64_t
program_next_ns(const struct program *p)
{
	const struct heap_item *it = heap_first(&p->deadlines);

	return it != NULL && !p->stopped ? it->deadline_ns : -1;
}

struct due {
	struct program *p;
	uint64_t id;
	int again;
};

static int
run(lua_State *L)
{
	struct due *d = lua_touserdata(L, 1);

	program_push(d->p, L, PROGRAM_TIMERS);
	lua_rawgeti(L, 2, (lua_Integer)d->id);
	if (!d->again)
		forget(d->p, L, d->id);
	lua_call(L, 0, 0);
	return 0;
}

/* Run one that is due. It may cancel itself, so its next turn (the first of
 * its phase that is not past, those missed are not made up for) is settled
 * before. */
static void
run_timer(struct program *p, struct timer *t, int64_t now_ns)
{
	struct due d = {p, t->id, t->period_ns > 0};
	struct buf error = BUF_INIT;
	int64_t late_ns = now_ns - t->item.deadline_ns;

	if (d.again) /* cannot fail: it is in */
		heap_set(&p->deadlines, &t->item,
		    t->item.deadline_ns +
			(late_ns / t->period_ns + 1) * t->period_ns);
	else
		drop(p, t);
	if (program_enter(p, run, &d, &error) != 0)
		program_log_error(p, "timer", &error);
	buf_free(&error);
}

void
program_run_due(struct program *p, int64_t now_ns)
{
	struct heap_item *it;

	if (p->last_ns < now_ns)
		p->last_ns = now_ns;
	for (;;) {
		it = heap_first(&p->deadlines);
		if (it == NULL || it->deadline_ns > now_ns || p->stopped)
			return;
		run_timer(p, (struct timer *)it, now_ns);
	}
}

void
program_free_timers(struct program *p)
{
	struct timer *t;
	size_t at = 0;

	while ((t = map_next(&p->timers, &at)) != NULL)
		drop(p, t);
	map_free(&p->timers);
	heap_free(&p->deadlines);
}
