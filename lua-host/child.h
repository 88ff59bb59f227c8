#ifndef LUA_HOST_CHILD_H
#define LUA_HOST_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A copy of this process that does one thing, tells by a pipe how it went, and
 * ends: what rehearsals (lua-host/rehearse.h) and jobs (lua-host/job.h) have in
 * common.
 *
 * In the copy every descriptor but the pipe's end is /dev/null: sockets would
 * be kept open, locks held, files read from. Signals are as in a fresh
 * process. It ends by _exit, so that nothing of this process is done twice.
 *
 * For processes of one thread whose memory is their own. SIGCHLD must not be
 * ignored, and nobody else may wait for any child.
 */

struct child {
	pid_t pid;
	int fd;      /* the end we read, non-blocking */
	int theirs;  /* the end the copy writes */
	int nowhere; /* /dev/null */
	int leads;   /* it leads a process group of its own */
};

#define CHILD_INIT               \
	{                        \
		0, -1, -1, -1, 0 \
	}

/* The descriptors, so that fd can be watched before there is a child. 0, or
 * -1 with errno set and nothing open. */
int child_open(struct child *c);

/*
 * Fork; body(arg, fd) runs in the copy, what it returns is the exit status.
 * leads: what it starts goes with it, when child_end ends it and (where the
 * kernel tells of that) when this process ends without a word. 0, or -1 with
 * errno set: child_end is still to be called.
 */
int child_fork(struct child *c, int leads, int (*body)(void *arg, int fd),
    void *arg);

/* Kill it if it lives, close what is open, wait until the kernel has taken it
 * apart. The status of waitpid, -1: none. Fine after CHILD_INIT. */
int child_end(struct child *c);

/* " (killed)" and the like for a signal, or "". */
const char *child_signal_name(int number);

#endif
