/* Messages and results. */

#include "cmd/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define VALUE_MAX 8192 /* of one value when shown; a report has 4096 */
#define MESSAGE_MAX \
	(ERR_TEXT + 128) /* an err with what a verb puts before it */

static void message(const struct say *s, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* On standard error as one line, whatever it holds. Texts from outside were
 * escaped already, with backslashes that must not be doubled, but the names of
 * files come as people gave them. */
static void
put_message(const char *line)
{
	char clean[4 * MESSAGE_MAX];
	const char *p;

	text_escape(clean, sizeof clean, line, strlen(line), 1);
	for (p = clean; *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			fputs(*p == '\n' ? "\\n" : "\\t", stderr);
		else
			putc(*p, stderr);
	putc('\n', stderr);
}

static void
message(const struct say *s, const char *fmt, va_list ap)
{
	char line[MESSAGE_MAX];

	vsnprintf(line, sizeof line, fmt, ap);
	fputs("hotfix: ", stderr);
	if (s->verb != NULL)
		fprintf(stderr, "%s: ", s->verb);
	put_message(line);
}

void
say_error(const struct say *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(s, fmt, ap);
	va_end(ap);
}

void
say_note(const struct say *s, const char *fmt, ...)
{
	va_list ap;

	if (s->quiet)
		return;
	va_start(ap, fmt);
	message(s, fmt, ap);
	va_end(ap);
}

void
say_detail(const struct say *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->verbose)
		return;
	va_start(ap, fmt);
	message(s, fmt, ap);
	va_end(ap);
}

void
say_block(const struct say *s, const char *title, const void *text, size_t len)
{
	const char *line = text, *end = line + len, *next;
	char shown[VALUE_MAX];

	say_error(s, "%s:", title);
	for (; line < end; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			next = end;
		fprintf(stderr, "  %s\n",
		    text_escape(shown, sizeof shown, line,
			(size_t)(next - line), 1));
	}
}

int
say_err(const struct say *s, const struct err *e)
{
	if (e->kind == ERR_USAGE && s->verb != NULL)
		say_error(s, "%s; see hotfix %s -h", e->text, s->verb);
	else
		say_error(s, "%s", e->text);
	return (int)e->kind;
}

/* A JSON string. Invalid UTF-8 and control characters were escaped, LF and
 * TAB pass and get JSON's own names. */
static void
put_json(const char *value)
{
	char clean[VALUE_MAX];
	const char *p;

	text_escape(clean, sizeof clean, value, strlen(value), 1);
	putchar('"');
	for (p = clean; *p != '\0'; p++) {
		switch (*p) {
		case '"':
		case '\\':
			printf("\\%c", *p);
			break;
		case '\n':
			fputs("\\n", stdout);
			break;
		case '\t':
			fputs("\\t", stdout);
			break;
		default:
			putchar(*p);
		}
	}
	putchar('"');
}

static void
put_line(const char *value)
{
	char clean[VALUE_MAX];

	fputs(text_escape(clean, sizeof clean, value, strlen(value), 0),
	    stdout);
}

/* What stands before a field's value. */
static void
put_name(struct say *s, const char *name)
{
	if (s->json)
		printf("%s\"%s\":", s->open ? "," : "{", name);
	else
		printf("%s: ", name);
	s->open = 1;
}

void
say_text(struct say *s, const char *name, const char *value)
{
	put_name(s, name);
	if (s->json) {
		put_json(value);
	} else {
		put_line(value);
		putchar('\n');
	}
}

void
say_count(struct say *s, const char *name, uint64_t value)
{
	put_name(s, name);
	printf("%" PRIu64 "%s", value, s->json ? "" : "\n");
}

void
say_seconds(struct say *s, const char *name, int64_t us)
{
	uint64_t n = us < 0 ? -(uint64_t)us : (uint64_t)us;

	put_name(s, name);
	printf("%s%" PRIu64 ".%06" PRIu64 "%s", us < 0 ? "-" : "", n / 1000000,
	    n % 1000000, s->json ? "" : "\n");
}

void
say_counts(struct say *s, const char *name, const char *const *names,
    const uint64_t *values, size_t n)
{
	size_t i;

	put_name(s, name);
	for (i = 0; i < n; i++)
		if (s->json)
			printf("%s\"%s\":%" PRIu64, i > 0 ? "," : "{", names[i],
			    values[i]);
		else
			printf("%s%s=%" PRIu64, i > 0 ? " " : "", names[i],
			    values[i]);
	putchar(s->json ? '}' : '\n');
}

void
say_inner(struct say *s, const char *name)
{
	put_name(s, name);
	s->open = 0;
}

void
say_inner_end(struct say *s)
{
	fputs(s->open ? "}" : "{}", stdout);
	s->open = 1;
}

void
say_next(struct say *s)
{
	if (s->json && s->open)
		fputs("}\n", stdout);
	s->open = 0;
}

int
say_end(struct say *s)
{
	say_next(s);
	return fflush(stdout) != 0 || ferror(stdout) ? -1 : 0;
}

void
say_row(struct say *s, const char *const *values, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (i > 0)
			putchar('\t');
		put_line(values[i]);
	}
	putchar('\n');
	say_end(s);
}

int
say_finish(int status)
{
	/* A stream that failed earlier has forgotten why. */
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "hotfix: standard output: %s\n",
	    errno != 0 ? strerror(errno) : "not everything could be written");
	return ERR_LOCAL;
}
