/*
 * Logins: is it who it says, and what does it get. What runs on a client is
 * kept per session.
 */

#include "peer/host_internal.h"
#include "base/hex.h"
#include "base/num.h"
#include "base/timetext.h"
#include "crypto/hmac.h"
#include "crypto/wipe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PROOF_DIGITS (2 * HMAC_SIZE)

/* ---- what runs there ---------------------------------------------------- */

int
session_holds(const struct session *s, uint64_t id)
{
	return ids_has(&s->have, id) || ids_has(&s->waiting, id);
}

struct catalog_end
session_end(const struct session *s)
{
	struct catalog_end end = {0, s->program, s->version, s->platform};

	return end;
}

/* A result is due from it. 0 or -1: out of memory. */
static int
expect(struct session *s, uint64_t id, enum asked asked, enum result last)
{
	struct awaited *p;
	size_t cap;

	if (s->nawaited == s->cap_awaited) {
		cap = s->cap_awaited > 0 ? s->cap_awaited * 2 : 4;
		p = realloc(s->awaited, cap * sizeof *p);
		if (p == NULL)
			return -1;
		s->awaited = p;
		s->cap_awaited = cap;
	}
	s->awaited[s->nawaited].id = id;
	s->awaited[s->nawaited].asked = asked;
	s->awaited[s->nawaited].last = last;
	s->nawaited++;
	return 0;
}

void
session_send(struct host_conn *c, struct blob *frame, uint64_t id,
    enum asked asked)
{
	if (frame == NULL) {
		link_kill(&c->link);
		return;
	}
	if (expect(c->session, id, asked, RESULT_NONE) != 0) {
		blob_drop(frame);
		link_kill(&c->link);
		return;
	}
	if (link_send(&c->link, frame) != 0)
		c->session->nawaited--;
}

static void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	ids_free(&s->have);
	ids_free(&s->waiting);
	free(s->awaited);
	free(s);
}

/* ---- the frame ---------------------------------------------------------- */

struct login { /* a LOGIN, checked for form */
	struct frame_text id, program, version, platform, release;
	struct frame_text have, waiting, proof;
	int has_proof;
};

static int
take(struct frame_text *out, const struct frame *f, const char *name,
    size_t max)
{
	static const struct frame_text empty = {"", 0};
	const struct frame_text *t = frame_get(f, name);

	*out = t != NULL ? *t : empty;
	return out->len <= max ? 0 : -1;
}

/* Ids parted by one space; each is handed to each, when there is one. */
static int
walk_ids(const struct frame_text *list, int (*each)(void *arg, uint64_t id),
    void *arg)
{
	const char *p = list->s;
	size_t left = list->len, n;
	const char *space;
	uint64_t id;

	while (left > 0) {
		space = memchr(p, ' ', left);
		n = space != NULL ? (size_t)(space - p) : left;
		if (num_parse(p, n, INT64_MAX, &id) != NUM_OK)
			return -1;
		if (each != NULL && each(arg, id) != 0)
			return -1;
		p += n;
		left -= n;
		if (left > 0) {
			p++;
			if (--left == 0)
				return -1; /* a space at the end */
		}
	}
	return 0;
}

/* NULL, or what is wrong with it. */
static const char *
parse_login(struct login *l, const struct frame *f)
{
	const struct frame_text *t;
	int64_t last;

	if (f->nargs != 1)
		return "LOGIN takes one id";
	if (f->args[0].len > HOST_ID)
		return "the id is longer than 128 bytes";
	l->id = f->args[0];
	if (take(&l->program, f, "program", HOST_LABEL) != 0 ||
	    take(&l->version, f, "version", HOST_LABEL) != 0 ||
	    take(&l->platform, f, "platform", HOST_LABEL) != 0 ||
	    take(&l->release, f, "release", HOST_LABEL) != 0)
		return "program, version, platform or release is longer than "
		       "64 bytes";
	take(&l->have, f, "have", FRAME_LINE);
	take(&l->waiting, f, "waiting", FRAME_LINE);
	if (walk_ids(&l->have, NULL, NULL) != 0 ||
	    walk_ids(&l->waiting, NULL, NULL) != 0)
		return "have or waiting is not a list of ids";
	t = frame_get(f, "last");
	if (t != NULL && timetext_parse(t->s, t->len, &last) != 0)
		return "last is not an instant";
	t = frame_get(f, "proof");
	l->has_proof = t != NULL;
	if (t != NULL)
		l->proof = *t;
	return NULL;
}

