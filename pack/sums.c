/* Lists of digests. */

#include "pack/sums.h"

#include <string.h>

#include "base/hex.h"

int
sums_next(const char **at, const char *end, struct sums_line *out)
{
	const char *line = *at;
	const size_t left = (size_t)(end - line);
	const char *lf, *c;

	if (left == 0)
		return 0;
	lf = memchr(line, '\n', left < SUMS_LINE_MAX ? left : SUMS_LINE_MAX);
	if (lf == NULL || (size_t)(lf - line) <= SUMS_PREFIX)
		return -1;
	if (hex_decode(out->md5, MD5_SIZE, line, SUMS_PREFIX - 2) != 0 ||
	    line[SUMS_PREFIX - 2] != ' ' || line[SUMS_PREFIX - 1] != ' ')
		return -1;
	out->name = line + SUMS_PREFIX;
	out->name_len = (size_t)(lf - out->name);
	for (c = out->name; c < lf; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return -1;
	*at = lf + 1;
	return 1;
}

void
sums_prefix(char out[SUMS_PREFIX], const uint8_t md5[MD5_SIZE])
{
	char digits[2 * MD5_SIZE + 1];

	hex_encode(digits, md5, MD5_SIZE);
	memcpy(out, digits, SUMS_PREFIX - 2);
	memcpy(out + SUMS_PREFIX - 2, "  ", 2);
}
