#ifndef LUA_HOST_REHEARSE_H
#define LUA_HOST_REHEARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lua-host/engine.h"
#include "lua-host/state.h"
#include "net/loop.h"

/*
 * An update tried in a copy of this process, before it is applied here.
 *
 * No bound inside a process stops one long call of a C function, an endless
 * finalizer or a crash. So the process forks, the copy does to its copy of
 * the live state what is to be done here, collects all garbage (finalizers
 * run), and tells by a pipe how it went. What hangs, crashes or eats memory
 * there was never done here.
 *
 * In the copy every descriptor but that pipe is /dev/null, signals are as in
 * a fresh process, and the state pretends (state_rehearse): what would change
 * the world is not done but listed, and os.exit or reading a file that was
 * opened before is a refusal. A file that was written in the rehearsal cannot
 * be read back there; hotfix.rehearsing tells a script why.
 *
 * What is rehearsed is trusted not to lie: a signed update that means to can
 * say that it went well. It can do no more than that to the process here.
 *
 * For processes of one thread whose memory is their own: what is mapped
 * shared is shared with the copy, too.
 */

struct rehearsal;

struct rehearse_limits {
	int64_t wall_ns; /* from fork to end; the copy is killed then */
	unsigned cpu_s;  /* seconds of processor time, at least 1 */
	size_t memory;   /* bytes, see below */
};

/* A text of an update has 1 s for itself. The walk and the collection, in
 * pages that are copied as they are touched, take some 1.5 s for a million
 * objects on a busy machine: this is for a few million. */
#define REHEARSE_CPU_S   10
/* With others at work; and how long the collector here may stand. */
#define REHEARSE_WALL_NS INT64_C(20000000000)
/*
 * Address space of the copy beyond twice what is mapped at the fork (the walk
 * may need as much again): STATE_MEMORY for some updates one after the other.
 * Also what finalizers may take. The limit of address space is not set under
 * the sanitizers, whose mappings are beyond measure, nor where there is no
 * /proc to ask.
 */
#define REHEARSE_MEMORY  ((size_t)256 << 20)

struct rehearse_answer {
	/*
	 * What the body returned in the copy. FAILED too: it was refused, or
	 * the copy crashed or ended without an answer. HUNG too: past its
	 * time or memory, or killed from outside (as when the machine runs
	 * out of memory).
	 *
	 * PARTIAL of an update that was to enter is a failure of plain code
	 * in the copy: here nothing has run.
	 */
	enum engine_result result;
	/* The body's report, or the reason; then a line for each call that was
	 * only pretended, from text + own on (own == len: none). Escaped, LF
	 * after each line, and a NUL that len does not count. */
	char text[ENGINE_REPORT_MAX + 1];
	size_t len, own;
	int64_t took_ns;  /* from fork to end */
	int64_t stall_ns; /* of it the process here stood still, to fork */
};

/*
 * Fork now; body(arg, report) runs in the copy, and what it does to memory
 * stays there. It must not touch the loop. limits NULL: those above.
 *
 * This process goes on, with the state's garbage collector stopped so that it
 * does not copy every page; that ends before done(done_arg, answer) is called
 * from the loop, once. The answer lives for that call, the rehearsal is gone
 * when it comes. The state and the loop outlive the rehearsal. SIGCHLD must
 * not be ignored, and nobody else may wait for any child.
 *
 * NULL with err: there is no copy, done is not called.
 */
struct rehearsal *rehearse_start(struct loop *loop, struct state *s,
    const struct rehearse_limits *limits,
    enum engine_result (*body)(void *arg, struct engine_report *report),
    void *arg,
    void (*done)(void *done_arg, const struct rehearse_answer *answer),
    void *done_arg, struct err *e);

/* Kill the copy, done is not called. Waits until the kernel has taken it
 * apart, which is about as long as the fork took. NULL: nothing. */
void rehearse_cancel(struct rehearsal *r);

/* The same while the caller waits. 0 with *out; -1: there is no copy. */
int rehearse_wait(struct state *s, const struct rehearse_limits *limits,
    enum engine_result (*body)(void *arg, struct engine_report *report),
    void *arg, struct rehearse_answer *out, struct err *e);

#endif
