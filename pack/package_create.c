/* Making a package. */

#include "pack/package.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/same.h"
#include "crypto/md5_many.h"
#include "pack/aside.h"
#include "pack/dirs.h"
#include "pack/kept.h"
#include "pack/output.h"
#include "pack/package_impl.h"
#include "pack/shown.h"
#include "pack/tree.h"
#include "pack/ustar.h"

#define PIECE      ((size_t)256 << 10)
#define US         INT64_C(1000000)
#define END_ZEROS  (2 * USTAR_BLOCK)
#define OWN_FILES  2 /* path and path.sig */
#define FILE_MODE  0644
#define LUA_SUFFIX ".lua"

struct making {
	const struct package_spec *spec;
	struct package_info *info;
	struct err *err;
	int root;
	struct dirs dirs; /* below root */
	/* Files and folders in the order of the archive; seen: the base has
	 * the same file, so that it is not held. */
	struct entries all;
	struct entries removed;
	struct buf release; /* the text of RELEASE */
	uint8_t release_md5[MD5_SIZE];
	uint64_t so_far, total;
	uint8_t *piece;
	/* Small files are read once: their bytes, by their place in all; NULL:
	 * read again. */
	struct kept kept;
	uint8_t **bytes;
	/* Of the package. */
	struct md5 md5;
	struct sha512 sha512;
};

static int
fail(const struct making *m, const char *name, const char *why)
{
	char shown[SHOWN_SIZE];

	return err_set(m->err, ERR_NO, "%s/%s: %s", m->spec->dir,
	    shown_name(shown, name), why);
}

static int
fail_errno(const struct making *m, const char *name)
{
	char shown[SHOWN_SIZE];

	return err_errno(m->err, ERR_LOCAL, "%s/%s", m->spec->dir,
	    shown_name(shown, name));
}

static int
fail_memory(const struct making *m)
{
	return err_set(m->err, ERR_LOCAL, "out of memory");
}

static int
is_folder(const struct entry *it)
{
	return it->name[strlen(it->name) - 1] == '/';
}

/* 1 for what goes into the archive: folders, and files that are not in the base
 * as they are. */
static int
is_held(const struct entry *it)
{
	return !it->seen;
}

/* --- what there is -----------------------------------------------------------
 */

/* The files that a package of an earlier time, or its signature, would be. */
static size_t
own_files(const struct aside *a, struct tree_file own[OWN_FILES])
{
	const size_t size = strlen(a->path) + sizeof ".sig";
	char *sig = malloc(size);
	struct stat st;
	size_t n = 0;

	if (stat(a->path, &st) == 0) {
		own[n].dev = st.st_dev;
		own[n++].ino = st.st_ino;
	}
	if (sig != NULL) {
		snprintf(sig, size, "%s.sig", a->path);
		if (stat(sig, &st) == 0) {
			own[n].dev = st.st_dev;
			own[n++].ino = st.st_ino;
		}
	}
	free(sig);
	return n;
}

static struct entry *
find(const struct making *m, const char *name)
{
	return entries_find(&m->all, name, strlen(name));
}

/* The next file at or behind *i, folders passed over; NULL: none. */
static struct entry *
next_file(const struct making *m, size_t *i)
{
	while (*i < m->all.n && is_folder(&m->all.items[*i]))
		++*i;
	return *i < m->all.n ? &m->all.items[*i] : NULL;
}

/* MD5SUMS and RELEASE of a folder that was unpacked are made anew. */
static int
leave_out_own(struct making *m)
{
	static const char *const names[] = {PACKAGE_SUMS, PACKAGE_RELEASE};
	uint8_t digest[MD5_SIZE];
	struct package_info info;
	int ours =
	    find(m, PACKAGE_SUMS) != NULL && find(m, PACKAGE_RELEASE) != NULL &&
	    package_read_release(m->root, m->spec->dir, &info, digest, NULL) ==
		0;
	struct entry *it;
	size_t i;

	for (i = 0; i < 2; i++) {
		it = find(m, names[i]);
		if (it == NULL)
			it = entries_find(&m->all,
			    i == 0 ? PACKAGE_SUMS "/" : PACKAGE_RELEASE "/",
			    strlen(names[i]) + 1);
		if (it == NULL)
			continue;
		if (!ours)
			return fail(m, it->name,
			    "a package makes a file of this name itself;"
			    " --exclude it or give it another");
		entries_remove(&m->all, (size_t)(it - m->all.items));
	}
	return 0;
}

