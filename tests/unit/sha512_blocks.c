#include "crypto/sha512_blocks.h"
#include "crypto/sha512.h"

#include "tests/tap.h"
#include "tests/vectors.h"

#define BLOCK   SHA512_BLOCK
#define LENGTHS 601 /* 0 to 600: four blocks and a half */
#define BLOCKS  30  /* of a message: several plans of the vector kernels */
#define OFFSETS 65  /* of the bytes, so that they lie in all ways */

static const char *const names[SHA512_KERNELS] = {"plain", "avx2", "avx512"};

/* Of both hashes before they are given the same: nothing, what signatures put
 * in front (32 and 64 bytes), the edges of a block. */
static const size_t fronts[] = {0, 1, 32, 64, 127, 128, 129, 200};
#define FRONTS (sizeof fronts / sizeof fronts[0])

static uint8_t bytes[BLOCKS * BLOCK + OFFSETS];

/* The digest of front and body, by this kernel alone and padded here. */
static void
digest_by(enum sha512_kernel k, uint8_t out[SHA512_SIZE], const uint8_t *front,
    size_t front_len, const uint8_t *body, size_t len)
{
	uint8_t text[LENGTHS + 2 * BLOCK + 200] = {0};
	const size_t whole = front_len + len;
	const size_t n = (whole + 17 + BLOCK - 1) / BLOCK;
	struct sha512 s;
	size_t i;

	memcpy(text, front, front_len);
	memcpy(text + front_len, body, len);
	text[whole] = 0x80;
	text[n * BLOCK - 2] = (uint8_t)(whole >> 5);
	text[n * BLOCK - 1] = (uint8_t)(whole << 3);
	sha512_init(&s);
	sha512_blocks(k, s.state, text, n);
	for (i = 0; i < SHA512_SIZE; i++)
		out[i] = (uint8_t)(s.state[i / 8] >> (56 - 8 * (i % 8)));
}

/* As in sha512.c: the digest of digests was computed elsewhere. */
static void
lengths(enum sha512_kernel k)
{
	uint8_t text[4 * BLOCK], want[SHA512_SIZE], got[SHA512_SIZE];
	uint8_t all[BLOCK] = {0};
	struct sha512 s;
	unsigned i;

	sha512_init(&s);
	for (i = 0; i <= sizeof text; i++) {
		digest_by(k, got, text, 0, text, i);
		memcpy(all + i % 2 * SHA512_SIZE, got, sizeof got);
		if (i % 2 == 1)
			sha512_blocks(k, s.state, all, 1);
		if (i < sizeof text)
			text[i] = (uint8_t)(7 * i);
	}
	memset(all + SHA512_SIZE, 0, SHA512_SIZE);
	all[SHA512_SIZE] = 0x80;
	i = 8 * SHA512_SIZE * (sizeof text + 1);
	all[BLOCK - 3] = (uint8_t)(i >> 16);
	all[BLOCK - 2] = (uint8_t)(i >> 8);
	all[BLOCK - 1] = (uint8_t)i;
	sha512_blocks(k, s.state, all, 1);
	for (i = 0; i < sizeof got; i++)
		got[i] = (uint8_t)(s.state[i / 8] >> (56 - 8 * (i % 8)));
	unhex(want, sizeof want,
	    "256e2503fdb15da7d6d2a50ddb856c3d6e2dc9bb05d66be52f8eaa1b9ad6b037"
	    "ebf5d6dd3681dd9dbdedc59583fce5ae86a2b4d0910bce60e91603e423320a90");
	IS_MEM(got, want, sizeof got, names[k]);
}

static void
fill_states(uint64_t *seed, uint64_t a[8], uint64_t b[8])
{
	unsigned i;

	for (i = 0; i < 8; i++) {
		a[i] = tap_random(seed);
		b[i] = tap_random(seed);
	}
}

