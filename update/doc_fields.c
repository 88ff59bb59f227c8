/* The fields of an update document. */

#include "update/doc_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/hex.h"
#include "base/num.h"
#include "base/text.h"
#include "base/timetext.h"
#include "update/signed.h"

#define VERSION_FIELD "hotfix-update"
#define LINE_MIN      4 /* a name of one letter, colon, space, LF */

struct field {
	const char *name, *value; /* both end with a NUL */
	size_t value_len;
};

const char *
doc_part_name(enum doc_part_kind kind)
{
	static const char *const names[DOC_NPARTS] = {
	    [DOC_SERVER] = "server",
	    [DOC_CLIENT] = "client",
	    [DOC_NATIVE] = "native",
	    [DOC_KEYS] = "keys",
	};

	return names[kind];
}

/*
 * Values: each of these reads one into the member of struct doc at slot.
 * WORD_OK, WORD_SYNTAX, or WORD_TOO_LARGE for numbers of bytes.
 */

static enum word
parse_text(void *slot, struct span v)
{
	*(const char **)slot = v.p;
	return WORD_OK;
}

static enum word
parse_list(void *slot, struct span v)
{
	*(const char **)slot = v.p;
	return globlist_is_valid(v.p, v.n) ? WORD_OK : WORD_SYNTAX;
}

/* 1 when the text has 1 to max bytes, all of them lower-case letters,
 * digits or of more. */
static int
made_of(struct span s, const char *more, size_t max)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    (s.p[i] == '\0' || strchr(more, s.p[i]) == NULL))
			return 0;
	return s.n >= 1 && s.n <= max;
}

int
doc_feature_is_valid(const char *text, size_t len)
{
	const struct span s = {text, len};

	return made_of(s, "._-", DOC_FEATURE);
}

static enum word
parse_feature(void *slot, struct span v)
{
	*(const char **)slot = v.p;
	return doc_feature_is_valid(v.p, v.n) ? WORD_OK : WORD_SYNTAX;
}

/* Zero is refused: it is the first instant of 1970, and stands for "absent"
 * in struct doc. */
static enum word
parse_id(void *slot, struct span v)
{
	uint64_t *id = slot;

	return num_parse(v.p, v.n, INT64_MAX, id) == NUM_OK && *id > 0
		   ? WORD_OK
		   : WORD_SYNTAX;
}

static enum word
parse_needs(void *slot, struct span v)
{
	struct doc *d = slot;
	struct span id;
	size_t n = 1, i;

	for (i = 0; i < v.n; i++)
		n += v.p[i] == ' ';
	d->needs = malloc(n * sizeof *d->needs);
	if (d->needs == NULL)
		return WORD_INTERNAL;
	while (split_next(&v, ' ', &id))
		if (parse_id(&d->needs[d->nneeds++], id) != WORD_OK)
			return WORD_SYNTAX;
	return WORD_OK;
}

/* As with ids, the first instant of 1970 would read as "absent", and an
 * expiry as none. */
static enum word
parse_instant(void *slot, struct span v)
{
	int64_t *us = slot;

	return timetext_parse(v.p, v.n, us) == 0 && *us > 0 ? WORD_OK
							    : WORD_SYNTAX;
}

static enum word
parse_duration(void *slot, struct span v)
{
	int64_t *ms = slot;

	return num_parse_duration(v.p, v.n, ms) == 0 ? WORD_OK : WORD_SYNTAX;
}

static enum word
parse_switch(void *slot, struct span v)
{
	int *on = slot;

	*on = span_is(v, "yes");
	return *on || span_is(v, "no") ? WORD_OK : WORD_SYNTAX;
}

/* LENGTH MD5 SHA512, the first three words of *v. */
static enum word
parse_digests(struct doc_part *part, struct span *v, uint64_t max)
{
	struct span len, md5, sha512;

	if (!split_next(v, ' ', &len) || !split_next(v, ' ', &md5) ||
	    !split_next(v, ' ', &sha512) ||
	    hex_decode(part->md5, MD5_SIZE, md5.p, md5.n) != 0 ||
	    hex_decode(part->sha512, SHA512_SIZE, sha512.p, sha512.n) != 0)
		return WORD_SYNTAX;
	switch (num_parse(len.p, len.n, max, &part->len)) {
	case NUM_OK:
		part->present = 1;
		return WORD_OK;
	case NUM_RANGE:
		return WORD_TOO_LARGE;
	default:
		return WORD_SYNTAX;
	}
}

