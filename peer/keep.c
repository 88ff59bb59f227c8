/* The state folder of a client. */

#include "peer/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/num.h"
#include "peer/seen.h"
#include "update/ledger.h"
#include "update/split.h"

#define KIND     "hotfix-client"
#define SUM      16 /* bytes of the last line's digest: disks, not enemies */
#define NAME_ID  24 /* an id in decimal and a NUL */
/* What is left of a permission is counted in nanoseconds elsewhere. */
#define LEFT_MAX (INT64_MAX / 1000)

void
keep_state_free(struct keep_state *s)
{
	free(s->features);
	free(s->kept);
	free(s->tried);
	free(s->reverts);
	memset(s, 0, sizeof *s);
}

/* The list with room for one more behind its n, zeroed; it grows by doubling.
 * NULL: it stays as it is. */
static void *
grow(void *list, size_t n, size_t max, size_t size)
{
	char *p = list;

	if (n >= max)
		return NULL;
	if ((n & (n - 1)) == 0)
		p = realloc(list, (n > 0 ? 2 * n : 1) * size);
	if (p != NULL)
		memset(p + n * size, 0, size);
	return p;
}

static void
copy_name(char out[DOC_FEATURE + 1], const char *name)
{
	snprintf(out, DOC_FEATURE + 1, "%s", name);
}

struct keep_feature *
keep_add_feature(struct keep_state *s, const char *name)
{
	struct keep_feature *p =
	    grow(s->features, s->nfeatures, KEEP_FEATURES, sizeof *p);

	if (p == NULL)
		return NULL;
	s->features = p;
	p += s->nfeatures++;
	copy_name(p->name, name);
	return p;
}

struct keep_doc *
keep_add_kept(struct keep_state *s, const char *feature)
{
	struct keep_doc *p = grow(s->kept, s->nkept, KEEP_KEPT, sizeof *p);

	if (p == NULL)
		return NULL;
	s->kept = p;
	p += s->nkept++;
	copy_name(p->feature, feature);
	return p;
}

struct keep_doc *
keep_add_tried(struct keep_state *s, const char *feature)
{
	struct keep_doc *p = grow(s->tried, s->ntried, KEEP_TRIED, sizeof *p);

	if (p == NULL)
		return NULL;
	s->tried = p;
	p += s->ntried++;
	copy_name(p->feature, feature);
	return p;
}

struct keep_revert *
keep_add_revert(struct keep_state *s, const char *feature)
{
	struct keep_revert *p =
	    grow(s->reverts, s->nreverts, KEEP_REVERTED, sizeof *p);

	if (p == NULL)
		return NULL;
	s->reverts = p;
	p += s->nreverts++;
	copy_name(p->feature, feature);
	return p;
}

/* --- parsing ------------------------------------------------------------- */

/* What is left of the text, and how many lines were taken. */
struct lines {
	struct span rest;
	size_t taken;
};

enum parsed { NONE, GOOD, BAD, NOMEM }; /* NONE: another line, not taken */

/* The words behind "NAME: " of the next line; 0 when it has another name. */
static int
take_line(struct lines *l, const char *name, struct span *words)
{
	const size_t n = strlen(name);
	struct span rest = l->rest, line;

	if (!split_next(&rest, '\n', &line) || line.n < n + 2 ||
	    memcmp(line.p, name, n) != 0 || memcmp(line.p + n, ": ", 2) != 0)
		return 0;
	words->p = line.p + n + 2;
	words->n = line.n - n - 2;
	l->rest = rest;
	l->taken++;
	return 1;
}

static int
take_number(struct span *words, uint64_t max, uint64_t *out)
{
	struct span w;

	return split_next(words, ' ', &w) &&
	       num_parse(w.p, w.n, max, out) == NUM_OK;
}

static int
take_id(struct span *words, uint64_t *id)
{
	return take_number(words, INT64_MAX, id) && *id > 0;
}

static int
take_feature(struct span *words, char out[DOC_FEATURE + 1])
{
	struct span w;

	if (!split_next(words, ' ', &w) || !doc_feature_is_valid(w.p, w.n))
		return 0;
	memcpy(out, w.p, w.n);
	out[w.n] = '\0';
	return 1;
}

static int
take_tries(struct span *words, unsigned *tries)
{
	uint64_t n;

	if (!take_number(words, KEEP_TRIES, &n))
		return 0;
	*tries = (unsigned)n;
	return 1;
}

static int
take_proof(struct span *words, struct keep_doc *d)
{
	struct span rest = *words, w;

	if (split_next(&rest, ' ', &w) && span_is(w, "proven")) {
		d->proven = 1;
		*words = rest;
		return 1;
	}
	return take_tries(words, &d->tries);
}

