/* A folder on an FTP server that releases are published to. */

#include "pack/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/ftp.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define LEAVE_MS  2000 /* whoever pressed ^C waits for it */

/* However slowly bytes drip, at some time it is enough: what is small has a
 * minute, what is large a second more for so many bytes. */
#define STEPS_MAX   24 /* in one piece; more nobody here asks for */
#define SMALL_S     60
#define LOGIN_IDLES 4 /* a greeting and a login: so often silence's limit */
#define BYTES_PER_S 8192
#define DIGEST_S    3600 /* a server reads more than any package meanwhile */

/* A connection that is made by a thread. */
struct early {
	int has_thread;
	pthread_t thread;
	struct ftp_config config;
	volatile sig_atomic_t stop;
	struct ftp *ftp; /* NULL: err */
	struct err err;
	int64_t since_ns;
	pthread_mutex_t lock; /* of done */
	pthread_cond_t more;
	int done;
};

struct place {
	struct store_ftp_config config;
	struct early early;
	struct ftp *ftp; /* NULL: not connected */
	/* Connections there were. When the first broke, it may be that the
	 * server does not take it well to be hurried. */
	unsigned connections;
	size_t base_len;
	char base[FTP_PATH_MAX + 2]; /* with a '/' at its end, or "" */
};

/* What a server hears of nobody for a while it hangs up on; and one that was
 * not there may be by now. */
#define EARLY_FRESH_NS (10 * NS_PER_S)
#define EARLY_NAP_NS   (50 * NS_PER_MS) /* how soon a stop is seen */

/* A path as the server is told it. 0, or -1 with err. */
static int
full(const struct place *p, char out[FTP_PATH_MAX + 1], const char *path,
    struct err *e)
{
	int n = snprintf(out, FTP_PATH_MAX + 1, "%s%s", p->base, path);

	if (n >= 0 && n <= FTP_PATH_MAX)
		return 0;
	return err_set(e, ERR_USAGE, "%s: too long a path", path);
}

/* Is there a connection, and how long may what follows take? */
static int
prepare(struct place *p, uint64_t len, struct err *e)
{
	int64_t end = clock_mono_ns() +
		      (SMALL_S + (int64_t)(len / BYTES_PER_S)) * NS_PER_S;

	if (p->ftp == NULL)
		return err_set(e, ERR_PEER, "the connection is broken");
	if (p->config.deadline_ns != 0 && p->config.deadline_ns < end)
		end = p->config.deadline_ns;
	ftp_set_deadline(p->ftp, end);
	return 0;
}

/* A connection over which nothing can be asked any more is worth a new one,
 * unless the disk or the limit of bytes has ended it. */
static int
judge(const struct place *p, int ret, struct err *e)
{
	if (ret < 0 && ftp_is_broken(p->ftp) && e->kind != ERR_LOCAL &&
	    e->kind != ERR_NO)
		e->kind = ERR_PEER;
	return ret;
}

/* A server that drips is never silent. */
static int64_t
login_deadline(const struct place *p)
{
	int64_t idle_ms =
	    p->config.idle_ms > 0 ? p->config.idle_ms : FTP_IDLE_MS;
	int64_t end = clock_mono_ns() + LOGIN_IDLES * idle_ms * NS_PER_MS;

	if (p->config.deadline_ns != 0 && p->config.deadline_ns < end)
		end = p->config.deadline_ns;
	return end;
}

static struct ftp_config
config_of(const struct place *p)
{
	const struct ftp_config c = {.url = p->config.url,
	    .user = p->config.user,
	    .password = p->config.password,
	    .idle_ms = p->config.idle_ms,
	    .deadline_ns = login_deadline(p),
	    .trace = p->config.trace,
	    .arg = p->config.arg,
	    .stop = p->config.stop};

	return c;
}

/* --- connecting early --------------------------------------------------------
 */

static void *
run_early(void *arg)
{
	struct early *y = arg;

	y->ftp = ftp_open(&y->config, &y->err);
	y->since_ns = clock_mono_ns();
	pthread_mutex_lock(&y->lock);
	y->done = 1;
	pthread_cond_signal(&y->more);
	pthread_mutex_unlock(&y->lock);
	return NULL;
}

static void
ftp_store_begin(void *impl)
{
	struct place *p = impl;
	struct early *y = &p->early;

	if (p->config.trace != NULL || p->ftp != NULL || y->has_thread)
		return;
	y->config = config_of(p);
	y->config.stop = &y->stop;
	y->stop = 0;
	y->done = 0;
	y->has_thread = thread_start(&y->thread, run_early, y) == 0;
}

/* 1 when the thread has ended or is about to. */
static int
wait_a_little(struct early *y)
{
	struct timespec until;
	int done;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += EARLY_NAP_NS;
	until.tv_sec += until.tv_nsec / NS_PER_S;
	until.tv_nsec %= NS_PER_S;
	pthread_mutex_lock(&y->lock);
	if (!y->done)
		pthread_cond_timedwait(&y->more, &y->lock, &until);
	done = y->done;
	pthread_mutex_unlock(&y->lock);
	return done;
}

