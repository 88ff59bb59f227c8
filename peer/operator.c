/*
 * The operator's side: a greeting, then requests and their answers, one at a
 * time.
 */

#include "peer/operator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/text.h"
#include "base/timetext.h"

#define SECOND_NS INT64_C(1000000000)
#define MS_NS     INT64_C(1000000)

/* A host gives up on a body that comes slower than this; a request that is
 * being read faster is not late. */
#define BYTES_PER_S 1024

/* A document may ask for a thousand years; a year is as good, and far from
 * the end of the clock. */
#define WAIT_MAX_MS (INT64_C(365) * 86400 * 1000)

/* A rehearsal is cut off after seconds; past this a host tells nonsense. */
#define SECONDS_MAX (UINT64_C(365) * 86400)

/* Names in messages: what is longer tells a reader nothing more. */
#define SHOWN 80

enum state {
	GREETING, /* the host speaks first */
	IDLE,     /* nothing is asked */
	PUSH,     /* PROGRESS, DONE or ERROR is to come */
	READ,     /* OK or ERROR is */
	ENDED,
};

struct operator_side {
	struct link link;
	struct peer_clock clock;
	struct operator_callbacks cb;
	char *expect;
	enum state state;
	int is_command;      /* of READ: its OK moves seq on */
	int64_t deadline_ns; /* -1: none */
	int64_t limit_ns;    /* of the request */
	size_t unsent;       /* when the deadline was set */
	uint64_t seq;
	struct operator_greeting greeting;
	char *texts[4];     /* owned, what the greeting points to */
	char why[ERR_TEXT]; /* it ended while nothing was asked */
};

static int64_t
now_ns(const struct operator_side *o)
{
	return o->clock.mono_ns(o->clock.arg);
}

static void
set_deadline(struct operator_side *o, int64_t limit_ns)
{
	o->limit_ns = limit_ns;
	o->unsent = o->link.queued;
	o->deadline_ns = now_ns(o) + limit_ns;
}

static void
be(struct operator_side *o, enum state s)
{
	o->state = s;
	o->deadline_ns = -1;
}

/* The host cannot be talked to any more. The last thing that is done. */
static void fail(struct operator_side *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
fail(struct operator_side *o, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	be(o, ENDED);
	snprintf(o->why, sizeof o->why, "%s", text);
	if (o->link.state == LINK_OPEN)
		link_kill(&o->link);
	o->cb.error(o->cb.arg, NULL, text);
}

/* --- the greeting --------------------------------------------------------- */

static char *
copy_text(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = malloc(size);

	return copy != NULL ? memcpy(copy, s, size) : NULL;
}

static const char *
shown(char out[SHOWN], const char *s)
{
	return text_escape(out, SHOWN, s, strlen(s), 0);
}

/* Judged by its first line: what is no host of this version is let go of
 * before it has said more. */
static void
on_greeting_verb(struct operator_side *o, const struct frame *f)
{
	uint64_t version = 0;

	if (frame_is(f, "ERROR"))
		return;
	if (!frame_is(f, "HOTFIX") || f->nargs == 0 ||
	    num_parse(f->args[0].s, f->args[0].len, UINT32_MAX, &version) !=
		NUM_OK ||
	    version == 0 || (version == 1 && f->nargs > 1)) {
		fail(o, "not a hotfix host: its greeting cannot be read");
	} else if (version > 1) {
		link_send_error(&o->link, WORD_UNSUPPORTED,
		    "this operator speaks version 1");
		link_end(&o->link);
		fail(o,
		    "the host speaks version %u of the protocol, not "
		    "version 1",
		    (unsigned)version);
	}
}

static int
take_texts(struct operator_side *o, const struct frame *f)
{
	static const char *const names[] = {
	    "host", "program", "version", "zone"};
	const char **to[] = {&o->greeting.host, &o->greeting.program,
	    &o->greeting.version, &o->greeting.zone};
	const struct frame_text *t;
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		t = frame_get(f, names[i]);
		o->texts[i] = copy_text(t != NULL ? t->s : "");
		if (o->texts[i] == NULL)
			return -1;
		*to[i] = o->texts[i];
	}
	return 0;
}

