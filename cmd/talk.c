/* One operator's connection to each of many hosts. */

#include "cmd/talk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/progress.h"
#include "cmd/signals.h"
#include "net/loop.h"
#include "peer/attach.h"

#define GROUP_SHOWN 8192  /* of one group's text; a RESULT has 4096 */
#define GROUPS_MAX  65536 /* of all groups of a host; more are not kept */

struct talk {
	const struct say *say;
	struct loop *loop;
	struct attach *attach;
	int signals;
	struct loop_io signal_io;
	int64_t behind_us; /* our clock */
	int interrupted;
	int failed; /* nothing more can be done, why tells */
	struct err why;
	struct progress progress; /* of what the hosts fetch, all together */
	uint64_t fetched, to_fetch;
};

struct conn {
	struct host_line *line;
	const struct talk_request *request;
	struct talk *talk;
	struct operator_side *op;
	struct attach_operator *at;
	uint64_t fetched, to_fetch; /* its share of the talk's */
	int ended;
};

/* --- what comes from one host ------------------------------------------- */

static void
copy(char *out, size_t size, const char *text)
{
	text_escape(out, size, text != NULL ? text : "",
	    text != NULL ? strlen(text) : 0, 0);
}

static void detail(const struct conn *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* With -v, about one host. */
static void
detail(const struct conn *c, const char *fmt, ...)
{
	char text[2 * ERR_TEXT];
	va_list ap;

	if (!c->talk->say->verbose)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	progress_hide(&c->talk->progress);
	say_detail(c->talk->say, "%s: %s", c->line->shown, text);
}

/* The signer may take its time, and ask people; until then no other host is
 * spoken to. */
static void
sign_command(struct conn *c)
{
	const struct talk_request *r = c->request;
	struct buf text = BUF_INIT, body = BUF_INIT;
	struct err *e = &c->talk->why;

	if (operator_command_text(c->op, &text, r->command) != 0) {
		c->talk->failed = 1;
		err_set(e, ERR_LOCAL, "no text to sign, or out of memory");
	} else if (signer_sign(r->signer, text.data, text.len, &body, e) != 0) {
		c->talk->failed = 1;
	} else if (buf_append(&body, text.data, text.len) != 0) {
		c->talk->failed = 1;
		err_set(e, ERR_LOCAL, "out of memory");
	} else {
		operator_command_signed(c->op, body.data, body.len);
	}
	buf_free(&text);
	buf_free(&body);
}

static void
on_greeted(void *arg, const struct operator_greeting *g)
{
	struct conn *c = arg;
	const struct talk_request *r = c->request;
	struct host_line *l = c->line;

	l->greeted = 1;
	l->ahead_us = g->time_us - clock_wall_us() - c->talk->behind_us;
	copy(l->name, sizeof l->name, g->host);
	copy(l->program, sizeof l->program, g->program);
	copy(l->version, sizeof l->version, g->version);
	detail(c, "greets as %s, program %s, version %s", l->name,
	    l->program[0] != '\0' ? l->program : "untold",
	    l->version[0] != '\0' ? l->version : "untold");
	if (r->doc != NULL)
		operator_push(c->op, r->doc, r->len, r->head_len, r->wait_ms);
	else if (r->command != NULL)
		sign_command(c);
	else
		operator_read(c->op, r->read);
	l->asked = !c->talk->failed;
}

/* The host has gone on to what comes behind fetching. */
static void
end_fetching(struct conn *c)
{
	struct talk *t = c->talk;

	t->fetched += c->to_fetch - c->fetched;
	c->fetched = c->to_fetch;
	if (t->fetched == t->to_fetch)
		progress_hide(&t->progress);
}

static void
on_server(void *arg, const struct operator_server *s)
{
	struct conn *c = arg;

	end_fetching(c);
	copy(c->line->server, sizeof c->line->server, s->result);
	buf_reset(&c->line->report);
	buf_append(&c->line->report, s->text, s->len);
	/* It comes again when the part is taken back, with no rehearsal. */
	if (s->rehearsed_us >= 0)
		c->line->rehearsed_us = s->rehearsed_us;
	if (s->stall_us >= 0)
		c->line->stall_us = s->stall_us;
	detail(c, "server %s", c->line->server);
}

static void
on_clients(void *arg, const struct operator_progress *p)
{
	struct conn *c = arg;

	end_fetching(c);
	c->line->clients = *p;
	c->line->has_clients = 1;
	detail(c, "%" PRIu64 " of %" PRIu64 " clients still without a result",
	    p->missing, p->targeted);
}

static void
on_package(void *arg, const struct operator_package *p)
{
	struct conn *c = arg;
	struct talk *t = c->talk;

	detail(c, "has %" PRIu64 " of the package's %" PRIu64 " bytes",
	    p->bytes, p->of);
	t->fetched += p->bytes - c->fetched;
	t->to_fetch += p->of - c->to_fetch;
	c->fetched = p->bytes;
	c->to_fetch = p->of;
	progress_moved(&t->progress, t->fetched, t->to_fetch);
}

static void
on_group(void *arg, const char *result, uint64_t count, const char *of,
    const void *text, size_t len)
{
	struct conn *c = arg;
	char word[HOSTS_WORD], who[ERR_TEXT], shown[GROUP_SHOWN];

	if (c->line->groups.len > GROUPS_MAX)
		return;
	copy(word, sizeof word, result);
	copy(who, sizeof who, of);
	text_escape(shown, sizeof shown, text, len, 1);
	buf_printf(&c->line->groups, "%" PRIu64 " %s (%s):\n%s%s", count, word,
	    who, shown,
	    len > 0 && shown[strlen(shown) - 1] == '\n' ? "" : "\n");
}

static void
on_done(void *arg, const char *result, const char *word, const char *text)
{
	struct conn *c = arg;

	c->line->end = HOST_DONE;
	copy(c->line->result, sizeof c->line->result, result);
	copy(c->line->word, sizeof c->line->word, word);
	copy(c->line->text, sizeof c->line->text, text);
	c->ended = 1;
}

static void
on_ok(void *arg, const void *body, size_t len)
{
	struct conn *c = arg;

	c->line->end = HOST_OK;
	buf_reset(&c->line->body);
	if (buf_append(&c->line->body, body, len) != 0) {
		c->talk->failed = 1;
		err_set(&c->talk->why, ERR_LOCAL, "out of memory");
	}
	c->ended = 1;
}

static void
on_error(void *arg, const char *word, const char *text)
{
	struct conn *c = arg;

	if (c->ended) /* the connection's end after the answer */
		return;
	c->line->end = HOST_ERROR;
	copy(c->line->word, sizeof c->line->word, word);
	copy(c->line->text, sizeof c->line->text, text);
	c->ended = 1;
}

/* --- all hosts ----------------------------------------------------------- */

static void
stop(struct conn *c)
{
	if (c->at != NULL)
		attach_operator_stop(c->at);
	operator_free(c->op);
	c->at = NULL;
	c->op = NULL;
}

static int
start(struct talk *t, struct conn *c)
{
	const struct operator_callbacks cb = {c, on_greeted, on_server,
	    on_clients, on_group, on_done, on_ok, on_error, on_package};

	host_line_reset(c->line);
	c->op = operator_new(c->line->target.name, &peer_clock_real, &cb);
	if (c->op != NULL)
		c->at =
		    attach_operator_start(t->attach, c->op, &c->line->target);
	if (c->at != NULL)
		return 0;
	stop(c);
	return -1;
}

static void
on_signal(void *arg, int events)
{
	struct talk *t = arg;

	(void)events;
	if (signals_take(t->signals) != 0)
		t->interrupted = 1;
}

struct talk *
talk_open(const struct say *s, struct err *e)
{
	struct talk *t = calloc(1, sizeof *t);
	enum loop_backend backend;

	if (t == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	t->say = s;
	t->signals = signals_open(e);
	if (t->signals < 0)
		goto fail;
	errno = EINVAL;
	if (loop_backend_parse(&backend, getenv("HOTFIX_LOOP")) == 0)
		t->loop = loop_new(backend);
	if (t->loop != NULL)
		t->attach = attach_new(t->loop);
	if (t->attach == NULL || loop_watch(t->loop, &t->signal_io, t->signals,
				     LOOP_READ, on_signal, t) != 0) {
		err_errno(e, ERR_LOCAL, "the loop");
		goto fail;
	}
	return t;

fail:
	talk_close(t);
	return NULL;
}

void
talk_set_behind(struct talk *t, int64_t behind_us)
{
	t->behind_us = behind_us;
}

int64_t
talk_behind_us(const struct talk *t)
{
	return t->behind_us;
}

void
talk_close(struct talk *t)
{
	if (t == NULL)
		return;
	if (t->attach != NULL)
		attach_free(t->attach);
	if (t->loop != NULL) {
		loop_unwatch(t->loop, &t->signal_io);
		loop_free(t->loop);
	}
	if (t->signals >= 0)
		close(t->signals);
	free(t);
}

/* Stop what ended, report in order. Returns how many have been reported. */
static size_t
settle(struct talk *t, struct conn *conns, size_t n, size_t *reported,
    size_t *running, void (*ended)(void *arg, struct host_line *l), void *arg)
{
	size_t i;

	for (i = *reported; i < n; i++)
		if (conns[i].ended && conns[i].at != NULL) {
			stop(&conns[i]);
			--*running;
		}
	for (; *reported < n && conns[*reported].ended; ++*reported) {
		progress_hide(&t->progress);
		if (ended != NULL)
			ended(arg, conns[*reported].line);
	}
	return *reported;
}

int
talk_to(struct talk *t, struct host_line *lines, size_t n,
    const struct talk_request *r, void (*ended)(void *arg, struct host_line *l),
    void *arg, struct err *e)
{
	struct conn *conns = calloc(n > 0 ? n : 1, sizeof *conns);
	size_t i, started = 0, running = 0, reported = 0;
	char title[PROGRESS_WHAT];
	int ret = -1;

	if (conns == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	for (i = 0; i < n; i++) {
		conns[i].line = &lines[i];
		conns[i].request = r;
		conns[i].talk = t;
		conns[i].ended = lines[i].left_out;
	}
	snprintf(title, sizeof title, "%.*s %s", PROGRESS_WHAT - 9,
	    n == 1 ? lines[0].shown : "hosts", n == 1 ? "fetches" : "fetch");
	progress_open(&t->progress, t->say, title);
	t->fetched = t->to_fetch = 0;
	while (settle(t, conns, n, &reported, &running, ended, arg) < n) {
		if (t->failed) {
			*e = t->why;
			goto out;
		}
		if (t->interrupted) {
			ret = TALK_INTERRUPTED;
			goto out;
		}
		if (started < n && conns[started].ended) {
			started++;
			continue;
		}
		if (started < n && running < TALK_AT_ONCE) {
			if (start(t, &conns[started]) != 0) {
				err_set(e, ERR_LOCAL, "out of memory");
				goto out;
			}
			started++;
			running++;
			continue;
		}
		if (loop_once(t->loop, -1) != 0 && errno != EINTR) {
			err_errno(e, ERR_LOCAL, "waiting");
			goto out;
		}
	}
	ret = 0;
out:
	progress_hide(&t->progress);
	for (i = 0; i < started; i++)
		stop(&conns[i]);
	free(conns);
	return ret;
}
