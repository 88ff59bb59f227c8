/* Many files against their MD5, as fast as the machine goes. */

#include "pack/sumcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"
#include "crypto/md5_lanes.h"

/* Read at a time. All lanes of two threads together are about what a cache of
 * the second level holds. */
#define READ_SIZE ((size_t)32 * 1024)
#define ROOM      (READ_SIZE + MD5_BLOCK) /* and MD5_PAD_MAX fits, see fill */

/* More of them wait for the disk or for memory, not for the processor. */
#define THREADS_MAX 8

#define COMPONENT_MAX 255 /* bytes of one name in a path */

/* One file that is under way. */
struct lane {
	int fd; /* -1: read to its end, or none */
	int busy;
	size_t index;
	uint64_t size; /* when it was opened */
	uint64_t len;  /* read so far */
	uint8_t *bytes;
	size_t at, end; /* the blocks that are to be hashed */
};

enum { UNKNOWN, KNOWN, ABANDONED };

struct outcome {
	unsigned char state;
	unsigned char result; /* enum sum_result */
	int errnum;
};

struct run {
	const struct sumcheck_spec *spec;
	enum md5_kernel kernel;
	unsigned worth;
	unsigned lanes;       /* of a thread */
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;  /* an outcome came */
	size_t next;          /* entry to be taken */
	struct outcome *outcomes;
	/* the calling thread's alone */
	size_t told;
};

struct worker {
	struct run *run;
	pthread_t thread;
	struct lane lane[MD5_LANES];
	struct md5_lanes md5;
	uint8_t *bytes; /* ROOM of each lane */
};

static int
is_stopped(const struct run *r)
{
	return r->spec->stop != NULL && *r->spec->stop;
}

/* --- files ---------------------------------------------------------------- */

