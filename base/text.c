/* What may be in text from outside, and how it is shown. */

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* The length of the one clean character at s (RFC 3629), 0 if none. */
static size_t
clean_char(const unsigned char *s, size_t len)
{
	unsigned long c;
	size_t n, i;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	c = s[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < 0xa0 || (n == 3 && c < 0x800) || (n == 4 && c < 0x10000) ||
	    (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	return n;
}

int
text_is_clean(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = clean_char(p, len);
		if (n == 0)
			return 0;
	}
	return 1;
}

char *
text_escape(char *out, size_t size, const void *bytes, size_t len, int keep)
{
	static const char more[] = "...";
	const unsigned char *p = bytes;
	char piece[8];
	size_t used = 0, n, w;
	size_t cut = 0; /* the last end that leaves room for the dots */

	if (size == 0)
		return out;
	for (; len > 0; p += n, len -= n) {
		n = clean_char(p, len);
		if (n > 0 && p[0] != '\\') {
			memcpy(piece, p, n);
			w = n;
		} else {
			n = 1;
			if (keep && (p[0] == '\n' || p[0] == '\t')) {
				piece[0] = (char)p[0];
				w = 1;
			} else if (p[0] == '\\') {
				w = (size_t)snprintf(piece, sizeof piece,
				    keep ? "\\" : "\\\\");
			} else if (p[0] == '\n') {
				w = (size_t)snprintf(piece, sizeof piece,
				    "\\n");
			} else if (p[0] == '\t') {
				w = (size_t)snprintf(piece, sizeof piece,
				    "\\t");
			} else {
				w = (size_t)snprintf(piece, sizeof piece,
				    "\\x%02x", p[0]);
			}
		}
		if (used + w >= size) {
			used = cut;
			if (sizeof more <= size) {
				memcpy(out + used, more, sizeof more - 1);
				used += sizeof more - 1;
			}
			break;
		}
		memcpy(out + used, piece, w);
		used += w;
		if (used + sizeof more <= size)
			cut = used;
	}
	out[used] = '\0';
	return out;
}
