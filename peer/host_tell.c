/* The frames of a push: to clients, and to the operator who waits. */

#include "peer/host_internal.h"

#include <inttypes.h>
#include <string.h>

/* The frame as shared bytes. NULL: out of memory. */
static struct blob *
blob_of(struct buf *b)
{
	struct blob *frame = b->oom ? NULL : blob_new(b->data, b->len);

	buf_free(b);
	return frame;
}

/* Where it is nearer than at its own address. */
static void
put_from(struct buf *b, const struct host *h, const char *name,
    const struct doc_package *p)
{
	char buf[HOST_FROM];
	const char *from;

	if (!p->present)
		return;
	from = host_package_from(h, p, buf);
	if (strcmp(from, p->url) != 0)
		frame_put(b, name, "%s", from);
}

/* UPDATE or CHECK: the head and one part. h NULL: without addresses. */
static struct blob *
update_frame(const struct host *h, const char *verb, const struct doc *d,
    const uint8_t *part, size_t len)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, verb);
	frame_arg(&b, "%" PRIu64, d->id);
	if (h != NULL) {
		put_from(&b, h, "from", &d->package);
		put_from(&b, h, "full-from", &d->full);
	}
	frame_put(&b, "head", "%zu", d->head_len);
	frame_body_begin(&b, d->head_len + len);
	buf_append(&b, d->head, d->head_len);
	buf_append(&b, part, len);
	buf_append(&b, "\n", 1);
	return blob_of(&b);
}

struct blob *
push_update_frame(const struct host *h, struct record *r)
{
	const struct doc_part *part = &r->doc->parts[DOC_CLIENT];
	struct note *note = state_note(r);
	struct blob *old, *frame;

	if (note == NULL)
		return NULL;
	old = note->frame;
	if (old != NULL && !r->doc->package.present)
		return blob_hold(old);
	frame = update_frame(h, "UPDATE", r->doc, r->body + part->offset,
	    (size_t)part->len);
	/* One copy is shared, for as long as the address is the same. */
	if (old != NULL && frame != NULL && old->len == frame->len &&
	    memcmp(old->data, frame->data, old->len) == 0) {
		blob_drop(frame);
		return blob_hold(old);
	}
	blob_drop(old);
	note->frame = frame;
	return frame != NULL ? blob_hold(frame) : NULL;
}

struct blob *
push_retirement_frame(const struct doc *d)
{
	return update_frame(NULL, "UPDATE", d, (const uint8_t *)"", 0);
}

struct blob *
push_check_frame(const struct doc *d, const uint8_t *body)
{
	const struct doc_part *part = &d->parts[DOC_CLIENT];

	return update_frame(NULL, "CHECK", d, body + part->offset,
	    (size_t)part->len);
}

struct blob *
push_drop_frame(uint64_t id)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, "DROP");
	frame_arg(&b, "%" PRIu64, id);
	frame_end(&b);
	return blob_of(&b);
}

struct blob *
push_revert_frame(uint64_t id, const struct doc *by)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, "REVERT");
	frame_arg(&b, "%" PRIu64, id);
	if (by != NULL)
		frame_body(&b, by->head, by->head_len);
	else
		frame_end(&b);
	return blob_of(&b);
}

/* To the operator, if still there. Takes the bytes of b. */
static void
tell(struct push *p, struct buf *b)
{
	if (p->conn != NULL)
		link_send_buf(&p->conn->link, b);
	buf_free(b);
}

static void
put_seconds(struct buf *b, const char *name, int64_t ns)
{
	frame_put(b, name, "%" PRId64 ".%06" PRId64, ns / HOST_SECOND_NS,
	    ns % HOST_SECOND_NS / 1000);
}

void
push_tell_server(struct push *p, const struct host_applied *a)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, "PROGRESS");
	frame_arg(&b, "server");
	frame_arg(&b, "%s", result_name(a->result));
	if (a->result == RESULT_REFUSED)
		frame_arg(&b, "%s", word_name(WORD_NOT_FOR_ME));
	put_seconds(&b, "took", a->took_ns);
	if (a->rehearsed_ns > 0) {
		put_seconds(&b, "rehearsed", a->rehearsed_ns);
		put_seconds(&b, "stall", a->stall_ns);
	}
	if (a->text != NULL && a->len > 0)
		frame_body(&b, a->text, a->len);
	else
		frame_end(&b);
	tell(p, &b);
}

void
push_tell_not_mine(struct push *p)
{
	struct host_applied out;

	if (!doc_has_host(p->doc))
		return;
	memset(&out, 0, sizeof out);
	out.result = RESULT_REFUSED;
	if (p->foreign) {
		out.text = p->why_foreign.text;
		out.len = strlen(out.text);
	}
	push_tell_server(p, &out);
}

void
push_tell_clients(struct push *p)
{
	struct buf b = BUF_INIT;

	p->dirty = 0;
	p->progress_ns = host_now_ns(p->host);
	frame_begin(&b, "PROGRESS");
	frame_arg(&b, "clients");
	frame_put(&b, "targeted", "%zu", p->targeted);
	frame_put(&b, "applied", "%zu", p->applied);
	frame_put(&b, "deferred", "%zu", p->deferred);
	frame_put(&b, "failed", "%zu", p->failed);
	frame_put(&b, "missing", "%zu",
	    p->targeted - p->applied - p->deferred - p->failed);
	frame_end(&b);
	tell(p, &b);
}

void
push_tell_package(struct push *p)
{
	struct buf b = BUF_INIT;

	p->progress_ns = host_now_ns(p->host);
	frame_begin(&b, "PROGRESS");
	frame_arg(&b, "package");
	frame_put(&b, "bytes", "%" PRIu64, p->so_far);
	frame_put(&b, "of", "%" PRIu64, host_package_bytes(p->doc));
	frame_end(&b);
	tell(p, &b);
}

void
push_tell_groups(struct push *p)
{
	size_t i;

	for (i = 0; i < p->ngroups; i++) {
		const struct group *g = &p->groups[i];
		struct buf b = BUF_INIT;

		frame_begin(&b, "PROGRESS");
		frame_arg(&b, "error");
		frame_put(&b, "result", "%s", g->result);
		frame_put(&b, "count", "%zu", g->count);
		frame_put(&b, "of", "%zu %s %s, %zu others", g->first,
		    g->platform, g->version, g->count - g->first);
		frame_body(&b, g->text, g->text_len);
		tell(p, &b);
	}
}

void
push_tell_done(struct push *p, const char *word, enum word refused,
    const char *text)
{
	struct buf b = BUF_INIT;

	frame_begin(&b, "DONE");
	frame_arg(&b, "%s", word);
	if (refused != WORD_OK)
		frame_arg(&b, "%s", word_name(refused));
	if (text != NULL && text[0] != '\0')
		frame_put(&b, "text", "%s", text);
	/* A client may have brought it along. */
	if (p->not_here && p->targeted == 0 && refused == WORD_OK)
		frame_put(&b, "held", "no");
	frame_end(&b);
	tell(p, &b);
}
