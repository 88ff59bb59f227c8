/* Unpacking a package that was checked. */

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
#include "pack/input.h"
#include "pack/package_impl.h"
#include "pack/shown.h"

#define FILE_MODE   0644
#define FOLDER_MODE 0755

struct unpacking {
	struct package *p;
	const char *dir; /* in messages */
	struct err *err;
	struct input in;
	struct sha512 sha512; /* of all that in has read */
	int root, base;
	struct dirs to, from; /* below root and base */
	/* Of a package --since: all files of the release; those that are seen
	 * come from the base. */
	struct entries whole;
};

static int
fail_errno(const struct unpacking *u, const char *name)
{
	char shown[SHOWN_SIZE];

	return err_errno(u->err, ERR_LOCAL, "%s/%s", u->dir,
	    shown_name(shown, name));
}

static int
make_folders(struct unpacking *u)
{
	const struct entries *folders = &u->p->folders;
	char part[NAME_LEN_MAX + 1];
	const char *name, *last;
	size_t i, n;
	int at;

	for (i = 0; i < folders->n; i++) {
		name = folders->items[i].name;
		at = dirs_parent(&u->to, name, &last);
		n = strlen(last) - 1;
		memcpy(part, last, n);
		part[n] = '\0';
		if (at < 0 || mkdirat(at, part, FOLDER_MODE) != 0 ||
		    fchmodat(at, part, FOLDER_MODE, 0) != 0)
			return fail_errno(u, name);
	}
	return 0;
}

/* A new file below the folder: its descriptor, or -1 with err. */
static int
make_file(struct unpacking *u, const char *name)
{
	const char *last;
	int at = dirs_parent(&u->to, name, &last);
	int fd = -1;

	if (at >= 0)
		fd = openat(at, last,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    FILE_MODE);
	if (fd >= 0 && fchmod(fd, FILE_MODE) != 0) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		fail_errno(u, name);
	return fd;
}

/* The file is closed; failed: something before was not written. */
static int
end_file(struct unpacking *u, const char *name, int fd, int failed)
{
	if (close(fd) != 0 && !failed)
		return fail_errno(u, name);
	return failed ? -1 : 0;
}

/* Bytes of the archive as a file. */
static int
copy_out(struct unpacking *u, const char *name, uint64_t at, uint64_t len)
{
	const uint8_t *bytes;
	int failed = 0;
	size_t n;
	int fd;

	if (input_skip_to(&u->in, at, u->err) != 0)
		return -1;
	fd = make_file(u, name);
	if (fd < 0)
		return -1;
	for (; len > 0 && !failed; len -= n) {
		n = len < SIZE_MAX ? (size_t)len : SIZE_MAX;
		n = input_next(&u->in, n, &bytes, u->err);
		failed = n == 0;
		if (!failed && file_write_all(fd, bytes, n) != 0)
			failed = fail_errno(u, name) != 0;
	}
	return end_file(u, name, fd, failed);
}

/* All that the archive holds, in its order, and its digest to the end: what
 * was unpacked are the bytes that were checked. */
static int
copy_all(struct unpacking *u)
{
	const struct package *p = u->p;
	uint8_t found[SHA512_SIZE];
	const struct entry *it;
	size_t i;

	if (u->base < 0 &&
	    (copy_out(u, PACKAGE_SUMS, p->sums.at, p->sums.len) != 0 ||
		copy_out(u, PACKAGE_RELEASE, p->release.at, p->release.len) !=
		    0))
		return -1;
	for (i = 0; i < p->files.n; i++) {
		it = &p->files.items[i];
		if (copy_out(u, it->name, (uint64_t)it->at, it->len) != 0)
			return -1;
	}
	if (input_skip_to(&u->in, u->in.size, u->err) != 0)
		return -1;
	input_wait(&u->in);
	sha512_final(found, &u->sha512);
	if (memcmp(found, p->info.sha512, sizeof found) != 0)
		return err_set(u->err, ERR_NO,
		    "%s: changed since it was checked", p->shown);
	return 0;
}

/* --- onto a base -----------------------------------------------------------
 */

static int
add_whole(struct unpacking *u, const struct entry *from, int of_base)
{
	struct entry *it =
	    entries_add(&u->whole, from->name, strlen(from->name));

	if (it == NULL)
		return err_set(u->err, ERR_LOCAL, "out of memory");
	it->len = from->len;
	memcpy(it->md5, from->md5, sizeof it->md5);
	it->seen = of_base;
	return 0;
}

