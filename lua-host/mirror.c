/*
 * The packages that a host keeps.
 *
 * A file has its name only when it is whole and verified, but the disk may
 * have lost it since: it is digested again by each job that wants it.
 */

#include "lua-host/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/text.h"
#include "pack/package.h"

#define DIR_MODE 0755 /* a web server may hand out what is in it */

/* "NAME-RELEASE.tar" */
#define FILE_NAME (2 * DOC_RELEASE + 8)
/* Behind it while it comes (pack/fetch.h). */
#define PART      ".part"

struct rule {
	char *from, *to;
	size_t from_len;
};

struct errand {
	struct errand *next;
	struct mirror *mirror;
	uint64_t id;
	const struct doc *doc;
	struct job *job;
	char *aside; /* a folder for what is thrown away, or NULL */
	int64_t start_ns;
};

/* Of which package the file of a name is: a release may be made anew. */
struct kept {
	struct kept *next;
	char name[FILE_NAME];
	uint8_t sha512[SHA512_SIZE];
};

struct mirror {
	struct loop *loop;
	struct package_fetch fetch;
	char *dir; /* NULL: nothing is kept */
	struct rule *rules;
	size_t nrules;
	void (*packaged)(void *arg, uint64_t id, const struct host_package *p);
	void (*progress)(void *arg, uint64_t id, uint64_t so_far);
	void *arg;
	struct errand *errands;
	struct kept *kept;
	struct err why; /* no job could begin */
};

static const char *
file_name(char out[FILE_NAME], const struct doc_package *p)
{
	snprintf(out, FILE_NAME, "%s-%s.tar", p->name, p->release);
	return out;
}

/* --- life ----------------------------------------------------------------- */

