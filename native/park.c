#define _GNU_SOURCE /* syscall: for what the C library has no names */

#include "native/park.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "native/arch.h"
#include "native/own.h"

/* Of linux/futex.h and linux/membarrier.h, which musl's compiler does not
 * find. */
#define FUTEX_WAIT_OWN    (0 | 128) /* FUTEX_WAIT, FUTEX_PRIVATE_FLAG */
#define FUTEX_WAKE_OWN    (1 | 128)
#define BARRIER_SYNC_CORE 32
#define BARRIER_REGISTER  64

#define LIST_BYTES 8192 /* of the list of threads at a time */
#define STAT_BYTES 512  /* of a thread's stat, beyond what is looked at */

/* From one look at the threads to the next. Who has not come within the
 * second time may never come. */
#define LOOK_FIRST_NS INT64_C(20000)
#define LOOK_LAST_NS  INT64_C(1000000)
#define DOUBT_NS      INT64_C(5000000)

/* In stat's flags: a thread of the kernel that works for us (io_uring). It
 * never executes code of the program. */
#define FLAG_IO_WORKER 0x10UL

/*
 * The process's, because a signal handler has no other way to find it.
 *
 * round is odd while threads are to halt. A place is a thread's from when it
 * comes until it has left, which may be in a later round: with many threads on
 * few processors some are still about to leave when the next round begins, and
 * then they halt once more where they are.
 */
static struct {
	int signal; /* 0: no handler is installed */
	unsigned round;
	unsigned arrivals; /* of all rounds */
	struct place {
		int tid;        /* 0: free */
		unsigned round; /* in which it has halted */
		void *context;  /* NULL: in park_wait */
		uintptr_t sp;
	} places[PARK_THREADS];
	unsigned nplaces; /* no others were ever taken */
	/* The threads that were told to halt. */
	struct target {
		int tid;
		unsigned look; /* in which list it was last */
		int told;      /* the signal was sent */
		int worker;    /* it needs not halt */
	} targets[PARK_THREADS];
	size_t ntargets;
	unsigned nalive;          /* of them, in the last list */
	unsigned arrivals_before; /* this round */
	unsigned look;
	int late;
	struct place *halted[PARK_THREADS];
	size_t nhalted;
	sigset_t mask; /* of the caller */
	char list[LIST_BYTES];
	char stat[STAT_BYTES];
	uintptr_t stack[PARK_STACK / sizeof(uintptr_t)];
} park;

static NATIVE_OWN int
own_tid(void)
{
	return (int)syscall(SYS_gettid);
}

static NATIVE_OWN void
futex_wait(const unsigned *word, unsigned value, const struct timespec *t)
{
	syscall(SYS_futex, word, FUTEX_WAIT_OWN, value, t, NULL, 0);
}

static NATIVE_OWN void
futex_wake(const unsigned *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_OWN, INT_MAX, NULL, NULL, 0);
}

/* The system's own: a C library's close may ask for asynchronous reads of the
 * file (musl's does), by a lock that a halted thread may have. */
static NATIVE_OWN void
close_file(int fd)
{
	syscall(SYS_close, fd);
}

/* --- the halted thread --------------------------------------------------- */

