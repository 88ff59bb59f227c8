#ifndef CRYPTO_MD5_PAIR_H
#define CRYPTO_MD5_PAIR_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/md5.h"

/*
 * What MD5 does with whole blocks, for two chains that are given the same: a
 * step of MD5 waits for the step before it, so the two take little longer
 * than one. crypto/md5.h is what one uses; this is here for it and for tests.
 */

/* For different processors. */
enum md5_pair_kernel {
	MD5_PAIR_PLAIN, /* what every processor of the architecture has */
	MD5_PAIR_AVX512,
	MD5_PAIR_KERNELS
};

/* Does this machine have it? The fastest it has. */
int md5_pair_works(enum md5_pair_kernel k);
enum md5_pair_kernel md5_pair_best(void);

/* n blocks into both. The kernel must work here. */
void md5_pair_blocks(enum md5_pair_kernel k, uint32_t a[4], uint32_t b[4],
    const uint8_t *bytes, size_t n);

#endif
