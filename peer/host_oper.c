/*
 * Operators: who may speak, what they may read, signed commands.
 */

#include "peer/host_internal.h"
#include "base/num.h"
#include "base/timetext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- open addresses ----------------------------------------------------- */

/* Exactly 127.0.0.1 and ::1: other processes of this machine. */
static int
is_loopback(const struct sock_addr *a)
{
	struct sock_addr v4, v6;

	return sock_ip_parse(&v4, "127.0.0.1") == 0 &&
	       sock_ip_parse(&v6, "::1") == 0 &&
	       (sock_ip_equal(a, &v4) || sock_ip_equal(a, &v6));
}

int
oper_is_open(const struct host *h, const struct sock_addr *a)
{
	int64_t now = host_now_ns(h);
	size_t i;

	if (!h->allow_none && is_loopback(a))
		return 1;
	for (i = 0; i < h->nallow; i++)
		if (sock_net_has(&h->allow[i], a))
			return 1;
	for (i = 0; i < h->nopens; i++)
		if (h->opens[i].until_ns > now &&
		    sock_ip_equal(&h->opens[i].addr, a))
			return 1;
	return 0;
}

static void
close_address(struct host *h, const struct sock_addr *a)
{
	size_t i = h->nopens;

	while (i-- > 0)
		if (sock_ip_equal(&h->opens[i].addr, a))
			h->opens[i] = h->opens[--h->nopens];
}

/* 1 when the address can be opened; what has ended makes room. */
static int
has_room_for(struct host *h, const struct sock_addr *a)
{
	int64_t now = host_now_ns(h);
	size_t i = h->nopens;
	int again = 0;

	while (i-- > 0) {
		if (h->opens[i].until_ns <= now)
			h->opens[i] = h->opens[--h->nopens];
		else if (sock_ip_equal(&h->opens[i].addr, a))
			again = 1;
	}
	return again || h->nopens < HOST_OPENS;
}

static void
open_address(struct host *h, const struct sock_addr *a, uint64_t seconds)
{
	struct opening *o = &h->opens[h->nopens++];

	o->addr = *a;
	o->until_ns = host_now_ns(h) + (int64_t)seconds * HOST_SECOND_NS;
}

/* ---- reading ------------------------------------------------------------ */

static void
answer(struct host_conn *c, struct buf *body)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, "OK");
	if (body != NULL && body->oom)
		b.oom = 1;
	if (body != NULL)
		frame_body(&b, body->data, body->len);
	else
		frame_end(&b);
	link_send_buf(&c->link, &b);
	buf_free(&b);
}

void
oper_count(struct host *h)
{
	const struct host_conn *c;
	struct record *r;
	struct note *n;
	size_t i, at = 0;

	for (i = 0; i < h->catalog.n; i++)
		if ((n = h->catalog.records[i]->owner) != NULL)
			n->running = n->waiting = n->fetching = 0;
	while ((c = map_next(&h->sessions, &at)) != NULL) {
		const struct session *s = c->session;

		for (i = 0; i < s->have.n; i++) {
			r = catalog_find(&h->catalog, s->have.v[i]);
			if (r != NULL && (n = r->owner) != NULL)
				n->running++;
		}
		for (i = 0; i < s->waiting.n; i++) {
			r = catalog_find(&h->catalog, s->waiting.v[i]);
			if (r != NULL && (n = r->owner) != NULL)
				n->waiting++;
		}
		for (i = 0; i < s->nawaited; i++) {
			if (s->awaited[i].last != RESULT_FETCHING)
				continue;
			r = catalog_find(&h->catalog, s->awaited[i].id);
			if (r != NULL && (n = r->owner) != NULL)
				n->fetching++;
		}
	}
}

static const char *const state_names[] = {
    "pending", "live", "retired", "taken-back", "reverted", "covered"};

/* What became of the host's own part. */
static const char *
server_word(const struct record *r)
{
	const struct note *n = r->owner;

	if (!doc_has_host(r->doc))
		return "none";
	if (r->foreign)
		return word_name(WORD_NOT_FOR_ME);
	if (n == NULL || n->server == RESULT_NONE)
		return r->state == RECORD_PENDING ? "pending" : "left-out";
	/* It did run, and a newer one took its place. */
	if (!n->on_server &&
	    (n->server == RESULT_APPLIED || n->server == RESULT_DEFERRED))
		return "superseded";
	return result_name(n->server);
}

/* One line an update: its state, the host's own part, the clients. */
static void
put_update(const struct record *r, struct buf *b)
{
	const struct note *n = r->owner;
	size_t i, failed = 0;

	for (i = 0; n != NULL && i < RESULT_COUNT; i++)
		if (result_is_failure((enum result)i))
			failed += n->tally[i];
	buf_printf(b,
	    "update: %" PRIu64 " %s %s server=%s running=%zu "
	    "applied=%zu failed=%zu waiting=%zu\n",
	    r->id, r->doc->feature, state_names[r->state], server_word(r),
	    n != NULL ? n->running : 0,
	    n != NULL ? n->tally[RESULT_APPLIED] + n->tally[RESULT_HAVE] : 0,
	    failed, n != NULL ? n->waiting : 0);
}

