/* Bytes that are the same, and not. */

#include "base/same.h"

#include <stdint.h>
#include <string.h>

#include "tests/tap.h"

#define MAX 600

int
main(void)
{
	uint8_t a[MAX + 8], b[MAX + 8];
	size_t len, at, i, bad = 0;

	for (i = 0; i < sizeof a; i++)
		a[i] = (uint8_t)(i * 31);
	for (len = 0; len <= MAX; len++) {
		memcpy(b, a, sizeof b);
		b[len] ^= 0x80; /* behind the end */
		bad += (size_t)!same_bytes(a, b, len);
		memmove(b + 3, a, len);
		bad += (size_t)!same_bytes(a, b + 3, len);
		for (at = 0; at < len; at++) {
			b[3 + at] ^= 1;
			bad += (size_t)same_bytes(a, b + 3, len);
			b[3 + at] ^= 1;
		}
	}
	OK(bad == 0, "every length, every place of a difference");
	return tap_done();
}
