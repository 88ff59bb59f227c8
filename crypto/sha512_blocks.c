/* The blocks of SHA-512 (FIPS 180-4 6.4), for different processors. */

#include "crypto/sha512_blocks.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define BLOCK  SHA512_BLOCK
#define ROUNDS 80
#define FRONT  16 /* words of the schedule that are the block itself */

/* So that a kernel, which names its processor, has them in that one's code. */
#define INLINE static inline __attribute__((always_inline))

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

/* --- a word at a time ------------------------------------------------------
 */

/* The working variables by their names in the standard: in an array they would
 * lie in memory. */
struct chain {
	uint64_t a, b, c, d, e, f, g, h;
};

INLINE uint64_t
load64_be(const uint8_t *p)
{
	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 |
	       (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	       (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
	       (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

INLINE uint64_t
rotate(uint64_t v, unsigned by)
{
	return v >> by | v << (64 - by);
}

/*
 * One round (6.4.2 step 3), t being the word and the constant. Instead of
 * moving all eight working variables on by a name, the caller moves the names.
 */
INLINE void
turn(uint64_t a, uint64_t b, uint64_t c, uint64_t *d, uint64_t e, uint64_t f,
    uint64_t g, uint64_t *h, uint64_t t)
{
	t += *h + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) +
	     (g ^ (e & (f ^ g)));
	*d += t;
	*h = t + (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) +
	     ((a & b) | (c & (a | b)));
}

/* Eight rounds, after which every name is in its place again. The words lie
 * `step` apart. */
INLINE void
eight(struct chain *s, const uint64_t *w, size_t step)
{
	turn(s->a, s->b, s->c, &s->d, s->e, s->f, s->g, &s->h, w[0 * step]);
	turn(s->h, s->a, s->b, &s->c, s->d, s->e, s->f, &s->g, w[1 * step]);
	turn(s->g, s->h, s->a, &s->b, s->c, s->d, s->e, &s->f, w[2 * step]);
	turn(s->f, s->g, s->h, &s->a, s->b, s->c, s->d, &s->e, w[3 * step]);
	turn(s->e, s->f, s->g, &s->h, s->a, s->b, s->c, &s->d, w[4 * step]);
	turn(s->d, s->e, s->f, &s->g, s->h, s->a, s->b, &s->c, w[5 * step]);
	turn(s->c, s->d, s->e, &s->f, s->g, s->h, s->a, &s->b, w[6 * step]);
	turn(s->b, s->c, s->d, &s->e, s->f, s->g, s->h, &s->a, w[7 * step]);
}

INLINE void
begin(struct chain *s, const uint64_t state[8])
{
	s->a = state[0];
	s->b = state[1];
	s->c = state[2];
	s->d = state[3];
	s->e = state[4];
	s->f = state[5];
	s->g = state[6];
	s->h = state[7];
}

INLINE void
end_block(struct chain *s, uint64_t state[8])
{
	s->a = state[0] += s->a;
	s->b = state[1] += s->b;
	s->c = state[2] += s->c;
	s->d = state[3] += s->d;
	s->e = state[4] += s->e;
	s->f = state[5] += s->f;
	s->g = state[6] += s->g;
	s->h = state[7] += s->h;
}

INLINE void
blocks_one(uint64_t state[8], const uint8_t *p, size_t n)
{
	uint64_t w[ROUNDS], sum[ROUNDS];
	struct chain s;
	unsigned j;

	begin(&s, state);
	for (; n > 0; n--, p += BLOCK) {
		for (j = 0; j < FRONT; j++) {
			w[j] = load64_be(p + 8 * j);
			sum[j] = w[j] + root[j];
		}
		for (; j < ROUNDS; j++) {
			uint64_t x = w[j - 15], y = w[j - 2];

			w[j] = w[j - 16] + w[j - 7] +
			       (rotate(x, 1) ^ rotate(x, 8) ^ x >> 7) +
			       (rotate(y, 19) ^ rotate(y, 61) ^ y >> 6);
			sum[j] = w[j] + root[j];
		}
		for (j = 0; j < ROUNDS; j += 8)
			eight(&s, sum + j, 1);
		end_block(&s, state);
	}
}

static void
blocks_plain(uint64_t state[8], const uint8_t *p, size_t n)
{
	blocks_one(state, p, n);
}

#ifdef __x86_64__

/* --- the schedule in vectors -----------------------------------------------
 */

#define AVX2   __attribute__((target("avx2,bmi,bmi2")))
#define AVX512 __attribute__((target("avx2,bmi,bmi2,avx512f,avx512vl")))

typedef uint64_t four __attribute__((vector_size(32)));
typedef uint64_t two __attribute__((vector_size(16)));

union words {
	four all;
	two half[2];
	uint64_t one[4];
};

/*
 * Words do not depend on the state. So those of the next four blocks are made,
 * a block in each lane, while the rounds of these four run: the rounds are a
 * chain that leaves the vector unit idle.
 */
#define LANES 4
#define STEPS (ROUNDS / LANES) /* of a plan: so many words at a time */

struct plan {
	four word[ROUNDS];
	union words
	    sum[2][ROUNDS]; /* with the constants; now and next, in turns */
};

INLINE AVX2 four
rotate_four(four v, int by)
{
	return v >> by | v << (64 - by);
}

/* Two words of each of two blocks. */
INLINE AVX2 __m256i
load_two(const uint8_t *low, const uint8_t *high)
{
	const __m256i turned = _mm256_set_epi64x(0x08090a0b0c0d0e0f,
	    0x0001020304050607, 0x08090a0b0c0d0e0f, 0x0001020304050607);
	__m128i l = _mm_loadu_si128((const __m128i *)low);
	__m128i h = _mm_loadu_si128((const __m128i *)high);

	return _mm256_shuffle_epi8(
	    _mm256_inserti128_si256(_mm256_castsi128_si256(l), h, 1), turned);
}

/* Words 4 i to 4 i + 3 of the blocks that begin at p[0] to p[3]. */
INLINE AVX2 void
plan_step(struct plan *l, union words *sum, const uint8_t *const p[LANES],
    unsigned i)
{
	four *w = l->word + 4 * i;
	const uint64_t *r = root + 4 * i;
	unsigned j;

	sum += 4 * i;
	if (i < FRONT / 4) {
#pragma GCC unroll 2
		for (j = 0; j < 4; j += 2) {
			size_t at = 32 * i + 8 * j;
			__m256i x = load_two(p[0] + at, p[2] + at);
			__m256i y = load_two(p[1] + at, p[3] + at);

			w[j] = (four)_mm256_unpacklo_epi64(x, y);
			w[j + 1] = (four)_mm256_unpackhi_epi64(x, y);
			sum[j].all = w[j] + r[j];
			sum[j + 1].all = w[j + 1] + r[j + 1];
		}
		return;
	}
#pragma GCC unroll 4
	for (j = 0; j < 4; j++, w++) {
		four x = w[-15], y = w[-2];

		*w = w[-16] + w[-7] +
		     (rotate_four(x, 1) ^ rotate_four(x, 8) ^ x >> 7) +
		     (rotate_four(y, 19) ^ rotate_four(y, 61) ^ y >> 6);
		sum[j].all = *w + r[j];
	}
}

static AVX2 void
blocks_avx2(uint64_t state[8], const uint8_t *bytes, size_t n)
{
	const uint8_t *p[LANES] = {
	    bytes, bytes + BLOCK, bytes + 2 * BLOCK, bytes + 3 * BLOCK};
	struct plan plan;
	struct chain s;
	unsigned i, j, lane, now = 0;

	begin(&s, state);
	for (i = 0; n >= LANES && i < STEPS; i++)
		plan_step(&plan, plan.sum[now], p, i);
	for (; n >= LANES; n -= LANES, now = !now) {
		for (j = 0; j < LANES; j++)
			p[j] += LANES * BLOCK;
		i = 0;
		for (lane = 0; lane < LANES; lane++) {
			const uint64_t *w = &plan.sum[now][0].one[lane];

			for (j = 0; j < ROUNDS; j += 16, w += 16 * LANES) {
				if (n >= 2 * LANES)
					plan_step(&plan, plan.sum[!now], p,
					    i++);
				eight(&s, w, LANES);
				eight(&s, w + 8 * LANES, LANES);
			}
			end_block(&s, state);
		}
	}
	blocks_one(state, p[0], n);
}

/* --- two chains in vectors -------------------------------------------------
 */

struct chains {
	two a, b, c, d, e, f, g, h;
};

INLINE AVX512 two
rotate_two(two v, int by)
{
	return v >> by | v << (64 - by);
}

/* As turn. The majority is one instruction here (its table of truth is 0xe8),
 * but compilers find two. */
INLINE AVX512 void
turn_two(two a, two b, two c, two *d, two e, two f, two g, two *h, two t)
{
	two most = (two)_mm_ternarylogic_epi64((__m128i)a, (__m128i)b,
	    (__m128i)c, 0xe8);

	two more;

	t += *h;
	more = (g ^ (e & (f ^ g))) +
	       (rotate_two(e, 14) ^ rotate_two(e, 18) ^ rotate_two(e, 41));
	/* The next round waits for d: t and more go to it one by one. */
	*d = (*d + t) + more;
	*h = (t + more) + (most + (rotate_two(a, 28) ^ rotate_two(a, 34) ^
				      rotate_two(a, 39)));
}

/* The words of a block: with one chain it has one lane of four, with two they
 * have half of the four. */
INLINE AVX512 two
words_of(const union words *w, unsigned block, int pair)
{
	return pair ? w->half[block] : (two){w->one[block], w->one[block]};
}

INLINE AVX512 void
eight_two(struct chains *s, const union words *w, unsigned k, int pair)
{
	turn_two(s->a, s->b, s->c, &s->d, s->e, s->f, s->g, &s->h,
	    words_of(w + 0, k, pair));
	turn_two(s->h, s->a, s->b, &s->c, s->d, s->e, s->f, &s->g,
	    words_of(w + 1, k, pair));
	turn_two(s->g, s->h, s->a, &s->b, s->c, s->d, s->e, &s->f,
	    words_of(w + 2, k, pair));
	turn_two(s->f, s->g, s->h, &s->a, s->b, s->c, s->d, &s->e,
	    words_of(w + 3, k, pair));
	turn_two(s->e, s->f, s->g, &s->h, s->a, s->b, s->c, &s->d,
	    words_of(w + 4, k, pair));
	turn_two(s->d, s->e, s->f, &s->g, s->h, s->a, s->b, &s->c,
	    words_of(w + 5, k, pair));
	turn_two(s->c, s->d, s->e, &s->f, s->g, s->h, s->a, &s->b,
	    words_of(w + 6, k, pair));
	turn_two(s->b, s->c, s->d, &s->e, s->f, s->g, s->h, &s->a,
	    words_of(w + 7, k, pair));
}

INLINE AVX512 void
end_block_two(struct chains *s, struct chains *state)
{
	s->a = state->a += s->a;
	s->b = state->b += s->b;
	s->c = state->c += s->c;
	s->d = state->d += s->d;
	s->e = state->e += s->e;
	s->f = state->f += s->f;
	s->g = state->g += s->g;
	s->h = state->h += s->h;
}

/* n blocks of each chain, a multiple of the blocks in a plan. */
INLINE AVX512 void
blocks_two(struct chains *state, const uint8_t *p[LANES], size_t n, int pair)
{
	const unsigned blocks = pair ? LANES / 2 : LANES;
	struct chains s = *state;
	struct plan plan;
	unsigned i, j, k, now = 0;

	for (i = 0; i < STEPS; i++)
		plan_step(&plan, plan.sum[now], p, i);
	for (; n > 0; n -= blocks, now = !now) {
		for (j = 0; j < LANES; j++)
			p[j] += blocks * BLOCK;
		i = 0;
		for (k = 0; k < blocks; k++) {
			const union words *w = plan.sum[now];

			for (j = 0; j < ROUNDS; j += 16, w += 16) {
				if (n > blocks) {
					plan_step(&plan, plan.sum[!now], p,
					    i++);
					if (pair)
						plan_step(&plan, plan.sum[!now],
						    p, i++);
				}
				eight_two(&s, w, k, pair);
				eight_two(&s, w + 8, k, pair);
			}
			end_block_two(&s, state);
		}
	}
}

INLINE AVX512 void
begin_two(struct chains *s, const uint64_t a[8], const uint64_t b[8])
{
	s->a = (two){a[0], b[0]};
	s->b = (two){a[1], b[1]};
	s->c = (two){a[2], b[2]};
	s->d = (two){a[3], b[3]};
	s->e = (two){a[4], b[4]};
	s->f = (two){a[5], b[5]};
	s->g = (two){a[6], b[6]};
	s->h = (two){a[7], b[7]};
}

INLINE AVX512 void
end_two(uint64_t state[8], const struct chains *s, unsigned lane)
{
	state[0] = s->a[lane];
	state[1] = s->b[lane];
	state[2] = s->c[lane];
	state[3] = s->d[lane];
	state[4] = s->e[lane];
	state[5] = s->f[lane];
	state[6] = s->g[lane];
	state[7] = s->h[lane];
}

static AVX512 void
blocks_avx512(uint64_t state[8], const uint8_t *bytes, size_t n)
{
	const uint8_t *p[LANES] = {
	    bytes, bytes + BLOCK, bytes + 2 * BLOCK, bytes + 3 * BLOCK};
	struct chains s;

	if (n >= LANES) {
		begin_two(&s, state, state);
		blocks_two(&s, p, n - n % LANES, 0);
		end_two(state, &s, 0);
	}
	blocks_one(state, p[0], n % LANES);
}

static AVX512 void
pair_avx512(uint64_t a[8], const uint8_t *of_a, uint64_t b[8],
    const uint8_t *of_b, size_t n)
{
	const uint8_t *p[LANES] = {of_a, of_b, of_a + BLOCK, of_b + BLOCK};
	const size_t left = n % (LANES / 2);
	struct chains s;

	if (n > left) {
		begin_two(&s, a, b);
		blocks_two(&s, p, n - left, 1);
		end_two(a, &s, 0);
		end_two(b, &s, 1);
	}
	blocks_one(a, p[0], left);
	blocks_one(b, p[1], left);
}

int
sha512_kernel_works(enum sha512_kernel k)
{
	switch (k) {
	case SHA512_KERNEL_PLAIN:
		return 1;
	case SHA512_KERNEL_AVX2:
		return __builtin_cpu_supports("avx2") &&
		       __builtin_cpu_supports("bmi") &&
		       __builtin_cpu_supports("bmi2");
	case SHA512_KERNEL_AVX512:
		return sha512_kernel_works(SHA512_KERNEL_AVX2) &&
		       __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512vl");
	case SHA512_KERNELS:
		break;
	}
	return 0;
}

void
sha512_blocks(enum sha512_kernel k, uint64_t state[8], const uint8_t *bytes,
    size_t n)
{
	if (k == SHA512_KERNEL_AVX512)
		blocks_avx512(state, bytes, n);
	else if (k == SHA512_KERNEL_AVX2)
		blocks_avx2(state, bytes, n);
	else
		blocks_plain(state, bytes, n);
}

void
sha512_blocks_pair(enum sha512_kernel k, uint64_t a[8], const uint8_t *of_a,
    uint64_t b[8], const uint8_t *of_b, size_t n)
{
	if (k == SHA512_KERNEL_AVX512) {
		pair_avx512(a, of_a, b, of_b, n);
		return;
	}
	sha512_blocks(k, a, of_a, n);
	sha512_blocks(k, b, of_b, n);
}
#else
int
sha512_kernel_works(enum sha512_kernel k)
{
	return k == SHA512_KERNEL_PLAIN;
}

void
sha512_blocks(enum sha512_kernel k, uint64_t state[8], const uint8_t *bytes,
    size_t n)
{
	(void)k;
	blocks_plain(state, bytes, n);
}

void
sha512_blocks_pair(enum sha512_kernel k, uint64_t a[8], const uint8_t *of_a,
    uint64_t b[8], const uint8_t *of_b, size_t n)
{
	sha512_blocks(k, a, of_a, n);
	sha512_blocks(k, b, of_b, n);
}
#endif

enum sha512_kernel
sha512_kernel_best(void)
{
	if (sha512_kernel_works(SHA512_KERNEL_AVX512))
		return SHA512_KERNEL_AVX512;
	if (sha512_kernel_works(SHA512_KERNEL_AVX2))
		return SHA512_KERNEL_AVX2;
	return SHA512_KERNEL_PLAIN;
}
