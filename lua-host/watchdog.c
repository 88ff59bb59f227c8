/* A thread that speaks for one that stands still. */

#include "lua-host/watchdog.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/socket.h>

#include "base/clock.h"

#define SECOND_NS INT64_C(1000000000)

struct watchdog {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	int running; /* the thread was started */
	int ending;
	int armed, spoken;
	int fd;
	int64_t deadline_ns;
	void *bytes;
	size_t len;
};

struct watchdog *
watchdog_new(void)
{
	struct watchdog *w = calloc(1, sizeof *w);
	pthread_condattr_t attr;

	if (w == NULL)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->news, &attr);
	pthread_condattr_destroy(&attr);
	return w;
}

/* Everything below is done with the lock held, the sending too: whoever
 * disarms knows afterwards that nothing more is sent. */
static void *
watch(void *arg)
{
	struct watchdog *w = arg;
	struct timespec until;

	pthread_mutex_lock(&w->lock);
	while (!w->ending) {
		if (!w->armed || w->spoken) {
			pthread_cond_wait(&w->news, &w->lock);
			continue;
		}
		if (clock_mono_ns() < w->deadline_ns) {
			until.tv_sec = (time_t)(w->deadline_ns / SECOND_NS);
			until.tv_nsec = (long)(w->deadline_ns % SECOND_NS);
			pthread_cond_timedwait(&w->news, &w->lock, &until);
			continue;
		}
		w->spoken = 1;
		(void)send(w->fd, w->bytes, w->len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
watchdog_arm(struct watchdog *w, int fd, const void *bytes, size_t len,
    int64_t wall_ns)
{
	int ret = -1;
	void *copy = malloc(len);

	if (copy == NULL)
		return -1;
	memcpy(copy, bytes, len);
	pthread_mutex_lock(&w->lock);
	if (!w->running && pthread_create(&w->thread, NULL, watch, w) == 0)
		w->running = 1;
	if (w->running) {
		free(w->bytes);
		w->bytes = copy;
		copy = NULL;
		w->len = len;
		w->fd = fd;
		w->deadline_ns = clock_mono_ns() + wall_ns;
		w->armed = 1;
		w->spoken = 0;
		pthread_cond_signal(&w->news);
		ret = 0;
	}
	pthread_mutex_unlock(&w->lock);
	free(copy);
	return ret;
}

int
watchdog_disarm(struct watchdog *w)
{
	int spoken;

	pthread_mutex_lock(&w->lock);
	spoken = w->armed && w->spoken;
	w->armed = 0;
	pthread_mutex_unlock(&w->lock);
	return spoken;
}

void
watchdog_free(struct watchdog *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = 1;
	pthread_cond_signal(&w->news);
	pthread_mutex_unlock(&w->lock);
	if (w->running)
		pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->news);
	pthread_mutex_destroy(&w->lock);
	free(w->bytes);
	free(w);
}
