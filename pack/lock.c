/* The lock of a place that releases are published to. */

#include "pack/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/num.h"
#include "base/random.h"
#include "base/text.h"
#include "base/timetext.h"
#include "crypto/sha512.h"

#define SHORT_TIME 17
#define ASIDE      "lock-" /* begins the name in staging */
#define SHOWN      96      /* of a name from there, in a message */

/* --- who we are ------------------------------------------------------------
 */

/* What a file of the kernel says; nothing where there is none. */
static void
add_file(struct sha512 *h, const char *path)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, text, sizeof text);
	if (n > 0)
		sha512_update(h, text, (size_t)n);
	close(fd);
}

int
lock_self_get(struct lock_self *out, struct err *e)
{
	char name[256] = "", link[64];
	uint8_t digest[SHA512_SIZE];
	struct sha512 h;
	ssize_t n;
	size_t i;

	if (gethostname(name, sizeof name - 1) != 0)
		return err_errno(e, ERR_LOCAL, "the machine's name");
	sha512_init(&h);
	sha512_update(&h, name, strlen(name));
	/* Names are alike in many places, and containers of one machine do not
	 * see each other's processes. */
	add_file(&h, "/proc/sys/kernel/random/boot_id");
	n = readlink("/proc/self/ns/pid", link, sizeof link);
	if (n > 0)
		sha512_update(&h, link, (size_t)n);
	sha512_final(digest, &h);
	hex_encode(out->machine, digest, LOCK_MACHINE / 2);
	for (i = 0; i < LOCK_HOST && name[i] != '\0'; i++)
		out->host[i] = (name[i] >= 'a' && name[i] <= 'z') ||
				       (name[i] >= 'A' && name[i] <= 'Z') ||
				       (name[i] >= '0' && name[i] <= '9') ||
				       name[i] == '.'
				   ? name[i]
				   : '_';
	out->host[i] = '\0';
	out->pid = (long)getpid();
	return 0;
}

/* "20261122T101500Z", and back. */
static void
short_time(char out[SHORT_TIME], int64_t us)
{
	char text[TIMETEXT_SIZE];

	timetext_format(us, text);
	snprintf(out, SHORT_TIME, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", text, text + 5,
	    text + 8, text + 11, text + 14, text + 17);
}

static int
parse_short_time(int64_t *us, const char *s)
{
	char text[TIMETEXT_SIZE];

	if (strlen(s) != SHORT_TIME - 1)
		return -1;
	snprintf(text, sizeof text, "%.4s-%.2s-%.5s:%.2s:%.3s", s, s + 4, s + 6,
	    s + 11, s + 13);
	return timetext_parse(text, strlen(text), us);
}

int
lock_init(struct lock *l, const struct lock_self *self, int64_t now_us,
    struct err *e)
{
	uint8_t bytes[LOCK_RUN / 2];
	char when[SHORT_TIME];

	if (random_bytes(bytes, sizeof bytes) != 0)
		return err_errno(e, ERR_LOCAL, "random bytes");
	short_time(when, now_us);
	l->before = LOCK_NOBODY;
	snprintf(l->id, sizeof l->id, "%s-%ld-%s-%s-%s", self->host, self->pid,
	    when, self->machine, hex_encode(l->run, bytes, sizeof bytes));
	snprintf(l->aside, sizeof l->aside, "%s/" ASIDE "%s", LOCK_STAGING,
	    l->id);
	snprintf(l->inside, sizeof l->inside, "%s/%s", LOCK_DIR, l->id);
	return 0;
}

/* --- who they are ----------------------------------------------------------
 */

/* An owner's name taken apart; the texts are in name. */
struct owner {
	char name[LOCK_ID];
	const char *host, *machine;
	long pid;
	int64_t since_us; /* 0: not told */
};

/* The last part of a name, cut off; NULL when there is but one. */
static char *
cut_last(char *name)
{
	char *dash = strrchr(name, '-');

	if (dash == NULL)
		return NULL;
	*dash = '\0';
	return dash + 1;
}

static int
parse_owner(struct owner *o, const char *name)
{
	const char *random, *machine, *since, *pid;
	uint64_t n;

	if (strlen(name) >= sizeof o->name)
		return -1;
	strcpy(o->name, name);
	random = cut_last(o->name);
	machine = random != NULL ? cut_last(o->name) : NULL;
	since = machine != NULL ? cut_last(o->name) : NULL;
	pid = since != NULL ? cut_last(o->name) : NULL;
	if (pid == NULL || strlen(machine) != LOCK_MACHINE ||
	    num_parse(pid, strlen(pid), INT32_MAX, &n) != NUM_OK || n == 0 ||
	    parse_short_time(&o->since_us, since) != 0 ||
	    !text_is_clean(o->name, strlen(o->name)))
		return -1;
	o->host = o->name;
	o->machine = machine;
	o->pid = (long)n;
	return 0;
}

