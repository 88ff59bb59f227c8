/* Publishing to a place whose every step can fail. */

#include "pack/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/tap.h"

/* --- a place in memory -------------------------------------------------------
 */

enum fault {
	NO_FAULT,
	DIE,    /* the step is not done, and nothing after it either */
	BEFORE, /* the connection breaks before the step */
	AFTER,  /* the step is done, its answer is lost */
	STUCK,  /* as DIE; but what gives a name in release is done later */
};

struct entry {
	char path[256];
	int is_dir, used;
	uint8_t bytes[512];
	size_t len;
	int64_t mtime_us;
};

#define ENTRIES 64

struct place {
	struct entry entries[ENTRIES];
	int steps; /* so far */
	enum fault fault;
	int fault_at;
	int dead, broken;
	/* Of STUCK: what is done before this step of the next run. */
	struct store_step late;
	char late_paths[2][256];
	int late_at;
	int spoil;        /* so many uploads get a wrong byte */
	int no_overwrite; /* as a server that lets nothing be replaced */
	int no_resume;
	int bad;         /* what may never be seen was seen */
	int latest_seen; /* number of the latest document, goes up only */
	int full;        /* the disk is */
	int breaks_told; /* the connection breaks when we end a transfer */
	int breaks_then; /* and the connection breaks where it was spoilt */
	uint64_t hurry;  /* what was said of the next transfer */
	int hurried;     /* transfers of which it was true */
	int expected;    /* that one was expected behind steps */
	int says_md5;
	int cuts_put, cuts_get; /* each breaks at once, for so often */
	int cuts;               /* that did */
};

static struct entry *
find(struct place *p, const char *path)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++)
		if (p->entries[i].used && strcmp(p->entries[i].path, path) == 0)
			return &p->entries[i];
	return NULL;
}

static size_t
count_in(const struct place *p, const char *dir)
{
	size_t i, n = 0, len = strlen(dir);

	for (i = 0; i < ENTRIES; i++)
		n += p->entries[i].used &&
		     strncmp(p->entries[i].path, dir, len) == 0 &&
		     p->entries[i].path[len] == '/';
	return n;
}

static struct entry *
make(struct place *p, const char *path, int is_dir)
{
	char above[256];
	char *slash;
	size_t i;

	strcpy(above, path);
	slash = strrchr(above, '/');
	if (slash != NULL) {
		*slash = '\0';
		if (find(p, above) == NULL || !find(p, above)->is_dir)
			return NULL;
	}
	for (i = 0; i < ENTRIES; i++)
		if (!p->entries[i].used) {
			memset(&p->entries[i], 0, sizeof p->entries[i]);
			strcpy(p->entries[i].path, path);
			p->entries[i].is_dir = is_dir;
			p->entries[i].used = 1;
			return &p->entries[i];
		}
	abort();
}

static void
put_file(struct place *p, const char *path, const char *text)
{
	struct entry *f = find(p, path);

	if (f == NULL)
		f = make(p, path, 0);
	f->len = strlen(text);
	memcpy(f->bytes, text, f->len);
}

static int
holds(struct place *p, const char *path, const char *text)
{
	struct entry *f = find(p, path);

	return f != NULL && f->len == strlen(text) &&
	       memcmp(f->bytes, text, f->len) == 0;
}

#define TAR1 "the package of release one, which is whole"
#define TAR2 "release two, another package, and a longer one than that"
#define SIG1 "signature of one\n"
#define SIG2 "signature of two\n"
#define DOC1 "document of one\n"
#define DOC2 "document of two\n"
#define TAR3 TAR2 "; three goes on with it"
#define SIG3 "signature of three\n"
#define DOC3 "the document of release three\n"

struct release {
	const char *name, *tar, *sig_name, *sig, *doc_name, *doc;
};

#define RELEASES 3

static const struct release releases[RELEASES] = {
    {"release/game-1.tar", TAR1, "release/game-1.tar.sig", SIG1,
	"release/game-1.update", DOC1},
    {"release/game-2.tar", TAR2, "release/game-2.tar.sig", SIG2,
	"release/game-2.update", DOC2},
    {"release/game-3.tar", TAR3, "release/game-3.tar.sig", SIG3,
	"release/game-3.update", DOC3},
};

/* The number of the latest release; 0: there is none, -1: it is none of these.
 */
static int
latest_of(struct place *p)
{
	int i;

	for (i = 0; i < RELEASES; i++)
		if (holds(p, "release/game.latest", releases[i].doc))
			return i + 1;
	return find(p, "release/game.latest") != NULL ? -1 : 0;
}

/* What anybody may see at any time. */
static void
look(struct place *p)
{
	const struct release *r;
	int i, latest = latest_of(p);

	for (i = 0; i < RELEASES; i++) {
		r = &releases[i];
		if (find(p, r->name) != NULL &&
		    (!holds(p, r->name, r->tar) ||
			!holds(p, r->sig_name, r->sig)))
			p->bad++;
		if (find(p, r->doc_name) != NULL &&
		    !holds(p, r->doc_name, r->doc))
			p->bad++;
	}
	if (latest < p->latest_seen)
		p->bad++;
	if (latest > 1 &&
	    (!holds(p, releases[latest - 1].name, releases[latest - 1].tar) ||
		!holds(p, "release/game-1.update", DOC1)))
		p->bad++;
	p->latest_seen = latest;
}