static void
on_greeting(struct operator_side *o, const struct frame *f)
{
	const struct frame_text *nonce = frame_get(f, "nonce");
	const struct frame_text *time = frame_get(f, "time");
	char is[SHOWN], should[SHOWN];
	uint8_t bytes[COMMAND_NONCE];

	if (nonce == NULL || time == NULL || f->has_body ||
	    hex_decode(bytes, sizeof bytes, nonce->s, nonce->len) != 0 ||
	    timetext_parse(time->s, time->len, &o->greeting.time_us) != 0) {
		fail(o, "not a hotfix host: its greeting cannot be read");
		return;
	}
	if (take_texts(o, f) != 0) {
		fail(o, "out of memory");
		return;
	}
	memcpy(o->greeting.nonce, nonce->s, sizeof o->greeting.nonce);
	if (o->expect[0] != '\0' && strcmp(o->expect, o->greeting.host) != 0) {
		fail(o, "the host there is '%s', not '%s'",
		    shown(is, o->greeting.host), shown(should, o->expect));
		return;
	}
	be(o, IDLE);
	o->link.in.body_max = FRAME_BODY_MAX;
	o->cb.greeted(o->cb.arg, &o->greeting);
}

/* --- answers -------------------------------------------------------------- */

static void
unexpected(struct operator_side *o, const struct frame *f)
{
	fail(o, "unexpected or malformed %s from the host", f->verb.s);
}

static const char *
field_or_empty(const struct frame *f, const char *name)
{
	const struct frame_text *t = frame_get(f, name);

	return t != NULL ? t->s : "";
}

/* A number that is not there is 0. 0, or -1: no number. */
static int
get_count(const struct frame *f, const char *name, uint64_t *out)
{
	const struct frame_text *t = frame_get(f, name);

	*out = 0;
	if (t == NULL || num_parse(t->s, t->len, UINT64_MAX, out) == NUM_OK)
		return 0;
	return -1;
}

/* Seconds, whole or with a fraction of 1 to 6 digits; -1 where there is no such
 * field. 0, or -1: no such number. */
static int
get_seconds(const struct frame *f, const char *name, int64_t *us)
{
	const struct frame_text *t = frame_get(f, name);
	int64_t unit = 1000000;
	const char *p, *end;
	uint64_t whole;

	*us = -1;
	if (t == NULL)
		return 0;
	end = t->s + t->len;
	p = memchr(t->s, '.', t->len);
	if (num_parse(t->s, (size_t)((p != NULL ? p : end) - t->s), SECONDS_MAX,
		&whole) != NUM_OK)
		return -1;
	*us = (int64_t)whole * unit;
	if (p == NULL)
		return 0;
	if (++p == end)
		return -1;
	for (; p < end; p++) {
		unit /= 10;
		if (*p < '0' || *p > '9' || unit == 0)
			return -1;
		*us += (*p - '0') * unit;
	}
	return 0;
}

/* PROGRESS server WORD... */
static void
on_server(struct operator_side *o, const struct frame *f)
{
	struct buf result = BUF_INIT;
	struct operator_server s;
	size_t i;

	s.text = f->body;
	s.len = (size_t)f->body_len;
	for (i = 1; i < f->nargs; i++)
		buf_printf(&result, "%s%s", i > 1 ? " " : "", f->args[i].s);
	s.result = buf_text(&result);
	if (s.result == NULL)
		fail(o, "out of memory");
	else if (get_seconds(f, "rehearsed", &s.rehearsed_us) != 0 ||
		 get_seconds(f, "stall", &s.stall_us) != 0)
		unexpected(o, f);
	else
		o->cb.server(o->cb.arg, &s);
	buf_free(&result);
}

static void
on_clients(struct operator_side *o, const struct frame *f)
{
	struct operator_progress p;

	if (get_count(f, "targeted", &p.targeted) != 0 ||
	    get_count(f, "applied", &p.applied) != 0 ||
	    get_count(f, "deferred", &p.deferred) != 0 ||
	    get_count(f, "failed", &p.failed) != 0 ||
	    get_count(f, "missing", &p.missing) != 0)
		unexpected(o, f);
	else
		o->cb.clients(o->cb.arg, &p);
}

/* Packages take the time that they take: as long as the host tells of them
 * it is waited for. */
static void
on_package(struct operator_side *o, const struct frame *f)
{
	struct operator_package p;

	if (get_count(f, "bytes", &p.bytes) != 0 ||
	    get_count(f, "of", &p.of) != 0) {
		unexpected(o, f);
		return;
	}
	set_deadline(o, o->limit_ns);
	if (o->cb.package != NULL)
		o->cb.package(o->cb.arg, &p);
}

static void
on_group(struct operator_side *o, const struct frame *f)
{
	uint64_t count;

	if (frame_get(f, "result") == NULL ||
	    get_count(f, "count", &count) != 0)
		unexpected(o, f);
	else
		o->cb.group(o->cb.arg, field_or_empty(f, "result"), count,
		    field_or_empty(f, "of"), f->body, (size_t)f->body_len);
}

