/* MD5 (RFC 1321), one stream at a time. */

#include "crypto/md5.h"

#include <string.h>

#include "crypto/md5_pair.h"
#include "crypto/md5_steps.h"

#define BLOCK   MD5_BLOCK
#define LEN_POS (BLOCK - 8) /* where the last block has the length in bits */

static inline void
store32_le(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static void
blocks(uint32_t state[4], const uint8_t *p, size_t n)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t x[16];
	unsigned j;

	/* Written out, since a loop costs a tenth. The constant of step n from
	 * 1 on is floor(2^32 * abs(sin(n))), RFC 1321 3.4. */
	for (; n > 0; n--, p += BLOCK) {
		for (j = 0; j < 16; j++)
			x[j] = md5_load(p + 4 * j);

		a = md5_f(a, b, c, d, x[0] + 0xd76aa478, 7);
		d = md5_f(d, a, b, c, x[1] + 0xe8c7b756, 12);
		c = md5_f(c, d, a, b, x[2] + 0x242070db, 17);
		b = md5_f(b, c, d, a, x[3] + 0xc1bdceee, 22);
		a = md5_f(a, b, c, d, x[4] + 0xf57c0faf, 7);
		d = md5_f(d, a, b, c, x[5] + 0x4787c62a, 12);
		c = md5_f(c, d, a, b, x[6] + 0xa8304613, 17);
		b = md5_f(b, c, d, a, x[7] + 0xfd469501, 22);
		a = md5_f(a, b, c, d, x[8] + 0x698098d8, 7);
		d = md5_f(d, a, b, c, x[9] + 0x8b44f7af, 12);
		c = md5_f(c, d, a, b, x[10] + 0xffff5bb1, 17);
		b = md5_f(b, c, d, a, x[11] + 0x895cd7be, 22);
		a = md5_f(a, b, c, d, x[12] + 0x6b901122, 7);
		d = md5_f(d, a, b, c, x[13] + 0xfd987193, 12);
		c = md5_f(c, d, a, b, x[14] + 0xa679438e, 17);
		b = md5_f(b, c, d, a, x[15] + 0x49b40821, 22);

		a = md5_g(a, b, c, d, x[1] + 0xf61e2562, 5);
		d = md5_g(d, a, b, c, x[6] + 0xc040b340, 9);
		c = md5_g(c, d, a, b, x[11] + 0x265e5a51, 14);
		b = md5_g(b, c, d, a, x[0] + 0xe9b6c7aa, 20);
		a = md5_g(a, b, c, d, x[5] + 0xd62f105d, 5);
		d = md5_g(d, a, b, c, x[10] + 0x02441453, 9);
		c = md5_g(c, d, a, b, x[15] + 0xd8a1e681, 14);
		b = md5_g(b, c, d, a, x[4] + 0xe7d3fbc8, 20);
		a = md5_g(a, b, c, d, x[9] + 0x21e1cde6, 5);
		d = md5_g(d, a, b, c, x[14] + 0xc33707d6, 9);
		c = md5_g(c, d, a, b, x[3] + 0xf4d50d87, 14);
		b = md5_g(b, c, d, a, x[8] + 0x455a14ed, 20);
		a = md5_g(a, b, c, d, x[13] + 0xa9e3e905, 5);
		d = md5_g(d, a, b, c, x[2] + 0xfcefa3f8, 9);
		c = md5_g(c, d, a, b, x[7] + 0x676f02d9, 14);
		b = md5_g(b, c, d, a, x[12] + 0x8d2a4c8a, 20);

		a = md5_h(a, b, c, d, x[5] + 0xfffa3942, 4);
		d = md5_h(d, a, b, c, x[8] + 0x8771f681, 11);
		c = md5_h(c, d, a, b, x[11] + 0x6d9d6122, 16);
		b = md5_h(b, c, d, a, x[14] + 0xfde5380c, 23);
		a = md5_h(a, b, c, d, x[1] + 0xa4beea44, 4);
		d = md5_h(d, a, b, c, x[4] + 0x4bdecfa9, 11);
		c = md5_h(c, d, a, b, x[7] + 0xf6bb4b60, 16);
		b = md5_h(b, c, d, a, x[10] + 0xbebfbc70, 23);
		a = md5_h(a, b, c, d, x[13] + 0x289b7ec6, 4);
		d = md5_h(d, a, b, c, x[0] + 0xeaa127fa, 11);
		c = md5_h(c, d, a, b, x[3] + 0xd4ef3085, 16);
		b = md5_h(b, c, d, a, x[6] + 0x04881d05, 23);
		a = md5_h(a, b, c, d, x[9] + 0xd9d4d039, 4);
		d = md5_h(d, a, b, c, x[12] + 0xe6db99e5, 11);
		c = md5_h(c, d, a, b, x[15] + 0x1fa27cf8, 16);
		b = md5_h(b, c, d, a, x[2] + 0xc4ac5665, 23);

		a = md5_i(a, b, c, d, x[0] + 0xf4292244, 6);
		d = md5_i(d, a, b, c, x[7] + 0x432aff97, 10);
		c = md5_i(c, d, a, b, x[14] + 0xab9423a7, 15);
		b = md5_i(b, c, d, a, x[5] + 0xfc93a039, 21);
		a = md5_i(a, b, c, d, x[12] + 0x655b59c3, 6);
		d = md5_i(d, a, b, c, x[3] + 0x8f0ccc92, 10);
		c = md5_i(c, d, a, b, x[10] + 0xffeff47d, 15);
		b = md5_i(b, c, d, a, x[1] + 0x85845dd1, 21);
		a = md5_i(a, b, c, d, x[8] + 0x6fa87e4f, 6);
		d = md5_i(d, a, b, c, x[15] + 0xfe2ce6e0, 10);
		c = md5_i(c, d, a, b, x[6] + 0xa3014314, 15);
		b = md5_i(b, c, d, a, x[13] + 0x4e0811a1, 21);
		a = md5_i(a, b, c, d, x[4] + 0xf7537e82, 6);
		d = md5_i(d, a, b, c, x[11] + 0xbd3af235, 10);
		c = md5_i(c, d, a, b, x[2] + 0x2ad7d2bb, 15);
		b = md5_i(b, c, d, a, x[9] + 0xeb86d391, 21);

		a = state[0] += a;
		b = state[1] += b;
		c = state[2] += c;
		d = state[3] += d;
	}
}