/* "NAME: US": an instant, or none. */
static enum parsed
parse_instant(struct lines *l, const char *name, int64_t *us)
{
	struct span words;
	uint64_t n;

	if (!take_line(l, name, &words))
		return NONE;
	if (!take_number(&words, INT64_MAX, &n) || words.p != NULL)
		return BAD;
	*us = (int64_t)n;
	return GOOD;
}

static enum parsed
parse_feature(struct keep_state *s, struct lines *l)
{
	char name[DOC_FEATURE + 1];
	struct keep_feature *f;
	struct span words;
	uint64_t highest;

	if (!take_line(l, "feature", &words))
		return NONE;
	if (!take_feature(&words, name) || !take_id(&words, &highest) ||
	    words.p != NULL || s->nfeatures == KEEP_FEATURES ||
	    (s->nfeatures > 0 &&
		strcmp(s->features[s->nfeatures - 1].name, name) >= 0))
		return BAD;
	f = keep_add_feature(s, name);
	if (f == NULL)
		return NOMEM;
	f->highest = highest;
	return GOOD;
}

static uint64_t
highest(const struct keep_state *s, const char *feature)
{
	size_t i;

	for (i = 0; i < s->nfeatures; i++)
		if (strcmp(s->features[i].name, feature) == 0)
			return s->features[i].highest;
	return 0;
}

static enum parsed
parse_kept(struct keep_state *s, struct lines *l)
{
	struct keep_doc d = {0}, *p;
	struct span words;
	uint64_t left;

	if (!take_line(l, "kept", &words))
		return NONE;
	/* It was accepted, so its feature is at its id at least. */
	if (!take_id(&words, &d.id) || !take_feature(&words, d.feature) ||
	    !take_proof(&words, &d) ||
	    !take_number(&words, INT64_MAX, &d.before) ||
	    !take_number(&words, LEFT_MAX, &left) || words.p != NULL ||
	    s->nkept == KEEP_KEPT || highest(s, d.feature) < d.id ||
	    (s->nkept > 0 && s->kept[s->nkept - 1].id >= d.id))
		return BAD;
	d.left_us = (int64_t)left;
	p = keep_add_kept(s, d.feature);
	if (p == NULL)
		return NOMEM;
	*p = d;
	return GOOD;
}

static enum parsed
parse_tried(struct keep_state *s, struct lines *l)
{
	struct keep_doc d = {0}, *p;
	struct span words;

	if (!take_line(l, "tried", &words))
		return NONE;
	if (!take_id(&words, &d.id) || !take_feature(&words, d.feature) ||
	    !take_tries(&words, &d.tries) || d.tries == 0 || words.p != NULL ||
	    s->ntried == KEEP_TRIED ||
	    (s->ntried > 0 && s->tried[s->ntried - 1].id >= d.id))
		return BAD;
	p = keep_add_tried(s, d.feature);
	if (p == NULL)
		return NOMEM;
	*p = d;
	return GOOD;
}

static enum parsed
parse_revert(struct keep_state *s, struct lines *l)
{
	struct keep_revert r = {0}, *p;
	struct span words, digest;

	if (!take_line(l, "reverted", &words))
		return NONE;
	if (!take_id(&words, &r.id) || !take_feature(&words, r.feature) ||
	    !split_next(&words, ' ', &digest) ||
	    hex_decode(r.digest, sizeof r.digest, digest.p, digest.n) != 0 ||
	    words.p != NULL || s->nreverts == KEEP_REVERTED ||
	    (s->nreverts > 0 && s->reverts[s->nreverts - 1].id >= r.id))
		return BAD;
	p = keep_add_revert(s, r.feature);
	if (p == NULL)
		return NOMEM;
	*p = r;
	return GOOD;
}

static char *
put_sum(char out[2 * SUM + 1], const void *text, size_t len)
{
	uint8_t digest[SHA512_SIZE];

	sha512(digest, text, len);
	return hex_encode(out, digest, SUM);
}

/* The sum over all above it, and nothing behind it. */
static enum parsed
parse_end(struct lines *l, const char *text)
{
	const size_t above = (size_t)(l->rest.p - text);
	char sum[2 * SUM + 1];
	struct span words;

	if (!take_line(l, "end", &words))
		return NONE;
	return l->rest.p != NULL && l->rest.n == 0 &&
		       span_is(words, put_sum(sum, text, above))
		   ? GOOD
		   : BAD;
}

static enum parsed
parse(struct keep_state *s, struct lines *l, const char *text)
{
	static enum parsed (*const lists[])(struct keep_state *,
	    struct lines *) = {
	    parse_feature, parse_kept, parse_tried, parse_revert};
	struct span words;
	enum parsed p;
	size_t i;

	if (!take_line(l, KIND, &words))
		return NONE;
	if (!span_is(words, "1"))
		return BAD;
	if ((p = parse_instant(l, "saved", &s->saved_us)) != GOOD ||
	    (p = parse_instant(l, "verified", &s->verified_us)) != GOOD ||
	    (p = parse_instant(l, "last", &s->last_us)) != GOOD)
		return p;
	for (i = 0; i < sizeof lists / sizeof *lists; i++) {
		while ((p = lists[i](s, l)) == GOOD)
			;
		if (p != NONE)
			return p;
	}
	return parse_end(l, text);
}