void
oper_status(struct host_conn *c)
{
	struct host *h = c->host;
	int64_t now = host_now_us(h);
	char time[TIMETEXT_SIZE], ip[SOCK_TEXT];
	struct buf b = BUF_INIT;
	struct host_conn *s;
	size_t i, unknown = 0, at = 0;

	while ((s = map_next(&h->sessions, &at)) != NULL)
		unknown += s->session->unknown;
	buf_printf(&b, "host: %s\nprogram: %s\nversion: %s\nzone: %s\n",
	    h->name, h->program, h->version, h->zone);
	buf_printf(&b, "time: %s\n", timetext_format(now, time));
	buf_printf(&b, "uptime: %" PRId64 "\n",
	    (now - h->started_us) / 1000000);
	buf_printf(&b, "clients: %zu\nconnections: %zu\n", h->nclients,
	    h->nconns);
	buf_printf(&b, "logins: %" PRIu64 "\nrefusals: %" PRIu64 "\n",
	    h->logins, h->refusals);
	buf_printf(&b, "live: %zu\nunknown-updates: %zu\nstray-results: %zu\n",
	    catalog_nlive(&h->catalog), unknown, h->stray_results);
	if (h->push != NULL)
		buf_printf(&b, "push: %" PRIu64 "\n", h->push->doc->id);
	for (i = 0; i < h->nopens; i++)
		if (h->opens[i].until_ns > host_now_ns(h))
			buf_printf(&b, "open: %s %" PRId64 "\n",
			    sock_ip_format(ip, &h->opens[i].addr),
			    (h->opens[i].until_ns - host_now_ns(h)) /
				HOST_SECOND_NS);
	oper_count(h);
	for (i = 0; i < h->catalog.n; i++)
		if (h->catalog.records[i]->doc != NULL &&
		    h->catalog.records[i]->doc->kind == DOC_UPDATE)
			put_update(h->catalog.records[i], &b);
	host_package_put_status(h, &b);
	if (h->cb.status != NULL)
		h->cb.status(h->cb.arg, &b);
	answer(c, &b);
	buf_free(&b);
}

static const char *
or_dash(const char *s)
{
	return s[0] != '\0' ? s : "-";
}

/* "-" where there is none. */
static void
put_ids(struct buf *b, const struct ids *ids)
{
	size_t i;

	for (i = 0; i < ids->n; i++)
		buf_printf(b, "%s%" PRIu64, i > 0 ? " " : "", ids->v[i]);
	if (ids->n == 0)
		buf_puts(b, "-");
}

static void
put_fetching(struct buf *b, const struct session *s)
{
	const char *before = "\t";
	size_t i;

	for (i = 0; i < s->nawaited; i++) {
		if (s->awaited[i].last != RESULT_FETCHING)
			continue;
		buf_printf(b, "%s%" PRIu64, before, s->awaited[i].id);
		before = " ";
	}
	if (*before == '\t')
		buf_puts(b, "\t-");
}

void
oper_clients(struct host_conn *c)
{
	struct host *h = c->host;
	char time[TIMETEXT_SIZE], ip[SOCK_TEXT];
	struct buf b = BUF_INIT;
	struct host_conn *o;
	size_t at = 0;

	while ((o = map_next(&h->sessions, &at)) != NULL) {
		const struct session *s = o->session;

		buf_printf(&b, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t", s->id,
		    sock_ip_format(ip, &o->peer),
		    timetext_format(s->login_us, time), or_dash(s->program),
		    or_dash(s->version), or_dash(s->platform),
		    or_dash(s->release));
		put_ids(&b, &s->have);
		buf_puts(&b, "\t");
		put_ids(&b, &s->waiting);
		put_fetching(&b, s);
		buf_puts(&b, "\n");
	}
	answer(c, &b);
	buf_free(&b);
}

void
oper_log(struct host_conn *c, const struct frame *f)
{
	uint64_t n = HOST_LOG_DEFAULT;
	struct buf b = BUF_INIT;
	struct err e;

	if (f->nargs > 1 ||
	    (f->nargs == 1 && (num_parse(f->args[0].s, f->args[0].len,
				   HOST_LOG_MAX, &n) != NUM_OK ||
				  n == 0))) {
		host_refuse(c, WORD_SYNTAX,
		    "LOG takes a number from 1 to 9999");
		return;
	}
	if (journal_tail(c->host->journal, (size_t)n, &b, &e) != 0) {
		host_log(c->host, "%s", e.text);
		host_refuse(c, WORD_INTERNAL, e.text);
	} else {
		answer(c, &b);
	}
	buf_free(&b);
}

/* ---- commands ----------------------------------------------------------- */

