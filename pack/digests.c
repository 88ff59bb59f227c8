/* What is worked out of one stream, at once. */

#include "pack/digests.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define SLOTS 8 /* how far the works and who brings the bytes may be apart */

struct worker {
	struct digests *digests;
	struct digests_work work;
	struct sha512 *second; /* done with the work's own; or NULL */
	uint64_t done;         /* pieces that were worked off */
	pthread_t thread;
};

struct digests {
	pthread_mutex_t lock; /* of given, ended, len and each done */
	pthread_cond_t more, room;
	uint8_t *bytes; /* SLOTS pieces */
	size_t len[SLOTS];
	uint64_t given; /* pieces */
	int ended;
	size_t held; /* bytes that digests_feed has put into the room */
	/* Those in front have a thread, the others are done by who gives. */
	struct worker workers[DIGESTS_WORKS];
	size_t n, nthreads;
};

void
digests_md5(void *arg, const void *bytes, size_t len)
{
	md5_update(arg, bytes, len);
}

void
digests_sha512(void *arg, const void *bytes, size_t len)
{
	sha512_update(arg, bytes, len);
}

static void
do_work(const struct worker *w, const uint8_t *piece, size_t len)
{
	if (w->second != NULL)
		sha512_update_pair(w->work.arg, w->second, piece, len);
	else
		w->work.update(w->work.arg, piece, len);
}

static uint8_t *
piece_of(const struct digests *d, uint64_t n)
{
	return d->bytes + n % SLOTS * DIGESTS_PIECE;
}

static void *
run(void *arg)
{
	struct worker *w = arg;
	struct digests *d = w->digests;
	const uint8_t *piece;
	size_t len;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (w->done == d->given && !d->ended)
			pthread_cond_wait(&d->more, &d->lock);
		if (w->done == d->given)
			break;
		piece = piece_of(d, w->done);
		len = d->len[w->done % SLOTS];
		pthread_mutex_unlock(&d->lock);
		do_work(w, piece, len);
		pthread_mutex_lock(&d->lock);
		w->done++;
		pthread_cond_signal(&d->room);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

static void
start_threads(struct digests *d)
{
	struct worker *w;

	for (; d->nthreads < d->n; d->nthreads++) {
		w = &d->workers[d->nthreads];
		if (thread_start(&w->thread, run, w) != 0)
			break;
	}
}

/* One more work, or the other half of one. */
static void
add_work(struct digests *d, const struct digests_work *work)
{
	struct worker *w;
	size_t i;

	for (i = 0; i < d->n; i++) {
		w = &d->workers[i];
		if (work->update == digests_sha512 &&
		    w->work.update == digests_sha512 && w->second == NULL &&
		    sha512_pair_gains()) {
			w->second = work->arg;
			return;
		}
	}
	w = &d->workers[d->n++];
	w->digests = d;
	w->work = *work;
}

struct digests *
digests_start(const struct digests_work *works, size_t n, struct err *e)
{
	struct digests *d = calloc(1, sizeof *d);
	size_t i;

	if (d == NULL || (d->bytes = malloc(SLOTS * DIGESTS_PIECE)) == NULL) {
		free(d);
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	for (i = 0; i < n; i++)
		add_work(d, &works[i]);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->more, NULL);
	pthread_cond_init(&d->room, NULL);
	return d;
}

/* 1 when a thread has not worked off the piece that was in this room. */
static int
is_used(const struct digests *d)
{
	size_t i;

	for (i = 0; i < d->nthreads; i++)
		if (d->given - d->workers[i].done == SLOTS)
			return 1;
	return 0;
}

uint8_t *
digests_room(struct digests *d)
{
	pthread_mutex_lock(&d->lock);
	while (is_used(d))
		pthread_cond_wait(&d->room, &d->lock);
	pthread_mutex_unlock(&d->lock);
	return piece_of(d, d->given);
}

void
digests_give(struct digests *d, size_t len)
{
	const uint8_t *piece = piece_of(d, d->given);
	size_t i;

	/* What one piece holds is done before a thread has begun. */
	if (d->given == 0 && len == DIGESTS_PIECE)
		start_threads(d);
	pthread_mutex_lock(&d->lock);
	d->len[d->given % SLOTS] = len;
	d->given++;
	pthread_cond_broadcast(&d->more);
	pthread_mutex_unlock(&d->lock);
	for (i = d->nthreads; i < d->n; i++)
		do_work(&d->workers[i], piece, len);
}

void
digests_feed(struct digests *d, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	size_t n;

	while (len > 0) {
		n = DIGESTS_PIECE - d->held < len ? DIGESTS_PIECE - d->held
						  : len;
		memcpy(digests_room(d) + d->held, from, n);
		d->held += n;
		from += n;
		len -= n;
		if (d->held < DIGESTS_PIECE)
			continue;
		d->held = 0;
		digests_give(d, DIGESTS_PIECE);
	}
}

void
digests_wait(struct digests *d)
{
	if (d->held > 0)
		digests_give(d, d->held);
	d->held = 0;
	pthread_mutex_lock(&d->lock);
	d->ended = 1;
	pthread_cond_broadcast(&d->more);
	pthread_mutex_unlock(&d->lock);
	while (d->nthreads > 0)
		pthread_join(d->workers[--d->nthreads].thread, NULL);
}

void
digests_free(struct digests *d)
{
	if (d == NULL)
		return;
	digests_wait(d);
	pthread_cond_destroy(&d->room);
	pthread_cond_destroy(&d->more);
	pthread_mutex_destroy(&d->lock);
	free(d->bytes);
	free(d);
}
