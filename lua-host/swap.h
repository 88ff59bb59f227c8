#ifndef LUA_HOST_SWAP_H
#define LUA_HOST_SWAP_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/buf.h"
#include "lua-host/places.h"
#include "lua-host/swapmap.h"
#include "lua-host/walk.h"

/*
 * What an update asks for, worked out: which function takes the place of
 * which, which variables of the update are those of the program, and which
 * data it sets.
 *
 * An update queues actions while its text runs; each is a table with `kind`
 * and the fields of its call, checked for type (engine_api.c). A plan reads
 * the queue against a view of the program. It changes nothing but functions
 * of the update. The functions here raise Lua errors that say what is
 * refused.
 */

/* Functions that one change replaces; each costs some hundred bytes. */
#define SWAP_PAIRS_MAX 65536

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
	int instances;      /* empty, weak keys; result: new -> old */
	int counts;         /* empty; results: name, how many instances, ... */
	int notes_table;    /* empty; result: what was set (places_note) */
	int contexts_table; /* empty */
	int undone_notes;   /* 0; when the update is applied again: what it had
			       set, and was undone */
	int wrap;           /* the function that makes hooks (swap_push_wrap) */
	const struct swapmap *view;
	struct walkset *protos; /* of the update's text; modules are added */
	struct swap_joins *joins;
	struct places *places;
	/* Call the function on the top of the stack without arguments, within
	 * the update's limits, for one result; raises an error. */
	void (*call)(lua_State *L, void *arg);
	void *call_arg;
	/* Results. */
	size_t npairs;    /* in pairs */
	struct buf notes; /* lines, escaped: initial values dropped, data set */
	/* Private. */
	lua_State *L;
	size_t ninstances, ncounts;
	struct walkset olds, news; /* of all pairs */
	struct walkset withs;      /* of hooks */
	struct walkset optioned;   /* actions that say anything of variables */
	struct walkset in_force;   /* new functions of pairs made before */
	struct walkset joined;     /* variables joined before */
	struct swap_context *contexts;
	size_t ncontexts, cap_contexts;
	struct walkset context_index;  /* function -> its last context */
	struct walkset first_contexts; /* action -> ..., by next the others */
	struct walkset last_contexts;
	struct swap_var *vars;
	size_t nvars, cap_vars;
	struct walkset var_index;
	struct swap_env *envs;
	size_t nenvs, cap_envs;
	struct walkset env_index; /* function -> its last one */
};

void swap_init(struct swap_plan *p); /* all zero */
void swap_free(struct swap_plan *p);

/*
 * Before swap_make, for an update that is in force in part: the tables at the
 * stack indices pairs, instances (as above) and joined (function of the
 * program, upvalue, ...: what was joined with) are what it has done so far.
 * The rest is worked out as if all came at once.
 */
void swap_go_on(lua_State *L, struct swap_plan *p, int pairs, int instances,
    int joined);

/* Work out the queue and join the update's functions. */
void swap_make(lua_State *L, struct swap_plan *p);

/* Push the function that makes hooks: wrap(with, original). */
void swap_push_wrap(lua_State *L);
/* Which upvalue of the function at f, if it was made by that at wrap, holds the
 * original; 0: it is no hook. */
int swap_hook_original(lua_State *L, int wrap, int f);

/* Look at the action on the top of the stack, which is to wait: raises the
 * errors that are certain to come. Modules that are not loaded may be by
 * then. */
void swap_try(lua_State *L, const struct swapmap *view,
    const struct walkset *protos);

#endif
