/* Whole files: read with a bound, written at once or not at all. */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_PIECE 65536

/* Of a file that is not finished, before what mkstemp makes of six X. No
 * other file is called so by chance. */
#define UNFINISHED ".new-"

int
file_read_fd(int fd, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	size_t start = out->len;
	ssize_t n;

	for (;;) {
		if (buf_reserve(out, READ_PIECE) != 0) {
			err_set(e, ERR_LOCAL, "%s: out of memory", name);
			goto fail;
		}
		n = read(fd, out->data + out->len, READ_PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(e, ERR_LOCAL, "%s", name);
			goto fail;
		}
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len - start > max) {
			err_set(e, ERR_LOCAL, "%s: larger than %zu bytes", name,
			    max);
			goto fail;
		}
	}

fail:
	out->len = start;
	return -1;
}

int
file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	struct stat st;
	int fd, ret;

	if (strcmp(path, "-") == 0)
		return file_read_fd(STDIN_FILENO, "standard input", max, out,
		    e);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		ret = err_set(e, ERR_LOCAL, "%s: not a regular file", path);
	else
		ret = file_read_fd(fd, path, max, out, e);
	close(fd);
	return ret;
}

int
file_write_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The folder that holds path, as a new string. */
static char *
parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);
	char *dir;

	if (slash == NULL)
		return strdup(".");
	if (n == 0)
		return strdup("/");
	dir = malloc(n + 1);
	if (dir != NULL) {
		memcpy(dir, path, n);
		dir[n] = '\0';
	}
	return dir;
}

int
file_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int bad;

	if (fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	/* Some file systems cannot sync a folder and say EINVAL. */
	bad = fsync(fd) != 0 && errno != EINVAL;
	if (bad)
		err_errno(e, ERR_LOCAL, "%s", path);
	close(fd);
	return bad ? -1 : 0;
}

static int
sync_parent(const char *path, struct err *e)
{
	char *dir = parent(path);
	int r;

	if (dir == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", path);
	r = file_sync_dir(dir, e);
	free(dir);
	return r;
}

/* Fill and sync an open new file and close it; unlinked on failure. */
static int
fill(int fd, const char *name, const char *path, const void *bytes, size_t len,
    struct err *e)
{
	int bad = file_write_all(fd, bytes, len) != 0 || fsync(fd) != 0;

	if (bad)
		err_errno(e, ERR_LOCAL, "%s", path);
	if (close(fd) != 0 && !bad) {
		bad = 1;
		err_errno(e, ERR_LOCAL, "%s", path);
	}
	if (bad)
		unlink(name);
	return bad ? -1 : 0;
}

int
file_write(const char *path, const void *bytes, size_t len, unsigned mode,
    struct err *e)
{
	size_t size = strlen(path) + sizeof UNFINISHED "XXXXXX";
	char *tmp = malloc(size);
	int ret = -1;
	int fd;

	if (tmp == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", path);
	snprintf(tmp, size, "%s" UNFINISHED "XXXXXX", path);
	fd = mkstemp(tmp);
	if (fd < 0) {
		err_errno(e, ERR_LOCAL, "%s", path);
		goto out;
	}
	if (fchmod(fd, (mode_t)mode) != 0) {
		err_errno(e, ERR_LOCAL, "%s", path);
		close(fd);
		unlink(tmp);
		goto out;
	}
	if (fill(fd, tmp, path, bytes, len, e) != 0)
		goto out;
	if (rename(tmp, path) != 0) {
		err_errno(e, ERR_LOCAL, "%s", path);
		unlink(tmp);
		goto out;
	}
	ret = sync_parent(path, e);
out:
	free(tmp);
	return ret;
}

int
file_is_unfinished(const char *name, size_t len)
{
	const size_t before = sizeof UNFINISHED - 1;

	return strlen(name) == len + before + strlen("XXXXXX") &&
	       memcmp(name + len, UNFINISHED, before) == 0;
}

int
file_create(const char *path, const void *bytes, size_t len, unsigned mode,
    struct err *e)
{
	int fd = open(path,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);

	if (fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	if (fill(fd, path, path, bytes, len, e) != 0)
		return -1;
	return sync_parent(path, e);
}

int
file_mkdirs(const char *path, struct err *e)
{
	char *copy = strdup(path);
	struct stat st;
	char *p;

	if (copy == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", path);
	errno = ENOENT; /* of an empty path, as mkdir has it */
	for (p = copy + 1; *copy != '\0'; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		if (*p == '/') {
			*p = '\0';
			if (mkdir(copy, 0700) != 0 && errno != EEXIST)
				break;
			*p = '/';
		} else {
			if (mkdir(copy, 0700) != 0 && errno != EEXIST)
				break;
			if (stat(copy, &st) != 0)
				break;
			if (!S_ISDIR(st.st_mode)) {
				errno = ENOTDIR;
				break;
			}
			free(copy);
			return 0;
		}
	}
	err_errno(e, ERR_LOCAL, "%s", path);
	free(copy);
	return -1;
}

int
file_check_own(const char *dir, struct err *e)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return err_errno(e, ERR_LOCAL, "%s", dir);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_LOCAL, "%s: belongs to another user",
		    dir);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, ERR_LOCAL,
		    "%s: others may write to it (chmod go-w)", dir);
	return 0;
}

int
file_check_lacks(const char *dir, const char *name, const char *whose,
    struct err *e)
{
	char *path = file_join(dir, name);
	struct stat st;
	int ret;

	if (path == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", dir);
	if (lstat(path, &st) == 0)
		ret = err_set(e, ERR_LOCAL, "%s: the folder of %s (it has %s)",
		    dir, whose, name);
	else if (errno == ENOENT || errno == ENOTDIR)
		ret = 0;
	else
		ret = err_errno(e, ERR_LOCAL, "%s", path);
	free(path);
	return ret;
}

char *
file_join(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = malloc(size);

	if (path != NULL)
		snprintf(path, size, "%s/%s", dir, name);
	return path;
}

char *
file_make_temporary(struct err *e)
{
	const char *top = getenv("TMPDIR");
	char *dir = file_join(top != NULL && *top != '\0' ? top : "/tmp",
	    "hotfix-XXXXXX");

	if (dir == NULL)
		err_set(e, ERR_LOCAL, "out of memory");
	else if (mkdtemp(dir) != NULL)
		return dir;
	else
		err_errno(e, ERR_LOCAL, "%s", dir);
	free(dir);
	return NULL;
}
