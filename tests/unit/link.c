/* peer/link: frames in, a bounded queue out, pauses, ends. */

#include "peer/link.h"
#include "tests/tap.h"

/* An owner that writes down what it is told: "PING(1) ..." */
struct owner {
	struct link link;
	struct buf said;
	int changes;
	int pause_on_done, resume_too, end_on_done, kill_on_done;
	int failures;
};

static void
on_event(void *arg, enum frame_event ev, const struct frame *f)
{
	struct owner *o = arg;

	switch (ev) {
	case FRAME_DONE:
		buf_printf(&o->said, "%s", f->verb.s);
		if (f->nargs > 0)
			buf_printf(&o->said, "(%s)", f->args[0].s);
		if (f->has_body) {
			buf_puts(&o->said, "=");
			buf_append(&o->said, f->body, (size_t)f->body_len);
		}
		buf_puts(&o->said, " ");
		if (o->pause_on_done)
			link_pause(&o->link);
		if (o->resume_too)
			link_resume(&o->link);
		if (o->end_on_done)
			link_end(&o->link);
		if (o->kill_on_done)
			link_kill(&o->link);
		break;
	case FRAME_SYNTAX:
	case FRAME_TOO_LARGE:
	case FRAME_NOMEM:
		o->failures++;
		link_send_error(&o->link,
		    ev == FRAME_SYNTAX ? WORD_SYNTAX : WORD_TOO_LARGE, NULL);
		break;
	case FRAME_MORE:
		o->failures += 1000; /* never told */
		break;
	case FRAME_VERB:
	case FRAME_HEAD:
	case FRAME_BODY:
		break;
	}
}

static void
on_changed(void *io)
{
	((struct owner *)io)->changes++;
}

static void
begin(struct owner *o)
{
	memset(o, 0, sizeof *o);
	link_init(&o->link, on_event, o, FRAME_BODY_LOGIN);
	o->link.changed = on_changed;
	o->link.io = o;
}

static void
finish(struct owner *o)
{
	link_free(&o->link);
	buf_free(&o->said);
}

static const char *
said(struct owner *o)
{
	return buf_text(&o->said);
}

static void
input(struct owner *o, const char *text)
{
	link_input(&o->link, text, strlen(text));
}

/* All that is queued, taken in steps of this many bytes. */
static void
drain(struct link *l, struct buf *out, size_t step)
{
	struct iovec iov[3];
	size_t n, total;
	int i, count;

	while ((count = link_output(l, iov, 3)) > 0) {
		for (total = 0, i = 0; i < count && total < step; i++) {
			n = iov[i].iov_len;
			if (n > step - total)
				n = step - total;
			buf_append(out, iov[i].iov_base, n);
			total += n;
		}
		link_sent(l, total);
	}
}

static void
send_text(struct link *l, const char *text)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, text);
	link_send_buf(l, &b);
	buf_free(&b);
}

/* --- in ------------------------------------------------------------------- */

static const char three[] = "PING 1\n\nMESSAGE\nlength: 3\n\na\nb\nPING 2\n\n";
static const char three_said[] = "PING(1) MESSAGE=a\nb PING(2) ";

static void
test_split(void)
{
	struct owner o;
	size_t i, j, len = strlen(three);
	int bad = 0;

	for (i = 0; i <= len; i++) {
		for (j = i; j <= len; j++) {
			begin(&o);
			link_input(&o.link, three, i);
			link_input(&o.link, three + i, j - i);
			link_input(&o.link, three + j, len - j);
			bad += strcmp(said(&o), three_said) != 0;
			bad += !frame_reader_is_idle(&o.link.in);
			bad += o.link.in.head.cap + o.link.in.body.cap +
				   o.link.held.cap !=
			       0;
			finish(&o);
		}
	}
	IS(bad, 0,
	    "split at any two places the frames are the same, and "
	    "nothing is kept after them");
}

static void
test_pause(void)
{
	struct owner o;
	size_t i, len = strlen(three);
	int bad = 0, frames;

	for (i = 0; i <= len; i++) {
		begin(&o);
		o.pause_on_done = 1;
		link_input(&o.link, three, i);
		link_input(&o.link, three + i, len - i);
		bad += strcmp(said(&o), "PING(1) ") != 0;
		bad += strcmp(o.link.in.frame.verb.s, "PING") != 0;
		link_resume(&o.link);
		bad += strcmp(said(&o), "PING(1) MESSAGE=a\nb ") != 0;
		bad += memcmp(o.link.in.frame.body, "a\nb", 3) != 0;
		link_resume(&o.link);
		bad += strcmp(said(&o), three_said) != 0;
		bad += !o.link.paused;
		link_resume(&o.link);
		bad += o.link.paused || o.link.held.cap != 0;
		finish(&o);
	}
	IS(bad, 0,
	    "paused after each frame: one frame per resume, and the "
	    "paused frame stays");

	begin(&o);
	o.pause_on_done = o.resume_too = 1;
	input(&o, three);
	IS_STR(said(&o), three_said, "a resume inside of the event goes on");
	finish(&o);

	/* A resume for every frame, each from outside: no recursion that
	 * would grow with the frames, and none is lost. */
	begin(&o);
	o.pause_on_done = 1;
	for (i = 0; i < 20000; i++)
		input(&o, "PING 1\n\n");
	for (frames = 1; o.link.held.len > 0; frames++)
		link_resume(&o.link);
	IS(frames, 20000, "frames piled up in a pause come one by one");
	o.said.len = 0;
	o.resume_too = 1;
	link_resume(&o.link);
	for (i = 0; i < 20000; i++)
		input(&o, "PING 1\n\n");
	IS(o.said.len, 20000 * strlen("PING(1) "), "and all in a row");
	finish(&o);
}

