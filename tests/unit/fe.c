#include "crypto/fe.h"

#include "tests/tap.h"
#include "tests/vectors.h"

static uint64_t seed;

static int
is(const struct fe *a, const char *hex)
{
	uint8_t want[32], got[32];

	unhex(want, sizeof(want), hex);
	fe_to_bytes(got, a);
	return memcmp(got, want, sizeof(got)) == 0;
}

/* Every limb as large as an operand's may be, else of random bits. */
static void
largest(struct fe *a)
{
	unsigned i;

	for (i = 0; i < 5; i++)
		a->limb[i] = FE_LIMB - 1;
}

static void
any(struct fe *a)
{
	unsigned i;

	for (i = 0; i < 5; i++) {
		a->limb[i] = tap_random(&seed) & (FE_LIMB - 1);
		if (tap_random(&seed) % 8 == 0)
			a->limb[i] = FE_LIMB - 1;
		if (tap_random(&seed) % 8 == 0)
			a->limb[i] = 0;
	}
}

static int
fits(const struct fe *a)
{
	unsigned i;

	for (i = 0; i < 5; i++)
		if (a->limb[i] >= FE_LIMB)
			return 0;
	return 1;
}

/* Computed with the integers of another language. */
static void
known(void)
{
	struct fe a, r, zero;

	fe_small(&zero, 0);
	largest(&a);
	OK(is(&a, "2500000000000800000000004000000000"
		  "000002000000000010000000000000"),
	    "the largest limbs are encoded");
	fe_mul(&r, &a, &a);
	OK(is(&r, "a50500000000180400000000401c000000"
		  "0000be0000000000d0040000000000"),
	    "multiplied");
	fe_add(&r, &a, &a);
	OK(is(&r, "4a00000000001000000000008000000000"
		  "000004000000000020000000000000"),
	    "added");
	fe_sub(&r, &zero, &a);
	OK(is(&r, "c8fffffffffff7ffffffffffbfffffffff"
		  "fffffdffffffffffefffffffffff7f"),
	    "subtracted");
	fe_invert(&r, &a);
	OK(is(&r, "5c3b3b70633a127d2520fe174098c91ea9"
		  "f11d4b0b09598cfb7826ad5737d516"),
	    "inverted");
	fe_root_power(&r, &a);
	OK(is(&r, "01c28251095afdba931a9c6db3f9362d0a"
		  "0f25a5f26bbde6b0704639f7127e5c"),
	    "raised to the root's power");
	fe_invert(&r, &zero);
	OK(fe_is_equal(&r, &zero), "the inverse of 0 is 0");
}

static void
around_p(void)
{
	uint8_t bytes[32], back[32], want[32];
	struct fe a, b;
	unsigned i, j, good = 0;

	/* p - 19 to p + 18, the highest of 255 bits */
	for (i = 0; i < 38; i++) {
		memset(bytes, 0xff, sizeof(bytes));
		bytes[0] = (uint8_t)(0xda + i);
		bytes[31] = 0x7f;
		fe_from_bytes(&a, bytes);
		fe_to_bytes(back, &a);
		if (i < 19) {
			good += memcmp(back, bytes, sizeof(back)) == 0;
		} else {
			fe_small(&b, i - 19);
			good += fe_is_equal(&a, &b) && back[0] == i - 19 &&
				fe_is_odd(&a) == (i - 19) % 2;
		}
	}
	IS(good, 38, "below p all come back as they are, above modulo p");

	/* 2p - 19 to 2p + 37 */
	for (j = 1; j < 5; j++)
		b.limb[j] = FE_LIMB - 2;
	for (i = 0, good = 0; i < 57; i++) {
		b.limb[0] = FE_LIMB - 57 + i;
		fe_to_bytes(back, &b);
		memset(want, i < 19 ? 0xff : 0, sizeof(want));
		want[0] = (uint8_t)(i < 19 ? 0xda + i : i - 19);
		want[31] = i < 19 ? 0x7f : 0;
		good += memcmp(back, want, sizeof(back)) == 0;
	}
	IS(good, 57, "so about 2p");

	memset(bytes, 0xff, sizeof(bytes));
	fe_from_bytes(&b, bytes);
	fe_small(&a, 18);
	OK(fe_is_equal(&a, &b), "the top bit is left out");
}

static void
laws(void)
{
	struct fe a, b, c, x, y, t;
	uint8_t bytes[32];
	unsigned i, good = 0, small = 0;

	for (i = 0; i < 2000; i++) {
		any(&a);
		any(&b);
		any(&c);

		/* (a + b) c = ac + bc; and into an operand */
		fe_add(&x, &a, &b);
		small += (unsigned)fits(&x);
		fe_mul(&x, &x, &c);
		fe_mul(&y, &a, &c);
		fe_mul(&t, &b, &c);
		small += (unsigned)(fits(&x) && fits(&y) && fits(&t));
		fe_add(&y, &y, &t);
		good += (unsigned)fe_is_equal(&x, &y);

		/* (a - b)(a + b) = a^2 - b^2 */
		fe_sub(&x, &a, &b);
		small += (unsigned)fits(&x);
		fe_add(&t, &a, &b);
		fe_mul(&x, &x, &t);
		fe_square(&y, &a, 1);
		fe_square(&t, &b, 1);
		fe_sub(&y, &y, &t);
		good += (unsigned)fe_is_equal(&x, &y);

		fe_square(&x, &a, 3);
		fe_square(&y, &a, 2);
		fe_mul(&y, &y, &y);
		good += (unsigned)fe_is_equal(&x, &y);

		fe_to_bytes(bytes, &a);
		fe_from_bytes(&x, bytes);
		good += (unsigned)fe_is_equal(&x, &a);

		x = a;
		fe_select(&x, &b, 0);
		y = a;
		fe_select(&y, &b, 1);
		good += memcmp(&x, &a, sizeof(x)) == 0 &&
			memcmp(&y, &b, sizeof(y)) == 0;
	}
	IS(good, 5 * 2000, "the laws of a field hold");
	IS(small, 3 * 2000, "every result is fit to be an operand");

	fe_small(&t, 1);
	for (i = 0; i < 20; i++) {
		any(&a);
		fe_invert(&x, &a);
		fe_mul(&x, &x, &a);
		if (!fe_is_equal(&x, &t))
			break;
	}
	IS(i, 20, "a number times its inverse is 1");
}

int
main(void)
{
	seed = tap_seed(1);
	known();
	around_p();
	laws();
	return tap_done();
}
