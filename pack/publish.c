/* Packages and documents get their names in a place. */

#include "pack/publish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/same.h"
#include "pack/digests.h"
#include "pack/staging.h"

#define RELEASE_DIR "release/"

#define COMPARE_PIECE ((size_t)32 << 10) /* on the stack */

/* Between two tries. A server that restarts is back within a minute. */
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MAX_MS   8000
#define NAP_MS           50 /* how soon a stop is seen */

/* What is asked about a package before it is sent. */
enum look_for {
	LOOK_PACKAGE,
	LOOK_SIG,
	LOOK_REST, /* of an earlier run, in staging */
	LOOK_LATEST,
	LOOKS,
};

struct look {
	int done;
	struct store_step steps[LOOKS]; /* sizes */
	char paths[LOOKS][STORE_PATH];
};

struct publish {
	struct publish_config config;
	struct lock lock;
	int is_ours;      /* the lock, when it was looked at; no news since */
	int latest_there; /* 0 it is, 1 not, -1 not looked yet */
	struct look look;
	/* What is ours in staging; "": nothing. */
	char small[STORE_PATH];
	char part[STORE_PATH], rest[STORE_PATH]; /* rest: later, its name */
	unsigned breaks;           /* connections that were made anew */
	unsigned left;             /* tries */
	int64_t backoff_ms;        /* before the next */
	struct publish_file *file; /* the package; NULL: it is another file */
	int is_bad;                /* that package is */
	/* of the transfer that runs */
	const char *what;
	uint64_t total, moved;
};

static void
note(const struct publish *p, const char *text)
{
	if (p->config.note != NULL)
		p->config.note(p->config.arg, text);
}

/* --- again ------------------------------------------------------------------
 */

/* Something went well: what fails later has all its tries. */
static void
rearm(struct publish *p)
{
	p->left = p->config.tries;
	p->backoff_ms = BACKOFF_FIRST_MS;
}

static int
is_stopped(const struct publish *p)
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
	for (; ms > 0 && !is_stopped(p); ms -= NAP_MS)
		nanosleep(&t, NULL);
}

/* 1: there is a new connection, do it again; 0: give up, for the reason in e.
 */
static int
again(struct publish *p, struct err *e)
{
	char text[ERR_TEXT + 64];
	struct err why;

	while (e->kind == ERR_PEER && p->left > 0 && !p->is_bad &&
	       !is_stopped(p)) {
		p->left--;
		snprintf(text, sizeof text, "%s; again in %" PRId64 " ms",
		    e->text, p->backoff_ms);
		note(p, text);
		nap(p, p->backoff_ms);
		if (is_stopped(p))
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

/* What there is of a package. */
static void
look_for(struct publish *p, const char *name, const char *part)
{
	struct look *l = &p->look;
	size_t i, size = sizeof l->paths[0];

	memset(l, 0, sizeof *l);
	snprintf(l->paths[LOOK_PACKAGE], size, RELEASE_DIR "%s", name);
	snprintf(l->paths[LOOK_SIG], size, RELEASE_DIR "%s.sig", name);
	staging_rest(l->paths[LOOK_REST], part);
	snprintf(l->paths[LOOK_LATEST], size, RELEASE_DIR "%s",
	    p->config.latest);
	for (i = 0; i < LOOKS; i++) {
		l->steps[i].verb = STORE_SIZE;
		l->steps[i].path = l->paths[i];
	}
}

/* Steps that may be done twice. */
static int
run(struct publish *p, struct store_step *steps, size_t n, struct err *e)
{
	while (store_run(p->config.store, steps, n, e) != 0)
		if (!again(p, e))
			return -1;
	rearm(p);
	return 0;
}

/* Of one step: its result. */
static int
run_one(struct publish *p, struct store_step *step, struct err *e)
{
	if (run(p, step, 1, e) != 0)
		return -1;
	if (step->result < 0)
		*e = step->why;
	return step->result;
}

/* --- moving bytes ------------------------------------------------------------
 */

/* Is the package good? 0; 1: nobody knows yet; -1 with err. */
static int
ask(struct publish *p, int wait, struct err *e)
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
	return ask(p, 0, e) < 0 ? -1 : 0;
}

static int
fail_stopped(struct err *e)
{
	return err_set(e, ERR_PEER, "interrupted");
}

/* No more bytes of a package that is known to be bad, nor for who has been
 * stopped: a folder does not look for that. */
static int
on_moved(void *arg, uint64_t so_far, struct err *e)
{
	struct publish *p = arg;

	if (is_stopped(p))
		return fail_stopped(e);

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
			rearm(p);
		}
	} while (ret < 0 && again(p, e));
	out->len = r.so_far;
	out->differs = r.differs;
	md5_final(out->md5, &five);
	sha512_final(out->sha512, &sha);
	return ret;
}