/* Put together what the base has and what the package changes. */
static int
merge(struct unpacking *u, const struct entries *base)
{
	const struct package *p = u->p;
	char shown[SHOWN_SIZE];
	const char *name;
	size_t i = 0, j = 0, removed = 0;
	int order;

	while (i < base->n || j < p->files.n) {
		if (i == base->n)
			order = 1;
		else if (j == p->files.n)
			order = -1;
		else
			order =
			    strcmp(base->items[i].name, p->files.items[j].name);
		if (order >= 0) {
			if (add_whole(u, &p->files.items[j++], 0) != 0)
				return -1;
			i += order == 0;
			continue;
		}
		name = base->items[i].name;
		if (removed < p->removed.n &&
		    strcmp(p->removed.items[removed].name, name) == 0)
			removed++;
		else if (add_whole(u, &base->items[i], 1) != 0)
			return -1;
		i++;
	}
	if (removed == p->removed.n)
		return 0;
	return err_set(u->err, ERR_NO, "%s: %s: removed, but not in the base",
	    p->shown, shown_name(shown, p->removed.items[removed].name));
}

static int
read_base(struct unpacking *u, const char *base_dir)
{
	const struct release *r = &u->p->info.release;
	uint8_t listed[MD5_SIZE], found[MD5_SIZE], tree[SHA512_SIZE];
	struct entries base = ENTRIES_INIT;
	struct package_info info;
	int ret = -1;

	if (package_read_sums(u->base, base_dir, &base, listed, u->err) != 0 ||
	    package_read_release(u->base, base_dir, &info, found, u->err) != 0)
		goto out;
	package_tree(&base, tree);
	if (strcmp(info.release.name, r->name) != 0 ||
	    strcmp(info.release.release, r->base) != 0 ||
	    memcmp(tree, r->base_tree, sizeof tree) != 0) {
		err_set(u->err, ERR_NO,
		    "%s: %s %s is not the base, which is %s %s%s", base_dir,
		    info.release.name, info.release.release, r->name, r->base,
		    strcmp(info.release.release, r->base) == 0
			? " of other files"
			: "");
		goto out;
	}
	ret = merge(u, &base);
out:
	entries_free(&base);
	return ret;
}

/* 1 when files are not linked there, and are copied. */
static int
must_copy(int errnum)
{
	return errnum == EXDEV || errnum == EPERM || errnum == EMLINK ||
	       errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == EACCES;
}

static int
fail_base(const struct unpacking *u, const char *name, const char *why)
{
	char shown[SHOWN_SIZE];

	return err_set(u->err, ERR_NO, "the base's %s: %s",
	    shown_name(shown, name), why);
}

/* What was linked is as we would have written it: nobody but us may write to
 * it later by the base's name. */
