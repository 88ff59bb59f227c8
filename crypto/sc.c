/*
 * Numbers modulo the order of the base point. They are needed three times a
 * signature, beside hundreds of thousands of steps in the field, so they are
 * divided the plain way, bit by bit, which has nothing to get wrong.
 */

#include "crypto/sc.h"

#include "crypto/wipe.h"

#define WORDS 8 /* of 32 bits */

static const uint32_t order[WORDS] = {
    /* clang-format off */
	0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de,
	0x00000000, 0x00000000, 0x00000000, 0x10000000,
    /* clang-format on */
};

static void
load(uint32_t r[WORDS], const uint8_t bytes[32])
{
	unsigned i;

	for (i = 0; i < WORDS; i++, bytes += 4)
		r[i] = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
		       (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void
store(uint8_t *bytes, const uint32_t *a, unsigned words)
{
	unsigned i;

	for (i = 0; i < 4 * words; i++)
		bytes[i] = (uint8_t)(a[i / 4] >> (8 * (i % 4)));
}

/* r = a - L modulo 2^256; 1 when a < L, else 0. */
static uint32_t
subtract_order(uint32_t r[WORDS], const uint32_t a[WORDS])
{
	uint64_t borrow = 0;
	unsigned i;

	for (i = 0; i < WORDS; i++) {
		uint64_t t = (uint64_t)a[i] - order[i] - borrow;

		r[i] = (uint32_t)t;
		borrow = t >> 63;
	}
	return (uint32_t)borrow;
}

/* r = 2r + bit modulo L, for r < L. */
static void
append_bit(uint32_t r[WORDS], uint32_t bit)
{
	uint32_t less[WORDS];
	uint32_t keep;
	unsigned i;

	for (i = 0; i < WORDS; i++) {
		uint32_t top = r[i] >> 31;

		r[i] = r[i] << 1 | bit;
		bit = top;
	}
	/* Now r < 2L: at most one L is too much. */
	keep = 0 - subtract_order(less, r);
	for (i = 0; i < WORDS; i++)
		r[i] = (r[i] & keep) | (less[i] & ~keep);
}

void
sc_reduce(uint8_t r[32], const uint8_t wide[64])
{
	uint8_t top[32] = {0};
	uint32_t t[WORDS];
	unsigned i;

	/* The 31 highest bytes are below L as they are. */
	for (i = 0; i < 31; i++)
		top[i] = wide[33 + i];
	load(t, top);
	for (i = 33 * 8; i-- > 0;)
		append_bit(t, (uint32_t)wide[i / 8] >> (i % 8) & 1);
	store(r, t, WORDS);
	crypto_wipe(top, sizeof(top));
	crypto_wipe(t, sizeof(t));
}

void
sc_muladd(uint8_t r[32], const uint8_t a[32], const uint8_t b[32],
    const uint8_t c[32])
{
	uint32_t x[WORDS], y[WORDS], z[2 * WORDS];
	uint8_t wide[64];
	unsigned i, j;

	load(x, a);
	load(y, b);
	load(z, c);
	for (i = 0; i < WORDS; i++) {
		uint64_t t = 0;

		/* At most (2^32 - 1)^2 + 2 * (2^32 - 1) = 2^64 - 1. */
		for (j = 0; j < WORDS; j++) {
			t = (uint64_t)x[i] * y[j] + z[i + j] + (t >> 32);
			z[i + j] = (uint32_t)t;
		}
		z[i + WORDS] = (uint32_t)(t >> 32);
	}
	store(wide, z, 2 * WORDS);
	sc_reduce(r, wide);
	crypto_wipe(x, sizeof(x));
	crypto_wipe(y, sizeof(y));
	crypto_wipe(z, sizeof(z));
	crypto_wipe(wide, sizeof(wide));
}

int
sc_is_reduced(const uint8_t a[32])
{
	uint32_t t[WORDS], less[WORDS];

	load(t, a);
	return (int)subtract_order(less, t);
}
