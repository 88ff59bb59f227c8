/* Lower-case hex, without tables and branches that would tell a secret. */

#include "base/hex.h"

/* All ones when lo <= v <= hi, else 0; the three are below 256. */
static inline unsigned
within(unsigned v, unsigned lo, unsigned hi)
{
	return (((v - lo) | (hi - v)) >> 8 & 1) - 1;
}

static inline char
digit(unsigned v)
{
	return (char)((within(v, 0, 9) & ('0' + v)) |
		      (within(v, 10, 15) & ('a' + v - 10)));
}

char *
hex_encode(char *out, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = digit(bytes[i] >> 4);
		out[2 * i + 1] = digit(bytes[i] & 15);
	}
	out[2 * len] = '\0';
	return out;
}

int
hex_decode(uint8_t *out, size_t len, const char *digits, size_t ndigits)
{
	unsigned bad = 0;
	size_t i;

	if (ndigits % 2 != 0 || ndigits / 2 != len)
		return -1;
	for (i = 0; i < ndigits; i++) {
		unsigned c = (unsigned char)digits[i];
		unsigned number = within(c, '0', '9');
		unsigned letter = within(c, 'a', 'f');
		unsigned v = (number & (c - '0')) | (letter & (c - 'a' + 10));

		bad |= ~(number | letter);
		if (i % 2 == 0)
			out[i / 2] = (uint8_t)(v << 4);
		else
			out[i / 2] = (uint8_t)(out[i / 2] | v);
	}
	return bad != 0 ? -1 : 0;
}
