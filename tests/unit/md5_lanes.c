#include "crypto/md5_lanes.h"

#include "base/random.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>

#define LENGTHS  301 /* 0 to 300: the padding lies in all ways, twice over */
#define LONG     5000
#define ROOM     (LONG + MD5_PAD_MAX)
#define MESSAGES 2000

static const char *const names[MD5_KERNELS] = {"plain", "avx2", "avx512"};

/* One message of each lane, its padding behind it. */
struct message {
	uint8_t bytes[ROOM];
	size_t len;
	size_t blocks;
	size_t done;
};

static uint32_t
draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % below;
}

static void
message_make(struct message *m, uint64_t *seed, size_t len)
{
	size_t j;

	for (j = 0; j < len; j++)
		m->bytes[j] = (uint8_t)draw(seed, 256);
	m->len = len;
	m->done = 0;
	m->blocks = (len + md5_pad(m->bytes + len, len)) / MD5_BLOCK;
}

static int
is_right(const struct message *m, const struct md5_lanes *lanes, unsigned lane)
{
	uint8_t want[MD5_SIZE], got[MD5_SIZE];

	md5(want, m->bytes, m->len);
	md5_lanes_digest(got, lanes, lane);
	return memcmp(want, got, sizeof want) == 0;
}

/* Messages of one length in all lanes, every length. */
static void
lengths(enum md5_kernel k, struct message *m, uint64_t *seed)
{
	const uint8_t *p[MD5_LANES];
	struct md5_lanes lanes;
	unsigned wrong = 0, lane;
	size_t len;

	for (len = 0; len < LENGTHS; len++) {
		for (lane = 0; lane < MD5_LANES; lane++) {
			message_make(&m[lane], seed, len);
			md5_lanes_start(&lanes, lane);
			p[lane] = m[lane].bytes;
		}
		md5_lanes_blocks(&lanes, k, p, m[0].blocks);
		for (lane = 0; lane < MD5_LANES; lane++)
			wrong += !is_right(&m[lane], &lanes, lane);
	}
	OK(wrong == 0, "%s: all lengths to %d in every lane", names[k],
	    LENGTHS - 1);
}

/* Lanes that begin and end on their own, with some that have nothing to do
 * and now and then one that goes on alone. */
static void
mixes(enum md5_kernel k, struct message *m, uint64_t *seed)
{
	const uint8_t *p[MD5_LANES];
	struct md5_lanes lanes;
	unsigned wrong = 0, made = 0, ended = 0, live, lane;
	size_t n, rest;
	int alone;

	memset(&lanes, 0, sizeof lanes);
	for (lane = 0; lane < MD5_LANES; lane++)
		m[lane].blocks = m[lane].done = 0;
	do {
		live = 0;
		n = ROOM;
		for (lane = 0; lane < MD5_LANES; lane++) {
			if (m[lane].done == m[lane].blocks && made < MESSAGES &&
			    draw(seed, 4) > 0) {
				message_make(&m[lane], seed,
				    draw(seed, draw(seed, 8) ? 300 : LONG));
				md5_lanes_start(&lanes, lane);
				made++;
			}
			rest = m[lane].blocks - m[lane].done;
			if (rest > 0)
				live = lane + 1;
			if (rest > 0 && rest < n)
				n = rest;
		}
		if (live == 0)
			continue;
		for (lane = 0; lane < MD5_LANES; lane++) {
			const struct message *of = &m[lane];

			if (of->done == of->blocks)
				of = &m[live - 1];
			p[lane] = of->bytes + of->done * MD5_BLOCK;
		}
		n = 1 + draw(seed, (uint32_t)n);
		alone = draw(seed, 3) == 0;
		if (alone)
			md5_lanes_one(&lanes, live - 1, p[live - 1], n);
		else
			md5_lanes_blocks(&lanes, k, p, n);
		for (lane = 0; lane < MD5_LANES; lane++) {
			if (m[lane].done == m[lane].blocks ||
			    (alone && lane != live - 1))
				continue;
			m[lane].done += n;
			if (m[lane].done == m[lane].blocks) {
				wrong += !is_right(&m[lane], &lanes, lane);
				ended++;
			}
		}
	} while (live > 0 || made < MESSAGES);
	OK(ended == MESSAGES, "%s: all messages of a mix end", names[k]);
	OK(wrong == 0, "%s: each with its digest", names[k]);
}

int
main(void)
{
	struct message *m = calloc(MD5_LANES, sizeof *m);
	enum md5_kernel k;
	const char *given = getenv("TEST_SEED");
	uint64_t seed;

	if (given != NULL)
		seed = strtoull(given, NULL, 10);
	else if (random_bytes(&seed, sizeof seed) != 0)
		return 1;
	printf("# TEST_SEED=%" PRIu64 "\n", seed);
	for (k = MD5_KERNEL_PLAIN; k < MD5_KERNELS; k++) {
		if (!md5_kernel_works(k)) {
			tap_skip("this processor lacks what it needs");
			continue;
		}
		OK(md5_kernel_worth(k) <= MD5_LANES, "%s is worth it",
		    names[k]);
		lengths(k, m, &seed);
		mixes(k, m, &seed);
	}
	OK(md5_kernel_works(MD5_KERNEL_PLAIN), "every machine has one");
	OK(md5_kernel_works(md5_kernel_best()), "the best one works here");
	free(m);
	return tap_done();
}
