/*
 * Constant time, by valgrind's memcheck: secrets are marked as undefined,
 * so that it reports every branch and every index that depends on one
 * (make ctcheck). What comes out is first asserted to be undefined too,
 * or the secret did not go where the check believes, then declared public.
 *
 * Two answers do depend on a secret and are given to the caller: whether a
 * text is base64 and whether two secrets are equal. The key files' parser
 * is compiled in here with both declared public.
 */

#include "tests/tap.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#define HAVE_MEMCHECK
#endif
#endif

#ifndef HAVE_MEMCHECK

int
main(void)
{
	tap_skip("built without valgrind/memcheck.h");
	return tap_done();
}

#else

#include <valgrind/memcheck.h>

#include "base/base64.h"
#include "base/hex.h"
#include "crypto/ed25519.h"
#include "crypto/hmac.h"
#include "crypto/wipe.h"

static int
public_base64_decode(uint8_t *out, size_t len, const char *chars, size_t nchars)
{
	int r = base64_decode(out, len, chars, nchars);

	VALGRIND_MAKE_MEM_DEFINED(&r, sizeof(r));
	return r;
}

static int
public_crypto_equal(const void *a, const void *b, size_t len)
{
	int r = crypto_equal(a, b, len);

	VALGRIND_MAKE_MEM_DEFINED(&r, sizeof(r));
	return r;
}

#define base64_decode public_base64_decode
#define crypto_equal  public_crypto_equal
#include "crypto/signify.c"
#undef base64_decode
#undef crypto_equal

static unsigned errors; /* of valgrind, so far */

static void
secret(void *p, size_t len)
{
	VALGRIND_MAKE_MEM_UNDEFINED(p, len);
}

/* Is any bit of these bytes undefined? Defined they are afterwards. */
static int
declare_public(void *p, size_t len)
{
	uint8_t bits[512] = {0};
	int tainted = 0;
	size_t i;

	if (len > sizeof(bits) || VALGRIND_GET_VBITS(p, bits, len) != 1)
		return 0;
	for (i = 0; i < len; i++)
		tainted |= bits[i] != 0;
	VALGRIND_MAKE_MEM_DEFINED(p, len);
	return tainted;
}

/* The end of one check: its result came of the secret, without a report. */
static void
report(int tainted, const char *what)
{
	unsigned now = VALGRIND_COUNT_ERRORS;

	OK(tainted, "%s: the result depends on the secret", what);
	OK(now == errors, "%s: no branch and no index does", what);
	errors = now;
}

static void
ed25519(void)
{
	uint8_t seed[ED25519_SEED], pub[ED25519_PUB], sig[ED25519_SIG];
	static const uint8_t message[5000] = {1};
	int tainted;

	memset(seed, 0x5c, sizeof(seed));
	secret(seed, sizeof(seed));
	ed25519_public(pub, seed);
	report(declare_public(pub, sizeof(pub)), "ed25519_public");

	ed25519_sign(sig, seed, "message", 7);
	tainted = declare_public(sig, 32);
	tainted &= declare_public(sig + 32, 32);
	report(tainted, "ed25519_sign");
	OK(ed25519_verify(sig, pub, "message", 7) == 0, "which is right");

	/* So long that the vector ways of the hash are taken. */
	ed25519_sign(sig, seed, message, sizeof(message));
	tainted = declare_public(sig, 32);
	tainted &= declare_public(sig + 32, 32);
	report(tainted, "ed25519_sign, a long message");
	OK(ed25519_verify(sig, pub, message, sizeof(message)) == 0,
	    "which is right");
}

static void
hmac(void)
{
	uint8_t key[200], tag[HMAC_SIZE], other[HMAC_SIZE] = {0};
	struct hmac h;
	int equal;

	memset(key, 0x5c, sizeof(key));
	secret(key, sizeof(key));
	hmac_init(&h, key, 32);
	hmac_update(&h, "message", 7);
	hmac_final(tag, &h);

	equal = crypto_equal(tag, other, sizeof(tag));
	report(declare_public(&equal, sizeof(equal)), "crypto_equal");
	report(declare_public(tag, sizeof(tag)), "hmac");

	hmac_init(&h, key, sizeof(key));
	hmac_final(tag, &h);
	report(declare_public(tag, sizeof(tag)), "hmac, long key");
}

static void
text(void)
{
	uint8_t key[32], back[32];
	char base64[BASE64_SIZE(sizeof(key))], hex[2 * sizeof(key) + 1];
	int r;

	memset(key, 0x5c, sizeof(key));
	secret(key, sizeof(key));
	base64_encode(base64, key, sizeof(key));
	r = base64_decode(back, sizeof(back), base64, sizeof(base64) - 1);
	declare_public(&r, sizeof(r));
	IS(r, 0, "base64 comes back");
	report(declare_public(back, sizeof(back)), "base64");

	hex_encode(hex, key, sizeof(key));
	r = hex_decode(back, sizeof(back), hex, 2 * sizeof(key));
	declare_public(&r, sizeof(r));
	IS(r, 0, "hex comes back");
	report(declare_public(back, sizeof(back)), "hex");
}

/* The file's line from the checksum on is secret; what is before it is read
 * before (kinds, rounds) or not at all (salt). */
static void
key_file(void)
{
	struct signify_sec sec = {{1}, {2}}, back;
	struct signify_pub pub;
	struct signify_sig sig;
	struct buf out = BUF_INIT;
	char *line;
	int tainted;

	secret(sec.seed, sizeof(sec.seed));
	if (signify_sec_format(&out, &sec, "x") != 0)
		abort();
	line = strchr(buf_text(&out), '\n') + 1;
	tainted = declare_public(line, CHECKSUM_AT / 3 * 4);
	IS(tainted, 0, "what is before the checksum is public");
	report(declare_public(line + CHECKSUM_AT / 3 * 4,
		   BASE64_SIZE(SEC_LEN) - 1 - CHECKSUM_AT / 3 * 4),
	    "signify_sec_format");

	secret(line + CHECKSUM_AT / 3 * 4,
	    BASE64_SIZE(SEC_LEN) - 1 - CHECKSUM_AT / 3 * 4);
	IS(signify_sec_parse(&back, (char *)out.data, out.len), SIGNIFY_OK,
	    "the key file is read");
	report(declare_public(back.seed, sizeof(back.seed)),
	    "signify_sec_parse");

	secret(back.seed, sizeof(back.seed));
	VALGRIND_MAKE_MEM_DEFINED(back.keynum, sizeof(back.keynum));
	signify_sec_public(&pub, &back);
	signify_sign(&sig, &back, "message", 7);
	tainted = declare_public(pub.key, sizeof(pub.key));
	tainted &= declare_public(sig.sig, sizeof(sig.sig));
	report(tainted, "signify_sign");
	IS(signify_verify(&sig, &pub, "message", 7), 0, "which is right");
	buf_free(&out);
}

int
main(void)
{
	if (!RUNNING_ON_VALGRIND) {
		tap_skip("not running under valgrind");
		return tap_done();
	}
	ed25519();
	hmac();
	text();
	key_file();
	return tap_done();
}

#endif
