/* The source itself, for the way that it takes where there is a faster one. */
#include "crypto/md5.c"

#include "tests/tap.h"

#define LENGTHS 601 /* 0 to 600: nine blocks and a part */
#define BLOCKS  40
#define OFFSETS 65 /* of the bytes, so that they lie in all ways */

static const char *const names[MD5_PAIR_KERNELS] = {"plain", "avx512"};

/* Of both before they are given the same. */
static const size_t fronts[] = {0, 1, 63, 64, 65, 512};
#define FRONTS (sizeof fronts / sizeof fronts[0])

static uint8_t bytes[BLOCKS * MD5_BLOCK + OFFSETS];

/* By the plain way alone, padded here. */
static void
digest_by_one(uint8_t out[MD5_SIZE], const uint8_t *front, size_t front_len,
    const uint8_t *body, size_t len)
{
	uint8_t text[LENGTHS + 512 + MD5_PAD_MAX];
	uint32_t state[4];
	size_t n = front_len + len;

	memcpy(text, front, front_len);
	memcpy(text + front_len, body, len);
	n += md5_pad(text + n, n);
	md5_start(state);
	blocks(state, text, n / MD5_BLOCK);
	md5_digest(out, state);
}

/* As in md5.c: the digest of digests was computed elsewhere. */
static void
plain_lengths(void)
{
	static const uint8_t want[MD5_SIZE] = {0x6a, 0xb6, 0x53, 0x7b, 0x74,
	    0xa3, 0xe1, 0x9a, 0xee, 0xf6, 0x01, 0x17, 0xc5, 0x1d, 0x01, 0x45};
	uint8_t text[4 * MD5_BLOCK], all[257 * MD5_SIZE + MD5_PAD_MAX];
	uint8_t got[MD5_SIZE];
	uint32_t state[4];
	size_t i, n;

	for (i = 0; i <= sizeof text; i++) {
		digest_by_one(all + i * MD5_SIZE, text, 0, text, i);
		if (i < sizeof text)
			text[i] = (uint8_t)(7 * i);
	}
	n = i * MD5_SIZE;
	n += md5_pad(all + n, n);
	md5_start(state);
	blocks(state, all, n / MD5_BLOCK);
	md5_digest(got, state);
	IS_MEM(got, want, sizeof got, "every length, one chain in plain code");
}

static void
pairs_of_blocks(enum md5_pair_kernel k, uint64_t *seed)
{
	uint32_t a[4], b[4], both[2][4];
	unsigned wrong = 0, i;
	size_t n, at;

	for (n = 0; n <= BLOCKS; n++)
		for (at = 0; at < OFFSETS; at++) {
			for (i = 0; i < 4; i++) {
				both[0][i] = a[i] = (uint32_t)tap_random(seed);
				both[1][i] = b[i] = (uint32_t)tap_random(seed);
			}
			blocks(a, bytes + at, n);
			blocks(b, bytes + at, n);
			md5_pair_blocks(k, both[0], both[1], bytes + at, n);
			wrong += memcmp(a, both[0], sizeof a) != 0;
			wrong += memcmp(b, both[1], sizeof b) != 0;
		}
	OK(wrong == 0, "%s: all numbers of blocks at all offsets", names[k]);
}

/* The same bytes behind any two fronts, in one piece and in two. */
static void
update_pair(uint64_t *seed)
{
	uint8_t want[MD5_SIZE], got[MD5_SIZE];
	struct md5 pair[2];
	unsigned wrong = 0, i, j, k;
	size_t len, cut;

	for (i = 0; i < FRONTS; i++)
		for (j = 0; j < FRONTS; j++)
			for (len = 0; len < LENGTHS; len++) {
				cut = tap_random(seed) % (len + 1);
				if (len % 3 == 0)
					cut = len;
				for (k = 0; k < 2; k++) {
					md5_init(&pair[k]);
					md5_update(&pair[k], bytes + 1,
					    fronts[k == 0 ? i : j]);
				}
				md5_update_pair(&pair[0], &pair[1], bytes + 3,
				    cut);
				md5_update_pair(&pair[0], &pair[1],
				    bytes + 3 + cut, len - cut);
				for (k = 0; k < 2; k++) {
					digest_by_one(want, bytes + 1,
					    fronts[k == 0 ? i : j], bytes + 3,
					    len);
					md5_final(got, &pair[k]);
					wrong +=
					    memcmp(got, want, sizeof got) != 0;
				}
			}
	IS(wrong, 0, "the same bytes into two hashes, any length and front");
}

int
main(void)
{
	uint64_t seed = tap_seed(1);
	enum md5_pair_kernel k;
	struct md5 a, b;
	size_t i;

	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(tap_random(&seed) >> 56);
	plain_lengths();
	for (k = MD5_PAIR_PLAIN; k < MD5_PAIR_KERNELS; k++) {
		if (md5_pair_works(k))
			pairs_of_blocks(k, &seed);
		else
			tap_skip("this processor lacks what it needs");
	}
	update_pair(&seed);
	md5_init(&a);
	md5_init(&b);
	md5_update_pair(&a, &b, NULL, 0);
	IS(a.len + b.len, 0, "NULL is good for no bytes");
	OK(md5_pair_works(MD5_PAIR_PLAIN), "every machine has one");
	OK(md5_pair_works(md5_pair_best()), "the best works here");
	IS(md5_pair_works(MD5_PAIR_KERNELS), 0, "no kernel behind the last");
	return tap_done();
}
