/* Key and signature files of OpenBSD's signify(1). */

#include "crypto/signify.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "crypto/sha512.h"
#include "crypto/wipe.h"

#define PREFIX     "untrusted comment: "
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/*
 * What the base64 line says, without gaps:
 *
 *	public key   "Ed" keynum key
 *	signature    "Ed" keynum sig
 *	secret key   "Ed" "BK" rounds salt checksum keynum seed key
 *
 * rounds is big-endian and 0 when there is no passphrase (the salt means
 * nothing then); checksum is the front of SHA-512(seed key).
 */
#define ALGORITHM     "Ed"
#define ALGORITHM_LEN 2
#define KEYNUM_AT     ALGORITHM_LEN
#define BODY_AT       (KEYNUM_AT + SIGNIFY_KEYNUM)
#define PUB_LEN       (BODY_AT + ED25519_PUB)
#define SIG_LEN       (BODY_AT + ED25519_SIG)

#define SEC_ALGORITHM "EdBK"
#define ROUNDS_AT     4
#define ROUNDS_LEN    4
#define CHECKSUM_AT   (ROUNDS_AT + ROUNDS_LEN + 16)
#define CHECKSUM_LEN  8
#define SEC_KEYNUM_AT (CHECKSUM_AT + CHECKSUM_LEN)
#define SEED_AT       (SEC_KEYNUM_AT + SIGNIFY_KEYNUM)
#define SEC_PUB_AT    (SEED_AT + ED25519_SEED)
#define SEC_LEN       (SEC_PUB_AT + ED25519_PUB)

const char *
signify_strerror(enum signify_result r)
{
	switch (r) {
	case SIGNIFY_OK:
		return "no error";
	case SIGNIFY_SYNTAX:
		return "not a signify file of this kind";
	case SIGNIFY_PASSPHRASE:
		return "the secret key is under a passphrase";
	case SIGNIFY_CHECKSUM:
		return "the secret key is damaged";
	}
	return "unknown error";
}

/*
 * The two lines at the front of text; the second one must hold size bytes.
 * signify wants a comment of one byte at least.
 */
static enum signify_result
lines_parse(uint8_t *bytes, size_t size, const char *text, size_t len,
    size_t *used)
{
	const size_t nchars = BASE64_SIZE(size) - 1;
	const size_t front = PREFIX_LEN + SIGNIFY_COMMENT + 1;
	const char *lf;
	size_t first;

	if (len <= PREFIX_LEN || memcmp(text, PREFIX, PREFIX_LEN) != 0)
		return SIGNIFY_SYNTAX;
	lf = memchr(text, '\n', len < front ? len : front);
	if (lf == NULL)
		return SIGNIFY_SYNTAX;
	first = (size_t)(lf - text) + 1;
	if (first == PREFIX_LEN + 1 ||
	    !text_is_clean(text + PREFIX_LEN, first - 1 - PREFIX_LEN))
		return SIGNIFY_SYNTAX;

	if (len - first < nchars + 1 || text[first + nchars] != '\n')
		return SIGNIFY_SYNTAX;
	if (base64_decode(bytes, size, text + first, nchars) != 0)
		return SIGNIFY_SYNTAX;
	*used = first + nchars + 1;
	return SIGNIFY_OK;
}

/* Append the two lines; the comment is what, name, suffix in a row. */
static int
lines_format(struct buf *out, const char *what, const char *name,
    const char *suffix, const uint8_t *bytes, size_t size)
{
	const size_t len = strlen(what) + strlen(name) + strlen(suffix);
	char base64[BASE64_SIZE(SEC_LEN)]; /* the longest of the three */

	if (len == 0 || len > SIGNIFY_COMMENT ||
	    !text_is_clean(name, strlen(name)))
		return -1;

	/* Room first: growing later would leave copies of a secret. */
	buf_reserve(out, PREFIX_LEN + len + 1 + BASE64_SIZE(size));
	buf_puts(out, PREFIX);
	buf_puts(out, what);
	buf_puts(out, name);
	buf_puts(out, suffix);
	buf_puts(out, "\n");
	base64_encode(base64, bytes, size);
	buf_append(out, base64, BASE64_SIZE(size) - 1);
	buf_puts(out, "\n");
	crypto_wipe(base64, sizeof(base64));
	return out->oom ? -1 : 0;
}

static enum signify_result
pub_unpack(struct signify_pub *out, const uint8_t bytes[PUB_LEN])
{
	if (memcmp(bytes, ALGORITHM, ALGORITHM_LEN) != 0)
		return SIGNIFY_SYNTAX;
	memcpy(out->keynum, bytes + KEYNUM_AT, sizeof(out->keynum));
	memcpy(out->key, bytes + BODY_AT, sizeof(out->key));
	return SIGNIFY_OK;
}

static void
pub_pack(uint8_t bytes[PUB_LEN], const struct signify_pub *pub)
{
	memcpy(bytes, ALGORITHM, ALGORITHM_LEN);
	memcpy(bytes + KEYNUM_AT, pub->keynum, sizeof(pub->keynum));
	memcpy(bytes + BODY_AT, pub->key, sizeof(pub->key));
}

enum signify_result
signify_pub_parse(struct signify_pub *out, const char *text, size_t len)
{
	uint8_t bytes[PUB_LEN];
	size_t used;

	if (lines_parse(bytes, sizeof(bytes), text, len, &used) != SIGNIFY_OK ||
	    used != len)
		return SIGNIFY_SYNTAX;
	return pub_unpack(out, bytes);
}

