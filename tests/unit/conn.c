/* peer/conn: links on sockets, on both back ends of the loop. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/sock.h"
#include "peer/conn.h"
#include "tests/tap.h"

#define TURNS 10000 /* of the loop, in which whatever is to happen happens */

/* One end with a link, the other a bare socket in the test's hand. */
struct side {
	struct link link;
	struct conn conn;
	struct buf said; /* verbs that came */
	struct buf got;  /* what the other end read */
	int other;
	int eof; /* of the other end */
	int ended, turned;
	int pause_on_frame, kill_on_frame;
	size_t bytes; /* of bodies that came */
	char why[64];
};

static struct loop *loop;
static struct conns conns;

static void
on_event(void *arg, enum frame_event ev, const struct frame *f)
{
	struct side *s = arg;

	if (ev == FRAME_SYNTAX)
		link_send_error(&s->link, WORD_SYNTAX, NULL);
	if (ev != FRAME_DONE)
		return;
	buf_printf(&s->said, "%s ", f->verb.s);
	s->bytes += (size_t)f->body_len;
	if (s->pause_on_frame)
		link_pause(&s->link);
	if (s->kill_on_frame)
		link_kill(&s->link);
}

static void
on_ended(void *arg, const char *why)
{
	struct side *s = arg;

	s->ended++;
	snprintf(s->why, sizeof s->why, "%s", why);
	link_free(&s->link);
}

static void
on_turned(void *arg)
{
	((struct side *)arg)->turned++;
}

static void
never_block(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* A connection over TCP, where a close over unread bytes is a reset. */
static int
make_pair(int fds[2])
{
	struct sock_addr any, bound, peer;
	int listener;

	if (sock_addr_parse(&any, "127.0.0.1:0", 0) != 0)
		return -1;
	listener = sock_listen(&any, &bound, NULL);
	fds[0] = sock_connect(&bound);
	/* On loopback a connection waits as soon as it was asked for. */
	fds[1] = sock_accept(listener, &peer);
	close(listener);
	return fds[0] >= 0 && fds[1] >= 0 ? 0 : -1;
}

static int
begin(struct side *s)
{
	int fds[2];

	memset(s, 0, sizeof *s);
	link_init(&s->link, on_event, s, FRAME_BODY_MAX);
	if (make_pair(fds) != 0)
		return -1;
	never_block(fds[1]);
	s->other = fds[1];
	return conn_start(&s->conn, &conns, fds[0], &s->link, on_ended,
	    on_turned, s);
}

static void
finish(struct side *s)
{
	if (!s->ended) {
		conn_stop(&s->conn);
		link_free(&s->link);
	}
	if (s->other >= 0)
		close(s->other);
	buf_free(&s->said);
	buf_free(&s->got);
}

static void
other_says(struct side *s, const char *text)
{
	if (send(s->other, text, strlen(text), MSG_NOSIGNAL) !=
	    (ssize_t)strlen(text))
		OK(0, "the other end sends");
}

/* What the other end can read now, up to max bytes. 0, or its errno. */
static int
other_reads(struct side *s, size_t max)
{
	char piece[4096];
	ssize_t n;

	while (s->got.len < max) {
		n = recv(s->other, piece, sizeof piece, 0);
		if (n == 0)
			s->eof = 1;
		if (n < 0 && errno != EAGAIN)
			return errno;
		if (n <= 0)
			return 0;
		buf_append(&s->got, piece, (size_t)n);
	}
	return 0;
}

static const char *
text_of(struct buf *b)
{
	return buf_text(b);
}

static void
queue(struct link *l, const char *text)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, text);
	link_send_buf(l, &b);
	buf_free(&b);
}

/* Turn the loop until the condition holds: nothing is waited for longer than
 * the machine takes. */
