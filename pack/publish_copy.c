/* Bytes and names in a place, as often as a connection breaks. */

#include "pack/publish_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/same.h"
#include "pack/digests.h"

#define COMPARE_PIECE ((size_t)32 << 10) /* on the stack */

/* Between two tries. A server that restarts is back within a minute. */
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS   8000
#define NAP_MS           50 /* how soon a stop is seen */

void
publish_note(const struct publish *p, const char *text)
{
	if (p->config.note != NULL)
		p->config.note(p->config.arg, text);
}

/* --- again ------------------------------------------------------------------
 */

void
publish_rearm(struct publish *p)
{
	p->left = p->config.tries;
	p->backoff_ms = BACKOFF_FIRST_MS;
}

int
publish_is_stopped(const struct publish *p)
{
	return p->config.stop != NULL && *p->config.stop != 0;
}

static void
nap(const struct publish *p, int64_t ms)
{
	const struct timespec t = {0, NAP_MS * 1000000};

	if (p->config.pause != NULL) {
		p->config.pause(p->config.arg, ms);
		return;
	}
	for (; ms > 0 && !publish_is_stopped(p); ms -= NAP_MS)
		nanosleep(&t, NULL);
}

int
publish_again(struct publish *p, struct err *e)
{
	char text[ERR_TEXT + 64];
	struct err why;

	while (e->kind == ERR_PEER && p->left > 0 && !p->is_bad &&
	       !publish_is_stopped(p)) {
		p->left--;
		snprintf(text, sizeof text, "%s; again in %" PRId64 " ms",
		    e->text, p->backoff_ms);
		publish_note(p, text);
		nap(p, p->backoff_ms);
		if (publish_is_stopped(p))
			break;
		p->backoff_ms = 2 * p->backoff_ms < BACKOFF_MAX_MS
				    ? 2 * p->backoff_ms
				    : BACKOFF_MAX_MS;
		p->is_ours = 0;
		p->breaks++;
		if (store_reopen(p->config.store, &why) == 0)
			return 1;
		*e = why;
	}
	return 0;
}

int
publish_run(struct publish *p, struct store_step *steps, size_t n,
    struct err *e)
{
	while (store_run(p->config.store, steps, n, e) != 0)
		if (!publish_again(p, e))
			return -1;
	publish_rearm(p);
	return 0;
}

int
publish_run_one(struct publish *p, struct store_step *step, struct err *e)
{
	if (publish_run(p, step, 1, e) != 0)
		return -1;
	if (step->result < 0)
		*e = step->why;
	return step->result;
}

/* --- moving bytes ------------------------------------------------------------
 */

int
publish_ask(struct publish *p, int wait, struct err *e)
{
	struct publish_file *f = p->file;
	int ret;

	if (f == NULL || f->check == NULL)
		return 0;
	ret = f->check(f->arg, f, wait, e);
	if (ret <= 0)
		f->check = NULL;
	p->is_bad = ret < 0;
	return ret;
}

/* The first upto bytes of the package can be read: 0. -1 with err: it is bad.
 */
static int
await(struct publish *p, uint64_t upto, struct err *e)
{
	const struct publish_file *f = p->file;

	if (f != NULL && f->check != NULL && f->ready != NULL)
		f->ready(f->arg, upto < f->len ? upto : f->len);
	return publish_ask(p, 0, e) < 0 ? -1 : 0;
}

int
publish_fail_stopped(struct err *e)
{
	return err_set(e, ERR_PEER, "interrupted");
}

/* No more bytes of a package that is known to be bad, nor for who has been
 * stopped: a folder does not look for that. */
static int
on_moved(void *arg, uint64_t so_far, struct err *e)
{
	struct publish *p = arg;

	if (publish_is_stopped(p))
		return publish_fail_stopped(e);

	p->moved = so_far;
	if (p->config.progress != NULL)
		p->config.progress(p->config.arg, p->what, so_far, p->total);
	return await(p, so_far + STORE_AHEAD, e);
}

struct reading {
	struct publish *p;
	int fd; /* of the file it should be a copy of; -1: there is none */
	int differs;
	struct digests *digests;
	uint64_t so_far;
};

