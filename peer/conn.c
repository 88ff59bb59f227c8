/* Links on sockets. */

#include "peer/conn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

/* A piece that is read, on the stack; how many in one turn. A turn is short
 * even when each piece holds hundreds of frames. */
#define PIECE  16384
#define PIECES 4

/* Frames of one write, as many as the kernel takes without an allocation.
 * Writes of one turn: a peer on this machine may read as fast as we write. */
#define FRAMES 8
#define WRITES 8

/* Connections that one turn writes to; a broadcast takes several. */
#define BATCH 256

/* --- the list of those with something to do ------------------------------- */

static void
unlist(struct conn *c)
{
	struct conns *s = c->conns;

	if (!c->is_listed)
		return;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		s->last = c->prev;
	c->is_listed = 0;
}

static void run_list(void *arg);

/* Run the list in the loop's next turn. */
static void
schedule(struct conns *s)
{
	struct conn *c;

	if (s->timer.item.place != 0 || loop_timer_set(s->loop, &s->timer,
					    clock_mono_ns(), run_list, s) == 0)
		return;
	/* No memory for a timer: whoever can be written to is ready. */
	for (c = s->first; c != NULL; c = c->next)
		loop_change(s->loop, &c->io, LOOP_READ | LOOP_WRITE);
}

static void
on_changed(void *io)
{
	struct conn *c = io;
	struct conns *s = c->conns;

	if (c->is_listed || c->is_reading)
		return;
	c->is_listed = 1;
	c->next = NULL;
	c->prev = s->last;
	if (s->last != NULL)
		s->last->next = c;
	else
		s->first = c;
	s->last = c;
	schedule(s);
}

/* --- the socket ----------------------------------------------------------- */

void
conn_stop(struct conn *c)
{
	unlist(c);
	loop_timer_cancel(c->conns->loop, &c->timer);
	loop_unwatch(c->conns->loop, &c->io);
	c->link->changed = NULL;
	close(c->fd);
}

static void
end(struct conn *c, const char *why)
{
	conn_stop(c);
	c->ended(c->arg, c->why != NULL ? c->why : why);
}

/* The peer's last byte was read. */
static void
take_eof(struct conn *c)
{
	c->eof = 1;
	if (c->link->state != LINK_OPEN)
		return;
	c->why = "closed by the peer";
	link_input_end(c->link);
}

static int
may_read(const struct conn *c)
{
	return !c->eof &&
	       (c->link->state == LINK_DRAIN ||
		   (c->link->state == LINK_OPEN && !c->link->paused));
}

/* 0, or -1: the connection broke, errno says how. */
static int
read_pieces(struct conn *c)
{
	uint8_t piece[PIECE];
	ssize_t n;
	int i;

	for (i = 0; i < PIECES && may_read(c); i++) {
		n = recv(c->fd, piece, sizeof piece, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		if (n == 0)
			take_eof(c);
		else
			link_input(c->link, piece, (size_t)n);
		if ((size_t)n < sizeof piece) /* more would be EAGAIN */
			break;
	}
	return 0;
}

/* 0, also when the socket takes no more now, or -1 with errno. */
static int
write_queue(struct conn *c)
{
	struct iovec iov[FRAMES];
	struct msghdr msg;
	ssize_t n;
	int i;

	for (i = 0; i < WRITES && c->link->queued > 0; i++) {
		memset(&msg, 0, sizeof msg);
		memset(iov, 0, sizeof iov);
		link_output(c->link, iov, FRAMES);
		msg.msg_iov = iov;
		/* Of a type that differs between libcs, which a constant does
		 * not mind; those past the queue's end are empty. */
		msg.msg_iovlen = FRAMES;
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
		if (n >= 0)
			link_sent(c->link, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return 0;
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

static void
on_late(void *arg)
{
	end(arg, "closed");
}

static int
set_deadline(struct conn *c, int64_t ns)
{
	return loop_timer_set(c->conns->loop, &c->timer, clock_mono_ns() + ns,
	    on_late, c);
}

/* Go on with the end of the link. 0, or -1: nothing more is to be waited
 * for. */
static int
drain(struct conn *c)
{
	if (c->link->queued > 0 && !c->draining) {
		c->draining = 1;
		return set_deadline(c, CONN_DRAIN_NS);
	}
	if (c->link->queued == 0 && !c->lingering) {
		c->lingering = 1;
		if (shutdown(c->fd, SHUT_WR) != 0 ||
		    set_deadline(c, CONN_LINGER_NS) != 0)
			return -1;
	}
	return c->lingering && c->eof ? -1 : 0;
}

static int
wanted(const struct conn *c)
{
	return (may_read(c) ? LOOP_READ : 0) |
	       (c->link->queued > 0 ? LOOP_WRITE : 0);
}

/* Do what the link has to do. The conn may be gone afterwards. */
static void
turn(struct conn *c)
{
	unlist(c);
	if (c->link->state != LINK_DEAD && write_queue(c) != 0) {
		end(c, strerror(errno));
		return;
	}
	if (c->link->state == LINK_DEAD) {
		end(c, "dropped");
		return;
	}
	if (c->link->state == LINK_DRAIN && drain(c) != 0) {
		end(c, "closed");
		return;
	}
	if (loop_change(c->conns->loop, &c->io, wanted(c)) != 0) {
		end(c, strerror(errno));
		return;
	}
	if (c->turned != NULL)
		c->turned(c->arg);
}

static void
on_ready(void *arg, int events)
{
	struct conn *c = arg;
	int broken = 0;

	if ((events & LOOP_READ) != 0) {
		/* What the link wants meanwhile it gets right afterwards. */
		c->is_reading = 1;
		broken = read_pieces(c) != 0;
		c->is_reading = 0;
	}
	if (broken)
		end(c, strerror(errno));
	else
		turn(c);
}

static void
run_list(void *arg)
{
	struct conns *s = arg;
	int i;

	for (i = 0; i < BATCH && s->first != NULL; i++)
		turn(s->first);
	if (s->first != NULL)
		schedule(s);
}

int
conn_start(struct conn *c, struct conns *s, int fd, struct link *l,
    void (*ended)(void *arg, const char *why), void (*turned)(void *arg),
    void *arg)
{
	memset(c, 0, sizeof *c);
	c->conns = s;
	c->fd = fd;
	c->link = l;
	c->ended = ended;
	c->turned = turned;
	c->arg = arg;
	if (loop_watch(s->loop, &c->io, fd, LOOP_READ, on_ready, c) != 0)
		return -1;
	l->io = c;
	l->changed = on_changed;
	/* What was queued, or happened, before there was a socket. */
	if (l->queued > 0 || l->paused || l->state != LINK_OPEN)
		on_changed(c);
	return 0;
}

int
conn_is_draining(const struct conn *c)
{
	return c->link->state != LINK_DEAD &&
	       (c->link->queued > 0 || c->link->state == LINK_DRAIN);
}

void
conns_init(struct conns *s, struct loop *l)
{
	memset(s, 0, sizeof *s);
	s->loop = l;
}

void
conns_free(struct conns *s)
{
	loop_timer_cancel(s->loop, &s->timer);
}
