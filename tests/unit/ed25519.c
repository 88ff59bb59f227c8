/* The source itself, for its decoding of points. */
#include "crypto/ed25519.c"

#include "tests/tap.h"
#include "tests/vectors.h"

#define WYCHEPROOF 151 /* vectors in the file */

/* RFC 8032 7.1, tests 1, 2, 3 and SHA(abc): seed, key, message, signature */
static const struct {
	const char *seed, *pub, *msg, *sig;
} vector[] = {
    /* clang-format off */
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
	    "-",
	    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
	    "72",
	    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
	    "af82",
	    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
	    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	{"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
	    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	    "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
	    "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
    /* clang-format on */
};

/*
 * The twelve edge cases of "Taming the many EdDSAs" (Chalkias, Garillot,
 * Nikolaenko 2020, github.com/novifinancial/ed25519-speccheck, cases.txt),
 * whose answers tell verifiers' rules apart: message, key, signature.
 */
static const struct {
	const char *msg, *pub, *sig;
	int valid; /* by our rule */
	const char *what;
} edge[] = {
    /* clang-format off */
	{"8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    0, "0: small A and R, S = 0"},
	{"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
	    "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
	    0, "1: small A"},
	{"aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
	    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
	    "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
	    1, "2: small R, mixed A, no cofactor needed"},
	{"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
	    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
	    "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
	    "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
	    1, "3: mixed A and R, no cofactor needed"},
	{"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
	    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
	    "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
	    "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
	    0, "4: good with the cofactor only"},
	{"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
	    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
	    "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
	    "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
	    0, "5: good with the cofactor only, k not reduced before"},
	{"85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
	    "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
	    "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
	    "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
	    0, "6: S above L"},
	{"85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
	    "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
	    "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
	    "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
	    0, "7: S far above L"},
	{"9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
	    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	    "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
	    0, "8: R not canonical"},
	{"9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
	    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	    "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
	    0, "9: R not canonical, k of the canonical one"},
	{"e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
	    "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
	    0, "10: A not canonical"},
	{"39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	    "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
	    "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
	    0, "11: A not canonical, k of the canonical one"},
    /* clang-format on */
};

/* The eight points of small order, [i]T for a T of order 8. */
static const char *const small[8] = {
    /* clang-format off */
	"0100000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    /* clang-format on */
};

static uint64_t seed_state;

static void
any(uint8_t *out, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = (uint8_t)(tap_random(&seed_state) >> 56);
}

static void
rfc8032(void)
{
	uint8_t seed[32], pub[32], msg[64], sig[64], got[64];
	unsigned i;
	size_t len;

	for (i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		unhex(seed, sizeof(seed), vector[i].seed);
		unhex(pub, sizeof(pub), vector[i].pub);
		len = unhex(msg, sizeof(msg), vector[i].msg);
		unhex(sig, sizeof(sig), vector[i].sig);
		ed25519_public(got, seed);
		IS_MEM(got, pub, sizeof(pub), "the key is the RFC's");
		ed25519_sign(got, seed, msg, len);
		IS_MEM(got, sig, sizeof(sig), "the signature is the RFC's");
		IS(ed25519_verify(sig, pub, msg, len), 0, "and is good");
	}
}

/* The message twice, cut at every place. */
static int
sign_in_pieces(uint8_t sig[64], const uint8_t seed[32], const uint8_t *first,
    const uint8_t *second, size_t len, size_t cut)
{
	struct ed25519_signing s;

	ed25519_sign_init(&s, seed);
	ed25519_sign_update(&s, first, cut);
	ed25519_sign_update(&s, first + cut, len - cut);
	ed25519_sign_next(&s);
	ed25519_sign_update(&s, second, len - cut);
	ed25519_sign_update(&s, second + (len - cut), cut);
	return ed25519_sign_final(sig, &s);
}

static void
in_pieces(void)
{
	static const uint8_t nothing[64];
	uint8_t seed[32], msg[64], other[64], sig[64], got[64];
	struct ed25519_signing s, gone;
	size_t len, cut;
	unsigned i;

	for (i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		unhex(seed, sizeof(seed), vector[i].seed);
		len = unhex(msg, sizeof(msg), vector[i].msg);
		unhex(sig, sizeof(sig), vector[i].sig);
		for (cut = 0; cut <= len; cut++)
			if (sign_in_pieces(got, seed, msg, msg, len, cut) !=
				0 ||
			    memcmp(got, sig, sizeof(sig)) != 0)
				break;
		IS(cut, len + 1, "in two pieces it is the RFC's too");
	}

	memcpy(other, msg, sizeof(msg));
	other[len - 1] ^= 1;
	memset(got, 0, sizeof(got));
	IS(sign_in_pieces(got, seed, msg, other, len, 1), -1,
	    "another message the second time is not signed");
	IS(sign_in_pieces(got, seed, other, msg, len, 1), -1,
	    "nor one that was another the first time");
	IS(sign_in_pieces(got, seed, msg, msg, len - 1, 1), 0, "a shorter one");
	memset(got, 0, sizeof(got));
	ed25519_sign_init(&s, seed);
	ed25519_sign_update(&s, msg, len);
	ed25519_sign_next(&s);
	ed25519_sign_update(&s, msg, len - 1);
	IS(ed25519_sign_final(got, &s), -1, "nor one that was cut");
	IS_MEM(got, nothing, sizeof(got), "nothing of a signature comes out");
	ed25519_sign_init(&s, seed);
	ed25519_sign_update(&s, msg, len);
	IS(ed25519_sign_final(got, &s), -1, "one time is not enough");
	memset(&gone, 0, sizeof(gone));
	IS_MEM(&s, &gone, sizeof(s), "the secrets are wiped");
}

static void
edges(void)
{
	uint8_t msg[32], pub[32], sig[64];
	unsigned i;

	for (i = 0; i < sizeof(edge) / sizeof(edge[0]); i++) {
		unhex(msg, sizeof(msg), edge[i].msg);
		unhex(pub, sizeof(pub), edge[i].pub);
		unhex(sig, sizeof(sig), edge[i].sig);
		IS(ed25519_verify(sig, pub, msg, sizeof(msg)),
		    edge[i].valid ? 0 : -1, edge[i].what);
	}
}

static void
wycheproof(void)
{
	FILE *f = vectors_open("ed25519-wycheproof.tsv");
	char line[VECTORS_LINE];
	char *field[6];
	uint8_t pub[32], msg[2048], sig[128];
	unsigned seen = 0, agreed = 0;

	if (f == NULL) {
		tap_skip("no Wycheproof vectors here");
		return;
	}
	while (vectors_next(f, line, field, 6)) {
		size_t publen = unhex(pub, sizeof(pub), field[2]);
		size_t len = unhex(msg, sizeof(msg), field[3]);
		size_t siglen = unhex(sig, sizeof(sig), field[4]);
		/* Other sizes cannot be asked about. */
		int valid = publen == sizeof(pub) && siglen == ED25519_SIG &&
			    ed25519_verify(sig, pub, msg, len) == 0;

		seen++;
		if (valid == (strcmp(field[1], "valid") == 0))
			agreed++;
		else
			printf("# tcId %s: %s\n", field[0], field[5]);
	}
	fclose(f);
	IS(seen, WYCHEPROOF, "all vectors of Wycheproof are read");
	IS(agreed, WYCHEPROOF, "and all agree");
}

static int
check_split(const uint8_t sig[64], const uint8_t pub[32], const uint8_t *msg,
    size_t len, size_t at)
{
	struct ed25519_check c;

	ed25519_check_init(&c, sig, pub);
	ed25519_check_update(&c, msg, at);
	ed25519_check_update(&c, msg + at, len - at);
	return ed25519_check_final(&c);
}

/* How many of the flips of one bit in len bytes are refused. */
static unsigned
flips(uint8_t *bytes, size_t len, const uint8_t sig[64], const uint8_t pub[32],
    const uint8_t *msg, size_t msglen)
{
	unsigned bit, refused = 0;

	for (bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		refused += ed25519_verify(sig, pub, msg, msglen) != 0;
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	return refused;
}

static void
properties(void)
{
	uint8_t seed[32], pub[32], sig[64], msg[150], other[32];
	unsigned at, n, good = 0;

	for (n = 0; n < 50; n++) {
		any(seed, sizeof(seed));
		any(msg, n);
		ed25519_public(pub, seed);
		ed25519_sign(sig, seed, msg, n);
		good += ed25519_verify(sig, pub, msg, n) == 0 &&
			sc_is_reduced(sig + 32);
	}
	IS(good, 50, "what was signed is good");

	ed25519_sign(sig, seed, msg, sizeof(msg));
	for (at = 0, good = 0; at <= sizeof(msg); at++)
		good += check_split(sig, pub, msg, sizeof(msg), at) == 0;
	IS(good, sizeof(msg) + 1, "so in any two parts");
	msg[77] ^= 1;
	for (at = 0, good = 0; at <= sizeof(msg); at++)
		good += check_split(sig, pub, msg, sizeof(msg), at) == 0;
	IS(good, 0, "a changed message is bad in any two parts");

	ed25519_sign(sig, seed, msg, 20);
	IS(flips(sig, 64, sig, pub, msg, 20), 64 * 8,
	    "any bit flipped in the signature is refused");
	IS(flips(pub, 32, sig, pub, msg, 20), 32 * 8, "so in the key");
	IS(flips(msg, 20, sig, pub, msg, 20), 20 * 8, "so in the message");
	IS(ed25519_verify(sig, pub, msg, 19), -1, "a shorter message");
	IS(ed25519_verify(sig, pub, msg, 21), -1, "a longer message");
	any(seed, sizeof(seed));
	ed25519_public(other, seed);
	IS(ed25519_verify(sig, other, msg, 20), -1, "another key");
	IS(ed25519_verify(sig, pub, msg, 20), 0, "and it was good");
}

/* sig's S and n times L, where that has 256 bits. */
static int
add_order(uint8_t sig[64], unsigned n)
{
	uint8_t order[32];
	unsigned i, carry = 0;

	unhex(order, sizeof(order),
	    "edd3f55c1a631258d69cf7a2def9de14"
	    "00000000000000000000000000000010");
	for (i = 0; i < 32; i++) {
		carry += sig[32 + i] + n * order[i];
		sig[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

static void
malleable(void)
{
	uint8_t seed[32], pub[32], sig[64], more[64];
	unsigned n;

	any(seed, sizeof(seed));
	ed25519_public(pub, seed);
	ed25519_sign(sig, seed, "text", 4);
	for (n = 1; n <= 14; n++) {
		memcpy(more, sig, sizeof(more));
		if (!add_order(more, n))
			break;
		OK(ed25519_verify(more, pub, "text", 4) == -1,
		    "S + %uL is refused", n);
	}

	memset(sig, 0, sizeof(sig));
	IS(ed25519_verify(sig, pub, "text", 4), -1, "a zero signature");
	sig[0] = 1;
	IS(ed25519_verify(sig, pub, "text", 4), -1, "R the neutral point");
}

/*
 * For a key A of small order anybody can sign: take R = [s]B, S = s and a
 * message for which [k]A is the neutral point.
 */
static void
small_order(void)
{
	uint8_t seed[32], wide[64], sig[64], pub[32], k[32];
	struct sha512 h;
	unsigned i, msg;

	any(seed, sizeof(seed));
	ed25519_public(sig, seed);
	expand(wide, seed);
	memset(wide + 32, 0, 32);
	sc_reduce(sig + 32, wide);
	for (i = 0; i < 8; i++) {
		unhex(pub, sizeof(pub), small[i]);
		for (msg = 0;; msg++) {
			sha512_init(&h);
			sha512_update(&h, sig, 32);
			sha512_update(&h, pub, sizeof(pub));
			sha512_update(&h, &msg, sizeof(msg));
			sha512_final(wide, &h);
			sc_reduce(k, wide);
			if (k[0] % 8 == 0)
				break;
		}
		OK(ed25519_verify(sig, pub, &msg, sizeof(msg)) == -1,
		    "a forgery under small-order key %u is refused", i);
	}
}

static void
decoding(void)
{
	uint8_t bytes[32], again[32];
	struct point p;
	unsigned i, sign, refused = 0, none = 0, good = 0;

	for (i = 0; i < 8; i++) {
		unhex(bytes, sizeof(bytes), small[i]);
		if (point_decode(&p, bytes) != 0 || !point_is_small(&p))
			continue;
		point_encode(again, &p);
		good += memcmp(again, bytes, sizeof(again)) == 0;
	}
	IS(good, 8, "points of small order are known as such");
	point_base(&p);
	IS(point_is_small(&p), 0, "the base point is none");
	point_encode(bytes, &p);
	unhex(again, sizeof(again),
	    "58666666666666666666666666666666"
	    "66666666666666666666666666666666");
	IS_MEM(bytes, again, sizeof(again), "the base point is 4/5");

	/* y from p to p + 18, and the same y from 0, where 12 have an x. */
	for (i = 0; i < 19; i++) {
		for (sign = 0; sign < 2; sign++) {
			memset(bytes, 0xff, sizeof(bytes));
			bytes[0] = (uint8_t)(0xed + i);
			bytes[31] = (uint8_t)(0x7f | sign << 7);
			refused += point_decode(&p, bytes) != 0;
		}
		memset(bytes, 0, sizeof(bytes));
		bytes[0] = (uint8_t)i;
		none += point_decode(&p, bytes) != 0;
	}
	IS(refused, 38, "no y of p or more is taken");
	IS(none, 19 - 12, "a y without an x is no point");

	unhex(bytes, sizeof(bytes), small[0]);
	bytes[31] |= 0x80;
	IS(point_decode(&p, bytes), -1, "x = 0 has no sign");
	unhex(bytes, sizeof(bytes), small[4]);
	bytes[31] |= 0x80;
	IS(point_decode(&p, bytes), -1, "x = 0 has no sign for y = -1");
}

int
main(void)
{
	seed_state = tap_seed(1);
	rfc8032();
	in_pieces();
	edges();
	wycheproof();
	properties();
	malleable();
	small_order();
	decoding();
	return tap_done();
}
