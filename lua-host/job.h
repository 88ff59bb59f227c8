#ifndef LUA_HOST_JOB_H
#define LUA_HOST_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

/*
 * Work that blocks, in a copy of this process (lua-host/child.h): fetching,
 * verifying and unpacking a package. This process serves on meanwhile. Lua is
 * not touched there.
 *
 * What the job starts goes with it. It ends when this process does, where the
 * kernel tells of that; else at its deadline.
 */

struct job;

#define JOB_TEXT_MAX                                            \
	1024 /* bytes of the last word: a reason with its names \
	      */

/* How a job ended without its own word. */
#define JOB_DIED 255

/* In the copy: tells how far it is, at most some times a second. */
struct job_pipe {
	int fd;
	int64_t told_ns;
};

void job_tell(struct job_pipe *p, uint64_t so_far);

struct job_spec {
	/* In the copy. Its status (below JOB_DIED) and what it appends to text
	 * are handed to done. */
	int (*body)(void *arg, struct job_pipe *pipe, struct buf *text);
	int64_t deadline_ns; /* from now; it is killed then */
	/* Here, from the loop. May be NULL. */
	void (*progress)(void *arg, uint64_t so_far);
	/* The text is clean lines and lives for the call; the job is gone when
	 * it comes. Once, unless job_cancel is. */
	void (*done)(void *arg, int status, const char *text, size_t len);
	void *arg;
};

/* Fork now. NULL with err: there is no copy, done is not called. */
struct job *job_start(struct loop *loop, const struct job_spec *spec,
    struct err *e);

/* Kill it with all that it started; done is not called. NULL: nothing. */
void job_cancel(struct job *j);

#endif
