/* Unpacked folders. */

#include "pack/package.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "pack/aside.h"
#include "pack/digest.h"
#include "pack/dirs.h"
#include "pack/package_impl.h"
#include "pack/shown.h"
#include "pack/tree.h"

#define SWITCH_TRIES 16 /* names that are taken; each is one of millions */

int
package_open_dir(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err_errno(e, ERR_LOCAL, "%s", dir);
	return fd;
}

/* The whole of a file at the top of the folder. */
static int
read_top(int root, const char *dir, const char *name, struct buf *out,
    struct err *e)
{
	struct dirs dirs;
	struct stat st;
	ssize_t n;
	int fd;

	dirs_init(&dirs, root);
	fd = dirs_open(&dirs, name, &st);
	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NO : ERR_LOCAL,
		    "%s/%s: %s", dir, name,
		    errno == ENOENT ? "not there; no unpacked package"
				    : strerror(errno));
	if ((uint64_t)st.st_size > RELEASE_TEXT_MAX) {
		close(fd);
		return err_set(e, ERR_NO, "%s/%s: too long", dir, name);
	}
	for (;;) {
		if (buf_reserve(out, (size_t)st.st_size - out->len + 1) != 0) {
			errno = ENOMEM;
			break;
		}
		n = read(fd, out->data + out->len,
		    (size_t)st.st_size - out->len + 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return n == 0 ? 0
				      : err_errno(e, ERR_LOCAL, "%s/%s", dir,
					    name);
		}
		out->len += (size_t)n;
		if (out->len > (size_t)st.st_size) {
			errno = EFBIG;
			break;
		}
	}
	err_errno(e, ERR_LOCAL, "%s/%s", dir, name);
	close(fd);
	return -1;
}

int
package_read_release(int root, const char *dir, struct package_info *out,
    uint8_t md5_out[MD5_SIZE], struct err *e)
{
	struct buf text = BUF_INIT;
	int ret = -1;

	memset(out, 0, sizeof *out);
	if (read_top(root, dir, PACKAGE_RELEASE, &text, e) != 0)
		goto out;
	if (package_parse_release(out, NULL, dir, text.data, text.len, e) != 0)
		goto out;
	if (out->release.base[0] != '\0') {
		err_set(e, ERR_NO,
		    "%s: " PACKAGE_RELEASE ": of a package --since, without"
		    " its base",
		    dir);
		goto out;
	}
	md5(md5_out, text.data, text.len);
	ret = 0;
out:
	buf_free(&text);
	return ret;
}

int
package_read_dir(const char *dir, struct package_info *out, struct err *e)
{
	uint8_t digest[MD5_SIZE];
	int root = package_open_dir(dir, e);
	int ret;

	if (root < 0)
		return -1;
	ret = package_read_release(root, dir, out, digest, e);
	out->nheld = out->release.files;
	close(root);
	return ret;
}

