/*
 * Frames: lines and bodies in, events out, and the same written. The head is
 * kept as it arrives and cut into texts in place.
 */

#include "net/frame.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define HEAD_FIRST 512 /* most heads fit in, a login's too */

enum { /* frame_reader.state, in the order of a frame's life */
	IN_VERB = 0,
	IN_FIELDS,
	AFTER_HEAD, /* the length is not judged yet */
	IN_BODY,
	AFTER_BODY, /* its LF is to come */
	DONE,
	FAILED,
};

/* --- the frame ------------------------------------------------------------ */

const struct frame_text *
frame_get(const struct frame *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->nfields; i++)
		if (strcmp(f->fields[i].name.s, name) == 0)
			return &f->fields[i].value;
	return NULL;
}

int
frame_is(const struct frame *f, const char *verb)
{
	return strcmp(f->verb.s, verb) == 0;
}

/* --- the reader ----------------------------------------------------------- */

/* Between frames: no memory, nothing known. */
static void
clear(struct frame_reader *r)
{
	buf_free(&r->head);
	buf_free(&r->body);
	free(r->args);
	free(r->fields);
	r->args = NULL;
	r->fields = NULL;
	memset(&r->frame, 0, sizeof r->frame);
	r->frame.verb.s = "";
	r->wake_at = 0;
	r->line = 0;
	r->nlines = 0;
	r->state = IN_VERB;
}

void
frame_reader_init(struct frame_reader *r, uint64_t body_max)
{
	memset(r, 0, sizeof *r);
	clear(r);
	r->body_max = body_max;
}

void
frame_reader_free(struct frame_reader *r)
{
	clear(r);
}

int
frame_reader_is_idle(const struct frame_reader *r)
{
	return r->state == DONE || (r->state == IN_VERB && r->head.len == 0);
}

static enum frame_event
fail(struct frame_reader *r, enum frame_event why)
{
	clear(r);
	r->state = FAILED;
	r->failed = why;
	return why;
}

static struct frame_text
text_at(const char *s)
{
	struct frame_text t = {s, strlen(s)};

	return t;
}

/* Point the verb and the arguments at the first line, whose texts end in
 * NULs by now; where the head moves this is done again. Returns its end. */
static const char *
point(struct frame_reader *r)
{
	struct frame_text *args = r->args != NULL ? r->args : r->few_args;
	const char *s = (const char *)r->head.data;
	size_t i;

	r->frame.verb = text_at(s);
	s += r->frame.verb.len + 1;
	for (i = 0; i < r->frame.nargs; i++) {
		args[i] = text_at(s);
		s += args[i].len + 1;
	}
	r->frame.args = args;
	return s;
}

/* VERB *( SP argument ) */
static enum frame_event
take_verb(struct frame_reader *r, char *s, size_t len)
{
	size_t i, n = 0;

	while (n < len && s[n] >= 'A' && s[n] <= 'Z')
		n++;
	if (n == 0 || n > FRAME_VERB_MAX || !text_is_clean(s, len))
		return fail(r, FRAME_SYNTAX);
	if (n < len && s[n] != ' ')
		return fail(r, FRAME_SYNTAX);
	for (i = n; i < len; i++) {
		if (s[i] != ' ')
			continue;
		if (i + 1 == len || s[i + 1] == ' ')
			return fail(r, FRAME_SYNTAX);
		s[i] = '\0';
		r->frame.nargs++;
	}
	if (r->frame.nargs > FRAME_FEW_ARGS) {
		r->args = malloc(r->frame.nargs * sizeof *r->args);
		if (r->args == NULL)
			return fail(r, FRAME_NOMEM);
	}
	point(r);
	r->state = IN_FIELDS;
	return FRAME_VERB;
}

