/* Trusted keys and what each may do. */

#include "update/keyring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/glob.h"
#include "base/text.h"
#include "update/split.h"

#define FD_PIECE ((size_t)256 << 10) /* of a file that is checked */

/* A name and the bit that it stands for. */
struct bit {
	const char *name;
	unsigned bit;
};

static const struct bit verbs[] = {
    {"push", KEY_PUSH},
    {"revert", KEY_REVERT},
    {"retire", KEY_RETIRE},
    {"notice", KEY_NOTICE},
    {"open", KEY_OPEN},
    {"close", KEY_CLOSE},
    {"accept", KEY_ACCEPT},
    {"reload", KEY_RELOAD},
};

static const struct bit parts[] = {
    {"server", KEY_SERVER},
    {"client", KEY_CLIENT},
    {"native", KEY_NATIVE},
    {"package", KEY_PACKAGE},
    {"keys", KEY_KEYS},
};

#define BAD_BASE64 "not the base64 of a signify public key"
#define BAD_NAME   "a name has 1 to 64 bytes, no space and no '='"
#define NO_MEMORY  "out of memory"

static void
key_free(struct trust_key *k)
{
	free(k->zones);
	free(k->features);
}

static void
shrink(struct keyring *r, size_t n)
{
	while (r->n > n)
		key_free(&r->keys[--r->n]);
}

void
keyring_free(struct keyring *r)
{
	shrink(r, 0);
	free(r->keys);
	r->keys = NULL;
}

/*
 * A '=' would let a line without a name pass with its first limit as the
 * name, and so without that limit.
 */
static int
set_name(struct trust_key *k, struct span name)
{
	if (name.n == 0 || name.n > KEYRING_NAME ||
	    !text_is_clean(name.p, name.n) ||
	    memchr(name.p, ' ', name.n) != NULL ||
	    memchr(name.p, '=', name.n) != NULL)
		return -1;
	memcpy(k->name, name.p, name.n);
	k->name[name.n] = '\0';
	return 0;
}

/* A list of names, each of the table and there once, as bits. */
static int
parse_bits(unsigned *out, const struct bit *table, size_t n, struct span list)
{
	struct span piece;
	unsigned set = 0;
	size_t i;

	while (split_next(&list, ',', &piece)) {
		for (i = 0; i < n; i++)
			if (span_is(piece, table[i].name))
				break;
		if (i == n || (set & table[i].bit) != 0)
			return -1;
		set |= table[i].bit;
	}
	*out = set;
	return 0;
}

/* Returns NULL or what is wrong. */
static const char *
parse_globs(char **out, struct span list)
{
	if (!globlist_is_valid(list.p, list.n))
		return "not a list of globs";
	*out = malloc(list.n + 1);
	if (*out == NULL)
		return NO_MEMORY;
	memcpy(*out, list.p, list.n);
	(*out)[list.n] = '\0';
	return NULL;
}

/* What stands behind a name; each limit once. NULL or what is wrong. */
static const char *
parse_limit(struct trust_key *k, unsigned *seen, struct span limit)
{
	static const char *const names[] = {
	    "root", "verbs=", "parts=", "zones=", "features="};
	enum { ROOT, VERBS, PARTS, ZONES, FEATURES, NLIMITS };
	struct span value;
	size_t n = 0, i;

	for (i = 0; i < NLIMITS; i++) {
		n = strlen(names[i]);
		if (i == ROOT
			? span_is(limit, names[i])
			: limit.n > n && memcmp(limit.p, names[i], n) == 0)
			break;
	}
	if (i == NLIMITS)
		return "after the name: root, verbs=, parts=, zones=, "
		       "features=, by single spaces";
	if ((*seen & 1u << i) != 0)
		return "a limit is given twice";
	*seen |= 1u << i;
	value.p = limit.p + n;
	value.n = limit.n - n;
	switch (i) {
	case ROOT:
		k->root = 1;
		return NULL;
	case VERBS:
		return parse_bits(&k->verbs, verbs,
			   sizeof verbs / sizeof *verbs, value) == 0
			   ? NULL
			   : "not a list of verbs";
	case PARTS:
		return parse_bits(&k->parts, parts,
			   sizeof parts / sizeof *parts, value) == 0
			   ? NULL
			   : "not a list of parts";
	case ZONES:
		return parse_globs(&k->zones, value);
	default:
		return parse_globs(&k->features, value);
	}
}

static void
key_init(struct trust_key *k)
{
	memset(k, 0, sizeof *k);
	k->verbs = KEY_ALL_VERBS;
	k->parts = KEY_ALL_PARTS;
}