/* Any number of blocks at once, wherever they lie, as the plain ones do. */
static void
many_blocks(enum sha512_kernel k, uint64_t *seed)
{
	uint64_t a[8], b[8];
	unsigned wrong = 0;
	size_t n, at;

	for (n = 0; n <= BLOCKS; n++)
		for (at = 0; at < OFFSETS; at++) {
			fill_states(seed, a, b);
			memcpy(b, a, sizeof b);
			sha512_blocks(SHA512_KERNEL_PLAIN, a, bytes + at, n);
			sha512_blocks(k, b, bytes + at, n);
			wrong += memcmp(a, b, sizeof a) != 0;
		}
	OK(wrong == 0, "%s: all numbers of blocks at all offsets", names[k]);
}

static void
pairs_of_blocks(enum sha512_kernel k, uint64_t *seed)
{
	uint64_t a[8], b[8], both[2][8];
	unsigned wrong = 0;
	size_t n, at, other;

	for (n = 0; n <= BLOCKS; n++)
		for (at = 0; at < OFFSETS; at++) {
			other = tap_random(seed) % OFFSETS;
			fill_states(seed, a, b);
			memcpy(both[0], a, sizeof a);
			memcpy(both[1], b, sizeof b);
			sha512_blocks(SHA512_KERNEL_PLAIN, a, bytes + at, n);
			sha512_blocks(SHA512_KERNEL_PLAIN, b, bytes + other, n);
			sha512_blocks_pair(k, both[0], bytes + at, both[1],
			    bytes + other, n);
			wrong += memcmp(a, both[0], sizeof a) != 0;
			wrong += memcmp(b, both[1], sizeof b) != 0;
		}
	OK(wrong == 0, "%s: pairs of all numbers of blocks at all offsets",
	    names[k]);
}

static void
end_pair(struct sha512 pair[2], const size_t front[2], size_t len,
    unsigned *wrong)
{
	uint8_t want[SHA512_SIZE], got[SHA512_SIZE];
	unsigned i;

	for (i = 0; i < 2; i++) {
		digest_by(SHA512_KERNEL_PLAIN, want, bytes + 1, front[i],
		    bytes + 3, len);
		sha512_final(got, &pair[i]);
		*wrong += memcmp(got, want, sizeof got) != 0;
	}
}

/* The same bytes behind any two fronts, in one piece and in two. */
static void
update_pair(uint64_t *seed)
{
	struct sha512 pair[2];
	unsigned wrong = 0, i, j, k;
	size_t front[2], len, cut;

	for (i = 0; i < FRONTS; i++)
		for (j = 0; j < FRONTS; j++)
			for (len = 0; len < LENGTHS; len++) {
				front[0] = fronts[i];
				front[1] = fronts[j];
				cut = tap_random(seed) % (len + 1);
				if (len % 3 == 0)
					cut = len;
				for (k = 0; k < 2; k++) {
					sha512_init(&pair[k]);
					sha512_update(&pair[k], bytes + 1,
					    front[k]);
				}
				sha512_update_pair(&pair[0], &pair[1],
				    bytes + 3, cut);
				sha512_update_pair(&pair[0], &pair[1],
				    bytes + 3 + cut, len - cut);
				end_pair(pair, front, len, &wrong);
			}
	IS(wrong, 0, "the same bytes into two hashes, any length and front");
}

int
main(void)
{
	uint64_t seed = tap_seed(1);
	enum sha512_kernel k;
	struct sha512 a, b;
	size_t i;

	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(tap_random(&seed) >> 56);
	for (k = SHA512_KERNEL_PLAIN; k < SHA512_KERNELS; k++) {
		if (!sha512_kernel_works(k)) {
			tap_skip("this processor lacks what it needs");
			continue;
		}
		lengths(k);
		many_blocks(k, &seed);
		pairs_of_blocks(k, &seed);
	}
	update_pair(&seed);
	sha512_init(&a);
	sha512_init(&b);
	sha512_update_pair(&a, &b, NULL, 0);
	IS(a.len + b.len, 0, "NULL is good for no bytes");
	OK(sha512_kernel_works(SHA512_KERNEL_PLAIN), "every machine has one");
	OK(sha512_kernel_works(sha512_kernel_best()), "the best works here");
	IS(sha512_kernel_works(SHA512_KERNELS), 0, "no kernel behind the last");
	return tap_done();
}
