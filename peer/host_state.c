/*
 * What a host remembers: events into the ledger, the ledger back into the
 * catalog at start, the seed folder.
 */

#include "peer/host_internal.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/num.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- records ------------------------------------------------------------ */

struct note *
state_note(struct record *r)
{
	if (r->owner == NULL)
		r->owner = calloc(1, sizeof(struct note));
	return r->owner;
}

void
state_note_free(struct record *r)
{
	struct note *n = r->owner;

	if (n != NULL)
		blob_drop(n->frame);
	free(n);
	r->owner = NULL;
}

const char *
state_feature_of(const struct record *r)
{
	const struct note *n = r->owner;

	if (r->doc != NULL)
		return r->doc->feature;
	return n != NULL ? n->feature : "";
}

int
state_same_feature(const struct record *a, const struct record *b)
{
	return strcmp(state_feature_of(a), state_feature_of(b)) == 0;
}

void
state_forget(struct host *h, struct record *r)
{
	journal_remove_doc(h->journal, r->id);
	state_note_free(r);
	catalog_remove(&h->catalog, r);
}

int
state_event(struct host *h, uint64_t id, const char *event,
    const struct ledger_field *fields, size_t nfields, struct err *e)
{
	struct ledger_event ev = {0};
	char text[24];
	size_t i;

	ev.time_us = host_now_us(h);
	ev.event = event;
	if (id != 0) {
		snprintf(text, sizeof text, "%" PRIu64, id);
		ev.fields[ev.nfields].name = "id";
		ev.fields[ev.nfields++].value = text;
	}
	for (i = 0; i < nfields && ev.nfields < LEDGER_FIELDS; i++)
		ev.fields[ev.nfields++] = fields[i];
	return journal_event(h->journal, &ev, e);
}

void
state_cover(struct host *h, struct record *newer)
{
	struct note *n;
	struct err e;
	size_t i;

	catalog_cover(&h->catalog, newer);
	for (i = 0; i < h->catalog.n; i++) {
		struct record *r = h->catalog.records[i];

		n = r->owner;
		if (r->state != RECORD_COVERED || n == NULL || !n->on_disk)
			continue;
		if (state_event(h, r->id, "covered", NULL, 0, &e) != 0) {
			host_log(h, "%s", e.text);
			continue;
		}
		journal_remove_doc(h->journal, r->id);
		n->on_disk = 0;
		blob_drop(n->frame);
		n->frame = NULL;
	}
}

/* ---- replay ------------------------------------------------------------- */

static const char *const kinds[] = {[DOC_UPDATE] = "update",
    [DOC_REVERT] = "revert",
    [DOC_RETIRE] = "retire",
    [DOC_NOTICE] = "notice"};

const char *
state_kind_name(enum doc_kind kind)
{
	return kinds[kind];
}

static enum doc_kind
kind_of(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (text != NULL && strcmp(text, kinds[i]) == 0)
			return (enum doc_kind)i;
	return DOC_UPDATE;
}

static int
out_of_memory(struct err *e)
{
	return err_set(e, ERR_LOCAL, "ledger: out of memory");
}

static int
replay_received(struct host *h, uint64_t id, const struct ledger_event *ev,
    struct err *e)
{
	const char *feature = ledger_get(ev, "feature");
	const char *digest = ledger_get(ev, "digest");
	const char *target = ledger_get(ev, "target");
	const char *key = ledger_get(ev, "key");
	struct record *r = catalog_add(&h->catalog, id);
	struct note *n = r != NULL ? state_note(r) : NULL;

	if (n == NULL)
		return out_of_memory(e);
	if (feature == NULL || strlen(feature) > DOC_FEATURE ||
	    digest == NULL ||
	    hex_decode(r->digest, sizeof r->digest, digest, strlen(digest)) !=
		0)
		return err_set(e, ERR_LOCAL,
		    "ledger: received %" PRIu64 " without feature or digest",
		    id);
	if ((int64_t)id > h->verified_us)
		h->verified_us = (int64_t)id;
	/* Written twice by a host that took one document in twice. */
	if (n->released)
		return 0;
	/* A revert that named this id under another feature was not its. */
	r->state = RECORD_PENDING;
	n->by = 0;
	r->held = 1;
	n->kind = kind_of(ledger_get(ev, "kind"));
	n->on_disk = n->kind != DOC_NOTICE;
	snprintf(n->feature, sizeof n->feature, "%s", feature);
	snprintf(n->key, sizeof n->key, "%s", key != NULL ? key : "");
	if (target != NULL &&
	    num_parse(target, strlen(target), INT64_MAX, &n->target) != NUM_OK)
		n->target = 0;
	return 0;
}

