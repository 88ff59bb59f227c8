#ifndef CRYPTO_SHA512_H
#define CRYPTO_SHA512_H

#include <stddef.h>
#include <stdint.h>

/* SHA-512 (FIPS 180-4). final wipes the context. */

#define SHA512_SIZE 64

struct sha512 {
	uint64_t state[8];
	uint64_t len; /* bytes so far; 2^61 are more than will ever come */
	uint8_t block[128];
};

void sha512_init(struct sha512 *s);
void sha512_update(struct sha512 *s, const void *bytes, size_t len);
void sha512_final(uint8_t out[SHA512_SIZE], struct sha512 *s);
void sha512(uint8_t out[SHA512_SIZE], const void *bytes, size_t len);

/*
 * As update of both, which may have had different bytes before. Some processors
 * do both in little more than the time of one (with AVX-512); gains is 1 there.
 * Elsewhere each could as well have a thread of its own.
 */
void sha512_update_pair(struct sha512 *a, struct sha512 *b, const void *bytes,
    size_t len);
int sha512_pair_gains(void);

#endif
