#ifndef NET_FRAME_H
#define NET_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Frames of the hotfix protocol (hotfix-protocol(7), "Frames"), read and
 * written. Pure: no socket, no clock.
 *
 *	frame = VERB *( SP argument ) LF *( name ":" SP value LF ) LF
 *	        [ body LF ]
 */

/* Limits of a head, line ends and the empty line counted. */
#define FRAME_LINE       8192
#define FRAME_HEAD_MAX   16384
#define FRAME_VERB_MAX   16
#define FRAME_BODY_LOGIN 4096                /* a body before login */
#define FRAME_BODY_MAX   (64u * 1024 * 1024) /* after it, by default */

struct frame_text { /* NUL-terminated, not owned */
	const char *s;
	size_t len;
};

struct frame_field {
	struct frame_text name, value;
};

/*
 * A frame as it was read. Everything points into the reader and lives until
 * its next call. After a failure the frame is empty.
 */
struct frame {
	struct frame_text verb;
	const struct frame_text *args;
	size_t nargs;
	const struct frame_field *fields; /* sorted by name */
	size_t nfields;
	int has_body;
	uint64_t body_len;   /* what "length" tells, UINT64_MAX where that or
				more is told; 0 without a body */
	const uint8_t *body; /* complete on FRAME_DONE only */
};

/* The value of a field, NULL when it is absent. */
const struct frame_text *frame_get(const struct frame *f, const char *name);
/* 1 when the verb is this one. */
int frame_is(const struct frame *f, const char *verb);

enum frame_event {
	FRAME_MORE,      /* all bytes were taken, no news */
	FRAME_VERB,      /* the first line is complete: verb and args */
	FRAME_HEAD,      /* the head is complete: fields, body_len */
	FRAME_BODY,      /* as many body bytes as wake_at asked for are here */
	FRAME_DONE,      /* the frame is complete */
	FRAME_SYNTAX,    /* does not parse; the stream is of no use any more */
	FRAME_TOO_LARGE, /* past a limit; likewise */
	FRAME_NOMEM,     /* out of memory; likewise */
};

/* Arguments and fields that a frame may have before they need memory of
 * their own: no frame of the protocol's everyday traffic has more. */
#define FRAME_FEW_ARGS   4
#define FRAME_FEW_FIELDS 4

/*
 * One direction of a connection. After FRAME_HEAD the owner may change
 * body_max and wake_at; the length is judged against body_max at the next
 * call. A failed reader repeats its event.
 *
 * Memory grows with what arrives, never with what is promised. A failure
 * gives all of it back, and so does the call after FRAME_DONE: between
 * frames nothing is held.
 */
struct frame_reader {
	uint64_t body_max;
	uint64_t wake_at; /* body bytes at which FRAME_BODY comes, exactly; it
			     is 0 (never) again then and between frames */
	/* the rest is the reader's own; body may be looked at after
	 * FRAME_HEAD: what has arrived of it */
	struct frame frame;
	struct buf head, body;
	size_t line;             /* offset in head of the line being read */
	struct frame_text *args; /* NULL: the few suffice */
	struct frame_field *fields;
	struct frame_text few_args[FRAME_FEW_ARGS];
	struct frame_field few_fields[FRAME_FEW_FIELDS];
	size_t nlines; /* of fields, so far */
	int state;
	enum frame_event failed;
};

void frame_reader_init(struct frame_reader *r, uint64_t body_max);
void frame_reader_free(struct frame_reader *r);

/*
 * Take bytes until there is news or none are left. *used is how many were
 * taken. Call again with the rest, even when there is no rest, until the
 * answer is FRAME_MORE or a failure: a frame without a body is done without
 * another byte, and the call after FRAME_DONE lets its memory go. The news do
 * not depend on how the bytes are split.
 */
enum frame_event frame_read(struct frame_reader *r, const uint8_t *bytes,
    size_t len, size_t *used);

/* 1 between frames: nothing of a next one has arrived. */
int frame_reader_is_idle(const struct frame_reader *r);

/*
 * Writing: begin, args, fields, then end or body. What goes in is the
 * caller's own or was checked: arguments and values are clean text. oom in
 * the buf tells of a failure.
 */
void frame_begin(struct buf *out, const char *verb);
void frame_arg(struct buf *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void frame_put(struct buf *out, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void frame_end(struct buf *out); /* no body */
/* "length", the empty line; then exactly len body bytes and one LF follow. */
void frame_body_begin(struct buf *out, size_t len);
void frame_body(struct buf *out, const void *bytes, size_t len); /* all */

#endif