static int
replay_released(struct host *h, struct record *r, struct err *e)
{
	struct note *n = r->owner, *tn;
	struct record *t;

	if (n->released)
		return 0;
	n->released = 1;
	r->state = RECORD_LIVE;
	state_let_in_done(h, r->id);
	if (n->kind == DOC_NOTICE) {
		r->state = RECORD_COVERED;
		return 0;
	}
	if (catalog_accept(&h->catalog, n->feature, r->id) != 0)
		return out_of_memory(e);
	if (n->kind != DOC_REVERT && n->kind != DOC_RETIRE)
		return 0;
	/* It lives on with the record that it is about. */
	r->state = RECORD_COVERED;
	n->on_disk = 0;
	t = catalog_add(&h->catalog, n->target);
	tn = t != NULL ? state_note(t) : NULL;
	if (tn == NULL)
		return out_of_memory(e);
	tn->by = r->id;
	t->state = n->kind == DOC_REVERT ? RECORD_REVERTED : RECORD_RETIRED;
	return 0;
}

void
state_trim_notices(struct host *h)
{
	size_t i, n = 0;

	/* The latest are counted first. */
	for (i = h->catalog.n; i-- > 0;) {
		struct record *r = h->catalog.records[i];
		const struct note *note = r->owner;

		if (note == NULL || note->kind != DOC_NOTICE || !r->held ||
		    r->state != RECORD_COVERED || ++n <= HOST_NOTICES)
			continue;
		state_note_free(r);
		catalog_remove(&h->catalog, r);
	}
}

int
state_let_in(struct host *h, uint64_t id)
{
	uint64_t *p;
	size_t i;

	for (i = 0; i < h->naccepted; i++)
		if (h->accepted[i] == id)
			return 0;
	p = realloc(h->accepted, (h->naccepted + 1) * sizeof *h->accepted);
	if (p == NULL)
		return -1;
	h->accepted = p;
	h->accepted[h->naccepted++] = id;
	return 0;
}

void
state_let_in_done(struct host *h, uint64_t id)
{
	size_t i;

	for (i = 0; i < h->naccepted; i++)
		if (h->accepted[i] == id)
			h->accepted[i] = h->accepted[--h->naccepted];
}

static int
replay(void *arg, const struct ledger_event *ev, struct err *e)
{
	struct host *h = arg;
	const char *text = ledger_get(ev, "id");
	struct record *r;
	struct note *n;
	uint64_t id;

	if (text == NULL ||
	    num_parse(text, strlen(text), INT64_MAX, &id) != NUM_OK)
		return 0; /* about no document */
	if (strcmp(ev->event, "accepted") == 0)
		return state_let_in(h, id) == 0 ? 0 : out_of_memory(e);
	if (strcmp(ev->event, "received") == 0)
		return replay_received(h, id, ev, e);
	r = catalog_find(&h->catalog, id);
	n = r != NULL ? r->owner : NULL;
	if (n == NULL)
		return 0;
	if (strcmp(ev->event, "released") == 0)
		return replay_released(h, r, e);
	if (strcmp(ev->event, "trying") == 0) {
		/* What waits survives every start: counted by themselves. */
		if (ledger_get(ev, "at") != NULL)
			n->event_tries++;
		else
			n->tries++;
	} else if (strcmp(ev->event, "proven") == 0) {
		n->proven = 1;
	} else if (strcmp(ev->event, "tried") == 0) {
		n->tries = 0;
	} else if (strcmp(ev->event, "covered") == 0) {
		r->state = RECORD_COVERED;
		n->on_disk = 0;
	} else if (strcmp(ev->event, "taken-back") == 0) {
		if (n->released) {
			r->state = RECORD_TAKEN_BACK;
		} else {
			state_note_free(r);
			catalog_remove(&h->catalog, r);
		}
	}
	return 0;
}

/* What was on its way when the host died is taken back. */
static int
end_pending(struct host *h, struct err *e)
{
	struct ledger_field why = {"why", "the host restarted"};
	size_t i = 0;

	while (i < h->catalog.n) {
		struct record *r = h->catalog.records[i];

		if (r->state != RECORD_PENDING) {
			i++;
			continue;
		}
		if (state_event(h, r->id, "taken-back", &why, 1, e) != 0)
			return -1;
		host_log(h,
		    "update %" PRIu64 ": its push was cut off; taken back",
		    r->id);
		state_forget(h, r);
	}
	return 0;
}

