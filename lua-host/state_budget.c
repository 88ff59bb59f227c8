/*
 * The budget of a state: instructions and wall time by one debug hook,
 * memory by the allocator's cap.
 *
 * The count hook measures. The call hook reads the clock before each C
 * function, since one can take as long as all instructions between two
 * counts. It also looks for those that are about to run another coroutine
 * (their first argument or first upvalue is a thread: resume, close, what
 * wrap made) and puts the hook there too, so that coroutines which existed
 * before count as well; those that are made meanwhile inherit it. Once over,
 * the hook is armed for every instruction, so that code which catches the
 * error gets no further.
 *
 * A program that lives just below the cap makes Lua collect all garbage again
 * and again: the clock is read there as well, and past the deadline there is
 * no more memory until the hook comes by.
 *
 * Out of reach: one long call of a C function, finalizers and message
 * handlers of xpcall that run inside the hook (Lua has hooks off in both).
 */

#include "lua-host/state_impl.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>

#define HOOK_MASK (LUA_MASKCOUNT | LUA_MASKCALL)

/* Instructions. One can take some 10 ms, where it puts together or compares
 * strings of all the memory there is; most of them take nanoseconds, of which
 * the hook then adds few. */
#define HOOK_EVERY 100

/* Once over, memory for what tells so: message and traceback. */
#define LAST_MEMORY ((size_t)64 << 10)

static void hook(lua_State *L, lua_Debug *ar);

static void
put_back(const struct budget_aside *a)
{
	lua_sethook(a->L, a->hook, a->mask, a->count);
}

static void
note(struct budget_aside *a, lua_State *L)
{
	a->L = L;
	a->hook = lua_gethook(L);
	a->mask = lua_gethookmask(L);
	a->count = lua_gethookcount(L);
}

/* A coroutine is about to be resumed. Its own hook, if any, is noted; the
 * budget's takes itself off when it finds no budget. */
static void
enter(struct state *s, lua_State *L, lua_State *co)
{
	struct budget *b = &s->budget;
	struct budget_aside *more;
	size_t n;

	if (lua_gethook(co) == hook)
		return;
	if (lua_gethook(co) != NULL) {
		if (b->naside == b->cap_aside) {
			n = b->cap_aside > 0 ? 2 * b->cap_aside : 8;
			more = realloc(b->aside, n * sizeof *more);
			if (more == NULL)
				luaL_error(L, "not enough memory");
			b->aside = more;
			b->cap_aside = n;
		}
		if (!lua_checkstack(L, 3) || !lua_checkstack(co, 1))
			luaL_error(L, "stack overflow");
		lua_rawgetp(L, LUA_REGISTRYINDEX, b);
		lua_pushthread(co);
		lua_xmove(co, L, 1);
		lua_rawsetp(L, -2, co);
		lua_pop(L, 1);
		note(&b->aside[b->naside++], co);
	}
	lua_sethook(co, hook, HOOK_MASK, HOOK_EVERY);
}

static void
end_within(struct state *s, enum state_over over)
{
	s->budget.over = over;
	alloc_set_cap(&s->alloc, s->alloc.used + LAST_MEMORY);
}

static void
check_clock(struct state *s)
{
	if (clock_mono_ns() > s->budget.deadline_ns)
		end_within(s, STATE_OVER_TIME);
}

void
state_budget_refused(struct state *s)
{
	const struct budget *b = &s->budget;

	if (b->on && b->over == STATE_WITHIN)
		check_clock(s);
}

