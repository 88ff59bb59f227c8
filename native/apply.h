#ifndef NATIVE_APPLY_H
#define NATIVE_APPLY_H

#include <stddef.h>
#include <stdint.h>

#include "native/patch.h"

/*
 * Native patches in the process itself: new code is put into pages that the
 * executable has in reserve (native/reserve.h), all threads are halted for
 * some microseconds, and a jump to the new code is written over the entry of
 * each old function. Old calls end in the old code, later ones take the new.
 *
 * This is the one place of the house with a state that is the process's: its
 * code pages are. All functions may be called by any thread, one waits for
 * the other; none of them from a signal handler.
 *
 * What a process has once executed stays as it is in the reserve until the
 * process ends, for a thread may still be in there. So each patch costs pages
 * of its own, a taken off one too. The same patch again (id, code, data, all
 * equal) has its old pages back and costs nothing; its own variables then
 * have the values that they were left with, for a thread may still use them.
 *
 * Halting is by a signal to each thread. System calls that are never
 * restarted (epoll_wait, poll, nanosleep) end with EINTR then, as they do
 * with any signal. A thread that blocks the signal, or waits for it among
 * others (sigwait), calls native_safepoint often, or nothing can be applied.
 * Programs that create threads or processes which share memory by other means
 * than POSIX ones are not supported.
 *
 * A forked child has what its parent had, and may go on from there.
 */

enum native_code {
	NATIVE_OK,
	/* These three are of files; for callers that read them. */
	NATIVE_IO,
	NATIVE_FORMAT,
	NATIVE_CHECKSUM,
	NATIVE_ARCH,     /* for another machine */
	NATIVE_BUILD,    /* for another build of this program */
	NATIVE_MODULE,   /* an address that is not in the program's code */
	NATIVE_DUP,      /* this patch is live: no failure, nothing is to do */
	NATIVE_NEEDS,    /* the patch that it needs is not live */
	NATIVE_SPACE,    /* the reserve, or memory, does not hold it */
	NATIVE_MISMATCH, /* the old code is not what the patch was made for, or
			  * somebody else (a debugger) has changed it */
	NATIVE_RANGE,    /* something is too far away for its instruction */
	NATIVE_PERM,     /* the system does not let code be written */
	NATIVE_BUSY,  /* a thread does not halt, or stays in the first bytes of
		       * an old function: may go well when tried again */
	NATIVE_ORDER, /* a later patch needs it, or lies over it; of its id
		       * another patch is live */
	NATIVE_NOTFOUND, /* no patch of this id is live */
	NATIVE_DISABLED, /* native_init was not called, or said no */
	NATIVE_CODES
};

/*
 * How code is written. In this order: the first leaves the maps of the process
 * as they are, so that crash reports and profilers find their symbols; after
 * the second a page is one of a memfd; the third makes a page writable and
 * executable for a moment.
 */
enum native_method {
	NATIVE_PROC_MEM,  /* "proc-mem": /proc/self/mem */
	NATIVE_PAGE_SWAP, /* "page-swap": a changed copy is mapped in place */
	NATIVE_MPROTECT,  /* "mprotect": only where allow_rwx is set */
	NATIVE_METHODS
};

enum native_park {
	/* Threads are halted when there are any; but not in an emulator
	 * (qemu-user), whose own threads cannot be told from the program's:
	 * the program must be at rest there. */
	NATIVE_PARK_AUTO,
	NATIVE_PARK_ALWAYS,
	/* Never: the caller knows that no other thread is near. */
	NATIVE_PARK_OFF,
};

struct native_options {
	int signal;       /* 0: SIGRTMAX - 3 */
	int64_t bound_ns; /* of waiting for all threads; 0: NATIVE_BOUND_NS */
	enum native_park park;
	int allow_rwx;
	unsigned methods; /* bits 1 << enum native_method; 0: all */
};

/* A loaded machine of two cores took 50 ms, 100 ms were too little. */
#define NATIVE_BOUND_NS INT64_C(1000000000)

#define NATIVE_TEXT 256 /* a sentence that names an id and a function */

struct native_report {
	enum native_code code;
	char id[NATIVE_ID + 1];
	char text[NATIVE_TEXT]; /* one line for people, cut if need be */
	unsigned funcs;         /* switched */
	unsigned threads;       /* other threads that were halted */
	/* Of these, how many were just executing code that is replaced (not:
	 * had it further up on their stack). */
	unsigned inside;
	int64_t load_ns;  /* checks, relocation, loading */
	int64_t pause_ns; /* from the first signal to the release of all */
	size_t code_left, data_left; /* of the reserve, bytes */
};

/*
 * All functions return the code, which stands in the report too (r NULL:
 * nobody wants one). Any but NATIVE_OK: the program runs as it did before.
 */

/*
 * Early in main, when the program runs as the user that it will run as: find
 * the own build-id, try by writing and calling which methods take effect here,
 * install the handler of the signal. Text: "patchable: yes (proc-mem)" or
 * "patchable: no: why" (NATIVE_DISABLED, NATIVE_PERM). Again later: takes the
 * options and tries anew; what is live stays.
 */
enum native_code native_init(const struct native_options *o,
    struct native_report *r);

/* How it is: as native_init, with "; N live; left: code BYTES, data BYTES;
 * build DIGITS". Cheap. */
enum native_code native_status(struct native_report *r);

/*
 * Text: "applied p1: 1 function(s), 712+72 bytes, 3 other threads paused
 * 67 us, load 218 us". All functions of a patch switch at one halt, or none.
 * The patch may be freed afterwards. A patch may be applied from inside of the
 * function that it replaces.
 */
enum native_code native_apply(const struct native_patch *p,
    struct native_report *r);

/* What native_apply would do short of halting anybody: all checks, no change.
 * (A busy thread is not foreseen.) */
enum native_code native_try(const struct native_patch *p,
    struct native_report *r);

/*
 * Back to what was before. Only while no patch that is live and later has one
 * of its functions, or needs it: NATIVE_ORDER, naming both.
 */
enum native_code native_revert(const char *id, struct native_report *r);

/* Live patches in the order in which they came, a line each: "p1: 2
 * functions (damage, heal), 712+72 bytes". Returns their number; each NULL:
 * only counts. each may call anything of these. */
size_t native_list(void (*each)(void *arg, const char *line), void *arg);

int native_is_live(const char *id);

/*
 * Halts the calling thread while threads are halted, else does nothing (one
 * load). For threads that block the signal, and for nobody else.
 */
void native_safepoint(void);

/* "OK", "BUSY" and so on; "proc-mem" and so on. */
const char *native_code_name(enum native_code code);
const char *native_method_name(enum native_method method);

#endif