#define UNTIL(cond)                                           \
	do {                                                  \
		int turns_ = 0;                               \
		while (!(cond) && turns_++ < TURNS)           \
			loop_once(loop, 1);                   \
		if (turns_ > TURNS)                           \
			OK(0, "it comes to pass: %s", #cond); \
	} while (0)

static void
test_bytes(void)
{
	struct side s;

	if (!OK(begin(&s) == 0, "a conn is started"))
		return;
	other_says(&s, "PING 1\n\nMESSAGE\nlength: 2\n\nhi\n");
	UNTIL(s.bytes == 2);
	IS_STR(text_of(&s.said), "PING MESSAGE ", "frames come in");
	OK(s.turned > 0, "the owner hears of the turn");
	queue(&s.link, "PONG 1\n\n");
	queue(&s.link, "MESSAGE\n\n");
	other_reads(&s, 100);
	IS(s.got.len, 0, "nothing is written in the stack of the sender");
	UNTIL(other_reads(&s, 100) != 0 || s.got.len >= 17);
	IS_STR(text_of(&s.got), "PONG 1\n\nMESSAGE\n\n", "but in a turn");
	IS(s.link.queued, 0, "the queue is empty then");
	IS(conn_is_draining(&s.conn), 0, "and nothing is to be sent");
	finish(&s);
}

static void
test_large(void)
{
	struct buf big = BUF_INIT;
	struct side s;
	size_t i, len = (size_t)20 << 20;
	int bad;

	buf_reserve(&big, len);
	big.len = len;
	for (i = 0; i < len; i++)
		big.data[i] = (uint8_t)(i * 2654435761u >> 13);
	if (!OK(begin(&s) == 0, "a conn is started"))
		return;
	link_send_buf(&s.link, &big);
	loop_once(loop, 0);
	OK(s.link.queued > 0, "a socket does not take all at once");
	IS(conn_is_draining(&s.conn), 1, "bytes are to be sent");
	UNTIL(other_reads(&s, len) != 0 || s.got.len == len);
	for (bad = 0, i = 0; i < s.got.len; i++)
		bad += s.got.data[i] != (uint8_t)(i * 2654435761u >> 13);
	OK(s.got.len == len && bad == 0, "all of it comes, in order");
	buf_free(&big);
	finish(&s);
}

static void
test_fair(void)
{
	static char body[300000];
	struct side s;
	ssize_t n;

	if (!OK(begin(&s) == 0, "a conn is started"))
		return;
	other_says(&s, "MESSAGE\nlength: 300000\n\n");
	n = send(s.other, body, sizeof body, MSG_NOSIGNAL);
	OK(n > 65536, "more waits than a turn takes");
	loop_once(loop, 1000);
	OK(s.link.in.body.len > 0 && s.link.in.body.len <= 65536,
	    "a turn takes no more than is fair");
	finish(&s);
}

static void
test_pause(void)
{
	struct side s;

	if (!OK(begin(&s) == 0, "a conn is started"))
		return;
	s.pause_on_frame = 1;
	other_says(&s, "PING 1\n\n");
	UNTIL(s.link.paused);
	other_says(&s, "PING 2\n\n");
	loop_once(loop, 0);
	loop_once(loop, 0);
	IS(s.link.held.len, 0, "while paused the socket is not read");
	IS_STR(text_of(&s.said), "PING ", "nor a frame");
	queue(&s.link, "PONG 1\n\n");
	UNTIL(other_reads(&s, 100) != 0 || s.got.len > 0);
	IS_STR(text_of(&s.got), "PONG 1\n\n", "but written");
	link_resume(&s.link);
	UNTIL(s.said.len > 5);
	IS_STR(text_of(&s.said), "PING PING ", "resumed, it goes on");
	finish(&s);
}

static void
test_peer_ends(void)
{
	struct side s;

	if (!OK(begin(&s) == 0, "a conn is started"))
		return;
	s.pause_on_frame = 1;
	other_says(&s, "PING 1\n\n");
	shutdown(s.other, SHUT_WR);
	UNTIL(s.link.paused);
	loop_once(loop, 0);
	IS(s.ended, 0, "an end of file does not cut off an answer");
	queue(&s.link, "PONG 1\n\n");
	link_resume(&s.link);
	UNTIL(s.ended);
	IS_STR(s.why, "closed by the peer", "then the conn ends, for this");
	other_reads(&s, 100);
	IS_STR(text_of(&s.got), "PONG 1\n\n", "after the answer");
	IS(s.eof, 1, "and the socket is closed");
	finish(&s);

	/* Reset, while we send. */
	begin(&s);
	queue(&s.link, "PONG 1\n\n");
	UNTIL(s.link.queued == 0);
	close(s.other); /* over unread bytes */
	s.other = -1;
	UNTIL(s.ended);
	OK(strcmp(s.why, strerror(ECONNRESET)) == 0 ||
		strcmp(s.why, "closed by the peer") == 0,
	    "a reset ends the conn: %s", s.why);
	finish(&s);

	begin(&s);
	link_pause(&s.link); /* so that it learns by writing alone */
	close(s.other);
	s.other = -1;
	queue(&s.link, "PONG 1\n\n");
	UNTIL(s.link.queued == 0);
	queue(&s.link, "PONG 2\n\n");
	UNTIL(s.ended);
	IS(s.ended, 1, "writing to nobody ends it, without a signal");
	finish(&s);
}

/* What the other end sent after our ERROR must not cost it the ERROR. */
static void
test_last_word(void)
{
	static char junk[40000];
	struct side s;
	int i, problem = 0;

	if (!OK(begin(&s) == 0, "a conn is started"))
		return;
	memset(junk, 'x', sizeof junk);
	other_says(&s, "nonsense\n\n");
	for (i = 0; i < 4; i++)
		send(s.other, junk, sizeof junk, MSG_NOSIGNAL);
	UNTIL(s.conn.lingering);
	IS(s.ended, 0, "the conn lingers while the peer is there");
	IS(conn_is_draining(&s.conn), 1, "which is draining");
	for (i = 0; i < 10; i++) {
		send(s.other, junk, sizeof junk, MSG_NOSIGNAL);
		loop_once(loop, 1);
	}
	IS(s.ended, 0, "however much it still sends");
	problem = other_reads(&s, 1000);
	IS(problem, 0, "the peer sees no reset");
	IS_STR(text_of(&s.got), "ERROR syntax\n\n", "but the last word");
	IS(s.eof, 1, "and the end");
	IS(s.link.in.body.cap + s.link.held.cap, 0, "what it sent is nowhere");
	shutdown(s.other, SHUT_WR);
	UNTIL(s.ended);
	IS_STR(s.why, "closed", "when it ends too, the conn does");
	finish(&s);
}

/* Deadlines are looked at, and brought on, not waited for. */
static void
test_deadlines(void)
{
	static char big[LINK_QUEUE_MAX];
	struct blob *b = blob_new(big, sizeof big);
	struct side s;
	int64_t left;

	if (!OK(b != NULL && begin(&s) == 0, "a conn is started"))
		return;
	link_send(&s.link, b);
	link_end(&s.link);
	UNTIL(s.conn.timer.item.place != 0);
	left = s.conn.timer.item.deadline_ns - clock_mono_ns();
	OK(s.link.queued > 0 && left > CONN_DRAIN_NS - INT64_C(20000000000) &&
		left <= CONN_DRAIN_NS,
	    "a peer that does not take the last bytes has 30 s");
	IS(s.ended, 0, "meanwhile the conn is there");
	left = s.conn.timer.item.deadline_ns;
	other_reads(&s, 100000);
	loop_once(loop, 1);
	IS(s.conn.timer.item.deadline_ns - left, 0,
	    "taking some of them gives it no more time");
	loop_timer_set(loop, &s.conn.timer, 0, s.conn.timer.due,
	    s.conn.timer.arg);
	loop_once(loop, 0);
	IS(s.ended, 1, "after it the conn ends");
	IS_STR(s.why, "closed", "for our own reasons");
	finish(&s);

	begin(&s);
	queue(&s.link, "A\n\n");
	link_end(&s.link);
	UNTIL(s.conn.lingering);
	left = s.conn.timer.item.deadline_ns - clock_mono_ns();
	OK(left > 0 && left <= CONN_LINGER_NS,
	    "a peer that does not end as well has 2 s");
	loop_timer_set(loop, &s.conn.timer, 0, s.conn.timer.due,
	    s.conn.timer.arg);
	loop_once(loop, 0);
	IS(s.ended, 1, "after them the conn ends");
	finish(&s);
}

static void
test_kill(void)
{
	struct side s;

	if (!OK(begin(&s) == 0, "a conn is started"))
		return;
	s.kill_on_frame = 1;
	queue(&s.link, "A\n\n");
	other_says(&s, "PING 1\n\nPING 2\n\n");
	UNTIL(s.ended);
	IS(s.ended, 1, "a link that is killed in an event ends the conn");
	IS_STR(s.why, "dropped", "with its reason");
	IS_STR(text_of(&s.said), "PING ", "at once");
	finish(&s);

	begin(&s);
	link_kill(&s.link);
	IS(s.ended, 0, "not in the stack of who kills it");
	UNTIL(s.ended);
	IS(s.ended, 1, "but in a turn");
	finish(&s);

	begin(&s);
	queue(&s.link, "A\n\n");
	conn_stop(&s.conn);
	loop_once(loop, 0);
	IS(s.ended, 0, "a conn that is stopped tells nothing");
	OK(recv(s.other, s.why, 1, 0) == 0, "its socket is closed");
	s.ended = 1;
	link_free(&s.link);
	finish(&s);

	/* What happened before there was a socket. */
	memset(&s, 0, sizeof s);
	begin(&s);
	conn_stop(&s.conn);
	close(s.other);
	link_end(&s.link);
	{
		int fds[2];

		if (make_pair(fds) != 0)
			return;
		s.other = fds[1];
		conn_start(&s.conn, &conns, fds[0], &s.link, on_ended, NULL,
		    &s);
	}
	close(s.other);
	s.other = -1;
	UNTIL(s.ended);
	IS(s.ended, 1, "a link that has ended before ends the conn");
	finish(&s);
}

static void
test_many(void)
{
	enum { N = 300 };
	static struct side s[N];
	struct blob *b = blob_new("MESSAGE\n\n", 9);
	int i, n, sent = 0, bad = 0, after_one;

	for (n = 0; n < N; n++)
		if (begin(&s[n]) != 0)
			break;
	if (!OK(b != NULL && n == N, "%d conns are started", N))
		return;
	for (i = 0; i < N; i++)
		link_send(&s[i].link, blob_hold(b));
	loop_once(loop, 0);
	for (after_one = i = 0; i < N; i++)
		after_one += s[i].link.queued == 0;
	OK(after_one > 0 && after_one < N,
	    "a broadcast to many takes several turns");
	UNTIL(conns.first == NULL);
	for (i = 0; i < N; i++) {
		sent += s[i].link.queued == 0;
		other_reads(&s[i], 9);
		bad += s[i].got.len != 9;
	}
	IS(sent, N, "to all");
	IS(bad, 0, "whole");
	IS(b->refs, 1, "and nobody holds it then");
	blob_drop(b);
	for (i = 0; i < N; i++)
		finish(&s[i]);
}

static int
lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

int
main(void)
{
	static const enum loop_backend backends[] = {LOOP_EPOLL, LOOP_POLL};
	int before;
	size_t i;

	signal(SIGPIPE, SIG_DFL);
	for (i = 0; i < 2; i++) {
		before = lowest_free();
		loop = loop_new(backends[i]);
		if (loop == NULL) {
			tap_skip("no such loop here");
			continue;
		}
		conns_init(&conns, loop);
		test_bytes();
		test_large();
		test_fair();
		test_pause();
		test_peer_ends();
		test_last_word();
		test_deadlines();
		test_kill();
		test_many();
		conns_free(&conns);
		loop_free(loop);
		IS(lowest_free(), before, "no descriptor is left");
	}
	return tap_done();
}