/* 1 when the proof is the one of this token. */
static int
proof_is_good(const struct host_conn *c, const struct login *l,
    const struct buf *token)
{
	uint8_t told[HMAC_SIZE], want[HMAC_SIZE];
	const char *name = c->host->name;
	struct hmac m;
	int good;

	if (!l->has_proof || l->proof.len != PROOF_DIGITS ||
	    hex_decode(told, sizeof told, l->proof.s, l->proof.len) != 0)
		return 0;
	hmac_init(&m, token->data, token->len);
	hmac_update(&m, c->nonce, strlen(c->nonce));
	hmac_update(&m, "\n", 1);
	hmac_update(&m, name, strlen(name));
	hmac_update(&m, "\n", 1);
	hmac_update(&m, l->id.s, l->id.len);
	hmac_final(want, &m);
	good = crypto_equal(told, want, sizeof want);
	crypto_wipe(want, sizeof want);
	return good;
}

static int
may_enter(struct host_conn *c, const struct login *l)
{
	const struct host *h = c->host;
	struct host_login info = {
	    l->id.s, l->program.s, l->version.s, l->platform.s, NULL};
	struct buf token = BUF_INIT;
	char ip[SOCK_TEXT];
	int r;

	if (h->cb.login == NULL)
		return 1;
	info.address = sock_ip_format(ip, &c->peer);
	r = h->cb.login(h->cb.arg, &info, &token);
	if (r > 0)
		r = !token.oom && proof_is_good(c, l, &token);
	else
		r = r == 0;
	if (token.data != NULL)
		crypto_wipe(token.data, token.cap);
	buf_free(&token);
	return r;
}

/* ---- refusal ------------------------------------------------------------ */

/* Guessing gets slower: the answer to a failed login comes late when others
 * from the same address failed before it. Who logs in well does not wait. */
static void
deny(struct host_conn *c, const struct login *l)
{
	struct host *h = c->host;
	struct address *a = c->from;
	int64_t now = host_now_ns(h), delay = 0;
	char ip[SOCK_TEXT];
	unsigned shift;

	host_log_refusal(h, "login of %.*s from %s denied", (int)l->id.len,
	    l->id.s, sock_ip_format(ip, &c->peer));
	if (a != NULL) {
		if (now - a->last_failure_ns > HOST_FAILURE_KEEP_NS)
			a->failures = 0;
		if (a->failures >= HOST_FREE_FAILURES) {
			shift = a->failures - HOST_FREE_FAILURES;
			delay = shift < 5 ? HOST_SECOND_NS << shift
					  : HOST_FAILURE_MAX_NS;
		}
		a->failures++;
		a->last_failure_ns = now;
	}
	link_pause(&c->link);
	if (delay == 0 || heap_set(&h->timers, &c->timer, now + delay) != 0) {
		host_login_late(c);
		return;
	}
	c->denied = 1;
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
}

void
host_login_late(struct host_conn *c)
{
	heap_remove(&c->host->timers, &c->timer);
	c->denied = 0;
	host_refuse(c, WORD_DENIED, NULL);
}

/* ---- welcome ------------------------------------------------------------ */

/* What a client that comes in is sent. */
enum due { DUE_NOTHING, DUE_UPDATE, DUE_REVERT, DUE_RETIREMENT };

/* 1 when one of these is an older document of the record's feature. */
static int
has_older(const struct host *h, const struct ids *ids, const struct record *r)
{
	const struct record *old;
	size_t i;

	for (i = 0; i < ids->n && ids->v[i] < r->id; i++) {
		old = catalog_find(&h->catalog, ids->v[i]);
		if (old != NULL && state_same_feature(old, r))
			return 1;
	}
	return 0;
}

