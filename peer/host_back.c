/* An update is taken back by the host on its own. */

#include "peer/host_internal.h"

#include <inttypes.h>
#include <string.h>

void
push_settle_back(struct push *p)
{
	push_finish(p, p->server == RESULT_PARTIAL ? "partial" : "reverted");
}

void
push_take_back(struct push *p, const char *why, int wait)
{
	struct host *h = p->host;
	struct record *r = p->record;
	struct note *note = r->owner;
	struct ledger_field field = {"why", why};
	struct host_applied out;
	struct blob *frame;
	struct host_conn *c;
	struct target *t;
	struct err e;

	if (state_event(h, r->id, "taken-back", &field, 1, &e) != 0) {
		/* What could not be recorded is not done. */
		host_log(h, "update %" PRIu64 " is NOT taken back: %s", r->id,
		    e.text);
		push_finish(p, "failed");
		return;
	}
	host_log(h, "update %" PRIu64 " (%s) is taken back: %s", r->id,
	    r->doc->feature, why);
	r->state = RECORD_TAKEN_BACK;
	r->take_back_until_us = r->doc->take_back_until_us;
	if (note->on_server) {
		server_revert(h, r, &out);
		p->server = out.result == RESULT_REVERTED ? RESULT_REVERTED
							  : RESULT_PARTIAL;
		push_tell_server(p, &out);
		server_tell_program(h, r, out.result);
	}
	push_tell_clients(p);
	p->phase = PUSH_TAKING_BACK;
	frame = push_revert_frame(r->id, NULL);
	for (c = h->conns; c != NULL; c = c->next) {
		if (c->session == NULL || c->link.state != LINK_OPEN ||
		    !push_concerns(c->session, r->id))
			continue;
		session_send(c, frame != NULL ? blob_hold(frame) : NULL, r->id,
		    ASKED_REVERT);
		t = map_get(&p->targets, c->session->id,
		    strlen(c->session->id));
		if (t == NULL)
			continue;
		t->told_back = 1;
		p->back_sent++;
	}
	blob_drop(frame);
	if (!wait || p->back_sent == 0)
		push_settle_back(p);
	else
		push_wait(p);
}

int
push_may_take_back(const struct push *p)
{
	return host_now_us(p->host) < p->doc->take_back_until_us;
}

int
push_is_past_bound(struct push *p)
{
	if (p->doc->kind != DOC_UPDATE ||
	    p->failed <= doc_max_failed(p->doc, p->targeted))
		return 0;
	if (push_may_take_back(p))
		return 1;
	if (!p->past_told)
		host_log(p->host,
		    "update %" PRIu64 ": too many failed, but its time to be "
		    "taken back is over",
		    p->doc->id);
	p->past_told = 1;
	return 0;
}
