/* Folders with all that is in them. */

#include "pack/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/glob.h"
#include "pack/name.h"
#include "pack/shown.h"

#define NS INT64_C(1000000000)

/* A name in the system's folders is at most this long (NAME_MAX), and what is
 * entered has a good name. */
#define PART_MAX      255
#define PATH_MAX_HERE (NAME_LEN_MAX + 1 + PART_MAX + 2)

struct walk {
	const struct tree_spec *spec;
	struct entries *out;
	struct err *err;
};

/* For comparing. */
static int64_t
mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * NS + st->st_mtim.tv_nsec;
}

int
tree_is_as_seen(const struct entry *it, const struct stat *st)
{
	return (uint64_t)st->st_size == it->len && mtime_ns(st) == it->at;
}

static int
fail(const struct walk *w, const char *name, const char *why)
{
	char shown[SHOWN_SIZE];

	return err_set(w->err, ERR_NO, "%s/%s: %s", w->spec->dir,
	    shown_name(shown, name), why);
}

static int
fail_errno(const struct walk *w, const char *name)
{
	char shown[SHOWN_SIZE];

	return err_errno(w->err, ERR_LOCAL, "%s/%s", w->spec->dir,
	    shown_name(shown, name));
}

int
tree_matches(const char *const *globs, size_t n, const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *last = slash != NULL ? slash + 1 : name;
	size_t i;

	for (i = 0; i < n; i++)
		if (glob_match(globs[i], strlen(globs[i]), name,
			strlen(name)) ||
		    glob_match(globs[i], strlen(globs[i]), last, strlen(last)))
			return 1;
	return 0;
}

static int
is_skipped(const struct tree_spec *s, const struct stat *st)
{
	size_t i;

	for (i = 0; i < s->nskip; i++)
		if (s->skip[i].dev == st->st_dev &&
		    s->skip[i].ino == st->st_ino)
			return 1;
	return 0;
}

static int
add(const struct walk *w, const char *name, const struct stat *st)
{
	struct entry *it;

	if (w->out->n >= w->spec->max)
		return err_set(w->err, ERR_NO,
		    "%s: more than %zu files and folders", w->spec->dir,
		    w->spec->max);
	it = entries_add(w->out, name, strlen(name));
	if (it == NULL)
		return err_set(w->err, ERR_LOCAL, "out of memory");
	if (S_ISREG(st->st_mode))
		it->len = (uint64_t)st->st_size;
	it->at = mtime_ns(st);
	return 0;
}

static int walk_folder(const struct walk *w, int at, const char *part,
    const char *path);

/* path is the folder's name with its '/', or empty; last is what was found in
 * it. */
static int
visit(const struct walk *w, int fd, const char *path, const char *last)
{
	char name[PATH_MAX_HERE];
	const char *why;
	struct stat st;
	int is_dir;

	snprintf(name, sizeof name, "%s%s", path, last);
	if (fstatat(fd, last, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return fail_errno(w, name);
	if (tree_matches(w->spec->exclude, w->spec->nexclude, name) ||
	    is_skipped(w->spec, &st))
		return 0;
	why = name_check(name, strlen(name));
	is_dir = S_ISDIR(st.st_mode);
	if (why == NULL && !is_dir && !S_ISREG(st.st_mode))
		why = S_ISLNK(st.st_mode)
			  ? "a symbolic link; a package holds files and folders"
			  : "neither a file nor a folder";
	if (why != NULL && !w->spec->any)
		return fail(w, name, why);
	if (why != NULL || !is_dir)
		return add(w, name, &st);
	snprintf(name, sizeof name, "%s%s/", path, last);
	if (add(w, name, &st) != 0)
		return -1;
	return walk_folder(w, fd, last, name);
}

/* No deeper than names may be. */
static int
walk_folder(const struct walk *w, int at, const char *part, const char *path)
{
	int fd =
	    openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *d;
	DIR *dir;
	int ret = -1;

	if (fd < 0)
		return fail_errno(w, path);
	dir = fdopendir(fd);
	if (dir == NULL) {
		fail_errno(w, path);
		close(fd);
		return -1;
	}
	for (;;) {
		errno = 0;
		d = readdir(dir);
		if (d == NULL)
			break;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (visit(w, fd, path, d->d_name) != 0)
			goto out;
	}
	ret = errno == 0 ? 0 : fail_errno(w, path);
out:
	closedir(dir);
	return ret;
}

int
tree_walk(const struct tree_spec *s, struct entries *out, struct err *e)
{
	const struct walk w = {s, out, e};

	if (walk_folder(&w, s->fd, ".", "") != 0)
		return -1;
	entries_sort(out);
	return 0;
}

/* Empty the folder behind fd, which is closed. */
static int
empty(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;
	int bad;

	if (dir == NULL) {
		close(fd);
		return -1;
	}
	do {
		errno = 0;
		d = readdir(dir);
		bad = d == NULL && errno != 0;
		if (d != NULL && strcmp(d->d_name, ".") != 0 &&
		    strcmp(d->d_name, "..") != 0)
			bad = tree_remove(fd, d->d_name) != 0;
	} while (d != NULL && !bad);
	closedir(dir);
	return bad ? -1 : 0;
}

int
tree_remove(int at_fd, const char *name)
{
	int fd;

	if (unlinkat(at_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	fd = openat(at_fd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || empty(fd) != 0)
		return -1;
	return unlinkat(at_fd, name, AT_REMOVEDIR);
}
