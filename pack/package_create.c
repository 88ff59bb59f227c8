/* Making a package. */

#include "pack/package.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/same.h"
#include "base/thread.h"
#include "pack/aside.h"
#include "pack/making.h"
#include "pack/package_impl.h"
#include "pack/tree.h"

#define OWN_FILES 2 /* path and path.sig */
#define FILE_MODE 0644

/* --- against the base
 * ------------------------------------------------------------ */

static int
compare(struct making *m, const struct package *base)
{
	const char *name;
	struct entry *it;
	size_t i = 0, j;
	int order;

	for (j = 0; j < base->files.n; j++) {
		name = base->files.items[j].name;
		order = 1;
		while ((it = making_next_file(m, &i)) != NULL &&
		       (order = strcmp(it->name, name)) < 0)
			i++;
		if (it != NULL && order == 0)
			it->seen = it->len == base->files.items[j].len &&
				   memcmp(it->md5, base->files.items[j].md5,
				       MD5_SIZE) == 0;
		else if (entries_add(&m->removed, name, strlen(name)) == NULL)
			return making_fail_memory(m);
	}
	return 0;
}

static int
take_base(struct making *m, struct release *r)
{
	const struct package_ask ask = {
	    .without = PACKAGE_NO_MD5 | PACKAGE_NO_SHA512};
	const char *path = m->spec->since;
	struct package *base = NULL;
	const struct release *b;
	int ret = -1;
	int fd;

	if (path == NULL)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(m->err, ERR_LOCAL, "%s", path);
	base = package_open(fd, path, &ask, m->err);
	if (base == NULL)
		goto out;
	b = &base->info.release;
	if (strcmp(b->name, r->name) != 0)
		err_set(m->err, ERR_NO, "%s: a package of %s, not of %s", path,
		    b->name, r->name);
	else if (b->base[0] != '\0')
		err_set(m->err, ERR_NO,
		    "%s: was made --since another; a full package is needed",
		    path);
	else if (strcmp(b->release, r->release) == 0)
		err_set(m->err, ERR_NO, "%s: is release %s itself", path,
		    r->release);
	else
		ret = compare(m, base);
	memcpy(r->base, b->release, sizeof r->base);
	memcpy(r->base_tree, b->tree, sizeof r->base_tree);
out:
	package_free(base);
	close(fd);
	return ret;
}

/* --- RELEASE
 * ------------------------------------------------------------------- */

static int
make_release(struct making *m)
{
	struct release *r = &m->info->release;
	struct sha512 tree;
	size_t i = 0;
	const struct entry *it;

	memset(m->info, 0, sizeof *m->info);
	memcpy(r->name, m->spec->name, strlen(m->spec->name));
	memcpy(r->release, m->spec->release, strlen(m->spec->release));
	r->created_us = m->spec->time_us;
	if (take_base(m, r) != 0)
		return -1;
	sha512_init(&tree);
	for (; (it = making_next_file(m, &i)) != NULL; i++) {
		listing_digest(&tree, it);
		r->files++;
		r->bytes += it->len;
		m->info->nheld += (uint64_t)making_is_held(it);
	}
	sha512_final(r->tree, &tree);
	m->info->nremoved = m->removed.n;
	release_format(&m->release, r);
	for (i = 0; i < m->removed.n; i++)
		release_format_removed(&m->release, m->removed.items[i].name);
	if (m->release.oom)
		return making_fail_memory(m);
	if (m->release.len > RELEASE_TEXT_MAX)
		return err_set(m->err, ERR_NO,
		    "%s: too many removed files; make a full package",
		    m->spec->dir);
	md5(m->release_md5, m->release.data, m->release.len);
	return 0;
}

