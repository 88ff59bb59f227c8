#include "crypto/hmac.h"

#include "tests/tap.h"
#include "tests/vectors.h"

#define BLOCK      128
#define WYCHEPROOF 174 /* vectors in the file */

/* RFC 4231 4.2 to 4.8: key, text, tag (4.6 gives 128 bits of it only) */
static const struct {
	const char *key, *text, *tag;
} vector[] = {
    /* clang-format off */
	{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	    "4869205468657265",
	    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
	    "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
	{"4a656665",
	    "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	    "dddddddddddddddddddddddddddddddddddd",
	    "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
	    "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
	{"0102030405060708090a0b0c0d0e0f10111213141516171819",
	    "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
	    "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
	    "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
	    "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
	{"0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
	    "546573742057697468205472756e636174696f6e",
	    "415fad6271580a531d4179bc891d87a6"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaa",
	    "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
	    "65204b6579202d2048617368204b6579204669727374",
	    "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
	    "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaa",
	    "5468697320697320612074657374207573696e672061206c6172676572207468"
	    "616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
	    "68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
	    "647320746f20626520686173686564206265666f7265206265696e6720757365"
	    "642062792074686520484d414320616c676f726974686d2e",
	    "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
	    "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
    /* clang-format on */
};

static void
hmac(uint8_t out[HMAC_SIZE], const void *key, size_t keylen, const void *text,
    size_t len)
{
	struct hmac h;

	hmac_init(&h, key, keylen);
	hmac_update(&h, text, len);
	hmac_final(out, &h);
}

static void
vectors(void)
{
	uint8_t key[256], text[256], tag[HMAC_SIZE], got[HMAC_SIZE];
	size_t keylen, len, taglen;
	unsigned i;

	for (i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		keylen = unhex(key, sizeof(key), vector[i].key);
		len = unhex(text, sizeof(text), vector[i].text);
		taglen = unhex(tag, sizeof(tag), vector[i].tag);
		hmac(got, key, keylen, text, len);
		OK(memcmp(got, tag, taglen) == 0, "RFC 4231 4.%u", i + 2);
	}
}

static void
wycheproof(void)
{
	FILE *f = vectors_open("hmac-sha512-wycheproof.tsv");
	char line[VECTORS_LINE];
	char *field[7];
	uint8_t key[1024], text[1024], tag[HMAC_SIZE], got[HMAC_SIZE];
	unsigned seen = 0, agreed = 0;

	if (f == NULL) {
		tap_skip("no Wycheproof vectors here");
		return;
	}
	while (vectors_next(f, line, field, 7)) {
		size_t keylen = unhex(key, sizeof(key), field[3]);
		size_t len = unhex(text, sizeof(text), field[4]);
		size_t taglen = unhex(tag, sizeof(tag), field[5]);
		int valid = strcmp(field[1], "valid") == 0;

		seen++;
		hmac(got, key, keylen, text, len);
		if (taglen * 8 == strtoul(field[2], NULL, 10) &&
		    (memcmp(got, tag, taglen) == 0) == valid)
			agreed++;
		else
			printf("# tcId %s: %s\n", field[0], field[6]);
	}
	fclose(f);
	IS(seen, WYCHEPROOF, "all vectors of Wycheproof are read");
	IS(agreed, WYCHEPROOF, "and all agree");
}

static void
splits(uint64_t seed)
{
	uint8_t bytes[2 * BLOCK + 7], want[HMAC_SIZE], got[HMAC_SIZE];
	struct hmac h;
	unsigned at, i, wrong = 0;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(tap_random(&seed) >> 56);
	hmac(want, "key", 3, bytes, sizeof(bytes));
	for (at = 0; at <= sizeof(bytes); at++) {
		hmac_init(&h, "key", 3);
		hmac_update(&h, bytes, at);
		hmac_update(&h, bytes + at, sizeof(bytes) - at);
		hmac_final(got, &h);
		wrong += memcmp(got, want, sizeof(got)) != 0;
	}
	IS(wrong, 0, "every split gives the tag of the whole");
}

/* A key of a block is used as it is, a longer one is hashed; a shorter one
 * is the same as with zeros behind (so keys should have one length). */
static void
key_lengths(void)
{
	uint8_t key[BLOCK + 1], digest[SHA512_SIZE], a[HMAC_SIZE], b[HMAC_SIZE];

	memset(key, 7, sizeof(key));
	sha512(digest, key, BLOCK + 1);
	hmac(a, key, BLOCK + 1, "text", 4);
	hmac(b, digest, sizeof(digest), "text", 4);
	IS_MEM(a, b, sizeof(a), "a key of 129 bytes is hashed");

	sha512(digest, key, BLOCK);
	hmac(a, key, BLOCK, "text", 4);
	hmac(b, digest, sizeof(digest), "text", 4);
	OK(memcmp(a, b, sizeof(a)) != 0, "a key of 128 bytes is not");

	key[BLOCK - 1] = 0;
	hmac(a, key, BLOCK, "text", 4);
	hmac(b, key, BLOCK - 1, "text", 4);
	IS_MEM(a, b, sizeof(a), "a key of 127 bytes is padded with a zero");

	memset(key, 0, sizeof(key));
	hmac(a, key, BLOCK, "text", 4);
	hmac(b, NULL, 0, "text", 4);
	IS_MEM(a, b, sizeof(a), "no key is one of zeros");
}

static void
wiped(void)
{
	struct hmac h, zero;
	uint8_t tag[HMAC_SIZE];

	memset(&zero, 0, sizeof(zero));
	hmac_init(&h, "secret", 6);
	hmac_final(tag, &h);
	IS_MEM(&h, &zero, sizeof(h), "the end wipes the context");
}

int
main(void)
{
	vectors();
	wycheproof();
	splits(tap_seed(1));
	key_lengths();
	wiped();
	return tap_done();
}
