#ifndef CRYPTO_MD5_MANY_H
#define CRYPTO_MD5_MANY_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/md5.h"

/* MD5 of many messages that are in memory, as many at a time as the machine has
 * lanes for (crypto/md5_lanes.h). Pure. */

struct md5_message {
	/* Whole blocks: the message with what md5_pad has put behind it. */
	const uint8_t *bytes;
	size_t blocks; /* at least one */
	uint8_t *md5;  /* MD5_SIZE bytes, out */
};

void md5_many(const struct md5_message *messages, size_t n);

#endif
