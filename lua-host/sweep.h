#ifndef LUA_HOST_SWEEP_H
#define LUA_HOST_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "lua-host/walk.h"
#include "lua-host/walk_edit.h"

/*
 * The heap walk by the collector's own lists of objects; between walk.c,
 * walk_commit.c and sweep.c; and for the engine, which has marks made.
 *
 * No graph is followed and no set is kept, so that it takes a fraction of a
 * collection's time however the objects hang together. It reads the insides
 * of one release of Lua, and does not compile with another.
 */

/*
 * What walk_collect does, when it can: 1; or 0 when it is to be done the
 * other way: a table has the old and the new function as keys, and who knows
 * whether that table is still in use. The list of edits may have begun then.
 * Raises a Lua error when memory runs out.
 */
int sweep_collect(lua_State *L, struct walk *w);

/*
 * Marks, made ahead: objects so many others apart from each other, so that
 * several threads look through the heap, each from a mark to the next. They
 * are held in a table (the walk's marks), which is all that keeps them right:
 * whatever the program does meanwhile, what it makes lies before the first.
 *
 * sweep_mark goes on from the last one in the table at this index, until about
 * the time deadline_ns (clock_mono_ns), one mark in any case. 1: there is more
 * to do; 0: all are there. Raises a Lua error when memory runs out. Needs two
 * stack slots.
 */
#define SWEEP_STRIDE     ((size_t)1 << 15) /* some tenths of a millisecond */
#define SWEEP_MARKS_MAX  1024 /* of thirty million objects; the rest is one */
/* Objects in which no string was found, until a table is taken. */
#define SWEEP_STRINGLESS 1024
/* As many as a machine with a game on it may have to spare. */
#define SWEEP_THREADS    4
int sweep_mark(lua_State *L, int marks, size_t stride, int64_t deadline_ns);

/* The edit of an object, but for keys. Nothing fails. */
void sweep_edit(lua_State *L, struct walk *w, const struct walk_edit *e);

/* Push the table that a WALK_KEY edit is about. Needs one stack slot. */
void sweep_push_table(lua_State *L, const struct walk_edit *e);

/*
 * Objects that only the edits know may be garbage. While this is held, memory
 * that runs out is not looked for among them. Returns what was before, to be
 * given back.
 */
int sweep_hold(lua_State *L, int hold);

#endif
