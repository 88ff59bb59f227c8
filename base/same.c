/* Are many bytes the same? */

#include "base/same.h"

#include <stdint.h>
#include <string.h>

/* Looked at together: one branch for so many. */
#define STEP  ((size_t)128)
#define WORDS (STEP / sizeof(uint64_t))

int
same_bytes(const void *a, const void *b, size_t len)
{
	const uint8_t *p = a, *q = b;
	uint64_t x[WORDS], y[WORDS], differs;
	size_t i;

	for (; len >= STEP; len -= STEP) {
		memcpy(x, p, STEP);
		memcpy(y, q, STEP);
		differs = 0;
		for (i = 0; i < WORDS; i++)
			differs |= x[i] ^ y[i];
		if (differs != 0)
			return 0;
		p += STEP;
		q += STEP;
	}
	return memcmp(p, q, len) == 0;
}
