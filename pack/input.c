/* A file read once. */

#include "pack/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)256 << 10) /* a multiple of any block */

int
input_open(struct input *in, int fd, const char *shown, uint64_t max,
    struct err *e)
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
	in->bytes = malloc(PIECE);
	if (in->bytes == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", shown);
	md5_init(&in->md5);
	sha512_init(&in->sha512);
	return 0;
}

void
input_close(struct input *in)
{
	free(in->bytes);
	in->bytes = NULL;
}

static int
fill(struct input *in, struct err *e)
{
	uint64_t left = in->size - in->at;
	size_t want = left < PIECE ? (size_t)left : PIECE;
	size_t got = 0;
	ssize_t n;

	while (got < want) {
		n = pread(in->fd, in->bytes + got, want - got,
		    (off_t)(in->at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, ERR_LOCAL, "%s", in->shown);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got < want || want == 0)
		return err_set(e, ERR_NO, "%s: ends in the middle", in->shown);
	md5_update(&in->md5, in->bytes, got);
	sha512_update(&in->sha512, in->bytes, got);
	in->from = 0;
	in->to = got;
	if (in->progress != NULL)
		in->progress(in->arg, in->at + got, in->size);
	return 0;
}

size_t
input_next(struct input *in, size_t max, const uint8_t **bytes, struct err *e)
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
input_digests(struct input *in, uint8_t md5_out[MD5_SIZE],
    uint8_t sha512_out[SHA512_SIZE])
{
	md5_final(md5_out, &in->md5);
	sha512_final(sha512_out, &in->sha512);
}