static int
look(struct making *m, const struct aside *a)
{
	struct tree_file own[OWN_FILES];
	const struct tree_spec spec = {m->root, m->spec->dir, m->spec->exclude,
	    m->spec->nexclude, own, own_files(a, own), 0, PACKAGE_ENTRIES_MAX};
	size_t i = 0;

	if (tree_walk(&spec, &m->all, m->err) != 0 || leave_out_own(m) != 0)
		return -1;
	/* It would take everything away from who gets it: a wrong folder. */
	if (next_file(m, &i) == NULL)
		return err_set(m->err, ERR_NO, "%s: has no file to pack",
		    m->spec->dir);
	for (i = 0; i < m->all.n; i++)
		m->total += 2 * m->all.items[i].len;
	return 0;
}

/* --- reading: digests and the check of sources
 * ---------------------------------- */

static int
header_of(const struct making *m, const char *name, uint64_t len,
    uint8_t block[USTAR_BLOCK])
{
	struct ustar_entry u;

	memcpy(u.name, name, strlen(name) + 1);
	u.size = len;
	u.mtime_s = m->spec->time_us / US;
	return ustar_build(block, &u) == 0
		   ? 0
		   : fail(m, name,
			 "no archive can hold this name: no part of it ends"
			 " within its last 100 bytes and its first 156");
}

static int
fail_changed(const struct making *m, const struct entry *it)
{
	return fail(m, it->name, "changed while it was packed");
}

/* The same length and time as when it was seen first. */
static int
is_as_seen(const struct entry *it, const struct stat *st)
{
	return (uint64_t)st->st_size == it->len && tree_mtime_ns(st) == it->at;
}

static int
open_file(struct making *m, const struct entry *it)
{
	struct stat st;
	int fd = dirs_open(&m->dirs, it->name, &st);

	if (fd >= 0)
		return fd;
	return errno == EINVAL || errno == ELOOP || errno == ENOENT
		   ? fail_changed(m, it)
		   : fail_errno(m, it->name);
}

static void
tell_progress(struct making *m, uint64_t more)
{
	m->so_far += more;
	if (m->spec->progress != NULL)
		m->spec->progress(m->spec->arg, m->so_far, m->total);
}

/*
 * Read the file of the entry, which has the length and the time that were
 * seen, piece by piece into sink, which also puts them into the hash. The
 * digest is that of what sink was given.
 */
static int
read_file(struct making *m, const struct entry *it, uint8_t digest[MD5_SIZE],
    int (*sink)(void *arg, struct md5 *hash, const void *bytes, size_t len),
    void *arg)
{
	struct md5 hash;
	uint64_t left = it->len;
	struct stat st;
	int ret = -1;
	ssize_t n;
	int fd = open_file(m, it);

	if (fd < 0)
		return -1;
	md5_init(&hash);
	do {
		/* One byte more than there should be, to see the end. */
		n = read(fd, m->piece, left < PIECE ? (size_t)left + 1 : PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail_errno(m, it->name);
			goto out;
		}
		if ((uint64_t)n > left || (n == 0 && left > 0)) {
			fail_changed(m, it);
			goto out;
		}
		if (n > 0 && sink(arg, &hash, m->piece, (size_t)n) != 0)
			goto out;
		left -= (uint64_t)n;
		tell_progress(m, (uint64_t)n);
	} while (n != 0 && left > 0); /* fstat sees what is behind */
	if (fstat(fd, &st) != 0 || !is_as_seen(it, &st)) {
		fail_changed(m, it);
		goto out;
	}
	md5_final(digest, &hash);
	ret = 0;
out:
	close(fd);
	return ret;
}

