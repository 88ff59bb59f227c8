/* Update documents: the order of checks, parts, targets. */

#include "update/doc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "update/doc_fields.h"
#include "update/signed.h"

size_t
doc_head_length(const void *bytes, size_t len)
{
	const char *text = bytes;
	const char *at = text, *lf;

	if (len > DOC_HEAD_MAX)
		len = DOC_HEAD_MAX;
	while ((lf = memchr(at, '\n', len - (size_t)(at - text))) != NULL) {
		if (lf == at)
			return (size_t)(lf - text) + 1;
		at = lf + 1;
	}
	return 0;
}

static enum word
check_scope(const struct doc *d, const struct trust_key *key,
    struct refusal *why)
{
	static const enum key_verb verbs[] = {
	    [DOC_UPDATE] = KEY_PUSH,
	    [DOC_REVERT] = KEY_REVERT,
	    [DOC_RETIRE] = KEY_RETIRE,
	    [DOC_NOTICE] = KEY_NOTICE,
	};
	static const enum key_part bits[DOC_NPARTS] = {
	    [DOC_SERVER] = KEY_SERVER,
	    [DOC_CLIENT] = KEY_CLIENT,
	    [DOC_NATIVE] = KEY_NATIVE,
	    [DOC_KEYS] = KEY_KEYS,
	};
	unsigned parts = d->package.present ? KEY_PACKAGE : 0;
	size_t i;

	for (i = 0; i < d->nparts; i++)
		parts |= (unsigned)bits[d->order[i]];
	if (!keyring_allows(key, verbs[d->kind], parts, d->zone, d->feature))
		return refuse(why, WORD_OUT_OF_SCOPE,
		    "key %s may not sign this: see its limits", key->name);
	return WORD_OK;
}

/* What follows the shape, in the order that doc.h promises. */
static enum word
check(struct doc *d, const struct keyring *keys, struct refusal *why)
{
	const struct trust_key *key = NULL;
	struct span text;
	enum word w;

	if (signify_sig_parse(&d->sig, d->head, d->head_len, &d->signed_at) !=
	    SIGNIFY_OK)
		return refuse(why, WORD_SYNTAX,
		    "the document does not begin with signature lines");
	text.p = d->head + d->signed_at;
	text.n = d->head_len - d->signed_at;
	if (keys != NULL) {
		w = signed_check_key(keys, &key, &d->sig, text, why);
		if (w != WORD_OK)
			return w;
		memcpy(d->key_name, key->name, sizeof d->key_name);
	}
	w = doc_parse_fields(d, text.p, text.n, why);
	if (w != WORD_OK || keys == NULL)
		return w;
	if (d->unsupported != NULL)
		return refuse(why, WORD_UNSUPPORTED,
		    "%s: not carried out by this version", d->unsupported);
	return check_scope(d, key, why);
}

enum word
doc_open(struct doc **out, const void *head, size_t len,
    const struct keyring *keys, struct refusal *why)
{
	struct doc *d;
	enum word w;

	*out = NULL;
	w = doc_check_shape(head, len, why);
	if (w != WORD_OK)
		return w;
	d = calloc(1, sizeof *d);
	if (d == NULL || (d->head = malloc(len)) == NULL) {
		free(d);
		return refuse(why, WORD_INTERNAL, "out of memory");
	}
	memcpy(d->head, head, len);
	d->head_len = len;
	w = check(d, keys, why);
	if (w != WORD_OK) {
		doc_free(d);
		return w;
	}
	sha512(d->digest, d->head + d->signed_at, len - d->signed_at);
	*out = d;
	return WORD_OK;
}

void
doc_free(struct doc *d)
{
	if (d == NULL)
		return;
	free(d->needs);
	free(d->text);
	free(d->head);
	free(d);
}

int
doc_has_host(const struct doc *d)
{
	return d->parts[DOC_SERVER].present || d->parts[DOC_NATIVE].present;
}

int
doc_has_client(const struct doc *d)
{
	return d->parts[DOC_CLIENT].present || d->package.present;
}

static enum word
check_part(const struct doc_part *part, const char *name, const void *bytes,
    size_t len, struct refusal *why)
{
	uint8_t long_digest[SHA512_SIZE];
	uint8_t short_digest[MD5_SIZE];

	if (len != part->len)
		return refuse(why, WORD_BAD_DIGEST,
		    "%s: %zu bytes, not %" PRIu64, name, len, part->len);
	sha512(long_digest, bytes, len);
	if (memcmp(long_digest, part->sha512, SHA512_SIZE) != 0)
		return refuse(why, WORD_BAD_DIGEST,
		    "%s: its SHA-512 is another", name);
	md5(short_digest, bytes, len);
	if (memcmp(short_digest, part->md5, MD5_SIZE) != 0)
		return refuse(why, WORD_BAD_DIGEST, "%s: its MD5 is another",
		    name);
	return WORD_OK;
}

enum word
doc_check_body(const struct doc *d, int only, const void *body, size_t len,
    struct refusal *why)
{
	/* No bytes may come as NULL, which has no offsets. */
	const uint8_t *bytes = len > 0 ? body : (const uint8_t *)"";
	const struct doc_part *part;
	enum word w = WORD_OK;
	size_t i;

	if (only >= 0) {
		part = &d->parts[only];
		if (!part->present && only == DOC_CLIENT && d->package.present)
			return len == 0 ? WORD_OK
					: refuse(why, WORD_BAD_DIGEST,
					      "client: %zu bytes, and no such "
					      "part",
					      len);
		if (!part->present)
			return refuse(why, WORD_BAD_DIGEST, "%s: no such part",
			    doc_part_name((enum doc_part_kind)only));
		return check_part(part, doc_part_name((enum doc_part_kind)only),
		    bytes, len, why);
	}
	if (len != d->body_len)
		return refuse(why, WORD_BAD_DIGEST,
		    "parts: %zu bytes, not %" PRIu64, len, d->body_len);
	for (i = 0; i < d->nparts && w == WORD_OK; i++) {
		part = &d->parts[d->order[i]];
		w = check_part(part, doc_part_name(d->order[i]),
		    bytes + part->offset, (size_t)part->len, why);
	}
	return w;
}

static int
fits(const char *list, const char *value)
{
	return list == NULL ||
	       globlist_match(list, strlen(list), value, strlen(value));
}

int
doc_fits_client(const struct doc *d, const char *program, const char *version,
    const char *platform)
{
	return fits(d->program, program) && fits(d->version, version) &&
	       fits(d->platform, platform);
}

int
doc_fits_host(const struct doc *d, const char *program, const char *version)
{
	return fits(d->server_program, program) &&
	       fits(d->server_version, version);
}

int
doc_fits_zone(const struct doc *d, const char *zone)
{
	return fits(d->zone, zone);
}

size_t
doc_max_failed(const struct doc *d, size_t targeted)
{
	uint64_t n = targeted, value = d->max_failed.value;

	switch (d->max_failed.kind) {
	case DOC_BOUND_COUNT:
		return value < SIZE_MAX ? (size_t)value : SIZE_MAX;
	case DOC_BOUND_PERCENT:
		/* n * value / 100 without leaving 64 bits. */
		return (size_t)(n / 100 * value + n % 100 * value / 100);
	default:
		return SIZE_MAX;
	}
}
