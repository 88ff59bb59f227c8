#ifndef LUA_HOST_WALK_EDIT_H
#define LUA_HOST_WALK_EDIT_H

#include <lua.h>

/* One place to change; between walk.c and walk_commit.c. */

enum walk_kind {
	WALK_FIELD,     /* container[key at extra] */
	WALK_KEY,       /* a key of container, value and all */
	WALK_UPVALUE,   /* upvalue n */
	WALK_USERVALUE, /* user value n */
	WALK_LOCAL,     /* local n of the call at level */
	WALK_SLOT,      /* stack slot n */
	WALK_JOIN,      /* upvalue n becomes another variable */
};

struct walk_edit {
	enum walk_kind kind;
	int n, level;
	size_t which;                 /* pair of the map, or join */
	lua_Integer container, extra; /* in the anchors */
};

#endif
