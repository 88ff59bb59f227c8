/*
 * Just enough of Lua's lexical rules (reference manual, 3.1) to tell names
 * from comments and strings. What Lua would refuse to compile may be read in
 * any way here: it never runs.
 */

#include "update/plain.h"

#include <string.h>

struct reader {
	const char *at, *end;
};

/* The byte this far ahead, -1 past the end. */
static int
peek(const struct reader *r, size_t ahead)
{
	if ((size_t)(r->end - r->at) <= ahead)
		return -1;
	return (unsigned char)r->at[ahead];
}

/* Of a name or a number; no number that is Lua looks like the name. */
static int
is_name(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (c >= '0' && c <= '9');
}

static int
is_line_end(int c)
{
	return c == '\n' || c == '\r';
}

static int
is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' ||
	       is_line_end(c);
}

/* At "[": skip a whole long bracket, [==[ ... ]==], and return 1; stay and
 * return 0 when there is none. One without an end goes to the end. */
static int
skip_long(struct reader *r)
{
	size_t level = 0, n;

	while (peek(r, 1 + level) == '=')
		level++;
	if (peek(r, 0) != '[' || peek(r, 1 + level) != '[')
		return 0;
	r->at += level + 2;
	while (r->at < r->end) {
		if (*r->at++ != ']')
			continue;
		for (n = 0; peek(r, n) == '='; n++)
			;
		if (n == level && peek(r, n) == ']') {
			r->at += n + 1;
			return 1;
		}
		r->at += n;
	}
	return 1;
}

/* Behind "--". */
static void
skip_comment(struct reader *r)
{
	if (skip_long(r))
		return;
	while (r->at < r->end && !is_line_end(peek(r, 0)))
		r->at++;
}

/* Behind a backslash: what may hold a quote or a line end that does not end
 * the string. \r\n and \n\r are one line end. */
static void
skip_escape(struct reader *r)
{
	int c = peek(r, 0);

	if (c < 0)
		return;
	r->at++;
	if (c == 'z') {
		while (is_space(peek(r, 0)))
			r->at++;
	} else if (is_line_end(c) && is_line_end(peek(r, 0)) &&
		   peek(r, 0) != c) {
		r->at++;
	}
}

/* Behind the opening quote. A bare line end is not Lua. */
static void
skip_string(struct reader *r, int quote)
{
	int c;

	while ((c = peek(r, 0)) >= 0 && !is_line_end(c)) {
		r->at++;
		if (c == quote)
			return;
		if (c == '\\')
			skip_escape(r);
	}
}

int
plain_chunk(const char *source, size_t len)
{
	static const char global[] = "hotfix";
	struct reader r = {source, source + len};
	size_t n;
	int c;

	while ((c = peek(&r, 0)) >= 0) {
		if (c == '-' && peek(&r, 1) == '-') {
			r.at += 2;
			skip_comment(&r);
		} else if (c == '"' || c == '\'') {
			r.at++;
			skip_string(&r, c);
		} else if (is_name(c)) {
			for (n = 1; is_name(peek(&r, n)); n++)
				;
			if (n == sizeof global - 1 &&
			    memcmp(r.at, global, n) == 0)
				return 0;
			r.at += n;
		} else if (c != '[' || !skip_long(&r)) {
			r.at++;
		}
	}
	return 1;
}
