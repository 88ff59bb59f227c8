/*
 * Which updates have not crashed the program: marked in the ledger before
 * they are tried at start, and when they have proved to be good.
 */

#include "peer/host_internal.h"

#include <inttypes.h>

/* There is something to be said of it that the ledger does not know. */
static int
is_open(const struct host *h, const struct record *r)
{
	const struct note *n = r->owner;

	return h->keeps && r->state == RECORD_LIVE && n != NULL && !n->proven &&
	       (n->trying || (n->on_server && n->server == RESULT_APPLIED));
}

static void
plan(struct host *h, struct note *n)
{
	n->since_ns = host_now_ns(h);
	if (h->proven_ns >= 0)
		return;
	h->proven_ns = n->since_ns + HOST_PROVEN_NS;
	if (h->cb.rearm != NULL)
		h->cb.rearm(h->cb.arg);
}

int
mark_try(struct host *h, struct record *r)
{
	struct note *n = r->owner;
	struct err e;

	if (n->proven)
		return 0;
	if (n->tries >= HOST_TRIES || n->event_tries >= HOST_TRIES) {
		n->server = RESULT_CRASHED;
		if (state_event(h, r->id, "crashed", NULL, 0, &e) != 0)
			host_log(h, "%s", e.text);
		host_log(h,
		    "update %" PRIu64 " (%s): left out, crashed: the last "
		    "%d %s with it did not come to a good end; push it "
		    "under a new id (--again), a newer one, or revert it",
		    r->id, state_feature_of(r), HOST_TRIES,
		    n->tries >= HOST_TRIES ? "starts" : "events");
		return -1;
	}
	/* Without a mark it is tried all the same: a disk that is full takes
	 * no live fix away. */
	if (state_event(h, r->id, "trying", NULL, 0, &e) != 0)
		host_log(h, "%s", e.text);
	n->trying = 1;
	plan(h, n);
	return 0;
}

void
host_trying(struct host *h, uint64_t id)
{
	const struct ledger_field at = {"at", "event"};
	struct record *r = catalog_find(&h->catalog, id);
	struct note *n = r != NULL ? r->owner : NULL;
	struct err e;

	if (n == NULL || !h->keeps || !n->on_server || n->proven)
		return;
	if (state_event(h, id, "trying", &at, 1, &e) != 0)
		host_log(h, "%s", e.text);
	n->trying = 1;
	plan(h, n);
}

/* It ran well, or it was survived without having run. */
static void
settle(struct host *h, struct record *r)
{
	struct note *n = r->owner;
	struct ledger_field field = {"result", result_name(n->server)};
	int ran = n->on_server && n->server == RESULT_APPLIED;
	struct err e;

	if (state_event(h, r->id, ran ? "proven" : "tried", &field, !ran, &e) !=
	    0) {
		host_log(h, "%s", e.text);
		n->since_ns = host_now_ns(h); /* later, perhaps */
		return;
	}
	n->proven = ran;
	n->trying = 0;
}

void
mark_held(struct host *h, struct record *r)
{
	struct note *n = r->owner;

	if (h->keeps && !n->proven)
		plan(h, n);
}

void
mark_gone(struct host *h, struct record *r)
{
	const struct note *n = r->owner;

	/* What plain code did is there still. */
	if (n->trying && n->server != RESULT_PARTIAL)
		settle(h, r);
}

void
mark_tick(struct host *h)
{
	int64_t now = host_now_ns(h), next;
	size_t i;

	if (h->proven_ns < 0 || now < h->proven_ns)
		return;
	h->proven_ns = -1;
	for (i = 0; i < h->catalog.n; i++) {
		struct record *r = h->catalog.records[i];
		const struct note *n = r->owner;

		if (is_open(h, r) && now - n->since_ns >= HOST_PROVEN_NS)
			settle(h, r);
		if (!is_open(h, r))
			continue;
		next = n->since_ns + HOST_PROVEN_NS;
		if (h->proven_ns < 0 || next < h->proven_ns)
			h->proven_ns = next;
	}
}

void
mark_all(struct host *h)
{
	size_t i;

	for (i = 0; i < h->catalog.n; i++)
		if (is_open(h, h->catalog.records[i]))
			settle(h, h->catalog.records[i]);
}

void
host_proven(struct host *h)
{
	size_t i;

	/* Of what is being tried, perhaps by this very call, nothing is known:
	 * an update that said so of itself would be tried for ever. */
	for (i = 0; h->begun && i < h->catalog.n; i++) {
		struct record *r = h->catalog.records[i];
		const struct note *n = r->owner;

		if (is_open(h, r) && n->on_server)
			settle(h, r);
	}
}