/* One line that is a key; NULL or what is wrong. The key is the caller's to
 * free either way. */
static const char *
parse_key(struct trust_key *k, struct span line)
{
	const char *wrong = NULL;
	unsigned seen = 0;
	struct span word;

	if (!text_is_clean(line.p, line.n))
		return "control bytes or broken UTF-8";
	if (!split_next(&line, ' ', &word) ||
	    signify_pub_decode(&k->pub, word.p, word.n) != SIGNIFY_OK)
		return BAD_BASE64;
	if (!split_next(&line, ' ', &word) || set_name(k, word) != 0)
		return BAD_NAME;
	while (wrong == NULL && split_next(&line, ' ', &word))
		wrong = parse_limit(k, &seen, word);
	return wrong;
}

/* The ring takes the key over, whatever comes; NULL or what is wrong. */
static const char *
add(struct keyring *r, struct trust_key *k)
{
	const char *wrong = NULL;
	struct trust_key *keys;
	size_t i;

	/* The number tells keys apart for people only: it is the key that
	 * must not be there with two sets of limits. */
	for (i = 0; i < r->n && wrong == NULL; i++)
		if (memcmp(r->keys[i].pub.key, k->pub.key, ED25519_PUB) == 0)
			wrong = "this key is there already";
	if (wrong == NULL && r->n == KEYRING_MAX)
		wrong = "too many keys";
	if (wrong == NULL) {
		keys = realloc(r->keys, (r->n + 1) * sizeof *keys);
		if (keys == NULL) {
			wrong = NO_MEMORY;
		} else {
			r->keys = keys;
			r->keys[r->n++] = *k;
		}
	}
	if (wrong != NULL)
		key_free(k);
	return wrong;
}

int
keyring_parse(struct keyring *r, const char *path, const char *text, size_t len,
    struct err *e)
{
	const size_t before = r->n;
	const char *wrong = NULL;
	struct trust_key k;
	struct span rest, line;
	size_t number = 0;

	if (len > KEYRING_FILE)
		return err_set(e, ERR_LOCAL, "%s: larger than %d bytes", path,
		    KEYRING_FILE);
	rest.p = text;
	rest.n = len;
	while (wrong == NULL && rest.n > 0) {
		number++;
		split_next(&rest, '\n', &line);
		if (rest.p == NULL) {
			/* Cut short, a line would have lost limits. */
			wrong = "the last line has no end";
		} else if (line.n > 0 && line.p[0] != '#') {
			key_init(&k);
			wrong = parse_key(&k, line);
			if (wrong != NULL)
				key_free(&k);
			else
				wrong = add(r, &k);
		}
	}
	if (wrong == NULL)
		return 0;
	shrink(r, before);
	return err_set(e, ERR_LOCAL, "%s: line %zu: %s", path, number, wrong);
}

/* NAME of a path .../NAME.pub */
static struct span
name_of(const char *path)
{
	static const char suffix[] = ".pub";
	const char *slash = strrchr(path, '/');
	struct span name;

	name.p = slash != NULL ? slash + 1 : path;
	name.n = strlen(name.p);
	if (name.n >= sizeof suffix &&
	    strcmp(name.p + name.n - (sizeof suffix - 1), suffix) == 0)
		name.n -= sizeof suffix - 1;
	return name;
}

int
keyring_add_pub(struct keyring *r, const char *path, const char *text,
    size_t len, struct err *e)
{
	enum signify_result result;
	const char *wrong;
	struct trust_key k;

	key_init(&k);
	result = signify_pub_parse(&k.pub, text, len);
	if (result == SIGNIFY_SYNTAX)
		wrong = "not a public key in the format of signify";
	else if (result != SIGNIFY_OK)
		wrong = signify_strerror(result);
	else if (set_name(&k, name_of(path)) != 0)
		wrong = BAD_NAME;
	else
		wrong = add(r, &k);
	return wrong == NULL ? 0 : err_set(e, ERR_LOCAL, "%s: %s", path, wrong);
}

enum keyring_result
keyring_verify(const struct keyring *r, const struct trust_key **key,
    const struct signify_sig *sig, const void *msg, size_t len)
{
	enum keyring_result result = KEYRING_UNKNOWN;
	const struct trust_key *k;
	size_t i;

	*key = NULL;
	for (i = 0; i < r->n; i++) {
		k = &r->keys[i];
		if (memcmp(k->pub.keynum, sig->keynum, SIGNIFY_KEYNUM) != 0)
			continue;
		if (signify_verify(sig, &k->pub, msg, len) == 0) {
			*key = k;
			return KEYRING_OK;
		}
		result = KEYRING_BAD;
	}
	return result;
}

