#include "crypto/md5.h"

#include "tests/tap.h"
#include "tests/vectors.h"

#define BLOCK 64

/* RFC 1321 A.5 */
static const struct {
	const char *text, *digest;
} vector[] = {
    /* clang-format off */
	{"",
	    "d41d8cd98f00b204e9800998ecf8427e"},
	{"a",
	    "0cc175b9c0f1b6a831c399e269772661"},
	{"abc",
	    "900150983cd24fb0d6963f7d28e17f72"},
	{"message digest",
	    "f96b697d7cb7938d525a2f31aaf161d0"},
	{"abcdefghijklmnopqrstuvwxyz",
	    "c3fcd3d76192e4007dfb496cca67e13b"},
	{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
	    "d174ab98d277d9f5a5611c2c9f419d9f"},
	{"1234567890123456789012345678901234567890123456789012345678901234"
	    "5678901234567890",
	    "57edf4a22be3c955ac49da2e2107b67a"},
    /* clang-format on */
};

static void
vectors(void)
{
	uint8_t want[MD5_SIZE], got[MD5_SIZE];
	struct md5 h;
	unsigned i;

	for (i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		unhex(want, sizeof(want), vector[i].digest);
		md5(got, vector[i].text, strlen(vector[i].text));
		IS_MEM(got, want, sizeof(got), vector[i].text);
	}

	md5_init(&h);
	for (i = 0; i < 1000000; i++)
		md5_update(&h, "a", 1);
	md5_final(got, &h);
	unhex(want, sizeof(want), "7707d6ae4e027c70eea2a935c2296f21");
	IS_MEM(got, want, sizeof(got), "a million times 'a'");
}

/*
 * All lengths about the block's, so that the padding comes to lie in all
 * ways: the digest of their digests, computed with another implementation.
 */
static void
lengths(void)
{
	uint8_t bytes[4 * BLOCK], want[MD5_SIZE], got[MD5_SIZE];
	struct md5 all;
	unsigned i;

	md5_init(&all);
	for (i = 0; i <= sizeof(bytes); i++) {
		md5(got, bytes, i);
		md5_update(&all, got, sizeof(got));
		if (i < sizeof(bytes))
			bytes[i] = (uint8_t)(7 * i);
	}
	md5_final(got, &all);
	unhex(want, sizeof(want), "6ab6537b74a3e19aeef60117c51d0145");
	IS_MEM(got, want, sizeof(got), "every length");
}

/* The same lengths in all two-part splits. */
static void
splits(uint64_t seed)
{
	uint8_t bytes[4 * BLOCK], want[MD5_SIZE], got[MD5_SIZE];
	unsigned len, at, i, wrong = 0;
	struct md5 h;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(tap_random(&seed) >> 56);
	for (len = 0; len <= sizeof(bytes); len++) {
		md5(want, bytes, len);
		for (at = 0; at <= len; at++) {
			md5_init(&h);
			md5_update(&h, bytes, at);
			md5_update(&h, bytes + at, len - at);
			md5_final(got, &h);
			wrong += memcmp(got, want, sizeof(got)) != 0;
		}
		md5_init(&h);
		for (i = 0; i < len; i++)
			md5_update(&h, bytes + i, 1);
		md5_final(got, &h);
		wrong += memcmp(got, want, sizeof(got)) != 0;
	}
	IS(wrong, 0, "every split gives the digest of the whole");
}

/*
 * The length field, also where no test can count to: "abc" as the end of a
 * longer message, padded by hand, is one block whose state is the digest.
 */
static void
long_message(void)
{
	uint8_t block[BLOCK] = "abc\x80", want[MD5_SIZE], got[MD5_SIZE];
	struct md5 h, by_hand;
	unsigned i;

	/* In bits, little-endian: (2^40 + 3) * 8. */
	block[BLOCK - 8] = 24;
	block[BLOCK - 3] = 8;
	md5_init(&by_hand);
	md5_update(&by_hand, block, sizeof(block));
	for (i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(by_hand.state[i / 4] >> (8 * (i % 4)));

	md5_init(&h);
	h.len = UINT64_C(1) << 40;
	md5_update(&h, "abc", 3);
	md5_final(got, &h);
	IS_MEM(got, want, sizeof(got), "the length counts in all its bits");
}

int
main(void)
{
	struct md5 h;
	uint8_t got[MD5_SIZE], want[MD5_SIZE];

	vectors();
	lengths();
	splits(tap_seed(1));
	long_message();
	md5_init(&h);
	md5_update(&h, NULL, 0);
	md5_final(got, &h);
	md5(want, "", 0);
	IS_MEM(got, want, sizeof(got), "NULL is good for no bytes");
	return tap_done();
}