int
session_needs_revert(const struct host *h, const struct session *s,
    const struct record *r)
{
	struct catalog_end end = session_end(s);

	if (r->state != RECORD_REVERTED || r->by == NULL ||
	    !catalog_counts(r, &end) ||
	    catalog_newest(&h->catalog, r->doc->feature, &end) != r)
		return 0;
	return has_older(h, &s->have, r) || has_older(h, &s->waiting, r);
}

static enum due
what_is_due(const struct host_conn *c, const struct record *r)
{
	const struct host *h = c->host;
	struct catalog_end end = session_end(c->session);
	int has = session_holds(c->session, r->id);

	switch (r->state) {
	case RECORD_LIVE:
		return !has && catalog_is_given(&h->catalog, r, &end,
				   host_late_us(h))
			   ? DUE_UPDATE
			   : DUE_NOTHING;
	case RECORD_RETIRED:
		return has && r->by != NULL ? DUE_RETIREMENT : DUE_NOTHING;
	case RECORD_REVERTED:
		return (has && r->by != NULL) ||
			       session_needs_revert(h, c->session, r)
			   ? DUE_REVERT
			   : DUE_NOTHING;
	case RECORD_TAKEN_BACK:
		return has && host_now_us(h) < r->take_back_until_us
			   ? DUE_REVERT
			   : DUE_NOTHING;
	case RECORD_PENDING:
	case RECORD_COVERED:
		return DUE_NOTHING;
	}
	return DUE_NOTHING;
}

struct due_frame {
	uint64_t order; /* the id of the signed document that is sent */
	enum due due;
	struct record *record;
	struct blob *frame;
};

