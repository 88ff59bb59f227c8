/* A folder that releases are published to. */

#include "pack/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PIECE ((size_t)256 * 1024) /* few calls, still in the cache */

/* What is published is for everybody to read. */
#define DIR_MODE  0755
#define FILE_MODE 0644

struct place {
	char *dir; /* owned, without a '/' at its end unless it is the root */
};

/* dir/path, to free; NULL with err. */
static char *
full(const struct place *p, const char *path, struct err *e)
{
	char *out = file_join(p->dir, path);

	if (out == NULL)
		err_set(e, ERR_LOCAL, "out of memory");
	return out;
}

/* What errno means to whoever publishes. Returns -1. */
static int
fail(struct err *e, const char *path)
{
	int denied = errno == EACCES || errno == EPERM || errno == EROFS;

	return err_errno(e, denied ? ERR_DENIED : ERR_LOCAL, "%s", path);
}

/* A name that was made, removed or moved lasts once its folder is synced. */
static int
sync_above(const char *path, struct err *e)
{
	char *dir = strdup(path);
	char *slash = dir != NULL ? strrchr(dir, '/') : NULL;
	int ret;

	if (dir == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	if (slash == NULL)
		strcpy(dir, ".");
	else
		slash[slash == dir] = '\0';
	ret = file_sync_dir(dir, e);
	free(dir);
	return ret;
}

/* errno after a call that failed, as the result of a step. */
static int
judge(struct store_step *s, const char *path)
{
	int why = errno;

	if (s->verb == STORE_MKDIR && errno == EEXIST) {
		err_errno(&s->why, ERR_NO, "%s", path);
		return 1;
	}
	/* A rename fails the same way where a folder on its way is missing;
	 * the caller has made them all. */
	if (s->verb != STORE_MKDIR && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	fail(&s->why, path);
	if (why == ENOTEMPTY || why == EEXIST || why == EISDIR)
		s->why.kind = ERR_NO;
	return -1;
}

static int
do_step(struct store_step *s, const char *path, const char *to)
{
	struct stat st;
	int bad = 0;

	switch (s->verb) {
	case STORE_MKDIR:
		bad = mkdir(path, DIR_MODE);
		break;
	case STORE_RMDIR:
		bad = rmdir(path);
		break;
	case STORE_DELETE:
		bad = unlink(path);
		break;
	case STORE_RENAME:
		bad = rename(path, to);
		if (bad == 0)
			return sync_above(to, &s->why);
		break;
	case STORE_EXISTS:
		bad = lstat(path, &st);
		break;
	case STORE_SIZE:
		bad = stat(path, &st);
		if (bad != 0 || !S_ISREG(st.st_mode))
			break;
		s->size = (uint64_t)st.st_size;
		return 0;
	}
	return bad == 0 ? s->verb == STORE_SIZE : judge(s, path);
}

static int
dir_run(void *impl, struct store_step *steps, size_t n, struct err *e)
{
	const struct place *p = impl;
	char *path = NULL, *to = NULL;
	size_t i;
	int ret = -1;

	for (i = 0; i < n; i++) {
		free(path);
		free(to);
		to = NULL;
		path = full(p, steps[i].path, e);
		if (path == NULL)
			goto out;
		if (steps[i].verb == STORE_RENAME &&
		    (to = full(p, steps[i].to, e)) == NULL)
			goto out;
		steps[i].result = do_step(&steps[i], path, to);
	}
	ret = 0;
out:
	free(path);
	free(to);
	return ret;
}

static int
dir_make_base(void *impl, struct err *e)
{
	const struct place *p = impl;
	char *path = strdup(p->dir), *at;

	if (path == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	for (at = path + 1; at[-1] != '\0'; at++) {
		if (*at != '/' && *at != '\0')
			continue;
		if (*at == '/') {
			*at = '\0';
			mkdir(path, DIR_MODE);
			*at = '/';
		} else {
			mkdir(path, DIR_MODE);
		}
	}
	free(path);
	return 0;
}

static int
copy_in(int to, const char *path, uint64_t from, int fd, uint64_t len,
    int (*moved)(void *arg, uint64_t so_far, struct err *e), void *arg,
    struct err *e)
{
	uint8_t *piece = malloc(PIECE);
	int ret = -1;
	ssize_t n;

	if (piece == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	if (lseek(to, (off_t)from, SEEK_SET) < 0) {
		fail(e, path);
		goto out;
	}
	while (from < len) {
		n = pread(fd, piece, len - from < PIECE ? len - from : PIECE,
		    (off_t)from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(e, ERR_LOCAL,
			    "the package became shorter while it was read");
			goto out;
		}
		if (file_write_all(to, piece, (size_t)n) != 0) {
			fail(e, path);
			goto out;
		}
		from += (uint64_t)n;
		if (moved != NULL && moved(arg, from, e) != 0)
			goto out;
	}
	ret = fsync(to) == 0 ? 0 : fail(e, path);
out:
	free(piece);
	return ret;
}

/*
 * A file that is nobody else's, open for writing: -1 with err. Others may have
 * rights in the folder, and put a FIFO there or another file by its link; who
 * publishes may remove such a thing, but not write to it.
 */
static int
open_own(const char *name, uint64_t from, struct err *e)
{
	int fd =
	    open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		FILE_MODE);
	struct stat st;

	/* What FIFOs and links are told by. */
	if (fd < 0 && (errno == ENXIO || errno == ELOOP))
		return err_errno(e, ERR_DENIED, "%s", name);
	if (fd < 0)
		return fail(e, name);
	if (fstat(fd, &st) != 0) {
		fail(e, name);
	} else if (!S_ISREG(st.st_mode) || st.st_nlink > 1) {
		err_set(e, ERR_DENIED, "%s: not a file of one name", name);
	} else if (from == 0 && ftruncate(fd, 0) != 0) {
		fail(e, name);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static int
dir_put(void *impl, const char *path, uint64_t from, int fd, uint64_t len,
    int (*moved)(void *arg, uint64_t so_far, struct err *e), void *arg,
    struct err *e)
{
	char *name = full(impl, path, e);
	int to, ret = -1;

	if (name == NULL)
		return -1;
	to = open_own(name, from, e);
	if (to < 0)
		goto out;
	ret = copy_in(to, name, from, fd, len, moved, arg, e);
	close(to);
out:
	free(name);
	return ret;
}

static int
dir_get(void *impl, const char *path, uint64_t max,
    int (*sink)(void *arg, const void *bytes, size_t len, struct err *e),
    void *arg, struct err *e)
{
	char *name = full(impl, path, e);
	uint8_t *piece = malloc(PIECE);
	uint64_t so_far = 0;
	struct stat st;
	int fd = -1, ret = -1;
	ssize_t n;

	if (piece == NULL)
		err_set(e, ERR_LOCAL, "out of memory");
	if (name == NULL || piece == NULL)
		goto out;
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		ret = 1;
		goto out;
	}
	if (fd < 0 || fstat(fd, &st) != 0) {
		fail(e, name);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_NO, "%s: not a regular file", name);
		goto out;
	}
	while ((n = read(fd, piece, PIECE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail(e, name);
			goto out;
		}
		if ((uint64_t)n > max - so_far) {
			err_set(e, ERR_NO, "%s: longer than it should be",
			    name);
			goto out;
		}
		so_far += (uint64_t)n;
		if (sink(arg, piece, (size_t)n, e) != 0)
			goto out;
	}
	ret = 0;
out:
	if (fd >= 0)
		close(fd);
	free(piece);
	free(name);
	return ret;
}

static int
dir_names(void *impl, const char *dir, int (*each)(void *arg, const char *name),
    void *arg, struct err *e)
{
	char *path = full(impl, dir, e);
	struct dirent *entry;
	int any = 0;
	DIR *d;

	if (path == NULL)
		return -1;
	d = opendir(path);
	if (d == NULL && (errno == ENOENT || errno == ENOTDIR)) {
		free(path);
		return 1;
	}
	if (d == NULL) {
		fail(e, path);
		free(path);
		return -1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		any = 1;
		if (each(arg, entry->d_name) != 0)
			break;
	}
	closedir(d);
	free(path);
	return !any;
}

static int
dir_mtime(void *impl, const char *path, int64_t *us, struct err *e)
{
	char *name = full(impl, path, e);
	struct stat st;
	int ret;

	if (name == NULL)
		return -1;
	ret = stat(name, &st) != 0;
	if (ret == 0)
		*us = (int64_t)st.st_mtim.tv_sec * 1000000 +
		      st.st_mtim.tv_nsec / 1000;
	free(name);
	return ret;
}

/* Reading it is no dearer. */
static int
dir_md5(void *impl, const char *path, uint8_t out[MD5_SIZE], struct err *e)
{
	(void)impl;
	(void)path;
	(void)out;
	(void)e;
	return 1;
}

static int
dir_reopen(void *impl, struct err *e)
{
	(void)impl;
	(void)e;
	return 0;
}

static void
dir_leave(void *impl)
{
	(void)impl;
}

static void
dir_close(void *impl)
{
	struct place *p = impl;

	free(p->dir);
	free(p);
}

struct store *
store_open_dir(const char *dir, struct err *e)
{
	static const struct store_ops ops = {dir_reopen, NULL, dir_run,
	    dir_make_base, dir_put, dir_get, dir_names, dir_mtime, dir_md5,
	    NULL, NULL, dir_leave, dir_close};
	struct place *p = calloc(1, sizeof *p);
	struct store *s = NULL;
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (p != NULL && (p->dir = strndup(dir, len)) != NULL)
		s = store_new(&ops, p);
	if (s != NULL)
		return s;
	err_set(e, ERR_LOCAL, "out of memory");
	if (p != NULL)
		dir_close(p);
	return NULL;
}
