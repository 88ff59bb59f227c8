#ifndef CRYPTO_FE_H
#define CRYPTO_FE_H

#include <stdint.h>

/*
 * Numbers modulo p = 2^255 - 19, the field under Ed25519 (RFC 8032 5.1).
 * Constant time; results may be the operands.
 *
 * The value is the sum of limb[i] * 2^(51 * i), any one of its class modulo
 * p. Every result here has limbs below FE_LIMB, every operand must.
 */

#define FE_LIMB (UINT64_C(1) << 52)

struct fe {
	uint64_t limb[5];
};

/* 255 bits, little-endian; the top bit is left out. All are taken: p and
 * above mean what they are modulo p. */
void fe_from_bytes(struct fe *r, const uint8_t bytes[32]);
/* The one encoding below p. */
void fe_to_bytes(uint8_t bytes[32], const struct fe *a);

void fe_small(struct fe *r, unsigned v);
void fe_add(struct fe *r, const struct fe *a, const struct fe *b);
void fe_sub(struct fe *r, const struct fe *a, const struct fe *b);
void fe_mul(struct fe *r, const struct fe *a, const struct fe *b);
/* Squared n times, n > 0. */
void fe_square(struct fe *r, const struct fe *a, unsigned n);
/* 1 / a, and 0 for 0. */
void fe_invert(struct fe *r, const struct fe *a);
/* a^((p - 5) / 8), the power that square roots are made with. */
void fe_root_power(struct fe *r, const struct fe *a);

/* bit 1: r = a, bit 0: r stays. */
void fe_select(struct fe *r, const struct fe *a, unsigned bit);
int fe_is_equal(const struct fe *a, const struct fe *b);
/* The lowest bit of the encoding, the "sign" in RFC 8032. */
unsigned fe_is_odd(const struct fe *a);

#endif
