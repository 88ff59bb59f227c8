/* Small files in memory. */

#include "pack/kept.h"

#include <stdlib.h>

#include "crypto/md5.h"

/* Of the size that a few large or many small files fill. */
#define BLOCK ((size_t)1 << 20)

struct kept_block {
	struct kept_block *next;
	uint8_t bytes[BLOCK];
};

uint8_t *
kept_room(struct kept *k, uint64_t len)
{
	struct kept_block *b;
	size_t want;

	if (len > KEPT_FILE_MAX)
		return NULL;
	want = (size_t)len + MD5_PAD_MAX;
	if (want > KEPT_MAX - k->used)
		return NULL;
	if (want > k->left) {
		b = malloc(sizeof *b);
		if (b == NULL)
			return NULL;
		b->next = k->blocks;
		k->blocks = b;
		k->left = BLOCK;
	}
	k->left -= want;
	k->used += want;
	return k->blocks->bytes + k->left;
}

void
kept_free(struct kept *k)
{
	struct kept_block *b;

	while ((b = k->blocks) != NULL) {
		k->blocks = b->next;
		free(b);
	}
	k->left = k->used = 0;
}
