/* The unpacked releases of a client. */

#include "lua-host/releases.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "pack/package.h"

#define CURRENT  "current"
#define PREVIOUS "previous"
/* What lies aside, to be removed. */
#define ASIDE    ".gone-"

struct releases {
	char *dir;
	int temporary;
};

/* --- paths ---------------------------------------------------------------- */

const char *
releases_name(char out[RELEASES_NAME + 1], const struct doc_package *p)
{
	char digits[2 * SHA512_SIZE + 1];

	hex_encode(digits, p->sha512, SHA512_SIZE);
	snprintf(out, RELEASES_NAME + 1, "%s-%.*s", p->release, RELEASES_DIGITS,
	    digits);
	return out;
}

char *
releases_path(const struct releases *r, const char *name, const char *release)
{
	char *of_name = NULL, *path = NULL;

	if (r->dir != NULL)
		of_name = file_join(r->dir, name);
	if (of_name != NULL)
		path = file_join(of_name, release);
	free(of_name);
	return path;
}

static int
is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int
releases_has(const struct releases *r, const char *name, const char *release)
{
	char *path = releases_path(r, name, release);
	int has = path != NULL && is_folder(path);

	free(path);
	return has;
}

/* 1 when this can be the last part of a release's folder. */
static int
is_release(const char *s)
{
	size_t len = strlen(s), i;

	if (len < RELEASES_DIGITS + 2 || len > RELEASES_NAME || *s == '.' ||
	    s[len - RELEASES_DIGITS - 1] != '-')
		return 0;
	for (i = len - RELEASES_DIGITS; i < len; i++)
		if (strchr("0123456789abcdef", s[i]) == NULL)
			return 0;
	return 1;
}

/* The first len bytes are the name of a release or of a link. */
static int
begins_as_ours(const char *s, size_t len)
{
	char name[RELEASES_NAME + 1];

	if (len > RELEASES_NAME)
		return 0;
	memcpy(name, s, len);
	name[len] = '\0';
	return is_release(name) || strcmp(name, CURRENT) == 0 ||
	       strcmp(name, PREVIOUS) == 0;
}

/* --- rubbish -------------------------------------------------------------- */

/* Of package_unpack ("RELEASE.new-XXXXXX"), of a link that was switched, or
 * put aside. */
static int
is_rubbish(const char *s)
{
	size_t len = strlen(s), own;

	if (strncmp(s, ASIDE, sizeof ASIDE - 1) == 0)
		return 1;
	for (own = 1; own < len; own++)
		if (file_is_unfinished(s, own))
			return begins_as_ours(s, own);
	return 0;
}

static void
remove_any(const char *path)
{
	if (is_folder(path))
		(void)package_remove_dir(path, NULL);
	else
		(void)unlink(path);
}

/* Call each for every name in the folder but "." and "..". */
static int
look_through(const char *dir, void (*each)(void *arg, const char *name),
    void *arg, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *at;

	if (d == NULL && errno == ENOENT)
		return 0;
	if (d == NULL)
		return err_errno(e, ERR_LOCAL, "%s", dir);
	while ((at = readdir(d)) != NULL)
		if (strcmp(at->d_name, ".") != 0 &&
		    strcmp(at->d_name, "..") != 0)
			each(arg, at->d_name);
	closedir(d);
	return 0;
}

struct sweeping {
	const char *dir;
};

static void
sweep_one(void *arg, const char *name)
{
	const struct sweeping *s = arg;
	char *path;

	if (!is_rubbish(name) || (path = file_join(s->dir, name)) == NULL)
		return;
	remove_any(path);
	free(path);
}

void
releases_sweep(const struct releases *r, const char *name)
{
	char *dir = file_join(r->dir, name);
	struct sweeping s = {dir};

	if (dir != NULL)
		(void)look_through(dir, sweep_one, &s, NULL);
	free(dir);
}

static void
sweep_package(void *arg, const char *name)
{
	if (*name != '.')
		releases_sweep(arg, name);
}

