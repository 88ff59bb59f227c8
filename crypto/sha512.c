/* SHA-512 (FIPS 180-4). */

#include "crypto/sha512.h"

#include <string.h>

#include "crypto/sha512_blocks.h"
#include "crypto/wipe.h"

#define BLOCK   SHA512_BLOCK
#define LEN_POS (BLOCK - 16) /* where the last block has the length in bits */

/* FIPS 180-4 5.3.5: fractions of the square roots of the first 8 primes. */
static const uint64_t first[8] = {
    /* clang-format off */
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
	0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
	0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    /* clang-format on */
};

static inline void
store64_be(uint8_t *p, uint64_t v)
{
	int j;

	for (j = 7; j >= 0; j--, v >>= 8)
		p[j] = (uint8_t)v;
}

void
sha512_init(struct sha512 *s)
{
	memcpy(s->state, first, sizeof(first));
	s->len = 0;
}

/* From p on, what fills up the block that has begun. Returns where that ends:
 * blocks are whole from there on, or it is the end. */
static const uint8_t *
fill_up(struct sha512 *s, const uint8_t *p, const uint8_t *end)
{
	const size_t have = s->len % BLOCK;
	const size_t len = (size_t)(end - p);
	const size_t n = BLOCK - have < len ? BLOCK - have : len;

	s->len += len;
	if (have == 0)
		return p;
	memcpy(s->block + have, p, n);
	if (have + n == BLOCK)
		sha512_blocks(sha512_kernel_best(), s->state, s->block, 1);
	return p + n;
}

/* The whole blocks of it; the rest, which waits for more, is kept. */
static void
take(struct sha512 *s, const uint8_t *p, const uint8_t *end)
{
	const size_t n = (size_t)(end - p) / BLOCK;

	sha512_blocks(sha512_kernel_best(), s->state, p, n);
	p += n * BLOCK;
	if (p < end)
		memcpy(s->block, p, (size_t)(end - p));
}

void
sha512_update(struct sha512 *s, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (len == 0)
		return;
	take(s, fill_up(s, p, p + len), p + len);
}

void
sha512_update_pair(struct sha512 *a, struct sha512 *b, const void *bytes,
    size_t len)
{
	const uint8_t *p = bytes, *of_a, *of_b;
	size_t n;

	if (len == 0)
		return;
	of_a = fill_up(a, p, p + len);
	of_b = fill_up(b, p, p + len);
	n = (len - (size_t)((of_a > of_b ? of_a : of_b) - p)) / BLOCK;
	sha512_blocks_pair(sha512_kernel_best(), a->state, of_a, b->state, of_b,
	    n);
	take(a, of_a + n * BLOCK, p + len);
	take(b, of_b + n * BLOCK, p + len);
}

int
sha512_pair_gains(void)
{
	return sha512_kernel_works(SHA512_KERNEL_AVX512);
}

void
sha512_final(uint8_t out[SHA512_SIZE], struct sha512 *s)
{
	size_t have = s->len % BLOCK;
	unsigned j;

	s->block[have++] = 0x80;
	if (have > LEN_POS) {
		memset(s->block + have, 0, BLOCK - have);
		sha512_blocks(sha512_kernel_best(), s->state, s->block, 1);
		have = 0;
	}
	memset(s->block + have, 0, LEN_POS - have);
	store64_be(s->block + LEN_POS, s->len >> 61);
	store64_be(s->block + LEN_POS + 8, s->len << 3);
	sha512_blocks(sha512_kernel_best(), s->state, s->block, 1);
	for (j = 0; j < 8; j++)
		store64_be(out + 8 * j, s->state[j]);
	crypto_wipe(s, sizeof(*s));
}

void
sha512(uint8_t out[SHA512_SIZE], const void *bytes, size_t len)
{
	struct sha512 s;

	sha512_init(&s);
	sha512_update(&s, bytes, len);
	sha512_final(out, &s);
}