/* 0: the copy is equal; 1: it is not, why tells; 2: there is none; -1. */
static int
compare(struct publish *p, const char *path, const struct publish_file *f,
    struct publish_outcome *out, struct err *why, struct err *e)
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
			return ask(p, 1, e) < 0 ? -1 : 1;
		}
		if (f->fd < 0)
			copy.differs =
			    memcmp(copy.sha512, f->sha512, SHA512_SIZE) != 0;
	}
	if (ask(p, 1, e) < 0)
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
		if (!again(p, e))
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

	return run_one(p, &step, e) < 0 ? -1 : 0;
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
		if (!again(p, e) || size_there(p, path, &from, e) != 0)
			return -1;
		if (from > len)
			from = 0;
		if (from > before)
			rearm(p);
		before = from > before ? from : before;
		*whole = from == 0;
	}
}

/* The copy of a bad package. We may have broken the connection over it. */
static void
drop_bad(struct publish *p, const char *path)
{
	struct store_step step = {.verb = STORE_DELETE, .path = path};
	struct store *s = p->config.store;
	struct err ignored;

	if (store_run(s, &step, 1, &ignored) != 0 &&
	    store_reopen(s, &ignored) == 0)
		store_run(s, &step, 1, &ignored);
}

/* Into staging until the copy there is equal: there is how much is there
 * already, at most all. 0; -1: one that is not equal is deleted, a part of one
 * stays. */
static int
stage(struct publish *p, const char *path, const struct publish_file *f,
    uint64_t there, struct publish_outcome *out, struct err *e)
{
	uint64_t from = there;
	unsigned breaks = p->breaks;
	struct err why;
	int ret, whole, tries = 0;

	if (from > 0)
		note(p, from < f->len ? "a part of it is there already: the"
					" rest is sent"
				      : "it is there already, and is compared");
	for (;;) {
		whole = 0;
		if ((from < f->len || f->len == 0) &&
		    upload(p, path, from, f->fd, f->len, &whole, &out->sent,
			e) != 0)
			return -1;
		ret = compare(p, path, f, out, &why, e);
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
		note(p, "it is not equal: once more, from the start");
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
 * By one rename; next: another file comes behind. After a broken connection
 * nobody knows whether it was done; what is staged has no other way to go, so
 * where it is gone it was.
 */
static int
give_name(struct publish *p, const char *part, const char *path, int replace,
    int next, struct err *e)
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
		if (!again(p, e))
			return -1;
	}
	rearm(p);
	if (step.result == 0)
		return 0;
	if (broken && run(p, look, 2, e) == 0 && look[0].result == 1 &&
	    look[1].result == 0)
		return 0;
	if (step.result < 0)
		*e = step.why;
	else
		err_set(e, ERR_NO, "%s: it is gone", part);
	return -1;
}

/* --- small files ---------------------------------------------------------
 */