/* 1: of this machine, and no such process is there any more. */
static int
is_gone(const struct owner *o, const struct lock_self *self)
{
	return strcmp(o->machine, self->machine) == 0 && o->pid != self->pid &&
	       kill((pid_t)o->pid, 0) != 0 && errno == ESRCH;
}

/* What is found in a lock that is taken. */
struct finding {
	const struct lock_self *self;
	size_t n;            /* names in it */
	char gone[LOCK_ID];  /* an owner that is gone; "": none */
	char other[LOCK_ID]; /* one that is not, or nobody knows; "": none */
	struct owner owner;  /* of other, else of gone */
	int is_known;        /* owner is filled */
};

static int
on_owner(void *arg, const char *name)
{
	struct finding *f = arg;
	struct owner o;
	int known = parse_owner(&o, name) == 0;

	f->n++;
	if (known && is_gone(&o, f->self)) {
		strcpy(f->gone, name);
	} else {
		snprintf(f->other, sizeof f->other, "%s", name);
		f->is_known = 0;
	}
	if (known && (f->other[0] == '\0' || strcmp(name, f->other) == 0)) {
		/* The pointers move along with their text. */
		f->owner.since_us = o.since_us;
		f->owner.pid = o.pid;
		snprintf(f->owner.name, sizeof f->owner.name, "%s", o.host);
		f->is_known = 1;
	}
	/* One that lives is enough. */
	return f->other[0] != '\0';
}

static void
format_age(char *out, size_t size, int64_t us)
{
	int64_t s = us / 1000000;

	if (s < 120)
		snprintf(out, size, "%" PRId64 " s", s);
	else if (s < 7200)
		snprintf(out, size, "%" PRId64 " min", s / 60);
	else
		snprintf(out, size, "%" PRId64 " h", s / 3600);
}

/* "HOST, process PID, since TIME (AGE)"; *age_us is -1 where nobody knows. */
static int
describe(const struct finding *f, struct store *s, int64_t now_us,
    char out[LOCK_TEXT], int64_t *age_us, struct err *e)
{
	char when[TIMETEXT_SIZE], age[32], who[SHOWN + 48] = "somebody";
	int64_t since_us = f->owner.since_us;
	int told = f->is_known ? 0 : store_mtime(s, LOCK_DIR, &since_us, e);
	char shown[SHOWN];

	if (told < 0)
		return -1;
	if (f->is_known)
		snprintf(who, sizeof who, "%s, process %ld",
		    text_escape(shown, sizeof shown, f->owner.name,
			strlen(f->owner.name), 0),
		    f->owner.pid);
	else if (f->n > 0 && f->other[0] != '\0')
		snprintf(who, sizeof who, "%s",
		    text_escape(shown, sizeof shown, f->other, strlen(f->other),
			0));
	*age_us = -1;
	if (told != 0) {
		snprintf(out, LOCK_TEXT, "%s, since nobody knows when", who);
		return 0;
	}
	*age_us = now_us > since_us ? now_us - since_us : 0;
	format_age(age, sizeof age, *age_us);
	snprintf(out, LOCK_TEXT, "%s, since %.19sZ (%s)", who,
	    timetext_format(since_us > 0 ? since_us : 0, when), age);
	return 0;
}

/* --- taking it --------------------------------------------------------------
 */

static int
run_one(struct store *s, struct store_step *step, struct err *e)
{
	if (store_run(s, step, 1, e) != 0)
		return -1;
	if (step->result < 0) {
		*e = step->why;
		return -1;
	}
	return step->result;
}

/* The folder of an owner in the lock becomes ours: one of all who try it at
 * once does it. 0, 1: it is not there any more, -1. */
static int
rename_owner(const struct lock *l, struct store *s, const char *owner,
    struct err *e)
{
	char from[LOCK_ID + 32];
	struct store_step step = {
	    .verb = STORE_RENAME, .path = from, .to = l->inside};

	snprintf(from, sizeof from, "%s/%s", LOCK_DIR, owner);
	return run_one(s, &step, e);
}

/* What the aside folder was made for is done another way. */
static int
remove_aside(const struct lock *l, struct store *s, struct err *e)
{
	char owner[2 * LOCK_ID + 32];
	struct store_step steps[] = {
	    {.verb = STORE_RMDIR, .path = owner},
	    {.verb = STORE_RMDIR, .path = l->aside},
	};

	snprintf(owner, sizeof owner, "%s/%s", l->aside, l->id);
	return store_run(s, steps, 2, e);
}

/* Remains of runs of this machine that are gone, in staging: one that was
 * letting go of the lock may have left it behind, empty. */