/* The whole of it at once, into room for a byte more. */
static int
keep_file(struct making *m, const struct entry *it, uint8_t *room)
{
	int ret = -1, fd = open_file(m, it);
	const size_t len = (size_t)it->len;
	size_t got = 0;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0)
		return -1;
	/* One byte more than there should be, to see the end. */
	while (n != 0 && got < len) {
		n = read(fd, room + got, len + 1 - got);
		if (n < 0 && errno != EINTR) {
			fail_errno(m, it->name);
			goto out;
		}
		got += n > 0 ? (size_t)n : 0;
	}
	if (got != len || fstat(fd, &st) != 0 || !is_as_seen(it, &st)) {
		fail_changed(m, it);
		goto out;
	}
	ret = 0;
out:
	close(fd);
	return ret;
}

struct source {
	struct making *making;
	struct buf text;
};

static int
keep_source(void *arg, struct md5 *hash, const void *bytes, size_t len)
{
	struct source *s = arg;

	md5_update(hash, bytes, len);
	return buf_append(&s->text, bytes, len) == 0 ? 0
						     : fail_memory(s->making);
}

static int
pass_by(void *arg, struct md5 *hash, const void *bytes, size_t len)
{
	(void)arg;
	md5_update(hash, bytes, len);
	return 0;
}

static int
is_source(const struct making *m, const char *name)
{
	const size_t len = strlen(name), n = strlen(LUA_SUFFIX);

	return m->spec->check != NULL && len > n &&
	       strcmp(name + len - n, LUA_SUFFIX) == 0 &&
	       !tree_matches(m->spec->unchecked, m->spec->nunchecked, name);
}

static int
check_source(struct making *m, const struct entry *it, const void *text,
    size_t len)
{
	return m->spec->check(m->spec->arg, it->name, len > 0 ? text : "", len,
	    m->err);
}

static int
read_source(struct making *m, struct entry *it)
{
	struct source s = {m, BUF_INIT};
	int ret = -1;

	if (it->len > PACKAGE_LUA_MAX)
		return fail(m, it->name,
		    "too long to be checked as Lua (--no-lua-check)");
	if (read_file(m, it, it->md5, keep_source, &s) == 0)
		ret = check_source(m, it, s.text.data, s.text.len);
	buf_free(&s.text);
	return ret;
}

/* A file that is kept; its digest comes later, with those of others. */
static int
read_small(struct making *m, const struct entry *it, uint8_t *room)
{
	if (keep_file(m, it, room) != 0)
		return -1;
	if (is_source(m, it->name) &&
	    check_source(m, it, room, (size_t)it->len) != 0)
		return -1;
	if (it->len > 0)
		tell_progress(m, it->len);
	return 0;
}

static int
read_one(struct making *m, size_t i)
{
	struct entry *it = &m->all.items[i];

	m->bytes[i] = kept_room(&m->kept, it->len);
	if (m->bytes[i] != NULL)
		return read_small(m, it, m->bytes[i]);
	return is_source(m, it->name)
		   ? read_source(m, it)
		   : read_file(m, it, it->md5, pass_by, NULL);
}

static int
digest_kept(struct making *m)
{
	struct md5_message *messages =
	    malloc((m->all.n + 1) * sizeof *messages);
	struct entry *it;
	size_t i, len, n = 0;

	if (messages == NULL)
		return fail_memory(m);
	for (i = 0; i < m->all.n; i++) {
		if (m->bytes[i] == NULL)
			continue;
		it = &m->all.items[i];
		len = (size_t)it->len;
		len += md5_pad(m->bytes[i] + len, len);
		messages[n].bytes = m->bytes[i];
		messages[n].blocks = len / MD5_BLOCK;
		messages[n++].md5 = it->md5;
	}
	md5_many(messages, n);
	free(messages);
	return 0;
}

