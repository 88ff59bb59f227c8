/* MD5 (RFC 1321), many streams at a time, in GCC's vectors. */

#include "crypto/md5_lanes.h"

#include <string.h>

#include "crypto/md5_steps.h"

/*
 * A word of each message. As long as the widest register there is; for
 * narrower ones the compiler makes two or four of it, which do not wait for
 * each other, so that they are worked on at the same time.
 */
typedef uint32_t lanes __attribute__((vector_size(4 * MD5_LANES)));

MD5_INLINE lanes
rotate(lanes v, unsigned by)
{
	return v << by | v >> (32 - by);
}

/* One step of each round; as in md5_steps.h, and the sum in g for its reason.
 */
MD5_INLINE lanes
f(lanes a, lanes b, lanes c, lanes d, lanes t, unsigned by)
{
	return rotate(a + t + (d ^ (b & (c ^ d))), by) + b;
}

MD5_INLINE lanes
g(lanes a, lanes b, lanes c, lanes d, lanes t, unsigned by)
{
	return rotate(a + t + (c & ~d) + (b & d), by) + b;
}

MD5_INLINE lanes
h(lanes a, lanes b, lanes c, lanes d, lanes t, unsigned by)
{
	return rotate(a + t + ((c ^ d) ^ b), by) + b;
}

MD5_INLINE lanes
i(lanes a, lanes b, lanes c, lanes d, lanes t, unsigned by)
{
	return rotate(a + t + (c ^ (b | ~d)), by) + b;
}

/* The word at this place of every message. Written out: compilers make good
 * code of it, and of a loop bad code. */
MD5_INLINE lanes
word(const uint8_t *const p[MD5_LANES], size_t at)
{
	return (lanes){md5_load(p[0] + at), md5_load(p[1] + at),
	    md5_load(p[2] + at), md5_load(p[3] + at), md5_load(p[4] + at),
	    md5_load(p[5] + at), md5_load(p[6] + at), md5_load(p[7] + at),
	    md5_load(p[8] + at), md5_load(p[9] + at), md5_load(p[10] + at),
	    md5_load(p[11] + at), md5_load(p[12] + at), md5_load(p[13] + at),
	    md5_load(p[14] + at), md5_load(p[15] + at)};
}

/* Unrolled, so that the words are found without reckoning: half the time
 * with AVX2. */
MD5_INLINE void
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
			a = f(a, b, c, d, x[j] + md5_sine[j], 7);
			d = f(d, a, b, c, x[j + 1] + md5_sine[j + 1], 12);
			c = f(c, d, a, b, x[j + 2] + md5_sine[j + 2], 17);
			b = f(b, c, d, a, x[j + 3] + md5_sine[j + 3], 22);
		}
#pragma GCC unroll 4
		for (; j < 32; j += 4) {
			a = g(a, b, c, d, x[(5 * j + 1) % 16] + md5_sine[j], 5);
			d = g(d, a, b, c, x[(5 * j + 6) % 16] + md5_sine[j + 1],
			    9);
			c = g(c, d, a, b,
			    x[(5 * j + 11) % 16] + md5_sine[j + 2], 14);
			b = g(b, c, d, a,
			    x[(5 * j + 16) % 16] + md5_sine[j + 3], 20);
		}
#pragma GCC unroll 4
		for (; j < 48; j += 4) {
			a = h(a, b, c, d, x[(3 * j + 5) % 16] + md5_sine[j], 4);
			d = h(d, a, b, c, x[(3 * j + 8) % 16] + md5_sine[j + 1],
			    11);
			c = h(c, d, a, b,
			    x[(3 * j + 11) % 16] + md5_sine[j + 2], 16);
			b = h(b, c, d, a,
			    x[(3 * j + 14) % 16] + md5_sine[j + 3], 23);
		}
#pragma GCC unroll 4
		for (; j < 64; j += 4) {
			a = i(a, b, c, d, x[7 * j % 16] + md5_sine[j], 6);
			d = i(d, a, b, c, x[(7 * j + 7) % 16] + md5_sine[j + 1],
			    10);
			c = i(c, d, a, b,
			    x[(7 * j + 14) % 16] + md5_sine[j + 2], 15);
			b = i(b, c, d, a,
			    x[(7 * j + 21) % 16] + md5_sine[j + 3], 21);
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