static void
test_pause_in_head(void)
{
	struct owner o;

	begin(&o);
	input(&o, "PING 1\n");
	link_pause(&o.link);
	IS(o.changes, 1, "a pause is a change");
	link_pause(&o.link);
	IS(o.changes, 1, "a second one is none");
	input(&o, "\nPI");
	IS(o.said.len, 0, "while paused nothing is read");
	link_resume(&o.link);
	IS(o.changes, 2, "a resume is a change");
	link_resume(&o.link);
	IS(o.changes, 2, "a second one is none");
	input(&o, "NG 2\n\n");
	IS_STR(said(&o), "PING(1) PING(2) ", "what was held is read first");
	finish(&o);
}

static void
test_eof(void)
{
	struct owner o;

	begin(&o);
	input(&o, "PING 1\n\nPING 2\n");
	link_input_end(&o.link);
	IS_STR(said(&o), "PING(1) ", "at the end half a frame does nothing");
	IS(o.link.state, LINK_DRAIN, "and the link ends");
	finish(&o);

	begin(&o);
	o.pause_on_done = 1;
	input(&o, "PING 1\n\nPING 2\n\n");
	link_input_end(&o.link);
	IS(o.link.state, LINK_OPEN, "an end while paused waits");
	link_resume(&o.link);
	IS_STR(said(&o), "PING(1) PING(2) ", "for the frames that came whole");
	IS(o.link.state, LINK_OPEN, "and for the answer to the last");
	send_text(&o.link, "PONG 2\n\n");
	link_resume(&o.link);
	IS(o.link.state, LINK_DRAIN, "then the link ends");
	IS(o.link.nout, 1, "with the answer in the queue");
	finish(&o);
}

static void
test_failure(void)
{
	struct owner o;
	struct buf out = BUF_INIT;

	begin(&o);
	input(&o, "PING 1\n\nping 2\n\nPING 3\n\n");
	input(&o, "PING 4\n\n");
	link_input_end(&o.link);
	IS_STR(said(&o), "PING(1) ", "after a syntax error nothing is read");
	IS(o.failures, 1, "the owner is told once");
	IS(o.link.state, LINK_DRAIN, "the link ends by itself");
	drain(&o.link, &out, 1000);
	IS_STR(buf_text(&out), "ERROR syntax\n\n", "after a last word");
	buf_reset(&out);
	finish(&o);

	begin(&o);
	input(&o, "MESSAGE\nlength: 4097\n\n");
	input(&o, "x");
	drain(&o.link, &out, 1000);
	IS_STR(buf_text(&out), "ERROR too-large\n\n",
	    "a body one byte past the limit is refused");
	buf_free(&out);
	finish(&o);
}

/* --- out ------------------------------------------------------------------ */

static void
test_queue(void)
{
	static const char want[] = "A\n\nBB\n\nCCC\n\nD\n\nEEEEE\n\nF\n\nG\n\n";
	struct buf got = BUF_INIT;
	struct owner o;
	size_t step;
	int bad = 0;

	for (step = 1; step <= sizeof want; step++) {
		begin(&o);
		send_text(&o.link, "A\n\n");
		send_text(&o.link, "BB\n\n");
		send_text(&o.link, "CCC\n\n");
		/* The ring wraps before it grows. */
		buf_append(&got, "A\n\nBB", 5);
		link_sent(&o.link, 5);
		send_text(&o.link, "D\n\n");
		send_text(&o.link, "EEEEE\n\n");
		send_text(&o.link, "F\n\n");
		send_text(&o.link, "G\n\n");
		bad += o.changes != 1;
		bad += o.link.queued != sizeof want - 1 - 5;
		drain(&o.link, &got, step);
		bad += strcmp(buf_text(&got), want) != 0;
		bad += o.link.queued != 0 || o.link.out != NULL;
		send_text(&o.link, "A\n\n");
		bad += o.changes != 2;
		buf_reset(&got);
		finish(&o);
	}
	IS(bad, 0,
	    "sent in steps of any size the bytes are in order, the "
	    "empty queue holds no memory, only its filling is told");
	buf_free(&got);
}