enum signify_result
signify_pub_decode(struct signify_pub *out, const char *base64, size_t len)
{
	uint8_t bytes[PUB_LEN];

	if (base64_decode(bytes, sizeof(bytes), base64, len) != 0)
		return SIGNIFY_SYNTAX;
	return pub_unpack(out, bytes);
}

int
signify_pub_format(struct buf *out, const struct signify_pub *pub,
    const char *comment)
{
	uint8_t bytes[PUB_LEN];

	pub_pack(bytes, pub);
	return lines_format(out, "", comment, "", bytes, sizeof(bytes));
}

char *
signify_pub_encode(char out[SIGNIFY_PUB_BASE64], const struct signify_pub *pub)
{
	uint8_t bytes[PUB_LEN];

	pub_pack(bytes, pub);
	return base64_encode(out, bytes, sizeof(bytes));
}

enum signify_result
signify_sec_parse(struct signify_sec *out, const char *text, size_t len)
{
	static const uint8_t no_rounds[ROUNDS_LEN] = {0};
	uint8_t bytes[SEC_LEN], digest[SHA512_SIZE], pub[ED25519_PUB];
	enum signify_result result = SIGNIFY_SYNTAX;
	size_t used;

	if (lines_parse(bytes, sizeof(bytes), text, len, &used) != SIGNIFY_OK ||
	    used != len)
		goto done;
	if (memcmp(bytes, SEC_ALGORITHM, ROUNDS_AT) != 0)
		goto done;

	result = SIGNIFY_PASSPHRASE;
	if (memcmp(bytes + ROUNDS_AT, no_rounds, ROUNDS_LEN) != 0)
		goto done;

	result = SIGNIFY_CHECKSUM;
	sha512(digest, bytes + SEED_AT, SEC_LEN - SEED_AT);
	if (!crypto_equal(digest, bytes + CHECKSUM_AT, CHECKSUM_LEN))
		goto done;
	ed25519_public(pub, bytes + SEED_AT);
	if (!crypto_equal(pub, bytes + SEC_PUB_AT, sizeof(pub)))
		goto done;

	memcpy(out->keynum, bytes + SEC_KEYNUM_AT, sizeof(out->keynum));
	memcpy(out->seed, bytes + SEED_AT, sizeof(out->seed));
	result = SIGNIFY_OK;

done:
	crypto_wipe(bytes, sizeof(bytes));
	crypto_wipe(digest, sizeof(digest));
	return result;
}

int
signify_sec_format(struct buf *out, const struct signify_sec *sec,
    const char *comment)
{
	uint8_t bytes[SEC_LEN] = {0}; /* rounds and salt are 0 */
	uint8_t digest[SHA512_SIZE];
	int result;

	memcpy(bytes, SEC_ALGORITHM, ROUNDS_AT);
	memcpy(bytes + SEC_KEYNUM_AT, sec->keynum, sizeof(sec->keynum));
	memcpy(bytes + SEED_AT, sec->seed, sizeof(sec->seed));
	ed25519_public(bytes + SEC_PUB_AT, sec->seed);
	sha512(digest, bytes + SEED_AT, SEC_LEN - SEED_AT);
	memcpy(bytes + CHECKSUM_AT, digest, CHECKSUM_LEN);

	result = lines_format(out, "", comment, "", bytes, sizeof(bytes));
	crypto_wipe(bytes, sizeof(bytes));
	crypto_wipe(digest, sizeof(digest));
	return result;
}

void
signify_sec_public(struct signify_pub *out, const struct signify_sec *sec)
{
	memcpy(out->keynum, sec->keynum, sizeof(out->keynum));
	ed25519_public(out->key, sec->seed);
}

enum signify_result
signify_sig_parse(struct signify_sig *out, const char *text, size_t len,
    size_t *used)
{
	uint8_t bytes[SIG_LEN];
	size_t n;

	if (lines_parse(bytes, sizeof(bytes), text, len, &n) != SIGNIFY_OK ||
	    memcmp(bytes, ALGORITHM, ALGORITHM_LEN) != 0)
		return SIGNIFY_SYNTAX;
	memcpy(out->keynum, bytes + KEYNUM_AT, sizeof(out->keynum));
	memcpy(out->sig, bytes + BODY_AT, sizeof(out->sig));
	*used = n;
	return SIGNIFY_OK;
}

int
signify_sig_format(struct buf *out, const struct signify_sig *sig,
    const char *name)
{
	uint8_t bytes[SIG_LEN];

	memcpy(bytes, ALGORITHM, ALGORITHM_LEN);
	memcpy(bytes + KEYNUM_AT, sig->keynum, sizeof(sig->keynum));
	memcpy(bytes + BODY_AT, sig->sig, sizeof(sig->sig));
	return lines_format(out, "verify with ", name, ".pub", bytes,
	    sizeof(bytes));
}

void
signify_sign(struct signify_sig *out, const struct signify_sec *sec,
    const void *msg, size_t len)
{
	memcpy(out->keynum, sec->keynum, sizeof(out->keynum));
	ed25519_sign(out->sig, sec->seed, msg, len);
}

int
signify_sign_final(struct signify_sig *out, const struct signify_sec *sec,
    struct ed25519_signing *s)
{
	memcpy(out->keynum, sec->keynum, sizeof(out->keynum));
	return ed25519_sign_final(out->sig, s);
}

int
signify_verify(const struct signify_sig *sig, const struct signify_pub *pub,
    const void *msg, size_t len)
{
	if (memcmp(sig->keynum, pub->keynum, sizeof(sig->keynum)) != 0)
		return -1;
	return ed25519_verify(sig->sig, pub->key, msg, len);
}
