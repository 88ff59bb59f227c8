/*
 * Files of native patches: as they come, and with the digests made right, so
 * that what lies behind them is reached: lines up to "relocs", a line "bytes"
 * and the bytes. Whatever parses is formatted to the same bytes.
 */

#include "native/patch.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
parse(const void *bytes, size_t len)
{
	struct buf again = BUF_INIT;
	struct native_patch *p = NULL;
	struct err e;

	if (native_patch_parse(&p, bytes, len, &e) != 0)
		return;
	if (native_patch_format(&again, p, &e) != 0 || again.len != len ||
	    memcmp(again.data, bytes, len) != 0)
		abort();
	buf_free(&again);
	native_patch_free(p);
}

static void
put_digest(struct buf *b, const char *name, const void *bytes, size_t len)
{
	char digits[2 * SHA512_SIZE + 1];
	uint8_t digest[SHA512_SIZE];

	sha512(digest, bytes, len);
	buf_printf(b, "%s %s\n", name,
	    hex_encode(digits, digest, sizeof digest));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char mark[] = "bytes\n";
	const size_t n = sizeof mark - 1;
	struct buf b = BUF_INIT;
	size_t i;

	parse(bytes, len);
	for (i = 0; i + n <= len; i++) {
		if (memcmp(bytes + i, mark, n) != 0)
			continue;
		buf_append(&b, bytes, i);
		put_digest(&b, "body-sha512", bytes + i + n, len - i - n);
		put_digest(&b, "head-sha512", b.data, b.len);
		buf_append(&b, bytes + i, len - i);
		parse(b.data, b.len);
		break;
	}
	buf_free(&b);
	return 0;
}
