#ifndef LUA_HOST_WATCHDOG_H
#define LUA_HOST_WATCHDOG_H

#include <stddef.h>
#include <stdint.h>

/*
 * Somebody who still speaks when the program does not come back.
 *
 * Nothing inside of Lua can stop one long call of a C function or a finalizer
 * without end, and an engine cannot be forked to try an update first. A thread
 * of its own watches the time: past the deadline it sends a few bytes, a whole
 * frame, on the connection that the standing thread cannot use.
 */

struct watchdog;

/* The thread begins with the first watch. NULL: out of memory. */
struct watchdog *watchdog_new(void);
/* Waits for the thread. */
void watchdog_free(struct watchdog *w);

/*
 * From now until watchdog_disarm: when wall_ns pass first, the bytes (copied)
 * are sent on fd, once and without waiting. No other bytes may be under way
 * there, and fd must stay open. 0, or -1: no memory or no thread, and nobody
 * watches.
 */
int watchdog_arm(struct watchdog *w, int fd, const void *bytes, size_t len,
    int64_t wall_ns);
/* 1 when it has spoken. */
int watchdog_disarm(struct watchdog *w);

#endif
