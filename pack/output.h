#ifndef PACK_OUTPUT_H
#define PACK_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"

/* A file written from its first byte to its last, with its digests. */
struct output {
	int fd;
	const char *shown;
	uint8_t *bytes;
	size_t used;
	uint64_t len;
	struct md5 md5;
	struct sha512 sha512;
};

int output_open(struct output *o, int fd, const char *shown, struct err *e);
void output_close(struct output *o); /* the descriptor stays open */
int output_write(struct output *o, const void *bytes, size_t len,
    struct err *e);
int output_zeros(struct output *o, size_t len, struct err *e);
/* All that was written is in the file then, and synced. */
int output_finish(struct output *o, uint8_t md5[MD5_SIZE],
    uint8_t sha512[SHA512_SIZE], struct err *e);

#endif