/* --- life ----------------------------------------------------------------- */

struct releases *
releases_open(const char *dir, struct err *e)
{
	struct releases *r = calloc(1, sizeof *r);

	err_set(e, ERR_LOCAL, "out of memory");
	if (r == NULL)
		return NULL;
	r->temporary = dir == NULL;
	if (r->temporary)
		return r;
	r->dir = strdup(dir);
	if (r->dir != NULL && look_through(r->dir, sweep_package, r, e) == 0)
		return r;
	releases_close(r);
	return NULL;
}

int
releases_prepare(struct releases *r, struct err *e)
{
	if (r->dir == NULL)
		r->dir = file_make_temporary(e);
	return r->dir != NULL ? 0 : -1;
}

void
releases_close(struct releases *r)
{
	if (r == NULL)
		return;
	if (r->temporary && r->dir != NULL)
		(void)package_remove_dir(r->dir, NULL);
	free(r->dir);
	free(r);
}

int
releases_make(const struct releases *r, const char *name, struct err *e)
{
	char *dir = file_join(r->dir, name);
	int rc = -1;

	if (dir == NULL)
		err_set(e, ERR_LOCAL, "out of memory");
	else
		rc = file_mkdirs(dir, e);
	free(dir);
	return rc;
}

/* --- looking -------------------------------------------------------------- */

struct finding {
	const struct releases *releases;
	const char *name, *called;
	char *out;
	int found;
};

static void
find_one(void *arg, const char *release)
{
	struct finding *f = arg;
	size_t len = strlen(f->called);
	struct package_info info;
	char *path;

	if (f->found || !is_release(release) ||
	    strlen(release) != len + 1 + RELEASES_DIGITS ||
	    strncmp(release, f->called, len) != 0)
		return;
	path = releases_path(f->releases, f->name, release);
	if (path != NULL && package_read_dir(path, &info, NULL) == 0 &&
	    strcmp(info.release.name, f->name) == 0 &&
	    strcmp(info.release.release, f->called) == 0) {
		memcpy(f->out, release, strlen(release) + 1);
		f->found = 1;
	}
	free(path);
}

int
releases_find(const struct releases *r, const char *name, const char *called,
    char out[RELEASES_NAME + 1])
{
	struct finding f = {r, name, called, out, 0};
	char *dir = file_join(r->dir, name);

	if (dir != NULL)
		(void)look_through(dir, find_one, &f, NULL);
	free(dir);
	return f.found;
}

struct listing {
	const struct releases *releases;
	void (*each)(void *arg, const char *name);
	void *arg;
};

static void
look_at_package(void *arg, const char *name)
{
	struct listing *p = arg;
	struct stat st;
	char *link;

	if (*name == '.' || strlen(name) > DOC_RELEASE)
		return;
	link = releases_path(p->releases, name, CURRENT);
	if (link != NULL && lstat(link, &st) == 0 && S_ISLNK(st.st_mode))
		p->each(p->arg, name);
	free(link);
}

int
releases_each(const struct releases *r,
    void (*each)(void *arg, const char *name), void *arg, struct err *e)
{
	struct listing p = {r, each, arg};

	if (r->dir == NULL)
		return 0;
	return look_through(r->dir, look_at_package, &p, e);
}

/* --- links ---------------------------------------------------------------- */

static int
read_link(const struct releases *r, const char *name, const char *which,
    char out[RELEASES_NAME + 1])
{
	char *link = releases_path(r, name, which);
	ssize_t n = -1;

	if (link != NULL)
		n = readlink(link, out, RELEASES_NAME + 1);
	free(link);
	if (n <= 0 || n > RELEASES_NAME)
		return 0;
	out[n] = '\0';
	return is_release(out) && releases_has(r, name, out);
}

int
releases_current(const struct releases *r, const char *name,
    char out[RELEASES_NAME + 1])
{
	return read_link(r, name, CURRENT, out);
}

