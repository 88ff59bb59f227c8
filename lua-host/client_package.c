/*
 * The packages of a client.
 *
 * A package is an update whose text is made here, from what the program has
 * loaded and what the release holds. The engine keeps it like any other, so
 * supersession, taking back and order are the engine's.
 */

/* realpath is an extension of POSIX. */
#define _XOPEN_SOURCE 700

#include "lua-host/client_package.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "lua-host/package_fetch.h"
#include "lua-host/package_modules.h"
#include "lua-host/releases.h"

/* Old releases are removed in a job; one that takes longer is gone on with at
 * the next start. */
#define SWEEP_NS INT64_C(600000000000)

/* Of a turn of the loop, for making modules ready: a frame of a game that draws
 * 60 of them in a second has 16 ms, most of which it needs. */
#define SLICE_NS INT64_C(3000000)

/* An update with a package that the engine has. */
struct held {
	struct held *next; /* with a higher id */
	uint64_t id;
	char name[DOC_RELEASE + 1], called[DOC_RELEASE + 1];
	char release[RELEASES_NAME + 1];
	char *feature;
	char *on; /* it waits as a whole for this event; NULL: in force */
	void *part;
	size_t len;
	int all; /* every module that is loaded is in its list */
	struct package_modules *modules; /* made ready, while it waits */
};

struct fetch {
	struct fetch *next;
	struct client_packages *owner;
	const struct doc *doc;
	uint64_t id;
	char *from, *full_from;       /* NULL: none is nearer */
	char base[RELEASES_NAME + 1]; /* "": none is here */
	struct loop_timer delay;
	struct job *job;
	int64_t start_ns, took_ns;
	struct package_modules *modules; /* they are being made ready */
};

struct sweep {
	struct sweep *next;
	struct client_packages *owner;
	struct job *job;
	char name[DOC_RELEASE + 1];
};

/* What the program is to be told. */
struct news {
	struct news *next;
	char called[DOC_RELEASE + 1];
	char *folder;
};

struct client_packages {
	struct wire *wire;
	struct releases *releases;
	struct package_fetch fetch;
	char *script_dir;
	void (*fetched)(void *arg, uint64_t id,
	    const struct client_applied *out);
	void (*release)(void *arg, const char *release);
	void *arg;
	struct held *held;
	struct fetch *fetches;
	struct sweep *sweeps;
	struct news *news;
	/* What was fetched last, until it is applied; or NULL. */
	struct package_modules *ready;
	uint64_t ready_id;
	struct buf report; /* of the latest change */
	struct err why;
};

/* --- life ----------------------------------------------------------------- */

static char *
folder_of(const char *script)
{
	const char *slash = strrchr(script, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - script);
	char *out = malloc(len + 2);

	if (out == NULL)
		return NULL;
	memcpy(out, slash == NULL ? "." : "/", 2);
	if (len > 0) {
		memcpy(out, script, len);
		out[len] = '\0';
	}
	return out;
}

struct client_packages *
client_packages_new(struct wire *w, const struct client_packages_options *o,
    struct err *e)
{
	struct client_packages *p = calloc(1, sizeof *p);

	err_set(e, ERR_LOCAL, "out of memory");
	if (p == NULL)
		return NULL;
	p->wire = w;
	p->fetched = o->fetched;
	p->release = o->release;
	p->arg = o->arg;
	p->script_dir = folder_of(o->script);
	if (p->script_dir != NULL &&
	    package_fetch_init(&p->fetch, o->timeout_ms,
		PACKAGE_CLIENT_TIMEOUT_MS, o->tries, o->command, e) == 0)
		p->releases = releases_open(o->dir, e);
	if (p->releases != NULL)
		return p;
	client_packages_free(p);
	return NULL;
}

static void
held_free(struct held *h)
{
	if (h == NULL)
		return;
	free(h->feature);
	free(h->on);
	free(h->part);
	package_modules_free(h->modules);
	free(h);
}

static void
fetch_end(struct fetch *f)
{
	struct fetch **at = &f->owner->fetches;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	loop_timer_cancel(f->owner->wire->loop, &f->delay);
	job_cancel(f->job);
	package_modules_free(f->modules);
	free(f->from);
	free(f->full_from);
	free(f);
}