/* An unnamed file of these bytes, which have to come from one. */
static int
make_file(const void *bytes, size_t len, FILE **out, struct err *e)
{
	FILE *file = tmpfile();

	if (file != NULL && file_write_all(fileno(file), bytes, len) == 0) {
		*out = file;
		return 0;
	}
	err_errno(e, ERR_LOCAL, "a temporary file");
	if (file != NULL)
		fclose(file);
	return -1;
}

/* The bytes get the name in release, by way of staging. */
static int
put_small(struct publish *p, const char *name, const void *bytes, size_t len,
    int next, struct err *e)
{
	struct publish_file f = {.name = name, .len = len};
	struct publish_outcome out = {.sent = 0};
	char path[STORE_PATH];
	FILE *file;
	int ret = -1;

	if (make_file(bytes, len, &file, e) != 0)
		return -1;
	f.fd = fileno(file);
	md5(f.md5, bytes, len);
	snprintf(path, sizeof path, RELEASE_DIR "%s", name);
	staging_small(p->small, name, &p->lock);
	if (stage(p, p->small, &f, 0, &out, e) == 0)
		ret = give_name(p, p->small, path, 1, next, e);
	if (ret == 0)
		p->small[0] = '\0';
	fclose(file);
	return ret;
}

struct memory {
	struct buf *out;
	size_t start;
};

static int
on_small(void *arg, const void *bytes, size_t len, struct err *e)
{
	struct memory *m = arg;

	if (buf_append(m->out, bytes, len) == 0)
		return 0;
	return err_set(e, ERR_LOCAL, "out of memory");
}

static int
get_small(struct publish *p, const char *path, size_t max, struct buf *out,
    struct err *e)
{
	struct memory m = {out, out->len};
	int ret;

	do {
		out->len = m.start;
		ret = store_get(p->config.store, path, max, on_small, &m, e);
	} while (ret < 0 && again(p, e));
	if (ret >= 0)
		rearm(p);
	return ret;
}

int
publish_read(struct publish *p, const char *name, size_t max, struct buf *out,
    struct err *e)
{
	struct store_step step = {.verb = STORE_SIZE};
	char path[STORE_PATH];
	int there = strcmp(name, p->config.latest) == 0 ? p->latest_there : -1;

	snprintf(path, sizeof path, RELEASE_DIR "%s", name);
	/* It tells what is not there in less than a transfer does. */
	step.path = path;
	if (there < 0)
		there = run_one(p, &step, e);
	if (there < 0)
		return -1;
	return there == 1 ? 1 : get_small(p, path, max, out, e);
}

int
publish_write(struct publish *p, const char *name, const void *bytes,
    size_t len, struct err *e)
{
	int ret = 0;

	if (is_stopped(p))
		return fail_stopped(e);
	if (strcmp(name, p->config.latest) == 0)
		p->latest_there = -1;
	while (!p->is_ours) {
		ret = lock_check(&p->lock, p->config.store, e);
		if (ret > 0)
			return err_set(e, ERR_PEER,
			    "busy: another run has taken the lock away");
		p->is_ours = ret == 0;
		if (ret < 0 && !again(p, e))
			return -1;
	}
	return put_small(p, name, bytes, len,
	    strcmp(name, p->config.latest) != 0, e);
}

/* --- packages ------------------------------------------------------------
 */

/* The signature is there with these bytes. */
static int
put_signature(struct publish *p, const struct publish_file *f, int may_be_there,
    struct err *e)
{
	char name[STORE_PATH], path[STORE_PATH];
	struct buf old = BUF_INIT;
	int same = 0;

	snprintf(name, sizeof name, "%s.sig", f->name);
	if (may_be_there) {
		snprintf(path, sizeof path, RELEASE_DIR "%s.sig", f->name);
		switch (get_small(p, path, f->sig_len, &old, e)) {
		case 0:
			same = old.len == f->sig_len &&
			       memcmp(old.data, f->sig, old.len) == 0;
			break;
		case -1:
			if (e->kind == ERR_NO) /* longer: another one */
				break;
			buf_free(&old);
			return -1;
		}
		buf_free(&old);
	}
	return same ? 0 : put_small(p, name, f->sig, f->sig_len, 0, e);
}

