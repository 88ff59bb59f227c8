/*
 * Numbers modulo 2^255 - 19 in five limbs of 51 bits. 2^255 is 19 modulo p,
 * so what leaves the top limb comes back at the bottom, 19-fold.
 */

#include "crypto/fe.h"

#include "crypto/wipe.h"

#define BITS 51
#define MASK ((UINT64_C(1) << BITS) - 1)

/*
 * A sum of products. Where the compiler has no 128-bit integer it is made of
 * 64-bit ones; FE_PORTABLE asks for that, so that tests can run both.
 */
#if defined(__SIZEOF_INT128__) && !defined(FE_PORTABLE)

__extension__ typedef unsigned __int128 uint128;

struct wide {
	uint128 sum;
};

static inline void
add_word(struct wide *w, uint64_t a)
{
	w->sum += a;
}

static inline void
add_product(struct wide *w, uint64_t a, uint64_t b)
{
	w->sum += (uint128)a * b;
}

static inline uint64_t
low_bits(const struct wide *w)
{
	return (uint64_t)w->sum & MASK;
}

static inline uint64_t
high_bits(const struct wide *w)
{
	return (uint64_t)(w->sum >> BITS);
}

#else

struct wide {
	uint64_t low, high;
};

static inline void
add_word(struct wide *w, uint64_t a)
{
	w->low += a;
	w->high += w->low < a;
}

/* a < 2^52, b < 2^57 (see fe_mul), so that the middle is below 2^58. */
static inline void
add_product(struct wide *w, uint64_t a, uint64_t b)
{
	uint64_t a0 = a & 0xffffffff, a1 = a >> 32;
	uint64_t b0 = b & 0xffffffff, b1 = b >> 32;
	uint64_t middle = a0 * b1 + a1 * b0;

	add_word(w, a0 * b0);
	add_word(w, middle << 32);
	w->high += a1 * b1 + (middle >> 32);
}

static inline uint64_t
low_bits(const struct wide *w)
{
	return w->low & MASK;
}

static inline uint64_t
high_bits(const struct wide *w)
{
	return w->low >> BITS | w->high << (64 - BITS);
}

#endif

/*
 * Move on what a limb has above its 51 bits. Limbs below 2^59 become limbs
 * below 2^51 + 19 * 2^9, well below FE_LIMB.
 */
static void
carry(struct fe *r)
{
	uint64_t c = 0;
	unsigned i;

	for (i = 0; i < 5; i++) {
		r->limb[i] += c;
		c = r->limb[i] >> BITS;
		r->limb[i] &= MASK;
	}
	r->limb[0] += 19 * c;
}

void
fe_from_bytes(struct fe *r, const uint8_t bytes[32])
{
	uint64_t acc = 0; /* read, not yet in a limb: below 2^(have + 8) */
	unsigned have = 0, n = 0;
	unsigned i;

	for (i = 0; i < 32; i++) {
		acc |= (uint64_t)bytes[i] << have;
		have += 8;
		if (have >= BITS) {
			r->limb[n++] = acc & MASK;
			acc >>= BITS;
			have -= BITS;
		}
	}
}

void
fe_to_bytes(uint8_t bytes[32], const struct fe *a)
{
	struct fe t = *a;
	uint64_t acc = 0, c = 19;
	unsigned have = 0, n = 0;
	unsigned i;

	/*
	 * This leaves a value below 2^255 + 19 * 2, far below 2p. It is p or
	 * more just when 19 more reach 2^255: c is 1 then, and adding 19
	 * without bit 255 subtracts p.
	 */
	carry(&t);
	for (i = 0; i < 5; i++)
		c = (t.limb[i] + c) >> BITS;
	c *= 19;
	for (i = 0; i < 5; i++) {
		c += t.limb[i];
		t.limb[i] = c & MASK;
		c >>= BITS;
	}

	for (i = 0; i < 5; i++) {
		acc |= t.limb[i] << have;
		for (have += BITS; have >= 8; have -= 8, acc >>= 8)
			bytes[n++] = (uint8_t)acc;
	}
	bytes[n] = (uint8_t)acc; /* 7 bits are left of the 255 */
}

void
fe_small(struct fe *r, unsigned v)
{
	unsigned i;

	r->limb[0] = v;
	for (i = 1; i < 5; i++)
		r->limb[i] = 0;
}

void
fe_add(struct fe *r, const struct fe *a, const struct fe *b)
{
	unsigned i;

	for (i = 0; i < 5; i++)
		r->limb[i] = a->limb[i] + b->limb[i];
	carry(r);
}