static int
move_to(struct place *p, const char *from, const char *to)
{
	struct entry *f = find(p, from), *there = find(p, to);
	size_t i, len = strlen(from);
	char path[256];

	if (f == NULL)
		return 1;
	if (there != NULL && (there->is_dir != f->is_dir || p->no_overwrite ||
				 (there->is_dir && count_in(p, to) > 0)))
		return -1;
	if (there != NULL)
		there->used = 0;
	if (!make(p, to, f->is_dir))
		return -1;
	find(p, to)->used = 0;
	for (i = 0; i < ENTRIES; i++) {
		f = &p->entries[i];
		if (!f->used || strncmp(f->path, from, len) != 0 ||
		    (f->path[len] != '/' && f->path[len] != '\0'))
			continue;
		snprintf(path, sizeof path, "%s%s", to, f->path + len);
		strcpy(f->path, path);
	}
	return 0;
}

/* One elementary step is about to be done: 0 do it, 1 do it and lose the
 * answer, -1 do not. */
static int
step(struct place *p, struct err *e)
{
	int n = p->steps++;

	if (p->dead || p->broken)
		return err_set(e, ERR_PEER, "no connection");
	if (p->fault == NO_FAULT && p->late.path != NULL && n == p->late_at) {
		move_to(p, p->late.path, p->late.to);
		look(p);
	}
	if (p->fault == NO_FAULT || n != p->fault_at)
		return 0;
	if (p->fault == DIE || p->fault == STUCK)
		p->dead = 1;
	p->broken = 1;
	err_set(e, ERR_PEER, "it broke");
	return p->fault == AFTER ? 1 : -1;
}

static int
do_step(struct place *p, struct store_step *s)
{
	struct entry *f = find(p, s->path);

	s->result = f == NULL;
	switch (s->verb) {
	case STORE_MKDIR:
		s->result = f != NULL ? 1 : make(p, s->path, 1) ? 0 : -1;
		break;
	case STORE_RMDIR:
		if (f != NULL && (!f->is_dir || count_in(p, s->path) > 0))
			s->result = -1;
		else if (f != NULL)
			f->used = 0;
		break;
	case STORE_DELETE:
		if (f != NULL)
			f->used = 0;
		break;
	case STORE_RENAME:
		s->result = move_to(p, s->path, s->to);
		if (s->result < 0 && s->replace && find(p, s->to) != NULL &&
		    !find(p, s->to)->is_dir) {
			find(p, s->to)->used = 0;
			s->result = move_to(p, s->path, s->to);
		}
		break;
	case STORE_EXISTS:
		break;
	case STORE_SIZE:
		if (f != NULL && f->is_dir)
			s->result = 1;
		else if (f != NULL)
			s->size = f->len;
		break;
	}
	if (s->result != 0)
		err_set(&s->why, ERR_NO, "%s: refused", s->path);
	return 0;
}

/* The server has this, and is slow. */
static void
keep_late(struct place *p, const struct store_step *s)
{
	if (s->verb != STORE_RENAME || strncmp(s->to, "release/", 8) != 0)
		return;
	p->late.path = strcpy(p->late_paths[0], s->path);
	p->late.to = strcpy(p->late_paths[1], s->to);
}

static int
fake_run(void *impl, struct store_step *steps, size_t n, struct err *e)
{
	struct place *p = impl;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = step(p, e);
		if (r < 0 && p->fault == STUCK && p->late.path == NULL)
			keep_late(p, &steps[i]);
		if (r < 0)
			return -1;
		do_step(p, &steps[i]);
		look(p);
		if (r > 0)
			return -1;
	}
	return 0;
}

static int
fake_make_base(void *impl, struct err *e)
{
	struct place *p = impl;

	return p->broken ? err_set(e, ERR_PEER, "no connection") : 0;
}

/* In two halves, so that it can break in the middle. */
static int
fake_put(void *impl, const char *path, uint64_t from, int fd, uint64_t len,
    int (*moved)(void *arg, uint64_t so_far, struct err *e), void *arg,
    struct err *e)
{
	struct place *p = impl;
	struct entry *f = find(p, path);
	uint64_t ends[2];
	ssize_t n;
	int i, r;

