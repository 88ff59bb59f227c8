/* Globs and lists of globs. */

#include "base/glob.h"

#include <string.h>

static size_t
char_len(const char *s, size_t len)
{
	size_t n = 1;

	while (n < len && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

int
glob_match(const char *pattern, size_t plen, const char *text, size_t tlen)
{
	size_t p = 0, t = 0;
	size_t star = plen, mark = 0; /* star < plen: where to try again */

	while (t < tlen) {
		if (p < plen && pattern[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < plen && pattern[p] == '?') {
			p++;
			t += char_len(text + t, tlen - t);
		} else if (p < plen && pattern[p] == text[t]) {
			p++;
			t++;
		} else if (star < plen) {
			/* The last star takes one more character. */
			mark += char_len(text + mark, tlen - mark);
			p = star + 1;
			t = mark;
		} else {
			return 0;
		}
	}
	while (p < plen && pattern[p] == '*')
		p++;
	return p == plen;
}

/* The entry at *list, without its comma; NULL when there is none left. */
static const char *
next_entry(const char **list, size_t *len, size_t *n)
{
	const char *entry = *list;
	const char *comma;

	if (*len == 0)
		return NULL;
	comma = memchr(entry, ',', *len);
	*n = comma != NULL ? (size_t)(comma - entry) : *len;
	*list += *n + (comma != NULL);
	*len -= *n + (comma != NULL);
	return entry;
}

int
globlist_is_valid(const char *list, size_t len)
{
	const char *e;
	size_t n;

	if (len == 0 || list[len - 1] == ',' || memchr(list, ' ', len) != NULL)
		return 0;
	while ((e = next_entry(&list, &len, &n)) != NULL)
		if (n == 0 || (n == 1 && e[0] == '!'))
			return 0;
	return 1;
}

int
globlist_match(const char *list, size_t len, const char *text, size_t tlen)
{
	int included = 0, inclusions = 0;
	const char *e;
	size_t n;

	while ((e = next_entry(&list, &len, &n)) != NULL) {
		if (e[0] == '!') {
			/* An untold value cannot be shown to be excluded. */
			if (tlen > 0 && glob_match(e + 1, n - 1, text, tlen))
				return 0;
			continue;
		}
		inclusions = 1;
		if (tlen == 0 ? n == 1 && e[0] == '*'
			      : glob_match(e, n, text, tlen))
			included = 1;
	}
	return included || !inclusions;
}
