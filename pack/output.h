#ifndef PACK_OUTPUT_H
#define PACK_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/md5.h"
#include "pack/digests.h"

/* A file written from its first byte to its last, with what is worked out of
 * all its bytes meanwhile (pack/digests.h). */
struct output {
	int fd;
	const char *shown;
	struct digests *digests;
	uint8_t *bytes; /* in digests */
	size_t used;
	uint64_t len; /* of the file so far */
	/* Of what was written; NULL: nobody asks. It is worked out by who
	 * writes, since two MD5 of the same are as fast as one. */
	struct md5 *md5;
	/* Called with len, each time there is more in the file; or NULL. */
	void (*written)(void *arg, uint64_t so_far);
	void *arg;
};

int output_open(struct output *o, int fd, const char *shown,
    const struct digests_work *works, size_t n, struct err *e);
/* The descriptor stays open; works have ended. */
void output_close(struct output *o);
int output_write(struct output *o, const void *bytes, size_t len,
    struct err *e);
/* The same for bytes of one file in it: into its digest too. */
int output_write_of(struct output *o, const void *bytes, size_t len,
    struct md5 *file, struct err *e);
int output_zeros(struct output *o, size_t len, struct err *e);
/* All that was written is in the file then, not synced yet, and all works have
 * had it. */
int output_finish(struct output *o, struct err *e);

#endif