static int
make_dir(struct mirror *m, const char *dir, struct err *e)
{
	struct stat st;

	m->dir = strdup(dir);
	if (m->dir == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	/* One that is there is somebody's, and so are its rights. */
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	if (file_mkdirs(dir, e) != 0)
		return -1;
	if (chmod(dir, DIR_MODE) != 0)
		return err_errno(e, ERR_LOCAL, "%s", dir);
	return 0;
}

static int
add_rule(struct mirror *m, const char *text, struct err *e)
{
	/* An address may hold a '=' in what it asks for, but not before. */
	const char *equals = strchr(text, '=');
	struct rule *r = &m->rules[m->nrules];
	size_t len = strlen(text);

	if (equals == NULL || equals == text || equals[1] == '\0' ||
	    !text_is_clean(text, len) || strchr(text, ' ') != NULL)
		return err_set(e, ERR_USAGE,
		    "--public-url: not FROM=TO, two beginnings of addresses");
	r->from_len = (size_t)(equals - text);
	r->from = strdup(text);
	r->to = strdup(equals + 1);
	m->nrules++;
	if (r->from == NULL || r->to == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	return 0;
}

struct mirror *
mirror_new(struct loop *loop, const struct mirror_options *o, struct err *e)
{
	struct mirror *m = calloc(1, sizeof *m);
	size_t i;

	err_set(e, ERR_LOCAL, "out of memory");
	if (m == NULL)
		return NULL;
	m->loop = loop;
	m->packaged = o->packaged;
	m->progress = o->progress;
	m->arg = o->arg;
	m->rules = calloc(o->npublic_urls + 1, sizeof *m->rules);
	if (m->rules == NULL ||
	    package_fetch_init(&m->fetch, o->timeout_ms,
		PACKAGE_HOST_TIMEOUT_MS, o->tries, o->command, e) != 0 ||
	    (o->dir != NULL && make_dir(m, o->dir, e) != 0))
		goto fail;
	for (i = 0; i < o->npublic_urls; i++)
		if (add_rule(m, o->public_urls[i], e) != 0)
			goto fail;
	return m;
fail:
	mirror_free(m);
	return NULL;
}

static struct errand **
find(struct mirror *m, uint64_t id)
{
	struct errand **at = &m->errands;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void
errand_free(struct errand *x)
{
	if (x == NULL)
		return;
	job_cancel(x->job);
	if (x->aside != NULL)
		(void)package_remove_dir(x->aside, NULL);
	free(x->aside);
	free(x);
}

static void
drop(struct errand **at)
{
	struct errand *x = *at;

	*at = x->next;
	errand_free(x);
}

void
mirror_free(struct mirror *m)
{
	struct kept *k;
	size_t i;

	if (m == NULL)
		return;
	while (m->errands != NULL)
		drop(&m->errands);
	while ((k = m->kept) != NULL) {
		m->kept = k->next;
		free(k);
	}
	for (i = 0; i < m->nrules; i++) {
		free(m->rules[i].from);
		free(m->rules[i].to);
	}
	free(m->rules);
	free(m->dir);
	package_fetch_free(&m->fetch);
	free(m);
}

/* --- in the job ------------------------------------------------------------
 */

struct verifying {
	const struct doc_package *p;
	const char *base; /* of a package --since, or NULL */
};

static int
verify(void *arg, int fd, struct err *e)
{
	const struct verifying *v = arg;
	struct package *p = package_fetch_open(fd, v->p, v->base, e);

	if (p == NULL)
		return -1;
	package_free(p);
	return 0;
}

/* The file is there already, with these bytes. */
static int
is_here(const char *path, const struct verifying *v)
{
	/* Whoever hands the folder out may put anything there: not to wait for
	 * the other end of a FIFO. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), rc;
	struct err e;

	if (fd < 0)
		return 0;
	rc = verify((void *)(uintptr_t)v, fd, &e);
	close(fd);
	return rc == 0;
}

static int
bring(const struct errand *x, const struct doc_package *p, const char *base,
    const char *dir, struct job_pipe *pipe, uint64_t before, int *gave_up,
    struct err *e)
{
	struct verifying v = {p, base};
	char name[FILE_NAME];
	char *path;
	int rc;

	*gave_up = 0;
	path = file_join(dir, file_name(name, p));
	if (path == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	rc = is_here(path, &v)
		 ? 0
		 : package_fetch_file(&x->mirror->fetch, p, NULL, path, verify,
		       &v, pipe, before, gave_up, e);
	free(path);
	return rc;
}

static int
body(void *arg, struct job_pipe *pipe, struct buf *text)
{
	struct errand *x = arg;
	const struct doc *d = x->doc;
	const char *dir = x->aside != NULL ? x->aside : x->mirror->dir;
	int gave_up = 0, rc;
	struct err e;

	rc = bring(x, &d->package, d->base, dir, pipe, 0, &gave_up, &e);
	if (rc == 0 && d->full.present)
		rc = bring(x, &d->full, NULL, dir, pipe, d->package.len,
		    &gave_up, &e);
	if (rc == 0)
		return PACKAGE_IS_HERE;
	buf_puts(text, e.text);
	return gave_up ? PACKAGE_GAVE_UP : PACKAGE_FAILED;
}

/* --- here ----------------------------------------------------------------- */

static void
on_progress(void *arg, uint64_t so_far)
{
	struct errand *x = arg;

	x->mirror->progress(x->mirror->arg, x->id, so_far);
}

/* The file of its name is this package from now on. A want of memory leaves
 * a file behind, one day. */
static void
keep(struct mirror *m, const struct doc_package *p)
{
	char name[FILE_NAME];
	struct kept *k;

	if (m->dir == NULL || !p->present)
		return;
	file_name(name, p);
	for (k = m->kept; k != NULL && strcmp(k->name, name) != 0; k = k->next)
		;
	if (k == NULL && (k = calloc(1, sizeof *k)) != NULL) {
		memcpy(k->name, name, sizeof name);
		k->next = m->kept;
		m->kept = k;
	}
	if (k != NULL)
		memcpy(k->sha512, p->sha512, sizeof k->sha512);
}

static void
on_done(void *arg, int status, const char *text, size_t len)
{
	struct errand *x = arg;
	struct mirror *m = x->mirror;
	struct host_package out = {.text = text, .len = len};
	uint64_t id = x->id;

	out.took_ns = clock_mono_ns() - x->start_ns;
	out.result = RESULT_FAILED;
	if (status == PACKAGE_GAVE_UP)
		out.result = RESULT_GAVE_UP;
	if (status == PACKAGE_IS_HERE) {
		out.result = RESULT_APPLIED;
		keep(m, &x->doc->package);
		keep(m, &x->doc->full);
	}
	x->job = NULL;
	drop(find(m, id));
	m->packaged(m->arg, id, &out);
}

int
mirror_package(struct mirror *m, const struct doc *d, struct host_package *out)
{
	struct errand *x = calloc(1, sizeof *x);
	const struct job_spec spec = {body,
	    package_fetch_deadline_ns(&m->fetch, 2), on_progress, on_done, x};

	err_set(&m->why, ERR_LOCAL, "out of memory");
	if (x == NULL)
		goto fail;
	x->mirror = m;
	x->id = d->id;
	x->doc = d;
	x->start_ns = clock_mono_ns();
	if (m->dir == NULL && (x->aside = file_make_temporary(&m->why)) == NULL)
		goto fail;
	x->job = job_start(m->loop, &spec, &m->why);
	if (x->job == NULL)
		goto fail;
	x->next = m->errands;
	m->errands = x;
	return 0;
fail:
	errand_free(x);
	out->result = RESULT_FAILED;
	out->text = m->why.text;
	out->len = strlen(m->why.text);
	return 1;
}

/* What came of it so far is of no use to anybody any more. */
static void
remove_part(const struct mirror *m, const struct doc_package *p)
{
	char name[FILE_NAME], other[FILE_NAME], part[FILE_NAME + sizeof PART];
	const struct errand *x;
	char *path;

	if (m->dir == NULL || !p->present)
		return;
	file_name(name, p);
	for (x = m->errands; x != NULL; x = x->next)
		if (strcmp(file_name(other, &x->doc->package), name) == 0 ||
		    strcmp(file_name(other, &x->doc->full), name) == 0)
			return;
	snprintf(part, sizeof part, "%s" PART, name);
	path = file_join(m->dir, part);
	if (path != NULL)
		(void)unlink(path);
	free(path);
}

void
mirror_cancel(struct mirror *m, uint64_t id)
{
	struct errand **at = find(m, id);
	const struct doc *d;

	if (*at == NULL)
		return;
	d = (*at)->doc;
	drop(at);
	remove_part(m, &d->package);
	remove_part(m, &d->full);
}

int
mirror_from(const struct mirror *m, const struct doc_package *p, char *out,
    size_t size)
{
	const struct rule *r;
	size_t i;
	int n;

	for (i = 0; i < m->nrules; i++) {
		r = &m->rules[i];
		if (strncmp(p->url, r->from, r->from_len) != 0)
			continue;
		n = snprintf(out, size, "%s%s", r->to, p->url + r->from_len);
		return n > 0 && (size_t)n < size;
	}
	return 0;
}

void
mirror_gone(struct mirror *m, const struct doc_package *p)
{
	char name[FILE_NAME];
	struct kept **at = &m->kept, *k;
	char *path;

	file_name(name, p);
	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	k = *at;
	if (k == NULL || memcmp(k->sha512, p->sha512, sizeof k->sha512) != 0)
		return;
	*at = k->next;
	free(k);
	path = file_join(m->dir, name);
	if (path != NULL)
		(void)unlink(path);
	free(path);
}
