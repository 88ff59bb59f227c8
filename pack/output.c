/* A file written once. */

#include "pack/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define PIECE ((size_t)256 << 10)

int
output_open(struct output *o, int fd, const char *shown, struct err *e)
{
	memset(o, 0, sizeof *o);
	o->fd = fd;
	o->shown = shown;
	md5_init(&o->md5);
	sha512_init(&o->sha512);
	o->bytes = malloc(PIECE);
	return o->bytes != NULL
		   ? 0
		   : err_set(e, ERR_LOCAL, "%s: out of memory", shown);
}

void
output_close(struct output *o)
{
	free(o->bytes);
	o->bytes = NULL;
}

static int
flush(struct output *o, struct err *e)
{
	md5_update(&o->md5, o->bytes, o->used);
	sha512_update(&o->sha512, o->bytes, o->used);
	if (file_write_all(o->fd, o->bytes, o->used) != 0)
		return err_errno(e, ERR_LOCAL, "%s", o->shown);
	o->used = 0;
	return 0;
}

int
output_write(struct output *o, const void *bytes, size_t len, struct err *e)
{
	const uint8_t *p = bytes;
	size_t n;

	o->len += len;
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
output_finish(struct output *o, uint8_t md5_out[MD5_SIZE],
    uint8_t sha512_out[SHA512_SIZE], struct err *e)
{
	if (flush(o, e) != 0)
		return -1;
	if (fsync(o->fd) != 0)
		return err_errno(e, ERR_LOCAL, "%s", o->shown);
	md5_final(md5_out, &o->md5);
	sha512_final(sha512_out, &o->sha512);
	return 0;
}
