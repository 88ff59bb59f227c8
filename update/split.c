/* Text that is parted by single separators. */

#include "update/split.h"

#include <string.h>

int
split_next(struct span *rest, char separator, struct span *piece)
{
	const char *end;

	if (rest->p == NULL)
		return 0;
	end = memchr(rest->p, separator, rest->n);
	piece->p = rest->p;
	if (end == NULL) {
		piece->n = rest->n;
		rest->p = NULL;
		rest->n = 0;
	} else {
		piece->n = (size_t)(end - rest->p);
		rest->p += piece->n + 1;
		rest->n -= piece->n + 1;
	}
	return 1;
}

int
span_is(struct span s, const char *text)
{
	return strlen(text) == s.n && memcmp(s.p, text, s.n) == 0;
}
