/*
 * The packages of a client.
 *
 * A package is an update whose text is made here, from what the program has
 * loaded and what the release holds. The engine keeps it like any other, so
 * supersession, taking back and order are the engine's.
 */

#include "lua-host/client_package_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lua-host/package_modules.h"

/* --- life ------------------------------------------------------------------
 */

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

void
client_packages_free(struct client_packages *p)
{
	struct packages_held *h;
	struct packages_news *n;

	if (p == NULL)
		return;
	while (p->fetches != NULL)
		packages_fetch_end(p->fetches);
	while (p->sweeps != NULL)
		packages_sweep_end(p->sweeps);
	while ((h = p->held) != NULL) {
		p->held = h->next;
		packages_held_free(h);
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

static void
check_current(void *arg, const char *name)
{
	struct client_packages *p = arg;
	const struct packages_fetch *f;
	const struct packages_held *h;

	for (f = p->fetches; f != NULL; f = f->next)
		if (strcmp(f->doc->package.name, name) == 0)
			return;
	for (h = p->held; h != NULL; h = h->next)
		if (strcmp(h->name, name) == 0)
			return;
	packages_go_back(p, name);
}

void
client_packages_begun(struct client_packages *p)
{
	struct err e;

	if (releases_each(p->releases, check_current, p, &e) != 0)
		wire_log(p->wire, e.text);
}

/* --- what is asked of all of them ------------------------------------------
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

int
packages_lies_on_one(const struct client_packages *p, uint64_t id,
    const uint64_t *drop, size_t ndrop)
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

const struct doc_package *
packages_pick(const struct client_packages *p, const struct doc *d,
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
make_list(struct client_packages *p, struct packages_held *h, int all,
    struct making *m, struct err *e)
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

/* --- the report ------------------------------------------------------------
 */

void
packages_report(struct client_packages *p, struct wire_outcome *out,
    const char *line)
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
report_coming(struct client_packages *p, const struct packages_held *h,
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
	packages_report(p, out, line);
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
	struct packages_held *h;
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
	const struct doc_package *package = packages_pick(p, u->doc, release);
	struct packages_held *h = NULL;
	struct making m = {.modules = take_ready(p, u->doc->id)};
	struct err e;

	if (package == NULL) {
		err_set(&e, ERR_LOCAL, "the package is not here any more");
		fail(p, &e, out);
		goto out;
	}
	err_set(&e, ERR_LOCAL, "out of memory");
	h = packages_held_new(u->doc, package, release, u->part, u->len);
	if (h == NULL ||
	    make_list(p, h, packages_lies_on_one(p, h->id, u->drop, u->ndrop),
		&m, &e) != 0) {
		fail(p, &e, out);
		goto out;
	}
	wire_apply_both(p->wire, u, m.below, m.text, out);
	if (!went_well(out->result))
		goto out;
	packages_held_free(packages_take_out(p, h->id));
	packages_put_in(p, h);
	if (h->on == NULL) {
		packages_enter(p, h);
		report_coming(p, h, &m, out);
	} else {
		h->modules = m.modules;
		m.modules = NULL;
	}
	h = NULL;
out:
	packages_held_free(h);
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
		packages_leave(p, u->drop, u->ndrop);
		packages_show_folders(p);
		if (u->doc->package.present)
			packages_tidy(p, u->doc->package.name);
	}
	if (u->doc->package.present)
		out->took_ns = clock_mono_ns() - start_ns;
}

void
client_packages_release(struct client_packages *p, uint64_t id,
    struct wire_outcome *out)
{
	struct packages_held *h = packages_find(p, id);
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
	if (make_list(p, h, packages_lies_on_one(p, id, NULL, 0), &m, &e) == 0)
		(void)engine_change_both(p->wire->engine, NULL, 0, id,
		    h->feature, m.below, m.text, h->on, &ignored);
	engine_report_free(&ignored);
	wire_release(p->wire, id, out);
	if (out->result == RESULT_APPLIED || out->result == RESULT_DEFERRED) {
		free(h->on);
		h->on = NULL;
		packages_enter(p, h);
		packages_show_folders(p);
		report_coming(p, h, &m, out);
		packages_tidy(p, h->name);
	}
	package_modules_free(m.modules);
	client_packages_settled(p, id);
}

void
client_packages_settled(struct client_packages *p, uint64_t id)
{
	if (engine_has(p->wire->engine, id))
		return;
	packages_leave(p, &id, 1);
	packages_show_folders(p);
}
