/* Whom a push is for: what they are sent, and how their results are counted. */

#include "peer/host_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct target *
target_new(struct push *p, const char *id)
{
	size_t len = strlen(id);
	struct target *t = malloc(sizeof *t + len);

	if (t == NULL)
		return NULL;
	t->result = RESULT_NONE;
	t->told_back = 0;
	memcpy(t->id, id, len);
	if (map_put(&p->targets, t->id, len, t) != 0) {
		free(t);
		return NULL;
	}
	p->targeted++;
	return t;
}

static size_t *
counter_of(struct push *p, enum result r)
{
	switch (r) {
	case RESULT_APPLIED:
	case RESULT_HAVE:
	case RESULT_REVERTED:
	case RESULT_READY: /* of a dry run, which asks for nothing else */
		return &p->applied;
	case RESULT_DEFERRED:
	case RESULT_FETCHING:
		return &p->deferred;
	case RESULT_NONE:
	case RESULT_FAILED:
	case RESULT_PARTIAL:
	case RESULT_HUNG:
	case RESULT_SUPERSEDED:
	case RESULT_REFUSED:
	case RESULT_GAVE_UP:
	case RESULT_CRASHED:
	case RESULT_COUNT:
		break;
	}
	return &p->failed;
}

/* A client that fetches is waited for still. */
static int
is_answer(enum result r)
{
	return r != RESULT_NONE && r != RESULT_FETCHING;
}

void
push_count(struct push *p, struct target *t, enum result r)
{
	if (is_answer(t->result))
		p->answered--;
	if (is_answer(r))
		p->answered++;
	if (t->result != RESULT_NONE)
		--*counter_of(p, t->result);
	t->result = r;
	++*counter_of(p, r);
	p->dirty = 1;
}

int
push_concerns(const struct session *s, uint64_t id)
{
	size_t i;

	for (i = 0; i < s->nawaited; i++)
		if (s->awaited[i].id == id)
			return 1;
	return session_holds(s, id);
}

/* 1 when the client's session is to hear of what the push is about. */
static int
concerns(const struct push *p, const struct session *s)
{
	struct catalog_end end = session_end(s);
	const struct record *r;

	if (p->doc->kind == DOC_UPDATE)
		return catalog_counts(p->record, &end);
	if (push_concerns(s, p->doc->target))
		return 1;
	r = catalog_find(&p->host->catalog, p->doc->target);
	return r != NULL && session_needs_revert(p->host, s, r);
}

void
push_send(struct push *p, struct host_conn *c, struct blob *frame,
    enum asked asked)
{
	const struct session *s = c->session;
	struct target *t = target_new(p, s->id);
	int update = asked == ASKED_UPDATE && p->doc->kind == DOC_UPDATE;

	if (t == NULL)
		host_log(p->host,
		    "document %" PRIu64 ": out of memory at client %s",
		    p->doc->id, s->id);
	else if (update && ids_has(&s->have, p->subject))
		push_count(p, t, RESULT_HAVE);
	else if (update && ids_has(&s->waiting, p->subject))
		push_count(p, t, RESULT_DEFERRED);
	else
		session_send(c, frame != NULL ? blob_hold(frame) : NULL,
		    p->subject, asked);
}

void
push_send_all(struct push *p, struct blob *frame, enum asked asked)
{
	struct host_conn *c;

	for (c = p->host->conns; c != NULL; c = c->next)
		if (c->session != NULL && c->link.state == LINK_OPEN &&
		    concerns(p, c->session))
			push_send(p, c, frame, asked);
	blob_drop(frame);
	push_tell_clients(p);
}