	if (from > 0 && p->no_resume)
		return 1;
	if (f != NULL && from == 0 && p->no_overwrite)
		return err_set(e, ERR_DENIED, "it is there already");
	if (f == NULL)
		f = make(p, path, 0);
	if (f == NULL)
		return err_set(e, ERR_NO, "no folder for it");
	if (from == 0)
		f->len = 0;
	if (p->cuts < p->cuts_put) {
		p->cuts++;
		p->broken = 1;
		moved(arg, len, e);
		return err_set(e, ERR_PEER, "cut");
	}
	ends[0] = from + (len - from) / 2;
	ends[1] = len;
	for (i = 0; i < 2; i++) {
		r = step(p, e);
		if (r < 0)
			return -1;
		if (p->full)
			return err_set(e, ERR_LOCAL, "the disk is full");
		n = pread(fd, f->bytes + f->len, ends[i] - f->len,
		    (off_t)f->len);
		if (n != (ssize_t)(ends[i] - f->len))
			abort();
		f->len = ends[i];
		if (moved != NULL && moved(arg, f->len, e) != 0) {
			p->broken |= p->breaks_told;
			return -1;
		}
		look(p);
		if (r > 0)
			return -1;
	}
	if (p->spoil > 0) {
		p->spoil--;
		f->bytes[0] ^= 1;
		p->broken |= p->breaks_then;
	}
	p->hurried += p->hurry == len;
	p->hurry = 0;
	return 0;
}

static int
fake_get(void *impl, const char *path, uint64_t max,
    int (*sink)(void *arg, const void *b, size_t n, struct err *e), void *arg,
    struct err *e)
{
	struct place *p = impl;
	struct entry *f = find(p, path);
	int r = step(p, e);

	if (r < 0)
		return -1;
	if (f == NULL)
		return 1;
	if (f->len > max)
		return err_set(e, ERR_NO, "too long");
	if (p->cuts < p->cuts_get) {
		p->cuts++;
		p->broken = 1;
		sink(arg, f->bytes, 1, e);
		return err_set(e, ERR_PEER, "cut");
	}
	p->hurried += p->hurry == f->len;
	p->hurry = 0;
	if (sink(arg, f->bytes, f->len, e) != 0) {
		p->broken |= p->breaks_told;
		return -1;
	}
	return r > 0 ? -1 : 0;
}

static int
fake_names(void *impl, const char *dir,
    int (*each)(void *arg, const char *name), void *arg, struct err *e)
{
	struct place *p = impl;
	size_t i, len = strlen(dir);
	const char *name;
	int any = 0;

	if (step(p, e) != 0)
		return -1;
	for (i = 0; i < ENTRIES; i++) {
		name = p->entries[i].path;
		if (!p->entries[i].used || strncmp(name, dir, len) != 0 ||
		    name[len] != '/' || strchr(name + len + 1, '/') != NULL)
			continue;
		any = 1;
		if (each(arg, name + len + 1) != 0)
			break;
	}
	return !any;
}

static int
fake_mtime(void *impl, const char *path, int64_t *us, struct err *e)
{
	struct entry *f = find(impl, path);

	(void)e;
	if (f == NULL || f->mtime_us == 0)
		return 1;
	*us = f->mtime_us;
	return 0;
}

static int
fake_md5(void *impl, const char *path, uint8_t out[MD5_SIZE], struct err *e)
{
	struct place *p = impl;
	struct entry *f = find(impl, path);

	(void)e;
	if (!p->says_md5 || f == NULL)
		return 1;
	md5(out, f->bytes, f->len);
	return 0;
}

static int
fake_reopen(void *impl, struct err *e)
{
	struct place *p = impl;

	if (p->dead)
		return err_set(e, ERR_PEER, "dead");
	p->broken = 0;
	return 0;
}

static void
fake_leave(void *impl)
{
	(void)impl;
}

static void
fake_expect(void *impl)
{
	struct place *p = impl;

	p->expected++;
}

static void
fake_hurry(void *impl, uint64_t len)
{
	struct place *p = impl;

	p->hurry = len;
}

static void
fake_close(void *impl)
{
	(void)impl;
}

static const struct store_ops fake_ops = {fake_reopen, NULL, fake_run,
    fake_make_base, fake_put, fake_get, fake_names, fake_mtime, fake_md5,
    fake_expect, fake_hurry, fake_leave, fake_close};

/* --- publishers
 * ----------------------------------------------------------------
 */

#define NOW INT64_C(1795342500000000)

static char notes[4096];

static void
on_note(void *arg, const char *text)
{
	(void)arg;
	if (strlen(notes) + strlen(text) + 2 < sizeof notes)
		strcat(strcat(notes, text), "\n");
}

static void
no_pause(void *arg, int64_t ms)
{
	(void)arg;
	(void)ms;
}

/* The id of a process that was, and is no more. */
static long
dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return (long)pid;
}

static FILE *
file_of(const char *text)
{
	FILE *f = tmpfile();

	if (f == NULL || file_write_all(fileno(f), text, strlen(text)) != 0)
		abort();
	return f;
}

static struct publish_file
package(FILE *f, const char *name, const char *tar, const char *sig)
{
	struct publish_file p = {.part = "game.part",
	    .name = name,
	    .fd = fileno(f),
	    .len = strlen(tar),
	    .sig = sig,
	    .sig_len = strlen(sig)};

	md5(p.md5, tar, strlen(tar));
	sha512(p.sha512, tar, strlen(tar));
	return p;
}

