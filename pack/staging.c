/* What is on its way to a release. */

#include "pack/staging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIR   LOCK_STAGING "/"
#define SMALL ".new"
#define PART  ".part"

/* Of a name in a folder, as all file systems take it. What is longer is not
 * ours. */
#define NAME_LEN 255

void
staging_small(char out[STORE_PATH], const char *file, const struct lock *l)
{
	snprintf(out, STORE_PATH, DIR "%s" SMALL "-%s", file, l->run);
}

void
staging_part(char out[STORE_PATH], const char *part, const struct lock *l)
{
	snprintf(out, STORE_PATH, DIR "%s-%s", part, l->run);
}

void
staging_rest(char out[STORE_PATH], const char *part)
{
	snprintf(out, STORE_PATH, DIR "%s", part);
}

/* --- remains ----------------------------------------------------------------
 */

struct sweep {
	const struct lock *lock;
	size_t n;
	struct store_step steps[STAGING_SWEEP];
	char from[STAGING_SWEEP][STORE_PATH], to[STAGING_SWEEP][STORE_PATH];
};

static int
ends_with(const char *name, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && memcmp(name + len - n, end, n) == 0;
}

/* How long a name is without "-RUN"; 0: it has none, or ours. */
static size_t
before_run(const char *name, const struct lock *l)
{
	size_t len = strlen(name), front;

	if (len > NAME_LEN || len <= LOCK_RUN + 1)
		return 0;
	front = len - LOCK_RUN - 1;
	if (name[front] != '-' ||
	    strspn(name + front + 1, "0123456789abcdef") != LOCK_RUN ||
	    strcmp(name + front + 1, l->run) == 0)
		return 0;
	return front;
}

/* Names come from a server: only what has the form of ours, which leads
 * nowhere else, is used as one. */
static int
is_plain(const char *name)
{
	static const char of_words[] = "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789._+-";

	return name[0] != '.' && name[strspn(name, of_words)] == '\0';
}

static int
on_name(void *arg, const char *name)
{
	struct sweep *s = arg;
	struct store_step *step = &s->steps[s->n];
	size_t len = before_run(name, s->lock);
	int is_part;

	if (len == 0 || !is_plain(name))
		return 0;
	is_part = ends_with(name, len, PART);
	if (!is_part && !ends_with(name, len, SMALL))
		return 0;
	snprintf(s->from[s->n], STORE_PATH, DIR "%s", name);
	step->verb = STORE_DELETE;
	step->path = s->from[s->n];
	if (is_part && s->lock->before == LOCK_GONE) {
		snprintf(s->to[s->n], STORE_PATH, DIR "%.*s", (int)len, name);
		step->verb = STORE_RENAME;
		step->to = s->to[s->n];
		step->replace = 1;
	}
	return ++s->n == STAGING_SWEEP;
}

int
staging_sweep(struct store *s, const struct lock *l, struct err *e)
{
	struct sweep *w = calloc(1, sizeof *w);
	int ret = -1;

	if (w == NULL)
		return err_set(e, ERR_LOCAL, "out of memory");
	w->lock = l;
	if (store_names(s, LOCK_STAGING, on_name, w, e) >= 0 &&
	    (w->n == 0 || store_run(s, w->steps, w->n, e) == 0))
		ret = 0;
	free(w);
	return ret;
}