int
keep_parse(struct keep_state *s, const char *text, size_t len, struct err *e)
{
	struct lines l = {{text, len}, 0};
	enum parsed p = parse(s, &l, text);

	if (p == GOOD)
		return 0;
	keep_state_free(s);
	if (p == NOMEM)
		return err_set(e, ERR_LOCAL, "out of memory");
	return err_set(e, ERR_LOCAL, "line %zu: not what a client wrote",
	    p == BAD ? l.taken : l.taken + 1);
}

int
keep_format(struct buf *out, const struct keep_state *s)
{
	const size_t start = out->len;
	char digest[2 * SHA512_SIZE + 1], sum[2 * SUM + 1];
	size_t i;

	buf_printf(out, KIND ": 1\nsaved: %" PRId64 "\n", s->saved_us);
	buf_printf(out, "verified: %" PRId64 "\n", s->verified_us);
	buf_printf(out, "last: %" PRId64 "\n", s->last_us);
	for (i = 0; i < s->nfeatures; i++)
		buf_printf(out, "feature: %s %" PRIu64 "\n",
		    s->features[i].name, s->features[i].highest);
	for (i = 0; i < s->nkept; i++) {
		const struct keep_doc *d = &s->kept[i];

		buf_printf(out, "kept: %" PRIu64 " %s ", d->id, d->feature);
		if (d->proven)
			buf_puts(out, "proven");
		else
			buf_printf(out, "%u", d->tries);
		buf_printf(out, " %" PRIu64 " %" PRId64 "\n", d->before,
		    d->left_us);
	}
	for (i = 0; i < s->ntried; i++)
		buf_printf(out, "tried: %" PRIu64 " %s %u\n", s->tried[i].id,
		    s->tried[i].feature, s->tried[i].tries);
	for (i = 0; i < s->nreverts; i++)
		buf_printf(out, "reverted: %" PRIu64 " %s %s\n",
		    s->reverts[i].id, s->reverts[i].feature,
		    hex_encode(digest, s->reverts[i].digest, SHA512_SIZE));
	if (out->oom)
		return -1;
	return buf_printf(out, "end: %s\n",
	    put_sum(sum, out->data + start, out->len - start));
}

/* --- the folder ---------------------------------------------------------- */

struct keep {
	char *dir, *updates, *state;
	int lock; /* -1: not held */
};

static char *
doc_path(const struct keep *k, uint64_t id)
{
	char name[NAME_ID];

	snprintf(name, sizeof name, "%" PRIu64, id);
	return file_join(k->updates, name);
}

/*
 * flock(2) and not fcntl(2): that lock is a process's, and several clients
 * may live in one. The file itself never changes, unlike state.
 */