/* A package that somebody looks into while it is sent. */
struct late {
	struct publish_file known;
	int asks; /* before the answer, but for who waits */
	int is_bad;
	int told; /* answers */
};

static int
late_check(void *arg, struct publish_file *f, int wait, struct err *e)
{
	struct late *l = arg;

	if (!wait && l->asks-- > 0)
		return 1;
	l->told++;
	if (l->is_bad)
		/* Whatever kind it is of, it is no broken connection. */
		return err_set(e, ERR_PEER, "looked into, and bad");
	*f = l->known;
	return 0;
}

/* The same package, of which nothing else is known yet. */
static struct publish_file
later(struct late *l, const struct publish_file *f)
{
	const struct publish_file p = {.part = f->part,
	    .name = f->name,
	    .fd = f->fd,
	    .len = f->len,
	    .check = late_check,
	    .arg = l};

	l->known = *f;
	return p;
}

static struct publish_config
config_of(struct store *s, const struct lock_self *self)
{
	const struct publish_config c = {.store = s,
	    .self = self,
	    .latest = "game.latest",
	    .now_us = NOW,
	    .tries = 3,
	    .note = on_note,
	    .pause = no_pause};

	notes[0] = '\0';
	return c;
}

/* The document of what was the latest before stays. 0 or -1. */
static int
keep_before(struct publish *p, const struct release *r, struct err *e)
{
	struct buf old = BUF_INIT;
	int i, ret = publish_read(p, "game.latest", 64, &old, e);

	for (i = 0; ret == 0 && i < RELEASES; i++)
		/* The second run after one that was killed late. */
		if (&releases[i] != r && old.len == strlen(releases[i].doc) &&
		    memcmp(old.data, releases[i].doc, old.len) == 0)
			ret = publish_write(p,
			    releases[i].doc_name + strlen("release/"), old.data,
			    old.len, e);
	buf_free(&old);
	return ret < 0 ? -1 : 0;
}

/* A release, over the one before. 0 or -1. die: leave everything as it is
 * then. */
static int
publish_one(struct store *s, const struct lock_self *self,
    const struct release *r, int die, struct publish_outcome *out,
    struct err *e)
{
	struct publish_config c = config_of(s, self);
	FILE *tar = file_of(r->tar);
	struct publish_file f =
	    package(tar, r->name + strlen("release/"), r->tar, r->sig);
	struct late late = {.asks = 1000};
	struct publish *p;
	int ret = -1, busy;

	f = later(&late, &f);
	c.name = f.name;
	c.part = f.part;
	p = publish_open(&c, &busy, e);
	if (p == NULL)
		goto out;
	if (publish_package(p, &f, out, e) != 0 || keep_before(p, r, e) != 0 ||
	    publish_write(p, "game.latest", r->doc, strlen(r->doc), e) != 0)
		goto out;
	ret = 0;
out:
	if (die && ret != 0)
		publish_abandon(p);
	else if (publish_close(p, ret == 0 ? e : NULL) != 0)
		ret = -1;
	fclose(tar);
	return ret;
}

/* Release two, over one. */
static int
publish_two(struct store *s, const struct lock_self *self, int die,
    struct publish_outcome *out, struct err *e)
{
	return publish_one(s, self, &releases[1], die, out, e);
}

/* Where release one is out. */
static void
set_up(struct place *p)
{
	memset(p, 0, sizeof *p);
	make(p, "staging", 1);
	make(p, "release", 1);
	put_file(p, "release/game-1.tar", TAR1);
	put_file(p, "release/game-1.tar.sig", SIG1);
	put_file(p, "release/game.latest", DOC1);
	look(p);
}

/* Nothing is left; but for the empty remains of a run that was killed before it
 * had the lock. */
static int
is_clean(struct place *p)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++)
		if (p->entries[i].used &&
		    (strncmp(p->entries[i].path, ".lock", 5) == 0 ||
			(strncmp(p->entries[i].path, "staging/", 8) == 0 &&
			    strncmp(p->entries[i].path, "staging/lock-", 13) !=
				0))) {
			printf("# left: %s\n", p->entries[i].path);
			return 0;
		}
	return 1;
}

/* All is there, nothing is left. */
static int
is_done(struct place *p)
{
	return is_clean(p) && p->bad == 0 &&
	       holds(p, "release/game-2.tar", TAR2) &&
	       holds(p, "release/game-2.tar.sig", SIG2) &&
	       holds(p, "release/game.latest", DOC2) &&
	       holds(p, "release/game-1.update", DOC1) &&
	       holds(p, "release/game-1.tar", TAR1);
}