static void
sweep_end(struct sweep *s)
{
	struct sweep **at = &s->owner->sweeps;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	job_cancel(s->job);
	free(s);
}

void
client_packages_free(struct client_packages *p)
{
	struct held *h;
	struct news *n;

	if (p == NULL)
		return;
	while (p->fetches != NULL)
		fetch_end(p->fetches);
	while (p->sweeps != NULL)
		sweep_end(p->sweeps);
	while ((h = p->held) != NULL) {
		p->held = h->next;
		held_free(h);
	}
	while ((n = p->news) != NULL) {
		p->news = n->next;
		free(n->folder);
		free(n);
	}
	package_modules_free(p->ready);
	releases_close(p->releases);
	package_fetch_free(&p->fetch);
	buf_free(&p->report);
	free(p->script_dir);
	free(p);
}

/* --- fetching: in the job --------------------------------------------------
 */

struct unpacking {
	const struct doc_package *p;
	const char *base, *base_dir; /* NULL, both: a full package */
	const char *dir;
};

static int
unpack(void *arg, int fd, struct err *e)
{
	const struct unpacking *u = arg;
	struct package *p = package_fetch_open(fd, u->p, u->base, e);
	int rc;

	if (p == NULL)
		return -1;
	rc = package_unpack(p, u->dir, u->base_dir, e);
	package_free(p);
	return rc;
}

/* base "": a full package. */
static int
bring(const struct fetch *f, const struct doc_package *p, const char *from,
    const char *base, struct job_pipe *pipe, int *gave_up, struct err *e)
{
	const struct releases *r = f->owner->releases;
	struct unpacking u = {p, NULL, NULL, NULL};
	char release[RELEASES_NAME + 1], file[RELEASES_NAME + 8];
	char *dir, *base_dir = NULL, *path;
	int rc = -1;

	*gave_up = 0;
	snprintf(file, sizeof file, "%s.tar", releases_name(release, p));
	dir = releases_path(r, p->name, release);
	path = releases_path(r, p->name, file);
	if (*base != '\0')
		base_dir = releases_path(r, p->name, base);
	if (dir == NULL || path == NULL ||
	    (*base != '\0' && base_dir == NULL)) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	u.dir = dir;
	u.base_dir = base_dir;
	u.base = base_dir != NULL ? f->doc->base : NULL;
	if (releases_make(r, p->name, e) != 0)
		goto out;
	rc = package_fetch_file(&f->owner->fetch, p, from, path, unpack, &u,
	    pipe, 0, gave_up, e);
	if (rc == 0)
		(void)unlink(path);
out:
	free(dir);
	free(base_dir);
	free(path);
	return rc;
}

static int
body(void *arg, struct job_pipe *pipe, struct buf *text)
{
	struct fetch *f = arg;
	const struct doc *d = f->doc;
	int gave_up = 0, rc = -1;
	struct err e;

	if (d->base == NULL || f->base[0] != '\0')
		rc =
		    bring(f, &d->package, f->from, f->base, pipe, &gave_up, &e);
	/* The base here may be damaged, and the full package may be had where
	 * the other cannot. */
	if (rc != 0 && d->base != NULL && d->full.present)
		rc = bring(f, &d->full, f->full_from, "", pipe, &gave_up, &e);
	if (rc == 0)
		return PACKAGE_IS_HERE;
	buf_puts(text, e.text);
	return gave_up ? PACKAGE_GAVE_UP : PACKAGE_FAILED;
}

/* --- fetching: here --------------------------------------------------------
 */

static int
is_in(const uint64_t *ids, size_t n, uint64_t id)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

/* 1 when the program has an update of a lower id that stays; or when there is
 * no memory to tell. */
static int
lies_on_one(const struct client_packages *p, uint64_t id, const uint64_t *drop,
    size_t ndrop)
{
	size_t n = engine_list(p->wire->engine, NULL, 0), i;
	uint64_t *ids = calloc(n + 1, sizeof *ids);
	int is = ids == NULL;

	if (ids != NULL)
		engine_list(p->wire->engine, ids, n);
	for (i = 0; ids != NULL && i < n; i++)
		is |= ids[i] < id && !is_in(drop, ndrop, ids[i]);
	free(ids);
	return is;
}

