/* Strict base64, without tables and branches that would tell a secret. */

#include "base/base64.h"

/* All ones when lo <= v <= hi, else 0; the three are below 256. */
static inline unsigned
within(unsigned v, unsigned lo, unsigned hi)
{
	return (((v - lo) | (hi - v)) >> 8 & 1) - 1;
}

static inline char
digit(unsigned v)
{
	return (char)((within(v, 0, 25) & ('A' + v)) |
		      (within(v, 26, 51) & ('a' + v - 26)) |
		      (within(v, 52, 61) & ('0' + v - 52)) |
		      (within(v, 62, 62) & '+') | (within(v, 63, 63) & '/'));
}

/* The value of a digit; bits of *bad are set if it is none. */
static inline unsigned
value(char digit, unsigned *bad)
{
	unsigned c = (unsigned char)digit;
	unsigned upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z');
	unsigned number = within(c, '0', '9');
	unsigned plus = within(c, '+', '+'), slash = within(c, '/', '/');

	*bad |= ~(upper | lower | number | plus | slash);
	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) |
	       (number & (c - '0' + 52)) | (plus & 62) | (slash & 63);
}

char *
base64_encode(char *out, const uint8_t *bytes, size_t len)
{
	char *p = out;
	unsigned v;

	for (; len >= 3; len -= 3, bytes += 3) {
		v = (unsigned)bytes[0] << 16 | (unsigned)bytes[1] << 8 |
		    bytes[2];
		*p++ = digit(v >> 18);
		*p++ = digit(v >> 12 & 63);
		*p++ = digit(v >> 6 & 63);
		*p++ = digit(v & 63);
	}
	if (len > 0) {
		v = (unsigned)bytes[0] << 16;
		if (len == 2)
			v |= (unsigned)bytes[1] << 8;
		*p++ = digit(v >> 18);
		*p++ = digit(v >> 12 & 63);
		*p++ = len == 2 ? digit(v >> 6 & 63) : '=';
		*p++ = '=';
	}
	*p = '\0';
	return out;
}

int
base64_decode(uint8_t *out, size_t len, const char *chars, size_t nchars)
{
	unsigned bad = 0;
	unsigned v;

	if (nchars % 4 != 0 || nchars / 4 != len / 3 + (len % 3 > 0))
		return -1;
	for (; len >= 3; len -= 3, chars += 4) {
		v = value(chars[0], &bad) << 18 | value(chars[1], &bad) << 12 |
		    value(chars[2], &bad) << 6 | value(chars[3], &bad);
		*out++ = (uint8_t)(v >> 16);
		*out++ = (uint8_t)(v >> 8);
		*out++ = (uint8_t)v;
	}
	if (len > 0) {
		v = value(chars[0], &bad) << 18 | value(chars[1], &bad) << 12;
		if (len == 2)
			v |= value(chars[2], &bad) << 6;
		else
			bad |= (unsigned)(chars[2] ^ '=');
		bad |= (unsigned)(chars[3] ^ '=');
		*out++ = (uint8_t)(v >> 16);
		if (len == 2)
			*out++ = (uint8_t)(v >> 8);
		bad |= v & (0xffffffu >> (8 * len)); /* the spare bits */
	}
	return bad != 0 ? -1 : 0;
}