/* A run that fails at each step in turn, then another one. */
static void
test_faults(const char *what, enum fault fault, int no_overwrite, int no_resume)
{
	struct lock_self self, gone;
	struct publish_outcome out;
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	int n, failed = 0, unrepaired = 0, seen = 0;
	struct err e;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	gone = self;
	gone.pid = dead_pid();
	for (n = 0;; n++) {
		set_up(&p);
		p.fault = fault;
		p.fault_at = n;
		p.no_overwrite = no_overwrite;
		p.no_resume = no_resume;
		if (publish_two(s, &gone, fault == DIE, &out, &e) != 0) {
			failed++;
			if (fault != DIE)
				printf("# at %d: %s\n", n, e.text);
		}
		if (p.steps <= n)
			break;
		p.fault = NO_FAULT;
		p.dead = p.broken = 0;
		if (fault == DIE && publish_two(s, &self, 0, &out, &e) != 0) {
			printf("# again at %d: %s\n", n, e.text);
			unrepaired++;
		} else if (!is_done(&p)) {
			printf("# at %d it is not as it should be\n", n);
			unrepaired++;
		}
		seen += p.bad;
	}
	if (fault == DIE)
		OK(failed == n, "%s at each of %d steps ends it", what, n);
	else
		OK(failed == 0, "%s at each of %d steps is overcome", what, n);
	IS(unrepaired, 0, "and in the end all is as it should be");
	/* A server that cannot replace shows none for a moment. */
	if (!no_overwrite)
		IS(seen, 0, "nobody ever saw what is partial or unsigned");
	store_close(s);
}

/* A run is killed at each step that gives a name in release, and the server
 * does that one before each step of the next run, or after all of it. */
static void
test_late(const char *what, const struct release *r)
{
	struct lock_self self, gone;
	struct publish_outcome out;
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	int n, at, stuck = 0, done = 0, wrong = 0, steps = 1;
	struct err e;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	gone = self;
	gone.pid = dead_pid();
	for (n = 0; steps > 0; n++) {
		for (at = 0; at <= steps; at++) {
			set_up(&p);
			p.fault = STUCK;
			p.fault_at = n;
			if (publish_two(s, &gone, 1, &out, &e) == 0)
				steps = -1;
			if (p.late.path == NULL)
				break;
			p.fault = NO_FAULT;
			p.late_at = at;
			p.dead = p.broken = p.steps = 0;
			if (publish_one(s, &self, r, 0, &out, &e) != 0) {
				printf("# %d, %d: %s\n", n, at, e.text);
				wrong++;
			}
			steps = p.steps;
			if (at == steps)
				move_to(&p, p.late.path, p.late.to);
			look(&p);
			done++;
			if (p.bad == 0 && is_clean(&p) &&
			    latest_of(&p) == (int)(r - releases) + 1)
				continue;
			printf("# %s at %d: it is not as it should be\n",
			    p.late.to, at);
			wrong++;
		}
		stuck += p.late.path != NULL;
	}
	IS(stuck, 4, "four names are given");
	OK(done > 4 * 20, "late ones come at %d instants", done);
	OK(wrong == 0, "which harms nobody %s", what);
	store_close(s);
}

static void
test_refusals(void)
{
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	struct publish_outcome out;
	struct lock_self self;
	struct err e;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	set_up(&p);
	put_file(&p, "release/game-2.tar", "another package of that name");
	IS(publish_two(s, &self, 0, &out, &e), -1, "a release that is there");
	IS(e.kind, ERR_NO, "with other bytes is refused");
	OK(strncmp(e.text, "release exists", 14) == 0, "as that");
	OK(holds(&p, "release/game-2.tar", "another package of that name"),
	    "and stays as it is");
	OK(find(&p, ".lock") == NULL, "the lock is gone");

	set_up(&p);
	put_file(&p, "release/game-2.tar",
	    "release two, another package, and a longer one than thaT");
	IS(publish_two(s, &self, 0, &out, &e), -1, "as long, but not equal");
	OK(strncmp(e.text, "release exists", 14) == 0, "is refused too");

	set_up(&p);
	IS(publish_two(s, &self, 0, &out, &e), 0, "release two comes");
	IS(out.was_there, 0, "it was not there");
	IS(out.sent, strlen(TAR2), "it was sent once");
	IS(p.hurried, 4 + 4, "no upload and no copy waits for the last word");
	IS(p.expected, 3, "three of them have their port in time");
	IS(publish_two(s, &self, 0, &out, &e), 0, "once more the same");
	IS(out.was_there, 1, "it was there");
	IS(out.sent, 0, "and is not sent again");

	set_up(&p);
	put_file(&p, "staging/game.part", TAR2);
	IS(publish_two(s, &self, 0, &out, &e), 0, "all of it is staged");
	IS(out.sent, 0, "so nothing is sent");

	set_up(&p);
	put_file(&p, "staging/game.part", "release two,");
	IS(publish_two(s, &self, 0, &out, &e), 0, "a part of it is staged");
	IS(out.sent, strlen(TAR2) - 12, "so the rest is sent");

	set_up(&p);
	put_file(&p, "staging/game.part", "of another");
	IS(publish_two(s, &self, 0, &out, &e), 0, "a part of another");
	OK(is_done(&p) && out.sent == 2 * strlen(TAR2) - 10,
	    "is gone on with, found out and begun anew");

	set_up(&p);
	put_file(&p, "staging/game.part", TAR2 "and then some");
	IS(publish_two(s, &self, 0, &out, &e), 0, "too long a part");
	OK(is_done(&p) && out.sent == strlen(TAR2) &&
		strstr(notes, "not equal") == NULL,
	    "is begun anew at once");

	set_up(&p);
	p.spoil = 1;
	IS(publish_two(s, &self, 0, &out, &e), -1, "a copy that is not equal");
	IS(e.kind, ERR_NO, "ends it");
	OK(strstr(e.text, "MD5") != NULL, "with both digests");
	OK(find(&p, "staging/game.part") == NULL, "it is deleted");
	OK(find(&p, "release/game-2.tar") == NULL && p.bad == 0,
	    "and never had its name");

	set_up(&p);
	p.spoil = p.breaks_then = 1;
	IS(publish_two(s, &self, 0, &out, &e), 0, "a copy that is not equal");
	OK(is_done(&p) && out.sent == 2 * strlen(TAR2),
	    "of a connection that broke is sent once more");

	set_up(&p);
	p.full = 1;
	IS(publish_two(s, &self, 0, &out, &e), -1, "a full disk there");
	IS(e.kind, ERR_LOCAL, "is told as that, at once");
	store_close(s);
}

