/*
 * Ed25519 (RFC 8032 5.1) on the curve -x^2 + y^2 = 1 + d x^2 y^2.
 *
 * There is one way to multiply points, and it takes constant time; verifying
 * would not need that, but so it has no code of its own that only hostile
 * input reaches. The secrets that have a name are wiped; copies in registers
 * and in the field's temporaries are beyond what C can say.
 */

#include "crypto/ed25519.h"

#include <string.h>

#include "crypto/fe.h"
#include "crypto/sc.h"
#include "crypto/wipe.h"

/* x = X / Z, y = Y / Z, x y = T / Z (RFC 8032 5.1.4) */
struct point {
	struct fe x, y, z, t;
};

/* A point as the second term of a sum: Y + X, Y - X, 2Z, 2dT. */
struct term {
	struct fe sum, diff, z2, t2d;
};

/*
 * Scalars are written in 64 digits from -8 to 8, of weight 16^i. A table has
 * the multiples for them: [1]P to [8]P.
 */
#define DIGITS 64
#define TABLE  8

struct product {
	signed char digit[DIGITS];
	struct term multiple[TABLE];
};

/* clang-format off */
/* d = -121665 / 121666, and 2d */
static const struct fe curve_d = {{
	0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029,
	0x739c663a03cbb, 0x52036cee2b6ff,
}};
static const struct fe curve_2d = {{
	0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052,
	0x6738cc7407977, 0x2406d9dc56dff,
}};
/* sqrt(-1) = 2^((p - 1) / 4) */
static const struct fe root_of_minus_1 = {{
	0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60,
	0x78595a6804c9e, 0x2b8324804fc1d,
}};
/* B: y = 4/5 and the even x */
static const struct fe base_x = {{
	0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d,
	0x1ff60527118fe, 0x216936d3cd6e5,
}};
static const struct fe base_y = {{
	0x6666666666658, 0x4cccccccccccc, 0x1999999999999,
	0x3333333333333, 0x6666666666666,
}};
/* clang-format on */

static void
point_zero(struct point *r)
{
	fe_small(&r->x, 0);
	fe_small(&r->y, 1);
	fe_small(&r->z, 1);
	fe_small(&r->t, 0);
}

static void
point_base(struct point *r)
{
	r->x = base_x;
	r->y = base_y;
	fe_small(&r->z, 1);
	fe_mul(&r->t, &base_x, &base_y);
}

static void
term_of(struct term *r, const struct point *p)
{
	fe_add(&r->sum, &p->y, &p->x);
	fe_sub(&r->diff, &p->y, &p->x);
	fe_add(&r->z2, &p->z, &p->z);
	fe_mul(&r->t2d, &p->t, &curve_2d);
}

/* The end that both of RFC 8032's formulas have. */
static void
point_from_efgh(struct point *r, const struct fe *e, const struct fe *f,
    const struct fe *g, const struct fe *h)
{
	fe_mul(&r->x, e, f);
	fe_mul(&r->y, g, h);
	fe_mul(&r->z, f, g);
	fe_mul(&r->t, e, h);
}

/* RFC 8032 5.1.4; complete: right for all points, also equal or zero. */
static void
point_add(struct point *r, const struct point *p, const struct term *q)
{
	struct fe a, b, c, d, e, f, g, h;

	fe_sub(&a, &p->y, &p->x);
	fe_mul(&a, &a, &q->diff);
	fe_add(&b, &p->y, &p->x);
	fe_mul(&b, &b, &q->sum);
	fe_mul(&c, &p->t, &q->t2d);
	fe_mul(&d, &p->z, &q->z2);
	fe_sub(&e, &b, &a);
	fe_sub(&f, &d, &c);
	fe_add(&g, &d, &c);
	fe_add(&h, &b, &a);
	point_from_efgh(r, &e, &f, &g, &h);
}

