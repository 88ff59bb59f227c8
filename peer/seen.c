/* The latest time that was seen. */

#include "peer/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/timetext.h"

#define HEAD     "hotfix-time: 1\nseen: "
#define TEXT_MAX (sizeof HEAD + TIMETEXT_SIZE) /* with the LF and a NUL */

static size_t
format(int64_t us, char out[TEXT_MAX])
{
	char when[TIMETEXT_SIZE];

	return (size_t)snprintf(out, TEXT_MAX, HEAD "%s\n",
	    timetext_format(us, when));
}

/* 0, or -1: it has not the one spelling that an instant has here. */
static int
parse(const char *text, size_t len, int64_t *us)
{
	const size_t head = sizeof HEAD - 1;
	char again[TEXT_MAX];

	if (len <= head || memcmp(text, HEAD, head) != 0 ||
	    timetext_parse(text + head, len - head - 1, us) != 0)
		return -1;
	return format(*us, again) == len && memcmp(again, text, len) == 0 ? 0
									  : -1;
}

int
seen_read(const char *dir, int64_t *us, struct err *e)
{
	char *path = file_join(dir, SEEN_FILE);
	struct buf text = BUF_INIT;
	int ret = -1;

	*us = 0;
	if (path == NULL) {
		err_set(e, ERR_LOCAL, "%s: out of memory", dir);
		goto out;
	}
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		ret = 0;
		goto out;
	}
	if (file_read(path, TEXT_MAX, &text, e) != 0)
		goto out;
	ret = parse((const char *)text.data, text.len, us);
	if (ret != 0) {
		*us = 0;
		err_set(e, ERR_LOCAL, "%s: damaged, it tells no time", path);
	}
out:
	buf_free(&text);
	free(path);
	return ret;
}

/* A whole file of this name, what was there before is gone. */
static int
fill(const char *path, const char *text, size_t len, struct err *e)
{
	int fd = open(path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int bad;

	if (fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	bad = file_write_all(fd, text, len) != 0;
	if (bad)
		err_errno(e, ERR_LOCAL, "%s", path);
	if (close(fd) != 0 && !bad)
		bad = err_errno(e, ERR_LOCAL, "%s", path) != 0;
	return bad ? -1 : 0;
}

int
seen_write(const char *dir, int64_t us, struct err *e)
{
	char *path = file_join(dir, SEEN_FILE);
	char *next = file_join(dir, SEEN_FILE_NEW);
	char text[TEXT_MAX];
	int ret = -1;

	if (path == NULL || next == NULL)
		err_set(e, ERR_LOCAL, "%s: out of memory", dir);
	else if (fill(next, text, format(us, text), e) != 0)
		;
	else if (rename(next, path) != 0)
		err_errno(e, ERR_LOCAL, "%s", path);
	else
		ret = 0;
	free(next);
	free(path);
	return ret;
}
