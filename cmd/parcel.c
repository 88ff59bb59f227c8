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

static int
check(struct parcel *p, const struct say *s, const char *path,
    const struct keyring *keys, struct err *e)
{
	struct package *package =
	    package_open_fd(s, keys, path, NULL, p->fd, 0, &p->sig, e);

	if (package == NULL)
		return -1;
	p->info = *package_info(package);
	package_free(package);
	return 0;
}

struct opening {
	const struct say *say;
	struct signer_run signing;
};

static void
tell_miss(void *arg, const char *line)
{
	const struct opening *o = arg;

	say_error(o->say, "%s", line);
}

/* There is no signature: the read that checks it is the first of those two
 * that signing takes. */
static int
check_and_sign(struct parcel *p, const struct say *s, const char *path,
    const struct signer *signer, struct err *e)
{
	struct opening o = {.say = s};
	const struct digests_work also = {signer_take, &o.signing};
	const struct package_ask ask = {
	    .also = &also, .miss = tell_miss, .arg = &o};
	struct package *package;
	int ret = -1;

	signer_begin(&o.signing, signer);
	package = package_open(p->fd, path, &ask, e);
	if (package != NULL) {
		p->info = *package_info(package);
		ret = signer_end(&o.signing, p->fd, path, &p->sig, e);
	}
	signer_drop(&o.signing);
	package_free(package);
	return ret;
}

int
parcel_open(struct parcel *p, const struct say *s, const char *path,
    const struct keyring *keys, const struct signer *signer, struct err *e)
{
	char *sig = package_sig_name(path);
	int ret = -1;

	if (sig == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (p->fd < 0)
		err_errno(e, ERR_LOCAL, "%s", path);
	else if (keys->n > 0 && access(sig, F_OK) == 0)
		ret = check(p, s, path, keys, e);
	else
		ret = check_and_sign(p, s, path, signer, e);
	free(sig);
	if (ret != 0)
		parcel_close(p);
	return ret;
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