static int
by_order(const void *a, const void *b)
{
	const struct due_frame *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

/* A hold of the frame; NULL: out of memory. */
static struct blob *
due_blob(const struct host *h, const struct due_frame *f)
{
	struct record *r = f->record;

	switch (f->due) {
	case DUE_UPDATE:
		return push_update_frame(h, r);
	case DUE_REVERT:
		return push_revert_frame(r->id, r->by);
	case DUE_RETIREMENT:
		return push_retirement_frame(r->by);
	case DUE_NOTHING:
		break;
	}
	return NULL;
}

static void
send_due(struct host_conn *c, const struct due_frame *f)
{
	uint64_t id =
	    f->due == DUE_RETIREMENT ? f->record->by->id : f->record->id;

	session_send(c, f->frame, id,
	    f->due == DUE_REVERT ? ASKED_REVERT : ASKED_UPDATE);
}

/*
 * The welcome and what is due, in the order in which it was signed: a client
 * takes nothing that is older than what it has of a feature, and a revert
 * may be younger than a document that is due too.
 */
static int
welcome(struct host_conn *c)
{
	const struct catalog *cat = &c->host->catalog;
	struct due_frame *frames = NULL;
	struct buf b = BUF_INIT;
	size_t i, n = 0, bytes = 0;

	for (i = 0; i < cat->n; i++)
		n += what_is_due(c, cat->records[i]) != DUE_NOTHING;
	if (n > 0) {
		frames = malloc(n * sizeof *frames);
		if (frames == NULL)
			return -1;
	}
	for (i = 0, n = 0; i < cat->n; i++) {
		struct record *r = cat->records[i];
		enum due due = what_is_due(c, r);

		if (due == DUE_NOTHING)
			continue;
		frames[n].due = due;
		frames[n].record = r;
		frames[n].order =
		    due == DUE_UPDATE || r->by == NULL ? r->id : r->by->id;
		frames[n].frame = due_blob(c->host, &frames[n]);
		bytes += frames[n].frame != NULL ? frames[n].frame->len : 0;
		n++;
	}
	if (n > 0)
		qsort(frames, n, sizeof *frames, by_order);
	frame_begin(&b, "WELCOME");
	frame_arg(&b, "%s", c->session->id);
	frame_put(&b, "updates", "%zu", n);
	frame_end(&b);
	link_allow(&c->link, bytes);
	link_send_buf(&c->link, &b);
	buf_free(&b);
	for (i = 0; i < n; i++)
		send_due(c, &frames[i]);
	free(frames);
	return 0;
}

static const char *
keep_text(char **at, const struct frame_text *t)
{
	char *s = *at;

	memcpy(s, t->s, t->len);
	s[t->len] = '\0';
	*at += t->len + 1;
	return s;
}

struct known {
	const struct host *host;
	struct session *session;
};

static int
keep_id(void *arg, uint64_t id)
{
	struct known *k = arg;

	if (catalog_find(&k->host->catalog, id) == NULL) {
		k->session->unknown++;
		return 0;
	}
	return ids_add(&k->session->have, id);
}

/* It waits there: its result comes on this connection. */
static int
keep_waiting(void *arg, uint64_t id)
{
	struct known *k = arg;
	struct session *s = k->session;

	if (catalog_find(&k->host->catalog, id) == NULL) {
		s->unknown++;
		return 0;
	}
	if (session_holds(s, id))
		return 0;
	return ids_add(&s->waiting, id) == 0
		   ? expect(s, id, ASKED_UPDATE, RESULT_DEFERRED)
		   : -1;
}

static struct session *
session_new(const struct host *h, const struct login *l)
{
	struct known k = {h, NULL};
	struct session *s;
	char *at;

	s = calloc(1, sizeof *s + l->id.len + l->program.len + l->version.len +
			  l->platform.len + l->release.len + 5);
	if (s == NULL)
		return NULL;
	at = s->text;
	s->id = keep_text(&at, &l->id);
	s->program = keep_text(&at, &l->program);
	s->version = keep_text(&at, &l->version);
	s->platform = keep_text(&at, &l->platform);
	s->release = keep_text(&at, &l->release);
	s->login_us = host_now_us(h);
	k.session = s;
	if (walk_ids(&l->have, keep_id, &k) != 0 ||
	    walk_ids(&l->waiting, keep_waiting, &k) != 0) {
		session_free(s);
		return NULL;
	}
	return s;
}

void
host_login(struct host_conn *c, const struct frame *f)
{
	struct host *h = c->host;
	struct host_conn *old;
	struct session *s;
	struct login l;
	const char *bad = parse_login(&l, f);

	if (bad != NULL) {
		host_refuse(c, WORD_SYNTAX, bad);
		return;
	}
	if (!may_enter(c, &l)) {
		deny(c, &l);
		return;
	}
	old = map_get(&h->sessions, l.id.s, l.id.len);
	if (old != NULL) {
		host_logout(old, "replaced");
		host_refuse(old, WORD_REPLACED,
		    "the same id logged in from another connection");
	}
	s = session_new(h, &l);
	if (s == NULL || map_put(&h->sessions, s->id, strlen(s->id), c) != 0) {
		session_free(s);
		host_refuse(c, WORD_INTERNAL, "out of memory");
		return;
	}
	c->session = s;
	c->role = ROLE_CLIENT;
	if (c->from != NULL) {
		c->from->waiting--;
		c->from = NULL;
	}
	h->nclients++;
	h->logins++;
	if (welcome(c) != 0) {
		link_kill(&c->link);
		return;
	}
	push_login(c);
	s->joined = 1;
	if (h->cb.join != NULL)
		h->cb.join(h->cb.arg, s->id);
}

void
host_logout(struct host_conn *c, const char *why)
{
	struct host *h = c->host;
	struct session *s = c->session;

	if (s == NULL)
		return;
	c->session = NULL;
	map_remove(&h->sessions, s->id, strlen(s->id));
	h->nclients--;
	/* The role stays: it was a client's connection to its end. */
	if (s->joined && h->cb.leave != NULL)
		h->cb.leave(h->cb.arg, s->id, why);
	session_free(s);
}