void
fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
{
	unsigned i;

	/* Plus 4p, whose limbs are 2^53 - 76 and 2^53 - 4: nothing borrows. */
	for (i = 0; i < 5; i++)
		r->limb[i] =
		    a->limb[i] + (4 * MASK - (i == 0 ? 72 : 0)) - b->limb[i];
	carry(r);
}

/*
 * Column i of a product: a[j] times the limb i - j of b, for i < j the limb
 * 5 + i - j, 19-fold. f points at 5 + i in the row 19 * b, b.
 */
static inline struct wide
column(const uint64_t a[5], const uint64_t *f, uint64_t c)
{
	struct wide w = {0};

	add_word(&w, c);
	add_product(&w, a[0], f[0]);
	add_product(&w, a[1], f[-1]);
	add_product(&w, a[2], f[-2]);
	add_product(&w, a[3], f[-3]);
	add_product(&w, a[4], f[-4]);
	return w;
}

/*
 * With limbs below 2^52 a column is below (1 + 4 * 19) * 2^104 < 2^111 and
 * what it carries on below 2^60; the last one, without any 19, is below
 * 2^107, its carry below 2^56, which comes back as less than 2^61 and
 * leaves less than 2^10 to limb 1.
 */
void
fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
{
	uint64_t f[10], t[5];
	uint64_t c = 0;
	struct wide w;
	unsigned i;

	for (i = 0; i < 5; i++) {
		f[i] = 19 * b->limb[i];
		f[5 + i] = b->limb[i];
	}
	for (i = 0; i < 5; i++) {
		w = column(a->limb, f + 5 + i, c);
		t[i] = low_bits(&w);
		c = high_bits(&w);
	}
	t[0] += 19 * c;
	t[1] += t[0] >> BITS;
	t[0] &= MASK;
	for (i = 0; i < 5; i++)
		r->limb[i] = t[i];
}

void
fe_square(struct fe *r, const struct fe *a, unsigned n)
{
	fe_mul(r, a, a);
	while (--n > 0)
		fe_mul(r, r, r);
}

/* r = a^(2^n) * b */
static void
square_mul(struct fe *r, const struct fe *a, unsigned n, const struct fe *b)
{
	struct fe t;

	fe_square(&t, a, n);
	fe_mul(r, &t, b);
}

/* a^(2^250 - 1). Written e(n) = a^(2^n - 1): e(m + n) = e(m)^(2^n) * e(n). */
static void
power_250(struct fe *r, const struct fe *a)
{
	struct fe e5, e10, e50, t;

	square_mul(&t, a, 1, a);
	square_mul(&t, &t, 2, &t);
	square_mul(&e5, &t, 1, a);
	square_mul(&e10, &e5, 5, &e5);
	square_mul(&t, &e10, 10, &e10);
	square_mul(&t, &t, 20, &t);
	square_mul(&e50, &t, 10, &e10);
	square_mul(&t, &e50, 50, &e50);
	square_mul(&t, &t, 100, &t);
	square_mul(r, &t, 50, &e50);
}

void
fe_invert(struct fe *r, const struct fe *a)
{
	struct fe t, a3, a11;

	/* p - 2 = 2^5 * (2^250 - 1) + 11 */
	power_250(&t, a);
	square_mul(&a3, a, 1, a);
	square_mul(&a11, a, 3, &a3);
	square_mul(r, &t, 5, &a11);
}

void
fe_root_power(struct fe *r, const struct fe *a)
{
	struct fe t;

	/* (p - 5) / 8 = 2^2 * (2^250 - 1) + 1 */
	power_250(&t, a);
	square_mul(r, &t, 2, a);
}

void
fe_select(struct fe *r, const struct fe *a, unsigned bit)
{
	uint64_t mask = 0 - (uint64_t)bit;
	unsigned i;

	for (i = 0; i < 5; i++)
		r->limb[i] ^= mask & (r->limb[i] ^ a->limb[i]);
}

int
fe_is_equal(const struct fe *a, const struct fe *b)
{
	uint8_t x[32], y[32];

	fe_to_bytes(x, a);
	fe_to_bytes(y, b);
	return crypto_equal(x, y, sizeof(x));
}

unsigned
fe_is_odd(const struct fe *a)
{
	uint8_t x[32];

	fe_to_bytes(x, a);
	return x[0] & 1;
}
