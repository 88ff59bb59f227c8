#ifndef LUA_HOST_WIRE_H
#define LUA_HOST_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lua-host/engine.h"
#include "lua-host/hotfix.h"
#include "lua-host/program.h"
#include "net/loop.h"
#include "peer/attach.h"
#include "peer/result.h"

/*
 * What both ends of hotfix.h have: a program in a Lua state with the updates
 * in force in it, its timers in the loop, its log. Nobody else includes this.
 */

struct hotfix_loop {
	struct loop *loop;
	struct attach *attach;
	struct loop_reader *readers;
};

/* Fill e (NULL: nobody cares) from err. */
void wire_error(struct hotfix_error *e, const struct err *err);

struct wire {
	struct loop *loop;
	struct loop_timer timer; /* the program's earliest */
	void (*log)(void *arg, const char *line);
	void *log_arg;
	/* NULL, all three, where no program is run */
	struct state *state;
	struct engine *engine;
	struct program *program;
	struct engine_report report; /* of the latest change */
};

void wire_init(struct wire *w, struct hotfix_loop *l,
    void (*log)(void *arg, const char *line), void *arg);
/* A state, and the script run in it. ops' log and rearm are to call the two
 * below. 0, or -1 with err. */
int wire_run(struct wire *w, enum program_side side,
    const struct program_ops *ops, const char *script, int argc,
    char *const *argv, struct err *e);
void wire_end(struct wire *w); /* fine after wire_init alone */

void wire_log(struct wire *w, const char *line);
void wire_rearm(struct wire *w);

/* engine_change, in the protocol's words; the report's text lives until the
 * next change. */
enum result wire_change(struct wire *w, const uint64_t *drop, size_t ndrop,
    uint64_t id, const char *feature, const void *part, size_t len);

/* The program's event, when there is a program; NULL ends the arguments. */
void wire_event(struct wire *w, const char *event, const char *a, const char *b,
    const char *c);
void wire_updated(struct wire *w, uint64_t id, const char *feature,
    const char *result);
/* 1 when the program called hotfix.stop. */
int wire_stopped(const struct wire *w, int *status);

#endif
