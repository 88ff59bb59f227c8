/* SHA-512 (FIPS 180-4). */

#include "crypto/sha512.h"

#include <string.h>

#include "crypto/wipe.h"

#define BLOCK   sizeof(((struct sha512 *)0)->block)
#define LEN_POS (BLOCK - 16) /* where the last block has the length in bits */
#define ROUNDS  80

/* FIPS 180-4 5.3.5: fractions of the square roots of the first 8 primes. */
static const uint64_t first[8] = {
    /* clang-format off */
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
	0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
	0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    /* clang-format on */
};

/* FIPS 180-4 4.2.3: fractions of the cube roots of the first 80 primes. */
static const uint64_t root[ROUNDS] = {
    /* clang-format off */
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f,
	0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019,
	0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242,
	0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
	0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3,
	0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275,
	0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f,
	0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
	0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc,
	0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6,
	0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001,
	0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
	0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99,
	0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb,
	0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc,
	0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915,
	0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207,
	0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba,
	0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a,
	0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
    /* clang-format on */
};

static inline uint64_t
load64_be(const uint8_t *p)
{
	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 |
	       (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	       (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
	       (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

static inline void
store64_be(uint8_t *p, uint64_t v)
{
	int j;

	for (j = 7; j >= 0; j--, v >>= 8)
		p[j] = (uint8_t)v;
}

static inline uint64_t
rotate(uint64_t v, unsigned by)
{
	return v >> by | v << (64 - by);
}

/*
 * One round (FIPS 180-4 6.4.2 step 3). Instead of moving all eight working
 * variables on by a name, the caller moves the names.
 */
static inline void
turn(uint64_t a, uint64_t b, uint64_t c, uint64_t *d, uint64_t e, uint64_t f,
    uint64_t g, uint64_t *h, uint64_t t)
{
	t += *h + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) +
	     (g ^ (e & (f ^ g)));
	*d += t;
	*h = t + (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) +
	     ((a & b) | (c & (a | b)));
}

static void
blocks(uint64_t state[8], const uint8_t *p, size_t n)
{
	uint64_t w[ROUNDS];
	uint64_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint64_t e = state[4], f = state[5], g = state[6], h = state[7];
	unsigned j;

	for (; n > 0; n--, p += BLOCK) {
		for (j = 0; j < 16; j++)
			w[j] = load64_be(p + 8 * j);
		for (; j < ROUNDS; j++) {
			uint64_t x = w[j - 15], y = w[j - 2];

			w[j] = w[j - 16] + w[j - 7] +
			       (rotate(x, 1) ^ rotate(x, 8) ^ x >> 7) +
			       (rotate(y, 19) ^ rotate(y, 61) ^ y >> 6);
		}
		for (j = 0; j < ROUNDS; j += 8) {
			const uint64_t *r = root + j, *s = w + j;

			turn(a, b, c, &d, e, f, g, &h, r[0] + s[0]);
			turn(h, a, b, &c, d, e, f, &g, r[1] + s[1]);
			turn(g, h, a, &b, c, d, e, &f, r[2] + s[2]);
			turn(f, g, h, &a, b, c, d, &e, r[3] + s[3]);
			turn(e, f, g, &h, a, b, c, &d, r[4] + s[4]);
			turn(d, e, f, &g, h, a, b, &c, r[5] + s[5]);
			turn(c, d, e, &f, g, h, a, &b, r[6] + s[6]);
			turn(b, c, d, &e, f, g, h, &a, r[7] + s[7]);
		}
		a = state[0] += a;
		b = state[1] += b;
		c = state[2] += c;
		d = state[3] += d;
		e = state[4] += e;
		f = state[5] += f;
		g = state[6] += g;
		h = state[7] += h;
	}
}

void
sha512_init(struct sha512 *s)
{
	memcpy(s->state, first, sizeof(first));
	s->len = 0;
}

void
sha512_update(struct sha512 *s, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t have = s->len % BLOCK;

	if (len == 0)
		return;
	s->len += len;
	if (have > 0) {
		size_t n = BLOCK - have < len ? BLOCK - have : len;

		memcpy(s->block + have, p, n);
		if (have + n < BLOCK)
			return;
		blocks(s->state, s->block, 1);
		p += n;
		len -= n;
	}
	blocks(s->state, p, len / BLOCK);
	memcpy(s->block, p + (len - len % BLOCK), len % BLOCK);
}

void
sha512_final(uint8_t out[SHA512_SIZE], struct sha512 *s)
{
	size_t have = s->len % BLOCK;
	unsigned j;

	s->block[have++] = 0x80;
	if (have > LEN_POS) {
		memset(s->block + have, 0, BLOCK - have);
		blocks(s->state, s->block, 1);
		have = 0;
	}
	memset(s->block + have, 0, LEN_POS - have);
	store64_be(s->block + LEN_POS, s->len >> 61);
	store64_be(s->block + LEN_POS + 8, s->len << 3);
	blocks(s->state, s->block, 1);
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