static void
on_progress(struct operator_side *o, const struct frame *f)
{
	const char *of = f->nargs > 0 ? f->args[0].s : "";

	if (o->state != PUSH)
		unexpected(o, f);
	else if (strcmp(of, "server") == 0 && f->nargs > 1)
		on_server(o, f);
	else if (strcmp(of, "clients") == 0 && f->nargs == 1)
		on_clients(o, f);
	else if (strcmp(of, "package") == 0 && f->nargs == 1)
		on_package(o, f);
	else if (strcmp(of, "error") == 0 && f->nargs == 1)
		on_group(o, f);
	else
		unexpected(o, f);
}

static void
on_done(struct operator_side *o, const struct frame *f)
{
	static const char *const results[] = {"applied", "have", "deferred",
	    "failed", "partial", "reverted", "dry-run", "refused"};
	const size_t n = sizeof results / sizeof results[0];
	const char *word = NULL;
	size_t i, nargs;

	for (i = 0; i < n && f->nargs > 0; i++)
		if (strcmp(f->args[0].s, results[i]) == 0)
			break;
	nargs = i == n - 1 ? 2 : 1;
	if (o->state != PUSH || i == n || f->nargs != nargs) {
		unexpected(o, f);
		return;
	}
	if (nargs > 1)
		word = f->args[1].s;
	else if (strcmp(results[i], "reverted") == 0 &&
		 strcmp(field_or_empty(f, "held"), "no") == 0)
		word = "not-here";
	be(o, IDLE);
	o->cb.done(o->cb.arg, results[i], word, field_or_empty(f, "text"));
}

static void
on_ok(struct operator_side *o, const struct frame *f)
{
	if (o->state != READ || f->nargs > 0) {
		unexpected(o, f);
		return;
	}
	if (o->is_command)
		o->seq++;
	be(o, IDLE);
	o->cb.ok(o->cb.arg, f->body, (size_t)f->body_len);
}

static void
on_error(struct operator_side *o, const struct frame *f)
{
	const char *text = field_or_empty(f, "text");
	enum state was = o->state;
	struct buf why = BUF_INIT;

	if (f->nargs != 1) {
		unexpected(o, f);
		return;
	}
	if (was == IDLE) {
		/* Nothing was asked: the host is about to close. */
		buf_printf(&why, "%s%s%s", f->args[0].s,
		    text[0] != '\0' ? ": " : "", text);
		text_escape(o->why, sizeof o->why, why.data, why.len, 1);
		buf_free(&why);
		be(o, ENDED);
		link_end(&o->link);
		return;
	}
	be(o, was == GREETING ? ENDED : IDLE);
	if (was == GREETING)
		link_end(&o->link);
	o->cb.error(o->cb.arg, f->args[0].s, text);
}

static void
on_frame(struct operator_side *o, const struct frame *f)
{
	if (frame_is(f, "ERROR"))
		on_error(o, f);
	else if (o->state == GREETING)
		on_greeting(o, f);
	else if (frame_is(f, "PROGRESS"))
		on_progress(o, f);
	else if (frame_is(f, "DONE"))
		on_done(o, f);
	else if (frame_is(f, "OK"))
		on_ok(o, f);
	else
		unexpected(o, f);
}

static void
on_event(void *arg, enum frame_event ev, const struct frame *f)
{
	struct operator_side *o = arg;

	switch (ev) {
	case FRAME_VERB:
		if (o->state == GREETING)
			on_greeting_verb(o, f);
		break;
	case FRAME_DONE:
		on_frame(o, f);
		break;
	case FRAME_SYNTAX:
		fail(o, o->state == GREETING
			    ? "not a hotfix host: what it sends is no frame"
			    : "what the host sends is no frame");
		break;
	case FRAME_TOO_LARGE:
		fail(o, "the host sends more than a frame may hold");
		break;
	case FRAME_NOMEM:
		fail(o, "out of memory");
		break;
	case FRAME_MORE:
	case FRAME_HEAD:
	case FRAME_BODY:
		break;
	}
}

/* --- requests ------------------------------------------------------------- */

/* 1 when a request may be made now; else error was told. */
static int
may_ask(struct operator_side *o)
{
	if (o->state == IDLE && o->link.state == LINK_OPEN)
		return 1;
	fail(o, "%s",
	    o->why[0] != '\0' ? o->why : "the host closed the connection");
	return 0;
}

static void
ask(struct operator_side *o, enum state s, struct buf *frame, int64_t limit_ns)
{
	if (link_send_buf(&o->link, frame) != 0) {
		fail(o, "out of memory");
		return;
	}
	o->state = s;
	set_deadline(o, limit_ns);
}

