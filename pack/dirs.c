/* Ways down from a folder. */

#include "pack/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void
dirs_init(struct dirs *d, int root)
{
	d->root = root;
	d->fd = -1;
	d->len = 0;
}

void
dirs_end(struct dirs *d)
{
	if (d->fd >= 0)
		close(d->fd);
	dirs_init(d, d->root);
}

/* The length of the folder's part of the name, with its '/'. */
static size_t
parent_length(const char *name)
{
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '/')
		len--;
	while (len > 0 && name[len - 1] != '/')
		len--;
	return len;
}

/* Go down to the folder of this name: its descriptor, or -1. */
static int
descend(struct dirs *d, const char *name, size_t len)
{
	char part[NAME_LEN_MAX + 1];
	int at = d->root, next;
	const char *slash;
	size_t n;

	while (len > 0) {
		slash = memchr(name, '/', len);
		n = (size_t)(slash - name);
		memcpy(part, name, n);
		part[n] = '\0';
		next = openat(at, part,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (at != d->root)
			close(at);
		if (next < 0)
			return -1;
		at = next;
		name += n + 1;
		len -= n + 1;
	}
	return at;
}

int
dirs_parent(struct dirs *d, const char *name, const char **last)
{
	const size_t len = parent_length(name);
	int fd;

	*last = name + len;
	if (len == 0)
		return d->root;
	if (len > NAME_LEN_MAX + 1) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (d->fd >= 0 && d->len == len && memcmp(d->path, name, len) == 0)
		return d->fd;
	dirs_end(d);
	fd = descend(d, name, len);
	if (fd < 0)
		return -1;
	d->fd = fd;
	d->len = len;
	memcpy(d->path, name, len);
	return fd;
}

int
dirs_open(struct dirs *d, const char *name, struct stat *st)
{
	const char *last;
	int dir = dirs_parent(d, name, &last);
	int fd;

	if (dir < 0)
		return -1;
	fd = openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}
