/* Packages on their way to a place. */

#include "cmd/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"

/* What is smaller is checked before a server has answered a first time, and one
 * that is bad is not sent at all then. */
#define APART_MIN ((uint64_t)4 << 20)

/* A check, or the end of making one. The thread has all of it until it is done.
 */
struct parcel_check {
	struct package_making *making; /* NULL: it was there */
	int is_filled;                 /* and is written, if not signed yet */
	int fd;
	const char *path;
	const struct keyring *keys; /* NULL: there is no signature, sign */
	const struct signer *signer;
	/* Out. */
	int ret;
	struct err err;
	struct package_info info;
	struct buf sig;
	struct buf misses; /* lines, each with its NUL */

	int has_thread;
	pthread_t thread;
	pthread_mutex_t lock; /* of done and written */
	pthread_cond_t more;
	int done;
	uint64_t written; /* bytes, of what is made */
};

/* --- checking --------------------------------------------------------------
 */

static void
keep_miss(void *arg, const char *line)
{
	struct parcel_check *c = arg;

	/* Without memory it is told by its error alone. */
	buf_append(&c->misses, line, strlen(line) + 1);
}

static int
check_signed(struct parcel_check *c)
{
	struct package *package = package_open_for(keep_miss, c, c->keys,
	    c->path, NULL, c->fd, 0, &c->sig, &c->err);

	if (package == NULL)
		return -1;
	c->info = *package_info(package);
	package_free(package);
	return 0;
}

/* There is no signature: the read that checks it is the first of those two
 * that signing takes. */
static int
check_and_sign(struct parcel_check *c)
{
	struct signer_run signing;
	struct digests_work also;
	const struct package_ask ask = {
	    .also = &also, .miss = keep_miss, .arg = c};
	struct package *package;
	int ret = -1;

	signer_begin(&signing, c->signer);
	also = signer_work(&signing);
	package = package_open(c->fd, c->path, &ask, &c->err);
	if (package != NULL) {
		c->info = *package_info(package);
		ret = signer_end(&signing, c->fd, c->path, &c->sig, &c->err);
	}
	signer_drop(&signing);
	package_free(package);
	return ret;
}

static int
make(struct parcel_check *c)
{
	if (!c->is_filled && package_fill(c->making, &c->err) != 0)
		return -1;
	return package_end(c->making, &c->sig, &c->err);
}