static void
point_double(struct point *r, const struct point *p)
{
	struct fe a, b, c, e, f, g, h;

	fe_square(&a, &p->x, 1);
	fe_square(&b, &p->y, 1);
	fe_square(&c, &p->z, 1);
	fe_add(&c, &c, &c);
	fe_add(&h, &a, &b);
	fe_add(&e, &p->x, &p->y);
	fe_square(&e, &e, 1);
	fe_sub(&e, &h, &e);
	fe_sub(&g, &a, &b);
	fe_add(&f, &c, &g);
	point_from_efgh(r, &e, &f, &g, &h);
}

/* RFC 8032 5.1.2 */
static void
point_encode(uint8_t out[32], const struct point *p)
{
	struct fe inverse, x, y;

	fe_invert(&inverse, &p->z);
	fe_mul(&x, &p->x, &inverse);
	fe_mul(&y, &p->y, &inverse);
	fe_to_bytes(out, &y);
	out[31] = (uint8_t)(out[31] | fe_is_odd(&x) << 7);
}

/* RFC 8032 5.1.3; -1 when these bytes are the encoding of no point. */
static int
point_decode(struct point *r, const uint8_t in[32])
{
	const unsigned sign = in[31] >> 7;
	uint8_t canonical[32];
	struct fe zero, one, u, v, v3, t;

	fe_small(&zero, 0);
	fe_small(&one, 1);

	fe_from_bytes(&r->y, in);
	fe_to_bytes(canonical, &r->y);
	canonical[31] = (uint8_t)(canonical[31] | sign << 7);
	if (memcmp(canonical, in, sizeof(canonical)) != 0)
		return -1;

	/* x = sqrt(u / v), u = y^2 - 1, v = d y^2 + 1; tried is
	 * u v^3 (u v^7)^((p - 5) / 8), which may be off by sqrt(-1). */
	fe_square(&u, &r->y, 1);
	fe_mul(&v, &u, &curve_d);
	fe_sub(&u, &u, &one);
	fe_add(&v, &v, &one);
	fe_square(&v3, &v, 1);
	fe_mul(&v3, &v3, &v);
	fe_square(&t, &v3, 1);
	fe_mul(&t, &t, &v);
	fe_mul(&t, &t, &u);
	fe_root_power(&t, &t);
	fe_mul(&t, &t, &v3);
	fe_mul(&r->x, &t, &u);

	fe_square(&t, &r->x, 1);
	fe_mul(&t, &t, &v);
	if (!fe_is_equal(&t, &u)) {
		fe_sub(&u, &zero, &u);
		if (!fe_is_equal(&t, &u))
			return -1;
		fe_mul(&r->x, &r->x, &root_of_minus_1);
	}

	if (fe_is_equal(&r->x, &zero) && sign != 0)
		return -1;
	if (fe_is_odd(&r->x) != sign)
		fe_sub(&r->x, &zero, &r->x);
	fe_small(&r->z, 1);
	fe_mul(&r->t, &r->x, &r->y);
	return 0;
}

static void
point_negate(struct point *p)
{
	struct fe zero;

	fe_small(&zero, 0);
	fe_sub(&p->x, &zero, &p->x);
	fe_sub(&p->t, &zero, &p->t);
}

/* The points of small order are those that three doublings make zero. */
static int
point_is_small(const struct point *p)
{
	struct point t;
	struct fe zero;

	fe_small(&zero, 0);
	point_double(&t, p);
	point_double(&t, &t);
	point_double(&t, &t);
	return fe_is_equal(&t.x, &zero) && fe_is_equal(&t.y, &t.z);
}

/* Prepare [scalar]P, scalar < 2^255. */
static void
product_init(struct product *m, const uint8_t scalar[32], const struct point *p)
{
	struct point multiple = *p;
	unsigned v, carry = 0;
	unsigned i;

	/* 8 to 16 becomes -8 to 0 and one more for the next digit; the last
	 * is at most 7 and one. */
	for (i = 0; i < DIGITS; i++) {
		v = ((unsigned)scalar[i / 2] >> (4 * (i % 2)) & 15) + carry;
		carry = i < DIGITS - 1 ? (v + 8) >> 4 : 0;
		m->digit[i] = (signed char)((int)v - (int)(carry << 4));
	}

	term_of(&m->multiple[0], p);
	for (i = 1; i < TABLE; i++) {
		point_add(&multiple, &multiple, &m->multiple[0]);
		term_of(&m->multiple[i], &multiple);
	}
}