static int
read_all(struct making *m)
{
	uint8_t block[USTAR_BLOCK];
	struct entry *it;
	size_t i;

	m->bytes = calloc(m->all.n + 1, sizeof *m->bytes);
	if (m->bytes == NULL)
		return fail_memory(m);
	for (i = 0; i < m->all.n; i++) {
		it = &m->all.items[i];
		if (it->len > PACKAGE_FILE_MAX)
			return fail(m, it->name, "larger than 4 GiB");
		if (header_of(m, it->name, it->len, block) != 0)
			return -1;
		if (!is_folder(it) && read_one(m, i) != 0)
			return -1;
	}
	return digest_kept(m);
}

/* --- against the base
 * ------------------------------------------------------------ */

static int
compare(struct making *m, const struct package *base)
{
	const char *name;
	struct entry *it;
	size_t i = 0, j;
	int order;

	for (j = 0; j < base->files.n; j++) {
		name = base->files.items[j].name;
		order = 1;
		while ((it = next_file(m, &i)) != NULL &&
		       (order = strcmp(it->name, name)) < 0)
			i++;
		if (it != NULL && order == 0)
			it->seen = it->len == base->files.items[j].len &&
				   memcmp(it->md5, base->files.items[j].md5,
				       MD5_SIZE) == 0;
		else if (entries_add(&m->removed, name, strlen(name)) == NULL)
			return fail_memory(m);
	}
	return 0;
}

static int
take_base(struct making *m, struct release *r)
{
	const struct package_ask ask = {
	    .without = PACKAGE_NO_MD5 | PACKAGE_NO_SHA512};
	const char *path = m->spec->since;
	struct package *base = NULL;
	const struct release *b;
	int ret = -1;
	int fd;

	if (path == NULL)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(m->err, ERR_LOCAL, "%s", path);
	base = package_open(fd, path, &ask, m->err);
	if (base == NULL)
		goto out;
	b = &base->info.release;
	if (strcmp(b->name, r->name) != 0)
		err_set(m->err, ERR_NO, "%s: a package of %s, not of %s", path,
		    b->name, r->name);
	else if (b->base[0] != '\0')
		err_set(m->err, ERR_NO,
		    "%s: was made --since another; a full package is needed",
		    path);
	else if (strcmp(b->release, r->release) == 0)
		err_set(m->err, ERR_NO, "%s: is release %s itself", path,
		    r->release);
	else
		ret = compare(m, base);
	memcpy(r->base, b->release, sizeof r->base);
	memcpy(r->base_tree, b->tree, sizeof r->base_tree);
out:
	package_free(base);
	close(fd);
	return ret;
}

/* --- RELEASE
 * ------------------------------------------------------------------- */

static int
make_release(struct making *m)
{
	struct release *r = &m->info->release;
	struct sha512 tree;
	size_t i = 0;
	const struct entry *it;

	memset(m->info, 0, sizeof *m->info);
	memcpy(r->name, m->spec->name, strlen(m->spec->name));
	memcpy(r->release, m->spec->release, strlen(m->spec->release));
	r->created_us = m->spec->time_us;
	if (take_base(m, r) != 0)
		return -1;
	sha512_init(&tree);
	for (; (it = next_file(m, &i)) != NULL; i++) {
		listing_digest(&tree, it);
		r->files++;
		r->bytes += it->len;
		m->info->nheld += (uint64_t)is_held(it);
	}
	sha512_final(r->tree, &tree);
	m->info->nremoved = m->removed.n;
	release_format(&m->release, r);
	for (i = 0; i < m->removed.n; i++)
		release_format_removed(&m->release, m->removed.items[i].name);
	if (m->release.oom)
		return fail_memory(m);
	if (m->release.len > RELEASE_TEXT_MAX)
		return err_set(m->err, ERR_NO,
		    "%s: too many removed files; make a full package",
		    m->spec->dir);
	md5(m->release_md5, m->release.data, m->release.len);
	return 0;
}

/* --- writing
 * ------------------------------------------------------------------- */

struct writing {
	struct making *making;
	struct output *out;
};

static int
write_piece(void *arg, struct md5 *hash, const void *bytes, size_t len)
{
	struct writing *w = arg;

	return output_write_of(w->out, bytes, len, hash, w->making->err);
}

