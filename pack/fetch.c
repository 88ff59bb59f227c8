/* Fetching, with tries, limits and digests. */

#include "pack/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "net/ftp.h"
#include "net/ftp_url.h"
#include "pack/digests.h"
#include "pack/fetch_command.h"

#define PART          ".part"
#define FIRST_WAIT_MS 250
#define LAST_WAIT_MS  8000
#define STOP_POLL_MS  100
#define BLOCK         (256 * 1024)
#define SHOWN         256 /* of an address in a message */
#define OPEN_TRIES    10  /* others may remove the file in between */
#define NS_PER_MS     INT64_C(1000000)

struct job {
	const struct fetch_spec *s;
	char shown[SHOWN]; /* the address in messages */
	struct ftp_url url;
	struct ftp_login login;
	uint64_t max;

	char *part;
	int fd; /* of part; -1: to memory */
	struct buf *mem;
	size_t mem_start;

	uint64_t have; /* bytes so far, and their digests */
	struct md5 md5;
	struct sha512 sha512;
	struct digests_work also; /* the caller's; update NULL: nothing */
	struct digests *digests;  /* NULL: all have had all of them */
	uint64_t from;            /* where this try began */
	int spliced;              /* not all bytes are of one try */
	int begun_anew;           /* after that turned out badly */
	int broken;               /* the target could not be written */
	unsigned tries;
};

/* --- what came -------------------------------------------------------------
 */

/* All that is worked out has had what came. */
static void
settle(struct job *j)
{
	digests_free(j->digests);
	j->digests = NULL;
}

static void
forget(struct job *j)
{
	settle(j);
	j->have = 0;
	j->spliced = 0;
	md5_init(&j->md5);
	sha512_init(&j->sha512);
}

/* The next byte is the first one. 0, or -1 with err. */
static int
expect_first(struct job *j, struct err *e)
{
	forget(j);
	return j->s->begin != NULL ? j->s->begin(j->s->arg, &j->also, e) : 0;
}

/* From the first byte on again. 0, or -1 with err. */
static int
begin_anew(struct job *j, struct err *e)
{
	if (expect_first(j, e) != 0)
		return -1;
	if (j->mem != NULL)
		j->mem->len = j->mem_start;
	else if (j->fd >= 0 &&
		 (ftruncate(j->fd, 0) != 0 || lseek(j->fd, 0, SEEK_SET) != 0))
		return err_errno(e, ERR_LOCAL, "%s", j->part);
	return 0;
}

static void
digest(struct job *j, const void *bytes, size_t len)
{
	const struct digests_work works[] = {
	    {digests_sha512, &j->sha512}, {digests_md5, &j->md5}, j->also};
	size_t i, n = j->also.update != NULL ? 3 : 2;

	j->have += len;
	if (j->digests == NULL)
		j->digests = digests_start(works, n, NULL);
	if (j->digests != NULL) {
		digests_feed(j->digests, bytes, len);
		return;
	}
	/* There is no memory for doing it beside the network. */
	for (i = 0; i < n; i++)
		works[i].update(works[i].arg, bytes, len);
}

static void
tell_progress(struct job *j, uint64_t so_far)
{
	if (j->s->progress != NULL)
		j->s->progress(j->s->arg, so_far,
		    j->s->has_size ? j->s->size : 0);
}

static int
take(void *arg, const void *bytes, size_t len, struct err *e)
{
	struct job *j = arg;

	if (j->mem != NULL) {
		if (buf_append(j->mem, bytes, len) != 0)
			return err_set(e, ERR_LOCAL, "out of memory");
	} else if (file_write_all(j->fd, bytes, len) != 0) {
		j->broken = 1;
		return err_errno(e, ERR_LOCAL, "%s", j->part);
	}
	digest(j, bytes, len);
	tell_progress(j, j->have);
	return 0;
}