/* r = [m->digit[place]]P, looking at every multiple. */
static void
product_term(struct term *r, const struct product *m, unsigned place)
{
	const unsigned digit = (unsigned)m->digit[place];
	const unsigned negative = digit >> 7 & 1;
	const unsigned size = (digit ^ (0 - negative)) + negative;
	struct point zero;
	struct term minus;
	unsigned i;

	point_zero(&zero);
	term_of(r, &zero);
	for (i = 0; i < TABLE; i++) {
		const struct term *t = &m->multiple[i];
		unsigned hit = ((size ^ (i + 1)) - 1) >> 31;

		fe_select(&r->sum, &t->sum, hit);
		fe_select(&r->diff, &t->diff, hit);
		fe_select(&r->z2, &t->z2, hit);
		fe_select(&r->t2d, &t->t2d, hit);
	}

	/* -P swaps sum and difference and negates T. */
	minus.sum = r->diff;
	minus.diff = r->sum;
	fe_sub(&minus.t2d, &zero.x, &r->t2d);
	fe_select(&r->sum, &minus.sum, negative);
	fe_select(&r->diff, &minus.diff, negative);
	fe_select(&r->t2d, &minus.t2d, negative);
	crypto_wipe(&minus, sizeof(minus));
}

/* The encoded sum of n products. */
static void
products_encode(uint8_t out[32], const struct product *m, unsigned n)
{
	struct point p;
	struct term t;
	unsigned i, j;

	point_zero(&p);
	for (i = DIGITS; i-- > 0;) {
		for (j = 0; j < 4; j++)
			point_double(&p, &p);
		for (j = 0; j < n; j++) {
			product_term(&t, &m[j], i);
			point_add(&p, &p, &t);
		}
	}
	point_encode(out, &p);
	crypto_wipe(&t, sizeof(t));
	crypto_wipe(&p, sizeof(p));
}

/* out = the encoded [scalar]B */
static void
base_multiply(uint8_t out[32], const uint8_t scalar[32])
{
	struct product m;
	struct point base;

	point_base(&base);
	product_init(&m, scalar, &base);
	products_encode(out, &m, 1);
	crypto_wipe(&m, sizeof(m));
}

/* RFC 8032 5.1.5: the secret scalar, and behind it the nonce's prefix. */
static void
expand(uint8_t key[64], const uint8_t seed[ED25519_SEED])
{
	sha512(key, seed, ED25519_SEED);
	key[0] &= 0xf8;
	key[31] = (key[31] & 0x7f) | 0x40;
}

void
ed25519_public(uint8_t pub[ED25519_PUB], const uint8_t seed[ED25519_SEED])
{
	uint8_t key[64];

	expand(key, seed);
	base_multiply(pub, key);
	crypto_wipe(key, sizeof(key));
}

/* RFC 8032 5.1.6. Both hashes run while the message comes for the first time
 * and for the second; of the first hash the nonce is made. */
void
ed25519_sign_init(struct ed25519_signing *s, const uint8_t seed[ED25519_SEED])
{
	expand(s->key, seed);
	base_multiply(s->pub, s->key);
	sha512_init(&s->nonce_hash);
	sha512_update(&s->nonce_hash, s->key + 32, 32);
	s->again = 0;
}

void
ed25519_sign_update(struct ed25519_signing *s, const void *msg, size_t len)
{
	if (s->again)
		sha512_update_pair(&s->nonce_hash, &s->hash, msg, len);
	else
		sha512_update(&s->nonce_hash, msg, len);
}