/* Are these the next bytes of the file? -1: it cannot be read. */
static int
is_next(const struct reading *r, const uint8_t *bytes, size_t len)
{
	uint8_t here[COMPARE_PIECE];
	uint64_t at = r->so_far;
	size_t want;
	ssize_t n;

	while (len > 0) {
		want = len < sizeof here ? len : sizeof here;
		n = pread(r->fd, here, want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0 || !same_bytes(here, bytes, (size_t)n))
			return 0;
		bytes += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 1;
}

static int
on_bytes(void *arg, const void *bytes, size_t len, struct err *e)
{
	struct reading *r = arg;
	int same = 1;

	/* What is there already may have come before ours is written. */
	if (await(r->p, r->so_far + len, e) != 0)
		return -1;
	if (r->fd >= 0 && !r->differs)
		same = is_next(r, bytes, len);
	if (same < 0)
		return err_errno(e, ERR_LOCAL, "reading the package");
	r->differs |= !same;
	digests_feed(r->digests, bytes, len);
	r->so_far += len;
	return on_moved(r->p, r->so_far, e);
}

struct copy { /* what a file in the place is */
	uint64_t len;
	int differs; /* from the file here; 0 where there is none */
	uint8_t md5[MD5_SIZE];
	uint8_t sha512[SHA512_SIZE]; /* only where there is none */
};

/* What the copy at path is: 0 with out, 1: there is none. */
static int
read_back(struct publish *p, const char *path, uint64_t max, int fd,
    struct copy *out, struct err *e)
{
	struct reading r = {.p = p, .fd = fd};
	struct sha512 sha;
	struct md5 five;
	const struct digests_work works[] = {
	    {digests_md5, &five}, {digests_sha512, &sha}};
	uint64_t before = 0;
	int ret;

	p->what = "read back";
	p->total = max - 1; /* the last one is not wished for */
	do {
		md5_init(&five);
		sha512_init(&sha);
		r.digests = digests_start(works, fd < 0 ? 2 : 1, e);
		if (r.digests == NULL)
			return -1;
		r.so_far = 0;
		r.differs = 0;
		store_hurry(p->config.store, max - 1);
		ret = store_get(p->config.store, path, max, on_bytes, &r, e);
		digests_free(r.digests);
		/* From the front each time: where it always breaks at the same
		 * place, it never ends. */
		if (r.so_far > before && ret < 0 && e->kind == ERR_PEER) {
			before = r.so_far;
			publish_rearm(p);
		}
	} while (ret < 0 && publish_again(p, e));
	out->len = r.so_far;
	out->differs = r.differs;
	md5_final(out->md5, &five);
	sha512_final(out->sha512, &sha);
	return ret;
}

int
publish_compare(struct publish *p, const char *path,
    const struct publish_file *f, struct publish_outcome *out, struct err *why,
    struct err *e)
{
	char here[2 * MD5_SIZE + 1], there[2 * MD5_SIZE + 1];
	struct copy copy = {.len = f->len};
	int ret;

	if (p->config.no_readback) {
		ret = store_md5(p->config.store, path, copy.md5, e);
		if (ret < 0)
			return -1;
		out->by_place = ret == 0;
	}
	if (!out->by_place) {
		/* One byte more tells that it is longer. */
		ret = read_back(p, path, f->len + 1, f->fd, &copy, e);
		if (ret > 0)
			return 2;
		if (ret < 0 && (e->kind != ERR_NO || p->is_bad))
			return -1;
		if (ret < 0) {
			*why = *e;
			return publish_ask(p, 1, e) < 0 ? -1 : 1;
		}
		if (f->fd < 0)
			copy.differs =
			    memcmp(copy.sha512, f->sha512, SHA512_SIZE) != 0;
	}
	if (publish_ask(p, 1, e) < 0)
		return -1;
	memcpy(out->md5, copy.md5, MD5_SIZE);
	if (copy.len == f->len && memcmp(copy.md5, f->md5, MD5_SIZE) == 0 &&
	    !copy.differs)
		return 0;
	hex_encode(here, f->md5, MD5_SIZE);
	hex_encode(there, copy.md5, MD5_SIZE);
	err_set(why, ERR_NO,
	    "%s: the copy there is another: %" PRIu64 " bytes, MD5 %s; here"
	    " %" PRIu64 " bytes, MD5 %s%s",
	    path, copy.len, there, f->len, here,
	    strcmp(here, there) == 0 ? " (but other bytes)" : "");
	return 1;
}

/* How much of it is there: 0 where that cannot be told. */
static int
size_there(struct publish *p, const char *path, uint64_t *size, struct err *e)
{
	struct store_step step = {.verb = STORE_SIZE, .path = path};

	while (store_run(p->config.store, &step, 1, e) != 0)
		if (!publish_again(p, e))
			return -1;
	if (step.result < 0) {
		*e = step.why;
		return -1;
	}
	*size = step.result == 0 ? step.size : 0;
	return 0;
}

static int
remove_file(struct publish *p, const char *path, struct err *e)
{
	struct store_step step = {.verb = STORE_DELETE, .path = path};

	return publish_run_one(p, &step, e) < 0 ? -1 : 0;
}

/*
 * The bytes from `from` on; what is there before is believed, until it is read
 * back. Servers differ in what they let be overwritten and gone on with: where
 * one refuses, the remains are deleted, once.
 */
static int
upload(struct publish *p, const char *path, uint64_t from, int fd, uint64_t len,
    int *whole, uint64_t *sent, struct err *e)
{
	uint64_t before = from;
	int deleted = 0, ret;

	*whole = from == 0;
	p->what = "upload";
	p->total = len;
	for (;;) {
		p->moved = from;
		if (await(p, from + STORE_AHEAD, e) != 0)
			return -1;
		store_hurry(p->config.store, len);
		ret = store_put(p->config.store, path, from, fd, len, on_moved,
		    p, e);
		if (p->moved > from)
			*sent += p->moved - from;
		if (ret == 0)
			return 0;
		if (p->is_bad)
			return -1;
		if (!deleted &&
		    (ret == 1 || e->kind == ERR_NO || e->kind == ERR_DENIED)) {
			struct err ignored;

			deleted = *whole = 1;
			from = 0;
			if (remove_file(p, path, &ignored) != 0)
				return -1;
			continue;
		}
		if (ret == 1)
			return err_set(e, ERR_NO,
			    "%s: the server does not take it", path);
		/* What left us may never have come there: only what is there
		 * is worth as many tries again. */
		if (!publish_again(p, e) || size_there(p, path, &from, e) != 0)
			return -1;
		if (from > len)
			from = 0;
		if (from > before)
			publish_rearm(p);
		before = from > before ? from : before;
		*whole = from == 0;
	}
}

/* We may have broken the connection over it. */
void
publish_drop_bad(struct publish *p, const char *path)
{
	struct store_step step = {.verb = STORE_DELETE, .path = path};
	struct store *s = p->config.store;
	struct err ignored;

	if (store_run(s, &step, 1, &ignored) != 0 &&
	    store_reopen(s, &ignored) == 0)
		store_run(s, &step, 1, &ignored);
}

int
publish_stage(struct publish *p, const char *path, const struct publish_file *f,
    uint64_t there, struct publish_outcome *out, struct err *e)
{
	uint64_t from = there;
	unsigned breaks = p->breaks;
	struct err why;
	int ret, whole, tries = 0;

	if (from > 0)
		publish_note(p, from < f->len
				    ? "a part of it is there already: the"
				      " rest is sent"
				    : "it is there already, and is compared");
	for (;;) {
		whole = 0;
		if ((from < f->len || f->len == 0) &&
		    upload(p, path, from, f->fd, f->len, &whole, &out->sent,
			e) != 0)
			return -1;
		ret = publish_compare(p, path, f, out, &why, e);
		if (ret <= 0)
			return ret;
		if (ret == 2)
			err_set(&why, ERR_NO, "%s: it is gone", path);
		if (remove_file(p, path, e) != 0)
			return -1;
		/* Something else was gone on with, or a server counted
		 * wrongly, or an upload in a hurry was none (of which the next
		 * one tells why): once more, from the start. */
		if ((whole && p->breaks == breaks) || ++tries > 1) {
			*e = why;
			return -1;
		}
		publish_note(p, "it is not equal: once more, from the start");
		from = 0;
	}
}

/* A question of its own for the lock would be one round trip more: it rides
 * with a rename, and what it tells is as good as what one before would. */
static int
rename_and_look(struct publish *p, struct store_step *rename, int next,
    struct err *e)
{
	struct store_step steps[] = {
	    *rename,
	    {.verb = STORE_EXISTS, .path = p->lock.inside},
	};

	if (next)
		store_expect(p->config.store);
	if (store_run(p->config.store, steps, 2, e) != 0)
		return -1;
	*rename = steps[0];
	p->is_ours = steps[1].result == 0;
	return 0;
}

/*
 * After a broken connection nobody knows whether it was done; what is staged
 * has no other way to go, so where it is gone it was.
 */
int
publish_give_name(struct publish *p, const char *part, const char *path,
    int replace, int next, struct err *e)
{
	struct store_step step = {
	    .verb = STORE_RENAME, .path = part, .to = path, .replace = replace};
	struct store_step look[] = {
	    {.verb = STORE_EXISTS, .path = part},
	    {.verb = STORE_EXISTS, .path = path},
	};
	int broken = 0;

	while (rename_and_look(p, &step, next, e) != 0) {
		broken = 1;
		if (!publish_again(p, e))
			return -1;
	}
	publish_rearm(p);
	if (step.result == 0)
		return 0;
	if (broken && publish_run(p, look, 2, e) == 0 && look[0].result == 1 &&
	    look[1].result == 0)
		return 0;
	if (step.result < 0)
		*e = step.why;
	else
		err_set(e, ERR_NO, "%s: it is gone", part);
	return -1;
}
