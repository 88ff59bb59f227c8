/* MD5 (RFC 1321), many streams at a time, in GCC's vectors. */

#include "crypto/md5_lanes.h"

#include <string.h>

/*
 * A word of each message. As long as the widest register there is; for
 * narrower ones the compiler makes two or four of it, which do not wait for
 * each other, so that they are worked on at the same time.
 */
typedef uint32_t lanes __attribute__((vector_size(4 * MD5_LANES)));

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

INLINE lanes
rotate(lanes v, unsigned by)
{
	return v << by | v >> (32 - by);
}

/* One step of each round; as in md5.c, and the sum in g for its reason. */
INLINE lanes
f(lanes a, lanes b, lanes c, lanes d, lanes t, unsigned by)
{
	return rotate(a + t + (d ^ (b & (c ^ d))), by) + b;
}

INLINE lanes
g(lanes a, lanes b, lanes c, lanes d, lanes t, unsigned by)
{
	return rotate(a + t + (c & ~d) + (b & d), by) + b;
}

INLINE lanes
h(lanes a, lanes b, lanes c, lanes d, lanes t, unsigned by)
{
	return rotate(a + t + ((c ^ d) ^ b), by) + b;
}

INLINE lanes
i(lanes a, lanes b, lanes c, lanes d, lanes t, unsigned by)
{
	return rotate(a + t + (c ^ (b | ~d)), by) + b;
}

/* The word at this place of every message. Written out: compilers make good
 * code of it, and of a loop bad code. */
INLINE lanes
word(const uint8_t *const p[MD5_LANES], size_t at)
{
	return (lanes){load32_le(p[0] + at), load32_le(p[1] + at),
	    load32_le(p[2] + at), load32_le(p[3] + at), load32_le(p[4] + at),
	    load32_le(p[5] + at), load32_le(p[6] + at), load32_le(p[7] + at),
	    load32_le(p[8] + at), load32_le(p[9] + at), load32_le(p[10] + at),
	    load32_le(p[11] + at), load32_le(p[12] + at), load32_le(p[13] + at),
	    load32_le(p[14] + at), load32_le(p[15] + at)};
}

/* Unrolled, so that the words are found without reckoning: half the time
 * with AVX2. */
INLINE void
blocks(struct md5_lanes *m, const uint8_t *const p[MD5_LANES], size_t n)
{
	lanes s[4], a, b, c, d, x[16];
	size_t at;
	unsigned j;

	memcpy(s, m->state, sizeof s);
	for (at = 0; at < n * MD5_BLOCK; at += MD5_BLOCK) {
		for (j = 0; j < 16; j++)
			x[j] = word(p, at + 4 * j);
		a = s[0];
		b = s[1];
		c = s[2];
		d = s[3];
#pragma GCC unroll 4
		for (j = 0; j < 16; j += 4) {
			a = f(a, b, c, d, x[j] + sine[j], 7);
			d = f(d, a, b, c, x[j + 1] + sine[j + 1], 12);
			c = f(c, d, a, b, x[j + 2] + sine[j + 2], 17);
			b = f(b, c, d, a, x[j + 3] + sine[j + 3], 22);
		}
#pragma GCC unroll 4
		for (; j < 32; j += 4) {
			a = g(a, b, c, d, x[(5 * j + 1) % 16] + sine[j], 5);
			d = g(d, a, b, c, x[(5 * j + 6) % 16] + sine[j + 1], 9);
			c = g(c, d, a, b, x[(5 * j + 11) % 16] + sine[j + 2],
			    14);
			b = g(b, c, d, a, x[(5 * j + 16) % 16] + sine[j + 3],
			    20);
		}
#pragma GCC unroll 4
		for (; j < 48; j += 4) {
			a = h(a, b, c, d, x[(3 * j + 5) % 16] + sine[j], 4);
			d = h(d, a, b, c, x[(3 * j + 8) % 16] + sine[j + 1],
			    11);
			c = h(c, d, a, b, x[(3 * j + 11) % 16] + sine[j + 2],
			    16);
			b = h(b, c, d, a, x[(3 * j + 14) % 16] + sine[j + 3],
			    23);
		}
#pragma GCC unroll 4
		for (; j < 64; j += 4) {
			a = i(a, b, c, d, x[7 * j % 16] + sine[j], 6);
			d = i(d, a, b, c, x[(7 * j + 7) % 16] + sine[j + 1],
			    10);
			c = i(c, d, a, b, x[(7 * j + 14) % 16] + sine[j + 2],
			    15);
			b = i(b, c, d, a, x[(7 * j + 21) % 16] + sine[j + 3],
			    21);
		}
		s[0] += a;
		s[1] += b;
		s[2] += c;
		s[3] += d;
	}
	memcpy(m->state, s, sizeof s);
}