/* The name is taken: by these bytes, or it is an error. */
static int
settle(struct publish *p, const struct publish_file *f, const char *path,
    const struct store_step *size, struct publish_outcome *out, struct err *e)
{
	struct err why;
	int ret = 1;

	if (size->result != 0 || size->size == f->len)
		ret = compare(p, path, f, out, &why, e);
	else
		err_set(&why, ERR_NO,
		    "%s: %" PRIu64 " bytes there, %" PRIu64 " here", path,
		    size->size, f->len);
	if (ret == 1)
		return err_set(e, ERR_NO,
		    "release exists: %.400s; what changed is another release",
		    why.text);
	out->was_there = ret == 0;
	return ret;
}

/*
 * What an earlier run left of a package f becomes ours; there is how much. left
 * is what is known of it. By its name nobody else means it then. The server may
 * still be writing what that run had sent last: the same as we send or, where
 * the package is another one, what makes the copy differ. That is deleted then,
 * and what is made anew under the name is another file to such a writer.
 */
static int
adopt(struct publish *p, const struct store_step *left,
    const struct publish_file *f, uint64_t *there, struct err *e)
{
	struct store_step step = {
	    .verb = STORE_RENAME, .path = p->rest, .to = p->part};

	*there = 0;
	if (left->result == 1)
		return 0;
	/* Nothing to go on with. */
	if (left->result != 0 || left->size == 0 || left->size > f->len ||
	    f->is_new)
		step.verb = STORE_DELETE;
	if (run(p, &step, 1, e) != 0)
		return -1;
	/* 1: done already, before a connection broke; if not, it is found out
	 * when it is compared. */
	if (step.verb == STORE_RENAME && step.result >= 0)
		*there = left->size;
	return 0;
}

static int
put_package(struct publish *p, const struct publish_file *f,
    struct publish_outcome *out, struct err *e)
{
	const struct store_step *sizes = p->look.steps;
	char path[STORE_PATH];
	uint64_t there;
	int ret;

	staging_rest(p->rest, f->part);
	snprintf(path, sizeof path, RELEASE_DIR "%s", f->name);
	if (!p->look.done || strcmp(p->look.paths[LOOK_PACKAGE], path) != 0 ||
	    strcmp(p->look.paths[LOOK_REST], p->rest) != 0) {
		look_for(p, f->name, f->part);
		store_expect(p->config.store);
		if (run(p, p->look.steps, LOOKS, e) != 0)
			return -1;
	}
	p->look.done = 0; /* what is done now makes it old */
	p->latest_there = sizes[LOOK_LATEST].result == 1;
	if (sizes[LOOK_PACKAGE].result != 1) {
		if (ask(p, 1, e) < 0)
			return -1;
		ret = settle(p, f, path, &sizes[LOOK_PACKAGE], out, e);
		if (ret < 0)
			return -1;
		if (ret == 0)
			return put_signature(p, f, 1, e);
	}
	staging_part(p->part, f->part, &p->lock);
	if (adopt(p, &sizes[LOOK_REST], f, &there, e) != 0)
		return -1;
	if (stage(p, p->part, f, there, out, e) != 0) {
		if (p->is_bad)
			drop_bad(p, p->part);
		return -1;
	}
	if (put_signature(p, f, sizes[LOOK_SIG].result != 1, e) != 0 ||
	    give_name(p, p->part, path, 0, 1, e) != 0)
		return -1;
	p->part[0] = '\0';
	return 0;
}

int
publish_package(struct publish *p, struct publish_file *f,
    struct publish_outcome *out, struct err *e)
{
	int ret;