/* Whoever stops us stops the thread. 1 when there is a word of it, which is in
 * early; 0: connect now. */
static int
end_early(struct place *p, int stop)
{
	struct early *y = &p->early;

	if (!y->has_thread)
		return 0;
	y->stop = stop;
	while (!y->stop && p->config.stop != NULL && !wait_a_little(y))
		y->stop = *p->config.stop;
	pthread_join(y->thread, NULL);
	y->has_thread = 0;
	if (clock_mono_ns() - y->since_ns < EARLY_FRESH_NS)
		return 1;
	ftp_close(y->ftp);
	y->ftp = NULL;
	return 0;
}

static int
ftp_reopen(void *impl, struct err *e)
{
	struct place *p = impl;
	const struct ftp_config c = config_of(p);

	ftp_close(p->ftp);
	if (end_early(p, 0)) {
		p->ftp = p->early.ftp;
		p->early.ftp = NULL;
		if (p->ftp != NULL)
			ftp_set_stop(p->ftp, p->config.stop);
		else
			*e = p->early.err;
	} else {
		p->ftp = ftp_open(&c, e);
	}
	if (p->ftp == NULL)
		return -1;
	p->connections++;
	return 0;
}

/* --- steps ------------------------------------------------------------------
 */

static enum ftp_verb
verb_of(enum store_verb v)
{
	switch (v) {
	case STORE_MKDIR:
		return FTP_MKD;
	case STORE_RMDIR:
		return FTP_RMD;
	case STORE_DELETE:
		return FTP_DELE;
	case STORE_RENAME:
		return FTP_RENAME;
	case STORE_EXISTS:
		return FTP_EXISTS;
	case STORE_SIZE:
		break;
	}
	return FTP_SIZE;
}

/* A server that renames to no name that is taken: the file there goes first.
 */
static int
replace(struct place *p, struct ftp_step *rename, struct err *e)
{
	struct ftp_step delete = {.verb = FTP_DELE, .path = rename->to};
	struct err why = rename->why;

	if (ftp_steps(p->ftp, &delete, 1, e) != 0)
		return -1;
	if (delete.result == 0)
		return ftp_steps(p->ftp, rename, 1, e);
	rename->why = why;
	return 0;
}

struct job {
	struct ftp_step steps[STEPS_MAX];
	char paths[2 * STEPS_MAX][FTP_PATH_MAX + 1];
};

static int
run(struct place *p, struct job *j, struct store_step *steps, size_t n,
    struct err *e)
{
	char(*path)[FTP_PATH_MAX + 1] = j->paths;
	size_t i;

	for (i = 0; i < n; i++, path += 2) {
		j->steps[i].verb = verb_of(steps[i].verb);
		j->steps[i].path = path[0];
		if (full(p, path[0], steps[i].path, e) != 0)
			return -1;
		if (steps[i].to == NULL)
			continue;
		j->steps[i].to = path[1];
		if (full(p, path[1], steps[i].to, e) != 0)
			return -1;
	}
	if (ftp_steps(p->ftp, j->steps, n, e) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (steps[i].replace && j->steps[i].result < 0 &&
		    replace(p, &j->steps[i], e) != 0)
			return -1;
		steps[i].result = j->steps[i].result;
		steps[i].size = j->steps[i].size;
		steps[i].why = j->steps[i].why;
	}
	return 0;
}