struct keyring_check {
	char *shown;
	size_t n;
	const struct trust_key **keys;
	struct ed25519_check *checks; /* one for each */
};

struct keyring_check *
keyring_check_start(const struct keyring *r, const struct signify_sig *sig,
    const char *shown, struct err *e)
{
	struct keyring_check *c = calloc(1, sizeof *c);
	const struct trust_key *k;
	size_t i;

	if (c == NULL)
		goto no_memory;
	c->shown = strdup(shown);
	c->keys = calloc(r->n + 1, sizeof *c->keys);
	c->checks = calloc(r->n + 1, sizeof *c->checks);
	if (c->shown == NULL || c->keys == NULL || c->checks == NULL)
		goto no_memory;
	for (i = 0; i < r->n; i++) {
		k = &r->keys[i];
		if (memcmp(k->pub.keynum, sig->keynum, SIGNIFY_KEYNUM) != 0)
			continue;
		ed25519_check_init(&c->checks[c->n], sig->sig, k->pub.key);
		c->keys[c->n++] = k;
	}
	if (c->n > 0)
		return c;
	err_set(e, ERR_NO, "%s: signed by none of these keys", shown);
	keyring_check_free(c);
	return NULL;

no_memory:
	err_set(e, ERR_LOCAL, "%s: out of memory", shown);
	keyring_check_free(c);
	return NULL;
}

void
keyring_check_update(void *check, const void *bytes, size_t len)
{
	struct keyring_check *c = check;
	size_t i;

	for (i = 0; i < c->n; i++)
		ed25519_check_update(&c->checks[i], bytes, len);
}

struct sha512 *
keyring_check_hash(struct keyring_check *c)
{
	return c->n == 1 ? &c->checks[0].hash : NULL;
}

int
keyring_check_final(struct keyring_check *c, const struct trust_key **key,
    struct err *e)
{
	size_t i;

	*key = NULL;
	for (i = 0; i < c->n; i++)
		if (ed25519_check_final(&c->checks[i]) == 0) {
			*key = c->keys[i];
			c->n = 0;
			return 0;
		}
	c->n = 0;
	return err_set(e, ERR_NO, "%s: the signature is not of this file",
	    c->shown);
}

void
keyring_check_free(struct keyring_check *c)
{
	if (c == NULL)
		return;
	free(c->shown);
	free(c->keys);
	free(c->checks);
	free(c);
}

int
keyring_check_fd(const struct keyring *r, const struct trust_key **key,
    const struct signify_sig *sig, int fd, const char *shown, struct err *e)
{
	struct keyring_check *c = keyring_check_start(r, sig, shown, e);
	uint8_t *piece = malloc(FD_PIECE);
	off_t at = 0;
	ssize_t n;
	int ret = -1;

	*key = NULL;
	if (c == NULL)
		goto out;
	if (piece == NULL) {
		err_set(e, ERR_LOCAL, "%s: out of memory", shown);
		goto out;
	}
	while ((n = pread(fd, piece, FD_PIECE, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(e, ERR_LOCAL, "%s", shown);
			goto out;
		}
		keyring_check_update(c, piece, (size_t)n);
		at += n;
	}
	ret = keyring_check_final(c, key, e);
out:
	free(piece);
	keyring_check_free(c);
	return ret;
}

/* Every zone of the document's list is one zone and within the limit. */
static int
zones_allow(const char *limit, const char *zone)
{
	struct span rest, one;

	if (zone == NULL)
		return 0;
	rest.p = zone;
	rest.n = strlen(zone);
	while (split_next(&rest, ',', &one))
		if (one.n == 0 || one.p[0] == '!' ||
		    memchr(one.p, '*', one.n) != NULL ||
		    memchr(one.p, '?', one.n) != NULL ||
		    !globlist_match(limit, strlen(limit), one.p, one.n))
			return 0;
	return 1;
}

int
keyring_allows(const struct trust_key *key, enum key_verb verb, unsigned wanted,
    const char *zone, const char *feature)
{
	if ((key->verbs & verb) == 0 || (wanted & ~key->parts) != 0)
		return 0;
	if ((wanted & KEY_KEYS) != 0 && !key->root)
		return 0;
	if (key->zones != NULL && !zones_allow(key->zones, zone))
		return 0;
	return key->features == NULL || feature == NULL ||
	       globlist_match(key->features, strlen(key->features), feature,
		   strlen(feature));
}