/* The bytes of the file as it is. 0, or -1 with err. */
static int
digest_file(struct job *j, struct err *e)
{
	uint8_t *block = malloc(BLOCK);
	ssize_t n = 1;
	int ret = -1;

	if (block == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	if (expect_first(j, e) != 0)
		goto out;
	if (lseek(j->fd, 0, SEEK_SET) != 0)
		n = -1;
	while (n > 0) {
		do
			n = read(j->fd, block, BLOCK);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			digest(j, block, (size_t)n);
		if (j->have > j->max) {
			err_set(e, ERR_NO, "%s: longer than %" PRIu64 " bytes",
			    j->shown, j->max);
			goto out;
		}
	}
	if (n < 0) {
		err_errno(e, ERR_LOCAL, "%s", j->part);
		goto out;
	}
	ret = 0;
out:
	free(block);
	return ret;
}

/* 0 when it is what was told, else -1 with err. */
static int
compare(struct job *j, struct err *e)
{
	const struct fetch_spec *s = j->s;
	struct fetch_result r;
	struct sha512 h;
	struct md5 m;

	settle(j);
	h = j->sha512;
	m = j->md5;
	memset(&r, 0, sizeof r);
	r.size = j->have;
	r.tries = j->tries;
	md5_final(r.md5, &m);
	sha512_final(r.sha512, &h);
	if (s->result != NULL)
		*s->result = r;
	if (s->has_size && r.size != s->size)
		return err_set(e, ERR_NO,
		    "%s: it has %" PRIu64 " bytes, and should have %" PRIu64,
		    j->shown, r.size, s->size);
	if (s->md5 != NULL && memcmp(s->md5, r.md5, sizeof r.md5) != 0)
		return err_set(e, ERR_NO,
		    "%s: not what it should be: another MD5", j->shown);
	if (s->sha512 != NULL &&
	    memcmp(s->sha512, r.sha512, sizeof r.sha512) != 0)
		return err_set(e, ERR_NO,
		    "%s: not what it should be: another SHA-512", j->shown);
	return 0;
}

/* --- one try ---------------------------------------------------------------
 */

static int64_t
deadline(const struct job *j)
{
	int64_t ms = j->s->timeout_ms > 0 ? j->s->timeout_ms : FETCH_TIMEOUT_MS;

	return clock_mono_ns() + ms * NS_PER_MS;
}

static int
try_ftp(struct job *j, struct err *e)
{
	const struct ftp_config c = {
	    .url = &j->url,
	    .user = j->login.user,
	    .password = j->login.password,
	    .deadline_ns = deadline(j),
	    .trace = j->s->trace,
	    .arg = j->s->arg,
	    .stop = j->s->stop,
	};
	struct ftp *f = ftp_open(&c, e);
	int r;

	if (f == NULL)
		return -1;
	r = ftp_get(f, j->url.path, j->have, j->max - j->have, take, j, e);
	if (r == 1) {
		r = begin_anew(j, e);
		j->from = 0;
		if (r == 0)
			r = ftp_get(f, j->url.path, 0, j->max, take, j, e);
	}
	ftp_close(f);
	return r;
}

static void
command_moved(void *arg, uint64_t so_far)
{
	tell_progress(arg, so_far);
}

/* A regular file of ours under the name, made where there is none; in j->fd. */
static int
open_part(struct job *j, int make, struct err *e)
{
	struct stat st;

	j->fd = open(j->part,
	    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (make ? O_CREAT : 0),
	    0600);
	if (j->fd < 0 || fstat(j->fd, &st) != 0)
		return err_errno(e, ERR_LOCAL, "%s", j->part);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink > 1)
		return err_set(e, ERR_LOCAL,
		    "%s: not a file of our own; remove it", j->part);
	if (fchmod(j->fd, 0600) != 0)
		return err_errno(e, ERR_LOCAL, "%s", j->part);
	return 0;
}