static void
blocks_plain(struct md5_lanes *m, const uint8_t *const p[MD5_LANES], size_t n)
{
	blocks(m, p, n);
}

#ifdef __x86_64__
static __attribute__((target("avx2"))) void
blocks_avx2(struct md5_lanes *m, const uint8_t *const p[MD5_LANES], size_t n)
{
	blocks(m, p, n);
}

static __attribute__((target("avx512f"))) void
blocks_avx512(struct md5_lanes *m, const uint8_t *const p[MD5_LANES], size_t n)
{
	blocks(m, p, n);
}

int
md5_kernel_works(enum md5_kernel k)
{
	switch (k) {
	case MD5_KERNEL_PLAIN:
		return 1;
	case MD5_KERNEL_AVX2:
		return __builtin_cpu_supports("avx2") != 0;
	case MD5_KERNEL_AVX512:
		return __builtin_cpu_supports("avx512f") != 0;
	case MD5_KERNELS:
		break;
	}
	return 0;
}

void
md5_lanes_blocks(struct md5_lanes *m, enum md5_kernel k,
    const uint8_t *const bytes[MD5_LANES], size_t n)
{
	if (k == MD5_KERNEL_AVX512)
		blocks_avx512(m, bytes, n);
	else if (k == MD5_KERNEL_AVX2)
		blocks_avx2(m, bytes, n);
	else
		blocks_plain(m, bytes, n);
}
#else
int
md5_kernel_works(enum md5_kernel k)
{
	return k == MD5_KERNEL_PLAIN;
}

void
md5_lanes_blocks(struct md5_lanes *m, enum md5_kernel k,
    const uint8_t *const bytes[MD5_LANES], size_t n)
{
	(void)k;
	blocks_plain(m, bytes, n);
}
#endif

enum md5_kernel
md5_kernel_best(void)
{
	if (md5_kernel_works(MD5_KERNEL_AVX512))
		return MD5_KERNEL_AVX512;
	if (md5_kernel_works(MD5_KERNEL_AVX2))
		return MD5_KERNEL_AVX2;
	return MD5_KERNEL_PLAIN;
}

/* Measured: all lanes take as long as so many messages by md5_blocks, less
 * one. */
unsigned
md5_kernel_worth(enum md5_kernel k)
{
	switch (k) {
	case MD5_KERNEL_AVX512:
		return 3;
	case MD5_KERNEL_AVX2:
		return 5;
	case MD5_KERNEL_PLAIN:
	case MD5_KERNELS:
		break;
	}
	return 6;
}

void
md5_lanes_start(struct md5_lanes *m, unsigned lane)
{
	uint32_t state[4];
	unsigned j;

	md5_start(state);
	for (j = 0; j < 4; j++)
		m->state[j][lane] = state[j];
}

void
md5_lanes_digest(uint8_t out[MD5_SIZE], const struct md5_lanes *m,
    unsigned lane)
{
	uint32_t state[4];
	unsigned j;

	for (j = 0; j < 4; j++)
		state[j] = m->state[j][lane];
	md5_digest(out, state);
}

void
md5_lanes_one(struct md5_lanes *m, unsigned lane, const uint8_t *bytes,
    size_t n)
{
	uint32_t state[4];
	unsigned j;

	for (j = 0; j < 4; j++)
		state[j] = m->state[j][lane];
	md5_blocks(state, bytes, n);
	for (j = 0; j < 4; j++)
		m->state[j][lane] = state[j];
}