static enum word
parse_part(struct doc_part *part, struct span v, uint64_t max)
{
	enum word w = parse_digests(part, &v, max);

	return w == WORD_OK && v.p != NULL ? WORD_SYNTAX : w;
}

static enum word
parse_source(void *slot, struct span v)
{
	return parse_part(slot, v, DOC_PART_MAX);
}

static enum word
parse_native(void *slot, struct span v)
{
	return parse_part(slot, v, DOC_NATIVE_MAX);
}

static enum word
parse_keys(void *slot, struct span v)
{
	return parse_part(slot, v, KEYRING_FILE);
}

/* A name or release becomes part of file names. */
static int
is_release(struct span s)
{
	return made_of(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ._+-", DOC_RELEASE) &&
	       strchr("._+-", s.p[0]) == NULL;
}

int
doc_url_is_valid(const char *text, size_t len)
{
	struct span url = {text, len}, scheme, empty, authority;

	return text_is_clean(text, len) && memchr(text, ' ', len) == NULL &&
	       split_next(&url, ':', &scheme) &&
	       made_of(scheme, "+.-", SIZE_MAX) && scheme.p[0] >= 'a' &&
	       split_next(&url, '/', &empty) && empty.n == 0 &&
	       split_next(&url, '/', &empty) && empty.n == 0 &&
	       split_next(&url, '/', &authority) && authority.n > 0 &&
	       memchr(authority.p, '@', authority.n) == NULL;
}

/* NAME RELEASE LENGTH MD5 SHA512 URL */
static enum word
parse_package(void *slot, struct span v)
{
	struct doc_package *p = slot;
	struct span name, release;
	struct doc_part digests;
	enum word w;

	if (!split_next(&v, ' ', &name) || !is_release(name) ||
	    !split_next(&v, ' ', &release) || !is_release(release))
		return WORD_SYNTAX;
	w = parse_digests(&digests, &v, INT64_MAX);
	if (w != WORD_OK)
		return w;
	if (v.p == NULL || !doc_url_is_valid(v.p, v.n))
		return WORD_SYNTAX;
	memcpy(p->name, name.p, name.n);
	memcpy(p->release, release.p, release.n);
	p->len = digests.len;
	memcpy(p->md5, digests.md5, sizeof p->md5);
	memcpy(p->sha512, digests.sha512, sizeof p->sha512);
	p->url = v.p;
	p->present = 1;
	return WORD_OK;
}

static enum word
parse_release(void *slot, struct span v)
{
	*(const char **)slot = v.p;
	return is_release(v) ? WORD_OK : WORD_SYNTAX;
}

static enum word
parse_event(void *slot, struct span v)
{
	*(const char **)slot = v.p;
	return v.n > 0 && memchr(v.p, ' ', v.n) == NULL ? WORD_OK : WORD_SYNTAX;
}

/* N%, at most 100: 1 with *n set, else 0. */
static int
is_percent(struct span s, uint64_t *n)
{
	return s.n > 1 && s.p[s.n - 1] == '%' &&
	       num_parse(s.p, s.n - 1, 100, n) == NUM_OK;
}

/* P% or client ids; never a bare number, which could be meant as either. */
static enum word
parse_canary(void *slot, struct span v)
{
	const char *end = v.p + strspn(v.p, "0123456789");
	struct span id;
	uint64_t n;

	*(const char **)slot = v.p;
	if (is_percent(v, &n))
		return n > 0 ? WORD_OK : WORD_SYNTAX;
	if (strcmp(end, "") == 0 || strcmp(end, "%") == 0)
		return WORD_SYNTAX;
	while (split_next(&v, ',', &id))
		if (id.n == 0 || memchr(id.p, ' ', id.n) != NULL)
			return WORD_SYNTAX;
	return WORD_OK;
}

static enum word
parse_bound(void *slot, struct span v)
{
	struct doc_bound *bound = slot;

	if (is_percent(v, &bound->value))
		bound->kind = DOC_BOUND_PERCENT;
	else if (num_parse(v.p, v.n, UINT64_MAX, &bound->value) == NUM_OK)
		bound->kind = DOC_BOUND_COUNT;
	else
		return WORD_SYNTAX;
	return WORD_OK;
}

static enum word
parse_reverts(void *slot, struct span v)
{
	struct doc *d = slot;

	d->kind = DOC_REVERT;
	return parse_id(&d->target, v);
}

static enum word
parse_retires(void *slot, struct span v)
{
	struct doc *d = slot;

	d->kind = DOC_RETIRE;
	return parse_id(&d->target, v);
}

static enum word
parse_notice(void *slot, struct span v)
{
	static const char failed[] = "failed ";
	struct doc *d = slot;

	d->kind = DOC_NOTICE;
	if (v.n < sizeof failed || strncmp(v.p, failed, sizeof failed - 1) != 0)
		return WORD_SYNTAX;
	d->notice = v.p + sizeof failed - 1;
	return WORD_OK;
}

static enum word
parse_version(void *slot, struct span v)
{
	(void)slot;
	return span_is(v, "1") ? WORD_OK : WORD_SYNTAX;
}

#define ID_SHAPE      "not an id (1 to 19 digits, below 2^63)"
#define INSTANT_SHAPE "not an instant (YYYY-MM-DDTHH:MM:SS[.1-6 digits]Z)"
#define LIST_SHAPE    "not a list of globs"
#define PART_SHAPE    "not LENGTH MD5 SHA512"
#define PACKAGE_SHAPE "not NAME RELEASE LENGTH MD5 SHA512 URL"

enum {
	PART = 1,    /* its slot is a struct doc_part */
	SPECIAL = 2, /* makes the document something else than an update */
	LATER = 4,   /* not carried out by this version */
};

#define AT(member) offsetof(struct doc, member)

static const struct rule {
	const char *name;
	enum word (*parse)(void *slot, struct span value);
	size_t slot;       /* in struct doc; 0: all of it */
	const char *shape; /* what a bad value is not */
	unsigned flags;
} rules[] = {
    {VERSION_FIELD, parse_version, 0, "not 1", 0},
    {"id", parse_id, AT(id), ID_SHAPE, 0},
    {"created", parse_instant, AT(created_us), INSTANT_SHAPE, 0},
    {"feature", parse_feature, AT(feature), "not [a-z0-9._-]{1,64}", 0},
    {"expires", parse_instant, AT(expires_us), INSTANT_SHAPE, 0},
    {"program", parse_list, AT(program), LIST_SHAPE, 0},
    {"version", parse_list, AT(version), LIST_SHAPE, 0},
    {"platform", parse_list, AT(platform), LIST_SHAPE, 0},
    {"server-program", parse_list, AT(server_program), LIST_SHAPE, 0},
    {"server-version", parse_list, AT(server_version), LIST_SHAPE, 0},
    {"zone", parse_list, AT(zone), LIST_SHAPE, 0},
    {"needs", parse_needs, 0, "not ids parted by one space", 0},
    {"on", parse_event, AT(on), "not the name of an event", 0},
    {"by", parse_instant, AT(by_us), INSTANT_SHAPE, 0},
    {"at", parse_instant, AT(at_us), INSTANT_SHAPE, LATER},
    {"server", parse_source, AT(parts[DOC_SERVER]), PART_SHAPE, PART},
    {"client", parse_source, AT(parts[DOC_CLIENT]), PART_SHAPE, PART},
    {"native", parse_native, AT(parts[DOC_NATIVE]), PART_SHAPE, PART},
    {"keys", parse_keys, AT(parts[DOC_KEYS]), PART_SHAPE, PART | LATER},
    {"package", parse_package, AT(package), PACKAGE_SHAPE, 0},
    {"base", parse_release, AT(base), "not a release", 0},
    {"full", parse_package, AT(full), PACKAGE_SHAPE, 0},
    {"spread", parse_duration, AT(spread_ms), "not a duration", 0},
    {"reverts", parse_reverts, 0, ID_SHAPE, SPECIAL},
    {"retires", parse_retires, 0, ID_SHAPE, SPECIAL},
    {"notice", parse_notice, 0, "not 'failed' and a text", SPECIAL},
    {"dry-run", parse_switch, AT(dry_run), "neither yes nor no", 0},
    {"allow-partial", parse_switch, AT(allow_partial), "neither yes nor no", 0},
    {"canary", parse_canary, AT(canary), "neither P% nor a list of client ids",
	LATER},
    {"max-failed", parse_bound, AT(max_failed),
	"neither a number nor P% (0 to 100)", 0},
    {"wait", parse_duration, AT(wait_ms), "not a duration", 0},
    {"take-back-until", parse_instant, AT(take_back_until_us), INSTANT_SHAPE,
	0},
    {"note", parse_text, AT(note), "", 0},
};

static const struct rule *
find_rule(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof rules / sizeof *rules; i++)
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

enum word
doc_check_shape(const char *text, size_t len, struct refusal *why)
{
	struct span rest = {text, len}, line;
	size_t number;

	if (len > DOC_HEAD_MAX)
		return refuse(why, WORD_TOO_LARGE,
		    "a head of more than %d bytes", DOC_HEAD_MAX);
	for (number = 1; split_next(&rest, '\n', &line); number++)
		if (line.n >= DOC_LINE_MAX)
			return refuse(why, WORD_TOO_LARGE,
			    "line %zu: more than %d bytes", number,
			    DOC_LINE_MAX);
	if (len == 0 || doc_head_length(text, len) != len)
		return refuse(why, WORD_SYNTAX,
		    "the head does not end with its only empty line");
	return WORD_OK;
}

/* Cut d->text into fields, with a NUL behind every name and value. */
static enum word
cut_fields(struct doc *d, size_t len, struct field *fields, size_t *n,
    struct refusal *why)
{
	struct span rest = {d->text, len}, line, name;
	size_t number;

	*n = 0;
	for (number = 1; rest.n > 1; number++) {
		split_next(&rest, '\n', &line);
		name = signed_field_name(line);
		if (name.n == 0)
			return refuse(why, WORD_SYNTAX,
			    "line %zu of the signed text: not 'name: value'",
			    number);
		if (!text_is_clean(line.p, line.n))
			return refuse(why, WORD_SYNTAX,
			    "%.*s: control bytes or broken UTF-8", (int)name.n,
			    name.p);
		d->text[name.p + name.n - d->text] = '\0';
		d->text[line.p + line.n - d->text] = '\0';
		fields[*n].name = name.p;
		fields[*n].value = name.p + name.n + 2;
		fields[*n].value_len = line.n - name.n - 2;
		(*n)++;
	}
	return WORD_OK;
}

static int
by_name(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* Every name once, those that mean nothing to us too. names has room for
 * n. */
static enum word
check_unique(const struct field *fields, size_t n, const char **names,
    struct refusal *why)
{
	size_t i;

	for (i = 0; i < n; i++)
		names[i] = fields[i].name;
	qsort(names, n, sizeof *names, by_name);
	for (i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return refuse(why, WORD_SYNTAX, "%.*s: more than once",
			    DOC_FEATURE, names[i]);
	return WORD_OK;
}

/* The parts follow in the order in which their fields stand. The bounds of
 * the lengths keep the sum far from its end. */
static void
place_part(struct doc *d, enum doc_part_kind kind)
{
	d->parts[kind].offset = d->body_len;
	d->body_len += d->parts[kind].len;
	d->order[d->nparts++] = kind;
}

static enum word
read_field(struct doc *d, const struct rule *r, const struct field *f,
    struct refusal *why)
{
	struct span value = {f->value, f->value_len};
	void *slot = (char *)d + r->slot;
	enum word w = r->parse(slot, value);

	if (w == WORD_INTERNAL)
		return refuse(why, w, "out of memory");
	if (w == WORD_TOO_LARGE)
		return refuse(why, w, "%s: more bytes than may be", r->name);
	if (w != WORD_OK)
		return refuse(why, w, "%s: %s", r->name, r->shape);
	if ((r->flags & PART) != 0)
		place_part(d,
		    (enum doc_part_kind)((struct doc_part *)slot - d->parts));
	if ((r->flags & LATER) != 0 && d->unsupported == NULL)
		d->unsupported = r->name;
	return WORD_OK;
}

/* What the fields must be together; nspecial counts those that make it
 * something else than an update. */
static enum word
check_together(const struct doc *d, size_t nspecial, struct refusal *why)
{
	const char *wrong = NULL;
	int has_part = d->nparts > 0 || d->package.present;
	size_t i;

	for (i = 0; i < d->nneeds; i++)
		if (d->needs[i] >= d->id)
			wrong = "needs: an id that is not below its own";
	if (d->id == 0)
		wrong = "id: missing";
	else if (d->created_us == 0)
		wrong = "created: missing";
	else if (d->feature == NULL)
		wrong = "feature: missing";
	else if ((uint64_t)d->created_us != d->id)
		wrong = "created: not the instant of the id";
	else if (nspecial > 1)
		wrong = "reverts, retires, notice: more than one of them";
	else if (nspecial == 0 && !has_part)
		wrong = "no part, and no revert, retirement or notice";
	else if (nspecial > 0 && has_part)
		wrong = "a revert, retirement or notice with a part";
	else if (nspecial > 0 && d->target >= d->id)
		wrong = d->kind == DOC_REVERT
			    ? "reverts: an id that is not below its own"
			    : "retires: an id that is not below its own";
	else if (nspecial > 0 && d->on != NULL)
		wrong = "on: without a part that could wait";
	else if (nspecial > 0 && d->dry_run)
		wrong = "dry-run: without a part to be tried";
	else if (d->by_us != 0 && d->on == NULL)
		wrong = "by: without on";
	else if (d->at_us != 0 && d->on != NULL)
		wrong = "at: together with on";
	else if (d->base != NULL && !d->package.present)
		wrong = "base: without package";
	else if (d->full.present && d->base == NULL)
		wrong = "full: without base";
	else if (d->spread_ms != 0 && !d->package.present)
		wrong = "spread: without package";
	else if (doc_has_client(d) && d->take_back_until_us == 0 &&
		 (d->canary != NULL || d->max_failed.kind != DOC_NO_BOUND))
		wrong = "take-back-until: missing, with a client part or "
			"package, and "
			"canary or max-failed";
	return wrong != NULL ? refuse(why, WORD_SYNTAX, "%s", wrong) : WORD_OK;
}

static enum word
read_fields(struct doc *d, const struct field *fields, size_t n,
    struct refusal *why)
{
	const struct rule *r;
	size_t nspecial = 0;
	enum word w;
	size_t i;

	d->wait_ms = DOC_WAIT_DEFAULT_MS;
	for (i = 0; i < n; i++) {
		r = find_rule(fields[i].name);
		if (r == NULL)
			continue;
		w = read_field(d, r, &fields[i], why);
		if (w != WORD_OK)
			return w;
		nspecial += (r->flags & SPECIAL) != 0;
	}
	return check_together(d, nspecial, why);
}

enum word
doc_parse_fields(struct doc *d, const char *text, size_t len,
    struct refusal *why)
{
	const size_t max = len / LINE_MIN + 1;
	struct span whole = {text, len};
	struct field *fields = NULL;
	const char **names = NULL;
	enum word w;
	size_t n;

	w = signed_check_version(whole, VERSION_FIELD, why);
	if (w != WORD_OK)
		return w;
	d->text = malloc(len);
	fields = malloc(max * sizeof *fields);
	names = malloc(max * sizeof *names);
	if (d->text == NULL || fields == NULL || names == NULL) {
		w = refuse(why, WORD_INTERNAL, "out of memory");
		goto out;
	}
	memcpy(d->text, text, len);
	w = cut_fields(d, len, fields, &n, why);
	if (w == WORD_OK)
		w = check_unique(fields, n, names, why);
	if (w == WORD_OK)
		w = read_fields(d, fields, n, why);
out:
	free(names);
	free(fields);
	return w;
}