/* Bytes of a file, as many as there are. */
static ssize_t
read_at(int fd, uint8_t *bytes, size_t len, uint64_t at)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = pread(fd, bytes + got, len - got, (off_t)(at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* 1 when both files hold the same bytes, 0: not, -1 with errno. */
static int
are_same(struct making *m, int fd, int other)
{
	const size_t half = MAKING_PIECE / 2;
	uint64_t at = 0;
	ssize_t a, b;

	do {
		a = read_at(fd, m->piece, half, at);
		b = a < 0 ? -1 : read_at(other, m->piece + half, half, at);
		if (b < 0)
			return -1;
		if (a != b || !same_bytes(m->piece, m->piece + half, (size_t)a))
			return 0;
		at += (uint64_t)a;
	} while (a > 0);
	return 1;
}

/* 1 when the file is a package of the same files, made at another time. */
static int
is_of_another_time(const struct making *m, int fd, const char *path)
{
	const struct package_ask ask = {
	    .without = PACKAGE_NO_MD5 | PACKAGE_NO_SHA512};
	const struct release *ours = &m->info->release, *theirs;
	struct package *p = package_open(fd, path, &ask, NULL);
	int is;

	if (p == NULL)
		return 0;
	theirs = &p->info.release;
	is = theirs->created_us != ours->created_us &&
	     strcmp(theirs->name, ours->name) == 0 &&
	     strcmp(theirs->release, ours->release) == 0 &&
	     strcmp(theirs->base, ours->base) == 0 &&
	     memcmp(theirs->tree, ours->tree, sizeof ours->tree) == 0;
	package_free(p);
	return is;
}

/* 1 when what is behind fd says of itself that it is what we make. */
static int
is_like_ours(const struct making *m, int fd, const char *path)
{
	const struct release *ours = &m->info->release;
	struct release theirs;
	uint64_t len;

	return package_peek(fd, path, &theirs, &len, NULL) == 0 &&
	       len == m->info->len && theirs.created_us == ours->created_us &&
	       memcmp(theirs.tree, ours->tree, sizeof ours->tree) == 0;
}

/* 1: nothing of this name is there; 0: these very bytes are, or (made -1, it is
 * not written yet) what may have them; -1 with err. */
static int
look_there(struct making *m, const char *path, int made)
{
	struct stat st;
	int same = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd >= 0 && fstat(fd, &st) == 0)
		same = !S_ISREG(st.st_mode) ? 0
		       : made < 0           ? is_like_ours(m, fd, path)
					    : are_same(m, made, fd);
	if (same < 0)
		err_errno(m->err, ERR_LOCAL, "%s", path);
	else if (!same)
		err_set(m->err, ERR_NO,
		    "%s: is there already, with other bytes%s", path,
		    S_ISREG(st.st_mode) && is_of_another_time(m, fd, path)
			? ": the same files, packed at another time"
			  " (SOURCE_DATE_EPOCH sets it)"
			: ": what changed is another release, or remove it");
	if (fd >= 0)
		close(fd);
	return same == 1 ? 0 : -1;
}

/* Give the whole file its name: 0, or -1. tmp is gone in any case. */
static int
name_it(const struct aside *a, struct err *e)
{
	struct stat st;
	int ret = -1;

	/* A link keeps what came there meanwhile; a rename would not. */
	if (link(a->tmp, a->path) == 0) {
		ret = 0;
	} else if (errno == EEXIST) {
		err_set(e, ERR_NO, "%s: is there already", a->path);
	} else if (lstat(a->path, &st) == 0) {
		err_set(e, ERR_NO, "%s: is there already", a->path);
	} else if (rename(a->tmp, a->path) == 0) {
		return file_sync_dir(a->parent, e);
	} else {
		err_errno(e, ERR_LOCAL, "%s", a->path);
	}
	unlink(a->tmp);
	return ret == 0 ? file_sync_dir(a->parent, e) : -1;
}

struct package_draft {
	struct package_spec spec;
	struct making making;
	struct aside aside;
	int fd;
	int there;   /* look_there's word */
	int is_gone; /* aside.tmp is not there, or not any more */
};

/* The files that a package of an earlier time, or its signature, would be. */
static size_t
own_files(const struct aside *a, struct tree_file own[OWN_FILES])
{
	const size_t size = strlen(a->path) + sizeof ".sig";
	char *sig = malloc(size);
	struct stat st;
	size_t n = 0;

	if (stat(a->path, &st) == 0) {
		own[n].dev = st.st_dev;
		own[n++].ino = st.st_ino;
	}
	if (sig != NULL) {
		snprintf(sig, size, "%s.sig", a->path);
		if (stat(sig, &st) == 0) {
			own[n].dev = st.st_dev;
			own[n++].ino = st.st_ino;
		}
	}
	free(sig);
	return n;
}

static int
make_aside(struct package_draft *d, struct err *e)
{
	struct aside *a = &d->aside;

	d->fd = mkstemp(a->tmp);
	if (d->fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", a->path);
	d->is_gone = 0;
	return fchmod(d->fd, FILE_MODE) == 0
		   ? 0
		   : err_errno(e, ERR_LOCAL, "%s", a->path);
}

static int
read_dir(struct package_draft *d)
{
	struct making *m = &d->making;
	struct tree_file own[OWN_FILES];

	m->root = package_open_dir(m->spec->dir, m->err);
	dirs_init(&m->dirs, m->root);
	if (m->root < 0)
		return -1;
	m->piece = malloc(MAKING_PIECE + 1);
	if (m->piece == NULL)
		return making_fail_memory(m);
	if (making_look(m, own, own_files(&d->aside, own)) != 0 ||
	    making_read(m) != 0 || make_release(m) != 0)
		return -1;
	m->info->len = making_length(m);
	/* What cannot have its name need not be written. */
	return look_there(m, d->aside.path, -1) < 0 ? -1 : 0;
}

struct package_draft *
package_draft(const struct package_spec *s, const char *path,
    struct package_info *out, struct err *e)
{
	struct package_draft *d;

	if (!release_is_word(s->name, strlen(s->name)) ||
	    !release_is_word(s->release, strlen(s->release))) {
		err_set(e, ERR_USAGE,
		    "a package's name and release are letters, digits and"
		    " '._+-', a letter or digit first, at most %d",
		    RELEASE_WORD);
		return NULL;
	}
	d = calloc(1, sizeof *d);
	if (d == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	d->spec = *s;
	d->fd = -1;
	d->is_gone = 1;
	d->making.spec = &d->spec;
	d->making.info = out;
	d->making.err = e;
	d->making.root = -1;
	dirs_init(&d->making.dirs, -1);
	if (aside_init(&d->aside, path, e) == 0 && read_dir(d) == 0 &&
	    make_aside(d, e) == 0)
		return d;
	package_draft_free(d);
	return NULL;
}

int
package_draft_fd(const struct package_draft *d)
{
	return d->fd;
}

/* What was read is needed no more. */
static void
forget(struct making *m)
{
	free(m->piece);
	m->piece = NULL;
	kept_free(&m->kept);
	dirs_end(&m->dirs);
	if (m->root >= 0)
		close(m->root);
	m->root = -1;
	entries_free(&m->all);
	entries_free(&m->removed);
	buf_free(&m->release);
}

int
package_write(struct package_draft *d, struct err *e)
{
	struct making *m = &d->making;
	struct digests_work works[2] = {{digests_sha512, &m->sha512}};
	struct output o;
	int ret = -1;

	m->err = e;
	md5_init(&m->md5);
	sha512_init(&m->sha512);
	if (d->spec.also != NULL)
		works[1] = *d->spec.also;
	if (output_open(&o, d->fd, d->aside.path, works,
		d->spec.also != NULL ? 2 : 1, e) == 0) {
		o.md5 = &m->md5;
		o.written = d->spec.written;
		o.arg = d->spec.arg;
		ret = making_write(m, &o);
	}
	output_close(&o);
	if (ret == 0) {
		d->there = look_there(m, d->aside.path, d->fd);
		ret = d->there < 0 ? -1 : 0;
	}
	forget(m);
	return ret;
}

/* A disk takes as long to sync as a processor to hash: both at once. */
struct syncing {
	int fd;
	int error; /* errno */
	int has_thread;
	pthread_t thread;
};

static void *
sync_it(void *arg)
{
	struct syncing *s = arg;

	s->error = fsync(s->fd) != 0 ? errno : 0;
	return NULL;
}

static void
sync_begin(struct syncing *s, int fd, int apart)
{
	s->fd = fd;
	s->has_thread = apart && thread_start(&s->thread, sync_it, s) == 0;
	if (!s->has_thread)
		sync_it(s);
}

static int
sync_end(struct syncing *s, const char *shown, struct err *e)
{
	if (s->has_thread)
		pthread_join(s->thread, NULL);
	errno = s->error;
	return errno == 0 ? 0 : err_errno(e, ERR_LOCAL, "%s", shown);
}

int
package_finish(struct package_draft *d, struct err *e)
{
	const struct package_spec *s = &d->spec;
	struct syncing syncing;
	int ret = 0;

	sync_begin(&syncing, d->fd, s->seal != NULL && !s->seal_forks);
	if (s->seal != NULL)
		ret = s->seal(s->arg, d->fd, d->making.info, e);
	if (sync_end(&syncing, d->aside.path, ret == 0 ? e : NULL) != 0)
		ret = -1;
	if (ret != 0 || d->there == 0)
		return ret;
	d->is_gone = 1;
	return name_it(&d->aside, e);
}

void
package_draft_free(struct package_draft *d)
{
	if (d == NULL)
		return;
	forget(&d->making);
	if (d->fd >= 0)
		close(d->fd);
	if (!d->is_gone)
		unlink(d->aside.tmp);
	aside_free(&d->aside);
	free(d);
}

int
package_create(const struct package_spec *s, const char *path,
    struct package_info *out, struct err *e)
{
	struct package_draft *d = package_draft(s, path, out, e);
	int ret = -1;

	if (d != NULL && package_write(d, e) == 0)
		ret = package_finish(d, e);
	package_draft_free(d);
	return ret;
}
