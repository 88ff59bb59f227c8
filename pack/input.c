/* A file read once. */

#include "pack/input.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE DIGESTS_PIECE

int
input_open(struct input *in, int fd, const char *shown, uint64_t max,
    const struct digests_work *works, size_t n, struct err *e)
{
	struct stat st;

	memset(in, 0, sizeof *in);
	in->fd = fd;
	in->shown = shown;
	if (fstat(fd, &st) != 0)
		return err_errno(e, ERR_LOCAL, "%s", shown);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_LOCAL, "%s: not a regular file", shown);
	in->size = (uint64_t)st.st_size;
	if (max != 0 && in->size > max)
		return err_set(e, ERR_NO, "%s: larger than %llu bytes", shown,
		    (unsigned long long)max);
	in->digests = digests_start(works, n, e);
	return in->digests != NULL ? 0 : -1;
}

void
input_close(struct input *in)
{
	digests_free(in->digests);
	in->digests = NULL;
}

static int
fill(struct input *in, struct err *e)
{
	uint64_t left = in->size - in->at;
	size_t want = left < PIECE ? (size_t)left : PIECE;
	uint8_t *room = digests_room(in->digests);
	size_t got = 0;
	ssize_t n = 1;

	while (got < want && n != 0) {
		n = pread(in->fd, room + got, want - got,
		    (off_t)(in->at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			in->failed = 1;
			return err_errno(e, ERR_LOCAL, "%s", in->shown);
		}
		got += (size_t)n;
	}
	if (got < want || want == 0) {
		in->failed = 1;
		return err_set(e, ERR_NO, "%s: ends in the middle", in->shown);
	}
	digests_give(in->digests, got);
	in->bytes = room;
	in->from = 0;
	in->to = got;
	if (in->progress != NULL)
		in->progress(in->arg, in->at + got, in->size);
	return 0;
}

static size_t
hand_out(struct input *in, size_t max, const uint8_t **bytes, struct err *e)
{
	size_t n;

	if (in->from == in->to && fill(in, e) != 0)
		return 0;
	n = in->to - in->from;
	if (n > max)
		n = max;
	*bytes = in->bytes + in->from;
	in->from += n;
	in->at += n;
	return n;
}

size_t
input_next(struct input *in, size_t max, const uint8_t **bytes, struct err *e)
{
	size_t n = hand_out(in, max, bytes, e);

	if (n > 0 && in->md5 != NULL)
		md5_update(in->md5, *bytes, n);
	return n;
}

size_t
input_next_of(struct input *in, size_t max, const uint8_t **bytes,
    struct md5 *file, struct err *e)
{
	size_t n = hand_out(in, max, bytes, e);

	if (n == 0)
		return 0;
	if (in->md5 != NULL)
		md5_update_pair(in->md5, file, *bytes, n);
	else
		md5_update(file, *bytes, n);
	return n;
}

int
input_skip_to(struct input *in, uint64_t at, struct err *e)
{
	const uint8_t *bytes;
	uint64_t left;

	while (in->at < at) {
		left = at - in->at;
		if (input_next(in, left < PIECE ? (size_t)left : PIECE, &bytes,
			e) == 0)
			return -1;
	}
	return 0;
}

void
input_wait(struct input *in)
{
	digests_wait(in->digests);
}
