/*
 * One connection without its socket: frames in, a queue out. The queue is a
 * ring of blobs; a frame for ten thousand links is in memory once.
 */

#include "peer/link.h"

#include <stdlib.h>
#include <string.h>

#define RING_FIRST 4 /* an answer and what follows it; a power of two */

static void
tell(struct link *l)
{
	if (l->changed != NULL)
		l->changed(l->io);
}

static void
drop_queue(struct link *l)
{
	size_t i;

	for (i = 0; i < l->nout; i++)
		blob_drop(l->out[(l->first_out + i) % l->cap_out].blob);
	free(l->out);
	l->out = NULL;
	l->nout = 0;
	l->cap_out = 0;
	l->first_out = 0;
	l->queued = 0;
	l->extra = 0;
}

void
link_init(struct link *l,
    void (*event)(void *arg, enum frame_event ev, const struct frame *f),
    void *arg, uint64_t body_max)
{
	memset(l, 0, sizeof *l);
	l->event = event;
	l->arg = arg;
	frame_reader_init(&l->in, body_max);
	buf_init(&l->held);
}

void
link_free(struct link *l)
{
	drop_queue(l);
	buf_free(&l->held);
	frame_reader_free(&l->in);
}

/* --- in ------------------------------------------------------------------- */

/* Read frames until the bytes are used up or the owner wants no more now.
 * Returns how many are left. */
static size_t
read_frames(struct link *l, const uint8_t *bytes, size_t len)
{
	enum frame_event ev;
	size_t used;

	l->reading = 1;
	do {
		ev = frame_read(&l->in, bytes, len, &used);
		if (used > 0) {
			bytes += used;
			len -= used;
		}
		if (ev != FRAME_MORE)
			l->event(l->arg, ev, &l->in.frame);
		else if (l->more != NULL)
			l->more(l->arg);
		if (ev == FRAME_SYNTAX || ev == FRAME_TOO_LARGE ||
		    ev == FRAME_NOMEM)
			link_end(l);
	} while (ev != FRAME_MORE && l->state == LINK_OPEN && !l->paused);
	l->reading = 0;
	return len;
}

static void
end_at_eof(struct link *l)
{
	if (l->eof && !l->paused)
		link_end(l);
}

void
link_input(struct link *l, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t rest = len;

	if (l->state != LINK_OPEN || len == 0)
		return;
	if (!l->paused)
		rest = read_frames(l, p, len);
	if (l->state == LINK_OPEN && rest > 0 &&
	    buf_append(&l->held, p + len - rest, rest) != 0)
		link_kill(l);
}

void
link_input_end(struct link *l)
{
	l->eof = 1;
	end_at_eof(l);
}

void
link_pause(struct link *l)
{
	if (l->paused || l->state != LINK_OPEN)
		return;
	l->paused = 1;
	tell(l);
}

void
link_resume(struct link *l)
{
	struct buf held = l->held;
	size_t rest;

	if (!l->paused)
		return;
	l->paused = 0;
	/* Inside of an event read_frames goes on by itself. */
	if (!l->reading && l->state == LINK_OPEN) {
		/* Even without held bytes: the frame may have news left. */
		buf_init(&l->held);
		rest = read_frames(l, held.data, held.len);
		if (l->state == LINK_OPEN && rest > 0) {
			buf_consume(&held, held.len - rest);
			l->held = held;
		} else {
			buf_free(&held);
		}
		end_at_eof(l);
	}
	tell(l);
}

/* --- out ------------------------------------------------------------------ */

int
link_output(const struct link *l, struct iovec *iov, int max)
{
	const struct link_out *o;
	int n;

	for (n = 0; n < max && (size_t)n < l->nout; n++) {
		o = &l->out[(l->first_out + (size_t)n) % l->cap_out];
		iov[n].iov_base = o->blob->data + o->sent;
		iov[n].iov_len = o->blob->len - o->sent;
	}
	return n;
}

void
link_sent(struct link *l, size_t len)
{
	struct link_out *o;
	size_t rest;

	l->queued -= len;
	while (len > 0) {
		o = &l->out[l->first_out];
		rest = o->blob->len - o->sent;
		if (len < rest) {
			o->sent += len;
			return;
		}
		len -= rest;
		blob_drop(o->blob);
		l->first_out = (l->first_out + 1) % l->cap_out;
		l->nout--;
	}
	if (l->nout > 0)
		return;
	drop_queue(l);
	if (l->drained != NULL)
		l->drained(l->arg);
}

static int
grow(struct link *l)
{
	size_t i, cap = l->cap_out > 0 ? 2 * l->cap_out : RING_FIRST;
	struct link_out *out = malloc(cap * sizeof *out);

	if (out == NULL)
		return -1;
	for (i = 0; i < l->nout; i++)
		out[i] = l->out[(l->first_out + i) % l->cap_out];
	free(l->out);
	l->out = out;
	l->cap_out = cap;
	l->first_out = 0;
	return 0;
}

int
link_send(struct link *l, struct blob *frame)
{
	size_t max = LINK_QUEUE_MAX + l->extra;
	struct link_out *o;

	if (l->state != LINK_OPEN)
		goto refused;
	if (l->nout > 0 && (l->queued >= max || frame->len > max - l->queued))
		goto dead;
	if (l->nout == l->cap_out && grow(l) != 0)
		goto dead;
	o = &l->out[(l->first_out + l->nout) % l->cap_out];
	o->blob = frame;
	o->sent = 0;
	l->nout++;
	l->queued += frame->len;
	if (l->nout == 1)
		tell(l);
	return 0;

dead:
	link_kill(l);
refused:
	blob_drop(frame);
	return -1;
}

void
link_allow(struct link *l, size_t bytes)
{
	l->extra = bytes;
}

int
link_send_buf(struct link *l, struct buf *frame)
{
	struct blob *b = NULL;

	if (!frame->oom)
		b = blob_new(frame->data, frame->len);
	buf_reset(frame);
	if (b == NULL) {
		link_kill(l);
		return -1;
	}
	return link_send(l, b);
}

void
link_send_error(struct link *l, enum word w, const char *text)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, "ERROR");
	frame_arg(&b, "%s", word_name(w));
	if (text != NULL)
		frame_put(&b, "text", "%s", text);
	frame_end(&b);
	link_send_buf(l, &b);
	buf_free(&b);
}

/* --- the end -------------------------------------------------------------- */

void
link_end(struct link *l)
{
	if (l->state != LINK_OPEN)
		return;
	l->state = LINK_DRAIN;
	buf_free(&l->held);
	tell(l);
}

void
link_kill(struct link *l)
{
	if (l->state == LINK_DEAD)
		return;
	l->state = LINK_DEAD;
	buf_free(&l->held);
	drop_queue(l);
	tell(l);
}
