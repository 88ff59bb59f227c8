#ifndef NATIVE_PARK_H
#define NATIVE_PARK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Halt all other threads of the process, look where each of them is, let them
 * go on. By a signal: its handler waits until it is over. One caller at a
 * time, which is the process's matter like the signal is.
 *
 * Between park_halt and park_release the caller has all signals blocked, and
 * must neither allocate, nor use stdio, nor take locks: a halted thread may
 * have any of them (native/own.h).
 */

/* As many as one program has; their places take 128 KiB. */
#define PARK_THREADS 4096

/* A signal's frame begins with what was interrupted; handlers need little. */
#define PARK_STACK 8192

enum park_result {
	PARK_OK,
	PARK_LATE,  /* a thread (park_late) did not halt in time */
	PARK_MANY,  /* more than PARK_THREADS */
	PARK_BLIND, /* the list of threads cannot be read, or the signal's
		     * handler is no longer ours */
};

/*
 * Install the handler, make sure that the own threads can be listed. 0, or -1:
 * the signal has another handler, or /proc does not show this process.
 */
int park_init(int signal, struct err *e);

/* Until deadline_ns (clock_mono_ns). What is not PARK_OK has changed nothing,
 * and all threads run. */
enum park_result park_halt(int64_t deadline_ns);
void park_release(void);

/* After PARK_OK, of the threads that are halted: how many, and where the i-th
 * goes on (0: in park_wait). */
size_t park_count(void);
uintptr_t park_pc(size_t i);
void park_set_pc(size_t i, uintptr_t pc);
/* What is on top of its stack, where the first PARK_STACK bytes have what a
 * handler of the program, if it is in one, goes back to. Words; how many (0:
 * the system lets no stack be read). Until the next call. */
size_t park_stack(size_t i, const uintptr_t **words);

/* After PARK_LATE: which one. */
int park_late(void);

/* Halts the caller while threads are halted; one that blocks the signal. */
void park_wait(void);

/* All processors that run the process see code as it is now. */
void park_sync(void);

/* In a forked child: nobody is halted, whatever its parent was about. */
void park_forget(void);

#endif
