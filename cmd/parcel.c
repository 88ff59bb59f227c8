/* Packages on their way to a place. */

#include "cmd/parcel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

void
parcel_close(struct parcel *p)
{
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
	memcpy(f->md5, p->info.md5, sizeof f->md5);
	memcpy(f->sha512, p->info.sha512, sizeof f->sha512);
	f->sig = p->sig.data;
	f->sig_len = p->sig.len;
}

/* The signature beside it, if it may be believed, or a new one: a pass or two
 * over the whole file, beside the one that checks what is in it. */
struct sealing {
	struct parcel *p;
	const char *path;
	const struct keyring *keys;
	const struct signer *signer;
	int fd;
	uint8_t sha512[SHA512_SIZE]; /* that was found to be signed */
	int is_checked;              /* sha512 is there */
	int ret;
	struct err e;
};

static void *
find_signature(void *arg)
{
	struct sealing *f = arg;
	char *sig = package_sig_name(f->path);

	f->ret = -1;
	if (sig == NULL) {
		err_set(&f->e, ERR_LOCAL, "out of memory");
	} else if (f->keys->n == 0 || access(sig, F_OK) != 0) {
		f->ret = signer_sign_fd(f->signer, f->fd, f->path, &f->p->sig,
		    &f->e);
	} else if (package_check_sig(f->keys, f->path, NULL, f->fd, NULL,
		       f->sha512, &f->e) == 0) {
		f->is_checked = 1;
		f->ret = file_read(sig, SIGNIFY_FILE, &f->p->sig, &f->e);
	}
	free(sig);
	return NULL;
}

/* What is in it, and meanwhile its signature. */
static int
check(struct parcel *p, const struct say *s, struct sealing *f, struct err *e)
{
	struct package *package;
	sigset_t all, before;
	pthread_t thread;
	int bad;

	/* Signals are the business of the other thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bad = pthread_create(&thread, NULL, find_signature, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (bad != 0)
		find_signature(f);
	package = package_open_file(s, NULL, f->path, &p->fd, e);
	if (bad == 0)
		pthread_join(thread, NULL);
	if (package == NULL) {
		p->fd = -1;
		return -1;
	}
	p->info = *package_info(package);
	package_free(package);
	if (f->ret != 0) {
		*e = f->e;
		return -1;
	}
	if (f->is_checked &&
	    memcmp(f->sha512, p->info.sha512, sizeof f->sha512) != 0)
		return err_set(e, ERR_LOCAL, "%s: it changed while it was read",
		    f->path);
	return 0;
}

int
parcel_open(struct parcel *p, const struct say *s, const char *path,
    const struct keyring *keys, const struct signer *signer, struct err *e)
{
	struct sealing f = {
	    .p = p, .path = path, .keys = keys, .signer = signer};
	int ret;

	f.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f.fd < 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	ret = check(p, s, &f, e);
	close(f.fd);
	if (ret != 0)
		parcel_close(p);
	return ret;
}

/* When an older run of this has made it: 0 where there is none. */
static int64_t
made_before(const char *path)
{
	struct package *package;
	struct err ignored;
	int64_t created_us;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return 0;
	package = package_open(fd, path, NULL, &ignored);
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
	struct package_job again = *job;
	char *sig = package_sig_name(path);
	int64_t made_us = made_before(path);
	int ret = -1;

	if (sig == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	if (made_us > 0 && getenv("SOURCE_DATE_EPOCH") == NULL)
		again.time_us = made_us;
	if (package_make(&again, path, &p->info, e) != 0 ||
	    file_read(sig, SIGNIFY_FILE, &p->sig, e) != 0)
		goto out;
	p->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p->fd >= 0)
		ret = 0;
	else
		err_errno(e, ERR_LOCAL, "%s", path);
out:
	free(sig);
	if (ret != 0)
		parcel_close(p);
	return ret;
}
