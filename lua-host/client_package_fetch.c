/*
 * A package is fetched: loaded, verified and unpacked in a job, its modules
 * made ready in slices of the loop's turns.
 */

#include "lua-host/client_package_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "lua-host/package_modules.h"

/* Of a turn of the loop, for making modules ready: a frame of a game that draws
 * 60 of them in a second has 16 ms, most of which it needs. */
#define SLICE_NS INT64_C(3000000)

void
packages_fetch_end(struct packages_fetch *f)
{
	struct packages_fetch **at = &f->owner->fetches;

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

/* --- in the job ------------------------------------------------------------
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
bring(const struct packages_fetch *f, const struct doc_package *p,
    const char *from, const char *base, struct job_pipe *pipe, int *gave_up,
    struct err *e)
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
	struct packages_fetch *f = arg;
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

/* --- here ------------------------------------------------------------------
 */

/* Tell how it ended. */
static void
end(struct packages_fetch *f, enum result result, const char *text, size_t len)
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
	packages_fetch_end(f);
	p->fetched(p->arg, id, &out);
}

/* Some of the modules, between two turns of the loop. */
static void
on_slice(void *arg)
{
	struct packages_fetch *f = arg;
	struct client_packages *p = f->owner;
	int64_t now = clock_mono_ns();

	/* What cannot be done now is done when it is applied. */
	if (!package_modules_prepare(f->modules,
		packages_lies_on_one(p, f->id, NULL, 0), now + SLICE_NS) ||
	    loop_timer_set(p->wire->loop, &f->delay, clock_mono_ns(), on_slice,
		f) != 0)
		end(f, RESULT_READY, "", 0);
}

/* The package is here: its modules are made ready, before anybody is told. */
static void
make_ready(struct packages_fetch *f)
{
	struct client_packages *p = f->owner;
	const struct doc_package *package;
	char release[RELEASES_NAME + 1];
	char *dir = NULL;

	package = packages_pick(p, f->doc, release);
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
	struct packages_fetch *f = arg;

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
begin(struct packages_fetch *f)
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
	struct packages_fetch *f = arg;

	if (begin(f) != 0)
		on_done(f, PACKAGE_FAILED, f->owner->why.text,
		    strlen(f->owner->why.text));
}

int
client_packages_fetch(struct client_packages *p, const struct doc *d,
    const char *from, const char *full_from, int64_t delay_ns,
    struct client_applied *out)
{
	struct packages_fetch *f = NULL;
	char release[RELEASES_NAME + 1];
	int ok;

	if (releases_prepare(p->releases, &p->why) != 0)
		goto fail;
	if (packages_pick(p, d, release) != NULL)
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
		packages_fetch_end(f);
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
	struct packages_fetch *f = p->fetches;

	while (f != NULL && f->id != id)
		f = f->next;
	if (f != NULL)
		packages_fetch_end(f);
}
