/* Two chains of MD5 (RFC 1321) over the same blocks. */

#include "crypto/md5_pair.h"

#include "crypto/md5_steps.h"

/* --- a word at a time ------------------------------------------------------
 */

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
			x[j] = md5_load(p + 4 * j);
#pragma GCC unroll 4
		for (j = 0; j < 16; j += 4) {
			t = x[j] + md5_sine[j];
			s.a = md5_f(s.a, s.b, s.c, s.d, t, 7);
			r.a = md5_f(r.a, r.b, r.c, r.d, t, 7);
			t = x[j + 1] + md5_sine[j + 1];
			s.d = md5_f(s.d, s.a, s.b, s.c, t, 12);
			r.d = md5_f(r.d, r.a, r.b, r.c, t, 12);
			t = x[j + 2] + md5_sine[j + 2];
			s.c = md5_f(s.c, s.d, s.a, s.b, t, 17);
			r.c = md5_f(r.c, r.d, r.a, r.b, t, 17);
			t = x[j + 3] + md5_sine[j + 3];
			s.b = md5_f(s.b, s.c, s.d, s.a, t, 22);
			r.b = md5_f(r.b, r.c, r.d, r.a, t, 22);
		}
#pragma GCC unroll 4
		for (; j < 32; j += 4) {
			t = x[(5 * j + 1) % 16] + md5_sine[j];
			s.a = md5_g(s.a, s.b, s.c, s.d, t, 5);
			r.a = md5_g(r.a, r.b, r.c, r.d, t, 5);
			t = x[(5 * j + 6) % 16] + md5_sine[j + 1];
			s.d = md5_g(s.d, s.a, s.b, s.c, t, 9);
			r.d = md5_g(r.d, r.a, r.b, r.c, t, 9);
			t = x[(5 * j + 11) % 16] + md5_sine[j + 2];
			s.c = md5_g(s.c, s.d, s.a, s.b, t, 14);
			r.c = md5_g(r.c, r.d, r.a, r.b, t, 14);
			t = x[(5 * j + 16) % 16] + md5_sine[j + 3];
			s.b = md5_g(s.b, s.c, s.d, s.a, t, 20);
			r.b = md5_g(r.b, r.c, r.d, r.a, t, 20);
		}
#pragma GCC unroll 4
		for (; j < 48; j += 4) {
			t = x[(3 * j + 5) % 16] + md5_sine[j];
			s.a = md5_h(s.a, s.b, s.c, s.d, t, 4);
			r.a = md5_h(r.a, r.b, r.c, r.d, t, 4);
			t = x[(3 * j + 8) % 16] + md5_sine[j + 1];
			s.d = md5_h(s.d, s.a, s.b, s.c, t, 11);
			r.d = md5_h(r.d, r.a, r.b, r.c, t, 11);
			t = x[(3 * j + 11) % 16] + md5_sine[j + 2];
			s.c = md5_h(s.c, s.d, s.a, s.b, t, 16);
			r.c = md5_h(r.c, r.d, r.a, r.b, t, 16);
			t = x[(3 * j + 14) % 16] + md5_sine[j + 3];
			s.b = md5_h(s.b, s.c, s.d, s.a, t, 23);
			r.b = md5_h(r.b, r.c, r.d, r.a, t, 23);
		}
#pragma GCC unroll 4
		for (; j < 64; j += 4) {
			t = x[7 * j % 16] + md5_sine[j];
			s.a = md5_i(s.a, s.b, s.c, s.d, t, 6);
			r.a = md5_i(r.a, r.b, r.c, r.d, t, 6);
			t = x[(7 * j + 7) % 16] + md5_sine[j + 1];
			s.d = md5_i(s.d, s.a, s.b, s.c, t, 10);
			r.d = md5_i(r.d, r.a, r.b, r.c, t, 10);
			t = x[(7 * j + 14) % 16] + md5_sine[j + 2];
			s.c = md5_i(s.c, s.d, s.a, s.b, t, 15);
			r.c = md5_i(r.c, r.d, r.a, r.b, t, 15);
			t = x[(7 * j + 21) % 16] + md5_sine[j + 3];
			s.b = md5_i(s.b, s.c, s.d, s.a, t, 21);
			r.b = md5_i(r.b, r.c, r.d, r.a, t, 21);
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

MD5_INLINE AVX512 two
rotate_two(two v, int by)
{
	return v << by | v >> (32 - by);
}

/* Any function of three bits is one instruction here, so that a step is a
 * tenth shorter than one of md5_steps.h. */
MD5_INLINE AVX512 two
f_two(two a, two b, two c, two d, two t, int by)
{
	return rotate_two(a + t + (d ^ (b & (c ^ d))), by) + b;
}

MD5_INLINE AVX512 two
g_two(two a, two b, two c, two d, two t, int by)
{
	return rotate_two(a + t + (c ^ (d & (b ^ c))), by) + b;
}

MD5_INLINE AVX512 two
h_two(two a, two b, two c, two d, two t, int by)
{
	return rotate_two(a + t + (b ^ c ^ d), by) + b;
}

MD5_INLINE AVX512 two
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
			w = md5_load(p + 4 * j);
			x[j] = (two){w, w, w, w};
		}
#pragma GCC unroll 4
		for (j = 0; j < 16; j += 4) {
			a = f_two(a, b, c, d, x[j] + md5_sine[j], 7);
			d = f_two(d, a, b, c, x[j + 1] + md5_sine[j + 1], 12);
			c = f_two(c, d, a, b, x[j + 2] + md5_sine[j + 2], 17);
			b = f_two(b, c, d, a, x[j + 3] + md5_sine[j + 3], 22);
		}
#pragma GCC unroll 4
		for (; j < 32; j += 4) {
			a = g_two(a, b, c, d, x[(5 * j + 1) % 16] + md5_sine[j],
			    5);
			d = g_two(d, a, b, c,
			    x[(5 * j + 6) % 16] + md5_sine[j + 1], 9);
			c = g_two(c, d, a, b,
			    x[(5 * j + 11) % 16] + md5_sine[j + 2], 14);
			b = g_two(b, c, d, a,
			    x[(5 * j + 16) % 16] + md5_sine[j + 3], 20);
		}
#pragma GCC unroll 4
		for (; j < 48; j += 4) {
			a = h_two(a, b, c, d, x[(3 * j + 5) % 16] + md5_sine[j],
			    4);
			d = h_two(d, a, b, c,
			    x[(3 * j + 8) % 16] + md5_sine[j + 1], 11);
			c = h_two(c, d, a, b,
			    x[(3 * j + 11) % 16] + md5_sine[j + 2], 16);
			b = h_two(b, c, d, a,
			    x[(3 * j + 14) % 16] + md5_sine[j + 3], 23);
		}
#pragma GCC unroll 4
		for (; j < 64; j += 4) {
			a = i_two(a, b, c, d, x[7 * j % 16] + md5_sine[j], 6);
			d = i_two(d, a, b, c,
			    x[(7 * j + 7) % 16] + md5_sine[j + 1], 10);
			c = i_two(c, d, a, b,
			    x[(7 * j + 14) % 16] + md5_sine[j + 2], 15);
			b = i_two(b, c, d, a,
			    x[(7 * j + 21) % 16] + md5_sine[j + 3], 21);
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