static void
on_call(struct state *s, lua_State *L, lua_Debug *ar)
{
	lua_State *co = NULL;

	lua_getinfo(L, "f", ar);
	if (lua_iscfunction(L, -1)) {
		check_clock(s);
		if (lua_getlocal(L, ar, 1) != NULL) {
			co = lua_tothread(L, -1);
			lua_pop(L, 1);
		}
		if (co == NULL && lua_getupvalue(L, -1, 1) != NULL) {
			co = lua_tothread(L, -1);
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
	if (co != NULL && co != L)
		enter(s, L, co);
}

const char *
state_over_text(const struct state *s, enum state_over over,
    char out[STATE_OVER_TEXT])
{
	const struct budget *b = &s->budget;
	const char *unit = "ms";
	uint64_t n = (uint64_t)b->limits.wall_ns / 1000000;

	if (over == STATE_OVER_MEMORY) {
		n = b->limits.memory;
		unit = "bytes";
	} else if (b->used > b->limits.instructions) {
		n = b->limits.instructions;
		unit = "instructions";
	}
	snprintf(out, STATE_OVER_TEXT, "over the budget of %" PRIu64 " %s", n,
	    unit);
	return out;
}

static int
stop(lua_State *L, const struct state *s)
{
	char text[STATE_OVER_TEXT];
	lua_Debug at;
	int level = 0;

	lua_sethook(L, hook, HOOK_MASK, 1);
	/* C functions have no lines: that of the one which called them. */
	while (lua_getstack(L, level, &at) && lua_getinfo(L, "l", &at) &&
	       at.currentline < 0)
		level++;
	luaL_where(L, level);
	lua_pushstring(L, state_over_text(s, s->budget.over, text));
	lua_concat(L, 2);
	return lua_error(L);
}

static void
hook(lua_State *L, lua_Debug *ar)
{
	struct state *s = state_of(L);
	struct budget *b = &s->budget;

	if (!b->on) {
		lua_sethook(L, NULL, 0, 0);
		return;
	}
	if (b->over == STATE_WITHIN && alloc_over(&s->alloc))
		end_within(s, STATE_OVER_MEMORY);
	if (b->over == STATE_WITHIN) {
		if (ar->event != LUA_HOOKCOUNT) {
			on_call(s, L, ar);
		} else {
			b->used += (uint64_t)lua_gethookcount(L);
			if (b->used > b->limits.instructions)
				end_within(s, STATE_OVER_TIME);
			else
				check_clock(s);
		}
	}
	if (b->over != STATE_WITHIN)
		stop(L, s);
}

void
state_begin_budget(struct state *s, lua_State *L,
    const struct state_limits *limits)
{
	struct budget *b = &s->budget;
	size_t used = s->alloc.used;

	b->limits = *limits;
	b->over = STATE_WITHIN;
	b->used = 0;
	b->deadline_ns = clock_mono_ns() + limits->wall_ns;
	b->on = 1;
	alloc_set_cap(&s->alloc, limits->memory < SIZE_MAX - used
				     ? used + limits->memory
				     : SIZE_MAX);
	note(&b->first, L);
	lua_sethook(L, hook, HOOK_MASK,
	    limits->instructions < HOOK_EVERY ? (int)limits->instructions + 1
					      : HOOK_EVERY);
}

void
state_renew_budget(struct state *s)
{
	struct budget *b = &s->budget;

	if (b->over != STATE_WITHIN)
		return;
	b->used = 0;
	b->deadline_ns = clock_mono_ns() + b->limits.wall_ns;
}

enum state_over
state_end_budget(struct state *s)
{
	struct budget *b = &s->budget;
	lua_State *L = b->first.L;

	b->on = 0;
	if (b->over == STATE_WITHIN && alloc_over(&s->alloc))
		b->over = STATE_OVER_MEMORY;
	alloc_set_cap(&s->alloc, SIZE_MAX);
	lua_rawgetp(L, LUA_REGISTRYINDEX, b);
	while (b->naside > 0) {
		b->naside--;
		put_back(&b->aside[b->naside]);
		lua_pushnil(L);
		lua_rawsetp(L, -2, b->aside[b->naside].L);
	}
	lua_pop(L, 1);
	if (b->first.hook == hook) /* of a coroutine made under a budget */
		lua_sethook(L, NULL, 0, 0);
	else
		put_back(&b->first);
	return b->over;
}
