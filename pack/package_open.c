/* Checking a package. */

#include "pack/package.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pack/input.h"
#include "pack/listing.h"
#include "pack/package_impl.h"
#include "pack/shown.h"
#include "pack/ustar.h"

#define END_BLOCKS 2 /* of zeros, behind the last entry */
#define MISS_LINE  (SHOWN_SIZE + 32)

struct opening {
	struct package *p;
	const struct package_ask *ask;
	struct input in;
	struct md5 md5;
	struct sha512 sha512;
	struct err *err;
	char last[NAME_LEN_MAX + 2]; /* the entry's name before this one */
	const struct entry *parent;  /* the folder that was looked up last */
	size_t next;                 /* in p->files: the first not seen */
	uint64_t nentries, bytes, nmisses;
	struct buf misses; /* the lines to be told, each with its NUL */
	uint8_t release_md5[MD5_SIZE];
};

static int
fail(struct opening *o, const char *name, const char *why)
{
	char shown[SHOWN_SIZE];

	if (name == NULL)
		return err_set(o->err, ERR_NO, "%s: %s", o->p->shown, why);
	return err_set(o->err, ERR_NO, "%s: %s: %s", o->p->shown,
	    shown_name(shown, name), why);
}

/* Something that does not fit to the list: all goes on, it is told at the end.
 */
static void
miss(struct opening *o, const char *name, const char *what)
{
	char line[MISS_LINE], shown[SHOWN_SIZE];

	snprintf(line, sizeof line, "%s: %s", shown_name(shown, name), what);
	if (o->nmisses++ < PACKAGE_MISSES_MAX)
		buf_append(&o->misses, line, strlen(line) + 1);
}

/* 1 with the next header in *u, 0 at the first of the zero blocks. */
static int
next_header(struct opening *o, struct ustar_entry *u)
{
	struct input *in = &o->in;
	const uint8_t *block;
	const char *why;
	char where[64];
	uint64_t at = in->at;

	if (input_next(in, USTAR_BLOCK, &block, o->err) == 0)
		return -1;
	if (ustar_is_zero(block, USTAR_BLOCK))
		return 0;
	if (ustar_parse(u, block, &why) != 0) {
		snprintf(where, sizeof where,
		    "header at byte %llu: ", (unsigned long long)at);
		return err_set(o->err, ERR_NO, "%s: %s%s", o->p->shown, where,
		    why);
	}
	if (u->size > PACKAGE_FILE_MAX)
		return fail(o, u->name, "larger than a file may be");
	/* Multiples of a block: the sum of them cannot overflow. */
	if (u->size + ustar_padding(u->size) + END_BLOCKS * USTAR_BLOCK >
	    in->size - in->at)
		return fail(o, u->name, "the archive is cut");
	if (++o->nentries > PACKAGE_ENTRIES_MAX + 2)
		return fail(o, NULL, "more entries than a package may hold");
	return 1;
}

/* The zeros behind a file's bytes. */
static int
take_padding(struct opening *o, const struct ustar_entry *u)
{
	size_t left = ustar_padding(u->size);
	const uint8_t *bytes;

	if (left == 0)
		return 0;
	if (input_next(&o->in, left, &bytes, o->err) != left)
		return -1;
	if (!ustar_is_zero(bytes, left))
		return fail(o, u->name, "bytes behind its end");
	return 0;
}

/* A header that must be the next, of a file of this name. */
static int
first_header(struct opening *o, struct ustar_entry *u, const char *name,
    struct place *place)
{
	int r = next_header(o, u);

	if (r < 0)
		return -1;
	if (r == 0 || strcmp(u->name, name) != 0)
		return err_set(o->err, ERR_NO,
		    "%s: no package: %s is not where it should be", o->p->shown,
		    name);
	place->at = o->in.at;
	place->len = u->size;
	return 0;
}