static int
write_header(struct making *m, struct output *o, const char *name, uint64_t len)
{
	uint8_t block[USTAR_BLOCK];

	return header_of(m, name, len, block) == 0
		   ? output_write(o, block, sizeof block, m->err)
		   : -1;
}

static int
write_line(struct making *m, struct output *o, const char *name,
    const uint8_t digest[MD5_SIZE])
{
	char prefix[SUMS_PREFIX];

	sums_prefix(prefix, digest);
	if (output_write(o, prefix, sizeof prefix, m->err) != 0 ||
	    output_write(o, name, strlen(name), m->err) != 0)
		return -1;
	return output_write(o, "\n", 1, m->err);
}

static int
write_sums(struct making *m, struct output *o)
{
	uint64_t len = SUMS_PREFIX + strlen(PACKAGE_RELEASE) + 1;
	const struct entry *it;
	int told = 0;
	size_t i;

	for (i = 0; (it = next_file(m, &i)) != NULL; i++)
		if (is_held(it))
			len += SUMS_PREFIX + strlen(it->name) + 1;
	if (write_header(m, o, PACKAGE_SUMS, len) != 0)
		return -1;
	for (i = 0; (it = next_file(m, &i)) != NULL; i++) {
		if (!told && strcmp(it->name, PACKAGE_RELEASE) > 0) {
			told = 1;
			if (write_line(m, o, PACKAGE_RELEASE, m->release_md5) !=
			    0)
				return -1;
		}
		if (is_held(it) && write_line(m, o, it->name, it->md5) != 0)
			return -1;
	}
	if (!told && write_line(m, o, PACKAGE_RELEASE, m->release_md5) != 0)
		return -1;
	return output_zeros(o, ustar_padding(len), m->err);
}

static int
write_again(struct making *m, struct output *o, const struct entry *it)
{
	struct writing w = {m, o};
	uint8_t digest[MD5_SIZE];

	if (read_file(m, it, digest, write_piece, &w) != 0)
		return -1;
	return memcmp(digest, it->md5, sizeof digest) == 0
		   ? 0
		   : fail_changed(m, it);
}

/* What was digested is what is written; but who changes files meanwhile has
 * others that do not fit to this one. */
static int
write_kept(struct making *m, struct output *o, const struct entry *it,
    const uint8_t *bytes)
{
	const char *last;
	int dir = dirs_parent(&m->dirs, it->name, &last);
	struct stat st;

	if (dir < 0 || fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode) || !is_as_seen(it, &st))
		return fail_changed(m, it);
	if (output_write(o, bytes, (size_t)it->len, m->err) != 0)
		return -1;
	if (it->len > 0)
		tell_progress(m, it->len);
	return 0;
}

static int
write_entry(struct making *m, struct output *o, size_t i)
{
	const struct entry *it = &m->all.items[i];
	int r;

	if (is_folder(it))
		return write_header(m, o, it->name, 0);
	if (write_header(m, o, it->name, it->len) != 0)
		return -1;
	r = m->bytes[i] != NULL ? write_kept(m, o, it, m->bytes[i])
				: write_again(m, o, it);
	return r == 0 ? output_zeros(o, ustar_padding(it->len), m->err) : -1;
}

static int
write_all(struct making *m, struct output *o)
{
	size_t i;

	if (write_sums(m, o) != 0 ||
	    write_header(m, o, PACKAGE_RELEASE, m->release.len) != 0 ||
	    output_write(o, m->release.data, m->release.len, m->err) != 0 ||
	    output_zeros(o, ustar_padding(m->release.len), m->err) != 0)
		return -1;
	for (i = 0; i < m->all.n; i++)
		if (is_held(&m->all.items[i]) && write_entry(m, o, i) != 0)
			return -1;
	if (output_zeros(o, END_ZEROS, m->err) != 0)
		return -1;
	if (output_finish(o, m->err) != 0)
		return -1;
	m->info->len = o->len;
	md5_final(m->info->md5, &m->md5);
	sha512_final(m->info->sha512, &m->sha512);
	return 0;
}

