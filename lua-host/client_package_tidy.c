/*
 * Releases that are not needed any more are removed, in a job.
 */

#include "lua-host/client_package_impl.h"

#include <stdlib.h>
#include <string.h>

/* Old releases are removed in a job; one that takes longer is gone on with at
 * the next start. */
#define SWEEP_NS INT64_C(600000000000)

void
packages_sweep_end(struct packages_sweep *s)
{
	struct packages_sweep **at = &s->owner->sweeps;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	job_cancel(s->job);
	free(s);
}

struct keeping {
	const struct client_packages *p;
	const char *name;
};

static int
is_needed(void *arg, const char *release)
{
	const struct keeping *k = arg;
	char name[RELEASES_NAME + 1];
	const struct packages_held *h;
	const struct packages_fetch *f;

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
	const struct packages_sweep *s = arg;

	(void)pipe;
	(void)text;
	releases_sweep(s->owner->releases, s->name);
	return 0;
}

static void
swept(void *arg, int status, const char *text, size_t len)
{
	struct packages_sweep *s = arg;

	(void)status;
	(void)text;
	(void)len;
	s->job = NULL;
	packages_sweep_end(s);
}

/* A job of the same package would take what unpacks for rubbish. */
static int
is_busy(const struct client_packages *p, const char *name)
{
	const struct packages_fetch *f;
	const struct packages_sweep *s;

	for (f = p->fetches; f != NULL; f = f->next)
		if (strcmp(f->doc->package.name, name) == 0)
			return 1;
	for (s = p->sweeps; s != NULL; s = s->next)
		if (strcmp(s->name, name) == 0)
			return 1;
	return 0;
}

void
packages_tidy(struct client_packages *p, const char *name)
{
	struct job_spec spec = {sweep_body, SWEEP_NS, NULL, swept, NULL};
	struct keeping k = {p, name};
	struct packages_sweep *s;

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
		packages_sweep_end(s);
}
