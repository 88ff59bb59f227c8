/* Secrets: overwrite them, compare them. */

#include "crypto/wipe.h"

#include <stdint.h>

void
crypto_wipe(void *p, size_t len)
{
	/* Writes through a volatile lvalue are side effects and stay. */
	volatile uint8_t *v = p;

	while (len-- > 0)
		*v++ = 0;
}

int
crypto_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	unsigned diff = 0; /* at most 255 */
	size_t i;

	for (i = 0; i < len; i++)
		diff |= (unsigned)(x[i] ^ y[i]);
	return (int)((diff - 1) >> 8 & 1);
}