static int
take_sums(struct opening *o)
{
	struct listing list;
	struct ustar_entry u;
	const uint8_t *bytes;
	uint64_t left;
	size_t n;

	if (first_header(o, &u, PACKAGE_SUMS, &o->p->sums) != 0)
		return -1;
	listing_begin(&list, &o->p->files, o->p->shown);
	for (left = u.size; left > 0; left -= n) {
		n = left < SIZE_MAX ? (size_t)left : SIZE_MAX;
		n = input_next(&o->in, n, &bytes, o->err);
		if (n == 0 || listing_feed(&list, bytes, n, o->err) != 0)
			return -1;
	}
	if (listing_end(&list, o->release_md5, o->err) != 0)
		return -1;
	return take_padding(o, &u);
}

int
package_parse_release(struct package_info *out, struct entries *removed,
    const char *shown, const void *text, size_t len, struct err *e)
{
	const char *path, *why;
	size_t at, line, n;

	if (release_parse(&out->release, text, len, &at, &why, &line) != 0)
		return err_set(e, ERR_NO,
		    "%s: " PACKAGE_RELEASE ": line %zu: %s", shown, line, why);
	while (release_next_removed(text, len, &at, &path, &n)) {
		out->nremoved++;
		if (removed != NULL && entries_add(removed, path, n) == NULL)
			return err_set(e, ERR_LOCAL, "out of memory");
	}
	return 0;
}

static int
take_release(struct opening *o)
{
	struct buf text = BUF_INIT;
	uint8_t digest[MD5_SIZE];
	struct ustar_entry u;
	const uint8_t *bytes;
	int ret = -1;
	size_t n;

	if (first_header(o, &u, PACKAGE_RELEASE, &o->p->release) != 0)
		return -1;
	if (u.size > RELEASE_TEXT_MAX)
		return fail(o, PACKAGE_RELEASE, "too long");
	while (text.len < u.size) {
		n = input_next(&o->in, (size_t)u.size - text.len, &bytes,
		    o->err);
		if (n == 0)
			goto out;
		if (buf_append(&text, bytes, n) != 0) {
			err_set(o->err, ERR_LOCAL, "out of memory");
			goto out;
		}
	}
	md5(digest, text.data, text.len);
	if (memcmp(digest, o->release_md5, MD5_SIZE) != 0)
		miss(o, PACKAGE_RELEASE, "not the listed bytes");
	if (package_parse_release(&o->p->info, &o->p->removed, o->p->shown,
		text.data, text.len, o->err) != 0)
		goto out;
	ret = take_padding(o, &u);
out:
	buf_free(&text);
	return ret;
}

/* 1 when the folder that the entry is in came before. */
static int
has_parent(struct opening *o, const char *name)
{
	size_t len = strlen(name) - 1;

	while (len > 0 && name[len - 1] != '/')
		len--;
	if (len == 0)
		return 1;
	if (o->parent == NULL || strlen(o->parent->name) != len ||
	    memcmp(o->parent->name, name, len) != 0)
		o->parent = entries_find(&o->p->folders, name, len);
	return o->parent != NULL;
}

/* The bytes of a file, against those of the list (NULL: it is not listed). */
static int
take_bytes(struct opening *o, const struct ustar_entry *u,
    const struct entry *it)
{
	uint8_t digest[MD5_SIZE];
	const uint8_t *bytes;
	struct md5 hash;
	uint64_t left;
	size_t n;

	md5_init(&hash);
	for (left = u->size; left > 0; left -= n) {
		n = left < SIZE_MAX ? (size_t)left : SIZE_MAX;
		n = input_next_of(&o->in, n, &bytes, &hash, o->err);
		if (n == 0)
			return -1;
	}
	md5_final(digest, &hash);
	if (it != NULL && memcmp(digest, it->md5, MD5_SIZE) != 0)
		miss(o, u->name, "not the listed bytes");
	return take_padding(o, u);
}

