#ifndef LUA_HOST_PROGRAM_H
#define LUA_HOST_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "lua-host/state.h"
#include "net/frame.h"

/*
 * What a hosted program sees: the global table "hotfix" with events, timers,
 * log and, through a few callbacks, its peers. No sockets here.
 *
 * On both ends: hotfix.on(event, fn), hotfix.fire(event, ...) (returns how
 * many handlers ran), hotfix.after(seconds, fn), hotfix.every(seconds, fn)
 * (both return a handle for hotfix.cancel(handle), which tells whether there
 * was something to cancel), hotfix.now(), hotfix.log(...), hotfix.args,
 * hotfix.stop([status]), hotfix.proven(). On a host also hotfix.send(client,
 * text), hotfix.broadcast(text), hotfix.clients() (sorted), hotfix.has(client,
 * feature); on a client hotfix.send(text). send and broadcast return true, or
 * false and "not connected" or "too large". In a rehearsal (state_rehearse)
 * both only pretend, and nothing is logged.
 *
 * Wrong arguments raise an error. An error in a handler or a timer is logged
 * with its traceback and goes no further. After hotfix.stop no timer runs any
 * more and the owner ends in order; os.exit is Lua's own and ends the process
 * on the spot, connections and all (but raises an error in an update).
 */

struct program;
struct lua_State;

enum program_side { PROGRAM_HOST, PROGRAM_CLIENT };

/* A program that leaks timers or handlers is told so, long before memory
 * runs out. */
#define PROGRAM_TIMERS_MAX   65536
#define PROGRAM_HANDLERS_MAX 4096 /* of one event */
#define PROGRAM_EVERY_MIN    1e-3 /* seconds; the loop has work to do, too */
#define PROGRAM_SECONDS_MAX  1e9  /* 31 years, far from 2^63 nanoseconds */

#define PROGRAM_MESSAGE_MAX FRAME_BODY_MAX /* a message is one frame */
#define PROGRAM_TOKEN_MAX   4096  /* bytes; a body before login is no longer */
#define PROGRAM_LINE_MAX    1024  /* bytes of one line of log */
#define PROGRAM_LOG_MAX     16384 /* bytes of one hotfix.log, unescaped */

/*
 * None of these may call a function of this header other than
 * program_next_ns: a script is running. On a client broadcast, clients and
 * has are never called.
 */
struct program_ops {
	void *arg;
	/* One line for the log (no LF), escaped, at most PROGRAM_LINE_MAX. */
	void (*log)(void *arg, const char *line);
	/* client NULL on a client: to the host. 0, or -1: not connected. */
	int (*send)(void *arg, const char *client, const void *bytes,
	    size_t len);
	void (*broadcast)(void *arg, const void *bytes, size_t len);
	/* Call each(cookie, id) for every client that is logged in. */
	void (*clients)(void *arg, void (*each)(void *cookie, const char *id),
	    void *cookie);
	/* 1 when the client runs an update of the feature, else 0. */
	int (*has)(void *arg, const char *client, const char *feature);
	/* An event happens, before its handlers run: its name is at this index
	 * of the stack, what lies above are its arguments. Raises nothing and
	 * leaves the stack as it was. May be NULL. */
	void (*fired)(void *arg, struct lua_State *L, int event);
	/* The program says that it runs well. May be NULL. */
	void (*proven)(void *arg);
	/* The earliest timer moved: ask program_next_ns again. Not called for
	 * what program_run_due itself moves. */
	void (*rearm)(void *arg);
};

/* Puts its functions into the global table "hotfix", making it when it is not
 * there. hotfix.after(fn) of an engine (lua-host/engine.h) that was made before
 * stays beside hotfix.after(seconds, fn). NULL: out of memory. The state
 * outlives the program; what a script kept of the functions raises an error
 * from program_free on. */
struct program *program_new(struct state *s, enum program_side side,
    const struct program_ops *ops);
void program_free(struct program *p);

/*
 * Run the script file (a first line that begins with '#' is passed over) with
 * these arguments (hotfix.args, and ... of the chunk); require finds modules
 * beside it. 0, or -1 with err (reading: ERR_LOCAL; an error in it: ERR_NO
 * with its first line, and the log has what follows that, the traceback).
 */
int program_run(struct program *p, const char *path, int argc,
    char *const *argv, struct err *e);

/*
 * Events from outside. Handlers run in the order in which they were set, those
 * set meanwhile not before the next time; one that raises an error is logged
 * with its traceback, the others still run. Strings as arguments; lens NULL:
 * C strings.
 */
void program_event(struct program *p, const char *name, const char *const *args,
    const size_t *lens, size_t nargs);

/* 1 when the event has a handler (or memory does not suffice to tell). */
int program_handles(struct program *p, const char *name);

/*
 * The host's "login" event. Its handlers are asked in order until one returns
 * a string (nil and false: the next is asked): 1 with its bytes appended to
 * token. 0: there is no handler, everyone may come in. -1: refused; none
 * returned a string, or one raised an error, returned something else, an empty
 * string (a key that everybody has) or more than PROGRAM_TOKEN_MAX.
 * The info table has the fields program, version, platform, address (NULL: not
 * told, nil).
 */
int program_login(struct program *p, const char *id, const char *program,
    const char *version, const char *platform, const char *address,
    struct buf *token) __attribute__((warn_unused_result));

/*
 * When the earliest timer is due (clock_mono_ns), -1: none. Run those that
 * are, by deadline, each at most once: a timer that is set meanwhile waits
 * for the next call. Of "every" the phase stays, missed turns are not made up
 * for.
 */
int64_t program_next_ns(const struct program *p);
void program_run_due(struct program *p, int64_t now_ns);

/* 1 after hotfix.stop; *status is the argument of the first (0 by default). */
int program_stopped(const struct program *p, int *status);

#endif
