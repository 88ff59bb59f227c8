/* Growing runs of bytes. */

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64 /* a first allocation that a short line fits in */

void
buf_init(struct buf *b)
{
	b->data = NULL;
	b->len = 0;
	b->cap = 0;
	b->oom = 0;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->oom = 0;
}

int
buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;
	uint8_t *p;

	if (b->oom)
		return -1;
	if (more > SIZE_MAX / 2 - b->len)
		goto oom;
	if (b->data != NULL && b->len + more <= b->cap)
		return 0;
	while (cap < b->len + more)
		cap *= 2;
	p = realloc(b->data, cap);
	if (p == NULL)
		goto oom;
	b->data = p;
	b->cap = cap;
	return 0;

oom:
	b->oom = 1;
	return -1;
}

int
buf_append(struct buf *b, const void *bytes, size_t len)
{
	if (buf_reserve(b, len) != 0)
		return -1;
	if (len > 0)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	return 0;
}

int
buf_puts(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

int
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || buf_reserve(b, (size_t)n + 1) != 0) {
		b->oom = 1;
		return -1;
	}
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

void
buf_consume(struct buf *b, size_t len)
{
	if (len > 0 && len < b->len)
		memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

char *
buf_text(struct buf *b)
{
	if (buf_reserve(b, 1) != 0)
		return NULL;
	b->data[b->len] = '\0';
	return (char *)b->data;
}
