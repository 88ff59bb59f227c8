#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growing run of bytes. A failed allocation is remembered (oom): whoever
 * formats appends freely and looks at oom once, at the end. After a failure
 * the bytes are whatever fitted and must not be used.
 */
struct buf {
	uint8_t *data; /* owned; NULL while cap is 0 */
	size_t len;
	size_t cap;
	int oom;
};

#define BUF_INIT  \
	{         \
		0 \
	}

void buf_init(struct buf *b);
void buf_free(struct buf *b);  /* leaves it as after buf_init */
void buf_reset(struct buf *b); /* no bytes, the memory is kept */

/* Each returns 0, or -1 when memory ran out (then or earlier). */
int buf_reserve(struct buf *b, size_t more);
int buf_append(struct buf *b, const void *bytes, size_t len);
int buf_puts(struct buf *b, const char *text);
int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Remove len bytes at the front; len <= b->len. */
void buf_consume(struct buf *b, size_t len);

/*
 * A NUL behind the last byte (not counted) and the bytes as text; NULL when
 * memory ran out.
 */
char *buf_text(struct buf *b);

#endif