/* The release that the document brings, when it is here: 1 with its package. */
static const struct doc_package *
pick(const struct client_packages *p, const struct doc *d,
    char out[RELEASES_NAME + 1])
{
	const struct doc_package *const packages[] = {&d->package, &d->full};
	size_t i;

	for (i = 0; i < 2; i++)
		if (packages[i]->present &&
		    releases_has(p->releases, packages[i]->name,
			releases_name(out, packages[i])))
			return packages[i];
	return NULL;
}

/* Tell how it ended. */
static void
end(struct fetch *f, enum result result, const char *text, size_t len)
{
	struct client_packages *p = f->owner;
	struct client_applied out = {
	    .result = result, .text = text, .len = len, .took_ns = f->took_ns};
	uint64_t id = f->id;

	if (f->modules != NULL) {
		package_modules_free(p->ready);
		p->ready = f->modules;
		p->ready_id = id;
		f->modules = NULL;
	}
	fetch_end(f);
	p->fetched(p->arg, id, &out);
}

/* Some of the modules, between two turns of the loop. */
static void
on_slice(void *arg)
{
	struct fetch *f = arg;
	struct client_packages *p = f->owner;
	int64_t now = clock_mono_ns();

	/* What cannot be done now is done when it is applied. */
	if (!package_modules_prepare(f->modules, lies_on_one(p, f->id, NULL, 0),
		now + SLICE_NS) ||
	    loop_timer_set(p->wire->loop, &f->delay, clock_mono_ns(), on_slice,
		f) != 0)
		end(f, RESULT_READY, "", 0);
}

/* The package is here: its modules are made ready, before anybody is told. */
static void
make_ready(struct fetch *f)
{
	struct client_packages *p = f->owner;
	const struct doc_package *package;
	char release[RELEASES_NAME + 1];
	char *dir = NULL;

	package = pick(p, f->doc, release);
	if (package != NULL && p->wire->engine != NULL)
		dir = releases_path(p->releases, package->name, release);
	if (dir != NULL)
		f->modules =
		    package_modules_new(p->wire->modules, p->wire->engine, dir);
	free(dir);
	if (f->modules == NULL || loop_timer_set(p->wire->loop, &f->delay,
				      clock_mono_ns(), on_slice, f) != 0)
		end(f, RESULT_READY, "", 0);
}

static void
on_done(void *arg, int status, const char *text, size_t len)
{
	struct fetch *f = arg;

	f->took_ns = clock_mono_ns() - f->start_ns;
	f->job = NULL;
	if (status == PACKAGE_IS_HERE)
		make_ready(f);
	else
		end(f,
		    status == PACKAGE_GAVE_UP ? RESULT_GAVE_UP : RESULT_FAILED,
		    text, len);
}

static int
begin(struct fetch *f)
{
	struct client_packages *p = f->owner;
	const struct job_spec spec = {
	    body, package_fetch_deadline_ns(&p->fetch, 4), NULL, on_done, f};

	f->start_ns = clock_mono_ns();
	f->job = job_start(p->wire->loop, &spec, &p->why);
	return f->job != NULL ? 0 : -1;
}

static void
on_delay(void *arg)
{
	struct fetch *f = arg;

	if (begin(f) != 0)
		on_done(f, PACKAGE_FAILED, f->owner->why.text,
		    strlen(f->owner->why.text));
}

int
client_packages_fetch(struct client_packages *p, const struct doc *d,
    const char *from, const char *full_from, int64_t delay_ns,
    struct client_applied *out)
{
	struct fetch *f = NULL;
	char release[RELEASES_NAME + 1];
	int ok;