/* Bytes of a file, as many as there are. */
static ssize_t
read_at(int fd, uint8_t *bytes, size_t len, uint64_t at)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = pread(fd, bytes + got, len - got, (off_t)(at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* 1 when both files hold the same bytes, 0: not, -1 with errno. */
static int
are_same(struct making *m, int fd, int other)
{
	const size_t half = PIECE / 2;
	uint64_t at = 0;
	ssize_t a, b;

	do {
		a = read_at(fd, m->piece, half, at);
		b = a < 0 ? -1 : read_at(other, m->piece + half, half, at);
		if (b < 0)
			return -1;
		if (a != b || !same_bytes(m->piece, m->piece + half, (size_t)a))
			return 0;
		at += (uint64_t)a;
	} while (a > 0);
	return 1;
}

/* 1 when the file is a package of the same files, made at another time. */
static int
is_of_another_time(const struct making *m, int fd, const char *path)
{
	const struct package_ask ask = {
	    .without = PACKAGE_NO_MD5 | PACKAGE_NO_SHA512};
	const struct release *ours = &m->info->release, *theirs;
	struct package *p = package_open(fd, path, &ask, NULL);
	int is;

	if (p == NULL)
		return 0;
	theirs = &p->info.release;
	is = theirs->created_us != ours->created_us &&
	     strcmp(theirs->name, ours->name) == 0 &&
	     strcmp(theirs->release, ours->release) == 0 &&
	     strcmp(theirs->base, ours->base) == 0 &&
	     memcmp(theirs->tree, ours->tree, sizeof ours->tree) == 0;
	package_free(p);
	return is;
}

/* 1: nothing of this name is there; 0: these very bytes are; -1 with err. */
static int
look_there(struct making *m, const char *path, int made)
{
	struct stat st;
	int same = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd >= 0 && fstat(fd, &st) == 0)
		same = S_ISREG(st.st_mode) ? are_same(m, made, fd) : 0;
	if (same < 0)
		err_errno(m->err, ERR_LOCAL, "%s", path);
	else if (!same)
		err_set(m->err, ERR_NO,
		    "%s: is there already, with other bytes%s", path,
		    S_ISREG(st.st_mode) && is_of_another_time(m, fd, path)
			? ": the same files, packed at another time"
			  " (SOURCE_DATE_EPOCH sets it)"
			: "");
	if (fd >= 0)
		close(fd);
	return same == 1 ? 0 : -1;
}

/* Give the whole file its name: 0, or -1. tmp is gone in any case. */
static int
name_it(const struct aside *a, struct err *e)
{
	struct stat st;
	int ret = -1;

	/* A link keeps what came there meanwhile; a rename would not. */
	if (link(a->tmp, a->path) == 0) {
		ret = 0;
	} else if (errno == EEXIST) {
		err_set(e, ERR_NO, "%s: is there already", a->path);
	} else if (lstat(a->path, &st) == 0) {
		err_set(e, ERR_NO, "%s: is there already", a->path);
	} else if (rename(a->tmp, a->path) == 0) {
		return file_sync_dir(a->parent, e);
	} else {
		err_errno(e, ERR_LOCAL, "%s", a->path);
	}
	unlink(a->tmp);
	return ret == 0 ? file_sync_dir(a->parent, e) : -1;
}

struct package_written {
	struct package_spec spec;
	struct package_info *info;
	struct aside aside;
	int fd;
	int there;   /* look_there's word */
	int is_gone; /* aside.tmp is not there, or not any more */
};

static int
write_aside(struct making *m, struct package_written *w)
{
	struct digests_work works[2] = {{digests_sha512, &m->sha512}};
	struct aside *a = &w->aside;
	struct output o;
	int ret = -1;

	w->fd = mkstemp(a->tmp);
	if (w->fd < 0)
		return err_errno(m->err, ERR_LOCAL, "%s", a->path);
	w->is_gone = 0;
	if (fchmod(w->fd, FILE_MODE) != 0)
		return err_errno(m->err, ERR_LOCAL, "%s", a->path);
	md5_init(&m->md5);
	sha512_init(&m->sha512);
	if (m->spec->also != NULL)
		works[1] = *m->spec->also;
	if (output_open(&o, w->fd, a->path, works,
		m->spec->also != NULL ? 2 : 1, m->err) == 0) {
		o.md5 = &m->md5;
		ret = write_all(m, &o);
	}
	output_close(&o);
	if (ret != 0)
		return -1;
	w->there = look_there(m, a->path, w->fd);
	return w->there < 0 ? -1 : 0;
}

static int
make(struct making *m, struct package_written *w)
{
	int ret = -1;

	m->root = package_open_dir(m->spec->dir, m->err);
	dirs_init(&m->dirs, m->root);
	if (m->root < 0)
		return -1;
	m->piece = malloc(PIECE + 1);
	if (m->piece == NULL)
		fail_memory(m);
	else if (look(m, &w->aside) == 0 && read_all(m) == 0 &&
		 make_release(m) == 0)
		ret = write_aside(m, w);
	free(m->piece);
	free(m->bytes);
	kept_free(&m->kept);
	dirs_end(&m->dirs);
	close(m->root);
	entries_free(&m->all);
	entries_free(&m->removed);
	buf_free(&m->release);
	return ret;
}

struct package_written *
package_write(const struct package_spec *s, const char *path,
    struct package_info *out, struct err *e)
{
	struct package_written *w;
	struct making m = {.info = out, .err = e};

	if (!release_is_word(s->name, strlen(s->name)) ||
	    !release_is_word(s->release, strlen(s->release))) {
		err_set(e, ERR_USAGE,
		    "a package's name and release are letters, digits and"
		    " '._+-', a letter or digit first, at most %d",
		    RELEASE_WORD);
		return NULL;
	}
	w = calloc(1, sizeof *w);
	if (w == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	w->spec = *s;
	w->info = out;
	w->fd = -1;
	w->is_gone = 1;
	m.spec = &w->spec;
	if (aside_init(&w->aside, path, e) == 0 && make(&m, w) == 0)
		return w;
	package_written_free(w);
	return NULL;
}

int
package_written_fd(const struct package_written *w)
{
	return w->fd;
}

/* A disk takes as long to sync as a processor to hash: both at once. */
struct syncing {
	int fd;
	int error; /* errno */
	int has_thread;
	pthread_t thread;
};

static void *
sync_it(void *arg)
{
	struct syncing *s = arg;

	s->error = fsync(s->fd) != 0 ? errno : 0;
	return NULL;
}

/* Signals are the business of who called: the thread takes none. */
static void
sync_begin(struct syncing *s, int fd, int apart)
{
	sigset_t all, before;

	s->fd = fd;
	s->has_thread = 0;
	if (apart) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		s->has_thread =
		    pthread_create(&s->thread, NULL, sync_it, s) == 0;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (!s->has_thread)
		sync_it(s);
}

static int
sync_end(struct syncing *s, const char *shown, struct err *e)
{
	if (s->has_thread)
		pthread_join(s->thread, NULL);
	errno = s->error;
	return errno == 0 ? 0 : err_errno(e, ERR_LOCAL, "%s", shown);
}

int
package_finish(struct package_written *w, struct err *e)
{
	const struct package_spec *s = &w->spec;
	struct syncing syncing;
	int ret = 0;

	sync_begin(&syncing, w->fd, s->seal != NULL && !s->seal_forks);
	if (s->seal != NULL)
		ret = s->seal(s->arg, w->fd, w->info, e);
	if (sync_end(&syncing, w->aside.path, ret == 0 ? e : NULL) != 0)
		ret = -1;
	if (ret != 0 || w->there == 0)
		return ret;
	w->is_gone = 1;
	return name_it(&w->aside, e);
}

void
package_written_free(struct package_written *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (!w->is_gone)
		unlink(w->aside.tmp);
	aside_free(&w->aside);
	free(w);
}

int
package_create(const struct package_spec *s, const char *path,
    struct package_info *out, struct err *e)
{
	struct package_written *w = package_write(s, path, out, e);
	int ret = w != NULL ? package_finish(w, e) : -1;

	package_written_free(w);
	return ret;
}
