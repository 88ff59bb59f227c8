#ifndef LUA_HOST_SWAP_IMPL_H
#define LUA_HOST_SWAP_IMPL_H

#include "lua-host/swap.h"

/*
 * Within swap*.c: a plan in the making.
 *
 *	swap.c		contexts, variables: what is joined, what stays
 *	swap_action.c	what each action asks for
 *	swap_module.c	a module's new source beside its living tables
 *
 * A context is a function of the update together with the one of the program
 * that its variables are looked up in: a replacement with what it replaces,
 * or a helper that only the update has with what its user replaces. A
 * function that is new in a module has none: its variables are looked up in
 * all functions of the module that are replaced.
 */

/* In the table of contexts, three for each: function, old one, label. */
struct swap_context {
	const void *f, *old; /* old NULL: none, see above */
	const void *live;    /* what is replaced; old itself, or a hook on it */
	lua_Integer action;
	int helper;   /* not a replacement itself */
	int in_place; /* old is what the action's target named */
	int module;   /* it came with a module: tables are merged */
	int visited;
	size_t next; /* 1 + the next one of this action, or 0 */
	size_t same; /* 1 + one before it with the same function, or 0 */
};

struct swap_context_spec {
	int f, old;       /* stack indices; old 0: none */
	const void *live; /* NULL: old */
	lua_Integer action;
	int helper, in_place, module;
};

/* The label is on the top and is taken. */
void swap_add_context(struct swap_plan *p, const struct swap_context_spec *s);

/* A replacement: new for live, with variables as of s->old. The label is on
 * the top and is taken. An instance is kept apart, so that it can go when the
 * program lets go of it. */
void swap_add_pair(struct swap_plan *p, int new, int live,
    const struct swap_context_spec *s, int instance);

const char *swap_label(struct swap_plan *p, size_t context);
/* What a wrapper of ours wraps, through all of them; pushes one value. */
void swap_push_base(struct swap_plan *p, int f);
/* The function that the hook at f calls is used for no other. */
void swap_note_hook(struct swap_plan *p, int f);

/* Push action[field]; returns its type. */
int swap_push_field(struct swap_plan *p, lua_Integer action, const char *field);
/* 1 when action[field] has the name, which then was of use. */
int swap_has_option(struct swap_plan *p, lua_Integer action, const char *field,
    const char *name);

/* A value in words, clean: of the program (its table) or of the update. */
#define SWAP_SHOWN_MAX 64
const char *swap_show(lua_State *L, int idx, int of_program);
/* A line for the report: "where: name keeps 15, the update's 1.5 is dropped",
 * and how to change it. name NULL: where says it all; target NULL: no way. */
void swap_note_dropped(struct swap_plan *p, const char *where, const char *name,
    const char *target, int v, int live);

/* swap_action.c */
void swap_plan_action(struct swap_plan *p, lua_Integer action);
/* The place holds the value at v from now on, and this update is to blame. An
 * update that is applied again leaves what the program has changed since, and
 * writes what it had written, not what it may have worked out from that. */
void swap_set_place(struct swap_plan *p, size_t place, int v);

/* swap_module.c */
void swap_plan_module(struct swap_plan *p, lua_Integer action);
/* The table at v, if the module's source made it, goes into the living one at
 * live (0: it is new as a whole, and only its functions are looked at). */
void swap_merge(struct swap_plan *p, lua_Integer action, int live, int v,
    const char *label);

#endif
