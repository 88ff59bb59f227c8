/* What an update document will say, from options, files and greetings. */

#include "cmd/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"

void
plan_free(struct plan *p)
{
	int i;

	for (i = 0; i < DOC_NPARTS; i++)
		buf_free(&p->parts[i]);
	buf_free(&p->needs_text);
	buf_free(&p->versions);
	document_free(&p->old);
}

/* --- parts --------------------------------------------------------------- */

static int
read_part(struct plan *p, enum doc_part_kind kind, const char *path,
    struct err *e)
{
	struct buf *b = &p->parts[kind];

	if (file_read(path, DOC_PART_MAX, b, e) != 0)
		return -1;
	/* An empty part is a part: its bytes are there, none of them. */
	if (buf_text(b) == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	p->spec.parts[kind].bytes = b->data;
	p->spec.parts[kind].len = b->len;
	return 0;
}

/* The feature of a part's file: its name without folder and extension, made
 * to fit. */
static int
feature_from_path(char out[DOC_FEATURE + 1], const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	const char *dot = strrchr(base, '.');
	size_t len =
	    dot != NULL && dot != base ? (size_t)(dot - base) : strlen(base);
	size_t i;

	for (i = 0; i < len && i < DOC_FEATURE; i++) {
		out[i] = base[i];
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] - 'A' + 'a');
		else if (!doc_feature_is_valid(&out[i], 1))
			out[i] = '-';
	}
	out[i] = '\0';
	return i > 0 ? 0 : -1;
}

int
plan_read_parts(struct plan *p, struct err *e)
{
	const char *server = p->both != NULL ? p->both : p->server;
	const char *client = p->both != NULL ? p->both : p->client;
	const char *named = server != NULL ? server : client;

	if (server != NULL && client != NULL && strcmp(server, "-") == 0 &&
	    p->both == NULL && strcmp(client, "-") == 0)
		return err_set(e, ERR_USAGE,
		    "two parts from one standard"
		    " input: use --both");
	if (server != NULL && read_part(p, DOC_SERVER, server, e) != 0)
		return -1;
	if (p->both != NULL)
		p->spec.parts[DOC_CLIENT] = p->spec.parts[DOC_SERVER];
	else if (client != NULL && read_part(p, DOC_CLIENT, client, e) != 0)
		return -1;
	p->spec.feature = p->feature;
	if (p->feature != NULL)
		return 0;
	if (strcmp(named, "-") == 0)
		return err_set(e, ERR_USAGE,
		    "a part from standard input"
		    " needs --feature F");
	if (feature_from_path(p->feature_text, named) != 0)
		return err_set(e, ERR_USAGE, "%s: give --feature F", named);
	p->spec.feature = p->feature_text;
	return 0;
}

/* --- what is said of it -------------------------------------------------- */

/* 1 when the host's version is in the list so far. */
static int
is_listed(const struct hosts *h, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (!h->lines[k].left_out &&
		    strcmp(h->lines[k].version, h->lines[i].version) == 0)
			return 1;
	return 0;
}

/* server-version: the versions that the hosts greeted with. */
static int
versions_of(struct plan *p, const struct hosts *h, struct err *e)
{
	const struct host_line *l;
	size_t i, untold = 0, told = 0;

	for (i = 0; i < h->n; i++) {
		l = &h->lines[i];
		if (l->left_out)
			continue;
		if (l->version[0] == '\0') {
			untold++;
			continue;
		}
		told++;
		if (strpbrk(l->version, ",*?!\\") != NULL)
			return err_set(e, ERR_USAGE,
			    "%.64s: its version is '%.64s': give"
			    " --server-version V",
			    l->shown, l->version);
		if (!is_listed(h, i))
			buf_printf(&p->versions, "%s%s",
			    p->versions.len > 0 ? "," : "", l->version);
	}
	if (told > 0 && untold > 0)
		return err_set(e, ERR_USAGE,
		    "some hosts tell no version:"
		    " give --server-version V");
	if (told == 0)
		return 0; /* for programs that have none */
	p->spec.server_version = buf_text(&p->versions);
	return p->spec.server_version != NULL
		   ? 0
		   : err_set(e, ERR_LOCAL, "out of memory");
}

/* max-failed by the host with the most clients. */
static void
default_max_failed(struct plan *p, const struct hosts *h)
{
	uint64_t n, most = 0;
	size_t i;

	for (i = 0; i < h->n; i++)
		if (!h->lines[i].left_out && h->lines[i].logged_in > most)
			most = h->lines[i].logged_in;
	n = most / 100 * PLAN_FAILED_PERCENT;
	if (n < PLAN_FAILED_LEAST)
		n = PLAN_FAILED_LEAST;
	/* A bound that nobody can pass guards nobody. */
	if (most > 0 && n >= most)
		n = most - 1;
	snprintf(p->failed_text, sizeof p->failed_text, "%" PRIu64, n);
	p->spec.max_failed = p->failed_text;
}