/* MD5 is no proof: the bytes themselves are compared. */
static void
test_same_md5(void)
{
	static const char like[] =
	    "release two, another package, and a longer one than thaT";
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	struct publish_config c;
	struct publish_outcome out;
	struct lock_self self;
	FILE *tar = file_of(TAR2);
	struct publish_file f = package(tar, "game-2.tar", TAR2, SIG2);
	struct publish *u;
	struct err e;
	int busy;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	set_up(&p);
	put_file(&p, "release/game-2.tar", like);
	md5(f.md5, like, strlen(like)); /* as if both had this one */
	c = config_of(s, &self);
	u = publish_open(&c, &busy, &e);
	IS(publish_package(u, &f, &out, &e), -1, "other bytes of the same MD5");
	OK(strstr(e.text, "(but other bytes)") != NULL, "are found: %s",
	    e.text);
	publish_close(u, &e);
	fclose(tar);
	store_close(s);
}

/* A place that breaks at the same byte each time. */
static void
test_no_progress(void)
{
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	struct publish_outcome out;
	struct lock_self self;
	struct err e;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	set_up(&p);
	p.cuts_put = 100;
	IS(publish_two(s, &self, 0, &out, &e), -1,
	    "what is sent and never there");
	IS(p.cuts, 4, "is sent as often as was said");
	set_up(&p);
	p.cuts = 0;
	p.cuts_get = 100;
	IS(publish_two(s, &self, 0, &out, &e), -1,
	    "what is never read back further than once");
	IS(p.cuts, 4, "is read as often");
	store_close(s);
}

/* A package that is bad, which is known after so many asks: it leaves nothing,
 * and is not sent again. */
static void
test_bad(int asks, const char *what, int readback, int there)
{
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	struct late late = {.asks = asks, .is_bad = 1};
	FILE *tar = file_of(TAR2);
	struct publish_file f = package(tar, "game-2.tar", TAR2, SIG2);
	struct publish_config c;
	struct publish_outcome out;
	struct lock_self self;
	struct publish *u;
	struct err e;
	int busy;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	set_up(&p);
	p.says_md5 = !readback;
	if (there)
		put_file(&p, "release/game-2.tar", TAR2);
	c = config_of(s, &self);
	c.no_readback = !readback;
	f = later(&late, &f);
	u = publish_open(&c, &busy, &e);
	p.breaks_told = 1;
	OK(publish_package(u, &f, &out, &e) == -1, "bad %s", what);
	OK(strstr(e.text, "looked into, and bad") != NULL, "told as that: %s",
	    e.text);
	IS(late.told, 1, "asked until there is an answer");
	OK(asks >= 2 || p.hurried == 0, "and nothing more is sent then");
	OK(find(&p, "staging/game.part") == NULL, "what is staged is gone");
	OK(find(&p, "release/game-2.tar.sig") == NULL &&
		(find(&p, "release/game-2.tar") != NULL) == there,
	    "nothing gets a name");
	IS(notes[0], '\0', "nothing is tried again");
	IS(publish_close(u, &e), 0, "and the lock is given back");
	OK(find(&p, ".lock") == NULL, "which is gone");
	fclose(tar);
	store_close(s);
}

