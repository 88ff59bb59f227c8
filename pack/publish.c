/* What is published where, and the lock of a place. */

#include "pack/publish_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pack/staging.h"

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
	if (publish_stage(p, p->small, &f, 0, &out, e) == 0)
		ret = publish_give_name(p, p->small, path, 1, next, e);
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
	} while (ret < 0 && publish_again(p, e));
	if (ret >= 0)
		publish_rearm(p);
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
		there = publish_run_one(p, &step, e);
	if (there < 0)
		return -1;
	return there == 1 ? 1 : get_small(p, path, max, out, e);
}

int
publish_write(struct publish *p, const char *name, const void *bytes,
    size_t len, struct err *e)
{
	int ret = 0;

	if (publish_is_stopped(p))
		return publish_fail_stopped(e);
	if (strcmp(name, p->config.latest) == 0)
		p->latest_there = -1;
	while (!p->is_ours) {
		ret = lock_check(&p->lock, p->config.store, e);
		if (ret > 0)
			return err_set(e, ERR_PEER,
			    "busy: another run has taken the lock away");
		p->is_ours = ret == 0;
		if (ret < 0 && !publish_again(p, e))
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
		ret = publish_compare(p, path, f, out, &why, e);
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
	if (publish_run(p, &step, 1, e) != 0)
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
		if (publish_run(p, p->look.steps, LOOKS, e) != 0)
			return -1;
	}
	p->look.done = 0; /* what is done now makes it old */
	p->latest_there = sizes[LOOK_LATEST].result == 1;
	if (sizes[LOOK_PACKAGE].result != 1) {
		if (publish_ask(p, 1, e) < 0)
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
	if (publish_stage(p, p->part, f, there, out, e) != 0) {
		if (p->is_bad)
			publish_drop_bad(p, p->part);
		return -1;
	}
	if (put_signature(p, f, sizes[LOOK_SIG].result != 1, e) != 0 ||
	    publish_give_name(p, p->part, path, 0, 1, e) != 0)
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
	switch (publish_compare(p, path, &digests, &out, &why, e)) {
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
		if (!publish_again(p, e))
			return -1;
	publish_rearm(p);
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
	publish_rearm(p);
	if (lock_init(&p->lock, c->self, c->now_us, e) != 0 ||
	    (store_reopen(c->store, e) != 0 && !publish_again(p, e)))
		goto fail;
	do
		ret = lock_take(&p->lock, c->store, c->self, c->now_us,
		    c->break_lock, &look, busy, text, e);
	while (ret < 0 && !*busy && publish_again(p, e));
	if (ret < 0) {
		/* Nobody knows whether it is ours by now. */
		if (!*busy && publish_is_stopped(p)) {
			store_leave(c->store);
			if (store_reopen(c->store, &ignored) == 0)
				lock_leave(&p->lock, c->store, &ignored);
		}
		goto fail;
	}
	publish_rearm(p);
	p->look.done = look.done;
	if (ret > 0)
		publish_note(p, text);
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
	if (publish_is_stopped(p)) {
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
	} while (ret != 0 && publish_again(p, e));
	free(p);
	return ret;
}

void
publish_abandon(struct publish *p)
{
	free(p);
}