static void
format_ms(char *out, size_t size, int64_t ms)
{
	if (ms % 1000 == 0)
		snprintf(out, size, "%" PRId64 "s", ms / 1000);
	else
		snprintf(out, size, "%" PRId64 "ms", ms);
}

int
plan_make(struct plan *p, const struct hosts *h, int64_t now_us, struct err *e)
{
	int64_t wait_ms = p->wait_ms >= 0 ? p->wait_ms : DOC_WAIT_DEFAULT_MS;
	int64_t back_ms = p->take_back_ms >= 0 ? p->take_back_ms
					       : wait_ms + PLAN_TAKE_BACK_MS;
	struct doc_spec *s = &p->spec;
	size_t i;

	s->id = (uint64_t)now_us;
	s->program = p->program;
	s->version = p->version;
	s->platform = p->platform;
	s->server_program = p->server_program;
	s->server_version = p->server_version;
	s->zone = p->zone;
	s->note = p->note;
	s->allow_partial = p->allow_partial;
	if (p->expires != NULL) {
		if (document_time(&s->expires_us, "--expires", p->expires,
			now_us, e) != 0)
			return -1;
		if (s->expires_us <= now_us)
			return err_set(e, ERR_USAGE,
			    "--expires: %s is past already", p->expires);
	}
	buf_reset(&p->needs_text);
	for (i = 0; i < p->needs.n; i++)
		buf_printf(&p->needs_text, "%s%s", i > 0 ? " " : "",
		    p->needs.items[i]);
	if (p->needs.n > 0 && (s->needs = buf_text(&p->needs_text)) == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	if (s->parts[DOC_SERVER].bytes != NULL && s->server_version == NULL &&
	    versions_of(p, h, e) != 0)
		return -1;
	if (p->wait_ms >= 0) {
		format_ms(p->wait_text, sizeof p->wait_text, p->wait_ms);
		s->wait = p->wait_text;
	}
	if (s->parts[DOC_CLIENT].bytes == NULL)
		return 0;
	s->max_failed = p->max_failed;
	if (p->max_failed == NULL)
		default_max_failed(p, h);
	s->take_back_until_us = now_us + back_ms * 1000;
	return 0;
}

/* --- before anybody is asked ---------------------------------------------- */

int
plan_try(struct plan *p, int64_t now_us, struct err *e)
{
	const struct hosts nobody = {NULL, 0, 0, NULL};
	struct buf text = BUF_INIT;
	int ret = -1;

	if ((p->again != NULL ? plan_make_again(p, now_us, e)
			      : plan_make(p, &nobody, now_us, e)) == 0)
		ret = doc_build(&text, &p->spec, e);
	buf_free(&text);
	return ret;
}

/* --- the same again ------------------------------------------------------ */

int
plan_make_again(struct plan *p, int64_t now_us, struct err *e)
{
	const struct doc *d = p->old.doc;
	const uint8_t *body = p->old.bytes.data + p->old.head_len;
	struct doc_spec *s = &p->spec;
	size_t i;

	if (d->kind != DOC_UPDATE || d->unsupported != NULL)
		return err_set(e, ERR_USAGE,
		    "%s: not an update that can be"
		    " made again",
		    p->again);
	if (d->expires_us != 0 && d->expires_us <= now_us)
		return err_set(e, ERR_NO, "%s: it has expired", p->again);
	s->id = (uint64_t)now_us;
	s->feature = d->feature;
	s->program = d->program;
	s->version = d->version;
	s->platform = d->platform;
	s->server_program = d->server_program;
	s->server_version = d->server_version;
	s->zone = d->zone;
	s->note = d->note;
	s->allow_partial = d->allow_partial;
	s->expires_us = d->expires_us;
	if (d->take_back_until_us != 0)
		s->take_back_until_us =
		    now_us + d->take_back_until_us - d->created_us;
	buf_reset(&p->needs_text);
	for (i = 0; i < d->nneeds; i++)
		buf_printf(&p->needs_text, "%s%" PRIu64, i > 0 ? " " : "",
		    d->needs[i]);
	if (d->nneeds > 0 && (s->needs = buf_text(&p->needs_text)) == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	format_ms(p->wait_text, sizeof p->wait_text, d->wait_ms);
	s->wait = p->wait_text;
	if (d->max_failed.kind != DOC_NO_BOUND) {
		snprintf(p->failed_text, sizeof p->failed_text, "%" PRIu64 "%s",
		    d->max_failed.value,
		    d->max_failed.kind == DOC_BOUND_PERCENT ? "%" : "");
		s->max_failed = p->failed_text;
	}
	for (i = 0; i < DOC_NPARTS; i++) {
		if (!d->parts[i].present)
			continue;
		s->parts[i].bytes = body + d->parts[i].offset;
		s->parts[i].len = (size_t)d->parts[i].len;
	}
	return 0;
}
