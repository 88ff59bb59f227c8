/* Fetching the packages of documents. */

#include "lua-host/package_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "pack/fetch.h"

#define MS_NS INT64_C(1000000)

/* Between tries fetch_file waits up to 8 s, and it ends tries by itself. */
#define WAIT_MS         10000
/* To verify and unpack: some gigabytes on a slow disk. */
#define UNPACK_MS       1800000
/* A sum of waits is no longer than a month. */
#define DEADLINE_MAX_MS (INT64_C(31) * 24 * 3600 * 1000)

int
package_fetch_init(struct package_fetch *f, int64_t timeout_ms,
    int64_t standard_ms, unsigned tries, const char *command, struct err *e)
{
	memset(f, 0, sizeof *f);
	if (timeout_ms < 0 || timeout_ms > PACKAGE_TIMEOUT_MAX_MS)
		return err_set(e, ERR_USAGE,
		    "a try to fetch takes at most 24h");
	if (tries > PACKAGE_TRIES_MAX)
		return err_set(e, ERR_USAGE, "at most %d tries to fetch",
		    PACKAGE_TRIES_MAX);
	f->timeout_ms = timeout_ms != 0 ? timeout_ms : standard_ms;
	f->tries = tries != 0 ? tries : PACKAGE_TRIES;
	if (command != NULL && (f->command = strdup(command)) == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	return 0;
}

void
package_fetch_free(struct package_fetch *f)
{
	free(f->command);
	f->command = NULL;
}

int64_t
package_fetch_deadline_ns(const struct package_fetch *f, size_t addresses)
{
	int64_t ms = (f->timeout_ms + WAIT_MS) * f->tries;

	ms = ms * (int64_t)addresses + UNPACK_MS;
	return (ms < DEADLINE_MAX_MS ? ms : DEADLINE_MAX_MS) * MS_NS;
}

/* --- in the job ------------------------------------------------------------
 */

struct fetching {
	int (*check)(void *arg, int fd, struct err *e);
	void *arg;
	struct job_pipe *pipe;
	uint64_t before;
	int came; /* all of it, and equal: what fails now is no address */
};

static int
check(void *arg, int fd, struct err *e)
{
	struct fetching *f = arg;

	f->came = 1;
	return f->check != NULL ? f->check(f->arg, fd, e) : 0;
}

static void
progress(void *arg, uint64_t so_far, uint64_t size)
{
	struct fetching *f = arg;

	(void)size;
	job_tell(f->pipe, f->before + so_far);
}

int
package_fetch_file(const struct package_fetch *f, const struct doc_package *p,
    const char *from, const char *path,
    int (*user_check)(void *arg, int fd, struct err *e), void *arg,
    struct job_pipe *pipe, uint64_t before, int *gave_up, struct err *e)
{
	const char *const urls[] = {from, p->url};
	struct fetching fetching = {user_check, arg, pipe, before, 0};
	struct fetch_spec spec;
	size_t i;

	memset(&spec, 0, sizeof spec);
	spec.size = p->len;
	spec.has_size = 1;
	spec.md5 = p->md5;
	spec.sha512 = p->sha512;
	spec.timeout_ms = f->timeout_ms;
	spec.tries = f->tries;
	spec.command = f->command;
	spec.check = check;
	spec.progress = progress;
	spec.arg = &fetching;
	*gave_up = 0;
	for (i = 0; i < 2; i++) {
		if (urls[i] == NULL ||
		    (i == 0 && strcmp(urls[0], urls[1]) == 0))
			continue;
		spec.url = urls[i];
		/* Hosts prove nothing, and who may sign an address need not
		 * know this machine's passwords for all. */
		spec.giver = i == 0 ? FTP_GIVEN_TOLD : FTP_GIVEN_SIGNED;
		if (fetch_file(&spec, path, e) == 0)
			return 0;
		/* Another address would not help. */
		if (fetching.came || e->kind == ERR_LOCAL)
			return -1;
	}
	*gave_up = 1;
	return -1;
}

struct package *
package_fetch_open(int fd, const struct doc_package *p, const char *base,
    struct err *e)
{
	struct package_ask ask = {.max_bytes = p->len, .sha512 = p->sha512};
	struct package *package = package_open(fd, p->url, &ask, e);
	const struct release *r;

	if (package == NULL)
		return NULL;
	r = &package_info(package)->release;
	if (strcmp(r->name, p->name) != 0 ||
	    strcmp(r->release, p->release) != 0)
		err_set(e, ERR_NO, "%s: it is release %s of %s", p->url,
		    r->release, r->name);
	else if (strcmp(r->base, base != NULL ? base : "") != 0)
		err_set(e, ERR_NO, "%s: it builds on another release", p->url);
	else
		return package;
	package_free(package);
	return NULL;
}
