#ifndef CRYPTO_MD5_LANES_H
#define CRYPTO_MD5_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/md5.h"

/*
 * MD5 of many messages at once, one in each lane of a wide register. A step
 * of MD5 waits for the step before it, so a processor is mostly idle with one
 * message; with one a lane it is three to eight times as fast.
 *
 * Lanes begin and end by themselves: md5_lanes_start gives one a new message,
 * md5_lanes_digest tells what came out. A message's last blocks are those
 * that md5_pad has filled up.
 */

#define MD5_LANES 16

struct md5_lanes {
	uint32_t state[4][MD5_LANES];
};

/* One source, for different processors. */
enum md5_kernel {
	MD5_KERNEL_PLAIN, /* what every processor of the architecture has */
	MD5_KERNEL_AVX2,
	MD5_KERNEL_AVX512,
	MD5_KERNELS
};

/* Does this machine have it? The fastest it has. */
int md5_kernel_works(enum md5_kernel k);
enum md5_kernel md5_kernel_best(void);

/* With fewer messages than this, one after the other is faster. */
unsigned md5_kernel_worth(enum md5_kernel k);

void md5_lanes_start(struct md5_lanes *m, unsigned lane);
void md5_lanes_digest(uint8_t out[MD5_SIZE], const struct md5_lanes *m,
    unsigned lane);

/* n blocks of each lane. A lane without a message takes any n blocks, those of
 * another one too. The kernel must work here. */
void md5_lanes_blocks(struct md5_lanes *m, enum md5_kernel k,
    const uint8_t *const bytes[MD5_LANES], size_t n);

/* n blocks of one lane alone, by md5_blocks. */
void md5_lanes_one(struct md5_lanes *m, unsigned lane, const uint8_t *bytes,
    size_t n);

#endif