static int
is_as_ours(int at, const char *last)
{
	struct stat st;

	return fstatat(at, last, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_uid == geteuid() && (st.st_mode & 07777) == FILE_MODE;
}

/* 0: linked; 1: it must be copied; -1 with err. */
static int
link_file(struct unpacking *u, const char *name)
{
	const char *last;
	int from = dirs_parent(&u->from, name, &last);
	int to;

	if (from < 0)
		return fail_base(u, name, strerror(errno));
	to = dirs_parent(&u->to, name, &last);
	if (to < 0)
		return fail_errno(u, name);
	if (linkat(from, last, to, last, 0) == 0) {
		if (is_as_ours(to, last))
			return 0;
		return unlinkat(to, last, 0) == 0 ? 1 : fail_errno(u, name);
	}
	if (must_copy(errno))
		return 1;
	return errno == ENOENT ? fail_base(u, name, "not there")
			       : fail_errno(u, name);
}

/* One file of the base, with the digest that it must have. */
static int
take_from_base(struct unpacking *u, struct entry *it)
{
	uint8_t digest[MD5_SIZE];
	struct stat st;
	int failed, fd;
	int how = link_file(u, it->name);
	int to = -1;

	if (how < 0)
		return -1;
	if (how == 1) {
		to = make_file(u, it->name);
		if (to < 0)
			return -1;
	}
	/* What was linked is looked at, not what its name leads to by now. */
	fd = dirs_open(how == 0 ? &u->to : &u->from, it->name, &st);
	failed = fd < 0 || digest_fd(fd, to, digest, &it->len) != 0;
	if (failed)
		fail_errno(u, it->name);
	else if (memcmp(digest, it->md5, MD5_SIZE) != 0)
		failed = fail_base(u, it->name, "not the listed bytes") != 0;
	if (fd >= 0)
		close(fd);
	return to >= 0 ? end_file(u, it->name, to, failed) : -failed;
}

static int
write_text(struct unpacking *u, const char *name, const void *text, size_t len)
{
	int fd = make_file(u, name);
	int failed;

	if (fd < 0)
		return -1;
	failed = file_write_all(fd, text, len) != 0;
	if (failed)
		fail_errno(u, name);
	return end_file(u, name, fd, failed);
}

/* One line into the buffer, which is written out now and then. */
static int
put_line(int fd, struct buf *b, const char *name,
    const uint8_t md5_of[MD5_SIZE])
{
	const size_t enough = 65536;
	char prefix[SUMS_PREFIX];

	sums_prefix(prefix, md5_of);
	buf_append(b, prefix, sizeof prefix);
	buf_puts(b, name);
	if (buf_puts(b, "\n") != 0) {
		errno = ENOMEM;
		return -1;
	}
	if (b->len < enough)
		return 0;
	if (file_write_all(fd, b->data, b->len) != 0)
		return -1;
	buf_reset(b);
	return 0;
}

/* MD5SUMS of the whole release. */
static int
write_sums(struct unpacking *u, const uint8_t release_md5[MD5_SIZE])
{
	struct buf b = BUF_INIT;
	const struct entry *it;
	int fd = make_file(u, PACKAGE_SUMS);
	int failed = 0, told = 0;
	size_t i;

	if (fd < 0)
		return -1;
	for (i = 0; i <= u->whole.n && !failed; i++) {
		it = i < u->whole.n ? &u->whole.items[i] : NULL;
		if (!told &&
		    (it == NULL || strcmp(it->name, PACKAGE_RELEASE) > 0)) {
			told = 1;
			failed =
			    put_line(fd, &b, PACKAGE_RELEASE, release_md5) != 0;
		}
		if (!failed && it != NULL)
			failed = put_line(fd, &b, it->name, it->md5) != 0;
	}
	if (!failed)
		failed = file_write_all(fd, b.data, b.len) != 0;
	if (failed)
		fail_errno(u, PACKAGE_SUMS);
	buf_free(&b);
	return end_file(u, PACKAGE_SUMS, fd, failed);
}

/* RELEASE and MD5SUMS as the full package has them. */
static int
write_release(struct unpacking *u)
{
	struct release r = u->p->info.release;
	uint8_t tree[SHA512_SIZE], digest[MD5_SIZE];
	struct buf text = BUF_INIT;
	uint64_t bytes = 0;
	int ret = -1;
	size_t i;

	for (i = 0; i < u->whole.n; i++)
		bytes += u->whole.items[i].len;
	package_tree(&u->whole, tree);
	if (memcmp(tree, r.tree, sizeof tree) != 0 || bytes != r.bytes ||
	    u->whole.n != r.files)
		return err_set(u->err, ERR_NO,
		    "%s: with its base it is not the release that it names",
		    u->p->shown);
	r.base[0] = '\0';
	if (release_format(&text, &r) != 0) {
		err_set(u->err, ERR_LOCAL, "out of memory");
		goto out;
	}
	md5(digest, text.data, text.len);
	if (write_text(u, PACKAGE_RELEASE, text.data, text.len) == 0 &&
	    write_sums(u, digest) == 0)
		ret = 0;
out:
	buf_free(&text);
	return ret;
}

static int
add_base(struct unpacking *u)
{
	size_t i;

	for (i = 0; i < u->whole.n; i++)
		if (u->whole.items[i].seen &&
		    take_from_base(u, &u->whole.items[i]) != 0)
			return -1;
	return write_release(u);
}

/* --- all of it ---------------------------------------------------------------
 */

/* Once all are written, so that the disk can take them in its own order. */
static int
sync_file(struct unpacking *u, const char *name)
{
	struct stat st;
	int fd = dirs_open(&u->to, name, &st);
	int bad = fd < 0 || fsync(fd) != 0;

	if (bad)
		fail_errno(u, name);
	if (fd >= 0)
		close(fd);
	return bad ? -1 : 0;
}

static int
sync_folder(struct unpacking *u, int at, const char *part, const char *name)
{
	int fd =
	    openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Some file systems cannot sync a folder and say EINVAL. */
	int bad = fd < 0 || (fsync(fd) != 0 && errno != EINVAL);

	if (bad)
		fail_errno(u, name);
	if (fd >= 0)
		close(fd);
	return bad ? -1 : 0;
}

static int
sync_all(struct unpacking *u)
{
	const struct package *p = u->p;
	const char *last;
	size_t i;
	int at;

	for (i = 0; i < p->files.n; i++)
		if (sync_file(u, p->files.items[i].name) != 0)
			return -1;
	for (i = 0; i < u->whole.n; i++)
		if (u->whole.items[i].seen &&
		    sync_file(u, u->whole.items[i].name) != 0)
			return -1;
	if (sync_file(u, PACKAGE_SUMS) != 0 ||
	    sync_file(u, PACKAGE_RELEASE) != 0)
		return -1;
	for (i = 0; i < p->folders.n; i++) {
		at = dirs_parent(&u->to, p->folders.items[i].name, &last);
		if (at < 0)
			return fail_errno(u, p->folders.items[i].name);
		if (sync_folder(u, at, last, p->folders.items[i].name) != 0)
			return -1;
	}
	return sync_folder(u, u->root, ".", "");
}

/* The folder that we made a moment ago. Whoever may write to the one above may
 * have put a link in its place, and all that follows goes by this descriptor.
 */
static int
open_fresh(const char *tmp, struct err *e)
{
	int fd = open(tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : err_errno(e, ERR_LOCAL, "%s", tmp);
}

static int
fill(struct unpacking *u, const char *tmp, const char *base_dir)
{
	const struct digests_work work = {digests_sha512, &u->sha512};

	u->root = open_fresh(tmp, u->err);
	if (u->root < 0)
		return -1;
	dirs_init(&u->to, u->root);
	if (base_dir != NULL) {
		u->base = package_open_dir(base_dir, u->err);
		if (u->base < 0)
			return -1;
		dirs_init(&u->from, u->base);
		if (read_base(u, base_dir) != 0)
			return -1;
	}
	sha512_init(&u->sha512);
	if (input_open(&u->in, u->p->fd, u->p->shown, 0, &work, 1, u->err) !=
		0 ||
	    make_folders(u) != 0 || copy_all(u) != 0)
		return -1;
	if (base_dir != NULL && add_base(u) != 0)
		return -1;
	/* mkdtemp keeps others out; a release is for all. */
	if (fchmod(u->root, FOLDER_MODE) != 0)
		return fail_errno(u, "");
	return sync_all(u);
}

static int
unpack_aside(struct package *p, const struct aside *a, const char *base_dir,
    struct err *e)
{
	struct unpacking u = {.p = p, .dir = a->path, .err = e};
	int ret;

	u.root = u.base = -1;
	dirs_init(&u.to, -1);
	dirs_init(&u.from, -1);
	ret = fill(&u, a->tmp, base_dir);
	dirs_end(&u.to);
	dirs_end(&u.from);
	if (u.root >= 0)
		close(u.root);
	if (u.base >= 0)
		close(u.base);
	input_close(&u.in);
	entries_free(&u.whole);
	return ret;
}

/* 0 when nothing of this name is there. */
static int
check_fresh(const char *dir, struct err *e)
{
	struct stat st;

	if (lstat(dir, &st) == 0)
		return err_set(e, ERR_NO, "%s: is there already", dir);
	return errno == ENOENT ? 0 : err_errno(e, ERR_LOCAL, "%s", dir);
}

int
package_unpack(struct package *p, const char *dir, const char *base_dir,
    struct err *e)
{
	const int since = p->info.release.base[0] != '\0';
	struct aside a = ASIDE_INIT;
	struct err ignored;
	int ret = -1;

	if (e == NULL)
		e = &ignored;
	if (since != (base_dir != NULL))
		return err_set(e, ERR_NO, "%s: %s%s", p->shown,
		    since ? "goes onto its base, release "
			  : "is a full package, it has no base",
		    p->info.release.base);
	if (aside_init(&a, dir, e) != 0)
		return -1;
	if (check_fresh(a.path, e) != 0)
		goto out;
	if (mkdtemp(a.tmp) == NULL) {
		err_errno(e, ERR_LOCAL, "%s", a.path);
		goto out;
	}
	if (unpack_aside(p, &a, base_dir, e) == 0 &&
	    check_fresh(a.path, e) == 0) {
		if (rename(a.tmp, a.path) == 0)
			ret = file_sync_dir(a.parent, e);
		else
			err_errno(e, ERR_LOCAL, "%s", a.path);
	}
	if (ret != 0)
		package_remove_dir(a.tmp, &ignored);
out:
	aside_free(&a);
	return ret;
}