int
package_read_sums(int root, const char *dir, struct entries *out,
    uint8_t release_md5[MD5_SIZE], struct err *e)
{
	struct listing *list = malloc(sizeof *list);
	char piece[8192];
	struct dirs dirs;
	struct stat st;
	int ret = -1;
	ssize_t n;
	int fd;

	dirs_init(&dirs, root);
	fd = dirs_open(&dirs, PACKAGE_SUMS, &st);
	if (fd < 0) {
		err_set(e, errno == ENOENT ? ERR_NO : ERR_LOCAL,
		    "%s/" PACKAGE_SUMS ": %s", dir,
		    errno == ENOENT ? "not there; no unpacked package"
				    : strerror(errno));
		goto out;
	}
	if (list == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	listing_begin(list, out, dir);
	while ((n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(e, ERR_LOCAL, "%s/" PACKAGE_SUMS, dir);
			goto out;
		}
		if (listing_feed(list, piece, (size_t)n, e) != 0)
			goto out;
	}
	ret = listing_end(list, release_md5, e);
out:
	if (fd >= 0)
		close(fd);
	free(list);
	return ret;
}

void
package_tree(const struct entries *files, uint8_t out[SHA512_SIZE])
{
	struct sha512 hash;
	size_t i;

	sha512_init(&hash);
	for (i = 0; i < files->n; i++)
		listing_digest(&hash, &files->items[i]);
	sha512_final(out, &hash);
}

/* --- checking ---------------------------------------------------------------
 */

struct checking {
	struct dirs dirs;
	struct entries files;
	void (*each)(void *arg, const char *name, enum package_sum r,
	    int errnum);
	void *arg;
	uint64_t nbad, bytes;
	char first[SHOWN_SIZE]; /* the first that is not as listed */
};

static void
tell(struct checking *c, const char *name, enum package_sum r, int errnum)
{
	if (r != PACKAGE_SUM_OK && c->nbad++ == 0)
		shown_name(c->first, name);
	if (c->each != NULL)
		c->each(c->arg, name, r, errnum);
}

static void
check_file(struct checking *c, const char *name, const uint8_t want[MD5_SIZE])
{
	uint8_t digest[MD5_SIZE];
	struct stat st;
	uint64_t len;
	int fd = dirs_open(&c->dirs, name, &st);

	if (fd < 0) {
		tell(c, name,
		    errno == EINVAL || errno == ELOOP ? PACKAGE_SUM_FAILED
						      : PACKAGE_SUM_MISSING,
		    errno);
		return;
	}
	if (digest_fd(fd, -1, digest, &len) != 0) {
		tell(c, name, PACKAGE_SUM_MISSING, errno);
	} else {
		c->bytes += len;
		tell(c, name,
		    memcmp(digest, want, MD5_SIZE) == 0 ? PACKAGE_SUM_OK
							: PACKAGE_SUM_FAILED,
		    0);
	}
	close(fd);
}

/* RELEASE among the others, where it stands in the list. */
static void
check_files(struct checking *c, const uint8_t release_md5[MD5_SIZE])
{
	const struct entry *it;
	int told = 0;
	size_t i;

	for (i = 0; i < c->files.n; i++) {
		it = &c->files.items[i];
		if (!told && strcmp(it->name, PACKAGE_RELEASE) > 0) {
			check_file(c, PACKAGE_RELEASE, release_md5);
			told = 1;
		}
		check_file(c, it->name, it->md5);
	}
	if (!told)
		check_file(c, PACKAGE_RELEASE, release_md5);
}

/* What is there and was not listed. */
static int
check_extra(struct checking *c, const char *dir, struct err *e)
{
	const struct tree_spec spec = {
	    c->dirs.root, dir, NULL, 0, NULL, 0, 1, 2 * PACKAGE_ENTRIES_MAX};
	struct entries there = ENTRIES_INIT;
	const char *name;
	int ret = -1;
	size_t i, n;

	if (tree_walk(&spec, &there, e) != 0)
		goto out;
	for (i = 0; i < there.n; i++) {
		name = there.items[i].name;
		n = strlen(name);
		if (name[n - 1] != '/' && strcmp(name, PACKAGE_SUMS) != 0 &&
		    strcmp(name, PACKAGE_RELEASE) != 0 &&
		    entries_find(&c->files, name, n) == NULL)
			tell(c, name, PACKAGE_SUM_EXTRA, 0);
	}
	ret = 0;
out:
	entries_free(&there);
	return ret;
}

int
package_check_dir(const char *dir, struct package_info *out,
    void (*each)(void *arg, const char *name, enum package_sum r, int errnum),
    void *arg, struct err *e)
{
	struct checking c = {.files = ENTRIES_INIT, .each = each, .arg = arg};
	uint8_t listed[MD5_SIZE], found[MD5_SIZE], tree[SHA512_SIZE];
	int root = package_open_dir(dir, e);
	struct package_info info;
	int ret = -1;

	dirs_init(&c.dirs, root);
	if (root < 0)
		return -1;
	if (package_read_sums(root, dir, &c.files, listed, e) != 0)
		goto out;
	check_files(&c, listed);
	if (check_extra(&c, dir, e) != 0)
		goto out;
	if (c.nbad > 0) {
		err_set(e, ERR_NO, "%s: %llu files are not as listed: %s", dir,
		    (unsigned long long)c.nbad, c.first);
		goto out;
	}
	if (package_read_release(root, dir, &info, found, e) != 0)
		goto out;
	package_tree(&c.files, tree);
	info.nheld = c.files.n;
	if (memcmp(tree, info.release.tree, sizeof tree) != 0 ||
	    info.release.files != c.files.n) {
		err_set(e, ERR_NO,
		    "%s: " PACKAGE_RELEASE ": not of these files", dir);
		goto out;
	}
	if (out != NULL)
		*out = info;
	ret = 0;
out:
	dirs_end(&c.dirs);
	entries_free(&c.files);
	close(root);
	return ret;
}

/* --- links, removing
 * ---------------------------------------------------------- */

int
package_switch(const char *link_path, const char *target, struct err *e)
{
	struct aside a = ASIDE_INIT;
	struct stat st;
	int ret = -1;
	int i;

	if (aside_init(&a, link_path, e) != 0)
		return -1;
	if (lstat(a.path, &st) == 0 && !S_ISLNK(st.st_mode)) {
		err_set(e, ERR_NO, "%s: is there and no symbolic link", a.path);
		goto out;
	}
	for (i = 0; i < SWITCH_TRIES; i++) {
		if (aside_fill(&a, e) != 0)
			goto out;
		if (symlink(target, a.tmp) == 0)
			break;
		if (errno != EEXIST || i == SWITCH_TRIES - 1) {
			err_errno(e, ERR_LOCAL, "%s", a.path);
			goto out;
		}
	}
	if (rename(a.tmp, a.path) != 0) {
		err_errno(e, ERR_LOCAL, "%s", a.path);
		unlink(a.tmp);
		goto out;
	}
	ret = file_sync_dir(a.parent, e);
out:
	aside_free(&a);
	return ret;
}

int
package_remove_dir(const char *dir, struct err *e)
{
	return tree_remove(AT_FDCWD, dir) == 0
		   ? 0
		   : err_errno(e, ERR_LOCAL, "%s", dir);
}
