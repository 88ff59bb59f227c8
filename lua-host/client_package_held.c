/*
 * Which packages the engine has, and which of them is in force: where require
 * looks, where "current" leads to, what the program is told.
 */

#include "lua-host/client_package_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua-host/package_modules.h"

/* --- the list --------------------------------------------------------------
 */

struct packages_held *
packages_held_new(const struct doc *d, const struct doc_package *package,
    const char *release, const void *part, size_t len)
{
	struct packages_held *h = calloc(1, sizeof *h);

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
		packages_held_free(h);
		return NULL;
	}
	if (len > 0)
		memcpy(h->part, part, len);
	h->len = len;
	return h;
}

void
packages_held_free(struct packages_held *h)
{
	if (h == NULL)
		return;
	free(h->feature);
	free(h->on);
	free(h->part);
	package_modules_free(h->modules);
	free(h);
}

struct packages_held *
packages_find(const struct client_packages *p, uint64_t id)
{
	struct packages_held *h = p->held;

	while (h != NULL && h->id != id)
		h = h->next;
	return h;
}

void
packages_put_in(struct client_packages *p, struct packages_held *h)
{
	struct packages_held **at = &p->held;

	while (*at != NULL && (*at)->id < h->id)
		at = &(*at)->next;
	h->next = *at;
	*at = h;
}

struct packages_held *
packages_take_out(struct client_packages *p, uint64_t id)
{
	struct packages_held **at = &p->held, *h;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	h = *at;
	if (h != NULL)
		*at = h->next;
	return h;
}

/* Of all packages, or of those of this name: the newest in force. */
static const struct packages_held *
newest(const struct client_packages *p, const char *name)
{
	const struct packages_held *h, *found = NULL;

	for (h = p->held; h != NULL; h = h->next)
		if (h->on == NULL &&
		    (name == NULL || strcmp(h->name, name) == 0))
			found = h;
	return found;
}

/* --- what is seen of it ----------------------------------------------------
 */

void
packages_complain(const struct client_packages *p, const char *name,
    const struct err *e)
{
	char line[ERR_TEXT + DOC_RELEASE + 16];

	snprintf(line, sizeof line, "package %s: %s", name, e->text);
	wire_log(p->wire, line);
}

static void
add_news(struct client_packages *p, const char *name, const char *called,
    const char *release)
{
	struct packages_news **at = &p->news, *n = calloc(1, sizeof *n);

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

void
packages_show_folders(struct client_packages *p)
{
	const struct packages_held *h, *last = newest(p, NULL);
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

void
client_packages_tell(struct client_packages *p)
{
	struct packages_news *n;

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

/* --- coming and going ------------------------------------------------------
 */

void
packages_enter(struct client_packages *p, const struct packages_held *h)
{
	const struct packages_held *last = newest(p, h->name);
	struct err e;

	add_news(p, h->name, h->called, h->release);
	if (last == h &&
	    releases_enter(p->releases, h->name, h->release, &e) != 0)
		packages_complain(p, h->name, &e);
}

void
packages_go_back(struct client_packages *p, const char *name)
{
	const struct packages_held *last = newest(p, name);
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
		packages_complain(p, name, &e);
	if (!releases_current(p->releases, name, now)) {
		add_news(p, name, "", NULL);
		return;
	}
	folder = releases_path(p->releases, name, now);
	if (folder != NULL && package_read_dir(folder, &info, NULL) == 0)
		add_news(p, name, info.release.release, now);
	free(folder);
}

void
packages_leave(struct client_packages *p, const uint64_t *ids, size_t n)
{
	char now[RELEASES_NAME + 1];
	struct packages_held *h;
	size_t i;

	for (i = 0; i < n; i++) {
		h = engine_has(p->wire->engine, ids[i])
			? NULL
			: packages_take_out(p, ids[i]);
		if (h == NULL)
			continue;
		if (h->on == NULL &&
		    releases_current(p->releases, h->name, now) &&
		    strcmp(now, h->release) == 0)
			packages_go_back(p, h->name);
		packages_held_free(h);
	}
}
