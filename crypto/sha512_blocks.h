#ifndef CRYPTO_SHA512_BLOCKS_H
#define CRYPTO_SHA512_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/*
 * What SHA-512 (FIPS 180-4 6.4) does with whole blocks, for different
 * processors. crypto/sha512.h is what one uses; this is here for it and for
 * tests. It takes the same time for all bytes of one length.
 */

#define SHA512_BLOCK 128

enum sha512_kernel {
	SHA512_KERNEL_PLAIN, /* what every processor of the architecture has */
	SHA512_KERNEL_AVX2,  /* and BMI2 */
	SHA512_KERNEL_AVX512,
	SHA512_KERNELS
};

/* Does this machine have it? The fastest it has. */
int sha512_kernel_works(enum sha512_kernel k);
enum sha512_kernel sha512_kernel_best(void);

/* n blocks into a state. The kernel must work here. */
void sha512_blocks(enum sha512_kernel k, uint64_t state[8],
    const uint8_t *bytes, size_t n);

/* n blocks into each of two states; the blocks may overlap. With AVX-512 that
 * takes an eighth longer than one of them, else as long as both. */
void sha512_blocks_pair(enum sha512_kernel k, uint64_t a[8],
    const uint8_t *of_a, uint64_t b[8], const uint8_t *of_b, size_t n);

#endif
