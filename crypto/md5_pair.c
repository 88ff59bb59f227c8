/* Two chains of MD5 (RFC 1321) over the same blocks. */

#include "crypto/md5_pair.h"

/* So that a kernel, which names its processor, has them in that one's code. */
#define INLINE static inline __attribute__((always_inline))

/* floor(2^32 * abs(sin(n))) for n from 1 on, RFC 1321 3.4. */
static const uint32_t sine[64] = {
    /* clang-format off */
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee,
	0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa,
	0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
	0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05,
	0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039,
	0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
    /* clang-format on */
};

INLINE uint32_t
load32_le(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* --- a word at a time ------------------------------------------------------
 */

INLINE uint32_t
rotate(uint32_t v, unsigned by)
{
	return v << by | v >> (32 - by);
}

/* One step of each round; as in md5.c, and the sum in g for its reason. */
INLINE uint32_t
f(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t t, unsigned by)
{
	return rotate(a + t + (d ^ (b & (c ^ d))), by) + b;
}

INLINE uint32_t
g(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t t, unsigned by)
{
	return rotate(a + t + (c & ~d) + (b & d), by) + b;
}

INLINE uint32_t
h(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t t, unsigned by)
{
	return rotate(a + t + ((c ^ d) ^ b), by) + b;
}

INLINE uint32_t
i(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t t, unsigned by)
{
	return rotate(a + t + (c ^ (b | ~d)), by) + b;
}

struct chain {
	uint32_t a, b, c, d;
};

/* A step waits for the one before it, and meanwhile the other chain's goes on:
 * both take little longer than one. */
static void
blocks_plain(uint32_t one[4], uint32_t other[4], const uint8_t *p, size_t n)
{
	struct chain s = {one[0], one[1], one[2], one[3]};
	struct chain r = {other[0], other[1], other[2], other[3]};
	uint32_t x[16], t;
	unsigned j;

	for (; n > 0; n--, p += MD5_BLOCK) {
		for (j = 0; j < 16; j++)
			x[j] = load32_le(p + 4 * j);
#pragma GCC unroll 4
		for (j = 0; j < 16; j += 4) {
			t = x[j] + sine[j];
			s.a = f(s.a, s.b, s.c, s.d, t, 7);
			r.a = f(r.a, r.b, r.c, r.d, t, 7);
			t = x[j + 1] + sine[j + 1];
			s.d = f(s.d, s.a, s.b, s.c, t, 12);
			r.d = f(r.d, r.a, r.b, r.c, t, 12);
			t = x[j + 2] + sine[j + 2];
			s.c = f(s.c, s.d, s.a, s.b, t, 17);
			r.c = f(r.c, r.d, r.a, r.b, t, 17);
			t = x[j + 3] + sine[j + 3];
			s.b = f(s.b, s.c, s.d, s.a, t, 22);
			r.b = f(r.b, r.c, r.d, r.a, t, 22);
		}
#pragma GCC unroll 4
		for (; j < 32; j += 4) {
			t = x[(5 * j + 1) % 16] + sine[j];
			s.a = g(s.a, s.b, s.c, s.d, t, 5);
			r.a = g(r.a, r.b, r.c, r.d, t, 5);
			t = x[(5 * j + 6) % 16] + sine[j + 1];
			s.d = g(s.d, s.a, s.b, s.c, t, 9);
			r.d = g(r.d, r.a, r.b, r.c, t, 9);
			t = x[(5 * j + 11) % 16] + sine[j + 2];
			s.c = g(s.c, s.d, s.a, s.b, t, 14);
			r.c = g(r.c, r.d, r.a, r.b, t, 14);
			t = x[(5 * j + 16) % 16] + sine[j + 3];
			s.b = g(s.b, s.c, s.d, s.a, t, 20);
			r.b = g(r.b, r.c, r.d, r.a, t, 20);
		}
#pragma GCC unroll 4
		for (; j < 48; j += 4) {
			t = x[(3 * j + 5) % 16] + sine[j];
			s.a = h(s.a, s.b, s.c, s.d, t, 4);
			r.a = h(r.a, r.b, r.c, r.d, t, 4);
			t = x[(3 * j + 8) % 16] + sine[j + 1];
			s.d = h(s.d, s.a, s.b, s.c, t, 11);
			r.d = h(r.d, r.a, r.b, r.c, t, 11);
			t = x[(3 * j + 11) % 16] + sine[j + 2];
			s.c = h(s.c, s.d, s.a, s.b, t, 16);
			r.c = h(r.c, r.d, r.a, r.b, t, 16);
			t = x[(3 * j + 14) % 16] + sine[j + 3];
			s.b = h(s.b, s.c, s.d, s.a, t, 23);
			r.b = h(r.b, r.c, r.d, r.a, t, 23);
		}
#pragma GCC unroll 4
		for (; j < 64; j += 4) {
			t = x[7 * j % 16] + sine[j];
			s.a = i(s.a, s.b, s.c, s.d, t, 6);
			r.a = i(r.a, r.b, r.c, r.d, t, 6);
			t = x[(7 * j + 7) % 16] + sine[j + 1];
			s.d = i(s.d, s.a, s.b, s.c, t, 10);
			r.d = i(r.d, r.a, r.b, r.c, t, 10);
			t = x[(7 * j + 14) % 16] + sine[j + 2];
			s.c = i(s.c, s.d, s.a, s.b, t, 15);
			r.c = i(r.c, r.d, r.a, r.b, t, 15);
			t = x[(7 * j + 21) % 16] + sine[j + 3];
			s.b = i(s.b, s.c, s.d, s.a, t, 21);
			r.b = i(r.b, r.c, r.d, r.a, t, 21);
		}
		s.a = one[0] += s.a;
		s.b = one[1] += s.b;
		s.c = one[2] += s.c;
		s.d = one[3] += s.d;
		r.a = other[0] += r.a;
		r.b = other[1] += r.b;
		r.c = other[2] += r.c;
		r.d = other[3] += r.d;
	}
}

#ifdef __x86_64__

/* --- in vectors ------------------------------------------------------------
 */

#define AVX512 __attribute__((target("avx512f,avx512vl")))

/* The first two of its words: a chain in each. */
typedef uint32_t two __attribute__((vector_size(16)));

INLINE AVX512 two
rotate_two(two v, int by)
{
	return v << by | v >> (32 - by);
}

/* Any function of three bits is one instruction here, so that a step is a
 * tenth shorter than one of md5.c. */
INLINE AVX512 two
f_two(two a, two b, two c, two d, two t, int by)
{
	return rotate_two(a + t + (d ^ (b & (c ^ d))), by) + b;
}

INLINE AVX512 two
g_two(two a, two b, two c, two d, two t, int by)
{
	return rotate_two(a + t + (c ^ (d & (b ^ c))), by) + b;
}

INLINE AVX512 two
h_two(two a, two b, two c, two d, two t, int by)
{
	return rotate_two(a + t + (b ^ c ^ d), by) + b;
}

INLINE AVX512 two
i_two(two a, two b, two c, two d, two t, int by)
{
	return rotate_two(a + t + (c ^ (b | ~d)), by) + b;
}

static AVX512 void
blocks_avx512(uint32_t one[4], uint32_t other[4], const uint8_t *p, size_t n)
{
	two a = {one[0], other[0]}, b = {one[1], other[1]};
	two c = {one[2], other[2]}, d = {one[3], other[3]};
	two sum[4] = {a, b, c, d}, x[16];
	uint32_t w;
	unsigned j;

	for (; n > 0; n--, p += MD5_BLOCK) {
#pragma GCC unroll 16
		for (j = 0; j < 16; j++) {
			w = load32_le(p + 4 * j);
			x[j] = (two){w, w, w, w};
		}
#pragma GCC unroll 4
		for (j = 0; j < 16; j += 4) {
			a = f_two(a, b, c, d, x[j] + sine[j], 7);
			d = f_two(d, a, b, c, x[j + 1] + sine[j + 1], 12);
			c = f_two(c, d, a, b, x[j + 2] + sine[j + 2], 17);
			b = f_two(b, c, d, a, x[j + 3] + sine[j + 3], 22);
		}
#pragma GCC unroll 4
		for (; j < 32; j += 4) {
			a = g_two(a, b, c, d, x[(5 * j + 1) % 16] + sine[j], 5);
			d = g_two(d, a, b, c, x[(5 * j + 6) % 16] + sine[j + 1],
			    9);
			c = g_two(c, d, a, b,
			    x[(5 * j + 11) % 16] + sine[j + 2], 14);
			b = g_two(b, c, d, a,
			    x[(5 * j + 16) % 16] + sine[j + 3], 20);
		}
#pragma GCC unroll 4
		for (; j < 48; j += 4) {
			a = h_two(a, b, c, d, x[(3 * j + 5) % 16] + sine[j], 4);
			d = h_two(d, a, b, c, x[(3 * j + 8) % 16] + sine[j + 1],
			    11);
			c = h_two(c, d, a, b,
			    x[(3 * j + 11) % 16] + sine[j + 2], 16);
			b = h_two(b, c, d, a,
			    x[(3 * j + 14) % 16] + sine[j + 3], 23);
		}
#pragma GCC unroll 4
		for (; j < 64; j += 4) {
			a = i_two(a, b, c, d, x[7 * j % 16] + sine[j], 6);
			d = i_two(d, a, b, c, x[(7 * j + 7) % 16] + sine[j + 1],
			    10);
			c = i_two(c, d, a, b,
			    x[(7 * j + 14) % 16] + sine[j + 2], 15);
			b = i_two(b, c, d, a,
			    x[(7 * j + 21) % 16] + sine[j + 3], 21);
		}
		a = sum[0] += a;
		b = sum[1] += b;
		c = sum[2] += c;
		d = sum[3] += d;
	}
	for (j = 0; j < 4; j++) {
		one[j] = sum[j][0];
		other[j] = sum[j][1];
	}
}

int
md5_pair_works(enum md5_pair_kernel k)
{
	switch (k) {
	case MD5_PAIR_PLAIN:
		return 1;
	case MD5_PAIR_AVX512:
		return __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512vl");
	case MD5_PAIR_KERNELS:
		break;
	}
	return 0;
}

void
md5_pair_blocks(enum md5_pair_kernel k, uint32_t a[4], uint32_t b[4],
    const uint8_t *bytes, size_t n)
{
	if (k == MD5_PAIR_AVX512)
		blocks_avx512(a, b, bytes, n);
	else
		blocks_plain(a, b, bytes, n);
}
#else
int
md5_pair_works(enum md5_pair_kernel k)
{
	return k == MD5_PAIR_PLAIN;
}

void
md5_pair_blocks(enum md5_pair_kernel k, uint32_t a[4], uint32_t b[4],
    const uint8_t *bytes, size_t n)
{
	(void)k;
	blocks_plain(a, b, bytes, n);
}
#endif

enum md5_pair_kernel
md5_pair_best(void)
{
	return md5_pair_works(MD5_PAIR_AVX512) ? MD5_PAIR_AVX512
					       : MD5_PAIR_PLAIN;
}
