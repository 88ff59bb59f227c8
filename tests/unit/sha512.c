#include "crypto/sha512.h"

#include "tests/tap.h"
#include "tests/vectors.h"

#define BLOCK 128

/* FIPS 180-4, the examples */
static const struct {
	const char *text, *digest;
} vector[] = {
    /* clang-format off */
	{"",
	    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
	{"abc",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
	    "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	    "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
	    "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
    /* clang-format on */
};

static void
vectors(void)
{
	uint8_t want[SHA512_SIZE], got[SHA512_SIZE];
	struct sha512 h;
	unsigned i;

	for (i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		unhex(want, sizeof(want), vector[i].digest);
		sha512(got, vector[i].text, strlen(vector[i].text));
		IS_MEM(got, want, sizeof(got), vector[i].text);
	}

	sha512_init(&h);
	for (i = 0; i < 1000000; i++)
		sha512_update(&h, "a", 1);
	sha512_final(got, &h);
	unhex(want, sizeof(want),
	    "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
	    "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b");
	IS_MEM(got, want, sizeof(got), "a million times 'a'");
}

/*
 * All lengths about the block's, so that the padding comes to lie in all
 * ways: the digest of their digests, computed with another implementation.
 */
static void
lengths(void)
{
	uint8_t bytes[4 * BLOCK], want[SHA512_SIZE], got[SHA512_SIZE];
	struct sha512 all;
	unsigned i;

	sha512_init(&all);
	for (i = 0; i <= sizeof(bytes); i++) {
		sha512(got, bytes, i);
		sha512_update(&all, got, sizeof(got));
		if (i < sizeof(bytes))
			bytes[i] = (uint8_t)(7 * i);
	}
	sha512_final(got, &all);
	unhex(want, sizeof(want),
	    "256e2503fdb15da7d6d2a50ddb856c3d6e2dc9bb05d66be52f8eaa1b9ad6b037"
	    "ebf5d6dd3681dd9dbdedc59583fce5ae86a2b4d0910bce60e91603e423320a90");
	IS_MEM(got, want, sizeof(got), "every length");
}

/* The same lengths in all two-part splits. */
static void
splits(uint64_t seed)
{
	uint8_t bytes[4 * BLOCK], want[SHA512_SIZE], got[SHA512_SIZE];
	unsigned len, at, i, wrong = 0;
	struct sha512 h;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(tap_random(&seed) >> 56);
	for (len = 0; len <= sizeof(bytes); len++) {
		sha512(want, bytes, len);
		for (at = 0; at <= len; at++) {
			sha512_init(&h);
			sha512_update(&h, bytes, at);
			sha512_update(&h, bytes + at, len - at);
			sha512_final(got, &h);
			wrong += memcmp(got, want, sizeof(got)) != 0;
		}
		sha512_init(&h);
		for (i = 0; i < len; i++)
			sha512_update(&h, bytes + i, 1);
		sha512_final(got, &h);
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
	uint8_t block[BLOCK] = "abc\x80", want[SHA512_SIZE], got[SHA512_SIZE];
	struct sha512 h, by_hand;
	unsigned i;

	/* In bits, big-endian: (2^62 + 3) * 8. */
	block[BLOCK - 1] = 24;
	block[BLOCK - 9] = 2;
	sha512_init(&by_hand);
	sha512_update(&by_hand, block, sizeof(block));
	for (i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(by_hand.state[i / 8] >> (56 - 8 * (i % 8)));

	sha512_init(&h);
	h.len = UINT64_C(1) << 62;
	sha512_update(&h, "abc", 3);
	sha512_final(got, &h);
	IS_MEM(got, want, sizeof(got), "the length counts in all its bits");
}

static void
wiped(void)
{
	struct sha512 h, zero;
	uint8_t digest[SHA512_SIZE];

	memset(&zero, 0, sizeof(zero));
	sha512_init(&h);
	sha512_update(&h, "secret", 6);
	sha512_final(digest, &h);
	IS_MEM(&h, &zero, sizeof(h), "the end wipes the context");
}

int
main(void)
{
	struct sha512 h;
	uint8_t got[SHA512_SIZE], want[SHA512_SIZE];

	vectors();
	lengths();
	splits(tap_seed(1));
	long_message();
	wiped();
	sha512_init(&h);
	sha512_update(&h, NULL, 0);
	sha512_final(got, &h);
	sha512(want, "", 0);
	IS_MEM(got, want, sizeof(got), "NULL is good for no bytes");
	return tap_done();
}
