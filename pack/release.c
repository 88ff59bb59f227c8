/* The file RELEASE of a package. */

#include "pack/release.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/timetext.h"
#include "pack/name.h"

#define REMOVED     "removed: "
#define REMOVED_LEN (sizeof REMOVED - 1)

/* What is left of the text. */
struct lines {
	const char *text;
	size_t len, at;
	size_t number; /* of the line that was taken last */
};

int
release_is_word(const char *s, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				      "._+-";
	size_t i;

	if (len == 0 || len > RELEASE_WORD || memchr("._+-", s[0], 4) != NULL)
		return 0;
	for (i = 0; i < len; i++)
		if (memchr(allowed, s[i], sizeof allowed - 1) == NULL)
			return 0;
	return 1;
}

/* The value of the next line, which must have this name: 0, or -1. */
static int
take(struct lines *l, const char *name, const char **value, size_t *len)
{
	const size_t n = strlen(name);
	const char *line = l->text + l->at;
	const size_t left = l->len - l->at;
	const char *lf = memchr(line, '\n', left);

	l->number++;
	if (lf == NULL || (size_t)(lf - line) < n + 2 ||
	    memcmp(line, name, n) != 0 || memcmp(line + n, ": ", 2) != 0)
		return -1;
	*value = line + n + 2;
	*len = (size_t)(lf - *value);
	l->at = (size_t)(lf + 1 - l->text);
	return 0;
}

static int
take_word(struct lines *l, const char *name, char out[RELEASE_WORD + 1])
{
	const char *v;
	size_t len;

	if (take(l, name, &v, &len) != 0 || !release_is_word(v, len))
		return -1;
	memcpy(out, v, len);
	out[len] = '\0';
	return 0;
}

static int
take_number(struct lines *l, const char *name, uint64_t *out)
{
	const char *v;
	size_t len;

	return take(l, name, &v, &len) == 0 &&
		       num_parse(v, len, INT64_MAX, out) == NUM_OK
		   ? 0
		   : -1;
}

static int
take_digest(struct lines *l, const char *name, uint8_t out[SHA512_SIZE])
{
	const char *v;
	size_t len;

	return take(l, name, &v, &len) == 0
		   ? hex_decode(out, SHA512_SIZE, v, len)
		   : -1;
}

static int
take_instant(struct lines *l, const char *name, int64_t *us)
{
	char again[TIMETEXT_SIZE];
	const char *v;
	size_t len;

	/* One spelling: with six digits. */
	return take(l, name, &v, &len) == 0 && len == TIMETEXT_SIZE - 1 &&
		       timetext_parse(v, len, us) == 0 &&
		       memcmp(timetext_format(*us, again), v, len) == 0
		   ? 0
		   : -1;
}

/* Less than 0, 0, more than 0: as strcmp. */
static int
compare(const char *a, size_t alen, const char *b, size_t blen)
{
	int r = memcmp(a, b, alen < blen ? alen : blen);

	return r != 0 ? r : (alen > blen) - (alen < blen);
}

/* The rest is removed paths, in order. */
static const char *
check_removed(struct lines *l)
{
	const char *before = NULL, *path;
	size_t before_len = 0, len;

	while (l->at < l->len) {
		if (take(l, "removed", &path, &len) != 0)
			return "neither a removed path nor the end";
		if (name_check(path, len) != NULL)
			return "removed: not a name";
		if (before != NULL &&
		    compare(before, before_len, path, len) >= 0)
			return "removed: not in order";
		before = path;
		before_len = len;
	}
	return NULL;
}

static const char *
parse(struct release *r, struct lines *l, size_t *removed_at)
{
	if (take_word(l, "package", r->name) != 0)
		return "not the package's name";
	if (take_word(l, "release", r->release) != 0)
		return "not its release";
	if (take_instant(l, "created", &r->created_us) != 0)
		return "not an instant of its creation";
	if (take_number(l, "files", &r->files) != 0)
		return "not a number of files";
	if (take_number(l, "bytes", &r->bytes) != 0)
		return "not a number of bytes";
	if (take_digest(l, "tree", r->tree) != 0)
		return "not a digest of its tree";
	*removed_at = l->at;
	if (l->at == l->len)
		return NULL;
	if (take_word(l, "base", r->base) != 0)
		return "not the base's release";
	if (strcmp(r->base, r->release) == 0)
		return "it is its own base";
	if (take_digest(l, "base-tree", r->base_tree) != 0)
		return "not a digest of the base's tree";
	*removed_at = l->at;
	return check_removed(l);
}

int
release_parse(struct release *out, const char *text, size_t len,
    size_t *removed_at, const char **why, size_t *line)
{
	/* No bytes may come as NULL, which has no lines. */
	struct lines l = {len > 0 ? text : "", len, 0, 0};

	memset(out, 0, sizeof *out);
	*why = parse(out, &l, removed_at);
	*line = l.number;
	return *why == NULL ? 0 : -1;
}

int
release_next_removed(const char *text, size_t len, size_t *at,
    const char **path, size_t *path_len)
{
	const char *lf;

	if (*at >= len)
		return 0;
	lf = memchr(text + *at, '\n', len - *at);
	*path = text + *at + REMOVED_LEN;
	*path_len = (size_t)(lf - *path);
	*at = (size_t)(lf + 1 - text);
	return 1;
}

int
release_format(struct buf *out, const struct release *r)
{
	char created[TIMETEXT_SIZE], digits[2 * SHA512_SIZE + 1];

	buf_printf(out,
	    "package: %s\nrelease: %s\ncreated: %s\nfiles: %" PRIu64
	    "\nbytes: %" PRIu64 "\ntree: %s\n",
	    r->name, r->release, timetext_format(r->created_us, created),
	    r->files, r->bytes, hex_encode(digits, r->tree, SHA512_SIZE));
	if (r->base[0] != '\0')
		buf_printf(out, "base: %s\nbase-tree: %s\n", r->base,
		    hex_encode(digits, r->base_tree, SHA512_SIZE));
	return out->oom ? -1 : 0;
}

int
release_format_removed(struct buf *out, const char *path)
{
	buf_puts(out, REMOVED);
	buf_puts(out, path);
	return buf_puts(out, "\n");
}
