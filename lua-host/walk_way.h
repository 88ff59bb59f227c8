#ifndef LUA_HOST_WALK_WAY_H
#define LUA_HOST_WALK_WAY_H

/* How references are looked for: walk.h has what that means. */
enum walk_way {
	WALK_SWEEP, /* through the collector's lists of objects */
	WALK_API,   /* by following them, with Lua's public API */
};

#endif
