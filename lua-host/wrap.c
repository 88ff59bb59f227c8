/* Modules as text of an update: strings of Lua (reference manual, 3.1). */

#include "lua-host/wrap.h"

#include <string.h>

#include "base/text.h"

int
wrap_name_is_valid(const char *name, size_t len)
{
	return len >= 1 && len <= WRAP_NAME_MAX && text_is_clean(name, len) &&
	       memchr(name, '"', len) == NULL &&
	       memchr(name, '\'', len) == NULL;
}

/*
 * A quoted string. A line end is written as one behind a backslash, so that
 * the text has the lines of the source. Other control bytes go by their three
 * digits, which no digit behind them can change.
 */
static void
put_quoted(struct buf *b, const char *s, size_t len)
{
	size_t i;

	buf_puts(b, "\"");
	for (i = 0; i < len; i++) {
		unsigned c = (unsigned char)s[i];

		if (c == '"' || c == '\\' || c == '\n')
			buf_printf(b, "\\%c", (int)c);
		else if (c == '\r')
			buf_puts(b, "\\r");
		else if (c < ' ' && c != '\t')
			buf_printf(b, "\\%03u", c);
		else
			buf_append(b, &s[i], 1);
	}
	buf_puts(b, "\"");
}

/* The most equals signs between two closing brackets; the closing bracket
 * that will follow the source counts as one of them. */
static size_t
longest_level(const char *s, size_t len)
{
	size_t longest = 0, i, n = 0;
	int open = 0; /* a bracket and n equals signs are before us */

	for (i = 0; i <= len; i++) {
		if (i == len || s[i] == ']') {
			if (open && n > longest)
				longest = n;
			open = 1;
			n = 0;
		} else if (s[i] == '=') {
			n++;
		} else {
			open = 0;
		}
	}
	return longest;
}

/* A long bracket: the source as it stands, for people who read the document.
 * Lua passes over the line end behind the opening. */
static void
put_long(struct buf *b, const char *s, size_t len)
{
	size_t level = longest_level(s, len) + 1, i;

	buf_puts(b, "[");
	for (i = 0; i < level; i++)
		buf_puts(b, "=");
	buf_puts(b, "[\n");
	buf_append(b, s, len);
	buf_puts(b, "]");
	for (i = 0; i < level; i++)
		buf_puts(b, "=");
	buf_puts(b, "]");
}

int
wrap_module(struct buf *out, const char *name, size_t name_len,
    const void *source, size_t len)
{
	/* No bytes may come as NULL. */
	const char *s = len > 0 ? source : "";

	buf_puts(out, "hotfix.module(");
	put_quoted(out, name, name_len);
	buf_puts(out, ", ");
	/* In a long bracket Lua makes every kind of line end an LF. */
	if (memchr(s, '\r', len) != NULL || memchr(s, '\0', len) != NULL)
		put_quoted(out, s, len);
	else
		put_long(out, s, len);
	return buf_puts(out, ")\n");
}
