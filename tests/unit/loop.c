/* The loop, every promise over both back ends. */

#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/tap.h"

#define MS         INT64_C(1000000)
#define MANY       300 /* more than one round of the loop takes */
#define GIVE_UP_MS 5000

static const enum loop_backend backends[] = {LOOP_EPOLL, LOOP_POLL};
static const char *const names[] = {"epoll", "poll"};

/* A descriptor with its watch; what came is counted. */
struct end {
	struct loop *l;
	struct loop_io io;
	int fd;
	int calls, events; /* of all calls, or-ed */
	/* What the callback does. */
	struct end *victim; /* unwatched and closed */
	struct end *reuse;  /* put on the number that became free */
	int drain;
};

static void
on_end(void *arg, int events)
{
	struct end *e = arg;
	struct end *v = e->victim;
	char byte;
	int fd;

	e->calls++;
	e->events |= events;
	if (e->drain && read(e->fd, &byte, 1) != 1)
		e->calls += 1000;
	if (v == NULL)
		return;
	e->victim = NULL;
	loop_unwatch(e->l, &v->io);
	fd = v->fd;
	close(fd);
	v->fd = -1;
	if (e->reuse != NULL) {
		/* The number lives on as another, quiet descriptor. */
		e->reuse->fd = fcntl(e->reuse->fd, F_DUPFD, fd);
		if (e->reuse->fd != fd)
			e->calls += 1000;
		loop_watch(e->l, &e->reuse->io, fd, LOOP_READ, on_end,
		    e->reuse);
	}
}

static void
make_pair(struct loop *l, struct end *a, struct end *b)
{
	int fds[2];

	memset(a, 0, sizeof *a);
	memset(b, 0, sizeof *b);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) {
		perror("socketpair");
		exit(1);
	}
	a->l = b->l = l;
	a->fd = fds[0];
	b->fd = fds[1];
}

static int
watch(struct end *e, int events)
{
	return loop_watch(e->l, &e->io, e->fd, events, on_end, e);
}