static void
test_shared(void)
{
	enum { N = 100 };
	static struct owner o[N];
	struct blob *b = blob_new("MESSAGE\n\n", 9);
	struct buf got = BUF_INIT;
	int i, bad = 0;

	for (i = 0; i < N; i++) {
		begin(&o[i]);
		bad += link_send(&o[i].link, blob_hold(b)) != 0;
	}
	IS(b->refs, N + 1, "a broadcast is in memory once");
	for (i = 0; i < N; i++) {
		link_sent(&o[i].link, (size_t)i % 9);
		drain(&o[i].link, &got, 4);
		bad += got.len != 9 - (size_t)i % 9;
		buf_reset(&got);
		finish(&o[i]);
	}
	IS(bad, 0, "with a place of its own for every link");
	IS(b->refs, 1, "and is let go of by each");
	blob_drop(b);
	buf_free(&got);
}

static void
test_full(void)
{
	struct buf half = BUF_INIT, b = BUF_INIT;
	struct owner o;
	struct blob *big, *small;

	buf_reserve(&half, LINK_QUEUE_MAX);
	memset(half.data, 'x', LINK_QUEUE_MAX);
	half.len = LINK_QUEUE_MAX;
	big = blob_new(half.data, half.len);
	small = blob_new("A\n\n", 3);
	if (!OK(big != NULL && small != NULL, "there is memory"))
		return;

	begin(&o);
	IS(link_send(&o.link, blob_hold(big)), 0, "the queue may be full");
	IS(link_send(&o.link, blob_hold(small)), -1, "but not fuller");
	IS(o.link.state, LINK_DEAD, "then the link is dead");
	IS(o.link.queued + o.link.nout, 0, "and its queue gone");
	IS(big->refs + small->refs, 2, "with every hold");
	IS(link_send(&o.link, blob_hold(small)), -1, "a dead link takes none");
	IS(small->refs, 1, "and keeps no hold");
	finish(&o);

	begin(&o);
	link_send(&o.link, blob_hold(small));
	IS(link_send(&o.link, blob_hold(big)), -1, "one byte over is over");
	finish(&o);

	begin(&o);
	half.len = LINK_QUEUE_MAX - 3;
	link_send(&o.link, blob_hold(small));
	IS(link_send_buf(&o.link, &half), 0, "up to the limit is not");
	IS(half.len, 0, "the buf is empty then");
	IS(o.link.queued, LINK_QUEUE_MAX, "what is queued is counted");
	finish(&o);

	half.len = LINK_QUEUE_MAX;
	buf_append(&half, "more", 4);
	begin(&o);
	IS(link_send_buf(&o.link, &half), 0, "a frame alone may be longer");
	IS(link_send(&o.link, blob_hold(small)), -1, "not one behind it");
	finish(&o);

	begin(&o);
	send_text(&o.link, "A\n\n");
	b.oom = 1;
	IS(link_send_buf(&o.link, &b), -1, "a buf without memory is no frame");
	IS(o.link.state, LINK_DEAD, "and ends the link");
	IS(b.oom, 0, "the buf is of use again");
	finish(&o);

	blob_drop(big);
	blob_drop(small);
	buf_free(&half);
	buf_free(&b);
}

static void
test_ends(void)
{
	struct buf got = BUF_INIT;
	struct owner o;
	struct iovec iov;

	begin(&o);
	o.end_on_done = 1;
	link_send_error(&o.link, WORD_REPLACED, "another login");
	IS(o.changes, 1, "a queued frame is a change");
	input(&o, three);
	input(&o, three);
	IS_STR(said(&o), "PING(1) ", "after the end input is thrown away");
	IS(o.changes, 2, "an end is a change");
	link_end(&o.link);
	link_pause(&o.link);
	IS(o.changes, 2, "once");
	send_text(&o.link, "PONG 1\n\n");
	IS(o.link.state, LINK_DRAIN, "a frame too late does not hurt");
	drain(&o.link, &got, 7);
	IS_STR(buf_text(&got), "ERROR replaced\ntext: another login\n\n",
	    "what was queued before goes out");
	link_kill(&o.link);
	IS(o.link.state, LINK_DEAD, "a draining link can be killed");
	link_end(&o.link);
	IS(o.link.state, LINK_DEAD, "a dead one stays dead");
	buf_free(&got);
	finish(&o);

	begin(&o);
	o.kill_on_done = 1;
	send_text(&o.link, "A\n\n");
	input(&o, three);
	IS_STR(said(&o), "PING(1) ", "killed inside of an event");
	IS(link_output(&o.link, &iov, 1), 0, "nothing more is sent");
	link_kill(&o.link);
	IS(o.changes, 2, "told once");
	finish(&o);

	begin(&o);
	o.pause_on_done = 1;
	input(&o, three);
	link_end(&o.link);
	IS(o.link.held.cap, 0, "an end drops what was held");
	link_resume(&o.link);
	IS_STR(said(&o), "PING(1) ", "and a resume after it reads nothing");
	finish(&o);
}

int
main(void)
{
	test_split();
	test_pause();
	test_pause_in_head();
	test_eof();
	test_failure();
	test_queue();
	test_shared();
	test_full();
	test_ends();
	return tap_done();
}
