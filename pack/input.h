#ifndef PACK_INPUT_H
#define PACK_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/md5.h"
#include "pack/digests.h"

/*
 * A file read once from its first byte to its last, by pread(2), with what is
 * worked out of all its bytes meanwhile (pack/digests.h). Blocks of 512 bytes
 * never straddle two reads.
 */
struct input {
	int fd;
	const char *shown;
	uint64_t size;
	uint64_t at; /* of the next byte that is handed out */
	int failed;  /* it could not be read on */
	struct digests *digests;
	const uint8_t *bytes; /* in digests */
	size_t from, to;      /* what was read and not handed out yet */
	/* Of what was handed out; NULL: nobody asks. It is worked out by who
	 * takes the bytes, since two MD5 of the same are as fast as one. */
	struct md5 *md5;
	void (*progress)(void *arg, uint64_t so_far, uint64_t total);
	void *arg;
};

/* 0, or -1 with err: no regular file, more than max bytes (0: no limit). */
int input_open(struct input *in, int fd, const char *shown, uint64_t max,
    const struct digests_work *works, size_t n, struct err *e);
/* The descriptor stays open; works have ended. */
void input_close(struct input *in);

/* The next bytes, at most max and at least one, as far as they were read at
 * once; valid until the next call. 0 with err: none. */
size_t input_next(struct input *in, size_t max, const uint8_t **bytes,
    struct err *e);

/* The same for bytes of one file in it: into its digest too. */
size_t input_next_of(struct input *in, size_t max, const uint8_t **bytes,
    struct md5 *file, struct err *e);

/* Hand out to nobody what is in front of this offset. 0, or -1. */
int input_skip_to(struct input *in, uint64_t at, struct err *e);

/* All works have had what was read. */
void input_wait(struct input *in);

#endif
