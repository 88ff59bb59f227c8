/*
 * Frames: the first two bytes of an input say how it is split; the news must
 * be the same as for all of it at once.
 */

#include "net/frame.h"

#include <stdlib.h>

#define BODY_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The sum of all news, when pieces of this size come. */
static uint64_t
sum_news(const uint8_t *bytes, size_t len, size_t piece, uint8_t wake_at)
{
	struct frame_reader r;
	enum frame_event ev = FRAME_MORE;
	uint64_t sum = 0;
	size_t at = 0, n, used;

	frame_reader_init(&r, BODY_MAX);
	while (at < len && ev < FRAME_SYNTAX) {
		n = len - at < piece ? len - at : piece;
		do {
			ev = frame_read(&r, bytes + at, n, &used);
			at += used;
			n -= used;
			if (ev != FRAME_MORE)
				sum = sum * 31 + (uint64_t)ev;
			if (ev == FRAME_HEAD)
				r.wake_at = wake_at;
			if (ev == FRAME_VERB)
				sum = sum * 31 + r.frame.nargs;
			if (ev == FRAME_DONE && r.frame.body_len > 0)
				sum = sum * 31 + r.frame.body[0];
		} while (ev != FRAME_MORE && ev < FRAME_SYNTAX);
	}
	frame_reader_free(&r);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len < 2)
		return 0;
	if (sum_news(bytes + 2, len - 2, (size_t)bytes[0] + 1, bytes[1]) !=
	    sum_news(bytes + 2, len - 2, len, bytes[1]))
		abort();
	return 0;
}
