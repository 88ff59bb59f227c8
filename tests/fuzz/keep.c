/*
 * The state file of a client. Whatever parses is formatted to the same bytes.
 * The sum at its end would stop the fuzzer, so every input is parsed once more
 * with the right one behind it.
 */

#include "peer/keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
play(const void *text, size_t len)
{
	struct keep_state s = KEEP_STATE_INIT;
	struct buf again = BUF_INIT;

	if (keep_parse(&s, text, len, NULL) == 0) {
		if (keep_format(&again, &s) != 0 || again.len != len ||
		    memcmp(again.data, text, len) != 0)
			abort();
	} else if (s.nkept + s.nfeatures + s.ntried + s.nreverts != 0) {
		abort();
	}
	keep_state_free(&s);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t digest[SHA512_SIZE];
	struct buf text = BUF_INIT;
	char digits[33];

	play(bytes, len);
	sha512(digest, bytes, len);
	buf_append(&text, bytes, len);
	buf_printf(&text, "end: %s\n", hex_encode(digits, digest, 16));
	play(text.data, text.len);
	buf_free(&text);
	return 0;
}
