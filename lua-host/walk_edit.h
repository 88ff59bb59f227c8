#ifndef LUA_HOST_WALK_EDIT_H
#define LUA_HOST_WALK_EDIT_H

#include <lua.h>

#include "lua-host/walk.h"

/* One place to change; between walk.c, sweep.c and walk_commit.c. */

enum walk_kind {
	WALK_FIELD,     /* container[key at extra] */
	WALK_KEY,       /* a key of container, value and all */
	WALK_UPVALUE,   /* upvalue n */
	WALK_USERVALUE, /* user value n */
	WALK_LOCAL,     /* local n of the call at level */
	WALK_SLOT,      /* stack slot n */
	WALK_JOIN,      /* upvalue n becomes another variable */
	WALK_OBJECT,    /* all of an object, but for keys: found by a sweep */
};

struct walk_edit {
	enum walk_kind kind;
	int n, level;
	size_t which;                 /* pair of the map, or join */
	lua_Integer container, extra; /* in the anchors */
	void *object;                 /* found by a sweep, instead of those */
};

/* What walk_skip notes beside an object in seen. */
#define WALK_SKIPPED 1

/* An edit more, all zero but for these. Raises a Lua error when memory runs
 * out; the next call may move it. */
struct walk_edit *walk_add(lua_State *L, struct walk *w, enum walk_kind kind,
    size_t which);
/* The same without Lua: NULL, out of memory. */
struct walk_edit *walk_try_add(struct walk *w, enum walk_kind kind,
    size_t which);

#endif
