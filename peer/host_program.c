/* Server parts enter and leave the host's own program. */

#include "peer/host_internal.h"

#include <inttypes.h>
#include <string.h>

static const uint8_t *
part_bytes(const struct record *r, enum doc_part_kind kind)
{
	return r->body + r->doc->parts[kind].offset;
}

struct record *
server_running_of(struct host *h, const struct record *r)
{
	size_t i;

	for (i = 0; i < h->catalog.n; i++) {
		struct record *o = h->catalog.records[i];
		const struct note *n = o->owner;

		if (o != r && n != NULL && n->on_server && o->doc != NULL &&
		    strcmp(o->doc->feature, r->doc->feature) == 0)
			return o;
	}
	return NULL;
}

void
server_tell_program(struct host *h, const struct record *r, enum result result)
{
	if (h->cb.updated != NULL)
		h->cb.updated(h->cb.arg, r->id, r->doc->feature,
		    result_name(result));
}

void
server_apply(struct host *h, struct record *r, struct record *old,
    struct host_applied *out)
{
	struct note *note = state_note(r);

	memset(out, 0, sizeof *out);
	if (note == NULL) {
		out->result = RESULT_FAILED;
		return;
	}
	h->cb.apply(h->cb.arg, r->doc, part_bytes(r, DOC_SERVER),
	    (size_t)r->doc->parts[DOC_SERVER].len,
	    old != NULL ? &old->id : NULL, old != NULL, out);
	if (out->result == RESULT_HAVE)
		out->result = RESULT_APPLIED;
	note->server = out->result;
	if (out->result != RESULT_APPLIED)
		return;
	note->on_server = 1;
	if (old != NULL)
		((struct note *)old->owner)->on_server = 0;
}

void
host_begin(struct host *h)
{
	struct catalog_end end = host_end(h);
	struct host_applied out;
	size_t i;

	for (i = 0; h->cb.apply != NULL && i < h->catalog.n; i++) {
		struct record *r = h->catalog.records[i];

		if (!catalog_is_given(&h->catalog, r, &end, host_now_us(h)))
			continue;
		if (state_is_skipped(h, r->id)) {
			host_log(h, "update %" PRIu64 " (%s): left out", r->id,
			    r->doc->feature);
			continue;
		}
		server_apply(h, r, NULL, &out);
		host_log(h, "update %" PRIu64 " (%s): server part %s%s%.*s",
		    r->id, r->doc->feature, result_name(out.result),
		    out.text != NULL ? ": " : "",
		    out.text != NULL ? (int)strcspn(out.text, "\n") : 0,
		    out.text != NULL ? out.text : "");
	}
}

void
server_revert(struct host *h, struct record *r, struct host_applied *out)
{
	struct note *note = r->owner;

	memset(out, 0, sizeof *out);
	h->cb.revert(h->cb.arg, r->id, out);
	if (out->result == RESULT_REVERTED || out->result == RESULT_PARTIAL) {
		note->on_server = 0;
		note->server = out->result;
	}
}

void
server_undo(struct host *h, struct record *r, struct record *old)
{
	struct host_applied out;

	memset(&out, 0, sizeof out);
	if (old != NULL) {
		h->cb.apply(h->cb.arg, old->doc, part_bytes(old, DOC_SERVER),
		    (size_t)old->doc->parts[DOC_SERVER].len, &r->id, 1, &out);
		((struct note *)old->owner)->on_server = 1;
		((struct note *)r->owner)->on_server = 0;
	} else {
		server_revert(h, r, &out);
	}
	host_log(h, "update %" PRIu64 " undone: %s", r->id,
	    result_name(out.result));
}