	if (releases_prepare(p->releases, &p->why) != 0)
		goto fail;
	if (pick(p, d, release) != NULL)
		return 1;
	err_set(&p->why, ERR_LOCAL, "out of memory");
	f = calloc(1, sizeof *f);
	if (f == NULL)
		goto fail;
	f->owner = p;
	f->doc = d;
	f->id = d->id;
	f->next = p->fetches;
	p->fetches = f;
	if ((from != NULL && (f->from = strdup(from)) == NULL) ||
	    (full_from != NULL && (f->full_from = strdup(full_from)) == NULL))
		goto fail;
	if (d->base != NULL &&
	    !releases_find(p->releases, d->package.name, d->base, f->base) &&
	    !d->full.present) {
		err_set(&p->why, ERR_NO,
		    "the package builds on release %s, which is not here",
		    d->base);
		goto fail;
	}
	ok = delay_ns > 0 ? loop_timer_set(p->wire->loop, &f->delay,
				clock_mono_ns() + delay_ns, on_delay, f) == 0
			  : begin(f) == 0;
	if (ok)
		return 0;
fail:
	if (f != NULL)
		fetch_end(f);
	out->result = RESULT_FAILED;
	if (p->why.kind == ERR_NO) {
		out->result = RESULT_REFUSED;
		out->word = WORD_NEEDS;
	}
	out->text = p->why.text;
	out->len = strlen(p->why.text);
	return -1;
}

void
client_packages_cancel(struct client_packages *p, uint64_t id)
{
	struct fetch *f = p->fetches;

	while (f != NULL && f->id != id)
		f = f->next;
	if (f != NULL)
		fetch_end(f);
}

/* --- the modules -----------------------------------------------------------
 */

/* What a package brings, for the engine. */
struct making {
	struct package_modules *modules;
	struct engine_text texts[2]; /* the modules, the part */
	const struct engine_text *below, *text;
	size_t swapped;
};

/*
 * The modules of the release come in below the document's client part, or
 * alone. 0, or -1 with err. What was made ready before is taken from m, and
 * stays there.
 */
static int
make_list(struct client_packages *p, struct held *h, int all, struct making *m,
    struct err *e)
{
	char *dir;

	err_set(e, ERR_LOCAL, "out of memory");
	if (m->modules == NULL &&
	    (dir = releases_path(p->releases, h->name, h->release)) != NULL) {
		m->modules =
		    package_modules_new(p->wire->modules, p->wire->engine, dir);
		free(dir);
	}
	if (m->modules == NULL ||
	    package_modules_list(m->modules, all, &m->texts[0], e) != 0)
		return -1;
	m->swapped = m->texts[0].nmodules;
	m->below = NULL;
	m->text = &m->texts[0];
	if (h->len > 0) {
		m->below = m->text;
		m->text = &m->texts[1];
		m->texts[1].text = h->part;
		m->texts[1].len = h->len;
	}
	h->all = all;
	return 0;
}

/* --- what is in force ------------------------------------------------------
 */

static struct held *
find_held(const struct client_packages *p, uint64_t id)
{
	struct held *h = p->held;

	while (h != NULL && h->id != id)
		h = h->next;
	return h;
}

static void
put_in(struct client_packages *p, struct held *h)
{
	struct held **at = &p->held;

	while (*at != NULL && (*at)->id < h->id)
		at = &(*at)->next;
	h->next = *at;
	*at = h;
}

static struct held *
take_out(struct client_packages *p, uint64_t id)
{
	struct held **at = &p->held, *h;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	h = *at;
	if (h != NULL)
		*at = h->next;
	return h;
}

/* Of all packages, or of those of this name: the newest in force. */
static const struct held *
newest(const struct client_packages *p, const char *name)
{
	const struct held *h, *found = NULL;

	for (h = p->held; h != NULL; h = h->next)
		if (h->on == NULL &&
		    (name == NULL || strcmp(h->name, name) == 0))
			found = h;
	return found;
}

static struct held *
held_new(const struct doc *d, const struct doc_package *package,
    const char *release, const void *part, size_t len)
{
	struct held *h = calloc(1, sizeof *h);

	if (h == NULL)
		return NULL;
	h->id = d->id;
	strcpy(h->name, package->name);
	strcpy(h->called, package->release);
	strcpy(h->release, release);
	h->feature = strdup(d->feature);
	h->on = d->on != NULL ? strdup(d->on) : NULL;
	h->part = malloc(len + 1);
	if (h->feature == NULL || h->part == NULL ||
	    (d->on != NULL && h->on == NULL)) {
		held_free(h);
		return NULL;
	}
	if (len > 0)
		memcpy(h->part, part, len);
	h->len = len;
	return h;
}