/* name ":" SP value; the colon becomes a NUL, the space stays */
static enum frame_event
take_field(struct frame_reader *r, char *s, size_t len)
{
	size_t n = 0;

	while (n < len && ((s[n] >= 'a' && s[n] <= 'z') ||
			      (s[n] >= '0' && s[n] <= '9') || s[n] == '-'))
		n++;
	if (n == 0 || len - n < 2 || s[n] != ':' || s[n + 1] != ' ' ||
	    !text_is_clean(s + n + 2, len - n - 2))
		return fail(r, FRAME_SYNTAX);
	s[n] = '\0';
	r->nlines++;
	return FRAME_MORE;
}

static int
compare_names(const void *a, const void *b)
{
	const struct frame_field *x = a, *y = b;

	return strcmp(x->name.s, y->name.s);
}

/* The empty line: every field is here. */
static enum frame_event
take_head_end(struct frame_reader *r)
{
	struct frame_field *fields = r->few_fields;
	const struct frame_text *length;
	const char *s;
	size_t i;

	if (r->nlines > FRAME_FEW_FIELDS) {
		r->fields = malloc(r->nlines * sizeof *r->fields);
		if (r->fields == NULL)
			return fail(r, FRAME_NOMEM);
		fields = r->fields;
	}
	s = point(r);
	for (i = 0; i < r->nlines; i++) {
		fields[i].name = text_at(s);
		s += fields[i].name.len + 2;
		fields[i].value = text_at(s);
		s += fields[i].value.len + 1;
	}
	/* A head has room for thousands of names. Sorted, equal ones are
	 * neighbours; comparing each with each would be a gift to a flood. */
	qsort(fields, r->nlines, sizeof *fields, compare_names);
	for (i = 1; i < r->nlines; i++)
		if (compare_names(&fields[i - 1], &fields[i]) == 0)
			return fail(r, FRAME_SYNTAX);
	r->frame.fields = fields;
	r->frame.nfields = r->nlines;

	length = frame_get(&r->frame, "length");
	if (length != NULL) {
		r->frame.has_body = 1;
		switch (num_parse(length->s, length->len, UINT64_MAX,
		    &r->frame.body_len)) {
		case NUM_OK:
			break;
		case NUM_RANGE:
			r->frame.body_len = UINT64_MAX;
			break;
		case NUM_SYNTAX:
			return fail(r, FRAME_SYNTAX);
		}
	}
	r->state = AFTER_HEAD;
	return FRAME_HEAD;
}

/* Bytes of one line of the head, looked at once each. */
static enum frame_event
read_line(struct frame_reader *r, const uint8_t *bytes, size_t len,
    size_t *used)
{
	size_t room = FRAME_LINE - (r->head.len - r->line);
	size_t cap = r->head.cap;
	enum frame_event ev;
	const uint8_t *lf;
	size_t line_len;
	char *line;

	if (len == 0)
		return FRAME_MORE;
	if (room > FRAME_HEAD_MAX - r->head.len)
		room = FRAME_HEAD_MAX - r->head.len;
	if (len > room)
		len = room;
	lf = memchr(bytes, '\n', len);
	if (lf != NULL)
		len = (size_t)(lf - bytes) + 1;
	*used = len;
	if (cap == 0 && buf_reserve(&r->head, HEAD_FIRST) != 0)
		return fail(r, FRAME_NOMEM);
	if (buf_append(&r->head, bytes, len) != 0)
		return fail(r, FRAME_NOMEM);
	if (r->head.cap != cap && r->state == IN_FIELDS)
		point(r);
	if (lf == NULL)
		return len == room ? fail(r, FRAME_TOO_LARGE) : FRAME_MORE;

	line = (char *)r->head.data + r->line;
	line_len = r->head.len - r->line - 1;
	line[line_len] = '\0';
	r->line = r->head.len;
	if (r->state == IN_VERB)
		return take_verb(r, line, line_len);
	if (line_len == 0)
		return take_head_end(r);
	ev = take_field(r, line, line_len);
	/* The empty line at least is still to come. */
	if (ev == FRAME_MORE && r->head.len == FRAME_HEAD_MAX)
		return fail(r, FRAME_TOO_LARGE);
	return ev;
}

