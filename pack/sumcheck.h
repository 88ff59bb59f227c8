#ifndef PACK_SUMCHECK_H
#define PACK_SUMCHECK_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/md5.h"

/*
 * Do many files have the MD5 that a list says? They are read on several
 * threads and each of these hashes as many at a time as crypto/md5_lanes.h
 * can, so that a tree takes a quarter of the time of one file after the other.
 * Memory does not depend on the files' sizes.
 */

enum sum_result {
	SUM_OK,
	SUM_FAILED, /* read, and it is another one */
	SUM_MISSING /* not opened, no regular file, or not read to its end */
};

struct sumcheck_entry {
	const char *name; /* relative to the folder, or absolute */
	uint8_t md5[MD5_SIZE];
};

struct sumcheck_spec {
	int dir_fd; /* an open folder, or AT_FDCWD */
	int follow; /* 1: through symbolic links, as md5sum(1) does; 0: not at
		     * the end of a name and not on the way there */
	const struct sumcheck_entry *entries;
	size_t n;
	unsigned threads; /* 0: as many as there are processors, at most 8 */
	/* Called for every entry, in their order, by the thread that called
	 * sumcheck_run, as soon as it is known. errnum: why it is missing; 0:
	 * it is no regular file. */
	void (*each)(void *arg, size_t index, enum sum_result r, int errnum);
	void *arg;
	const volatile sig_atomic_t *stop; /* ends it when set; or NULL */
};

/* 0: every entry was told. 1: stopped before. -1: no memory, before any. */
int sumcheck_run(const struct sumcheck_spec *s, struct err *e);

#endif