static void
test_digest_there(void)
{
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	struct publish_config c;
	struct publish_outcome out;
	struct lock_self self;
	FILE *tar = file_of(TAR2);
	struct publish_file f = package(tar, "game-2.tar", TAR2, SIG2);
	struct publish *u;
	struct err e;
	int busy;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	set_up(&p);
	p.says_md5 = 1;
	c = config_of(s, &self);
	c.no_readback = 1;
	u = publish_open(&c, &busy, &e);
	IS(publish_package(u, &f, &out, &e), 0, "without reading back");
	IS(out.by_place, 1, "the place's own digest serves");
	publish_close(u, &e);
	set_up(&p);
	p.says_md5 = 1;
	p.spoil = 1;
	u = publish_open(&c, &busy, &e);
	IS(publish_package(u, &f, &out, &e), -1, "where it is another");
	IS(e.kind, ERR_NO, "that ends it");
	publish_close(u, &e);
	set_up(&p);
	u = publish_open(&c, &busy, &e);
	IS(publish_package(u, &f, &out, &e), 0, "where there is none");
	IS(out.by_place, 0, "the copy is read back all the same");
	f.len++;
	IS(publish_check(u, &f, &e), -1, "a package is found not to be whole");
	f.len--;
	IS(publish_check(u, &f, &e), 0, "or to be");
	f.sha512[0] ^= 1;
	IS(publish_check(u, &f, &e), -1, "by its SHA-512 too");
	f.name = "game-3.tar";
	IS(publish_check(u, &f, &e), -1, "or to be gone");
	IS(e.kind, ERR_NO, "as that");
	publish_close(u, &e);
	fclose(tar);
	store_close(s);
}

static void
test_lock(void)
{
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	struct publish_config c, later;
	struct lock_self self, there, gone;
	struct publish *a, *b;
	struct err e;
	int busy;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	there = gone = self;
	strcpy(there.host, "elsewhere");
	strcpy(there.machine, "0123456789abcdef");
	gone.pid = dead_pid();

	set_up(&p);
	c = config_of(s, &there);
	a = publish_open(&c, &busy, &e);
	OK(a != NULL, "one has the lock");
	IS(count_in(&p, ".lock"), 1, "its name is in it");
	IS(count_in(&p, "staging"), 0, "and nowhere else");
	c = config_of(s, &self);
	c.now_us += INT64_C(90) * 1000000;
	b = publish_open(&c, &busy, &e);
	OK(b == NULL && busy, "another finds it busy");
	IS(e.kind, ERR_PEER, "as a peer that is");
	OK(strstr(e.text, "elsewhere") != NULL &&
		strstr(e.text, "90 s") != NULL,
	    "and is told by whom, and for how long: %s", e.text);
	IS(count_in(&p, "staging"), 0, "it leaves nothing behind");
	c.break_lock = 1;
	b = publish_open(&c, &busy, &e);
	OK(b == NULL && busy, "a young lock is not broken");
	later = c;
	later.now_us += 2 * LOCK_STALE_US;
	later.break_lock = 0;
	b = publish_open(&later, &busy, &e);
	OK(b == NULL && strstr(e.text, "--break-lock") != NULL,
	    "an old one neither, unasked");
	later.break_lock = 1;
	b = publish_open(&later, &busy, &e);
	OK(b != NULL && strstr(notes, "broke") != NULL, "but when asked");
	IS(publish_write(a, "game.latest", DOC2, strlen(DOC2), &e), -1,
	    "who lost it releases nothing");
	OK(strstr(e.text, "taken the lock") != NULL, "and is told so");
	publish_close(a, &e);
	IS(count_in(&p, ".lock"), 1, "nor takes it from its new owner");
	IS(publish_close(b, &e), 0, "who gives it back");
	OK(find(&p, ".lock") == NULL, "then it is gone");
	IS(count_in(&p, "staging"), 0, "with all that belongs to it");

	set_up(&p);
	c = config_of(s, &gone);
	publish_abandon(publish_open(&c, &busy, &e));
	IS(count_in(&p, ".lock"), 1, "one was killed");
	c = config_of(s, &self);
	a = publish_open(&c, &busy, &e);
	OK(a != NULL && strstr(notes, "is gone") != NULL,
	    "the next of this machine takes it over at once");
	publish_close(a, &e);
	OK(find(&p, ".lock") == NULL, "and gives it back");

	set_up(&p);
	make(&p, ".lock", 1)->mtime_us = NOW - INT64_C(300) * 1000000;
	c = config_of(s, &self);
	a = publish_open(&c, &busy, &e);
	OK(a == NULL && busy && strstr(e.text, "5 min") != NULL,
	    "a lock of nobody knows whom counts: %s", e.text);
	OK(find(&p, ".lock") != NULL, "and stays");
	find(&p, ".lock")->mtime_us = NOW - 2 * LOCK_STALE_US;
	c.break_lock = 1;
	a = publish_open(&c, &busy, &e);
	OK(a != NULL, "until it is old, and may be broken");
	publish_close(a, &e);
	OK(find(&p, ".lock") == NULL, "then it is gone");
	store_close(s);
}

#define RUN "0123456789abcdef"