static void *
run(void *arg)
{
	struct parcel_check *c = arg;
	int ret = c->making != NULL ? make(c)
		  : c->keys != NULL ? check_signed(c)
				    : check_and_sign(c);

	pthread_mutex_lock(&c->lock);
	c->ret = ret;
	c->done = 1;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void
on_written(void *arg, uint64_t so_far)
{
	struct parcel_check *c = arg;

	pthread_mutex_lock(&c->lock);
	c->written = so_far;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}

void
parcel_ready(const struct parcel *p, uint64_t upto)
{
	struct parcel_check *c = p->check;

	if (c == NULL || c->making == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	while (c->written < upto && !c->done)
		pthread_cond_wait(&c->more, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static void
join(struct parcel_check *c)
{
	if (c->has_thread)
		pthread_join(c->thread, NULL);
	c->has_thread = 0;
}

static void
free_check(struct parcel_check *c)
{
	if (c == NULL)
		return;
	join(c);
	pthread_cond_destroy(&c->more);
	pthread_mutex_destroy(&c->lock);
	package_drop(c->making);
	buf_free(&c->sig);
	buf_free(&c->misses);
	free(c);
}

/* A command that signs is a child: one is not made beside threads. */
static int
may_go_apart(const struct parcel *p, const struct parcel_check *c)
{
	return p->info.len >= APART_MIN &&
	       (c->keys != NULL || c->signer->command == NULL);
}

static struct parcel_check *
new_check(struct err *e)
{
	struct parcel_check *c = calloc(1, sizeof *c);

	if (c == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	return c;
}

static int
start(struct parcel *p, const char *path, const struct keyring *keys,
    const struct signer *signer, struct err *e)
{
	struct parcel_check *c = new_check(e);
	struct err ignored;

	if (c == NULL)
		return -1;
	c->fd = p->fd;
	c->path = path;
	c->keys = keys;
	c->signer = signer;
	p->check = c;
	/* What has no name yet cannot go anywhere: why not is told by the
	 * check of the whole. */
	if (package_peek(p->fd, path, &p->info.release, &p->info.len,
		&ignored) == 0 &&
	    may_go_apart(p, c))
		c->has_thread = thread_start(&c->thread, run, c) == 0;
	if (c->has_thread)
		return 0;
	run(c);
	p->info = c->info;
	return parcel_wait(p, 1, e);
}

int
parcel_open(struct parcel *p, const char *path, const struct keyring *keys,
    const struct signer *signer, struct err *e)
{
	char *sig = package_sig_name(path);
	int is_signed;

	if (sig == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	is_signed = keys->n > 0 && access(sig, F_OK) == 0;
	free(sig);
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p->fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	return start(p, path, is_signed ? keys : NULL, signer, e);
}

/* What it said of itself is what was used of it so far. */
static int
is_what_it_said(const struct package_info *a, const struct package_info *b)
{
	return a->len == b->len &&
	       strcmp(a->release.name, b->release.name) == 0 &&
	       strcmp(a->release.release, b->release.release) == 0 &&
	       strcmp(a->release.base, b->release.base) == 0 &&
	       memcmp(a->release.tree, b->release.tree,
		   sizeof a->release.tree) == 0;
}

static int
is_done(struct parcel_check *c)
{
	int done;

	pthread_mutex_lock(&c->lock);
	done = c->done;
	pthread_mutex_unlock(&c->lock);
	return done;
}

int
parcel_wait(struct parcel *p, int wait, struct err *e)
{
	struct parcel_check *c = p->check;

	if (c == NULL)
		return 0;
	if (!wait && !is_done(c))
		return 1;
	join(c);
	if (c->ret != 0) {
		*e = c->err;
		return -1;
	}
	if (!is_what_it_said(&c->info, &p->info))
		return err_set(e, ERR_NO, "%s: changed while it was checked",
		    c->path);
	p->info = c->info;
	p->sig = c->sig;
	c->sig = (struct buf)BUF_INIT;
	p->check = NULL;
	free_check(c);
	return 0;
}

void
parcel_tell(struct parcel *p, const struct say *s)
{
	struct parcel_check *c = p->check;
	const char *line;
	size_t at;

	if (c == NULL || c->has_thread)
		return;
	for (at = 0; at < c->misses.len; at += strlen(line) + 1) {
		line = (const char *)c->misses.data + at;
		say_error(s, "%s", line);
	}
	c->misses.len = 0;
}

/* --- the rest ------------------------------------------------------------
 */

void
parcel_close(struct parcel *p)
{
	free_check(p->check);
	p->check = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	buf_free(&p->sig);
}

void
parcel_name(struct parcel *p, int beside)
{
	const struct release *r = &p->info.release;

	if (r->base[0] != '\0')
		snprintf(p->name, sizeof p->name, "%s-%s.since-%s.tar", r->name,
		    r->release, r->base);
	else
		snprintf(p->name, sizeof p->name, "%s-%s.tar", r->name,
		    r->release);
	snprintf(p->part, sizeof p->part, "%s%s.part", r->name,
	    beside ? ".full" : "");
}

void
parcel_file(const struct parcel *p, struct publish_file *f)
{
	memset(f, 0, sizeof *f);
	f->part = p->part;
	f->name = p->name;
	f->fd = p->fd;
	f->len = p->info.len;
	f->is_new = p->is_new;
	memcpy(f->md5, p->info.md5, sizeof f->md5);
	memcpy(f->sha512, p->info.sha512, sizeof f->sha512);
	f->sig = p->sig.data;
	f->sig_len = p->sig.len;
}

/* When an older run of this has made it: 0 where there is none. */
static int64_t
made_before(const char *path)
{
	const struct package_ask ask = {
	    .without = PACKAGE_NO_MD5 | PACKAGE_NO_SHA512};
	struct package *package;
	struct err ignored;
	int64_t created_us;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return 0;
	package = package_open(fd, path, &ask, &ignored);
	created_us =
	    package != NULL ? package_info(package)->release.created_us : 0;
	package_free(package);
	close(fd);
	return created_us;
}

int
parcel_make(struct parcel *p, const struct package_job *job, const char *path,
    struct err *e)
{
	/* A command that signs is a child: none is made beside threads. */
	const int may_go_apart = job->signer->command == NULL;
	struct package_job again = *job;
	struct parcel_check *c = new_check(e);
	int64_t made_us = made_before(path);

	p->check = c;
	if (c == NULL)
		return -1;
	if (getenv("SOURCE_DATE_EPOCH") == NULL) {
		p->is_new = made_us == 0;
		again.time_us = made_us > 0 ? made_us : job->time_us;
	}
	again.written = on_written;
	again.written_arg = c;
	c->making = package_begin(&again, path, &c->info, e);
	if (c->making == NULL)
		return -1;
	c->is_filled = !may_go_apart || c->info.len < APART_MIN;
	if (c->is_filled && package_fill(c->making, e) != 0)
		return -1;
	p->info = c->info;
	p->fd = fcntl(package_fd(c->making), F_DUPFD_CLOEXEC, 0);
	if (p->fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	if (may_go_apart) {
		package_apart(c->making);
		c->has_thread = thread_start(&c->thread, run, c) == 0;
	}
	if (c->has_thread)
		return 0;
	run(c);
	return parcel_wait(p, 1, e);
}
