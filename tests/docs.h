#ifndef TESTS_DOCS_H
#define TESTS_DOCS_H

/* Keys of fixed seeds and what they sign, the same in every run. */

#include <string.h>

#include "base/buf.h"
#include "tests/tap.h"
#include "update/doc.h"
#include "update/keyring.h"

/* Key n, 1 to 255: its seed and its number are made of the byte n. */
__attribute__((unused)) static struct signify_sec
test_key(int n)
{
	struct signify_sec sec;

	memset(&sec, n, sizeof sec);
	return sec;
}

/* A line of a trust file for a key: its base64 and what is given. */
__attribute__((unused)) static void
test_trust_line(struct buf *out, const struct signify_sec *sec,
    const char *name_and_limits)
{
	char base64[SIGNIFY_PUB_BASE64];
	struct signify_pub pub;

	signify_sec_public(&pub, sec);
	buf_printf(out, "%s %s\n", signify_pub_encode(base64, &pub),
	    name_and_limits);
}

/* Add a key to a ring; the test cannot go on without it. */
__attribute__((unused)) static void
test_trust(struct keyring *r, const struct signify_sec *sec,
    const char *name_and_limits)
{
	struct buf line = BUF_INIT;
	struct err e;

	test_trust_line(&line, sec, name_and_limits);
	if (keyring_parse(r, "test", (char *)line.data, line.len, &e) != 0) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	buf_free(&line);
}

/* Append signature lines and the signed text. */
__attribute__((unused)) static void
test_sign(struct buf *out, const struct signify_sec *sec, const char *text,
    size_t len)
{
	struct signify_sig sig;

	signify_sign(&sig, sec, text, len);
	signify_sig_format(out, &sig, "test");
	buf_append(out, text, len);
}

#endif
