/* The list of a package's files. */

#include "pack/listing.h"

#include <string.h>

#include "pack/package.h"
#include "pack/shown.h"

void
listing_begin(struct listing *l, struct entries *out, const char *shown)
{
	l->out = out;
	l->shown = shown;
	l->used = 0;
}

static int
fail(const struct listing *l, const char *why, struct err *e)
{
	return err_set(e, ERR_NO, "%s: " PACKAGE_SUMS ": line %zu: %s",
	    l->shown, l->out->n + 1, why);
}

/* The line in l->line. */
static int
take_line(struct listing *l, struct err *e)
{
	const struct entry *before =
	    l->out->n > 0 ? &l->out->items[l->out->n - 1] : NULL;
	const char *at = l->line;
	const char *before_name = before != NULL ? before->name : "";
	struct sums_line line;
	struct entry *it;
	const char *why;

	if (sums_next(&at, l->line + l->used, &line) != 1)
		return fail(l, "not 32 digits, two blanks and a name", e);
	why = name_check(line.name, line.name_len);
	if (why != NULL)
		return fail(l, why, e);
	if (l->out->n > PACKAGE_ENTRIES_MAX)
		return fail(l, "more names than a package may hold", e);
	it = entries_add(l->out, line.name, line.name_len);
	if (it == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	memcpy(it->md5, line.md5, sizeof it->md5);
	if (strcmp(before_name, it->name) >= 0)
		return fail(l, "not sorted, or a name twice", e);
	if (strcmp(it->name, PACKAGE_SUMS) == 0)
		return fail(l, "it lists itself", e);
	l->used = 0;
	return 0;
}

int
listing_feed(struct listing *l, const void *bytes, size_t len, struct err *e)
{
	const char *p = bytes;
	const char *lf;
	size_t n;

	while (len > 0) {
		lf = memchr(p, '\n', len);
		n = lf != NULL ? (size_t)(lf - p) + 1 : len;
		if (n > sizeof l->line - l->used)
			return fail(l, "too long", e);
		memcpy(l->line + l->used, p, n);
		l->used += n;
		if (lf != NULL && take_line(l, e) != 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

int
listing_end(struct listing *l, uint8_t release_md5[MD5_SIZE], struct err *e)
{
	struct entry *it;

	if (l->used > 0)
		return fail(l, "cut", e);
	it = entries_find(l->out, PACKAGE_RELEASE, strlen(PACKAGE_RELEASE));
	if (it == NULL)
		return err_set(e, ERR_NO,
		    "%s: " PACKAGE_SUMS " does not list " PACKAGE_RELEASE,
		    l->shown);
	memcpy(release_md5, it->md5, MD5_SIZE);
	entries_remove(l->out, (size_t)(it - l->out->items));
	return 0;
}

void
listing_digest(struct sha512 *tree, const struct entry *it)
{
	char prefix[SUMS_PREFIX];

	sums_prefix(prefix, it->md5);
	sha512_update(tree, prefix, sizeof prefix);
	sha512_update(tree, it->name, strlen(it->name));
	sha512_update(tree, "\n", 1);
}