	memset(out, 0, sizeof *out);
	p->file = f;
	ret = put_package(p, f, out, e);
	p->file = NULL;
	p->is_bad = 0;
	return ret;
}

int
publish_check(struct publish *p, const struct publish_file *f, struct err *e)
{
	struct publish_outcome out = {.sent = 0};
	struct publish_file digests = *f;
	char path[STORE_PATH];
	struct err why;

	digests.fd = -1;
	snprintf(path, sizeof path, RELEASE_DIR "%s", f->name);
	switch (compare(p, path, &digests, &out, &why, e)) {
	case 0:
		return 0;
	case 1:
		*e = why;
		return -1;
	case 2:
		return err_set(e, ERR_NO, "%s: it is not there any more", path);
	}
	return -1;
}

/* --- the lock ------------------------------------------------------------
 */

/* Who had it before us has left what it was at. */
static int
sweep(struct publish *p, struct err *e)
{
	while (staging_sweep(p->config.store, &p->lock, e) != 0)
		if (!again(p, e))
			return -1;
	rearm(p);
	return 0;
}

struct publish *
publish_open(const struct publish_config *c, int *busy, struct err *e)
{
	struct publish *p = calloc(1, sizeof *p);
	char text[LOCK_TEXT];
	struct lock_look look = {NULL, 0, 0};
	struct err ignored;
	int ret;

	*busy = 0;
	if (p == NULL) {
		err_set(e, ERR_LOCAL, "out of memory");
		return NULL;
	}
	p->config = *c;
	p->latest_there = -1;
	if (c->name != NULL) {
		look_for(p, c->name, c->part);
		look.steps = p->look.steps;
		look.n = LOOKS;
	}
	rearm(p);
	if (lock_init(&p->lock, c->self, c->now_us, e) != 0 ||
	    (store_reopen(c->store, e) != 0 && !again(p, e)))
		goto fail;
	do
		ret = lock_take(&p->lock, c->store, c->self, c->now_us,
		    c->break_lock, &look, busy, text, e);
	while (ret < 0 && !*busy && again(p, e));
	if (ret < 0) {
		/* Nobody knows whether it is ours by now. */
		if (!*busy && is_stopped(p)) {
			store_leave(c->store);
			if (store_reopen(c->store, &ignored) == 0)
				lock_leave(&p->lock, c->store, &ignored);
		}
		goto fail;
	}
	rearm(p);
	p->look.done = look.done;
	if (ret > 0)
		note(p, text);
	if (p->lock.before != LOCK_NOBODY && sweep(p, e) != 0) {
		publish_close(p, NULL);
		return NULL;
	}
	return p;

fail:
	free(p);
	return NULL;
}

/* What did not get its name. */
static int
put_aside(struct publish *p, struct err *e)
{
	struct store_step steps[2];
	size_t n = 0;

	memset(steps, 0, sizeof steps);
	if (p->part[0] != '\0') {
		steps[n].verb = STORE_RENAME;
		steps[n].path = p->part;
		steps[n].to = p->rest;
		steps[n++].replace = 1;
	}
	if (p->small[0] != '\0') {
		steps[n].verb = STORE_DELETE;
		steps[n++].path = p->small;
	}
	return n > 0 ? store_run(p->config.store, steps, n, e) : 0;
}

int
publish_close(struct publish *p, struct err *e)
{
	struct err why;
	int ret;

	if (p == NULL)
		return 0;
	if (e == NULL)
		e = &why;
	if (is_stopped(p)) {
		p->left = 0;
		store_leave(p->config.store);
		if (store_reopen(p->config.store, e) != 0) {
			free(p);
			return -1;
		}
	}
	do {
		ret = put_aside(p, e);
		if (ret == 0)
			ret = lock_drop(&p->lock, p->config.store, e);
	} while (ret != 0 && again(p, e));
	free(p);
	return ret;
}

void
publish_abandon(struct publish *p)
{
	free(p);
}