/* The first free one, so that there are not many to look through. */
static NATIVE_OWN struct place *
take_place(void)
{
	int tid = own_tid(), nobody;
	unsigned i, n;

	for (i = 0; i < PARK_THREADS; i++) {
		nobody = 0;
		if (!__atomic_compare_exchange_n(&park.places[i].tid, &nobody,
			tid, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			continue;
		n = __atomic_load_n(&park.nplaces, __ATOMIC_RELAXED);
		while (n <= i &&
		       !__atomic_compare_exchange_n(&park.nplaces, &n, i + 1, 0,
			   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			;
		return &park.places[i];
	}
	return NULL;
}

static NATIVE_OWN void
halt_here(void *context)
{
	struct place *p;
	unsigned round;

	round = __atomic_load_n(&park.round, __ATOMIC_ACQUIRE);
	if ((round & 1) == 0)
		return;
	p = take_place();
	if (p == NULL)
		return;
	p->context = context;
	p->sp = context != NULL ? arch_sp(context)
				: (uintptr_t)__builtin_frame_address(0);
	while ((round & 1) != 0) {
		__atomic_store_n(&p->round, round, __ATOMIC_RELEASE);
		__atomic_fetch_add(&park.arrivals, 1, __ATOMIC_SEQ_CST);
		futex_wake(&park.arrivals);
		while (__atomic_load_n(&park.round, __ATOMIC_ACQUIRE) == round)
			futex_wait(&park.round, round, NULL);
		round = __atomic_load_n(&park.round, __ATOMIC_ACQUIRE);
	}
	__atomic_store_n(&p->round, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&p->tid, 0, __ATOMIC_RELEASE);
}

static NATIVE_OWN void
on_signal(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signal;
	(void)info;
	halt_here(context);
	errno = saved;
}

NATIVE_OWN void
park_wait(void)
{
	int saved = errno;
	sigset_t all, before;

	if ((__atomic_load_n(&park.round, __ATOMIC_RELAXED) & 1) == 0)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	halt_here(NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
}

/* --- who is there -------------------------------------------------------- */

/* Decimal digits up to the first other character. */
static NATIVE_OWN long
read_number(const char *s)
{
	long n = 0;

	while (*s >= '0' && *s <= '9' && n < LONG_MAX / 10 - 10)
		n = n * 10 + (*s++ - '0');
	return n;
}

/* It fails when the thread has ended, which the next list tells, or when the
 * user has too many signals under way: it is tried again then. */
static NATIVE_OWN void
tell(struct target *t)
{
	if (!t->told)
		t->told =
		    syscall(SYS_tgkill, getpid(), t->tid, park.signal) == 0;
}

/* Those that were not even in the list before this one have ended. */
static NATIVE_OWN void
drop_ended(void)
{
	size_t i, k = 0;

	for (i = 0; i < park.ntargets; i++)
		if (park.look - park.targets[i].look <= 1)
			park.targets[k++] = park.targets[i];
	park.ntargets = k;
}

/* A thread that was not there; told to halt. 0, or -1: there are too many. */
static NATIVE_OWN int
add_target(int tid)
{
	struct target *t;

	if (park.ntargets == PARK_THREADS)
		drop_ended();
	if (park.ntargets == PARK_THREADS)
		return -1;
	t = &park.targets[park.ntargets++];
	t->tid = tid;
	t->look = park.look;
	t->told = 0;
	t->worker = 0;
	park.nalive++;
	tell(t);
	return 0;
}

/* 1: new, 0: known, -1: too many. Lists have one order, so the next one is
 * most often where the last one was. */
static NATIVE_OWN int
see_thread(int tid, size_t *hint)
{
	size_t i, k;

	for (i = 0; i < park.ntargets; i++) {
		k = (*hint + i) % park.ntargets;
		if (park.targets[k].tid == tid) {
			park.targets[k].look = park.look;
			park.nalive += !park.targets[k].worker;
			tell(&park.targets[k]);
			*hint = k + 1;
			return 0;
		}
	}
	return add_target(tid) == 0 ? 1 : -1;
}

/* The offsets of a directory's entry as the kernel gives it: where its length
 * and its name are. */
#define ENTRY_LEN  16
#define ENTRY_NAME 19

/*
 * Look through the list of threads: counts those that were not known, and
 * whether the caller was among them.
 */
static NATIVE_OWN enum park_result
look(int fd, size_t *fresh, int *self)
{
	int own = own_tid(), tid, new;
	unsigned short len;
	size_t hint = 0;
	long n, at;

	*fresh = 0;
	park.nalive = 0;
	park.look++;
	if (lseek(fd, 0, SEEK_SET) != 0)
		return PARK_BLIND;
	for (;;) {
		n = syscall(SYS_getdents64, fd, park.list, LIST_BYTES);
		if (n < 0)
			return PARK_BLIND;
		if (n == 0)
			return PARK_OK;
		for (at = 0; at < n; at += len) {
			memcpy(&len, park.list + at + ENTRY_LEN, sizeof len);
			tid = (int)read_number(park.list + at + ENTRY_NAME);
			if (tid == own)
				*self = 1;
			if (tid == 0 || tid == own)
				continue;
			new = see_thread(tid, &hint);
			if (new < 0)
				return PARK_MANY;
			if (new > 0)
				++*fresh;
		}
	}
}

static NATIVE_OWN struct place *
find_halted(int tid)
{
	unsigned i, n = __atomic_load_n(&park.nplaces, __ATOMIC_ACQUIRE);
	struct place *p;

	for (i = 0; i < n; i++) {
		p = &park.places[i];
		if (__atomic_load_n(&p->round, __ATOMIC_ACQUIRE) ==
			park.round &&
		    __atomic_load_n(&p->tid, __ATOMIC_RELAXED) == tid)
			return p;
	}
	return NULL;
}

/*
 * 1 when the thread is in no code of the program and never will be: a first
 * thread that has ended stays in the list (Z), and the kernel's own do.
 */
static NATIVE_OWN int
is_worker(int tid)
{
	char path[48] = "/proc/self/task/", *p = path + strlen(path);
	char digits[12], *s;
	size_t i = 0;
	ssize_t n;
	int fd, field;

	for (; tid > 0; tid /= 10)
		digits[i++] = (char)('0' + tid % 10);
	while (i > 0)
		*p++ = digits[--i];
	memcpy(p, "/stat", sizeof "/stat");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, park.stat, STAT_BYTES - 1);
	close_file(fd);
	if (n <= 0)
		return 0;
	/* TID (NAME) STATE, five numbers, FLAGS; a name may hold anything. */
	park.stat[n] = '\0';
	s = strrchr(park.stat, ')');
	if (s == NULL || s[1] == '\0')
		return 0;
	if (s[2] == 'Z' || s[2] == 'X')
		return 1;
	for (field = 0; field < 7 && s != NULL; field++)
		s = strchr(s + 1, ' ');
	return s != NULL &&
	       ((unsigned long)read_number(s + 1) & FLAG_IO_WORKER) != 0;
}

/* The first that is still there and has not halted, or 0: then all have, and
 * stand in the list of those. */
static NATIVE_OWN int
find_running(int doubt)
{
	struct target *t;
	struct place *p;

	park.nhalted = 0;
	for (t = park.targets; t < park.targets + park.ntargets; t++) {
		if (t->look != park.look || t->worker)
			continue;
		p = find_halted(t->tid);
		if (p != NULL) {
			park.halted[park.nhalted++] = p;
			continue;
		}
		if (!doubt || !is_worker(t->tid))
			return t->tid;
		t->worker = 1;
	}
	return 0;
}

/* --- who halts the others ------------------------------------------------ */

static NATIVE_OWN void
open_round(void)
{
	park.ntargets = 0;
	park.late = 0;
	park.arrivals_before =
	    __atomic_load_n(&park.arrivals, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&park.round, 1, __ATOMIC_SEQ_CST);
}

static NATIVE_OWN void
close_round(void)
{
	__atomic_fetch_add(&park.round, 1, __ATOMIC_SEQ_CST);
	futex_wake(&park.round);
}

/* Until as many have come as there were, or it is time to look again. */
static NATIVE_OWN void
wait_for_all(int64_t until_ns)
{
	struct timespec t = {0, 0};
	int64_t left_ns;
	unsigned n;

	for (;;) {
		n = __atomic_load_n(&park.arrivals, __ATOMIC_ACQUIRE);
		left_ns = until_ns - clock_mono_ns();
		if (n - park.arrivals_before >= park.nalive || left_ns <= 0)
			return;
		t.tv_nsec = (long)left_ns;
		futex_wait(&park.arrivals, n, &t);
	}
}

static NATIVE_OWN enum park_result
gather(int fd, int64_t deadline_ns)
{
	static const struct timespec nap = {0, LOOK_FIRST_NS};
	int64_t wait_ns = LOOK_FIRST_NS;
	int64_t doubt_ns = clock_mono_ns() + DOUBT_NS, now;
	enum park_result result;
	int self = 0, still = 0;
	size_t fresh;

	for (;;) {
		result = look(fd, &fresh, &self);
		if (result == PARK_OK && !self)
			result = PARK_BLIND;
		if (result != PARK_OK)
			return result;
		now = clock_mono_ns();
		park.late = find_running(now >= doubt_ns);
		/* While a list was made, the last one that ran may have begun
		 * another: so all of it must have halted before. */
		if (still && fresh == 0 && park.late == 0)
			return PARK_OK;
		still = park.late == 0;
		if (now >= deadline_ns)
			return PARK_LATE;
		if (still)
			continue;
		/* Who begins others is caught by looking often. */
		if (fresh > 0)
			wait_ns = LOOK_FIRST_NS;
		else if (wait_ns < LOOK_LAST_NS)
			wait_ns *= 2;
		/* As many may have come without these being all: one was
		 * late for the round before. */
		if (fresh == 0)
			nanosleep(&nap, NULL);
		wait_for_all(now + wait_ns);
	}
}

NATIVE_OWN enum park_result
park_halt(int64_t deadline_ns)
{
	enum park_result result = PARK_BLIND;
	struct sigaction now;
	sigset_t all;
	int fd;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &park.mask);
	fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || sigaction(park.signal, NULL, &now) != 0 ||
	    (now.sa_flags & SA_SIGINFO) == 0 || now.sa_sigaction != on_signal)
		goto done;
	open_round();
	result = gather(fd, deadline_ns);
	if (result != PARK_OK)
		close_round();
done:
	if (fd >= 0)
		close_file(fd);
	if (result != PARK_OK)
		pthread_sigmask(SIG_SETMASK, &park.mask, NULL);
	return result;
}

NATIVE_OWN void
park_release(void)
{
	close_round();
	pthread_sigmask(SIG_SETMASK, &park.mask, NULL);
}

NATIVE_OWN size_t
park_count(void)
{
	return park.nhalted;
}

NATIVE_OWN uintptr_t
park_pc(size_t i)
{
	const void *context = park.halted[i]->context;

	return context != NULL ? arch_pc(context) : 0;
}

NATIVE_OWN void
park_set_pc(size_t i, uintptr_t pc)
{
	arch_set_pc(park.halted[i]->context, pc);
}

/* Page by page, for the stack may end: the system then gives what is there,
 * where reading it ourselves would be a fault. */
NATIVE_OWN size_t
park_stack(size_t i, const uintptr_t **words)
{
	struct iovec to = {park.stack, PARK_STACK};
	struct iovec from[PARK_STACK / NATIVE_PAGE + 1];
	uintptr_t at = park.halted[i]->sp & ~(uintptr_t)7;
	const uintptr_t end = at + PARK_STACK;
	size_t k;
	long n;

	for (k = 0; at < end; k++) {
		from[k].iov_base = (void *)at;
		from[k].iov_len = NATIVE_PAGE - at % NATIVE_PAGE;
		if (from[k].iov_len > end - at)
			from[k].iov_len = end - at;
		at += from[k].iov_len;
	}
	n = syscall(SYS_process_vm_readv, getpid(), &to, 1, from, k, 0);
	*words = park.stack;
	return n > 0 ? (size_t)n / sizeof *park.stack : 0;
}

int
park_late(void)
{
	return park.late;
}

NATIVE_OWN void
park_sync(void)
{
	/* Halted threads return from a signal, which has a processor read its
	 * code anew too; this is for those that did not halt. Kernels that do
	 * not have it leave it at that. */
	if (syscall(SYS_membarrier, BARRIER_SYNC_CORE, 0, 0) != 0 &&
	    errno == EPERM) {
		syscall(SYS_membarrier, BARRIER_REGISTER, 0, 0);
		syscall(SYS_membarrier, BARRIER_SYNC_CORE, 0, 0);
	}
}

void
park_forget(void)
{
	memset(park.places, 0, sizeof park.places);
	park.round &= ~1U;
}

static int
install(int signal, struct err *e)
{
	struct sigaction a, before;

	if (sigaction(signal, NULL, &before) != 0)
		return err_errno(e, ERR_LOCAL, "signal %d", signal);
	if ((before.sa_flags & SA_SIGINFO) != 0 &&
	    before.sa_sigaction == on_signal)
		return 0;
	if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		return err_set(e, ERR_LOCAL,
		    "the program uses signal %d itself", signal);
	memset(&a, 0, sizeof a);
	a.sa_sigaction = on_signal;
	a.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
	/* No other handler runs in a thread that is halted. */
	sigfillset(&a.sa_mask);
	if (sigaction(signal, &a, NULL) != 0)
		return err_errno(e, ERR_LOCAL, "signal %d", signal);
	return 0;
}

int
park_init(int signal, struct err *e)
{
	char path[sizeof "/proc/self/task/" + 12] = "/proc/self/task/";
	int tid = own_tid(), at = (int)strlen(path), digit;
	char digits[12];

	for (digit = 0; tid > 0; tid /= 10)
		digits[digit++] = (char)('0' + tid % 10);
	while (digit > 0)
		path[at++] = digits[--digit];
	path[at] = '\0';
	if (access(path, F_OK) != 0)
		return err_errno(e, ERR_LOCAL, "%s", path);
	if (install(signal, e) != 0)
		return -1;
	park.signal = signal;
	syscall(SYS_membarrier, BARRIER_REGISTER, 0, 0);
	return 0;
}