static void
close_part(struct job *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

static int
try_command(struct job *j, struct err *e)
{
	const struct fetch_command c = {
	    .command = j->s->command,
	    .url = j->s->url,
	    .file = j->part,
	    .max = j->max,
	    .deadline_ns = deadline(j),
	    .stop = j->s->stop,
	    .moved = command_moved,
	    .arg = j,
	};

	if (begin_anew(j, e) != 0 || fetch_command_run(&c, e) != 0)
		return -1;
	/* It may have put another file there. */
	close_part(j);
	if (open_part(j, 0, e) != 0)
		return -1;
	return digest_file(j, e);
}

static int
try_once(struct job *j, struct err *e)
{
	int r;

	j->tries++;
	j->from = j->have;
	if (j->s->command != NULL)
		r = try_command(j, e);
	else if (j->s->has_size && j->have == j->s->size && j->have > 0)
		r = 0; /* all was there but its name */
	else
		r = try_ftp(j, e);
	if (j->from > 0)
		j->spliced = 1;
	return r;
}

/* --- tries -----------------------------------------------------------------
 */

static int
is_stopped(const struct job *j)
{
	return j->s->stop != NULL && *j->s->stop;
}

/* Half of it to all of it, so that many that failed at once do not come back
 * at once. */
static void
rest(const struct job *j, int64_t ms)
{
	uint16_t r = 0;
	int64_t end;

	if (random_bytes(&r, sizeof r) != 0)
		r = 0;
	ms = ms / 2 + ms / 2 * r / UINT16_MAX;
	end = clock_mono_ns() + ms * NS_PER_MS;
	while (!is_stopped(j) && clock_mono_ns() < end)
		poll(NULL, 0, ms < STOP_POLL_MS ? (int)ms : STOP_POLL_MS);
}

static int
can_go_on(const struct job *j)
{
	return j->s->command == NULL &&
	       (j->s->md5 != NULL || j->s->sha512 != NULL);
}

/* One try more or less: 0 done; 1 not yet, with the reason; -1 for good. */
static int
attempt(struct job *j, struct err *e)
{
	int r = try_once(j, e);

	if (r == 0 && compare(j, e) == 0)
		return 0;
	if (j->broken || is_stopped(j))
		return -1;
	/* It ended early and said that it was all. */
	if (r == 0 && j->s->has_size && j->have < j->s->size)
		return 1;
	if (e->kind == ERR_NO && j->spliced && !j->begun_anew) {
		j->begun_anew = 1;
		if (begin_anew(j, e) != 0)
			return -1;
		return 1;
	}
	return r != 0 && e->kind == ERR_PEER ? 1 : -1;
}

static int
try_all(struct job *j, struct err *e)
{
	unsigned tries = j->s->tries > 0 ? j->s->tries : FETCH_TRIES;
	int64_t wait_ms = FIRST_WAIT_MS;
	int r, anew;

	for (;;) {
		anew = j->begun_anew;
		r = attempt(j, e);
		if (r <= 0)
			return r;
		/* What was put together wrongly is no failure of the peer. */
		if (anew != j->begun_anew)
			continue;
		if (j->tries >= tries)
			return -1;
		if (j->s->again != NULL)
			j->s->again(j->s->arg, e);
		if (!can_go_on(j) && begin_anew(j, e) != 0)
			return -1;
		rest(j, wait_ms);
		if (is_stopped(j))
			return err_set(e, ERR_PEER, "%s: interrupted",
			    j->shown);
		wait_ms =
		    wait_ms * 2 < LAST_WAIT_MS ? wait_ms * 2 : LAST_WAIT_MS;
	}
}

/* --- the file --------------------------------------------------------------
 */

/* A part of ours alone: opened, locked, and still under its name. */
static int
hold_part(struct job *j, struct err *e)
{
	struct stat mine, named;
	int i;

	for (i = 0; i < OPEN_TRIES; i++) {
		if (open_part(j, 1, e) != 0)
			return -1;
		if (flock(j->fd, LOCK_EX | LOCK_NB) != 0)
			return err_set(e, ERR_LOCAL,
			    "%s: another process writes to it", j->part);
		if (fstat(j->fd, &mine) == 0 && lstat(j->part, &named) == 0 &&
		    mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
			return 0;
		close_part(j);
	}
	return err_set(e, ERR_LOCAL, "%s: others take it away", j->part);
}

/* What an earlier run left. 0, or -1 with err. */
static int
take_over(struct job *j, struct err *e)
{
	struct stat st;

	if (fstat(j->fd, &st) != 0)
		return err_errno(e, ERR_LOCAL, "%s", j->part);
	if (!can_go_on(j) || (uint64_t)st.st_size > j->max)
		return begin_anew(j, e);
	if (digest_file(j, e) != 0)
		return -1;
	tell_progress(j, j->have);
	return 0;
}

static int
is_taken(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* 0, or -1 with errno set. */
static int
give_name(const struct job *j, const char *path)
{
	if (!j->s->fresh)
		return rename(j->part, path);
	if (link(j->part, path) == 0)
		return unlink(j->part);
	/* Where there are no links the moment in between is left. */
	if (errno != EPERM && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	if (is_taken(path)) {
		errno = EEXIST;
		return -1;
	}
	return rename(j->part, path);
}

static int
sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = strdup(slash != NULL ? path : ".");
	int r;

	if (dir == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	if (slash != NULL)
		dir[slash == path ? 1 : slash - path] = '\0';
	r = file_sync_dir(dir, e);
	free(dir);
	return r;
}

static int
finish(struct job *j, const char *path, struct err *e)
{
	if (j->s->check != NULL) {
		if (lseek(j->fd, 0, SEEK_SET) != 0)
			return err_errno(e, ERR_LOCAL, "%s", j->part);
		if (j->s->check(j->s->arg, j->fd, e) != 0)
			return -1;
	}
	if (fchmod(j->fd, 0644) != 0 || fsync(j->fd) != 0)
		return err_errno(e, ERR_LOCAL, "%s", j->part);
	if (give_name(j, path) != 0)
		return err_errno(e, errno == EEXIST ? ERR_NO : ERR_LOCAL, "%s",
		    path);
	return sync_folder(path, e);
}

/* --- the whole -------------------------------------------------------------
 */

/* 1 when the text may be an address of any kind. */
static int
is_address(const char *url)
{
	size_t n = strspn(url, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	return url[0] >= 'a' && url[0] <= 'z' && url[n] == ':' &&
	       text_is_clean(url, strlen(url));
}

static int
prepare(struct job *j, const struct fetch_spec *s, struct err *e)
{
	struct buf text = BUF_INIT;
	const char *shown;

	memset(j, 0, sizeof *j);
	j->s = s;
	j->fd = -1;
	j->max = s->has_size ? s->size : FETCH_SIZE_MAX;
	forget(j);
	if (s->result != NULL)
		memset(s->result, 0, sizeof *s->result);
	text_escape(j->shown, sizeof j->shown, s->url, strlen(s->url), 0);
	if (s->command != NULL) {
		if (!is_address(s->url))
			return err_set(e, ERR_USAGE, "%s: not an address",
			    j->shown);
		return 0;
	}
	if (!ftp_url_is(s->url))
		return err_set(e, ERR_USAGE,
		    "%s: ftp:// alone can be fetched here; a command can be"
		    " given for others",
		    j->shown);
	if (ftp_url_parse(&j->url, s->url, e) != 0)
		return -1;
	if (ftp_url_name(&j->url)[0] == '\0')
		return err_set(e, ERR_USAGE, "%s: no name of a file in it",
		    j->shown);
	ftp_url_format(&text, &j->url);
	shown = buf_text(&text);
	if (shown != NULL)
		text_escape(j->shown, sizeof j->shown, shown, strlen(shown), 0);
	buf_free(&text);
	return ftp_login_find(&j->login, &j->url, s->giver, e);
}

static void
tell_tries(const struct job *j)
{
	if (j->s->result != NULL)
		j->s->result->tries = j->tries;
}

int
fetch_file(const struct fetch_spec *s, const char *path, struct err *e)
{
	size_t size = strlen(path) + sizeof PART;
	struct err why = {ERR_NONE, ""};
	struct job j;
	int ret = -1;

	if (prepare(&j, s, &why) != 0)
		goto out;
	if (s->fresh && is_taken(path)) {
		err_set(&why, ERR_NO, "%s: is there already", path);
		goto out;
	}
	j.part = malloc(size);
	if (j.part == NULL) {
		err_set(&why, ERR_LOCAL, "out of memory");
		goto out;
	}
	snprintf(j.part, size, "%s" PART, path);
	if (hold_part(&j, &why) != 0)
		goto out;
	if (take_over(&j, &why) == 0 && try_all(&j, &why) == 0 &&
	    finish(&j, path, &why) == 0)
		ret = 0;
	/* What may be gone on with is kept. */
	if (ret != 0 && !(can_go_on(&j) && j.have > 0 &&
			    (why.kind == ERR_PEER || why.kind == ERR_DENIED)))
		unlink(j.part);
out:
	settle(&j);
	tell_tries(&j);
	close_part(&j);
	free(j.part);
	if (ret != 0 && e != NULL)
		*e = why;
	return ret;
}

int
fetch_memory(const struct fetch_spec *s, size_t max, struct buf *out,
    struct err *e)
{
	struct fetch_spec plain = *s;
	struct err why = {ERR_NONE, ""};
	struct job j;
	int ret = -1;

	plain.command = NULL;
	plain.begin = NULL;
	if (prepare(&j, &plain, &why) != 0)
		goto out;
	j.mem = out;
	j.mem_start = out->len;
	if (j.max > max)
		j.max = max;
	ret = try_all(&j, &why);
	if (ret != 0)
		out->len = j.mem_start;
out:
	settle(&j);
	tell_tries(&j);
	if (ret != 0 && e != NULL)
		*e = why;
	return ret;
}
