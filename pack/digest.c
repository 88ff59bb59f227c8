/* Digests of files. */

#include "pack/digest.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"

#define PIECE 32768 /* on the stack */

int
digest_fd(int fd, int to, uint8_t md5_out[MD5_SIZE], uint64_t *len)
{
	uint8_t piece[PIECE];
	struct md5 hash;
	ssize_t n;

	md5_init(&hash);
	*len = 0;
	while ((n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		md5_update(&hash, piece, (size_t)n);
		*len += (uint64_t)n;
		if (to >= 0 && file_write_all(to, piece, (size_t)n) != 0)
			return -1;
	}
	md5_final(md5_out, &hash);
	return 0;
}
