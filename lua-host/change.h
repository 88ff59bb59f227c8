#ifndef LUA_HOST_CHANGE_H
#define LUA_HOST_CHANGE_H

#include "lua-host/engine_impl.h"
#include "lua-host/swap.h"
#include "lua-host/walk.h"

/*
 * Inside of one step of the engine (engine_step), for engine_change.c and
 * change_*.c alone.
 *
 *	engine_change.c	the step: its lists, its order, its end
 *	change_run.c	texts are run and queue what they want
 *	change_plan.c	what that changes, in a view of the program
 *	change_record.c	what is remembered of an entry
 *	change_walk.c	what the walk looks at beside the program
 *	change_after.c	functions that run when it is done; turning back
 *	change_report.c	what is told of it
 *
 * Functions that take W and a step run within its body: they raise Lua errors,
 * leave W's stack as it was unless it is said, and find the step's tables where
 * struct change tells. Those with a step alone run outside and raise nothing.
 */

/* One entry that is worked out in this step. */
struct change_run {
	struct engine_entry *entry;
	int group; /* what of it is due, beside what is in force of it */
	int again; /* it was in force before: another update changes below */
	lua_Integer serial;
	int used_api;
	size_t npending; /* actions that wait from now on */
	struct walkset protos;
	struct swap_plan plan;
};

struct change {
	struct engine *e;
	struct engine_report *report;
	const struct engine_step *step;
	struct engine_entry *fresh; /* the one that the report is about */
	struct engine_entry **next; /* the list as it is to be */
	size_t nnext;
	size_t low; /* what lies from here on in the old list is undone */
	struct change_run *runs;
	size_t nruns;
	const struct change_run *at; /* the one that is being worked out */
	enum engine_result failure;
	int told;    /* the report has the reason */
	int nothing; /* nothing was due */
	int plain_gone;
	int collector_ran;
	struct swapmap view; /* the program as it is to be */
	struct swapmap map;  /* by which it is changed */
	struct swap_joins joins;
	struct places places;
	struct walk walk;
	struct buf said; /* the report, while functions run afterwards */
	/* Stack indices of W: the engine's table, the records in it, the
	 * function that wraps; tables with an element for each run: its main
	 * functions, its queue, new pairs, their names, new instances, their
	 * counts, what it set. */
	int own, records, wrap, mains, queues, pairs, labels, instances, counts,
	    notes;
};

/* In the table ENGINE_CHANGE, until the step is over. The view's table keeps
 * instances that nobody else has while the step may be turned back. */
enum {
	KEPT_PAIRS = 1,
	KEPT_INSTANCES,
	KEPT_PLACES,
	KEPT_VIEW,
	KEPT_SLOTS = KEPT_VIEW
};

/* --- engine_change.c --- */

/* 1 when the entry is in the list that is to be. */
int change_stays(const struct change *c, const struct engine_entry *en);
/* 1 for what the report is about, and for its first text. */
int change_is_fresh(const struct change *c, const struct engine_entry *en);
/* Push one of the tables that are kept until the step is over: 1, or 0 with
 * another value pushed: the step came not so far. Raises nothing. */
int change_push_kept(struct change *c, int which);
/* The collector goes on, if it ran before the step: the program's code may run
 * again. */
void change_wake_collector(struct change *c);

/* --- change_run.c --- */

/* Run the text of runs[i], keep its main function and queue. 0, or -1 with
 * the reason in the report. */
int change_run_text(lua_State *W, struct change *c, size_t i);
/* The same for a group that is due: no text is run, it was queued when its
 * update came. */
void change_take_group(lua_State *W, struct change *c, size_t i);

/* --- change_plan.c --- */

/* Lay the pairs of the two tables on the top in the view and in the map, or
 * with undo their inverse: old and new in turns, and new -> old. Both tables
 * are taken. */
void change_lay(lua_State *W, struct change *c, int undo);
/* Lay the inverse of what an entry in force did, and tell when values that it
 * set stay. Nothing for one that waits as a whole. */
void change_undo(lua_State *W, struct change *c, const struct engine_entry *en);
/* Plan the queue of runs[i], lay its pairs, keep its new record. */
void change_plan(lua_State *W, struct change *c, size_t i);

/* --- change_record.c --- */

/* Push the record's pairs and its instances, for change_lay. */
void change_push_pairs(lua_State *W, const struct engine *e,
    lua_Integer serial);
/* Push a new weak table: its keys go when nothing else holds them. */
void change_push_weak(lua_State *W);
/* Push a new record, with all of its tables. */
void change_new_record(lua_State *W);
/* The record at this index begins as a copy of that of the serial, of which a
 * group is due. */
void change_copy_record(lua_State *W, struct change *c, lua_Integer serial,
    int record);
/* Add to the record what was made for runs[i]. */
void change_add_to_record(lua_State *W, struct change *c, size_t i, int record);
/* Keep in the record which of an update's variables are the program's, from
 * joins[first] on: while actions of it wait. */
void change_note_joins(lua_State *W, struct change *c, size_t first,
    int record);
/* How many functions the record has for afterwards, or for a rollback. */
size_t change_count_functions(struct change *c, lua_Integer serial,
    enum engine_record which);
/* Take a record out, or those that the step made. They raise nothing, since
 * what they write to is there. */
void change_remove_record(struct engine *e, lua_Integer serial);
void change_remove_new_records(struct change *c);

/* --- change_walk.c --- */

/* Look for every reference that the map changes; c->walk has them then, and
 * tables of it lie on W's stack from here on. */
void change_collect(lua_State *W, struct change *c);

/* --- change_after.c --- */

/* The functions that the fresh update wants to be run once it is in force. 0;
 * -1: one failed, and nothing is changed any more; 1: one failed, and all of
 * it had to stay. */
int change_after(struct change *c);
/* The functions that are run when the entry of this record is taken back. What
 * goes wrong is told, and changes nothing. */
void change_rollback(struct change *c, lua_Integer serial);

/* --- change_report.c --- */

/* Added to messages about an update that was not asked for by name. */
const char *change_again(const struct change_run *r);
/* What is going to be done, when all of it is known. */
void change_report(lua_State *W, struct change *c);
/* The error on the top of the engine's stack becomes the report, and is taken.
 * Raises nothing. */
void change_tell(struct change *c);

#endif
