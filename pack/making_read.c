/* The files of a package that is made. */

#include "pack/making.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pack/package_impl.h"
#include "pack/shown.h"
#include "pack/tree.h"

#define US         INT64_C(1000000)
#define LUA_SUFFIX ".lua"

int
making_fail(const struct making *m, const char *name, const char *why)
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

int
making_fail_memory(const struct making *m)
{
	return err_set(m->err, ERR_LOCAL, "out of memory");
}

int
making_fail_changed(const struct making *m, const struct entry *it)
{
	return making_fail(m, it->name, "changed while it was packed");
}

int
making_is_held(const struct entry *it)
{
	return !it->seen;
}

struct entry *
making_next_file(const struct making *m, size_t *i)
{
	while (*i < m->all.n && entry_is_folder(&m->all.items[*i]))
		++*i;
	return *i < m->all.n ? &m->all.items[*i] : NULL;
}

int
making_go_on(const struct making *m)
{
	if (m->spec->stopped == NULL || !m->spec->stopped(m->spec->arg))
		return 0;
	return err_set(m->err, ERR_PEER, "interrupted");
}

void
making_moved(struct making *m, uint64_t more)
{
	m->so_far += more;
	if (m->spec->progress != NULL)
		m->spec->progress(m->spec->arg, m->so_far, m->total);
}

/* --- what there is -----------------------------------------------------------
 */

static struct entry *
find(const struct making *m, const char *name)
{
	return entries_find(&m->all, name, strlen(name));
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
			return making_fail(m, it->name,
			    "a package makes a file of this name itself;"
			    " --exclude it or give it another");
		entries_remove(&m->all, (size_t)(it - m->all.items));
	}
	return 0;
}

int
making_look(struct making *m, const struct tree_file *own, size_t n)
{
	const struct tree_spec spec = {m->root, m->spec->dir, m->spec->exclude,
	    m->spec->nexclude, own, n, 0, PACKAGE_ENTRIES_MAX};
	size_t i = 0;

	if (tree_walk(&spec, &m->all, m->err) != 0 || leave_out_own(m) != 0)
		return -1;
	/* It would take everything away from who gets it: a wrong folder. */
	if (making_next_file(m, &i) == NULL)
		return err_set(m->err, ERR_NO, "%s: has no file to pack",
		    m->spec->dir);
	for (i = 0; i < m->all.n; i++)
		m->total += 2 * m->all.items[i].len;
	return 0;
}

/* --- reading: digests and the check of sources
 * ---------------------------------- */

int
making_header(const struct making *m, const char *name, uint64_t len,
    uint8_t block[USTAR_BLOCK])
{
	struct ustar_entry u;

	memcpy(u.name, name, strlen(name) + 1);
	u.size = len;
	u.mtime_s = m->spec->time_us / US;
	return ustar_build(block, &u) == 0
		   ? 0
		   : making_fail(m, name,
			 "no archive can hold this name: no part of it ends"
			 " within its last 100 bytes and its first 156");
}

static int
open_file(struct making *m, const struct entry *it)
{
	struct stat st;
	int fd = dirs_open(&m->dirs, it->name, &st);

	if (fd >= 0)
		return fd;
	return errno == EINVAL || errno == ELOOP || errno == ENOENT
		   ? making_fail_changed(m, it)
		   : fail_errno(m, it->name);
}

int
making_read_file(struct making *m, const struct entry *it,
    uint8_t digest[MD5_SIZE],
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
		if (making_go_on(m) != 0)
			goto out;
		/* One byte more than there should be, to see the end. */
		n = read(fd, m->piece,
		    left < MAKING_PIECE ? (size_t)left + 1 : MAKING_PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail_errno(m, it->name);
			goto out;
		}
		if ((uint64_t)n > left || (n == 0 && left > 0)) {
			making_fail_changed(m, it);
			goto out;
		}
		if (n > 0 && sink(arg, &hash, m->piece, (size_t)n) != 0)
			goto out;
		left -= (uint64_t)n;
		making_moved(m, (uint64_t)n);
	} while (n != 0 && left > 0); /* fstat sees what is behind */
	if (fstat(fd, &st) != 0 || !tree_is_as_seen(it, &st)) {
		making_fail_changed(m, it);
		goto out;
	}
	md5_final(digest, &hash);
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
	return buf_append(&s->text, bytes, len) == 0
		   ? 0
		   : making_fail_memory(s->making);
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
		return making_fail(m, it->name,
		    "too long to be checked as Lua (--no-lua-check)");
	if (making_read_file(m, it, it->md5, keep_source, &s) == 0)
		ret = check_source(m, it, s.text.data, s.text.len);
	buf_free(&s.text);
	return ret;
}

static void
on_moved(void *arg, uint64_t more)
{
	making_moved(arg, more);
}

static int
read_small(struct making *m)
{
	size_t failed;

	if (kept_read(&m->kept, m->root, &m->all, on_moved, m, &failed) == 0)
		return 0;
	if (failed == m->all.n)
		return making_fail_memory(m);
	return errno == ESTALE ? making_fail_changed(m, &m->all.items[failed])
			       : fail_errno(m, m->all.items[failed].name);
}

/* What was kept has its digest. */
static int
read_one(struct making *m, size_t i)
{
	struct entry *it = &m->all.items[i];
	const uint8_t *bytes = m->kept.bytes[i];
	const int is_lua = is_source(m, it->name);

	if (bytes == NULL)
		return is_lua ? read_source(m, it)
			      : making_read_file(m, it, it->md5, pass_by, NULL);
	return is_lua ? check_source(m, it, bytes, (size_t)it->len) : 0;
}

int
making_read(struct making *m)
{
	uint8_t block[USTAR_BLOCK];
	struct entry *it;
	size_t i;

	for (i = 0; i < m->all.n; i++) {
		it = &m->all.items[i];
		if (it->len > PACKAGE_FILE_MAX)
			return making_fail(m, it->name, "larger than 4 GiB");
		if (making_header(m, it->name, it->len, block) != 0)
			return -1;
	}
	if (making_go_on(m) != 0 || read_small(m) != 0)
		return -1;
	for (i = 0; making_next_file(m, &i) != NULL; i++)
		if (making_go_on(m) != 0 || read_one(m, i) != 0)
			return -1;
	return 0;
}