static int
take_file(struct opening *o, const struct ustar_entry *u)
{
	struct entries *files = &o->p->files;
	struct entry *it = NULL;
	int order = -1;

	/* Both are sorted: what the list has before this name is missing. */
	for (; o->next < files->n; o->next++) {
		it = &files->items[o->next];
		order = strcmp(it->name, u->name);
		if (order >= 0)
			break;
		miss(o, it->name, "listed, but not there");
	}
	if (order != 0) {
		miss(o, u->name, "there, but not listed");
		return take_bytes(o, u, NULL);
	}
	o->next++;
	it->len = u->size;
	it->at = (int64_t)o->in.at;
	o->p->info.nheld++;
	o->bytes += u->size;
	return take_bytes(o, u, it);
}

static int
take_folder(struct opening *o, const struct ustar_entry *u)
{
	struct entry *it =
	    entries_add(&o->p->folders, u->name, strlen(u->name));

	o->parent = NULL; /* the list may have moved */
	return it != NULL ? 0 : err_set(o->err, ERR_LOCAL, "out of memory");
}

static int
take_entries(struct opening *o)
{
	struct entries *files = &o->p->files;
	struct ustar_entry u;
	size_t len;
	int r;

	while ((r = next_header(o, &u)) == 1) {
		len = strlen(u.name);
		if (strcmp(u.name, PACKAGE_SUMS) == 0 ||
		    strcmp(u.name, PACKAGE_RELEASE) == 0 ||
		    strcmp(u.name, PACKAGE_SUMS "/") == 0 ||
		    strcmp(u.name, PACKAGE_RELEASE "/") == 0)
			return fail(o, u.name, "there twice");
		if (strcmp(o->last, u.name) >= 0)
			return fail(o, u.name, "not sorted, or there twice");
		if (!has_parent(o, u.name))
			return fail(o, u.name, "its folder is not there");
		memcpy(o->last, u.name, len + 1);
		r = u.name[len - 1] == '/' ? take_folder(o, &u)
					   : take_file(o, &u);
		if (r != 0)
			return -1;
	}
	for (; r == 0 && o->next < files->n; o->next++)
		miss(o, files->items[o->next].name, "listed, but not there");
	return r;
}

/* Zeros to the end, a whole block of them at least. */
static int
take_end(struct opening *o)
{
	const uint8_t *bytes;
	size_t n;

	if (o->in.at == o->in.size)
		return fail(o, NULL, "its end is cut");
	while (o->in.at < o->in.size) {
		n = input_next(&o->in, USTAR_BLOCK, &bytes, o->err);
		if (n == 0)
			return -1;
		if (!ustar_is_zero(bytes, n))
			return fail(o, NULL, "bytes behind its end");
	}
	return 0;
}

/* A name is a file's or a folder's, and gone or there. */
static int
check_clashes(struct opening *o)
{
	const struct package *p = o->p;
	const char *name;
	size_t i;

	for (i = 0; i < p->folders.n; i++) {
		name = p->folders.items[i].name;
		if (entries_find(&p->files, name, strlen(name) - 1) != NULL)
			return fail(o, name, "a file and a folder");
	}
	for (i = 0; i < p->removed.n; i++) {
		name = p->removed.items[i].name;
		if (entries_find(&p->files, name, strlen(name)) != NULL)
			return fail(o, name, "removed, but there");
	}
	return 0;
}

/* What RELEASE says, where the package alone can tell. */
static int
check_release(struct opening *o)
{
	const struct package *p = o->p;
	const struct release *r = &p->info.release;
	uint8_t tree[SHA512_SIZE];

	if (r->base[0] != '\0')
		return p->info.nheld <= r->files && o->bytes <= r->bytes
			   ? 0
			   : fail(o, PACKAGE_RELEASE,
				 "fewer files than there are");
	package_tree(&p->files, tree);
	if (p->info.nheld != r->files || o->bytes != r->bytes ||
	    memcmp(tree, r->tree, sizeof tree) != 0)
		return fail(o, PACKAGE_RELEASE, "not of these files");
	return 0;
}