/* Never hangs on a FIFO, and takes no terminal. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* Folder by folder, so that no link is followed anywhere. */
static int
open_plain(int dir_fd, const char *name)
{
	char part[COMPONENT_MAX + 1];
	int dir = dir_fd, fd = -1, next, kept;
	size_t len;

	for (;;) {
		len = strcspn(name, "/");
		if (len > COMPONENT_MAX) {
			errno = ENAMETOOLONG;
			break;
		}
		memcpy(part, name, len);
		part[len] = '\0';
		if (name[len] == '\0') {
			fd = openat(dir, part, OPEN_FLAGS | O_NOFOLLOW);
			break;
		}
		next = openat(dir, len > 0 ? part : "/",
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		kept = errno;
		if (dir != dir_fd)
			close(dir);
		errno = kept;
		dir = next;
		if (dir < 0)
			return -1;
		name += len + strspn(name + len, "/");
	}
	kept = errno;
	if (dir != dir_fd)
		close(dir);
	errno = kept;
	return fd;
}

/* 0, or why not. */
static int
lane_open(struct lane *l, const struct sumcheck_spec *s, int *errnum)
{
	const char *name = s->entries[l->index].name;
	struct stat st;

	*errnum = 0;
	l->fd = s->follow ? openat(s->dir_fd, name, OPEN_FLAGS)
			  : open_plain(s->dir_fd, name);
	if (l->fd < 0 || fstat(l->fd, &st) != 0) {
		*errnum = errno;
		return -1;
	}
	if (!S_ISREG(st.st_mode))
		return -1;
	l->size = (uint64_t)st.st_size;
	l->len = 0;
	l->at = l->end = 0;
	return 0;
}

static void
lane_close(struct lane *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/*
 * As much as there is room for, and the padding behind the last of it: whole
 * blocks in any case. The room is a multiple of a block, so that up to 63
 * bytes and the padding come to a block more than was read. 0, or -1 with
 * errno.
 */
static int
lane_fill(struct lane *l)
{
	size_t have = 0;
	ssize_t n;

	while (have < READ_SIZE) {
		n = read(l->fd, l->bytes + have, READ_SIZE - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		have += (size_t)n;
		l->len += (uint64_t)n;
		/* That its end would be told is not worth a call for each
		 * small file; one without a size may have an end anywhere. */
		if (n == 0 || (l->len == l->size && have < READ_SIZE)) {
			have += md5_pad(l->bytes + have, l->len);
			lane_close(l);
			break;
		}
	}
	l->at = 0;
	l->end = have;
	return 0;
}

/* --- outcomes ------------------------------------------------------------- */

static void
settle(struct run *r, size_t index, enum sum_result result, int errnum)
{
	pthread_mutex_lock(&r->lock);
	r->outcomes[index].state = KNOWN;
	r->outcomes[index].result = (unsigned char)result;
	r->outcomes[index].errnum = errnum;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

/* It was taken and is given up: nobody shall wait for it. */
static void
abandon(struct run *r, size_t index)
{
	pthread_mutex_lock(&r->lock);
	r->outcomes[index].state = ABANDONED;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

/* The next entry: 1; 0: no more. */
static int
take(struct run *r, size_t *index)
{
	int any;

	pthread_mutex_lock(&r->lock);
	any = r->next < r->spec->n && !is_stopped(r);
	if (any)
		*index = r->next++;
	pthread_mutex_unlock(&r->lock);
	return any;
}

/* What is known, in order; wait: and what is under way. */
static void
tell(struct run *r, int wait)
{
	struct outcome o;

	while (r->told < r->spec->n && !is_stopped(r)) {
		pthread_mutex_lock(&r->lock);
		while (wait && r->told < r->next &&
		       r->outcomes[r->told].state == UNKNOWN)
			pthread_cond_wait(&r->more, &r->lock);
		o = r->outcomes[r->told];
		pthread_mutex_unlock(&r->lock);
		if (o.state != KNOWN)
			break;
		r->spec->each(r->spec->arg, r->told, o.result, o.errnum);
		r->told++;
	}
}

/* --- a thread ------------------------------------------------------------- */

/* Files until one has blocks to hash; 0: there are no more. */
static int
lane_ready(struct worker *w, unsigned k)
{
	struct run *r = w->run;
	struct lane *l = &w->lane[k];
	uint8_t md5[MD5_SIZE];
	int errnum;

	while (l->at == l->end) {
		if (l->busy && l->fd < 0) {
			const struct sumcheck_entry *entry =
			    &r->spec->entries[l->index];

			md5_lanes_digest(md5, &w->md5, k);
			settle(r, l->index,
			    memcmp(md5, entry->md5, sizeof md5) == 0
				? SUM_OK
				: SUM_FAILED,
			    0);
			l->busy = 0;
		}
		if (!l->busy) {
			if (!take(r, &l->index))
				return 0;
			l->busy = 1;
			if (lane_open(l, r->spec, &errnum) != 0)
				goto missing;
			md5_lanes_start(&w->md5, k);
		}
		if (lane_fill(l) == 0)
			continue;
		errnum = errno;
	missing:
		lane_close(l);
		settle(r, l->index, SUM_MISSING, errnum);
		l->busy = 0;
		l->at = l->end = 0;
	}
	return 1;
}

/* Lanes without a file hash what the last one with one does. */
static void
hash(struct worker *w, const unsigned char ready[MD5_LANES], unsigned live,
    size_t least)
{
	const uint8_t *p[MD5_LANES];
	const uint8_t *some = NULL;
	struct lane *l;
	unsigned k;

	for (k = 0; k < w->run->lanes; k++) {
		l = &w->lane[k];
		if (!ready[k])
			continue;
		some = l->bytes + l->at;
		if (live < w->run->worth) {
			md5_lanes_one(&w->md5, k, some,
			    (l->end - l->at) / MD5_BLOCK);
			l->at = l->end;
		}
	}
	if (live < w->run->worth)
		return;
	for (k = 0; k < MD5_LANES; k++) {
		p[k] = some;
		if (k < w->run->lanes && ready[k]) {
			p[k] = w->lane[k].bytes + w->lane[k].at;
			w->lane[k].at += least;
		}
	}
	md5_lanes_blocks(&w->md5, w->run->kernel, p, least / MD5_BLOCK);
}

static void
work(struct worker *w, int tells)
{
	unsigned char ready[MD5_LANES];
	unsigned k, live;
	size_t least;

	do {
		live = 0;
		least = ROOM;
		for (k = 0; k < w->run->lanes; k++) {
			const struct lane *l = &w->lane[k];

			ready[k] = lane_ready(w, k) != 0;
			if (!ready[k])
				continue;
			live++;
			if (l->end - l->at < least)
				least = l->end - l->at;
		}
		if (live > 0)
			hash(w, ready, live, least);
		if (tells)
			tell(w->run, 0);
	} while (live > 0 && !is_stopped(w->run));
	for (k = 0; k < w->run->lanes; k++) {
		lane_close(&w->lane[k]);
		if (w->lane[k].busy)
			abandon(w->run, w->lane[k].index);
	}
}

static void *
thread_main(void *arg)
{
	work(arg, 0);
	return NULL;
}

static int
worker_init(struct worker *w, struct run *r)
{
	unsigned k;

	w->run = r;
	w->bytes = malloc(r->lanes * ROOM);
	if (w->bytes == NULL)
		return -1;
	memset(&w->md5, 0, sizeof w->md5);
	for (k = 0; k < MD5_LANES; k++) {
		memset(&w->lane[k], 0, sizeof w->lane[k]);
		w->lane[k].fd = -1;
		if (k < r->lanes)
			w->lane[k].bytes = w->bytes + k * ROOM;
	}
	return 0;
}

static unsigned
count_threads(const struct sumcheck_spec *s)
{
	long n = s->threads;

	if (n == 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n > THREADS_MAX)
		n = THREADS_MAX;
	if (n > 1 && (size_t)n > s->n)
		n = (long)s->n;
	return n > 0 ? (unsigned)n : 1;
}

/* Threads that were started, in front of w; fewer is slower, no more. */
static unsigned
start(struct worker *w, unsigned n, struct run *r)
{
	unsigned started = 0;

	while (started < n && worker_init(&w[started], r) == 0) {
		if (thread_start(&w[started].thread, thread_main,
			&w[started]) != 0) {
			free(w[started].bytes);
			break;
		}
		started++;
	}
	return started;
}

int
sumcheck_run(const struct sumcheck_spec *s, struct err *e)
{
	struct run r = {.spec = s};
	struct worker *w = NULL;
	unsigned threads = count_threads(s), started, k;
	size_t share = (s->n + threads - 1) / threads;
	int ret = -1;

	if (s->n == 0)
		return 0;
	r.kernel = md5_kernel_best();
	r.worth = md5_kernel_worth(r.kernel);
	/* A few large files are for all threads, not for the first. */
	r.lanes = share < MD5_LANES ? (unsigned)share : MD5_LANES;
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.more, NULL);
	r.outcomes = calloc(s->n, sizeof *r.outcomes);
	w = calloc(threads, sizeof *w);
	if (r.outcomes == NULL || w == NULL || worker_init(&w[0], &r) != 0) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	started = start(w + 1, threads - 1, &r);
	work(&w[0], 1);
	free(w[0].bytes);
	tell(&r, 1);
	for (k = 1; k <= started; k++) {
		pthread_join(w[k].thread, NULL);
		free(w[k].bytes);
	}
	ret = r.told < s->n;
out:
	free(w);
	free(r.outcomes);
	pthread_cond_destroy(&r.more);
	pthread_mutex_destroy(&r.lock);
	return ret;
}
