#ifndef PACK_KEPT_H
#define PACK_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "pack/entries.h"

/*
 * Small files whose bytes are kept in memory, from when they are digested until
 * they are written: a tree of thousands of them is read once and not twice,
 * their digests are worked out many at a time, and since it is opening them
 * that takes time, two threads do it.
 */

#define KEPT_FILE_MAX ((size_t)256 << 10) /* opening counts less for larger */
#define KEPT_MAX      ((size_t)64 << 20)  /* of all; others are read twice */

struct kept_block;

struct kept {
	struct kept_block *blocks;
	size_t left; /* in the first of them */
	size_t used; /* of KEPT_MAX */
	/* By the place in the list: the bytes of an entry; NULL: of a folder,
	 * of a file that is too large, or behind as many as can be kept. */
	uint8_t **bytes;
};

#define KEPT_INIT                \
	{                        \
		NULL, 0, 0, NULL \
	}

/* Room for a file of len bytes, one byte more, and the padding of an MD5 behind
 * the file. It stays where it is until kept_free. NULL: it is too large, or all
 * are, or there is no memory. */
uint8_t *kept_room(struct kept *k, uint64_t len);

/*
 * Read the small files among all, which tree_walk listed of the folder root,
 * and put their digests into their entries. moved, unless it is NULL, is
 * called with the bytes that came since the last time, by the calling thread
 * alone. 0; or -1 with errno and the place of the first file that failed:
 * it is ESTALE where that is not, or not any more, the file that was listed.
 * Without memory fewer are kept; ENOMEM, and the place all->n, without any.
 */
int kept_read(struct kept *k, int root, struct entries *all,
    void (*moved)(void *arg, uint64_t more), void *arg, size_t *failed);

void kept_free(struct kept *k);

#endif