/*
 * The document as it was taken in: by the digest that the ledger has, not by
 * a key. A key that was dropped since does not undo what it signed before;
 * the log says so.
 */
static int
load_doc(struct host *h, uint64_t id, const uint8_t digest[SHA512_SIZE],
    struct doc **d, uint8_t **body, size_t *body_len, struct err *e)
{
	struct refusal why = {WORD_OK, ""};
	const struct trust_key *key;
	struct buf b = BUF_INIT;
	size_t head;
	int ret = -1;

	*d = NULL;
	*body = NULL;
	if (journal_get_doc(h->journal, id, &b, e) != 0)
		goto out;
	head = doc_head_length(b.data, b.len);
	if (doc_open(d, b.data, head, NULL, &why) != WORD_OK ||
	    doc_check_body(*d, -1, b.data + head, b.len - head, &why) !=
		WORD_OK ||
	    memcmp((*d)->digest, digest, SHA512_SIZE) != 0 || (*d)->id != id) {
		err_set(e, ERR_LOCAL,
		    "updates/%" PRIu64 ": not the document of the ledger", id);
		goto out;
	}
	*body_len = b.len - head;
	*body = malloc(*body_len > 0 ? *body_len : 1);
	if (*body == NULL) {
		out_of_memory(e);
		goto out;
	}
	if (*body_len > 0)
		memcpy(*body, b.data + head, *body_len);
	switch (keyring_verify(&h->keys, &key, &(*d)->sig,
	    (*d)->head + (*d)->signed_at, (*d)->head_len - (*d)->signed_at)) {
	case KEYRING_OK:
		break;
	case KEYRING_BAD:
		err_set(e, ERR_LOCAL,
		    "%s/updates/%" PRIu64 ": its signature is forged", h->dir,
		    id);
		goto out;
	case KEYRING_UNKNOWN:
		host_log(h,
		    "update %" PRIu64 " (%s) is in force, but its key is not "
		    "trusted any more; revert it if the key was stolen",
		    id, (*d)->feature);
		break;
	}
	ret = 0;
out:
	if (ret != 0) {
		doc_free(*d);
		*d = NULL;
		free(*body);
		*body = NULL;
	}
	buf_free(&b);
	return ret;
}

int
state_is_skipped(const struct host *h, uint64_t id)
{
	size_t i;

	for (i = 0; i < h->nskip; i++)
		if (h->skip[i] == id)
			return 1;
	return 0;
}

/*
 * What cannot be read any more: of an update that is in force nowhere it is
 * not needed much, the log says so. One that is in force stops the start,
 * unless it is to be left out.
 */
static int
do_without(struct host *h, struct record *r, struct err *e)
{
	int in_force = r->state == RECORD_LIVE || r->state == RECORD_RETIRED;

	if (in_force && !state_is_skipped(h, r->id)) {
		size_t n = strlen(e->text);

		snprintf(e->text + n, sizeof e->text - n,
		    "; bring it back, or leave it out with --skip %" PRIu64,
		    r->id);
		return -1;
	}
	host_log(h, "%s; update %" PRIu64 " is left out", e->text, r->id);
	if (in_force)
		r->state = RECORD_COVERED;
	return 0;
}

static int
load_record(struct host *h, struct record *r, struct err *e)
{
	struct note *n = r->owner;
	const struct record *by;
	uint8_t *rest;
	size_t len;

	if (r->held && n->kind == DOC_UPDATE && n->on_disk) {
		if (load_doc(h, r->id, r->digest, &r->doc, &r->body,
			&r->body_len, e) != 0)
			return do_without(h, r, e);
		snprintf(r->doc->key_name, sizeof r->doc->key_name, "%s",
		    n->key);
		r->take_back_until_us = r->doc->take_back_until_us;
	}
	if (n->by == 0)
		return 0;
	by = catalog_find(&h->catalog, n->by);
	if (by == NULL)
		return err_set(e, ERR_LOCAL,
		    "%s/ledger: %" PRIu64 " names %" PRIu64
		    ", which is missing",
		    h->dir, r->id, n->by);
	if (load_doc(h, n->by, by->digest, &r->by, &rest, &len, e) != 0) {
		/* It stays reverted or retired; only clients that were away
		 * cannot be told. */
		host_log(h, "%s", e->text);
		return 0;
	}
	free(rest);
	return 0;
}