/* Where two chains are faster than this one, they are when nobody needs the
 * other too. */
void
md5_blocks(uint32_t state[4], const uint8_t *p, size_t n)
{
	uint32_t nobodys[4] = {0};

	if (md5_pair_works(MD5_PAIR_AVX512))
		md5_pair_blocks(MD5_PAIR_AVX512, state, nobodys, p, n);
	else
		blocks(state, p, n);
}

void
md5_start(uint32_t state[4])
{
	state[0] = 0x67452301;
	state[1] = 0xefcdab89;
	state[2] = 0x98badcfe;
	state[3] = 0x10325476;
}

void
md5_init(struct md5 *m)
{
	md5_start(m->state);
	m->len = 0;
}

void
md5_update(struct md5 *m, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t have = m->len % BLOCK;

	if (len == 0)
		return;
	m->len += len;
	if (have > 0) {
		size_t n = BLOCK - have < len ? BLOCK - have : len;

		memcpy(m->block + have, p, n);
		if (have + n < BLOCK)
			return;
		md5_blocks(m->state, m->block, 1);
		p += n;
		len -= n;
	}
	md5_blocks(m->state, p, len / BLOCK);
	memcpy(m->block, p + (len - len % BLOCK), len % BLOCK);
}

void
md5_update_pair(struct md5 *a, struct md5 *b, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t n;

	if (len == 0)
		return;
	/* Where the two differ they share no block. */
	if (a->len % BLOCK == 0 && b->len % BLOCK == 0) {
		n = len / BLOCK;
		md5_pair_blocks(md5_pair_best(), a->state, b->state, p, n);
		n *= BLOCK;
		a->len += n;
		b->len += n;
		p += n;
		len -= n;
	}
	md5_update(a, p, len);
	md5_update(b, p, len);
}

size_t
md5_pad(uint8_t *end, uint64_t len)
{
	size_t have = len % BLOCK;
	size_t n = have < LEN_POS ? BLOCK - have : 2 * BLOCK - have;

	memset(end, 0, n);
	end[0] = 0x80;
	store32_le(end + n - 8, (uint32_t)(len << 3));
	store32_le(end + n - 4, (uint32_t)(len >> 29));
	return n;
}

void
md5_digest(uint8_t out[MD5_SIZE], const uint32_t state[4])
{
	unsigned j;

	for (j = 0; j < 4; j++)
		store32_le(out + 4 * j, state[j]);
}

void
md5_final(uint8_t out[MD5_SIZE], struct md5 *m)
{
	uint8_t last[2 * BLOCK];
	size_t have = m->len % BLOCK;
	size_t n;

	memcpy(last, m->block, have);
	n = have + md5_pad(last + have, m->len);
	md5_blocks(m->state, last, n / BLOCK);
	md5_digest(out, m->state);
}

void
md5(uint8_t out[MD5_SIZE], const void *bytes, size_t len)
{
	struct md5 m;

	md5_init(&m);
	md5_update(&m, bytes, len);
	md5_final(out, &m);
}