static void
tell_misses(const struct opening *o)
{
	const struct package_ask *ask = o->ask;
	const uint64_t max = PACKAGE_MISSES_MAX;
	const char *line = (const char *)o->misses.data;
	char more[MISS_LINE];
	uint64_t i;

	if (ask->miss == NULL)
		return;
	for (i = 0; i < o->nmisses && i < max; i++) {
		ask->miss(ask->arg, line);
		line += strlen(line) + 1;
	}
	if (o->nmisses <= max)
		return;
	snprintf(more, sizeof more, "and %llu more",
	    (unsigned long long)(o->nmisses - max));
	ask->miss(ask->arg, more);
}

static int
check_misses(struct opening *o)
{
	if (o->misses.oom)
		return err_set(o->err, ERR_LOCAL, "out of memory");
	if (o->nmisses == 0)
		return 0;
	if (o->nmisses == 1)
		return fail(o, NULL, (const char *)o->misses.data);
	return err_set(o->err, ERR_NO, "%s: %llu files are not as listed: %s",
	    o->p->shown, (unsigned long long)o->nmisses,
	    (const char *)o->misses.data);
}

static int
parse(struct opening *o)
{
	const uint64_t size = o->in.size;

	if (size % USTAR_BLOCK != 0 || size == 0)
		return fail(o, NULL,
		    "no package, or cut: not a multiple of 512 bytes");
	if (take_sums(o) != 0 || take_release(o) != 0 || take_entries(o) != 0)
		return -1;
	return take_end(o);
}

/* --- a look at the front
 * ------------------------------------------------------- */

static int
read_at(int fd, const char *shown, void *bytes, size_t len, uint64_t at,
    struct err *e)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = pread(fd, (char *)bytes + got, len - got,
		    (off_t)(at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, ERR_LOCAL, "%s", shown);
		if (n == 0)
			return err_set(e, ERR_NO, "%s: its end is cut", shown);
		got += (size_t)n;
	}
	return 0;
}

/* The header of this name at *at, which moves behind its bytes. */
static int
peek_entry(int fd, const char *shown, const char *name, uint64_t *at,
    struct place *place, struct err *e)
{
	uint8_t block[USTAR_BLOCK];
	struct ustar_entry u;
	const char *why = "";

	if (read_at(fd, shown, block, sizeof block, *at, e) != 0)
		return -1;
	if (ustar_parse(&u, block, &why) != 0 || strcmp(u.name, name) != 0 ||
	    u.size > PACKAGE_FILE_MAX)
		return err_set(e, ERR_NO,
		    "%s: no package: %s is not where it should be", shown,
		    name);
	place->at = *at + USTAR_BLOCK;
	place->len = u.size;
	*at = place->at + u.size + ustar_padding(u.size);
	return 0;
}

int
package_peek(int fd, const char *shown, struct release *out, uint64_t *len,
    struct err *e)
{
	struct package_info info;
	struct place place;
	char *text = NULL;
	struct stat st;
	uint64_t at = 0;
	int ret = -1;

	memset(&info, 0, sizeof info);
	if (fstat(fd, &st) != 0)
		return err_errno(e, ERR_LOCAL, "%s", shown);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_LOCAL, "%s: not a regular file", shown);
	if (peek_entry(fd, shown, PACKAGE_SUMS, &at, &place, e) != 0 ||
	    peek_entry(fd, shown, PACKAGE_RELEASE, &at, &place, e) != 0)
		return -1;
	if (place.len > RELEASE_TEXT_MAX)
		return err_set(e, ERR_NO, "%s: " PACKAGE_RELEASE ": too long",
		    shown);
	text = malloc(place.len > 0 ? (size_t)place.len : 1);
	if (text == NULL)
		err_set(e, ERR_LOCAL, "out of memory");
	else if (read_at(fd, shown, text, (size_t)place.len, place.at, e) == 0)
		ret = package_parse_release(&info, NULL, shown, text,
		    (size_t)place.len, e);
	free(text);
	*out = info.release;
	*len = (uint64_t)st.st_size;
	return ret;
}