struct remains {
	const struct lock_self *self;
	char name[LOCK_ID];
};

static int
on_remains(void *arg, const char *name)
{
	struct remains *r = arg;
	struct owner o;

	if (strncmp(name, ASIDE, sizeof ASIDE - 1) != 0 ||
	    parse_owner(&o, name + sizeof ASIDE - 1) != 0 ||
	    !is_gone(&o, r->self))
		return 0;
	strcpy(r->name, name + sizeof ASIDE - 1);
	return 1;
}

/* 1: the empty lock was left behind, and is removed. */
static int
sweep_empty(struct store *s, const struct lock_self *self, struct err *e)
{
	struct remains r = {.self = self};
	struct lock old;
	struct store_step step = {.verb = STORE_RMDIR, .path = LOCK_DIR};

	if (store_names(s, LOCK_STAGING, on_remains, &r, e) < 0)
		return -1;
	if (r.name[0] == '\0')
		return 0;
	if (store_run(s, &step, 1, e) != 0)
		return -1;
	snprintf(old.id, sizeof old.id, "%s", r.name);
	snprintf(old.aside, sizeof old.aside, "%s/" ASIDE "%s", LOCK_STAGING,
	    r.name);
	if (remove_aside(&old, s, e) != 0)
		return -1;
	return step.result >= 0;
}

/* Make an empty lock ours. 0, 1: another did, -1. */
static int
enter_empty(const struct lock *l, struct store *s, const struct lock_self *self,
    struct err *e)
{
	struct store_step step = {.verb = STORE_MKDIR, .path = l->inside};
	struct finding f = {.self = self};

	if (run_one(s, &step, e) < 0 ||
	    store_names(s, LOCK_DIR, on_owner, &f, e) < 0)
		return -1;
	if (strcmp(f.other, l->id) == 0 && f.n == 1)
		return 0;
	/* Two broke it at once: neither has it. */
	step.verb = STORE_RMDIR;
	return run_one(s, &step, e) < 0 ? -1 : 1;
}

/* There is a lock. 0: it went away, try again; 1: ours now; -1. */
static int
contest(struct lock *l, struct store *s, const struct lock_self *self,
    int64_t now_us, int break_it, int *busy, char text[LOCK_TEXT],
    struct err *e)
{
	struct store_step there = {.verb = STORE_EXISTS, .path = LOCK_DIR};
	struct finding f = {.self = self};
	char who[LOCK_TEXT];
	int64_t age_us;
	int ret;

	if (store_names(s, LOCK_DIR, on_owner, &f, e) < 0)
		return -1;
	if (strcmp(f.other, l->id) == 0)
		return 1; /* a broken connection had hidden that */
	if (f.n == 0) {
		ret = run_one(s, &there, e);
		if (ret == 0)
			ret = sweep_empty(s, self, e);
		if (ret != 0)
			return ret < 0 ? -1 : 0;
	}
	if (describe(&f, s, now_us, who, &age_us, e) != 0)
		return -1;
	if (f.other[0] == '\0' && f.gone[0] != '\0') {
		l->before = LOCK_GONE;
		ret = rename_owner(l, s, f.gone, e);
		snprintf(text, LOCK_TEXT,
		    "took over the lock of a run that is gone: %.160s", who);
	} else if (break_it && (age_us < 0 || age_us >= LOCK_STALE_US)) {
		l->before = LOCK_BROKEN;
		ret = f.other[0] != '\0' ? rename_owner(l, s, f.other, e)
					 : enter_empty(l, s, self, e);
		snprintf(text, LOCK_TEXT, "broke the lock of %.160s", who);
	} else {
		*busy = 1;
		return err_set(e, ERR_PEER, "busy: locked by %s%s", who,
		    age_us < 0 || age_us >= LOCK_STALE_US
			? "; if nobody publishes, --break-lock"
			: "; where nobody publishes any more, --break-lock"
			  " takes it when it is an hour old");
	}
	return ret < 0 ? -1 : !ret;
}

/* Staging, release and our folder aside are there: 0, else -1. *taken: there is
 * a lock. */