/* What a run left in staging that did not get as far as to put it aside. */
static void
leave_remains(struct place *p)
{
	put_file(p, "staging/game.part-" RUN, "release two,");
	put_file(p, "staging/game.latest.new-" RUN, DOC2);
	put_file(p, "staging/other.part-" RUN, "of another name");
	/* Others' own. */
	put_file(p, "staging/other.full.part", "put aside");
	put_file(p, "staging/notes-" RUN, "of somebody");
	put_file(p, "staging/b c.new-" RUN, "not a name of ours");
	put_file(p, "staging/game.new-0123456789ABCDEF", "nor this");
	put_file(p, "staging/.new-" RUN, "nor this");
}

#define OF_OTHERS 5

static void
test_remains(void)
{
	static struct place p;
	struct store *s = store_new(&fake_ops, &p);
	struct publish_config c;
	struct publish_outcome out;
	struct lock_self self, there, gone;
	struct publish *u;
	struct err e;
	int busy, i, steps = 1, unswept = 0, resent;

	if (s == NULL || lock_self_get(&self, &e) != 0)
		abort();
	there = gone = self;
	strcpy(there.machine, "0123456789abcdef");
	gone.pid = dead_pid();

	set_up(&p);
	c = config_of(s, &gone);
	publish_abandon(publish_open(&c, &busy, &e));
	leave_remains(&p);
	IS(publish_two(s, &self, 0, &out, &e), 0, "after a run that is gone");
	IS(out.sent, strlen(TAR2) - 12, "its package is gone on with");
	OK(holds(&p, "staging/other.part", "of another name"),
	    "one of another name may be, too");
	OK(find(&p, "staging/game.latest.new-" RUN) == NULL,
	    "its documents are removed");
	IS(count_in(&p, "staging"), OF_OTHERS + 1, "and nothing else is");

	set_up(&p);
	c = config_of(s, &there);
	publish_abandon(publish_open(&c, &busy, &e));
	leave_remains(&p);
	c = config_of(s, &self);
	c.break_lock = 1;
	c.now_us += LOCK_STALE_US;
	u = publish_open(&c, &busy, &e);
	OK(u != NULL, "a lock is broken");
	IS(count_in(&p, "staging"), OF_OTHERS,
	    "what somebody may be writing to is gone on with by nobody");
	publish_close(u, &e);

	/* The connection breaks at each step of taking it over. */
	for (i = 0; i < 2 * steps; i++) {
		set_up(&p);
		c = config_of(s, &gone);
		publish_abandon(publish_open(&c, &busy, &e));
		leave_remains(&p);
		p.steps = 0;
		p.fault = i % 2 == 0 ? BEFORE : AFTER;
		p.fault_at = i / 2;
		c = config_of(s, &self);
		u = publish_open(&c, &busy, &e);
		unswept += u == NULL || find(&p, "staging/game.part") == NULL ||
			   find(&p, "staging/game.latest.new-" RUN) != NULL;
		p.fault = NO_FAULT;
		steps = p.steps;
		publish_close(u, &e);
	}
	OK(i > 20 && unswept == 0, "swept, whatever of %d steps breaks", i / 2);

	for (i = 0, resent = 0; i == 0 || i < p.steps; i++) {
		set_up(&p);
		put_file(&p, "staging/game.part", "release two,");
		p.fault = AFTER;
		p.fault_at = i;
		resent += publish_two(s, &self, 0, &out, &e) != 0 ||
			  out.sent > strlen(TAR2) - 12;
	}
	IS(resent, 0, "what was put aside is gone on with, whatever breaks");

	set_up(&p);
	p.full = 1;
	publish_two(s, &self, 0, &out, &e);
	OK(find(&p, "staging/game.part") != NULL &&
		count_in(&p, "staging") == 1,
	    "who fails puts the package aside");
	set_up(&p);
	p.full = 1;
	c = config_of(s, &self);
	u = publish_open(&c, &busy, &e);
	IS(publish_write(u, "game.latest", DOC2, strlen(DOC2), &e), -1,
	    "who fails with a document");
	IS(count_in(&p, "staging"), 1, "has it there");
	IS(publish_close(u, &e), 0, "and when it goes");
	IS(count_in(&p, "staging"), 0, "removes it");
	store_close(s);
}

int
main(void)
{
	test_faults("a death", DIE, 0, 0);
	test_faults("a death, nothing to be replaced,", DIE, 1, 1);
	test_faults("a break before", BEFORE, 0, 0);
	test_faults("a break before, no resuming,", BEFORE, 0, 1);
	test_faults("a break after", AFTER, 0, 0);
	test_faults("a break after, nothing to be replaced,", AFTER, 1, 0);
	test_late("where the next run does the same", &releases[1]);
	test_late("where it makes another release", &releases[2]);
	test_remains();
	test_refusals();
	test_same_md5();
	test_no_progress();
	test_bad(0, "at the first bytes", 1, 0);
	test_bad(1, "at the last ones", 1, 0);
	test_bad(2, "while it is read back", 1, 0);
	test_bad(1000, "when all was read", 1, 0);
	test_bad(1000, "where the place tells digests", 0, 0);
	test_bad(1000, "where its name is taken", 1, 1);
	test_digest_there();
	test_lock();
	return tap_done();
}
