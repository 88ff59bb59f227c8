#ifndef LUA_HOST_PLACES_H
#define LUA_HOST_PLACES_H

#include <stddef.h>

#include <lua.h>

#include "lua-host/swapmap.h"
#include "lua-host/walkset.h"

/*
 * Data that a change sets: what each place holds, as the change sees it.
 *
 * A place is a field of a table, an upvalue, or the metatable of a table or
 * userdata. Undoing what an update set and setting it anew happen here; the
 * heap is written once, when all of it is known to work.
 *
 * Functions that take a lua_State raise Lua errors: memory.
 */

enum place_kind { PLACE_FIELD, PLACE_UPVALUE, PLACE_META };

/* In the table, four for each: container, key, value found, value now. */
struct place {
	enum place_kind kind;
	const void *id; /* of the container; of the variable, for upvalues */
	size_t next;    /* 1 + another place with this id; 0: none */
	int added;      /* the field is there by places_add alone */
};

struct places {
	int table; /* its stack index */
	const struct swapmap *view;
	struct place *list;
	size_t len, cap;
	struct walkset index; /* id -> a place */
};

void places_free(struct places *p);

/* The place (made on demand, with what the heap holds, as the view shows
 * it). container and key are stack indices; the key of an upvalue is its
 * number, that of a metatable nil. */
size_t places_find(lua_State *L, struct places *p, enum place_kind kind,
    int container, int key);

/* The value on the top of the stack, which the heap holds there, becomes what
 * it is by now. Raises nothing. */
void places_see(lua_State *L, const struct places *p, enum place_kind kind,
    int container, int key);

/* Push what the place holds now. */
void places_push(lua_State *L, const struct places *p, size_t place);
/* It holds the value at idx from now on. */
void places_put(lua_State *L, struct places *p, size_t place, int idx);

/*
 * To the heap, in two steps. places_add makes the fields that were not there,
 * which needs memory: when it fails they are gone again and an error is
 * raised; places_remove takes them out again. After it places_write raises
 * nothing. Values are written as the map shows them. */
void places_add(lua_State *L, struct places *p);
void places_remove(lua_State *L, struct places *p);
void places_write(lua_State *L, struct places *p);

/*
 * What one update set: some values for each in the table at index notes, with
 * their number at index 0.
 */
void places_note(lua_State *L, const struct places *p, int notes, size_t place,
    int before);
/* Take it back, from the last to the first, where a place still holds what
 * was written. Returns how many were something else by now. */
size_t places_undo(lua_State *L, struct places *p, int notes);

/*
 * When the update whose notes were undone is applied again. What places_undo
 * found at the place to be something else by then stays the program's:
 * places_leave copies the note of it to those at index to and returns 1.
 * places_push_written pushes what the notes had written there; 0: nothing.
 */
int places_leave(lua_State *L, struct places *p, int notes, size_t place,
    int to);
int places_push_written(lua_State *L, struct places *p, int notes,
    size_t place);

/* Put a copy of the notes behind others. */
void places_append(lua_State *L, int to, int from);

/* After places_write, and after functions were changed once more, to the view
 * that the places have now: what still holds what was written holds again
 * what was found. Raises nothing. */
void places_turn_back(lua_State *L, struct places *p);

#endif