/* The nonce of the message that came. */
static void
take_nonce(uint8_t nonce[32], struct ed25519_signing *s)
{
	uint8_t wide[SHA512_SIZE];

	sha512_final(wide, &s->nonce_hash);
	sc_reduce(nonce, wide);
	crypto_wipe(wide, sizeof(wide));
}

void
ed25519_sign_next(struct ed25519_signing *s)
{
	take_nonce(s->nonce, s);
	base_multiply(s->sig, s->nonce);

	sha512_init(&s->nonce_hash);
	sha512_update(&s->nonce_hash, s->key + 32, 32);
	sha512_init(&s->hash);
	sha512_update(&s->hash, s->sig, 32);
	sha512_update(&s->hash, s->pub, sizeof(s->pub));
	s->again = 1;
}

/* R is there, both hashes have the message: the signature. */
static void
sign(uint8_t sig[ED25519_SIG], struct ed25519_signing *s)
{
	uint8_t wide[SHA512_SIZE], k[32];

	sha512_final(wide, &s->hash);
	sc_reduce(k, wide);
	sc_muladd(s->sig + 32, k, s->key, s->nonce);
	memcpy(sig, s->sig, ED25519_SIG);
}

int
ed25519_sign_final(uint8_t sig[ED25519_SIG], struct ed25519_signing *s)
{
	uint8_t nonce[32];
	int same;

	/* Two signatures with one nonce are two equations of the secret. */
	take_nonce(nonce, s);
	same = s->again && crypto_equal(nonce, s->nonce, sizeof(nonce));
	if (same)
		sign(sig, s);
	crypto_wipe(nonce, sizeof(nonce));
	ed25519_sign_drop(s);
	return same ? 0 : -1;
}

void
ed25519_sign_drop(struct ed25519_signing *s)
{
	crypto_wipe(s, sizeof(*s));
}

void
ed25519_sign(uint8_t sig[ED25519_SIG], const uint8_t seed[ED25519_SEED],
    const void *msg, size_t len)
{
	struct ed25519_signing s;

	ed25519_sign_init(&s, seed);
	ed25519_sign_update(&s, msg, len);
	ed25519_sign_next(&s);
	ed25519_sign_update(&s, msg, len);
	sign(sig, &s); /* the same bytes, as nobody changed them meanwhile */
	ed25519_sign_drop(&s);
}

void
ed25519_check_init(struct ed25519_check *c, const uint8_t sig[ED25519_SIG],
    const uint8_t pub[ED25519_PUB])
{
	memcpy(c->sig, sig, sizeof(c->sig));
	memcpy(c->pub, pub, sizeof(c->pub));
	sha512_init(&c->hash);
	sha512_update(&c->hash, c->sig, 32);
	sha512_update(&c->hash, c->pub, sizeof(c->pub));
}

void
ed25519_check_update(struct ed25519_check *c, const void *msg, size_t len)
{
	sha512_update(&c->hash, msg, len);
}

int
ed25519_check_final(struct ed25519_check *c)
{
	uint8_t wide[SHA512_SIZE], k[32], r[32];
	struct product m[2];
	struct point base, a;

	sha512_final(wide, &c->hash);
	if (!sc_is_reduced(c->sig + 32))
		return -1;
	if (point_decode(&a, c->pub) != 0 || point_is_small(&a))
		return -1;

	/* R is compared as an encoding, so it need not be decoded: what is
	 * no canonical encoding of a point equals none. */
	sc_reduce(k, wide);
	point_base(&base);
	point_negate(&a);
	product_init(&m[0], c->sig + 32, &base);
	product_init(&m[1], k, &a);
	products_encode(r, m, 2);
	return memcmp(r, c->sig, sizeof(r)) == 0 ? 0 : -1;
}

int
ed25519_verify(const uint8_t sig[ED25519_SIG], const uint8_t pub[ED25519_PUB],
    const void *msg, size_t len)
{
	struct ed25519_check c;

	ed25519_check_init(&c, sig, pub);
	ed25519_check_update(&c, msg, len);
	return ed25519_check_final(&c);
}