static int
ftp_run(void *impl, struct store_step *steps, size_t n, struct err *e)
{
	struct place *p = impl;
	struct job *j;
	int ret;

	if (prepare(p, 0, e) != 0)
		return -1;
	if (n > STEPS_MAX)
		return err_set(e, ERR_USAGE, "too many steps");
	j = calloc(1, sizeof *j);
	if (j == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	ret = judge(p, run(p, j, steps, n, e), e);
	free(j);
	return ret;
}

static int
ftp_make_base(void *impl, struct err *e)
{
	struct place *p = impl;
	char path[FTP_PATH_MAX + 1];
	struct ftp_step step = {.verb = FTP_MKD, .path = path};
	size_t i;

	if (prepare(p, 0, e) != 0)
		return -1;
	for (i = 1; i < p->base_len; i++) {
		if (p->base[i] != '/')
			continue;
		memcpy(path, p->base, i);
		path[i] = '\0';
		if (ftp_steps(p->ftp, &step, 1, e) != 0)
			return judge(p, -1, e);
	}
	return 0;
}

/* --- bytes ------------------------------------------------------------------
 */

static int
ftp_store_put(void *impl, const char *path, uint64_t from, int fd, uint64_t len,
    int (*moved)(void *arg, uint64_t so_far, struct err *e), void *arg,
    struct err *e)
{
	struct place *p = impl;
	char name[FTP_PATH_MAX + 1];
	int ret;

	if (prepare(p, len - from, e) != 0 || full(p, name, path, e) != 0)
		return -1;
	ret = judge(p, ftp_put(p->ftp, name, from, fd, len, moved, arg, e), e);
	/* "Local error in processing": what it got it could not write, for
	 * which there is one reason, though not all servers put it so. */
	if (ret < 0 && e->kind == ERR_PEER && ftp_code(p->ftp) == 451) {
		struct err why = *e;

		err_set(e, ERR_LOCAL, "%.400s: the server's disk may be full",
		    why.text);
	}
	return ret;
}

static int
ftp_store_get(void *impl, const char *path, uint64_t max,
    int (*sink)(void *arg, const void *bytes, size_t len, struct err *e),
    void *arg, struct err *e)
{
	struct place *p = impl;
	char name[FTP_PATH_MAX + 1];
	int ret;

	if (prepare(p, max, e) != 0 || full(p, name, path, e) != 0)
		return -1;
	ret = ftp_get(p->ftp, name, 0, max, sink, arg, e);
	if (ret < 0 && !ftp_is_broken(p->ftp) && e->kind == ERR_NO)
		return 1;
	return judge(p, ret, e);
}

struct seen {
	int (*each)(void *arg, const char *name);
	void *arg;
	int any;
};

static int
on_name(void *arg, const char *name)
{
	struct seen *s = arg;

	/* Some list the folder itself and the one above. */
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	s->any = 1;
	return s->each(s->arg, name);
}

static int
ftp_store_names(void *impl, const char *dir,
    int (*each)(void *arg, const char *name), void *arg, struct err *e)
{
	struct place *p = impl;
	struct seen s = {each, arg, 0};
	char name[FTP_PATH_MAX + 1];
	int ret;

	if (prepare(p, FTP_NAMES_MAX, e) != 0 || full(p, name, dir, e) != 0)
		return -1;
	ret = judge(p, ftp_names(p->ftp, name, on_name, &s, e), e);
	return ret < 0 ? -1 : !s.any;
}

static int
ftp_store_mtime(void *impl, const char *path, int64_t *us, struct err *e)
{
	struct place *p = impl;
	char name[FTP_PATH_MAX + 1];
	int ret;

	if (prepare(p, 0, e) != 0 || full(p, name, path, e) != 0)
		return -1;
	ret = ftp_mtime(p->ftp, name, us, e);
	/* That a folder has none is no reason to end. */
	if (ret < 0 && !ftp_is_broken(p->ftp))
		return 1;
	return judge(p, ret, e) < 0 ? -1 : ret != 0;
}

static int
ftp_store_md5(void *impl, const char *path, uint8_t md5[MD5_SIZE],
    struct err *e)
{
	struct place *p = impl;
	char name[FTP_PATH_MAX + 1];

	if (prepare(p, DIGEST_S * BYTES_PER_S, e) != 0 ||
	    full(p, name, path, e) != 0)
		return -1;
	return judge(p, ftp_md5(p->ftp, name, md5, e), e);
}

static void
ftp_store_expect(void *impl)
{
	struct place *p = impl;

	if (p->connections == 1 && p->ftp != NULL)
		ftp_expect(p->ftp);
}

static void
ftp_store_hurry(void *impl, uint64_t len)
{
	struct place *p = impl;

	if (p->connections == 1 && p->ftp != NULL)
		ftp_hurry(p->ftp, len);
}

static void
ftp_store_leave(void *impl)
{
	struct place *p = impl;

	p->config.stop = NULL;
	p->config.idle_ms = LEAVE_MS;
}

static void
ftp_store_close(void *impl)
{
	struct place *p = impl;

	end_early(p, 1);
	ftp_close(p->early.ftp);
	ftp_close(p->ftp);
	pthread_cond_destroy(&p->early.more);
	pthread_mutex_destroy(&p->early.lock);
	free(p);
}

struct store *
store_open_ftp(const struct store_ftp_config *c, struct err *e)
{
	static const struct store_ops ops = {ftp_reopen, ftp_store_begin,
	    ftp_run, ftp_make_base, ftp_store_put, ftp_store_get,
	    ftp_store_names, ftp_store_mtime, ftp_store_md5, ftp_store_expect,
	    ftp_store_hurry, ftp_store_leave, ftp_store_close};
	struct place *p = calloc(1, sizeof *p);
	const char *path = c->url->path;
	struct store *s;
	size_t len = strlen(path);

	if (p == NULL || (s = store_new(&ops, p)) == NULL) {
		free(p);
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	p->config = *c;
	pthread_mutex_init(&p->early.lock, NULL);
	pthread_cond_init(&p->early.more, NULL);
	p->base_len = (size_t)snprintf(p->base, sizeof p->base, "%s%s", path,
	    len > 0 && path[len - 1] != '/' ? "/" : "");
	return s;
}