static int
lock(struct keep *k, struct err *e)
{
	char *path = file_join(k->dir, KEEP_LOCK);
	int ret = -1;

	if (path == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", k->dir);
	k->lock = open(path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (k->lock < 0)
		err_errno(e, ERR_LOCAL, "%s", path);
	else if (flock(k->lock, LOCK_EX | LOCK_NB) == 0)
		ret = 0;
	else if (errno == EWOULDBLOCK)
		err_set(e, ERR_LOCAL, "%s: in use by another client", k->dir);
	else
		err_errno(e, ERR_LOCAL, "%s", path);
	free(path);
	return ret;
}

/* 1 when the name is an id's. */
static int
is_id(const char *name, uint64_t *id)
{
	return num_parse(name, strlen(name), INT64_MAX, id) == NUM_OK;
}

static int
has_documents(const struct keep *k)
{
	DIR *folder = opendir(k->updates);
	const struct dirent *d;
	uint64_t id;
	int found = 0;

	if (folder == NULL)
		return 0;
	while (!found && (d = readdir(folder)) != NULL)
		found = is_id(d->d_name, &id);
	closedir(folder);
	return found;
}

static int
load(struct keep *k, struct keep_state *s, struct err *e)
{
	struct buf text = BUF_INIT;
	struct err why;
	int ret = -1;

	if (access(k->state, F_OK) != 0 && errno == ENOENT) {
		/* It is the first file that is ever written here. */
		if (has_documents(k))
			return err_set(e, ERR_LOCAL,
			    "%s: is gone, while documents are there; remove "
			    "the folder to begin anew",
			    k->state);
		return keep_save(k, s, e);
	}
	if (file_read(k->state, KEEP_STATE_MAX, &text, e) != 0)
		goto out;
	if (keep_parse(s, (const char *)text.data, text.len, &why) != 0) {
		err_set(e, ERR_LOCAL, "%s: %s; remove the folder to begin anew",
		    k->state, why.text);
		goto out;
	}
	ret = 0;
out:
	buf_free(&text);
	return ret;
}

struct keep *
keep_open(const char *dir, struct keep_state *s, struct err *e)
{
	struct keep *k = calloc(1, sizeof *k);

	if (k == NULL) {
		err_set(e, ERR_LOCAL, "%s: out of memory", dir);
		return NULL;
	}
	k->lock = -1;
	k->dir = strdup(dir);
	k->updates = file_join(dir, "updates");
	k->state = file_join(dir, "state");
	if (k->dir == NULL || k->updates == NULL || k->state == NULL)
		err_set(e, ERR_LOCAL, "%s: out of memory", dir);
	else if (file_check_lacks(k->dir, LEDGER_FILE, "a host", e) == 0 &&
		 file_mkdirs(k->updates, e) == 0 &&
		 file_check_own(k->dir, e) == 0 &&
		 file_check_own(k->updates, e) == 0 && lock(k, e) == 0 &&
		 load(k, s, e) == 0)
		return k;
	keep_close(k);
	return NULL;
}

void
keep_close(struct keep *k)
{
	if (k == NULL)
		return;
	if (k->lock >= 0)
		close(k->lock);
	free(k->dir);
	free(k->updates);
	free(k->state);
	free(k);
}

int
keep_save(struct keep *k, const struct keep_state *s, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret;

	if (keep_format(&text, s) != 0)
		ret = err_set(e, ERR_LOCAL, "%s: out of memory", k->state);
	else
		ret = file_write(k->state, text.data, text.len, 0600, e);
	buf_free(&text);
	return ret;
}

int
keep_put(struct keep *k, uint64_t id, const void *head, size_t head_len,
    const void *part, size_t len, struct err *e)
{
	struct buf whole = BUF_INIT;
	char *path = doc_path(k, id);
	int ret;

	buf_append(&whole, head, head_len);
	buf_append(&whole, part, len);
	if (path == NULL || whole.oom)
		ret = err_set(e, ERR_LOCAL, "%s: out of memory", k->updates);
	else
		ret = file_write(path, whole.data, whole.len, 0600, e);
	buf_free(&whole);
	free(path);
	return ret;
}

int
keep_get(struct keep *k, uint64_t id, struct buf *out, struct err *e)
{
	char *path = doc_path(k, id);
	int ret;

	if (path == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", k->updates);
	ret = file_read(path, KEEP_DOC_MAX, out, e);
	free(path);
	return ret;
}

int
keep_remove(struct keep *k, uint64_t id, struct err *e)
{
	char *path = doc_path(k, id);
	int ret;

	if (path == NULL)
		return err_set(e, ERR_LOCAL, "%s: out of memory", k->updates);
	if (unlink(path) == 0)
		ret = file_sync_dir(k->updates, e);
	else
		ret = errno == ENOENT ? 0 : err_errno(e, ERR_LOCAL, "%s", path);
	free(path);
	return ret;
}

int
keep_get_seen(struct keep *k, int64_t *us, struct err *e)
{
	return seen_read(k->dir, us, e);
}

int
keep_put_seen(struct keep *k, int64_t us, struct err *e)
{
	return seen_write(k->dir, us, e);
}

static int
is_kept(const struct keep_state *s, uint64_t id)
{
	size_t i;

	for (i = 0; i < s->nkept; i++)
		if (s->kept[i].id == id)
			return 1;
	return 0;
}

/* Somebody's own file of another name is not ours to remove: the folder may
 * have been a game's before. */
static int
is_unfinished_doc(const char *name)
{
	const size_t len = strcspn(name, ".");
	uint64_t id;

	return num_parse(name, len, INT64_MAX, &id) == NUM_OK &&
	       file_is_unfinished(name, len);
}

void
keep_sweep(struct keep *k, const struct keep_state *s)
{
	DIR *folder = opendir(k->updates);
	const struct dirent *d;
	uint64_t id;

	while (folder != NULL && (d = readdir(folder)) != NULL)
		if (is_unfinished_doc(d->d_name) ||
		    (is_id(d->d_name, &id) && !is_kept(s, id)))
			unlinkat(dirfd(folder), d->d_name, 0);
	if (folder != NULL)
		closedir(folder);
	/* A state that was not finished has a name of its own. */
	folder = opendir(k->dir);
	while (folder != NULL && (d = readdir(folder)) != NULL)
		if (strncmp(d->d_name, "state", strlen("state")) == 0 &&
		    file_is_unfinished(d->d_name, strlen("state")))
			unlinkat(dirfd(folder), d->d_name, 0);
	if (folder != NULL)
		closedir(folder);
}