/* Recorded, then done. */
static enum word
do_address(struct host_conn *c, const struct command *cmd, struct refusal *why)
{
	struct host *h = c->host;
	char ip[SOCK_TEXT], from[SOCK_TEXT], seconds[24];
	struct ledger_field fields[] = {
	    {"address", ip}, {"key", cmd->key_name}, {"seconds", seconds}};
	struct sock_addr a;
	struct err e;
	int opens = cmd->verb == KEY_OPEN;

	if (strcmp(cmd->address, "self") == 0)
		a = c->peer;
	else if (sock_ip_parse(&a, cmd->address) != 0)
		return refuse(why, WORD_SYNTAX, "%s is not an address",
		    cmd->address);
	sock_ip_format(ip, &a);
	snprintf(seconds, sizeof seconds, "%" PRIu64, cmd->seconds);
	if (opens && !has_room_for(h, &a))
		return refuse(why, WORD_FULL, "%d addresses are open already",
		    HOST_OPENS);
	if (state_event(h, 0, opens ? "opened" : "closed", fields,
		opens ? 3 : 2, &e) != 0)
		return refuse(why, WORD_INTERNAL, "%s", e.text);
	close_address(h, &a);
	if (opens)
		open_address(h, &a, cmd->seconds);
	host_log(h, "%s %s by key %s from %s", opens ? "opened" : "closed", ip,
	    cmd->key_name, sock_ip_format(from, &c->peer));
	return WORD_OK;
}

static enum word
do_accept(struct host_conn *c, const struct command *cmd, struct refusal *why)
{
	struct host *h = c->host;
	struct ledger_field field = {"key", cmd->key_name};
	struct err e;

	if (state_event(h, cmd->id, "accepted", &field, 1, &e) != 0)
		return refuse(why, WORD_INTERNAL, "%s", e.text);
	if (state_let_in(h, cmd->id) != 0)
		return refuse(why, WORD_INTERNAL, "out of memory");
	host_log(h, "document %" PRIu64 " is let in by key %s", cmd->id,
	    cmd->key_name);
	return WORD_OK;
}

/* Documents that are on their way were verified by keys of before. */
static void
refuse_incoming(struct host *h)
{
	struct host_conn *c;

	for (c = h->conns; c != NULL; c = c->next) {
		if (c->incoming == NULL)
			continue;
		doc_free(c->incoming);
		c->incoming = NULL;
		host_refuse(c, WORD_UNTRUSTED_KEY,
		    "the trusted keys changed meanwhile; send it again");
	}
}

static enum word
do_reload(struct host_conn *c, const struct command *cmd, struct refusal *why)
{
	struct host *h = c->host;
	struct ledger_field field = {"key", cmd->key_name};
	struct keyring ring = KEYRING_INIT;
	struct err e;

	if (h->cb.reload == NULL)
		return refuse(why, WORD_UNSUPPORTED,
		    "this host cannot read its keys anew");
	if (h->cb.reload(h->cb.arg, &ring, &e) != 0) {
		keyring_free(&ring);
		return refuse(why, WORD_INTERNAL, "%s", e.text);
	}
	if (state_event(h, 0, "reloaded", &field, 1, &e) != 0) {
		keyring_free(&ring);
		return refuse(why, WORD_INTERNAL, "%s", e.text);
	}
	keyring_free(&h->keys);
	h->keys = ring;
	refuse_incoming(h);
	host_log(h, "%zu trusted keys, read anew by key %s", ring.n,
	    cmd->key_name);
	return WORD_OK;
}

static enum word
do_command(struct host_conn *c, const struct command *cmd, struct refusal *why)
{
	switch (cmd->verb) {
	case KEY_OPEN:
	case KEY_CLOSE:
		return do_address(c, cmd, why);
	case KEY_ACCEPT:
		return do_accept(c, cmd, why);
	case KEY_RELOAD:
		return do_reload(c, cmd, why);
	case KEY_PUSH:
	case KEY_REVERT:
	case KEY_RETIRE:
	case KEY_NOTICE:
	case KEY_ALL_VERBS:
		break;
	}
	return refuse(why, WORD_SYNTAX, "not a command");
}

void
oper_command(struct host_conn *c, const struct frame *f)
{
	struct host *h = c->host;
	struct refusal why = {WORD_OK, ""};
	int was_open = oper_is_open(h, &c->peer);
	struct command cmd;
	char ip[SOCK_TEXT];
	enum word w;

	if (!f->has_body) {
		host_refuse(c, WORD_SYNTAX, "COMMAND without a body");
		return;
	}
	w = command_open(&cmd, f->body, (size_t)f->body_len, &h->keys, h->name,
	    c->nonce, c->seq, &why);
	if (w == WORD_OK && !was_open && cmd.verb != KEY_OPEN)
		w = refuse(&why, WORD_CLOSED,
		    "from here only open may be asked");
	if (w == WORD_OK) {
		c->seq++;
		w = do_command(c, &cmd, &why);
	}
	if (w == WORD_OK) {
		answer(c, NULL);
	} else {
		h->refusals++;
		host_log_refusal(h, "command from %s refused: %s: %s",
		    sock_ip_format(ip, &c->peer), word_name(w), why.text);
		link_send_error(&c->link, w, why.text);
	}
	if (!oper_is_open(h, &c->peer)) {
		link_end(&c->link);
		host_arm(c);
	}
}
