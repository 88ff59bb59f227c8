/* Small files in memory. */

#include "pack/kept.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"
#include "crypto/md5_many.h"
#include "pack/dirs.h"
#include "pack/tree.h"

/* Of the size that a few large or many small files fill. */
#define BLOCK ((size_t)1 << 20)

/* What a thread takes at a time: enough for all lanes of MD5, and few enough
 * bytes that they are still near when they are digested. */
#define SHARE_FILES 128
#define SHARE_BYTES ((uint64_t)1 << 20)

struct kept_block {
	struct kept_block *next;
	uint8_t bytes[BLOCK];
};

uint8_t *
kept_room(struct kept *k, uint64_t len)
{
	struct kept_block *b;
	size_t want;

	if (len > KEPT_FILE_MAX)
		return NULL;
	want = (size_t)len + MD5_PAD_MAX;
	if (want > KEPT_MAX - k->used)
		return NULL;
	if (want > k->left) {
		b = malloc(sizeof *b);
		if (b == NULL)
			return NULL;
		b->next = k->blocks;
		k->blocks = b;
		k->left = BLOCK;
	}
	k->left -= want;
	k->used += want;
	return k->blocks->bytes + k->left;
}

void
kept_free(struct kept *k)
{
	struct kept_block *b;

	while ((b = k->blocks) != NULL) {
		k->blocks = b->next;
		free(b);
	}
	free(k->bytes);
	k->bytes = NULL;
	k->left = k->used = 0;
}

/* --- reading ---------------------------------------------------------------
 */

/* What both threads do together. */
struct reading {
	struct kept *kept;
	struct entries *all;
	int root;
	pthread_mutex_t lock; /* of all below */
	size_t next;          /* nobody has taken this one yet */
	uint64_t came;        /* bytes that were not told yet */
	size_t failed;        /* the first that did; all->n: none */
	int error;            /* its errno */
};

/* The whole of it at once, into room for a byte more: 0, or an errno. */
static int
read_whole(struct dirs *dirs, const struct entry *it, uint8_t *room)
{
	const size_t len = (size_t)it->len;
	struct stat st;
	size_t got = 0;
	ssize_t n = 1;
	int error = 0;
	int fd = dirs_open(dirs, it->name, &st);

	if (fd < 0)
		return errno == EINVAL || errno == ELOOP || errno == ENOENT
			   ? ESTALE
			   : errno;
	/* One byte more than there should be, to see the end. */
	while (n != 0 && got < len) {
		n = read(fd, room + got, len + 1 - got);
		if (n < 0 && errno != EINTR) {
			error = errno;
			goto out;
		}
		got += n > 0 ? (size_t)n : 0;
	}
	if (got != len || fstat(fd, &st) != 0 || !tree_is_as_seen(it, &st))
		error = ESTALE;
out:
	close(fd);
	return error;
}

/* Take the next share: the first of it, and *end behind its last; *end is
 * the same where there is no more to do. */
static size_t
take(struct reading *r, size_t *end)
{
	uint64_t bytes = 0;
	size_t first, i;

	pthread_mutex_lock(&r->lock);
	if (r->error != 0)
		r->next = r->all->n;
	first = i = r->next;
	for (; i < r->all->n && i - first < SHARE_FILES && bytes < SHARE_BYTES;
	     i++)
		if (r->kept->bytes[i] != NULL)
			bytes += r->all->items[i].len;
	*end = r->next = i;
	pthread_mutex_unlock(&r->lock);
	return first;
}

/* Shares are taken in their order: so whatever comes before the first file that
 * failed was read. */
static void
give_back(struct reading *r, uint64_t came, size_t at, int error)
{
	pthread_mutex_lock(&r->lock);
	r->came += came;
	if (error != 0 && at < r->failed) {
		r->failed = at;
		r->error = error;
	}
	pthread_mutex_unlock(&r->lock);
}

static void
read_share(struct reading *r, struct dirs *dirs, size_t i, size_t end)
{
	struct md5_message messages[SHARE_FILES];
	size_t len, n = 0;
	uint64_t came = 0;
	struct entry *it;
	int error = 0;

	for (; i < end; i++) {
		if (r->kept->bytes[i] == NULL)
			continue;
		it = &r->all->items[i];
		error = read_whole(dirs, it, r->kept->bytes[i]);
		if (error != 0)
			break;
		len = (size_t)it->len;
		came += len;
		len += md5_pad(r->kept->bytes[i] + len, len);
		messages[n].bytes = r->kept->bytes[i];
		messages[n].blocks = len / MD5_BLOCK;
		messages[n++].md5 = it->md5;
	}
	if (n > 0)
		md5_many(messages, n);
	give_back(r, came, i, error);
}

static void
tell(struct reading *r, void (*moved)(void *arg, uint64_t more), void *arg)
{
	uint64_t came;

	pthread_mutex_lock(&r->lock);
	came = r->came;
	r->came = 0;
	pthread_mutex_unlock(&r->lock);
	if (came > 0 && moved != NULL)
		moved(arg, came);
}

static void *
help(void *arg)
{
	struct reading *r = arg;
	struct dirs dirs;
	size_t i, end;

	dirs_init(&dirs, r->root);
	while ((i = take(r, &end)) < end)
		read_share(r, &dirs, i, end);
	dirs_end(&dirs);
	return NULL;
}

static int
make_rooms(struct kept *k, const struct entries *all)
{
	size_t i;

	k->bytes = calloc(all->n + 1, sizeof *k->bytes);
	if (k->bytes == NULL)
		return -1;
	for (i = 0; i < all->n; i++)
		if (!entry_is_folder(&all->items[i]))
			k->bytes[i] = kept_room(k, all->items[i].len);
	return 0;
}

int
kept_read(struct kept *k, int root, struct entries *all,
    void (*moved)(void *arg, uint64_t more), void *arg, size_t *failed)
{
	struct reading r = {
	    .kept = k, .all = all, .root = root, .failed = all->n};
	struct dirs dirs;
	pthread_t helper;
	int has_helper;
	size_t i, end;

	*failed = all->n;
	if (make_rooms(k, all) != 0) {
		errno = ENOMEM;
		return -1;
	}
	pthread_mutex_init(&r.lock, NULL);
	dirs_init(&dirs, root);
	/* What is one share is done before a thread has begun. */
	has_helper =
	    all->n > SHARE_FILES && thread_start(&helper, help, &r) == 0;
	while ((i = take(&r, &end)) < end) {
		read_share(&r, &dirs, i, end);
		tell(&r, moved, arg);
	}
	if (has_helper)
		pthread_join(helper, NULL);
	tell(&r, moved, arg);
	dirs_end(&dirs);
	pthread_mutex_destroy(&r.lock);
	*failed = r.failed;
	errno = r.error;
	return r.error == 0 ? 0 : -1;
}
