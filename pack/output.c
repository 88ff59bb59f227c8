/* A file written once. */

#include "pack/output.h"

#include <string.h>

#include "base/file.h"

#define PIECE DIGESTS_PIECE

int
output_open(struct output *o, int fd, const char *shown,
    const struct digests_work *works, size_t n, struct err *e)
{
	memset(o, 0, sizeof *o);
	o->fd = fd;
	o->shown = shown;
	o->digests = digests_start(works, n, e);
	if (o->digests == NULL)
		return -1;
	o->bytes = digests_room(o->digests);
	return 0;
}

void
output_close(struct output *o)
{
	digests_free(o->digests);
	o->digests = NULL;
}

static int
flush(struct output *o, struct err *e)
{
	digests_give(o->digests, o->used);
	if (file_write_all(o->fd, o->bytes, o->used) != 0)
		return err_errno(e, ERR_LOCAL, "%s", o->shown);
	o->len += o->used;
	if (o->written != NULL)
		o->written(o->arg, o->len);
	o->bytes = digests_room(o->digests);
	o->used = 0;
	return 0;
}

static int
put(struct output *o, const void *bytes, size_t len, struct err *e)
{
	const uint8_t *p = bytes;
	size_t n;

	while (len > 0) {
		n = PIECE - o->used < len ? PIECE - o->used : len;
		memcpy(o->bytes + o->used, p, n);
		o->used += n;
		p += n;
		len -= n;
		if (o->used == PIECE && flush(o, e) != 0)
			return -1;
	}
	return 0;
}

int
output_write(struct output *o, const void *bytes, size_t len, struct err *e)
{
	if (o->md5 != NULL)
		md5_update(o->md5, bytes, len);
	return put(o, bytes, len, e);
}

int
output_write_of(struct output *o, const void *bytes, size_t len,
    struct md5 *file, struct err *e)
{
	if (o->md5 != NULL)
		md5_update_pair(o->md5, file, bytes, len);
	else
		md5_update(file, bytes, len);
	return put(o, bytes, len, e);
}

int
output_zeros(struct output *o, size_t len, struct err *e)
{
	static const uint8_t zeros[1024];
	size_t n;

	for (; len > 0; len -= n) {
		n = len < sizeof zeros ? len : sizeof zeros;
		if (output_write(o, zeros, n, e) != 0)
			return -1;
	}
	return 0;
}

int
output_finish(struct output *o, struct err *e)
{
	if (flush(o, e) != 0)
		return -1;
	digests_wait(o->digests);
	return 0;
}