static void
drop(struct end *e)
{
	loop_unwatch(e->l, &e->io);
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

static void
reset(struct end *e)
{
	e->calls = e->events = 0;
}

/* --- descriptors ---------------------------------------------------------- */

static void
check_events(struct loop *l)
{
	struct end a, b;

	make_pair(l, &a, &b);
	IS(watch(&a, LOOP_READ), 0, "watched");
	IS(loop_once(l, 0), 0, "a round without news");
	IS(a.calls, 0, "nothing to read: no call");
	IS(write(b.fd, "xy", 2), 2, "two bytes");
	loop_once(l, GIVE_UP_MS);
	IS(a.calls, 1, "called");
	IS(a.events, LOOP_READ, "to read, not to write");
	loop_once(l, GIVE_UP_MS);
	IS(a.calls, 2, "called again while bytes are left");

	reset(&a);
	IS(loop_change(l, &a.io, LOOP_WRITE), 0, "write only");
	loop_once(l, GIVE_UP_MS);
	IS(a.events, LOOP_WRITE, "to write, not to read");
	reset(&a);
	loop_change(l, &a.io, LOOP_READ | LOOP_WRITE);
	loop_once(l, GIVE_UP_MS);
	IS(a.events, LOOP_READ | LOOP_WRITE, "both at once");
	IS(a.calls, 1, "in one call");
	reset(&a);
	IS(watch(&a, LOOP_READ), 0, "watched again: what for changes");
	loop_once(l, GIVE_UP_MS);
	IS(a.events, LOOP_READ, "and only that comes");

	reset(&a);
	IS(loop_change(l, &a.io, 0), 0, "nothing is asked for");
	loop_once(l, 0);
	IS(a.calls, 0, "nothing comes");
	close(b.fd);
	b.fd = -1;
	loop_once(l, 0);
	IS(a.calls, 0, "not even a hang-up");
	loop_change(l, &a.io, LOOP_READ);
	loop_once(l, GIVE_UP_MS);
	IS(a.calls, 1, "asked again: it comes");
	IS(a.events, LOOP_READ | LOOP_WRITE, "a hang-up is both events");
	reset(&a);
	loop_change(l, &a.io, LOOP_WRITE);
	loop_once(l, GIVE_UP_MS);
	IS(a.events, LOOP_READ | LOOP_WRITE, "to a writer too");

	loop_unwatch(l, &a.io);
	reset(&a);
	loop_once(l, 0);
	IS(a.calls, 0, "unwatched: no call");
	loop_unwatch(l, &a.io);
	OK(loop_change(l, &a.io, LOOP_READ) == -1 && errno == ENOENT,
	    "what is not watched cannot be changed");
	drop(&a);
	OK(loop_watch(l, &a.io, -1, LOOP_READ, on_end, &a) == 0
		? (loop_once(l, 0), 1)
		: errno == EBADF,
	    "no descriptor: refused, or no harm");
	loop_unwatch(l, &a.io);
}

static void
check_half_close(struct loop *l)
{
	struct end a, b;
	char byte;

	make_pair(l, &a, &b);
	watch(&a, LOOP_READ);
	shutdown(b.fd, SHUT_WR);
	loop_once(l, GIVE_UP_MS);
	IS(a.events, LOOP_READ, "the end of input is something to read");
	IS(read(a.fd, &byte, 1), 0, "it reads as 0");
	drop(&a);
	drop(&b);
}

/* Each of three ready ones closes another in the same round. */
static void
check_unwatch_in_round(struct loop *l)
{
	struct end a[3], b[3];
	int i, calls = 0;

	for (i = 0; i < 3; i++) {
		make_pair(l, &a[i], &b[i]);
		watch(&a[i], LOOP_READ);
		IS(write(b[i].fd, "x", 1), 1, "ready");
	}
	for (i = 0; i < 3; i++)
		a[i].victim = &a[(i + 1) % 3];
	loop_once(l, GIVE_UP_MS);
	for (i = 0; i < 3; i++)
		calls += a[i].calls;
	/* Whoever is first closes its neighbour; the third closes the first,
	 * which has been called already. */
	IS(calls, 2, "one that was unwatched in the round is not called");
	for (i = 0; i < 3; i++) {
		drop(&a[i]);
		drop(&b[i]);
	}
}

static void
check_self_close(struct loop *l)
{
	struct end *a = malloc(sizeof *a), b;

	make_pair(l, a, &b);
	watch(a, LOOP_READ);
	a->victim = a;
	IS(write(b.fd, "x", 1), 1, "ready");
	loop_once(l, GIVE_UP_MS);
	IS(a->calls, 1, "a callback may close its own descriptor");
	free(a);
	loop_once(l, 0);
	drop(&b);
}

/* The number of a closed descriptor is watched anew in the same round, while
 * the loop still holds news of the old one. */
static void
check_reuse(struct loop *l)
{
	struct end a[2], b[2], c, d;
	int i, first;

	for (i = 0; i < 2; i++) {
		make_pair(l, &a[i], &b[i]);
		watch(&a[i], LOOP_READ);
		a[i].drain = 1;
		IS(write(b[i].fd, "x", 1), 1, "ready");
	}
	make_pair(l, &c, &d);
	for (i = 0; i < 2; i++) {
		a[i].victim = &a[!i];
		a[i].reuse = &c;
	}
	loop_once(l, GIVE_UP_MS);
	IS(a[0].calls + a[1].calls, 1, "one closed the other");
	first = a[0].calls ? 0 : 1;
	IS(c.calls, 0, "old news do not reach the new owner of the number");
	IS(write(d.fd, "x", 1), 1, "news of its own");
	loop_once(l, GIVE_UP_MS);
	IS(c.calls, 1, "do");
	IS(a[first].calls, 1, "and no one else is called");
	for (i = 0; i < 2; i++) {
		drop(&a[i]);
		drop(&b[i]);
	}
	drop(&c);
	drop(&d);
}

/* The same watch moves to another descriptor, in the round and outside. */
static void
check_move(struct loop *l)
{
	struct end a, b, c, d;

	make_pair(l, &a, &b);
	make_pair(l, &c, &d);
	watch(&a, LOOP_READ);
	IS(write(b.fd, "x", 1), 1, "the old one is ready");
	IS(loop_watch(l, &a.io, c.fd, LOOP_READ, on_end, &c), 0, "moved");
	loop_once(l, 0);
	IS(a.calls + c.calls, 0, "the old descriptor is of no interest");
	IS(write(d.fd, "x", 1), 1, "the new one is ready");
	loop_once(l, GIVE_UP_MS);
	IS(c.calls, 1, "the new one is");
	loop_unwatch(l, &a.io);
	drop(&a);
	drop(&b);
	drop(&c);
	drop(&d);
}

/* Two that are ready: the first that is called frees both. */
static void
on_free(void *arg, int events)
{
	struct end **both = arg;
	int i;

	(void)events;
	for (i = 0; i < 2; i++) {
		loop_unwatch(both[i]->l, &both[i]->io);
		close(both[i]->fd);
		memset(both[i], 0xff, sizeof *both[i]);
		free(both[i]);
		both[i] = NULL;
	}
}

static void
check_free_in_round(struct loop *l)
{
	struct end *both[2], peer[2];
	int i;

	for (i = 0; i < 2; i++) {
		both[i] = malloc(sizeof *both[i]);
		make_pair(l, both[i], &peer[i]);
		loop_watch(l, &both[i]->io, both[i]->fd, LOOP_WRITE, on_free,
		    both);
	}
	loop_once(l, GIVE_UP_MS);
	OK(both[0] == NULL, "a callback may free itself and others");
	for (i = 0; i < 2; i++)
		drop(&peer[i]);
}

/* The first that is called moves the other's watch to a quiet descriptor. */
static void
on_move(void *arg, int events)
{
	struct end *e = arg;
	struct end *v = e->victim;

	e->calls++;
	e->events |= events;
	loop_unwatch(e->l, &v->io);
	loop_watch(e->l, &v->io, e->reuse->fd, LOOP_READ, on_move, v);
}

static void
check_move_in_round(struct loop *l)
{
	struct end a[3], b[3];
	int i;

	for (i = 0; i < 3; i++) {
		make_pair(l, &a[i], &b[i]);
		a[i].reuse = &a[2];
		IS(write(b[i].fd, "x", i < 2), i < 2, "ready, but the last");
	}
	for (i = 0; i < 2; i++) {
		a[i].victim = &a[!i];
		loop_watch(l, &a[i].io, a[i].fd, LOOP_READ, on_move, &a[i]);
	}
	loop_once(l, GIVE_UP_MS);
	IS(a[0].calls + a[1].calls, 1,
	    "old news do not reach a watch that moved in the round");
	for (i = 0; i < 3; i++) {
		drop(&a[i]);
		drop(&b[i]);
	}
}

/* A callback that takes back what another, ready one asked for. */
static void
on_pause(void *arg, int events)
{
	struct end *e = arg;

	e->calls++;
	e->events |= events;
	loop_change(e->l, &e->victim->io, 0);
}

static void
check_pause_in_round(struct loop *l)
{
	struct end a, b;

	make_pair(l, &a, &b);
	a.victim = &b;
	b.victim = &a;
	loop_watch(l, &a.io, a.fd, LOOP_WRITE, on_pause, &a);
	loop_watch(l, &b.io, b.fd, LOOP_WRITE, on_pause, &b);
	loop_once(l, GIVE_UP_MS);
	IS(a.calls + b.calls, 1, "what was asked for last counts");
	drop(&a);
	drop(&b);
}

static void
check_many(struct loop *l)
{
	struct end *a = calloc(MANY, sizeof *a), *b = calloc(MANY, sizeof *b);
	int i, rounds, missed = 0, extra = 0;

	for (i = 0; i < MANY; i++) {
		make_pair(l, &a[i], &b[i]);
		watch(&a[i], LOOP_WRITE);
	}
	for (rounds = 0; rounds < 4; rounds++)
		loop_once(l, 0);
	for (i = 0; i < MANY; i++) {
		missed += a[i].calls == 0;
		extra += a[i].calls > rounds;
	}
	IS(missed, 0, "none of many that are always ready starves");
	IS(extra, 0, "none is called twice a round");
	/* Out of order, half of them. */
	for (i = 0; i < MANY; i += 2)
		drop(&a[(i * 7) % MANY]);
	for (i = 0; i < MANY; i++)
		a[i].calls = 0;
	for (rounds = 0; rounds < 4; rounds++)
		loop_once(l, 0);
	missed = extra = 0;
	for (i = 0; i < MANY; i++) {
		missed += a[i].io.added && a[i].calls == 0;
		extra += !a[i].io.added && a[i].calls > 0;
	}
	IS(missed, 0, "those that are left are called");
	IS(extra, 0, "those that are gone are not");
	for (i = 0; i < MANY; i++) {
		drop(&a[i]);
		drop(&b[i]);
	}
	free(a);
	free(b);
}

/* --- timers --------------------------------------------------------------- */

struct alarm {
	struct loop *l;
	struct loop_timer t;
	int id;
	char *log;
	struct alarm *victim; /* cancelled */
	int again;            /* set anew, to the past, so many times */
};

static void
on_alarm(void *arg)
{
	struct alarm *a = arg;
	size_t n = strlen(a->log);

	snprintf(a->log + n, 64 - n, "%d", a->id);
	if (a->victim != NULL)
		loop_timer_cancel(a->l, &a->victim->t);
	if (a->again > 0) {
		a->again--;
		loop_timer_set(a->l, &a->t, 0, on_alarm, a);
	}
}

static void
check_timers(struct loop *l)
{
	struct alarm a[4];
	char log[64] = "";
	int64_t now_ns = clock_mono_ns();
	int i, rounds;

	memset(a, 0, sizeof a);
	for (i = 0; i < 4; i++) {
		a[i].l = l;
		a[i].id = i;
		a[i].log = log;
		IS(loop_timer_set(l, &a[i].t, now_ns - (4 - i) * MS, on_alarm,
		       &a[i]),
		    0, "set");
	}
	loop_timer_set(l, &a[0].t, now_ns - 1, on_alarm, &a[0]);
	a[1].victim = &a[2];
	loop_once(l, -1);
	IS_STR(log, "130", "by deadline, moved ones too; a cancelled one not");
	loop_timer_cancel(l, &a[2].t);
	loop_once(l, 0);
	IS_STR(log, "130", "each once");

	log[0] = '\0';
	a[0].again = 3;
	loop_timer_set(l, &a[0].t, 0, on_alarm, &a[0]);
	loop_once(l, -1);
	IS_STR(log, "0", "one that sets itself to the past waits its turn");
	for (rounds = 0; rounds < 4; rounds++)
		loop_once(l, 0);
	IS_STR(log, "0000", "which comes");

	log[0] = '\0';
	a[1].victim = &a[1];
	loop_timer_set(l, &a[1].t, 0, on_alarm, &a[1]);
	loop_once(l, -1);
	IS_STR(log, "1", "one may cancel itself when due");

	log[0] = '\0';
	now_ns = clock_mono_ns();
	loop_timer_set(l, &a[3].t, now_ns + 20 * MS, on_alarm, &a[3]);
	loop_once(l, 0);
	IS_STR(log, "", "not before it is due");
	for (rounds = 0; rounds < 3 && log[0] == '\0'; rounds++)
		loop_once(l, -1);
	IS_STR(log, "3", "a wait without end ends when a timer is due");
	OK(clock_mono_ns() >= now_ns + 20 * MS, "and not earlier");
	IS(rounds, 1, "nor by turning in circles");

	now_ns = clock_mono_ns();
	loop_timer_set(l, &a[3].t, INT64_MAX, on_alarm, &a[3]);
	loop_once(l, 5);
	OK(clock_mono_ns() >= now_ns + 4 * MS, "wait_ms is waited");
	IS_STR(log, "3", "the end of time is not now");
	loop_timer_cancel(l, &a[3].t);
}

/* What has arrived is read before the deadline for it is looked at. */
static void
on_ready_cancel(void *arg, int events)
{
	struct alarm *a = arg;

	(void)events;
	loop_timer_cancel(a->l, &a->t);
}

static void
check_order(struct loop *l)
{
	struct end e, f;
	struct alarm a;
	char log[64] = "";

	memset(&a, 0, sizeof a);
	a.l = l;
	a.log = log;
	make_pair(l, &e, &f);
	loop_watch(l, &e.io, e.fd, LOOP_WRITE, on_ready_cancel, &a);
	loop_timer_set(l, &a.t, 0, on_alarm, &a);
	loop_once(l, -1);
	IS_STR(log, "", "descriptors come before timers");
	drop(&e);
	drop(&f);
}

/* --- the wait ------------------------------------------------------------- */

static void
on_signal(int sig)
{
	(void)sig;
}

static void
check_signal(struct loop *l)
{
	struct itimerval soon = {{0, 1000}, {0, 1000}},
			 never = {{0, 0}, {0, 0}};
	struct sigaction sa, old;
	int r, e;

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_signal;
	sigaction(SIGALRM, &sa, &old);
	setitimer(ITIMER_REAL, &soon, NULL);
	r = loop_once(l, GIVE_UP_MS);
	e = errno;
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	OK(r == -1 && e == EINTR, "a signal ends the wait");
}

static void
check_no_descriptors(enum loop_backend backend)
{
	struct rlimit before, none;
	struct loop *l;

	if (backend == LOOP_POLL)
		return;
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	l = loop_new(backend);
	OK(l == NULL && errno == EMFILE, "no descriptor left: no loop");
	setrlimit(RLIMIT_NOFILE, &before);
	loop_free(l);
}

int
main(void)
{
	struct loop *l;
	size_t i;

	for (i = 0; i < 2; i++) {
		l = loop_new(backends[i]);
		if (l == NULL && errno == ENOSYS) {
			tap_skip("no epoll here");
			continue;
		}
		printf("# %s\n", names[i]);
		if (!OK(l != NULL, "a loop on %s", names[i]))
			return tap_done();
		check_events(l);
		check_half_close(l);
		check_unwatch_in_round(l);
		check_self_close(l);
		check_reuse(l);
		check_move(l);
		check_free_in_round(l);
		check_move_in_round(l);
		check_pause_in_round(l);
		check_many(l);
		check_timers(l);
		check_order(l);
		check_signal(l);
		check_no_descriptors(backends[i]);
		loop_free(l);
	}
	l = loop_new(LOOP_BEST);
	OK(l != NULL, "the best there is");
	loop_free(l);
	loop_free(NULL);
	return tap_done();
}