static int
prepare(const struct lock *l, struct store *s, int *taken, struct err *e)
{
	char owner[2 * LOCK_ID + 32];
	struct store_step steps[] = {
	    {.verb = STORE_MKDIR, .path = LOCK_STAGING},
	    {.verb = STORE_MKDIR, .path = "release"},
	    {.verb = STORE_MKDIR, .path = l->aside},
	    {.verb = STORE_MKDIR, .path = owner},
	    {.verb = STORE_EXISTS, .path = owner},
	    {.verb = STORE_EXISTS, .path = "release"},
	    {.verb = STORE_EXISTS, .path = LOCK_DIR},
	};
	int again, i;

	snprintf(owner, sizeof owner, "%s/%s", l->aside, l->id);
	for (again = 0; again < 2; again++) {
		if (store_run(s, steps, sizeof steps / sizeof *steps, e) != 0)
			return -1;
		*taken = steps[6].result == 0;
		if (steps[4].result == 0 && steps[5].result == 0)
			return 0;
		if (again == 0 && store_make_base(s, e) != 0)
			return -1;
	}
	/* The first that was refused tells why, in the server's words. */
	for (i = 0; i < 3 && steps[i].why.text[0] == '\0'; i++)
		continue;
	*e = steps[i].why;
	if (e->text[0] == '\0')
		err_set(e, ERR_DENIED, "no folder can be made there");
	if (e->kind != ERR_LOCAL && e->kind != ERR_PEER)
		e->kind = ERR_DENIED;
	return -1;
}

/* Whoever goes on for another's sake ends here: so often the lock may be taken
 * and given back between two looks. */
#define ROUNDS_MAX 8

/* By one rename, and what is to be asked behind it. 0; 1: there is a lock; 2:
 * it cannot be, for a reason in why; -1. */
static int
enter(const struct lock *l, struct store *s, struct lock_look *look,
    struct err *why, struct err *e)
{
	struct store_step steps[1 + LOCK_LOOK_MAX] = {
	    {.verb = STORE_RENAME, .path = l->aside, .to = LOCK_DIR}};
	size_t n = look != NULL ? look->n : 0;

	if (n > 0) {
		memcpy(steps + 1, look->steps, n * sizeof *steps);
		store_expect(s);
	}
	if (store_run(s, steps, 1 + n, e) != 0)
		return -1;
	if (steps[0].result == 0 && n > 0) {
		memcpy(look->steps, steps + 1, n * sizeof *steps);
		look->done = 1;
	}
	if (steps[0].result < 0)
		*why = steps[0].why;
	return steps[0].result == 0 ? 0 : steps[0].result < 0 ? 1 : 2;
}

static int
take(struct lock *l, struct store *s, const struct lock_self *self,
    int64_t now_us, int break_it, struct lock_look *look, int *busy,
    char text[LOCK_TEXT], struct err *e)
{
	struct err why = {0};
	int taken, rounds, ret;

	for (rounds = 0; rounds < ROUNDS_MAX; rounds++) {
		if (prepare(l, s, &taken, e) != 0)
			return -1;
		if (!taken) {
			ret = enter(l, s, look, &why, e);
			if (ret <= 0)
				return ret;
			taken = ret == 1;
		}
		ret = taken
			  ? contest(l, s, self, now_us, break_it, busy, text, e)
			  : 0;
		if (ret < 0)
			return -1;
		if (ret == 0)
			continue;
		if (remove_aside(l, s, e) != 0)
			return -1;
		return text[0] != '\0';
	}
	if (why.text[0] != '\0')
		*e = why;
	else
		err_set(e, ERR_PEER, "busy: others take the lock all the time");
	return -1;
}

int
lock_take(struct lock *l, struct store *s, const struct lock_self *self,
    int64_t now_us, int break_it, struct lock_look *look, int *busy,
    char text[LOCK_TEXT], struct err *e)
{
	struct err ignored;
	int ret;

	*busy = 0;
	text[0] = '\0';
	ret = take(l, s, self, now_us, break_it, look, busy, text, e);
	/* Nobody else would clean up behind one that had to go. */
	if (*busy)
		remove_aside(l, s, &ignored);
	return ret;
}

int
lock_check(const struct lock *l, struct store *s, struct err *e)
{
	struct store_step step = {.verb = STORE_EXISTS, .path = l->inside};

	return run_one(s, &step, e);
}

int
lock_drop(const struct lock *l, struct store *s, struct err *e)
{
	char owner[2 * LOCK_ID + 32];
	struct store_step steps[] = {
	    /* Its name is what a lock that stays behind empty is known by. */
	    {.verb = STORE_MKDIR, .path = l->aside},
	    {.verb = STORE_RENAME, .path = l->inside, .to = owner},
	    {.verb = STORE_RMDIR, .path = LOCK_DIR},
	    {.verb = STORE_RMDIR, .path = owner},
	    {.verb = STORE_RMDIR, .path = l->aside},
	};

	snprintf(owner, sizeof owner, "%s/%s", l->aside, l->id);
	return store_run(s, steps, sizeof steps / sizeof *steps, e);
}

int
lock_leave(const struct lock *l, struct store *s, struct err *e)
{
	int ret = lock_check(l, s, e);

	if (ret < 0)
		return -1;
	return ret == 0 ? lock_drop(l, s, e) : remove_aside(l, s, e);
}