static void
complain(const struct client_packages *p, const char *name, const struct err *e)
{
	char line[ERR_TEXT + DOC_RELEASE + 16];

	snprintf(line, sizeof line, "package %s: %s", name, e->text);
	wire_log(p->wire, line);
}

static void
add_news(struct client_packages *p, const char *name, const char *called,
    const char *release)
{
	struct news **at = &p->news, *n = calloc(1, sizeof *n);

	while (*at != NULL)
		at = &(*at)->next;
	if (n == NULL ||
	    (n->folder = release != NULL
			     ? releases_path(p->releases, name, release)
			     : strdup("")) == NULL) {
		free(n);
		wire_log(p->wire,
		    "out of memory: the program is not told of its package");
		return;
	}
	snprintf(n->called, sizeof n->called, "%s", called);
	*at = n;
}

/* Where require looks, and what the next login tells. */
static void
show_folders(struct client_packages *p)
{
	const struct held *h, *last = newest(p, NULL);
	size_t n = 0, i = 0;
	char **dirs;
	int ok = 1;

	for (h = p->held; h != NULL; h = h->next)
		n += h->on == NULL;
	dirs = calloc(n + 1, sizeof *dirs);
	for (h = p->held; h != NULL && dirs != NULL; h = h->next)
		if (h->on == NULL) {
			i++;
			dirs[n - i] =
			    releases_path(p->releases, h->name, h->release);
			ok &= dirs[n - i] != NULL;
		}
	if (dirs == NULL || !ok ||
	    modules_set_folders(p->wire->modules, (const char *const *)dirs,
		n) != 0)
		wire_log(p->wire, "out of memory: modules are still found "
				  "where they were");
	for (i = 0; dirs != NULL && i < n; i++)
		free(dirs[i]);
	free(dirs);
	p->release(p->arg, last != NULL ? last->called : "");
}

/* --- releases that are not needed ------------------------------------------
 */

struct keeping {
	const struct client_packages *p;
	const char *name;
};

static int
is_needed(void *arg, const char *release)
{
	const struct keeping *k = arg;
	char name[RELEASES_NAME + 1];
	const struct held *h;
	const struct fetch *f;

	for (h = k->p->held; h != NULL; h = h->next)
		if (strcmp(h->name, k->name) == 0 &&
		    strcmp(h->release, release) == 0)
			return 1;
	for (f = k->p->fetches; f != NULL; f = f->next) {
		if (strcmp(f->doc->package.name, k->name) != 0)
			continue;
		if (strcmp(f->base, release) == 0 ||
		    strcmp(releases_name(name, &f->doc->package), release) == 0)
			return 1;
		if (f->doc->full.present &&
		    strcmp(releases_name(name, &f->doc->full), release) == 0)
			return 1;
	}
	return 0;
}

static int
sweep_body(void *arg, struct job_pipe *pipe, struct buf *text)
{
	const struct sweep *s = arg;

	(void)pipe;
	(void)text;
	releases_sweep(s->owner->releases, s->name);
	return 0;
}

static void
swept(void *arg, int status, const char *text, size_t len)
{
	struct sweep *s = arg;

	(void)status;
	(void)text;
	(void)len;
	s->job = NULL;
	sweep_end(s);
}