void
operator_push(struct operator_side *o, const void *doc, size_t len,
    size_t head_len, int64_t wait_ms)
{
	struct buf b = BUF_INIT;

	if (!may_ask(o))
		return;
	frame_begin(&b, "PUSH");
	frame_put(&b, "head", "%zu", head_len);
	frame_body(&b, doc, len);
	if (wait_ms > WAIT_MAX_MS)
		wait_ms = WAIT_MAX_MS;
	ask(o, PUSH, &b, wait_ms * MS_NS + OPERATOR_ANSWER_NS);
	buf_free(&b);
}

void
operator_read(struct operator_side *o, const char *line)
{
	struct buf b = BUF_INIT;

	if (!may_ask(o))
		return;
	frame_begin(&b, line);
	frame_end(&b);
	o->is_command = 0;
	ask(o, READ, &b, OPERATOR_ANSWER_NS);
	buf_free(&b);
}

int
operator_command_text(const struct operator_side *o, struct buf *out,
    const char *command)
{
	return command_build(out, o->greeting.host, o->greeting.nonce, o->seq,
	    command);
}

void
operator_command_signed(struct operator_side *o, const void *body, size_t len)
{
	struct buf b = BUF_INIT;

	if (!may_ask(o))
		return;
	frame_begin(&b, "COMMAND");
	frame_body(&b, body, len);
	o->is_command = 1;
	ask(o, READ, &b, OPERATOR_ANSWER_NS);
	buf_free(&b);
}

void
operator_command(struct operator_side *o, const struct signify_sec *sec,
    const char *key_name, const char *command)
{
	struct buf text = BUF_INIT, whole = BUF_INIT;
	struct signify_sig sig;

	if (!may_ask(o))
		return;
	if (operator_command_text(o, &text, command) != 0 && !text.oom) {
		o->cb.error(o->cb.arg, word_name(WORD_SYNTAX), "not a command");
		return;
	}
	signify_sign(&sig, sec, text.data, text.len);
	signify_sig_format(&whole, &sig, key_name);
	buf_append(&whole, text.data, text.len);
	if (text.oom || whole.oom)
		fail(o, "out of memory");
	else
		operator_command_signed(o, whole.data, whole.len);
	buf_free(&text);
	buf_free(&whole);
}

void
operator_bye(struct operator_side *o)
{
	struct buf b = BUF_INIT;

	be(o, ENDED);
	frame_begin(&b, "BYE");
	frame_end(&b);
	link_send_buf(&o->link, &b);
	buf_free(&b);
	link_end(&o->link);
}

/* --- life ----------------------------------------------------------------- */

struct operator_side *
operator_new(const char *expect, const struct peer_clock *clock,
    const struct operator_callbacks *cb)
{
	struct operator_side *o = calloc(1, sizeof *o);

	if (o == NULL)
		return NULL;
	o->expect = copy_text(expect != NULL ? expect : "");
	if (o->expect == NULL) {
		free(o);
		return NULL;
	}
	o->clock = *clock;
	o->cb = *cb;
	o->seq = 1;
	be(o, GREETING);
	link_init(&o->link, on_event, o, FRAME_BODY_LOGIN);
	return o;
}

void
operator_free(struct operator_side *o)
{
	size_t i;

	if (o == NULL)
		return;
	link_free(&o->link);
	for (i = 0; i < sizeof o->texts / sizeof o->texts[0]; i++)
		free(o->texts[i]);
	free(o->expect);
	free(o);
}

struct link *
operator_link(struct operator_side *o)
{
	return &o->link;
}

void
operator_opened(struct operator_side *o)
{
	set_deadline(o, OPERATOR_GREETING_NS);
}

int64_t
operator_next_ns(const struct operator_side *o)
{
	return o->deadline_ns;
}

void
operator_tick(struct operator_side *o)
{
	uint64_t enough = (uint64_t)(o->limit_ns / SECOND_NS) * BYTES_PER_S;

	if (o->deadline_ns < 0 || now_ns(o) < o->deadline_ns)
		return;
	if (o->state == GREETING)
		fail(o, "no greeting within %d s",
		    (int)(OPERATOR_GREETING_NS / SECOND_NS));
	else if (o->unsent - o->link.queued >= enough)
		set_deadline(o, o->limit_ns);
	else
		fail(o, "no answer within %lld s",
		    (long long)(o->limit_ns / SECOND_NS));
}

void
operator_closed(struct operator_side *o, const char *why)
{
	if (o->state == ENDED)
		return;
	if (o->state != IDLE) {
		fail(o, "%s", why);
		return;
	}
	be(o, ENDED);
	snprintf(o->why, sizeof o->why, "%s", why);
}
