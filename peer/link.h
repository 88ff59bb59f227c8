#ifndef PEER_LINK_H
#define PEER_LINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/blob.h"
#include "base/buf.h"
#include "net/frame.h"
#include "update/word.h"

/*
 * One connection as a party of the protocol sees it, without I/O: bytes in
 * become frame events for the owner, frames out wait in a bounded queue.
 * While idle it holds no buffer. The owner embeds it.
 */

/* A queue takes no frame that would make it longer than this: the peer does
 * not read. A frame alone may always be queued, however long. */
#define LINK_QUEUE_MAX ((size_t)8 << 20)

enum link_state {
	LINK_OPEN,
	LINK_DRAIN, /* what is queued goes out, input is thrown away */
	LINK_DEAD,  /* to be closed at once */
};

struct link;

struct link_out {
	struct blob *blob;
	size_t sent;
};

struct link {
	/* The owner's: called for every event of the reader but FRAME_MORE,
	 * for a failure once; arg is the owner. It may send, end, pause and
	 * resume, not free the link or give it input. The link ends after a
	 * failure, so that is the place for a last frame. */
	void (*event)(void *arg, enum frame_event ev, const struct frame *f);
	/* What the link wants of its socket may have changed (it has bytes
	 * to send, was paused, resumed or ended). May be NULL. */
	void (*changed)(void *io);
	/* All input was taken and there is no news: a frame may have begun,
	 * or more of its body come. May be NULL. */
	void (*more)(void *arg);
	/* All that was queued has been sent. May be NULL. */
	void (*drained)(void *arg);
	void *arg, *io;

	enum link_state state;
	int paused;  /* take no input: the owner is busy with a frame */
	int eof;     /* the peer will send no more */
	int reading; /* the link's own: inside of an event */
	struct frame_reader in;
	struct buf held; /* input that came in before a pause */
	struct link_out *out;
	size_t nout, cap_out, first_out;
	size_t queued; /* bytes */
	size_t extra;  /* bytes beyond LINK_QUEUE_MAX, see link_allow */
};

void link_init(struct link *l,
    void (*event)(void *arg, enum frame_event ev, const struct frame *f),
    void *arg, uint64_t body_max);
void link_free(struct link *l);

/*
 * Bytes from the peer. While paused they are held, so a socket is not read
 * then; past the end they are dropped. At the peer's end of file the frames
 * that came whole are still answered, then the link ends.
 */
void link_input(struct link *l, const void *bytes, size_t len);
void link_input_end(struct link *l);

/* What is to be sent: fills at most max of iov, returns how many. Then this
 * many bytes of it were. */
int link_output(const struct link *l, struct iovec *iov, int max);
void link_sent(struct link *l, size_t len);

/*
 * Queue a frame. send takes one hold of the blob over; send_buf copies the
 * bytes and resets the buf. 0, or -1: the link was not open any more, or it
 * is dead now, because the queue is full or memory ran out (for the buf too).
 */
int link_send(struct link *l, struct blob *frame);
int link_send_buf(struct link *l, struct buf *frame);

/* What is due at a login may be more than a queue takes, and is shared with
 * other links: let the queue grow by so many bytes, until it is empty. */
void link_allow(struct link *l, size_t bytes);

/* Queue "ERROR word" with this clean text (NULL: none). */
void link_send_error(struct link *l, enum word w, const char *text);

/* Stop and go on taking input; the frame of the event stays as it is until
 * then. On resume held bytes are read at once, after the event if inside of
 * one. */
void link_pause(struct link *l);
void link_resume(struct link *l);

/* Both may be called again, and kill after end. */
void link_end(struct link *l);  /* drain, then close */
void link_kill(struct link *l); /* close at once; nothing more is sent */

#endif
