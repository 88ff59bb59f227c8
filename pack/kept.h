#ifndef PACK_KEPT_H
#define PACK_KEPT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Small files whose bytes are kept in memory, from when they are digested until
 * they are written: a tree of thousands of them is read once and not twice,
 * and their digests are worked out many at a time.
 */

#define KEPT_FILE_MAX ((size_t)256 << 10) /* opening counts less for larger */
#define KEPT_MAX      ((size_t)64 << 20)  /* of all; others are read twice */

struct kept_block;

struct kept {
	struct kept_block *blocks;
	size_t left; /* in the first of them */
	size_t used; /* of KEPT_MAX */
};

#define KEPT_INIT          \
	{                  \
		NULL, 0, 0 \
	}

/* Room for a file of len bytes, one byte more, and the padding of an MD5 behind
 * the file. It stays where it is until kept_free. NULL: it is too large, or all
 * are, or there is no memory; it is read twice then. */
uint8_t *kept_room(struct kept *k, uint64_t len);

void kept_free(struct kept *k);

#endif
