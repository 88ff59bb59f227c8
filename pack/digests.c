/* Two digests of one stream, at once. */

#include "pack/digests.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)
#define SLOTS 8 /* how far the threads and who feeds may be apart */
#define KINDS 2

struct digests {
	pthread_mutex_t lock;
	pthread_cond_t more, room;
	uint8_t *bytes; /* SLOTS pieces */
	size_t len[SLOTS];
	uint64_t filled;      /* pieces that were given to the threads */
	uint64_t done[KINDS]; /* pieces that each has worked off */
	size_t held;          /* bytes in the piece that is being filled */
	int ended;
	struct md5 md5;
	struct sha512 sha512;
	pthread_t threads[KINDS];
};

/* The next piece of this thread: its length, 0 at the end. */
static size_t
wait_for_piece(struct digests *d, int kind)
{
	size_t len = 0;

	pthread_mutex_lock(&d->lock);
	while (d->done[kind] == d->filled && !d->ended)
		pthread_cond_wait(&d->more, &d->lock);
	if (d->done[kind] < d->filled)
		len = d->len[d->done[kind] % SLOTS];
	pthread_mutex_unlock(&d->lock);
	return len;
}

static void
give_back(struct digests *d, int kind)
{
	pthread_mutex_lock(&d->lock);
	d->done[kind]++;
	pthread_cond_signal(&d->room);
	pthread_mutex_unlock(&d->lock);
}

static const uint8_t *
piece_of(const struct digests *d, uint64_t n)
{
	return d->bytes + n % SLOTS * PIECE;
}

static void *
run_md5(void *arg)
{
	struct digests *d = arg;
	size_t len;

	while ((len = wait_for_piece(d, 0)) > 0) {
		md5_update(&d->md5, piece_of(d, d->done[0]), len);
		give_back(d, 0);
	}
	return NULL;
}

static void *
run_sha512(void *arg)
{
	struct digests *d = arg;
	size_t len;

	while ((len = wait_for_piece(d, 1)) > 0) {
		sha512_update(&d->sha512, piece_of(d, d->done[1]), len);
		give_back(d, 1);
	}
	return NULL;
}

/* No more comes: wait for the first n threads. */
static void
join(struct digests *d, int n)
{
	int i;

	pthread_mutex_lock(&d->lock);
	d->ended = 1;
	pthread_cond_broadcast(&d->more);
	pthread_mutex_unlock(&d->lock);
	for (i = 0; i < n; i++)
		pthread_join(d->threads[i], NULL);
}

static void
free_all(struct digests *d)
{
	pthread_cond_destroy(&d->room);
	pthread_cond_destroy(&d->more);
	pthread_mutex_destroy(&d->lock);
	free(d->bytes);
	free(d);
}

/* Signals are the business of who called: the threads take none. */
static int
start_threads(struct digests *d)
{
	static void *(*const runs[KINDS])(void *) = {run_md5, run_sha512};
	sigset_t all, before;
	int n = 0, bad = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (n < KINDS && bad == 0) {
		bad = pthread_create(&d->threads[n], NULL, runs[n], d);
		n += bad == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (bad != 0)
		join(d, n);
	errno = bad;
	return bad == 0 ? 0 : -1;
}

struct digests *
digests_start(struct err *e)
{
	struct digests *d = calloc(1, sizeof *d);

	if (d == NULL || (d->bytes = malloc(SLOTS * PIECE)) == NULL) {
		free(d);
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	md5_init(&d->md5);
	sha512_init(&d->sha512);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->more, NULL);
	pthread_cond_init(&d->room, NULL);
	if (start_threads(d) == 0)
		return d;
	err_errno(e, ERR_LOCAL, "a thread");
	free_all(d);
	return NULL;
}

/* The piece is full, or the last one: the threads may have it. */
static void
hand_over(struct digests *d)
{
	pthread_mutex_lock(&d->lock);
	d->len[d->filled % SLOTS] = d->held;
	d->filled++;
	pthread_cond_broadcast(&d->more);
	while (d->filled - d->done[0] == SLOTS ||
	       d->filled - d->done[1] == SLOTS)
		pthread_cond_wait(&d->room, &d->lock);
	pthread_mutex_unlock(&d->lock);
	d->held = 0;
}

void
digests_feed(struct digests *d, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	size_t n;

	while (len > 0) {
		n = PIECE - d->held < len ? PIECE - d->held : len;
		memcpy(d->bytes + d->filled % SLOTS * PIECE + d->held, from, n);
		d->held += n;
		from += n;
		len -= n;
		if (d->held == PIECE)
			hand_over(d);
	}
}

void
digests_end(struct digests *d, uint8_t md5[MD5_SIZE],
    uint8_t sha512[SHA512_SIZE])
{
	if (d->held > 0)
		hand_over(d);
	join(d, KINDS);
	md5_final(md5, &d->md5);
	sha512_final(sha512, &d->sha512);
	free_all(d);
}

int
digests_file(int fd, uint64_t len, uint8_t md5[MD5_SIZE],
    uint8_t sha512[SHA512_SIZE], struct err *e)
{
	struct digests *d = digests_start(e);
	uint8_t *piece;
	uint64_t at = 0;
	int ret = -1;
	ssize_t n;

	if (d == NULL)
		return -1;
	piece = malloc(PIECE);
	if (piece == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		goto out;
	}
	while (at < len) {
		n = pread(fd, piece, len - at < PIECE ? len - at : PIECE,
		    (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(e, ERR_LOCAL, "reading");
			goto out;
		}
		if (n == 0) {
			err_set(e, ERR_LOCAL, "it became shorter meanwhile");
			goto out;
		}
		digests_feed(d, piece, (size_t)n);
		at += (uint64_t)n;
	}
	ret = 0;
out:
	digests_end(d, md5, sha512);
	free(piece);
	return ret;
}
