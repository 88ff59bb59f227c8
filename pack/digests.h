#ifndef PACK_DIGESTS_H
#define PACK_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"

/*
 * MD5 and SHA-512 of bytes that come in pieces, each worked out by a thread
 * of its own: either takes longer than a network near by, and who brings the
 * bytes should not wait for both.
 */
struct digests;

/* NULL with err. */
struct digests *digests_start(struct err *e);

/* The bytes are copied. Waits while both threads have enough to do. */
void digests_feed(struct digests *d, const void *bytes, size_t len);

/* Wait for both, and free it. */
void digests_end(struct digests *d, uint8_t md5[MD5_SIZE],
    uint8_t sha512[SHA512_SIZE]);

/* The same of a whole file, by pread(2) of the bytes 0..len of fd. 0, or -1
 * with err: it cannot be read, or is shorter. */
int digests_file(int fd, uint64_t len, uint8_t md5[MD5_SIZE],
    uint8_t sha512[SHA512_SIZE], struct err *e);

#endif