/* 1 when the ledger knows why the file is there. */
static int
is_needed(void *arg, uint64_t id)
{
	const struct host *h = arg;
	const struct record *r = catalog_find(&h->catalog, id);
	const struct note *n = r != NULL ? r->owner : NULL;

	return n != NULL && r->held && (n->on_disk || n->kind != DOC_UPDATE);
}

int
state_open(struct host *h, const char *dir, struct err *e)
{
	struct ledger_field fields[] = {
	    {"program", h->program}, {"version", h->version}};
	size_t i, torn;

	h->dir = dir;
	h->journal = journal_open(dir, replay, h, &torn, e);
	if (h->journal == NULL)
		return -1;
	if (torn != 0)
		host_log(h,
		    "%s/ledger: line %zu was torn by a crash and is cut off",
		    dir, torn);
	if (dir == NULL)
		return 0;
	h->keeps = 1;
	if (host_time_open(h, dir, e) != 0)
		return -1;
	if (end_pending(h, e) != 0)
		return -1;
	state_trim_notices(h);
	for (i = 0; i < h->catalog.n; i++)
		if (load_record(h, h->catalog.records[i], e) != 0)
			return -1;
	journal_sweep(h->journal, is_needed, h);
	h->dir = NULL;
	return state_event(h, 0, "start", fields,
	    sizeof fields / sizeof *fields, e);
}

/* ---- the seed folder ---------------------------------------------------- */

struct seed {
	struct doc *doc;
	uint8_t *body;
	size_t body_len;
};

static int
by_id(const void *a, const void *b)
{
	const struct seed *x = a, *y = b;

	return x->doc->id < y->doc->id ? -1 : x->doc->id > y->doc->id;
}

/* One file of the folder: 0 with the seed filled, or -1 after a log line. */
static int
read_seed(struct host *h, const char *path, struct seed *s)
{
	struct refusal why = {WORD_SYNTAX, "not an update document"};
	struct buf b = BUF_INIT;
	struct err e;
	size_t head;

	s->doc = NULL;
	if (file_read(path, JOURNAL_DOC_MAX, &b, &e) != 0) {
		host_log(h, "seed: %s", e.text);
		goto fail;
	}
	head = doc_head_length(b.data, b.len);
	if (head == 0 ||
	    doc_open(&s->doc, b.data, head, &h->keys, &why) != WORD_OK ||
	    doc_check_body(s->doc, -1, b.data + head, b.len - head, &why) !=
		WORD_OK) {
		host_log(h, "seed: %s: %s: %s", path, word_name(why.word),
		    why.text);
		goto fail;
	}
	s->body_len = b.len - head;
	s->body = malloc(s->body_len > 0 ? s->body_len : 1);
	if (s->body == NULL) {
		host_log(h, "seed: %s: out of memory", path);
		goto fail;
	}
	if (s->body_len > 0)
		memcpy(s->body, b.data + head, s->body_len);
	buf_free(&b);
	return 0;

fail:
	doc_free(s->doc);
	s->doc = NULL;
	buf_free(&b);
	return -1;
}

int
host_seed(struct host *h, const char *dir, struct err *e)
{
	struct seed *seeds = NULL, *more;
	size_t i, n = 0, cap = 0;
	const struct dirent *d;
	DIR *folder = opendir(dir);
	char *path;
	int ret = -1;

	if (folder == NULL)
		return err_errno(e, ERR_LOCAL, "%s", dir);
	while ((d = readdir(folder)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		if (n == cap) {
			cap = cap > 0 ? cap * 2 : 16;
			more = realloc(seeds, cap * sizeof *seeds);
			if (more == NULL) {
				err_set(e, ERR_LOCAL, "%s: out of memory", dir);
				goto out;
			}
			seeds = more;
		}
		path = file_join(dir, d->d_name);
		if (path != NULL && read_seed(h, path, &seeds[n]) == 0)
			n++;
		free(path);
	}
	if (n > 0)
		qsort(seeds, n, sizeof *seeds, by_id);
	for (i = 0; i < n; i++) {
		push_start(h, NULL, seeds[i].doc, seeds[i].body,
		    seeds[i].body_len, "seed");
		seeds[i].doc = NULL; /* taken over */
	}
	ret = 0;
out:
	for (i = 0; i < n; i++) {
		doc_free(seeds[i].doc);
		free(seeds[i].body);
	}
	free(seeds);
	closedir(folder);
	return ret;
}
