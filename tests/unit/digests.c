/* Several works over one stream: each gets all bytes, in their order. */

#include "pack/digests.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/tap.h"

#ifndef THREADS
#define THREADS 1 /* they can be made */
#endif

#define LEN_MAX (DIGESTS_PIECE * 20 + 77) /* more than all slots */

/* What every work must have had. */
static void
fill(uint8_t *bytes, size_t len)
{
	uint32_t x = 1;
	size_t i;

	for (i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

struct count {
	pthread_t caller;
	size_t calls, bytes, inline_calls;
};

static void
count(void *arg, const void *bytes, size_t len)
{
	struct count *c = arg;

	(void)bytes;
	c->calls++;
	c->bytes += len;
	c->inline_calls += pthread_equal(pthread_self(), c->caller) != 0;
}

/* step 0: in place, as pieces; else fed so many bytes at a time. */
static void
both(const uint8_t *bytes, size_t len, size_t step)
{
	uint8_t want5[MD5_SIZE], got5[MD5_SIZE];
	uint8_t want[SHA512_SIZE], got[SHA512_SIZE];
	struct count c = {pthread_self(), 0, 0, 0};
	uint8_t want2[SHA512_SIZE], got2[SHA512_SIZE];
	struct sha512 sha, second, whole;
	struct md5 five;
	const struct digests_work works[] = {{digests_md5, &five},
	    {digests_sha512, &sha}, {count, &c}, {digests_sha512, &second}};
	struct digests *d;
	size_t at, n;

	md5_init(&five);
	sha512_init(&sha);
	sha512_init(&second);
	sha512_update(&second, "in front", 8);
	whole = second;
	d = digests_start(works, 4, NULL);
	for (at = 0; at < len; at += n) {
		n = step != 0 ? step : DIGESTS_PIECE;
		n = n < len - at ? n : len - at;
		if (step != 0) {
			digests_feed(d, bytes + at, n);
			continue;
		}
		memcpy(digests_room(d), bytes + at, n);
		digests_give(d, n);
	}
	digests_wait(d);
	digests_wait(d);
	md5_final(got5, &five);
	sha512_final(got, &sha);
	md5(want5, bytes, len);
	sha512(want, bytes, len);
	printf("# %zu bytes, %zu at a time\n", len, step);
	IS_MEM(got5, want5, sizeof want5, "MD5");
	IS_MEM(got, want, sizeof want, "SHA-512");
	sha512_update(&whole, bytes, len);
	sha512_final(want2, &whole);
	sha512_final(got2, &second);
	IS_MEM(got2, want2, sizeof want2, "another, with bytes in front");
	IS(c.bytes, len, "as many bytes to one that counts");
	IS(c.calls, (len + DIGESTS_PIECE - 1) / DIGESTS_PIECE, "in pieces");
	IS(c.inline_calls, THREADS && len >= DIGESTS_PIECE ? 0 : c.calls,
	    "by a thread, unless it is little or there is none");
	digests_free(d);
}

int
main(void)
{
	static const size_t lens[] = {0, 1, DIGESTS_PIECE - 1, DIGESTS_PIECE,
	    DIGESTS_PIECE + 1, DIGESTS_PIECE * 8, LEN_MAX};
	uint8_t *bytes = malloc(LEN_MAX);
	struct digests *d;
	size_t i;

	fill(bytes, LEN_MAX);
	for (i = 0; i < sizeof lens / sizeof *lens; i++) {
		both(bytes, lens[i], 0);
		both(bytes, lens[i], 1000);
		both(bytes, lens[i], DIGESTS_PIECE * 3 + 5);
	}
	d = digests_start(NULL, 0, NULL);
	digests_feed(d, bytes, LEN_MAX);
	digests_free(d);
	digests_free(NULL);
	free(bytes);
	return tap_done();
}
