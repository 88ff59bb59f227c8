/*
 * A package is taken back: what of it goes on until the next start.
 */

/* realpath is an extension of POSIX. */
#define _XOPEN_SOURCE 700

#include "lua-host/client_package_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua-host/package_modules.h"

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
staying(const struct client_packages *p, const struct packages_held *h)
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
	const struct packages_held *h;
	char line[2 * DOC_RELEASE + 160];
	size_t n = 0, i;

	line[0] = '\0';
	for (i = 0; i < ndrop; i++) {
		h = packages_find(p, drop[i]);
		if (h == NULL || h->on != NULL || (n = staying(p, h)) == 0)
			continue;
		snprintf(line, sizeof line,
		    "package %s %s: %zu modules were loaded from it when the "
		    "program started; their code stays until the next start\n",
		    h->name, h->called, n);
	}
	wire_revert(p->wire, drop, ndrop, out);
	packages_leave(p, drop, ndrop);
	packages_show_folders(p);
	if (line[0] != '\0')
		packages_report(p, out, line);
}
