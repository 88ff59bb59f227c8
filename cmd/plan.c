/* What an update document will say, from options, files and greetings. */

#include "cmd/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"
#include "base/text.h"
#include "lua-host/wrap.h"
#include "native/patch.h"

#define SHOWN 128 /* of an option's value in a message */

void
plan_free(struct plan *p)
{
	int i;

	for (i = 0; i < DOC_NPARTS; i++)
		buf_free(&p->parts[i]);
	buf_free(&p->needs_text);
	buf_free(&p->versions);
	buf_free(&p->package_text);
	document_free(&p->old);
}

void
plan_target_options(struct plan *p, struct option rows[PLAN_TARGET_OPTIONS])
{
	const struct option all[PLAN_TARGET_OPTIONS] = {
	    {0, "version", "LIST", "clients of these versions (globs)",
		.text = &p->version},
	    {0, "platform", "LIST", "clients on these platforms",
		.text = &p->platform},
	    {0, "program", "LIST", "clients of these programs",
		.text = &p->program},
	    {0, "server-version", "LIST", "hosts of these; default: HOST's",
		.text = &p->server_version},
	    {0, "server-program", "LIST", "hosts of these programs",
		.text = &p->server_program},
	    {0, "zone", "LIST", "hosts of these zones", .text = &p->zone},
	};

	memcpy(rows, all, sizeof all);
}

/* --- parts --------------------------------------------------------------- */

/* The sides that have Lua. */
static const struct {
	enum doc_part_kind kind;
	const char *name, *option; /* for its modules */
} sides[] = {
    {DOC_SERVER, "server", "--server-module"},
    {DOC_CLIENT, "client", "--client-module"},
};

#define NSIDES (sizeof sides / sizeof *sides)

/* NAME=FILE of a module; the texts are the option's. */
struct module {
	const char *name, *file;
	size_t name_len;
};

static const char *
file_of(const struct plan *p, enum doc_part_kind kind)
{
	if (p->both != NULL)
		return p->both;
	return kind == DOC_SERVER ? p->server : p->client;
}

int
plan_has_part(const struct plan *p, enum doc_part_kind kind)
{
	if (kind == DOC_NATIVE)
		return p->native != NULL;
	return file_of(p, kind) != NULL || p->modules[kind].n > 0;
}

static int
parse_module(struct module *m, const char *option, const char *text,
    struct err *e)
{
	const char *eq = strchr(text, '=');
	char shown[SHOWN];

	if (eq == NULL || eq[1] == '\0')
		return err_set(e, ERR_USAGE, "%s: '%s' is not NAME=FILE",
		    option,
		    text_escape(shown, sizeof shown, text, strlen(text), 0));
	m->name = text;
	m->name_len = (size_t)(eq - text);
	m->file = eq + 1;
	if (!wrap_name_is_valid(m->name, m->name_len))
		return err_set(e, ERR_USAGE,
		    "%s: the name of a module has 1 to %d bytes, without"
		    " quotes and control bytes",
		    option, WRAP_NAME_MAX);
	return 0;
}

/* The modules of a side, each once; those of standard input are counted. */
static int
check_modules(const struct plan *p, size_t side, size_t *nstdin, struct err *e)
{
	const struct option_list *list = &p->modules[sides[side].kind];
	struct module m, before;
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		if (parse_module(&m, sides[side].option, list->items[i], e) !=
		    0)
			return -1;
		*nstdin += strcmp(m.file, "-") == 0;
		for (k = 0; k < i; k++) {
			if (parse_module(&before, sides[side].option,
				list->items[k], e) != 0)
				return -1;
			if (before.name_len == m.name_len &&
			    memcmp(before.name, m.name, m.name_len) == 0)
				return err_set(e, ERR_USAGE,
				    "%s: %.*s: given twice", sides[side].option,
				    (int)m.name_len, m.name);
		}
	}
	return 0;
}

/* Whatever is wrong with the options is told before a file is read. */
static int
check_sources(const struct plan *p, struct err *e)
{
	size_t nstdin = p->native != NULL && strcmp(p->native, "-") == 0, i;
	const char *file;

	for (i = 0; i < NSIDES; i++) {
		file = file_of(p, sides[i].kind);
		nstdin += file != NULL && strcmp(file, "-") == 0 &&
			  (i == 0 || p->both == NULL);
		if (check_modules(p, i, &nstdin, e) != 0)
			return -1;
	}
	if (nstdin > 1)
		return err_set(e, ERR_USAGE,
		    "two files from one standard input%s",
		    p->modules[DOC_SERVER].n + p->modules[DOC_CLIENT].n == 0 &&
			    p->native == NULL
			? ": use --both"
			: "");
	return 0;
}

/* The text of the file that the part begins with, if there is one. */
static int
read_file(struct plan *p, enum doc_part_kind kind, struct err *e)
{
	struct buf *b = &p->parts[kind];
	const struct buf *server = &p->parts[DOC_SERVER];
	const char *file = file_of(p, kind);

	if (file == NULL)
		return 0;
	/* Standard input can be read once only. */
	if (kind != DOC_CLIENT || p->both == NULL)
		return file_read(file, DOC_PART_MAX, b, e);
	return server->len == 0 || buf_append(b, server->data, server->len) == 0
		   ? 0
		   : err_set(e, ERR_LOCAL, "out of memory");
}

