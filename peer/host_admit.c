/* May this document come in here and now? The checks that need the host. */

#include "peer/host_internal.h"
#include "update/plain.h"

#include <inttypes.h>
#include <string.h>

static int
is_let_in(const struct host *h, uint64_t id)
{
	size_t i;

	for (i = 0; i < h->naccepted; i++)
		if (h->accepted[i] == id)
			return 1;
	return 0;
}

static enum word
admit_update(struct host *h, const struct doc *d, struct refusal *why)
{
	uint64_t missing;

	if (!doc_has_client(d) && d->parts[DOC_NATIVE].present &&
	    h->cb.native == NULL)
		return refuse(why, WORD_UNSUPPORTED,
		    "the executable of this host cannot be patched");
	if (!doc_has_client(d) &&
	    (!server_has_place(h, d) ||
		!doc_fits_host(d, h->program, h->version)))
		return refuse(why, WORD_NOT_FOR_ME,
		    "the server part is for program %s version %s, this host "
		    "runs %s version %s",
		    d->server_program != NULL ? d->server_program : "*",
		    d->server_version != NULL ? d->server_version : "*",
		    !server_has_place(h, d) ? "none"
		    : h->program[0] != '\0' ? h->program
					    : "an untold one",
		    h->version[0] != '\0' ? h->version : "untold");
	if (!catalog_has_needs(&h->catalog, d, &missing))
		return refuse(why, WORD_NEEDS,
		    "it needs %" PRIu64 ", which is not in force here",
		    missing);
	if (catalog_nlive_with(&h->catalog, d) > CATALOG_LIVE)
		return refuse(why, WORD_FULL,
		    "%d updates are live already; retire or revert some",
		    CATALOG_LIVE);
	return WORD_OK;
}

static enum word
admit_about(struct host *h, const struct doc *d, struct refusal *why)
{
	const struct record *r = catalog_find(&h->catalog, d->target);

	if (r != NULL && r->doc != NULL &&
	    (r->doc->kind != DOC_UPDATE ||
		strcmp(r->doc->feature, d->feature) != 0))
		return refuse(why, WORD_SYNTAX,
		    "%" PRIu64 " is of feature %s, not %s", d->target,
		    r->doc->feature, d->feature);
	if (d->kind == DOC_RETIRE &&
	    (r == NULL || r->doc == NULL ||
		(r->state != RECORD_LIVE && r->state != RECORD_RETIRED)))
		return refuse(why, WORD_UNKNOWN,
		    "%" PRIu64 " is not in force here", d->target);
	return WORD_OK;
}

enum word
push_admit(struct host *h, const struct doc *d, int seed, struct refusal *why)
{
	int64_t max_age = seed || is_let_in(h, d->id) ? 0 : DOC_OLD_US;
	enum word w;

	host_time_verified(h, d->created_us);
	w = catalog_admit(&h->catalog, d, host_now_us(h), host_late_us(h),
	    max_age, why);
	if (w != WORD_OK)
		return w;
	if (!doc_fits_zone(d, h->zone))
		return refuse(why, WORD_NOT_FOR_ME,
		    "it is for zone %s, this host is in %s", d->zone,
		    h->zone[0] != '\0' ? h->zone : "none");
	if (d->kind == DOC_UPDATE)
		w = admit_update(h, d, why);
	else if (d->kind != DOC_NOTICE)
		w = admit_about(h, d, why);
	if (w == WORD_OK && d->wait_ms > HOST_WAIT_MAX_MS)
		return refuse(why, WORD_UNSUPPORTED,
		    "wait: more than 10 minutes");
	if (w == WORD_OK && d->dry_run && d->package.present)
		return refuse(why, WORD_UNSUPPORTED,
		    "dry-run: of a package there is none, every client would "
		    "have to fetch it; try its server and client parts alone");
	if (w == WORD_OK && d->dry_run && check_is_known(h, d))
		return refuse(why, WORD_HAVE, "it was tried already");
	if (w == WORD_OK && seed && d->dry_run)
		return refuse(why, WORD_UNSUPPORTED,
		    "dry-run: there is nobody to tell");
	return w;
}

enum word
push_readmit(struct host *h, const struct doc *d, int seed, struct refusal *why)
{
	struct doc *again;
	enum word w = doc_open(&again, d->head, d->head_len, &h->keys, why);

	doc_free(again);
	return w != WORD_OK ? w : push_admit(h, d, seed, why);
}

static int
is_noted(struct host *h, uint64_t id, enum word w)
{
	size_t i;

	for (i = 0; i < h->nrefused && i < HOST_REFUSED; i++)
		if (h->refused[i].id == id && h->refused[i].word == w)
			return 1;
	h->refused[h->nrefused++ % HOST_REFUSED] = (struct refused){id, w};
	return 0;
}

void
push_note_refused(struct host *h, const struct doc *d, const char *from,
    enum word w, const char *text)
{
	const struct ledger_field fields[] = {
	    {"kind", d->dry_run ? "dry-run" : state_kind_name(d->kind)},
	    {"feature", d->feature}, {"key", d->key_name}, {"from", from},
	    {"word", word_name(w)}, {"why", text}};
	struct err e;

	if (w == WORD_EXPIRED || w == WORD_REVERTED || w == WORD_STALE ||
	    is_noted(h, d->id, w))
		return;
	if (state_event(h, d->id, "refused", fields,
		sizeof fields / sizeof *fields, &e) != 0)
		host_log(h, "%s", e.text);
}

static int
part_is_plain(const struct doc *d, const uint8_t *body, enum doc_part_kind kind)
{
	const struct doc_part *part = &d->parts[kind];

	return part->present && plain_chunk((const char *)body + part->offset,
				    (size_t)part->len);
}

enum word
push_admit_plain(const struct doc *d, const uint8_t *body, struct refusal *why)
{
	const char *which;

	if (d->allow_partial || d->max_failed.kind == DOC_NO_BOUND)
		return WORD_OK;
	if (part_is_plain(d, body, DOC_SERVER))
		which = "server";
	else if (part_is_plain(d, body, DOC_CLIENT))
		which = "client";
	else
		return WORD_OK;
	return refuse(why, WORD_UNSUPPORTED,
	    "the %s part does not use the update API, so it could not be taken "
	    "back; write it with hotfix.replace, or allow partial",
	    which);
}
