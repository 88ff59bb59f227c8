#ifndef CRYPTO_MD5_STEPS_H
#define CRYPTO_MD5_STEPS_H

#include <stdint.h>

/* What all kernels of MD5 (RFC 1321 3.4) share. */

/* So that a kernel, which names its processor, has them in that one's code. */
#define MD5_INLINE static inline __attribute__((always_inline))

/* floor(2^32 * abs(sin(n))) for n from 1 on, RFC 1321 3.4. */
static const uint32_t md5_sine[64] = {
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

MD5_INLINE uint32_t
md5_load(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

MD5_INLINE uint32_t
md5_rotate(uint32_t v, unsigned by)
{
	return v << by | v >> (32 - by);
}

/*
 * One step of each round. The four words depend on each other in a chain,
 * b being the newest, so what does not need b is summed up beside it. The
 * two halves of g have no bit in common: adding them is their union and
 * leaves the half with ~d off the chain.
 */
MD5_INLINE uint32_t
md5_f(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t t, unsigned by)
{
	return md5_rotate(a + t + (d ^ (b & (c ^ d))), by) + b;
}

MD5_INLINE uint32_t
md5_g(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t t, unsigned by)
{
	return md5_rotate(a + t + (c & ~d) + (b & d), by) + b;
}

MD5_INLINE uint32_t
md5_h(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t t, unsigned by)
{
	return md5_rotate(a + t + ((c ^ d) ^ b), by) + b;
}

MD5_INLINE uint32_t
md5_i(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t t, unsigned by)
{
	return md5_rotate(a + t + (c ^ (b | ~d)), by) + b;
}

#endif