int
releases_previous(const struct releases *r, const char *name,
    char out[RELEASES_NAME + 1])
{
	return read_link(r, name, PREVIOUS, out);
}

static int
set_link(const struct releases *r, const char *name, const char *which,
    const char *release, struct err *e)
{
	char *link = releases_path(r, name, which);
	int rc = -1;

	if (link == NULL)
		err_set(e, ERR_LOCAL, "out of memory");
	else if (release != NULL)
		rc = package_switch(link, release, e);
	else if (unlink(link) == 0 || errno == ENOENT)
		rc = 0;
	else
		err_errno(e, ERR_LOCAL, "%s", link);
	free(link);
	return rc;
}

int
releases_enter(const struct releases *r, const char *name, const char *release,
    struct err *e)
{
	char now[RELEASES_NAME + 1];

	if (releases_current(r, name, now)) {
		if (strcmp(now, release) == 0)
			return 0;
		/* First: a kill in between leaves no step without a way
		 * back. */
		if (set_link(r, name, PREVIOUS, now, e) != 0)
			return -1;
	}
	return set_link(r, name, CURRENT, release, e);
}

int
releases_leave(const struct releases *r, const char *name, struct err *e)
{
	char now[RELEASES_NAME + 1], before[RELEASES_NAME + 1];
	int has = releases_previous(r, name, before);

	/* A kill while it came left both links on one. */
	if (has && releases_current(r, name, now) && strcmp(now, before) == 0)
		has = 0;
	if (set_link(r, name, CURRENT, has ? before : NULL, e) != 0)
		return -1;
	return set_link(r, name, PREVIOUS, NULL, e);
}

/* --- what is not needed any more ------------------------------------------ */

struct tidying {
	const struct releases *releases;
	const char *name;
	int (*keep)(void *arg, const char *release);
	void *arg;
	char current[RELEASES_NAME + 1], previous[RELEASES_NAME + 1];
	int any;
};

/* "RELEASE-DIGITS.tar" or with ".part" behind it. */
static int
is_fetched(const char *s, char out[RELEASES_NAME + 1])
{
	const char *end = strstr(s, ".tar");

	for (; end != NULL; end = strstr(end + 1, ".tar"))
		if (end[4] == '\0' || strcmp(end + 4, ".part") == 0)
			break;
	if (end == NULL || end - s > RELEASES_NAME)
		return 0;
	memcpy(out, s, (size_t)(end - s));
	out[end - s] = '\0';
	return is_release(out);
}

static void
tidy_one(void *arg, const char *found)
{
	struct tidying *t = arg;
	char release[RELEASES_NAME + 1];
	char aside[sizeof ASIDE + RELEASES_NAME + 16];
	char *from = NULL, *to = NULL;

	if (is_rubbish(found))
		return;
	if (is_release(found))
		memcpy(release, found, strlen(found) + 1);
	else if (!is_fetched(found, release))
		return;
	if (t->keep(t->arg, release) ||
	    (is_release(found) && (strcmp(release, t->current) == 0 ||
				      strcmp(release, t->previous) == 0)))
		return;
	/* One rename: what is half removed must not look whole. */
	snprintf(aside, sizeof aside, ASIDE "%s", found);
	from = releases_path(t->releases, t->name, found);
	to = releases_path(t->releases, t->name, aside);
	if (from != NULL && to != NULL && rename(from, to) == 0)
		t->any = 1;
	free(from);
	free(to);
}

int
releases_put_aside(const struct releases *r, const char *name,
    int (*keep)(void *arg, const char *release), void *arg)
{
	struct tidying t = {r, name, keep, arg, "", "", 0};
	char *dir = file_join(r->dir, name);

	if (!releases_current(r, name, t.current))
		t.current[0] = '\0';
	if (!releases_previous(r, name, t.previous))
		t.previous[0] = '\0';
	if (dir != NULL)
		(void)look_through(dir, tidy_one, &t, NULL);
	free(dir);
	return t.any;
}