static enum frame_event
finish(struct frame_reader *r)
{
	r->frame.body = r->body.data;
	r->state = DONE;
	return FRAME_DONE;
}

static enum frame_event
judge_length(struct frame_reader *r)
{
	if (!r->frame.has_body)
		return finish(r);
	/* UINT64_MAX stands for what has no number here. */
	if (r->frame.body_len > r->body_max || r->frame.body_len == UINT64_MAX)
		return fail(r, FRAME_TOO_LARGE);
	r->state = IN_BODY;
	return FRAME_MORE;
}

static int
is_awaited(const struct frame_reader *r)
{
	return r->wake_at != 0 && r->body.len >= r->wake_at;
}

static enum frame_event
read_body(struct frame_reader *r, const uint8_t *bytes, size_t len,
    size_t *used)
{
	uint64_t stop = r->frame.body_len;

	if (r->wake_at != 0 && r->wake_at < stop)
		stop = r->wake_at;
	if (!is_awaited(r) && len > 0) {
		if (len > stop - r->body.len)
			len = (size_t)(stop - r->body.len);
		if (buf_append(&r->body, bytes, len) != 0)
			return fail(r, FRAME_NOMEM);
		*used = len;
	}
	if (is_awaited(r)) {
		r->wake_at = 0;
		return FRAME_BODY;
	}
	if (r->body.len == r->frame.body_len)
		r->state = AFTER_BODY;
	return FRAME_MORE;
}

static enum frame_event
read_body_end(struct frame_reader *r, const uint8_t *bytes, size_t len,
    size_t *used)
{
	if (len == 0)
		return FRAME_MORE;
	*used = 1;
	return bytes[0] == '\n' ? finish(r) : fail(r, FRAME_SYNTAX);
}

static enum frame_event
step(struct frame_reader *r, const uint8_t *bytes, size_t len, size_t *used)
{
	*used = 0;
	switch (r->state) {
	case DONE:
		clear(r);
		return FRAME_MORE;
	case IN_VERB:
	case IN_FIELDS:
		return read_line(r, bytes, len, used);
	case AFTER_HEAD:
		return judge_length(r);
	case IN_BODY:
		return read_body(r, bytes, len, used);
	case AFTER_BODY:
		return read_body_end(r, bytes, len, used);
	}
	return r->failed;
}

enum frame_event
frame_read(struct frame_reader *r, const uint8_t *bytes, size_t len,
    size_t *used)
{
	enum frame_event ev;
	size_t n;

	*used = 0;
	for (;;) {
		ev = step(r, bytes, len, &n);
		*used += n;
		len -= n;
		if (ev != FRAME_MORE || len == 0)
			return ev;
		bytes += n;
	}
}

/* --- the writer ------------------------------------------------------------
 * Every piece begins with what ends the one before it, so that it need not be
 * known which comes last. */

void
frame_begin(struct buf *out, const char *verb)
{
	buf_puts(out, verb);
}

void
frame_arg(struct buf *out, const char *fmt, ...)
{
	va_list ap;

	buf_puts(out, " ");
	va_start(ap, fmt);
	buf_vprintf(out, fmt, ap);
	va_end(ap);
}

void
frame_put(struct buf *out, const char *name, const char *fmt, ...)
{
	va_list ap;

	buf_printf(out, "\n%s: ", name);
	va_start(ap, fmt);
	buf_vprintf(out, fmt, ap);
	va_end(ap);
}

void
frame_end(struct buf *out)
{
	buf_puts(out, "\n\n");
}

void
frame_body_begin(struct buf *out, size_t len)
{
	frame_put(out, "length", "%zu", len);
	frame_end(out);
}

void
frame_body(struct buf *out, const void *bytes, size_t len)
{
	frame_body_begin(out, len);
	buf_append(out, bytes, len);
	buf_puts(out, "\n");
}
