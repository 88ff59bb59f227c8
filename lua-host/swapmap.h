#ifndef LUA_HOST_SWAPMAP_H
#define LUA_HOST_SWAPMAP_H

#include <stddef.h>

#include <lua.h>

#include "lua-host/walkset.h"

/*
 * Functions that take the place of others, as a view of the heap: a program
 * that holds `from` is seen as if it held `to` already. Undoing an update,
 * then applying another, are maps laid over one another in the view; the
 * heap is changed once, when all of it is known to work.
 *
 * Functions here that take a lua_State raise Lua errors (memory).
 */
struct places;

struct swapmap {
	int table;            /* its stack index: from, to, from, to ... */
	struct walkset index; /* of a from: which pair, from 0 */
	const void **to;      /* a pair's to */
	size_t len, cap;
	const struct places *data; /* what places hold; or NULL */
	/* Private: pairs with the same to are a list. */
	struct walkset heads; /* of a to: its first pair, or none */
	uint32_t *next;
	struct walkset held; /* see swapmap_hold */
};

void swapmap_free(struct swapmap *m);

/* What is seen as the function at index from, is seen as that at to. */
void swapmap_add(lua_State *L, struct swapmap *m, int from, int to);

/*
 * A hook that is undone has the function at f for its original. Nobody else
 * holds that one, but for calls of the hook that are under way, and those are
 * to go on to it, not into the next hook. swapmap_add_hook is swapmap_add for
 * a to that is a hook: it leaves alone who holds such a function. (For a map
 * by which the heap is changed. In a view all of it is seen as the hook.)
 */
void swapmap_hold(lua_State *L, struct swapmap *m, int f);
void swapmap_add_hook(lua_State *L, struct swapmap *m, int from, int to);

/* The pair whose from this is, or -1. */
int swapmap_find(const struct swapmap *m, const void *from);
/* The pairs with this to, one after the other, in no order: that after the
 * pair (-1: the first), or -1. */
int swapmap_next_to(const struct swapmap *m, const void *to, int pair);

/* Push a pair's function. Need one stack slot, raise nothing. */
void swapmap_push_from(lua_State *L, const struct swapmap *m, size_t pair);
void swapmap_push_to(lua_State *L, const struct swapmap *m, size_t pair);

/* The value on the top of the stack becomes what it is seen as. */
void swapmap_see(lua_State *L, const struct swapmap *m);

#endif