/* The modules of a side, behind what its part has so far. */
static int
add_modules(struct plan *p, size_t side, struct err *e)
{
	const struct option_list *list = &p->modules[sides[side].kind];
	struct buf *b = &p->parts[sides[side].kind];
	struct buf source = BUF_INIT;
	struct module m;
	size_t i;
	int ret = -1;

	if (list->n > 0 && b->len > 0 && b->data[b->len - 1] != '\n')
		buf_puts(b, "\n");
	for (i = 0; i < list->n; i++) {
		buf_reset(&source);
		if (parse_module(&m, sides[side].option, list->items[i], e) !=
			0 ||
		    file_read(m.file, DOC_PART_MAX, &source, e) != 0)
			goto out;
		if (wrap_module(b, m.name, m.name_len, source.data,
			source.len) != 0) {
			err_set(e, ERR_LOCAL, "out of memory");
			goto out;
		}
		if (b->len > DOC_PART_MAX) {
			err_set(e, ERR_LOCAL,
			    "%s: with it the %s part has %zu bytes; at most"
			    " %d may be in one update",
			    m.file, sides[side].name, b->len,
			    (int)DOC_PART_MAX);
			goto out;
		}
	}
	ret = 0;
out:
	buf_free(&source);
	return ret;
}

/* A file that no host could apply is not signed. */
static int
read_native(struct plan *p, struct err *e)
{
	struct buf *b = &p->parts[DOC_NATIVE];
	struct native_patch *patch;
	struct err why;

	if (p->native == NULL)
		return 0;
	if (file_read(p->native, DOC_NATIVE_MAX, b, e) != 0)
		return -1;
	if (native_patch_parse(&patch, b->data, b->len, &why) != 0)
		return err_set(e, why.kind, "%.200s: %.250s", p->native,
		    why.text);
	native_patch_free(patch);
	p->spec.parts[DOC_NATIVE].bytes = b->data;
	p->spec.parts[DOC_NATIVE].len = b->len;
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

/* The first file of the server part, else of the client part, else the patch.
 */
static const char *
first_file(const struct plan *p)
{
	const char *file = NULL;
	size_t i;

	for (i = 0; i < NSIDES && file == NULL; i++) {
		file = file_of(p, sides[i].kind);
		if (file == NULL && p->modules[sides[i].kind].n > 0)
			file =
			    strchr(p->modules[sides[i].kind].items[0], '=') + 1;
	}
	return file != NULL ? file : p->native;
}

static int
name_feature(struct plan *p, struct err *e)
{
	const char *named = first_file(p);

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

int
plan_read_parts(struct plan *p, struct err *e)
{
	enum doc_part_kind kind;
	struct buf *b;
	size_t i;

	if (check_sources(p, e) != 0 || name_feature(p, e) != 0 ||
	    read_native(p, e) != 0)
		return -1;
	/* Both files first: what --both gives to the clients has none of the
	 * server's modules. */
	for (i = 0; i < NSIDES; i++)
		if (read_file(p, sides[i].kind, e) != 0)
			return -1;
	for (i = 0; i < NSIDES; i++) {
		kind = sides[i].kind;
		b = &p->parts[kind];
		if (!plan_has_part(p, kind))
			continue;
		if (add_modules(p, i, e) != 0)
			return -1;
		/* An empty part is a part: its bytes are there, none of
		 * them. */
		if (buf_text(b) == NULL)
			return err_set(e, ERR_LOCAL, "out of memory");
		p->spec.parts[kind].bytes = b->data;
		p->spec.parts[kind].len = b->len;
	}
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

/* An instant of an option, which is to come. */
static int
future_time(int64_t *out_us, const char *option, const char *text,
    int64_t now_us, struct err *e)
{
	if (document_time(out_us, option, text, now_us, e) != 0)
		return -1;
	if (*out_us <= now_us)
		return err_set(e, ERR_USAGE, "%s: %s is past already", option,
		    text);
	return 0;
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
	s->dry_run = p->dry_run;
	s->allow_partial = p->allow_partial;
	s->on = p->on;
	if (p->expires != NULL && future_time(&s->expires_us, "--expires",
				      p->expires, now_us, e) != 0)
		return -1;
	if (p->by != NULL &&
	    future_time(&s->by_us, "--by", p->by, now_us, e) != 0)
		return -1;
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
	s->extra = p->package;
	if (s->parts[DOC_CLIENT].bytes == NULL && p->package == NULL)
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

/* The fields of the old document's package; empty when it has none. 0, or -1:
 * out of memory. */
static int
copy_package(struct buf *lines, const struct doc *d)
{
	if (!d->package.present)
		return 0;
	document_put_package(lines, "package", &d->package);
	if (d->base != NULL)
		buf_printf(lines, "base: %s\n", d->base);
	if (d->full.present)
		document_put_package(lines, "full", &d->full);
	if (d->spread_ms != 0)
		buf_printf(lines, "spread: %" PRId64 "ms\n", d->spread_ms);
	return lines->oom ? -1 : 0;
}

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
	s->dry_run = d->dry_run;
	s->allow_partial = d->allow_partial;
	s->on = d->on;
	s->by_us = d->by_us;
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
	buf_reset(&p->package_text);
	if (copy_package(&p->package_text, d) != 0 ||
	    (p->package != NULL && buf_puts(&p->package_text, p->package) != 0))
		return err_set(e, ERR_LOCAL, "out of memory");
	s->extra = buf_text(&p->package_text);
	for (i = 0; i < DOC_NPARTS; i++) {
		if (!d->parts[i].present)
			continue;
		s->parts[i].bytes = body + d->parts[i].offset;
		s->parts[i].len = (size_t)d->parts[i].len;
	}
	return 0;
}
