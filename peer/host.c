/*
 * The host: connections, their frames and deadlines, and what the program
 * calls. What a frame means is in the files next to this one.
 */

#include "peer/host_internal.h"
#include "base/hex.h"
#include "base/num.h"
#include "base/random.h"
#include "base/text.h"
#include "base/timetext.h"

#include <stdarg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t
host_now_ns(const struct host *h)
{
	return h->clock.mono_ns(h->clock.arg);
}

int64_t
host_now_us(const struct host *h)
{
	return h->clock.wall_us(h->clock.arg);
}

void
host_log(struct host *h, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (h->cb.log == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	h->cb.log(h->cb.arg, line);
}

void
host_log_refusal(struct host *h, const char *fmt, ...)
{
	int64_t second = host_now_ns(h) / HOST_SECOND_NS;
	char line[1024];
	va_list ap;

	if (second != h->refusal_s) {
		if (h->refusals_hidden > 0)
			host_log(h, "%u more refusals were not logged",
			    h->refusals_hidden);
		h->refusal_s = second;
		h->refusals_logged = h->refusals_hidden = 0;
	}
	if (h->refusals_logged++ >= HOST_LOG_RATE) {
		h->refusals_hidden++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	host_log(h, "%s", line);
}

static void
rearm(struct host *h)
{
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
}

struct catalog_end
host_end(const struct host *h)
{
	struct catalog_end end = {1, h->program, h->version, ""};

	return end;
}

/* ---- deadlines ---------------------------------------------------------- */

void
host_arm(struct host_conn *c)
{
	struct host *h = c->host;
	int64_t received = (int64_t)c->link.in.body.len;
	int64_t deadline;

	if (c->denied)
		return;
	if (c->role == ROLE_CLIENT || c->link.state != LINK_OPEN ||
	    (c->link.paused && !c->choked)) {
		heap_remove(&h->timers, &c->timer);
		return;
	}
	if (c->body_ns != 0)
		deadline = c->body_ns + HOST_BODY_NS +
			   received * (HOST_SECOND_NS / HOST_BODY_RATE);
	else if (c->frame_ns != 0)
		deadline = c->frame_ns + HOST_HEAD_NS;
	else
		deadline = c->idle_ns + HOST_IDLE_NS;
	if (heap_set(&h->timers, &c->timer, deadline) != 0) {
		link_kill(&c->link);
		return;
	}
	rearm(h);
}

static void
conn_tick(struct host_conn *c)
{
	if (c->denied) {
		host_login_late(c);
		return;
	}
	/* More of a body may have arrived since the timer was set. */
	host_arm(c);
	if (c->timer.place != 0 && c->timer.deadline_ns > host_now_ns(c->host))
		return;
	heap_remove(&c->host->timers, &c->timer);
	host_refuse(c, WORD_TIMEOUT,
	    c->frame_ns != 0 ? "the frame came too slowly"
			     : "nothing was asked for 30 s");
}

/* When it is time to look at the wall clock for a "by"; -1: never. */
static int64_t
by_next_ns(const struct host *h)
{
	int64_t left_us;

	if (h->by_us == 0)
		return -1;
	left_us = h->by_us - host_now_us(h);
	if (left_us < 0)
		left_us = 0;
	if (left_us > HOST_LOOK_NS / 1000)
		left_us = HOST_LOOK_NS / 1000;
	return host_now_ns(h) + left_us * 1000;
}

/* The earlier of two instants, -1 being none. */
static int64_t
earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

int64_t
host_next_ns(const struct host *h)
{
	const struct heap_item *it = heap_first(&h->timers);
	int64_t next = h->push != NULL ? h->push->next_ns : -1;

	next = earlier(next, h->late_ns);
	next = earlier(next, by_next_ns(h));
	next = earlier(next, h->proven_ns);
	next = earlier(next, host_package_next_ns(h));
	next = earlier(next, host_time_next_ns(h));
	return earlier(next, it != NULL ? it->deadline_ns : -1);
}

/* The owner of a timer. */
#define CONN_OF(item)              \
	((struct host_conn *)(void \
		*)((char *)(item)-offsetof(struct host_conn, timer)))

void
host_tick(struct host *h)
{
	int64_t now = host_now_ns(h);
	struct heap_item *it;

	while ((it = heap_first(&h->timers)) != NULL && it->deadline_ns <= now)
		conn_tick(CONN_OF(it));
	if (h->push != NULL && h->push->next_ns >= 0 && h->push->next_ns <= now)
		push_tick(h->push);
	if (h->late_ns >= 0 && h->late_ns <= now)
		push_record_late(h);
	host_time_tick(h);
	host_package_tick(h);
	server_tick(h);
	mark_tick(h);
}

/* ---- frames ------------------------------------------------------------- */

void
host_refuse(struct host_conn *c, enum word w, const char *text)
{
	c->host->refusals++;
	link_send_error(&c->link, w, text);
	link_end(&c->link);
	host_arm(c);
}

enum verb {
	VERB_LOGIN,
	VERB_PUSH,
	VERB_COMMAND,
	VERB_STATUS,
	VERB_LOG,
	VERB_CLIENTS,
	VERB_PING,
	VERB_BYE,
	VERB_ERROR,
	VERB_RESULT,
	VERB_MESSAGE,
	VERB_COUNT,
};

enum { FOR_NONE = 1, FOR_CLIENT = 2, FOR_OPERATOR = 4, ONLY_OPEN = 8 };

/* Who may say what; taking a verb that only operators have makes one. */
static const struct {
	const char *name;
	int who;
} verbs[VERB_COUNT] = {
    {"LOGIN", FOR_NONE},
    {"PUSH", FOR_NONE | FOR_OPERATOR | ONLY_OPEN},
    {"COMMAND", FOR_NONE | FOR_OPERATOR},
    {"STATUS", FOR_NONE | FOR_OPERATOR | ONLY_OPEN},
    {"LOG", FOR_NONE | FOR_OPERATOR | ONLY_OPEN},
    {"CLIENTS", FOR_NONE | FOR_OPERATOR | ONLY_OPEN},
    {"PING", FOR_NONE | FOR_CLIENT | FOR_OPERATOR},
    {"BYE", FOR_NONE | FOR_CLIENT | FOR_OPERATOR},
    {"ERROR", FOR_NONE | FOR_CLIENT | FOR_OPERATOR},
    {"RESULT", FOR_CLIENT},
    {"MESSAGE", FOR_CLIENT},
};

/* VERB_COUNT: not one for this connection. */
static enum verb
find_verb(const struct host_conn *c, const struct frame *f)
{
	static const int role_bit[] = {FOR_NONE, FOR_CLIENT, FOR_OPERATOR};
	int v;

	for (v = 0; v < VERB_COUNT; v++)
		if (frame_is(f, verbs[v].name) &&
		    (verbs[v].who & role_bit[c->role]))
			break;
	return (enum verb)v;
}

/* The first line is complete: who is not to be heard is gone at once. */
static void
on_verb(struct host_conn *c, const struct frame *f)
{
	enum verb v = find_verb(c, f);

	c->unknown_verb = v == VERB_COUNT;
	if (v == VERB_COUNT) {
		if (c->role != ROLE_CLIENT)
			host_refuse(c, WORD_UNKNOWN_VERB, NULL);
		return;
	}
	/* An opening may have ended since this connection became one of an
	 * operator's; COMMAND looks for itself. */
	if (((verbs[v].who & ONLY_OPEN) ||
		(c->role == ROLE_OPERATOR && v != VERB_COMMAND)) &&
	    !oper_is_open(c->host, &c->peer)) {
		host_refuse(c, WORD_CLOSED,
		    "the operator interface is not open for this address");
		return;
	}
	if (verbs[v].who & FOR_OPERATOR && !(verbs[v].who & FOR_CLIENT))
		c->role = ROLE_OPERATOR;
}

/* A PUSH announces how long its head is, to be looked at early. */
static void
on_push_head(struct host_conn *c, const struct frame *f)
{
	const struct frame_text *t = frame_get(f, "head");
	uint64_t n;
	enum num_result r;

	r = t != NULL ? num_parse(t->s, t->len, DOC_HEAD_MAX, &n) : NUM_SYNTAX;
	if (r == NUM_RANGE) {
		host_refuse(c, WORD_TOO_LARGE, "head: more than 16384 bytes");
		return;
	}
	if (r != NUM_OK || n == 0 || n > f->body_len) {
		host_refuse(c, WORD_SYNTAX,
		    "head: not the length of the document's head");
		return;
	}
	c->link.in.body_max = c->host->body_max;
	c->link.in.wake_at = n;
}

static void
on_head(struct host_conn *c, const struct frame *f)
{
	c->body_ns = host_now_ns(c->host);
	c->link.in.body_max = FRAME_BODY_LOGIN;
	if (c->unknown_verb)
		return;
	if (frame_is(f, "PUSH"))
		on_push_head(c, f);
	else if (frame_is(f, "MESSAGE"))
		c->link.in.body_max = c->host->body_max;
}

/* What clients have begun and not finished is bounded together; a small body
 * always has its place. */
static void
count_body(struct host_conn *c)
{
	struct host *h = c->host;
	size_t held = c->role == ROLE_CLIENT ? c->link.in.body.cap : 0;

	h->bodies += held - c->body_held;
	c->body_held = held;
	if (h->bodies > HOST_BODIES && held > HOST_BODY_SMALL &&
	    c->link.state == LINK_OPEN)
		host_refuse(c, WORD_FULL, "too many unfinished bodies");
}

/* Once its key and signature are known to be good, incoming is there. */
static void
refuse_push(struct host_conn *c, enum word w, const char *text)
{
	const struct doc *d = c->incoming;
	struct buf b = BUF_INIT;
	char ip[SOCK_TEXT];

	c->host->refusals++;
	sock_ip_format(ip, &c->peer);
	if (d != NULL) {
		host_log_refusal(c->host,
		    "document %" PRIu64 " from %s refused: %s: %s", d->id, ip,
		    word_name(w), text);
		push_note_refused(c->host, d, ip, w, text);
	} else {
		host_log_refusal(c->host, "push from %s refused: %s: %s", ip,
		    word_name(w), text);
	}
	frame_begin(&b, "DONE");
	frame_arg(&b, "refused");
	frame_arg(&b, "%s", word_name(w));
	if (text[0] != '\0')
		frame_put(&b, "text", "%s", text);
	frame_end(&b);
	link_send_buf(&c->link, &b);
	buf_free(&b);
	link_end(&c->link);
	host_arm(c);
}

/* The head of a PUSH has arrived: nothing more is read of a document that is
 * not good. */
static void
on_push_verify(struct host_conn *c, size_t head_len)
{
	struct refusal why = {WORD_OK, ""};
	const uint8_t *head = c->link.in.body.data;
	enum word w;

	if (doc_head_length(head, head_len) != head_len) {
		refuse_push(c, WORD_SYNTAX,
		    "the head does not end where head: says");
		return;
	}
	w = doc_open(&c->incoming, head, head_len, &c->host->keys, &why);
	if (w == WORD_OK)
		w = push_admit(c->host, c->incoming, 0, &why);
	/* The document says how long it is; no more than that is read. */
	if ((w == WORD_OK || w == WORD_HAVE) &&
	    c->link.in.frame.body_len - head_len != c->incoming->body_len)
		w = refuse(&why, WORD_BAD_DIGEST,
		    "the parts are not as long as the head says");
	if (w != WORD_OK && w != WORD_HAVE)
		refuse_push(c, w, why.text);
}

static void
on_push(struct host_conn *c, const struct frame *f)
{
	const struct frame_text *t = frame_get(f, "head");
	struct refusal why = {WORD_OK, ""};
	struct doc *d;
	uint64_t n = 0;
	enum word w;

	num_parse(t->s, t->len, DOC_HEAD_MAX, &n);
	if (c->incoming == NULL)
		return;
	w = doc_check_body(c->incoming, -1, f->body + n,
	    (size_t)(f->body_len - n), &why);
	/* What is held already is that, whatever comes behind its head. */
	if (w != WORD_OK &&
	    push_admit(c->host, c->incoming, 0, NULL) != WORD_HAVE) {
		refuse_push(c, w, why.text);
		return;
	}
	d = c->incoming;
	c->incoming = NULL;
	push_start(c->host, c, d, f->body + n, (size_t)(f->body_len - n), NULL);
}

static void
on_message(struct host_conn *c, const struct frame *f)
{
	const struct host *h = c->host;

	if (!f->has_body) {
		host_refuse(c, WORD_SYNTAX, "MESSAGE without a body");
		return;
	}
	if (h->cb.message != NULL)
		h->cb.message(h->cb.arg, c->session->id, f->body,
		    (size_t)f->body_len);
}

static void
on_ping(struct host_conn *c, const struct frame *f)
{
	struct buf b = BUF_INIT;
	size_t i;

	frame_begin(&b, "PONG");
	for (i = 0; i < f->nargs; i++)
		frame_arg(&b, "%s", f->args[i].s);
	frame_end(&b);
	link_send_buf(&c->link, &b);
	buf_free(&b);
}

static void
on_frame(struct host_conn *c, const struct frame *f)
{
	c->frame_ns = c->body_ns = 0;
	c->idle_ns = host_now_ns(c->host);
	if (c->unknown_verb) {
		link_send_error(&c->link, WORD_UNKNOWN_VERB, NULL);
		return;
	}
	switch (find_verb(c, f)) {
	case VERB_LOGIN:
		host_login(c, f);
		break;
	case VERB_PUSH:
		on_push(c, f);
		break;
	case VERB_COMMAND:
		oper_command(c, f);
		break;
	case VERB_STATUS:
		oper_status(c);
		break;
	case VERB_LOG:
		oper_log(c, f);
		break;
	case VERB_CLIENTS:
		oper_clients(c);
		break;
	case VERB_PING:
		on_ping(c, f);
		break;
	case VERB_RESULT:
		push_result(c, f);
		break;
	case VERB_MESSAGE:
		on_message(c, f);
		break;
	case VERB_BYE:
	case VERB_ERROR: /* what it says before it closes */
	case VERB_COUNT: /* COMMAND made an operator of it: cannot be */
		link_end(&c->link);
		break;
	}
}

/* Who does not read the answers is asked nothing more. */
static void
choke(struct host_conn *c)
{
	if (c->role == ROLE_CLIENT || c->link.state != LINK_OPEN ||
	    c->link.paused || c->link.queued <= HOST_UNREAD)
		return;
	c->choked = 1;
	link_pause(&c->link);
}

static void
on_drained(void *arg)
{
	struct host_conn *c = arg;

	if (!c->choked)
		return;
	c->choked = 0;
	c->idle_ns = host_now_ns(c->host);
	link_resume(&c->link);
	host_arm(c);
}

static void
on_event(void *arg, enum frame_event ev, const struct frame *f)
{
	struct host_conn *c = arg;

	if (c->frame_ns == 0)
		c->frame_ns = host_now_ns(c->host);
	switch (ev) {
	case FRAME_MORE: /* on_more */
		break;
	case FRAME_VERB:
		on_verb(c, f);
		break;
	case FRAME_HEAD:
		on_head(c, f);
		break;
	case FRAME_BODY:
		on_push_verify(c, c->link.in.body.len);
		break;
	case FRAME_DONE:
		on_frame(c, f);
		choke(c);
		break;
	case FRAME_SYNTAX:
		host_refuse(c, WORD_SYNTAX, NULL);
		break;
	case FRAME_TOO_LARGE:
		host_refuse(c, WORD_TOO_LARGE, NULL);
		break;
	case FRAME_NOMEM:
		host_refuse(c, WORD_INTERNAL, "out of memory");
		break;
	}
	count_body(c);
	host_arm(c);
}

/* Input without news: has a frame begun? */
static void
on_more(void *arg)
{
	struct host_conn *c = arg;

	if (frame_reader_is_idle(&c->link.in))
		c->frame_ns = 0;
	else if (c->frame_ns == 0)
		c->frame_ns = host_now_ns(c->host);
	count_body(c);
	host_arm(c);
}

/* ---- connections -------------------------------------------------------- */

/* Who comes from here; forgotten addresses make room. NULL: no memory. */
static struct address *
address_get(struct host *h, const struct sock_addr *peer)
{
	struct address *a;
	char ip[SOCK_TEXT];
	size_t at = 0;

	sock_ip_format(ip, peer);
	a = map_get(&h->addresses, ip, strlen(ip));
	if (a != NULL)
		return a;
	if (h->addresses.used >= HOST_ADDRESSES)
		while ((a = map_next(&h->addresses, &at)) != NULL)
			if (a->waiting == 0) {
				map_remove(&h->addresses, a->ip, strlen(a->ip));
				free(a);
			}
	a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	memcpy(a->ip, ip, sizeof ip);
	if (map_put(&h->addresses, a->ip, strlen(a->ip), a) != 0) {
		free(a);
		return NULL;
	}
	return a;
}

static void
greet(struct host_conn *c)
{
	const struct host *h = c->host;
	char time[TIMETEXT_SIZE];
	struct buf b = BUF_INIT;

	frame_begin(&b, "HOTFIX");
	frame_arg(&b, "1");
	if (h->name[0] != '\0')
		frame_put(&b, "host", "%s", h->name);
	if (h->program[0] != '\0')
		frame_put(&b, "program", "%s", h->program);
	if (h->version[0] != '\0')
		frame_put(&b, "version", "%s", h->version);
	if (h->zone[0] != '\0')
		frame_put(&b, "zone", "%s", h->zone);
	frame_put(&b, "nonce", "%s", c->nonce);
	frame_put(&b, "time", "%s", timetext_format(host_now_us(h), time));
	frame_end(&b);
	link_send_buf(&c->link, &b);
	buf_free(&b);
}

struct host_conn *
host_conn_new(struct host *h, const struct sock_addr *peer, struct buf *refusal)
{
	uint8_t nonce[COMMAND_NONCE];
	struct host_conn *c = NULL;
	struct address *from = NULL;

	if (h->nconns >= h->max_conns)
		goto full;
	/* Operators' addresses may open as many as they like, and find a
	 * place when players have taken all others. */
	if (!oper_is_open(h, peer)) {
		if (h->nconns + HOST_RESERVE >= h->max_conns)
			goto full;
		from = address_get(h, peer);
		if (from == NULL || from->waiting >= h->max_waiting)
			goto full;
	}
	c = calloc(1, sizeof *c);
	if (c == NULL || random_bytes(nonce, sizeof nonce) != 0)
		goto full;
	c->host = h;
	c->peer = *peer;
	c->from = from;
	c->seq = 1;
	c->idle_ns = host_now_ns(h);
	hex_encode(c->nonce, nonce, sizeof nonce);
	link_init(&c->link, on_event, c, FRAME_BODY_LOGIN);
	c->link.more = on_more;
	c->link.drained = on_drained;
	if (from != NULL)
		from->waiting++;
	c->next = h->conns;
	if (h->conns != NULL)
		h->conns->prev = c;
	h->conns = c;
	h->nconns++;
	greet(c);
	host_arm(c);
	return c;

full:
	free(c);
	frame_begin(refusal, "ERROR");
	frame_arg(refusal, "%s", word_name(WORD_FULL));
	frame_end(refusal);
	return NULL;
}

struct link *
host_conn_link(struct host_conn *c)
{
	return &c->link;
}

void
host_conn_close(struct host_conn *c, const char *why)
{
	struct host *h = c->host;

	host_logout(c, why);
	push_gone(h, c);
	if (c->from != NULL)
		c->from->waiting--;
	heap_remove(&h->timers, &c->timer);
	h->bodies -= c->body_held;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		h->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	h->nconns--;
	doc_free(c->incoming);
	link_free(&c->link);
	free(c);
}

/* ---- from the program --------------------------------------------------- */

static struct blob *
message_frame(const void *bytes, size_t len)
{
	struct buf b = BUF_INIT;
	struct blob *frame = NULL;

	frame_begin(&b, "MESSAGE");
	frame_body(&b, bytes, len);
	if (!b.oom)
		frame = blob_new(b.data, b.len);
	buf_free(&b);
	return frame;
}

int
host_send(struct host *h, const char *client, const void *bytes, size_t len)
{
	struct host_conn *c = map_get(&h->sessions, client, strlen(client));
	struct blob *frame;

	if (c == NULL)
		return -1;
	frame = message_frame(bytes, len);
	return frame != NULL ? link_send(&c->link, frame) : -1;
}

void
host_broadcast(struct host *h, const void *bytes, size_t len)
{
	struct blob *frame = message_frame(bytes, len);
	struct host_conn *c;

	if (frame == NULL) {
		host_log(h, "broadcast of %zu bytes: out of memory", len);
		return;
	}
	for (c = h->conns; c != NULL; c = c->next)
		if (c->role == ROLE_CLIENT && c->link.state == LINK_OPEN)
			link_send(&c->link, blob_hold(frame));
	blob_drop(frame);
}

void
host_clients(struct host *h, void (*each)(void *cookie, const char *id),
    void *cookie)
{
	struct host_conn *c;
	size_t at = 0;

	while ((c = map_next(&h->sessions, &at)) != NULL)
		each(cookie, c->session->id);
}

int
host_has(struct host *h, const char *client, const char *feature)
{
	const struct host_conn *c =
	    map_get(&h->sessions, client, strlen(client));
	const struct record *r;
	size_t i;

	if (c == NULL)
		return 0;
	for (i = 0; i < c->session->have.n; i++) {
		r = catalog_find(&h->catalog, c->session->have.v[i]);
		if (r != NULL && strcmp(state_feature_of(r), feature) == 0)
			return 1;
	}
	return 0;
}

void
host_shutdown(struct host *h)
{
	struct host_conn *c;

	push_shutdown(h);
	if (h->begun)
		mark_all(h);
	if (h->late_ns >= 0)
		push_record_late(h); /* they would be lost */
	for (c = h->conns; c != NULL; c = c->next) {
		if (c->link.state != LINK_OPEN)
			continue;
		link_send_error(&c->link, WORD_SHUTDOWN, NULL);
		link_end(&c->link);
		host_arm(c);
	}
}

size_t
host_nclients(const struct host *h)
{
	return h->nclients;
}

size_t
host_nconns(const struct host *h)
{
	return h->nconns;
}

/* ---- life --------------------------------------------------------------- */

static char *
copy_text(const char *s)
{
	return strdup(s != NULL ? s : "");
}

static int
copy_config(struct host *h, const struct host_config *cfg)
{
	h->name = copy_text(cfg->name);
	h->program = copy_text(cfg->program);
	h->version = copy_text(cfg->version);
	h->zone = copy_text(cfg->zone);
	if (h->name == NULL || h->program == NULL || h->version == NULL ||
	    h->zone == NULL)
		return -1;
	if (cfg->nallow > 0) {
		h->allow = malloc(cfg->nallow * sizeof *h->allow);
		if (h->allow == NULL)
			return -1;
		memcpy(h->allow, cfg->allow, cfg->nallow * sizeof *h->allow);
		h->nallow = cfg->nallow;
	}
	if (cfg->nskip > 0) {
		h->skip = malloc(cfg->nskip * sizeof *h->skip);
		if (h->skip == NULL)
			return -1;
		memcpy(h->skip, cfg->skip, cfg->nskip * sizeof *h->skip);
		h->nskip = cfg->nskip;
	}
	h->allow_none = cfg->allow_none;
	h->no_script = cfg->no_script;
	h->max_conns = cfg->max_conns > 0 ? cfg->max_conns : HOST_CONNS;
	h->max_waiting = cfg->max_waiting > 0 ? cfg->max_waiting : HOST_WAITING;
	h->body_max = cfg->body_max > 0 ? cfg->body_max : FRAME_BODY_MAX;
	h->floor_us = cfg->floor_us;
	h->clock = cfg->clock;
	h->cb = cfg->cb;
	h->started_us = host_now_us(h);
	h->late_ns = -1;
	h->late_wait_ns = HOST_LATE_NS;
	h->proven_ns = -1;
	return 0;
}

struct host *
host_new(const struct host_config *cfg, struct err *e)
{
	struct host *h = calloc(1, sizeof *h);

	if (h == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	catalog_init(&h->catalog);
	if (cfg->keys != NULL) {
		h->keys = *cfg->keys;
		memset(cfg->keys, 0, sizeof *cfg->keys);
	}
	if (copy_config(h, cfg) != 0 || map_init(&h->sessions) != 0 ||
	    map_init(&h->addresses) != 0) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto fail;
	}
	if (state_open(h, cfg->state_dir, e) != 0)
		goto fail;
	return h;

fail:
	host_free(h);
	return NULL;
}

void
host_free(struct host *h)
{
	struct address *a;
	struct push *p;
	size_t i, at = 0;

	if (h == NULL)
		return;
	/* A process that ends in order has not crashed. */
	if (h->begun)
		mark_all(h);
	push_free(h->push);
	host_package_free(h);
	while ((p = h->queue) != NULL) {
		h->queue = p->next;
		push_free(p);
	}
	while ((a = map_next(&h->addresses, &at)) != NULL)
		free(a);
	map_free(&h->addresses);
	map_free(&h->sessions);
	heap_free(&h->timers);
	for (i = 0; i < h->catalog.n; i++)
		state_note_free(h->catalog.records[i]);
	catalog_free(&h->catalog);
	host_time_close(h);
	journal_close(h->journal);
	keyring_free(&h->keys);
	free(h->accepted);
	free(h->skip);
	free(h->allow);
	free(h->name);
	free(h->program);
	free(h->version);
	free(h->zone);
	free(h);
}
