/* base/blob: shared bytes. */

#include "base/blob.h"
#include "tests/tap.h"

int
main(void)
{
	uint8_t bytes[3] = {1, 0, 255};
	struct blob *b = blob_new(bytes, sizeof bytes), *empty;

	if (!OK(b != NULL, "a blob is made"))
		return tap_done();
	memset(bytes, 7, sizeof bytes);
	IS(b->len, 3, "it has the length of its bytes");
	IS_MEM(b->data, "\001\000\377", 3, "it holds a copy, NULs too");
	IS(b->refs, 1, "its maker holds it once");
	OK(blob_hold(b) == b, "a hold gives the same blob");
	IS(b->refs, 2, "and counts");
	blob_drop(b);
	IS(b->refs, 1, "a drop takes one hold away");
	IS_MEM(b->data, "\001\000\377", 3, "and the bytes stay while held");
	blob_drop(b);

	empty = blob_new(NULL, 0);
	OK(empty != NULL && empty->len == 0, "no bytes are a blob too");
	blob_drop(empty);
	blob_drop(NULL);
	OK(1, "the last drop frees (the sanitizer watches), NULL is fine");
	return tap_done();
}
