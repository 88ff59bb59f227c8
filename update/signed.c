/* Signed texts of fields. */

#include "update/signed.h"

#include <string.h>

#include "base/hex.h"
#include "base/num.h"

#define MUST_PREFIX "must-"

enum word
signed_check_key(const struct keyring *keys, const struct trust_key **key,
    const struct signify_sig *sig, struct span text, struct refusal *why)
{
	char number[2 * SIGNIFY_KEYNUM + 1];

	hex_encode(number, sig->keynum, SIGNIFY_KEYNUM);
	switch (keyring_verify(keys, key, sig, text.p, text.n)) {
	case KEYRING_OK:
		return WORD_OK;
	case KEYRING_BAD:
		return refuse(why, WORD_BAD_SIGNATURE,
		    "not signed by key %s, or changed since", number);
	case KEYRING_UNKNOWN:
		break;
	}
	return refuse(why, WORD_UNTRUSTED_KEY, "key %s is not trusted here",
	    number);
}

static int
begins_with(struct span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

enum word
signed_check_version(struct span text, const char *kind, struct refusal *why)
{
	struct span line, name, version;
	uint64_t n;

	split_next(&text, '\n', &line);
	name = signed_field_name(line);
	if (!span_is(name, kind))
		goto no_version;
	version.p = name.p + name.n + 2;
	version.n = line.n - name.n - 2;
	if (num_parse(version.p, version.n, UINT64_MAX, &n) == NUM_SYNTAX)
		goto no_version;
	if (!span_is(version, "1"))
		return refuse(why, WORD_UNSUPPORTED, "%s: not version 1", kind);
	while (split_next(&text, '\n', &line)) {
		name = signed_field_name(line);
		if (begins_with(name, MUST_PREFIX))
			return refuse(why, WORD_UNSUPPORTED,
			    "%.*s: not known to this version", (int)name.n,
			    name.p);
	}
	return WORD_OK;

no_version:
	return refuse(why, WORD_SYNTAX,
	    "%s: not the first line of the signed text", kind);
}

struct span
signed_field_name(struct span line)
{
	struct span name = {line.p, 0};

	while (name.n < line.n &&
	       (line.p[name.n] == '-' ||
		   (line.p[name.n] >= 'a' && line.p[name.n] <= 'z') ||
		   (line.p[name.n] >= '0' && line.p[name.n] <= '9')))
		name.n++;
	if (line.n - name.n < 2 || memcmp(line.p + name.n, ": ", 2) != 0)
		name.n = 0;
	return name;
}