/* A job of the same package would take what unpacks for rubbish. */
static int
is_busy(const struct client_packages *p, const char *name)
{
	const struct fetch *f;
	const struct sweep *s;

	for (f = p->fetches; f != NULL; f = f->next)
		if (strcmp(f->doc->package.name, name) == 0)
			return 1;
	for (s = p->sweeps; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return 1;
	return 0;
}

/* What cannot be removed now is at the next time. */
static void
tidy(struct client_packages *p, const char *name)
{
	struct job_spec spec = {sweep_body, SWEEP_NS, NULL, swept, NULL};
	struct keeping k = {p, name};
	struct sweep *s;

	if (is_busy(p, name) ||
	    !releases_put_aside(p->releases, name, is_needed, &k) ||
	    (s = calloc(1, sizeof *s)) == NULL)
		return;
	spec.arg = s;
	s->owner = p;
	strcpy(s->name, name);
	s->next = p->sweeps;
	p->sweeps = s;
	s->job = job_start(p->wire->loop, &spec, NULL);
	if (s->job == NULL)
		sweep_end(s);
}

/* --- coming and going ------------------------------------------------------
 */

static void
enter(struct client_packages *p, const struct held *h)
{
	const struct held *last = newest(p, h->name);
	struct err e;

	add_news(p, h->name, h->called, h->release);
	if (last == h &&
	    releases_enter(p->releases, h->name, h->release, &e) != 0)
		complain(p, h->name, &e);
}

/* Nothing of the name that it had is newer in force: one back. */
static void
go_back(struct client_packages *p, const char *name)
{
	const struct held *last = newest(p, name);
	char now[RELEASES_NAME + 1], before[RELEASES_NAME + 1];
	struct package_info info;
	char *folder;
	struct err e;
	int rc;

	if (last != NULL && (!releases_previous(p->releases, name, before) ||
				strcmp(before, last->release) != 0))
		rc = releases_enter(p->releases, name, last->release, &e);
	else
		rc = releases_leave(p->releases, name, &e);
	if (rc != 0)
		complain(p, name, &e);
	if (!releases_current(p->releases, name, now)) {
		add_news(p, name, "", NULL);
		return;
	}
	folder = releases_path(p->releases, name, now);
	if (folder != NULL && package_read_dir(folder, &info, NULL) == 0)
		add_news(p, name, info.release.release, now);
	free(folder);
}

/* They have left the engine; what came in their place is in force already. */
static void
leave(struct client_packages *p, const uint64_t *ids, size_t n)
{
	char now[RELEASES_NAME + 1];
	struct held *h;
	size_t i;

	for (i = 0; i < n; i++) {
		h = engine_has(p->wire->engine, ids[i]) ? NULL
							: take_out(p, ids[i]);
		if (h == NULL)
			continue;
		if (h->on == NULL &&
		    releases_current(p->releases, h->name, now) &&
		    strcmp(now, h->release) == 0)
			go_back(p, h->name);
		held_free(h);
	}
}

/* --- the report ------------------------------------------------------------
 */

/* The line comes first: what the engine says of many modules may be cut. */
static void
report(struct client_packages *p, struct wire_outcome *out, const char *line)
{
	size_t room, len = out->len;

	buf_reset(&p->report);
	buf_puts(&p->report, line);
	room = p->report.len < ENGINE_REPORT_MAX
		   ? ENGINE_REPORT_MAX - p->report.len
		   : 0;
	if (len > room)
		for (len = room; len > 0 && out->text[len - 1] != '\n'; len--)
			;
	if (len > 0)
		buf_append(&p->report, out->text, len);
	if (p->report.oom)
		return;
	out->text = (const char *)p->report.data;
	out->len = p->report.len;
}

static void
report_coming(struct client_packages *p, const struct held *h,
    const struct making *m, struct wire_outcome *out)
{
	char *dir = releases_path(p->releases, h->name, h->release);
	struct package_info info;
	char line[2 * DOC_RELEASE + 160];
	uint64_t rest = 0;

	if (dir != NULL && package_read_dir(dir, &info, NULL) == 0 &&
	    info.release.files > m->swapped)
		rest = info.release.files - m->swapped;
	free(dir);
	snprintf(line, sizeof line,
	    "package %s %s: %zu of %zu loaded modules swapped, %llu other "
	    "files for when they are read next\n",
	    h->name, h->called, m->swapped,
	    m->modules != NULL ? package_modules_loaded(m->modules) : 0,
	    (unsigned long long)rest);
	report(p, out, line);
}

static void
fail(struct client_packages *p, const struct err *e, struct wire_outcome *out)
{
	memset(out, 0, sizeof *out);
	out->result = RESULT_FAILED;
	p->why = *e;
	out->text = p->why.text;
	out->len = strlen(p->why.text);
}

static int
went_well(enum result r)
{
	return r == RESULT_APPLIED || r == RESULT_HAVE || r == RESULT_DEFERRED;
}

/* --- updates ---------------------------------------------------------------
 */

/* An update comes in below packages: they take all modules with them. 0, or
 * -1 with out. */
static int
deepen(struct client_packages *p, const struct wire_update *u,
    struct wire_outcome *out)
{
	struct held *h;
	enum engine_result r;
	struct err e;

	for (h = p->held; h != NULL; h = h->next) {
		if (h->id < u->doc->id || h->on != NULL || h->all ||
		    is_in(u->drop, u->ndrop, h->id))
			continue;
		struct making m = {0};

		if (make_list(p, h, 1, &m, &e) != 0) {
			package_modules_free(m.modules);
			h->all = 0;
			fail(p, &e, out);
			break;
		}
		r = engine_change_both(p->wire->engine, NULL, 0, h->id,
		    h->feature, m.below, m.text, NULL, &p->wire->report);
		package_modules_free(m.modules);
		if (r != ENGINE_APPLIED && r != ENGINE_HAVE &&
		    r != ENGINE_DEFERRED) {
			h->all = 0;
			wire_told(r, &p->wire->report, out);
			break;
		}
	}
	return h == NULL ? 0 : -1;
}

/* What was made ready when this one was fetched, or NULL. */
static struct package_modules *
take_ready(struct client_packages *p, uint64_t id)
{
	struct package_modules *modules = NULL;

	if (p->ready != NULL && p->ready_id == id) {
		modules = p->ready;
		p->ready = NULL;
	}
	return modules;
}

static void
apply_package(struct client_packages *p, const struct wire_update *u,
    struct wire_outcome *out)
{
	char release[RELEASES_NAME + 1];
	const struct doc_package *package = pick(p, u->doc, release);
	struct held *h = NULL;
	struct making m = {.modules = take_ready(p, u->doc->id)};
	struct err e;

	if (package == NULL) {
		err_set(&e, ERR_LOCAL, "the package is not here any more");
		fail(p, &e, out);
		goto out;
	}
	err_set(&e, ERR_LOCAL, "out of memory");
	h = held_new(u->doc, package, release, u->part, u->len);
	if (h == NULL ||
	    make_list(p, h, lies_on_one(p, h->id, u->drop, u->ndrop), &m, &e) !=
		0) {
		fail(p, &e, out);
		goto out;
	}
	wire_apply_both(p->wire, u, m.below, m.text, out);
	if (!went_well(out->result))
		goto out;
	held_free(take_out(p, h->id));
	put_in(p, h);
	if (h->on == NULL) {
		enter(p, h);
		report_coming(p, h, &m, out);
	} else {
		h->modules = m.modules;
		m.modules = NULL;
	}
	h = NULL;
out:
	held_free(h);
	package_modules_free(m.modules);
}

void
client_packages_apply(struct client_packages *p, const struct wire_update *u,
    struct wire_outcome *out)
{
	int64_t start_ns = clock_mono_ns();

	if (deepen(p, u, out) != 0)
		return;
	if (u->doc->package.present)
		apply_package(p, u, out);
	else
		wire_apply(p->wire, u, out);
	if (went_well(out->result)) {
		leave(p, u->drop, u->ndrop);
		show_folders(p);
		if (u->doc->package.present)
			tidy(p, u->doc->package.name);
	}
	if (u->doc->package.present)
		out->took_ns = clock_mono_ns() - start_ns;
}

void
client_packages_release(struct client_packages *p, uint64_t id,
    struct wire_outcome *out)
{
	struct held *h = find_held(p, id);
	struct engine_report ignored;
	struct making m = {0};
	struct err e;

	if (h == NULL || h->on == NULL) {
		wire_release(p->wire, id, out);
		client_packages_settled(p, id);
		return;
	}
	/* Modules may have been loaded since it came. If it cannot be made
	 * anew, what it was made of then is the best there is. */
	engine_report_init(&ignored);
	m.modules = h->modules;
	h->modules = NULL;
	if (make_list(p, h, lies_on_one(p, id, NULL, 0), &m, &e) == 0)
		(void)engine_change_both(p->wire->engine, NULL, 0, id,
		    h->feature, m.below, m.text, h->on, &ignored);
	engine_report_free(&ignored);
	wire_release(p->wire, id, out);
	if (out->result == RESULT_APPLIED || out->result == RESULT_DEFERRED) {
		free(h->on);
		h->on = NULL;
		enter(p, h);
		show_folders(p);
		report_coming(p, h, &m, out);
		tidy(p, h->name);
	}
	package_modules_free(m.modules);
	client_packages_settled(p, id);
}

void
client_packages_settled(struct client_packages *p, uint64_t id)
{
	if (engine_has(p->wire->engine, id))
		return;
	leave(p, &id, 1);
	show_folders(p);
}

/* --- taking back -----------------------------------------------------------
 */

struct staying {
	const char *dir;    /* of the release that leaves */
	const char *before; /* where the next start finds modules, or NULL */
	size_t n;
};

/* Loaded from the release itself: the code of before is nowhere here. */
static int
count_staying(void *arg, const char *name, const uint8_t loaded[SHA512_SIZE])
{
	struct staying *s = arg;
	struct buf theirs = BUF_INIT, before = BUF_INIT;
	uint8_t digest[SHA512_SIZE];

	if (loaded != NULL &&
	    package_modules_read(s->dir, name, &theirs, NULL) == 1) {
		sha512(digest, theirs.data, theirs.len);
		if (memcmp(digest, loaded, sizeof digest) == 0 &&
		    (s->before == NULL ||
			package_modules_read(s->before, name, &before, NULL) !=
			    1 ||
			before.len != theirs.len ||
			memcmp(before.data, theirs.data, before.len) != 0))
			s->n++;
	}
	buf_free(&theirs);
	buf_free(&before);
	return 0;
}

/* 1 when the script lies in this folder: the next start finds it elsewhere. */
static int
script_is_in(const struct client_packages *p, const char *dir)
{
	char *script = realpath(p->script_dir, NULL);
	char *folder = realpath(dir, NULL);
	size_t len = folder != NULL ? strlen(folder) : 0;
	int is = script != NULL && folder != NULL &&
		 strncmp(script, folder, len) == 0 &&
		 (script[len] == '/' || script[len] == '\0');

	free(script);
	free(folder);
	return is;
}

/* How many modules of the package go on as they are. */
static size_t
staying(const struct client_packages *p, const struct held *h)
{
	char before[RELEASES_NAME + 1];
	char *dir = releases_path(p->releases, h->name, h->release);
	char *previous = NULL;
	struct staying s = {dir, p->script_dir, 0};

	if (releases_previous(p->releases, h->name, before))
		previous = releases_path(p->releases, h->name, before);
	if (previous != NULL || (dir != NULL && script_is_in(p, dir)))
		s.before = previous;
	if (dir != NULL)
		(void)modules_each(p->wire->modules, count_staying, &s);
	free(dir);
	free(previous);
	return s.n;
}

void
client_packages_revert(struct client_packages *p, const uint64_t *drop,
    size_t ndrop, struct wire_outcome *out)
{
	const struct held *h;
	char line[2 * DOC_RELEASE + 160];
	size_t n = 0, i;

	line[0] = '\0';
	for (i = 0; i < ndrop; i++) {
		h = find_held(p, drop[i]);
		if (h == NULL || h->on != NULL || (n = staying(p, h)) == 0)
			continue;
		snprintf(line, sizeof line,
		    "package %s %s: %zu modules were loaded from it when the "
		    "program started; their code stays until the next start\n",
		    h->name, h->called, n);
	}
	wire_revert(p->wire, drop, ndrop, out);
	leave(p, drop, ndrop);
	show_folders(p);
	if (line[0] != '\0')
		report(p, out, line);
}

/* --- at the start, and for the program -------------------------------------
 */

static void
check_current(void *arg, const char *name)
{
	struct client_packages *p = arg;
	const struct fetch *f;
	const struct held *h;

	for (f = p->fetches; f != NULL; f = f->next)
		if (strcmp(f->doc->package.name, name) == 0)
			return;
	for (h = p->held; h != NULL; h = h->next)
		if (strcmp(h->name, name) == 0)
			return;
	go_back(p, name);
}

void
client_packages_begun(struct client_packages *p)
{
	struct err e;

	if (releases_each(p->releases, check_current, p, &e) != 0)
		wire_log(p->wire, e.text);
}

void
client_packages_tell(struct client_packages *p)
{
	struct news *n;

	while ((n = p->news) != NULL) {
		p->news = n->next;
		if (n->called[0] != '\0')
			wire_event(p->wire, "package", n->called, n->folder,
			    NULL);
		else
			wire_event(p->wire, "package", NULL, NULL, NULL);
		free(n->folder);
		free(n);
	}
}
