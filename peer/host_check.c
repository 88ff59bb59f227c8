/*
 * A dry run's way: the host's program and the clients are asked whether they
 * would apply it. It takes no place in the catalog and nothing on the disk but
 * two lines in the ledger, so it changes nothing, however it ends.
 */

#include "peer/host_internal.h"
#include "base/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int
counts(struct push *p, const struct session *s)
{
	struct catalog_end end = session_end(s);
	struct record r;

	memset(&r, 0, sizeof r);
	r.doc = p->doc;
	return catalog_counts(&r, &end);
}

static void
ask_clients(struct push *p)
{
	struct host *h = p->host;
	struct blob *frame = NULL;
	struct host_conn *c;

	p->phase = PUSH_COLLECT;
	if (p->doc->parts[DOC_CLIENT].present)
		frame = push_check_frame(p->doc, p->body);
	for (c = h->conns; c != NULL; c = c->next) {
		if (c->session == NULL || c->link.state != LINK_OPEN ||
		    !counts(p, c->session))
			continue;
		c->session->checked = p->doc->id;
		push_send(p, c, frame, ASKED_CHECK);
	}
	blob_drop(frame);
	push_tell_clients(p);
	if (p->answered < p->targeted)
		push_wait(p);
	else
		check_review(p);
}

/* What was asked and not answered is not waited for any more. */
static void
drop_awaited(struct session *s, uint64_t id)
{
	size_t i, n = 0;

	for (i = 0; i < s->nawaited; i++)
		if (s->awaited[i].id != id ||
		    s->awaited[i].asked != ASKED_CHECK)
			s->awaited[n++] = s->awaited[i];
	s->nawaited = n;
}

static void
tell_clients_to_drop(struct push *p)
{
	struct blob *frame = push_drop_frame(p->doc->id);
	struct host_conn *c;

	for (c = p->host->conns; c != NULL; c = c->next) {
		if (c->session == NULL || c->session->checked != p->doc->id)
			continue;
		c->session->checked = 0;
		drop_awaited(c->session, p->doc->id);
		if (frame != NULL)
			link_send(&c->link, blob_hold(frame));
		else
			link_kill(&c->link); /* that is a DROP, too */
	}
	blob_drop(frame);
}

void
check_end(struct push *p, const char *word)
{
	char n[4][24];
	const struct ledger_field fields[] = {{"result", word},
	    {"server", result_name(p->server)}, {"targeted", n[0]},
	    {"ready", n[1]}, {"failed", n[2]}, {"missing", n[3]},
	    {"why", p->why}};
	const size_t nfields = sizeof fields / sizeof *fields;
	struct err e;

	snprintf(n[0], sizeof *n, "%zu", p->targeted);
	snprintf(n[1], sizeof *n, "%zu", p->applied);
	snprintf(n[2], sizeof *n, "%zu", p->failed);
	snprintf(n[3], sizeof *n, "%zu", p->targeted - p->applied - p->failed);
	if (state_event(p->host, p->doc->id, "checked", fields,
		nfields - (p->why[0] == '\0'), &e) != 0)
		host_log(p->host, "%s", e.text);
	host_log(p->host,
	    "dry run %" PRIu64 " (%s): %s; clients: %s targeted, %s ready, "
	    "%s failed, %s missing",
	    p->doc->id, p->doc->feature, word, n[0], n[1], n[2], n[3]);
	tell_clients_to_drop(p);
	if (p->phase == PUSH_COLLECT) {
		push_tell_clients(p);
		push_tell_groups(p);
	}
	push_tell_done(p, word, WORD_OK, NULL);
	push_leave(p);
}

void
check_over(struct push *p)
{
	check_end(p, p->applied == p->targeted ? "dry-run" : "failed");
}

void
check_review(struct push *p)
{
	if (p->answered == p->targeted)
		check_over(p);
}

void
check_answered(struct push *p, const struct host_applied *out)
{
	p->server = out->result;
	push_tell_server(p, out);
	if (out->result == RESULT_READY) {
		ask_clients(p);
	} else {
		server_first_line(out, p->why, sizeof p->why);
		server_log(p->host, p->doc->id, p->doc->feature,
		    ", in a dry run,", out);
		check_end(p, "failed");
	}
}

int
check_is_known(const struct host *h, const struct doc *d)
{
	size_t i;

	for (i = 0; i < h->ndry && i < HOST_DRY; i++)
		if (h->dry[i] == d->id)
			return 1;
	return 0;
}

void
check_run(struct push *p)
{
	struct host *h = p->host;
	const struct doc *d = p->doc;
	char digest[2 * SHA512_SIZE + 1];
	const struct ledger_field fields[] = {{"feature", d->feature},
	    {"key", d->key_name}, {"from", p->from}, {"digest", digest}};
	struct host_applied out;
	struct err e;

	hex_encode(digest, d->digest, SHA512_SIZE);
	if (state_event(h, d->id, "check", fields,
		sizeof fields / sizeof *fields, &e) != 0) {
		push_fail(p, &e);
		return;
	}
	h->dry[h->ndry++ % HOST_DRY] = d->id;
	host_log(h, "dry run %" PRIu64 " (%s) from %s, key %s", d->id,
	    d->feature, p->from, d->key_name);
	if (!server_is_mine(p)) {
		push_tell_not_mine(p);
		ask_clients(p);
	} else if (push_ask(p, HOST_CHECK, &out)) {
		check_answered(p, &out);
	}
}
