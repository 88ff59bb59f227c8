#ifndef PACK_DIGESTS_H
#define PACK_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"

/*
 * Bytes that come in pieces, and what is worked out of them: digests, the hash
 * of a signature. Each work has a thread of its own, since one alone takes
 * longer than a disk or a network near by; two of digests_sha512 have one
 * together where a processor does both in little more than the time of one
 * (sha512_pair_gains). A thread that cannot be made is no error: who brings the
 * bytes does its work then.
 *
 * A piece is brought in place: fill digests_room, then digests_give. Works
 * read it while the next one is filled; the bytes stay as they are until
 * digests_room is asked for again.
 */
struct digests;

/* Called with all bytes in their order, by one thread at a time. What arg leads
 * to belongs to the work from digests_start to digests_wait. */
struct digests_work {
	void (*update)(void *arg, const void *bytes, size_t len);
	void *arg;
};

#define DIGESTS_WORKS 4
#define DIGESTS_PIECE ((size_t)256 << 10) /* a multiple of any block */

/* The usual works, of a struct md5 and of a struct sha512. */
void digests_md5(void *arg, const void *bytes, size_t len);
void digests_sha512(void *arg, const void *bytes, size_t len);

/* n works, at most DIGESTS_WORKS, none is fine. NULL with err: no memory. */
struct digests *digests_start(const struct digests_work *works, size_t n,
    struct err *e);

/* Room for DIGESTS_PIECE bytes. Waits while the works are far behind. */
uint8_t *digests_room(struct digests *d);

/* The first len bytes of the room are the next ones; at most once for each
 * room. */
void digests_give(struct digests *d, size_t len);

/* The same for bytes from elsewhere, which are copied. */
void digests_feed(struct digests *d, const void *bytes, size_t len);

/* All works have had all bytes, and no more may come. Once more is fine. */
void digests_wait(struct digests *d);

/* Wait, and free it. NULL is fine. */
void digests_free(struct digests *d);

#endif