/* --- one pass
 * ------------------------------------------------------------------ */

static int
needs_sha512(const struct package_ask *ask)
{
	return ask->sha512 != NULL || !(ask->without & PACKAGE_NO_SHA512);
}

static int
check_digests(struct opening *o)
{
	struct package_info *info = &o->p->info;

	info->len = o->in.size;
	if (!(o->ask->without & PACKAGE_NO_MD5))
		md5_final(info->md5, &o->md5);
	if (needs_sha512(o->ask))
		sha512_final(info->sha512, &o->sha512);
	if (o->ask->sha512 != NULL &&
	    memcmp(o->ask->sha512, info->sha512, SHA512_SIZE) != 0)
		return fail(o, NULL, "not the bytes that it should have");
	return 0;
}

/* With somebody to be asked first, what was found waits until all was read:
 * the bytes behind what does not parse belong to the answer. */
static int
check(struct opening *o)
{
	const struct package_ask *ask = o->ask;
	struct err why;
	int ret = parse(o);

	if (ask->settle != NULL && !o->in.failed)
		input_skip_to(&o->in, o->in.size, o->err);
	if (o->in.failed)
		return -1; /* that is of the file, not of what is in it */
	input_wait(&o->in);
	if (ask->settle != NULL && ask->settle(ask->arg, &why) != 0) {
		*o->err = why;
		return -1;
	}
	if (ret == 0 && check_digests(o) != 0)
		return -1;
	tell_misses(o);
	if (ret != 0 || check_misses(o) != 0 || check_clashes(o) != 0)
		return -1;
	return check_release(o);
}

static int
start(struct opening *o)
{
	const struct package_ask *ask = o->ask;
	struct digests_work works[2];
	size_t n = 0;

	md5_init(&o->md5);
	sha512_init(&o->sha512);
	if (ask->also != NULL)
		works[n++] = *ask->also;
	if (needs_sha512(ask)) {
		works[n].update = digests_sha512;
		works[n++].arg = &o->sha512;
	}
	if (input_open(&o->in, o->p->fd, o->p->shown, ask->max_bytes, works, n,
		o->err) != 0)
		return -1;
	if (!(ask->without & PACKAGE_NO_MD5))
		o->in.md5 = &o->md5;
	o->in.progress = ask->progress;
	o->in.arg = ask->arg;
	return 0;
}

struct package *
package_open(int fd, const char *shown, const struct package_ask *ask,
    struct err *e)
{
	static const struct package_ask nothing = {0};
	struct package *p = calloc(1, sizeof *p);
	struct opening o = {.misses = BUF_INIT};
	struct err found;

	if (p != NULL)
		p->shown = strdup(shown);
	if (p == NULL || p->shown == NULL) {
		err_set(e, ERR_LOCAL, "%s: out of memory", shown);
		free(p);
		return NULL;
	}
	p->fd = fd;
	o.p = p;
	o.ask = ask != NULL ? ask : &nothing;
	o.err = &found;
	if (start(&o) != 0 || check(&o) != 0) {
		if (e != NULL)
			*e = found;
		package_free(p);
		p = NULL;
	}
	input_close(&o.in);
	buf_free(&o.misses);
	return p;
}

void
package_free(struct package *p)
{
	if (p == NULL)
		return;
	entries_free(&p->files);
	entries_free(&p->folders);
	entries_free(&p->removed);
	free(p->shown);
	free(p);
}

const struct package_info *
package_info(const struct package *p)
{
	return &p->info;
}
