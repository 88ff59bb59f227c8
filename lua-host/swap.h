#ifndef LUA_HOST_SWAP_H
#define LUA_HOST_SWAP_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/buf.h"
#include "lua-host/swapmap.h"
#include "lua-host/walk.h"

/*
 * What an update asks for, worked out: which function takes the place of
 * which, and which variables of the update are those of the program.
 *
 * An update queues actions while its text runs; each is a table with `kind`
 * and the fields of its call, checked for type. A plan reads the queue
 * against a view of the program. It changes nothing but functions of the
 * update. The functions here raise Lua errors that say what is refused.
 */

/* An update names its targets one by one; this many is a mistake. */
#define SWAP_PAIRS_MAX 4096

/* Variables joined in one change, by all of its updates. */
struct swap_joins {
	int table; /* stack index: old function, holder, ... */
	struct walkset index;
	struct walk_join *joins;
	size_t len, cap;
};

void swap_joins_free(struct swap_joins *j);

struct swap_context;
struct swap_var;
struct swap_env;

struct swap_plan {
	/* Set by the caller: stack indices of tables, sets. */
	int queue;          /* of actions */
	int pairs, labels;  /* empty; results: old, new, ... and their names */
	int contexts_table; /* empty */
	const struct swapmap *view;
	const struct walkset *protos; /* of the update's text */
	struct swap_joins *joins;
	/* Results. */
	size_t npairs;
	struct buf notes; /* lines, escaped: initial values dropped */
	/* Private. */
	lua_State *L;
	struct walkset olds, news; /* of the pairs */
	struct swap_context *contexts;
	size_t ncontexts, cap_contexts;
	struct swap_var *vars;
	size_t nvars, cap_vars;
	struct walkset var_index;
	struct swap_env *envs;
	size_t nenvs, cap_envs;
};

void swap_init(struct swap_plan *p); /* all zero */
void swap_free(struct swap_plan *p);

/* Work out the queue and join the update's functions. */
void swap_make(lua_State *L, struct swap_plan *p);

#endif
