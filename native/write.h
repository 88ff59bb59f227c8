#ifndef NATIVE_WRITE_H
#define NATIVE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "native/apply.h"

/*
 * Writing to code that is mapped to be read and executed. A writer is made
 * ready beforehand, with all that may fail or allocate; running it is then a
 * few system calls, fit for the time when threads are halted.
 */

struct write_job {
	uintptr_t at;
	const uint8_t *bytes; /* must live until the writer ran */
	size_t len;
};

#define WRITE_JOBS NATIVE_FUNCS

struct writer {
	enum native_method method;
	int fd; /* -1: the method needs none */
	const struct write_job *jobs;
	size_t njobs;
	/* The pages of the jobs, in order, each once. */
	struct write_run {
		uintptr_t at;
		size_t len;
		size_t file_at; /* in the memfd */
	} runs[WRITE_JOBS];
	size_t nruns;
};

/*
 * n is at most WRITE_JOBS, no two jobs meet. The bytes around the jobs must
 * not change before the writer runs. 0, or -1 with errno; a writer that was
 * not opened may be closed.
 */
int writer_open(struct writer *w, enum native_method method,
    const struct write_job *jobs, size_t n);

/* 0: all is written and what is executed from now on is that, but for other
 * threads' processors (park_sync). -1: perhaps some of the jobs. */
int writer_run(struct writer *w);
void writer_close(struct writer *w);

#define WRITER_INIT                    \
	{                              \
		.method = 0, .fd = -1, \
	}

#endif
