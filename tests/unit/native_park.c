#define _GNU_SOURCE /* REG_RIP: POSIX does not say what is in a context */
/* Patches under threads: they are halted, or nothing happens. */
#include "tests/native.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/clock.h"
#include "native/park.h"

#define HAMMERS  4
#define FLIPS    500
#define HALTS    100
#define HALT_NS  INT64_C(20000000)
#define SHORT_NS INT64_C(200000000) /* a bound that is waited for in full */
#define STILL_MS 60000              /* of a child; it takes one second */

/* With NOPs and without; called by the hammers. */
FN(nops, NOPS) unsigned nops(unsigned n)
{
	return n * 3 + 1;
}

FN(nops_new, 0) unsigned nops_new(unsigned n)
{
	return n * 11 + 7;
}

static unsigned (*volatile call_nops)(unsigned) = nops;

/* So that its prologue saves registers, in several short instructions. */
FN(plain, 0) unsigned plain(unsigned n)
{
	unsigned a = call_nops(n), b = call_nops(n + 1);

	return a + b * 5 + n;
}

FN(plain_new, 0) unsigned plain_new(unsigned n)
{
	return n * 13 + 9;
}

static unsigned (*volatile call_plain)(unsigned) = plain;

static struct native_report report;

#define WANT(got, want, what)                       \
	(IS_STR(native_code_name(got), #want, what) \
		? 0                                 \
		: printf("#   %s\n", report.text))

static void
start(pthread_t *t, void *(*run)(void *), void *arg)
{
	if (pthread_create(t, NULL, run, arg) != 0) {
		printf("Bail out! no thread\n");
		exit(1);
	}
}

static void
set_bound(int64_t bound_ns)
{
	struct native_options o = {.bound_ns = bound_ns};

	native_init(&o, &report);
}

static int
my_signal(void)
{
	return SIGRTMAX - 3;
}

static int
load_int(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void
store_int(int *p, int v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void
until(const int *p, int v)
{
	while (load_int(p) != v)
		sched_yield();
}

/* --- hammering ----------------------------------------------------------- */

struct hammer {
	pthread_t thread;
	int *stop;
	unsigned long calls, old, new, bad;
};

static void *
hammer(void *arg)
{
	struct hammer *h = arg;
	unsigned n = 0, got;

	while (!load_int(h->stop)) {
		n++;
		got = call_nops(n);
		if (got == n * 3 + 1)
			h->old++;
		else if (got == n * 11 + 7)
			h->new ++;
		else
			h->bad++;
		h->calls++;
	}
	return NULL;
}

static void *
hammer_plain(void *arg)
{
	struct hammer *h = arg;
	unsigned n = 0, got;

	while (!load_int(h->stop)) {
		n++;
		got = call_plain(n);
		if (got == n * 3 + 1 + (n * 3 + 4) * 5 + n)
			h->old++;
		else if (got == n * 13 + 9)
			h->new ++;
		else
			h->bad++;
		h->calls++;
	}
	return NULL;
}

static void *
end_at_once(void *arg)
{
	return arg;
}

/* Threads come and go meanwhile. */
static void *
churn(void *arg)
{
	pthread_t t;

	while (!load_int(arg))
		if (pthread_create(&t, NULL, end_at_once, NULL) == 0)
			pthread_join(t, NULL);
	return NULL;
}

static void
flip(const char *what, void *(*run)(void *), const struct made *m, int flips,
    int churning)
{
	struct hammer h[HAMMERS];
	unsigned long old = 0, new = 0, bad = 0;
	int stop = 0, i, failed = 0, busy = 0;
	enum native_code code;
	int64_t worst_ns = 0;
	pthread_t other;

	memset(h, 0, sizeof h);
	for (i = 0; i < HAMMERS; i++) {
		h[i].stop = &stop;
		start(&h[i].thread, run, &h[i]);
	}
	if (churning)
		start(&other, churn, &stop);
	for (i = 0; i < 2 * flips; i++) {
		code = i % 2 == 0 ? native_apply(&m->p, &report)
				  : native_revert(m->p.id, &report);
		if (code == NATIVE_BUSY) {
			/* A machine with a load: once more. */
			busy++;
			i--;
		} else if (code != NATIVE_OK) {
			printf("# %s\n", report.text);
			failed++;
		}
		if (busy > 20)
			break;
		if (report.pause_ns > worst_ns)
			worst_ns = report.pause_ns;
	}
	store_int(&stop, 1);
	for (i = 0; i < HAMMERS; i++) {
		pthread_join(h[i].thread, NULL);
		old += h[i].old;
		new += h[i].new;
		bad += h[i].bad;
	}
	if (churning)
		pthread_join(other, NULL);
	printf("# %lu old, %lu new, %d busy, worst pause %lld us\n", old, new,
	    busy, (long long)(worst_ns / 1000));
	OK(failed == 0 && busy <= 20, "%s: every flip goes well", what);
	IS(bad, 0, "no call has a wrong result");
	OK(old > 0 && new > 0, "calls took the old and the new");
}

static void
check_flips(void)
{
	static struct made m, p;

	MADE_ONE(&m, "nops", nops, nops_new);
	flip("NOPs at the entry", hammer, &m, FLIPS, 0);
	flip("threads come and go", hammer, &m, FLIPS / 5, 1);
	made_begin(&p, "plain");
	made_func(&p, "plain", BODY(plain), 0, 0,
	    made_code(&p, BODY(plain_new)));
	flip("a real entry", hammer_plain, &p, FLIPS, 0);
}

/* --- standing still ----------------------------------------------------- */

/* A chain of threads: each counts a little, begins the next, and ends. */
struct chain {
	unsigned long count;
	int stop, ended;
};

static void *
link_of_chain(void *arg)
{
	struct chain *c = arg;
	pthread_t next;
	int i;

	for (i = 0; i < 20; i++)
		__atomic_fetch_add(&c->count, 1, __ATOMIC_RELAXED);
	if (load_int(&c->stop)) {
		store_int(&c->ended, 1);
		return NULL;
	}
	start(&next, link_of_chain, c);
	pthread_detach(next);
	return NULL;
}

static unsigned long
counted(const struct chain *c)
{
	return __atomic_load_n(&c[0].count, __ATOMIC_RELAXED) +
	       __atomic_load_n(&c[1].count, __ATOMIC_RELAXED);
}

/* C libraries have locks where threads begin and end, which one that blocks
 * all signals waits for while another one is halted with it: then the halt is
 * given up. */
static void
check_stillness(void)
{
	static struct chain chains[2];
	int64_t end_ns = clock_mono_ns() + 100 * NATIVE_BOUND_NS, spin_ns;
	int i, moved = 0, halts = 0;
	unsigned long before;
	pthread_t t;

	for (i = 0; i < 2; i++) {
		start(&t, link_of_chain, &chains[i]);
		pthread_detach(t);
	}
	while (halts < HALTS && clock_mono_ns() < end_ns) {
		if (park_halt(clock_mono_ns() + HALT_NS) != PARK_OK)
			continue;
		before = counted(chains);
		spin_ns = clock_mono_ns() + 100000;
		while (clock_mono_ns() < spin_ns)
			;
		moved += counted(chains) != before;
		halts++;
		park_release();
		while (counted(chains) == before)
			sched_yield();
	}
	for (i = 0; i < 2; i++)
		store_int(&chains[i].stop, 1);
	for (i = 0; i < 2; i++)
		until(&chains[i].ended, 1);
	IS(halts, HALTS, "threads that begin others are halted");
	IS(moved, 0, "and nobody moves then");
}

/* --- who is in there ----------------------------------------------------- */

static int spinning, spin_end;

FN(spin, NOPS) unsigned spin(unsigned n)
{
	__atomic_store_n(&spinning, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&spin_end, __ATOMIC_ACQUIRE) == 0)
		;
	return n;
}

static unsigned (*volatile call_spin)(unsigned) = spin;

static void *
run_spin(void *arg)
{
	*(unsigned *)arg = call_spin(5);
	return NULL;
}

static void
check_inside(void)
{
	static struct made m;
	unsigned result = 0;
	pthread_t t;

	MADE_ONE(&m, "spin", spin, nops_new);
	start(&t, run_spin, &result);
	until(&spinning, 1);
	WANT(native_apply(&m.p, &report), OK,
	    "a function that another thread is in is patched");
	IS(report.threads, 1, "that thread was halted");
	IS(report.inside, 1, "and it was inside");
	IS(call_spin(5), 62, "a new call takes the new one");
	store_int(&spin_end, 1);
	pthread_join(t, NULL);
	IS(result, 5, "the old call ends in the old one");
	WANT(native_revert("spin", &report), OK, "it is reverted");
}

/* --- who does not halt --------------------------------------------------- */

struct deaf {
	int ready, go_on, safepoints;
};

static void *
run_deaf(void *arg)
{
	struct deaf *d = arg;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, my_signal());
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	store_int(&d->ready, 1);
	while (!load_int(&d->go_on)) {
		if (d->safepoints)
			native_safepoint();
		sched_yield();
	}
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	store_int(&d->ready, 2);
	while (load_int(&d->go_on) != 2)
		sched_yield();
	return NULL;
}

static void
check_deaf(void)
{
	static struct made m;
	struct deaf d = {0};
	int64_t begin_ns;
	uint8_t before[64];
	pthread_t t;
	size_t left;

	MADE_ONE(&m, "nops", nops, nops_new);
	m.p.id[0] = 'N'; /* one that was not there before */
	memcpy(before, AT(nops), LEN(nops));
	set_bound(SHORT_NS);
	left = report.code_left;
	start(&t, run_deaf, &d);
	until(&d.ready, 1);
	begin_ns = clock_mono_ns();
	WANT(native_apply(&m.p, &report), BUSY,
	    "a thread that blocks the signal");
	OK(clock_mono_ns() - begin_ns >= SHORT_NS, "it is waited for");
	OK(strncmp(report.text, "thread ", 7) == 0 &&
		strstr(report.text, " did not halt within 200 ms") != NULL,
	    "and named");
	IS(call_nops(10), 31, "nothing is changed");
	IS_MEM(AT(nops), before, LEN(nops), "not a byte");
	IS(report.code_left, left, "and nothing of the reserve is lost");
	set_bound(0);
	store_int(&d.go_on, 1);
	until(&d.ready, 2);
	WANT(native_apply(&m.p, &report), OK, "when it does not, it goes");
	IS(call_nops(10), 117, "the new function is in force");
	store_int(&d.go_on, 2);
	pthread_join(t, NULL);
	WANT(native_revert(m.p.id, &report), OK, "it is reverted");
}

#define LOCK_ROUNDS 10
/* Nothing but a halt keeps a running thread from its clock so long. */
#define HALTED_NS   20000000
#define UNHALTED_NS INT64_C(2000000000)

struct locked {
	pthread_mutex_t lock;
	int go, held, waits; /* numbers of rounds */
};

/* In each round it has the lock until it was halted once. */
static void *
run_holder(void *arg)
{
	struct locked *l = arg;
	int64_t now, before, end_ns;
	int i;

	for (i = 1; i <= LOCK_ROUNDS; i++) {
		until(&l->go, i);
		pthread_mutex_lock(&l->lock);
		store_int(&l->held, i);
		now = clock_mono_ns();
		end_ns = now + UNHALTED_NS;
		do {
			before = now;
			now = clock_mono_ns();
		} while (now - before < HALTED_NS && now < end_ns);
		pthread_mutex_unlock(&l->lock);
	}
	return NULL;
}

/* Waits for it with all signals blocked. */
static void *
run_waiter(void *arg)
{
	struct locked *l = arg;
	sigset_t all, before;
	int i;

	sigfillset(&all);
	for (i = 1; i <= LOCK_ROUNDS; i++) {
		until(&l->held, i);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		store_int(&l->waits, i);
		pthread_mutex_lock(&l->lock);
		pthread_mutex_unlock(&l->lock);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return NULL;
}

static void
check_lock(void)
{
	static struct locked l = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0};
	static struct made m;
	pthread_t t[2];
	int i, good = 0;

	MADE_ONE(&m, "nops", nops, nops_new);
	/* How soon they get a processor again is the machine's affair. */
	set_bound(30 * NATIVE_BOUND_NS);
	start(&t[0], run_holder, &l);
	start(&t[1], run_waiter, &l);
	for (i = 1; i <= LOCK_ROUNDS; i++) {
		store_int(&l.go, i);
		until(&l.waits, i);
		good +=
		    (i % 2 != 0 ? native_apply(&m.p, &report)
				: native_revert("nops", &report)) == NATIVE_OK;
	}
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	set_bound(0);
	IS(good, LOCK_ROUNDS,
	    "one that waits for the lock of another that was halted");
}

static void
check_safepoint(void)
{
	static struct made m;
	struct deaf d = {.safepoints = 1};
	pthread_t t;

	native_safepoint();
	MADE_ONE(&m, "nops", nops, nops_new);
	start(&t, run_deaf, &d);
	until(&d.ready, 1);
	WANT(native_apply(&m.p, &report), OK,
	    "one that blocks it, and calls the safepoint, halts there");
	IS(report.threads, 1, "and is counted");
	store_int(&d.go_on, 2);
	pthread_join(t, NULL);
	WANT(native_revert("nops", &report), OK, "it is reverted");
}

/* --- what needs a process of its own ------------------------------------- */

static int
in_child(int (*run)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(run());
	waitpid(pid, &status, 0);
	return status;
}

/* The same; one that stands still is killed, which a signal that it could
 * catch would not do: all are blocked then. */
static int
in_child_that_ends(int (*run)(void))
{
	struct pollfd end = {-1, 0, 0};
	int status = -1, ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(run());
	close(ends[1]);
	end.fd = ends[0];
	if (poll(&end, 1, STILL_MS) == 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ends[0]);
	return status;
}

/* C libraries have locks of their own where such a mutex is unlocked (musl:
 * one that mmap waits for). */
static void *
run_shared_lock(void *arg)
{
	struct hammer *h = arg;
	pthread_mutexattr_t a;
	pthread_mutex_t m;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&m, &a);
	while (!load_int(h->stop)) {
		pthread_mutex_lock(&m);
		pthread_mutex_unlock(&m);
	}
	return NULL;
}

static int
pages_under_locks(void)
{
	struct native_options o = {.methods = 1U << NATIVE_PAGE_SWAP};
	static struct hammer h[HAMMERS];
	struct native_report r;
	static struct made m;
	static int stop;
	int i;

	if (native_init(&o, &r) != NATIVE_OK)
		return 1;
	MADE_ONE(&m, "nops", nops, nops_new);
	for (i = 0; i < HAMMERS; i++) {
		h[i].stop = &stop;
		start(&h[i].thread, run_shared_lock, &h[i]);
	}
	for (i = 0; i < FLIPS; i++)
		if (native_apply(&m.p, &r) == NATIVE_OK &&
		    native_revert("nops", &r) != NATIVE_OK)
			return 2;
	return 0;
}

static void
on_other(int sig)
{
	(void)sig;
}

static int
signal_taken_before(void)
{
	struct native_options o = {.signal = SIGUSR2};
	struct sigaction a = {.sa_handler = on_other};
	struct native_report r;

	sigaction(SIGUSR2, &a, NULL);
	if (native_init(&o, &r) != NATIVE_DISABLED)
		return 1;
	return strstr(r.text, "uses signal") == NULL ? 2 : 0;
}

static int
signal_taken_after(void)
{
	struct sigaction a = {.sa_handler = on_other};
	static struct made m;

	MADE_ONE(&m, "nops", nops, nops_new);
	sigaction(my_signal(), &a, NULL);
	if (native_apply(&m.p, NULL) != NATIVE_BUSY)
		return 1;
	return call_nops(10) == 31 ? 0 : 2;
}

#ifdef __x86_64__
/* nop; 1: jmp 1b; and so on: whoever comes stays behind the first byte. */
extern uint8_t stuck[], stuck_end[];
__asm__(".pushsection .text.stuck, \"ax\", %progbits\n"
	"stuck:\n"
	".byte 0x90, 0xeb, 0xfe, 0x90, 0x90, 0x90, 0xc3\n"
	"stuck_end:\n"
	".popsection\n");

static void *
run_stuck(void *arg)
{
	store_int(arg, 1);
	((void (*)(void))(uintptr_t)stuck)();
	return NULL;
}

/* A thread's handler, begun in the midst of the NOPs: the thread goes step by
 * step (the flag of traps) until it is there. */
static int in_handler, end_handler;

static void
on_step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)sig;
	(void)info;
	if ((uintptr_t)u->uc_mcontext.gregs[REG_RIP] != (uintptr_t)nops + 1)
		return;
	u->uc_mcontext.gregs[REG_EFL] &= ~0x100LL;
	store_int(&in_handler, 1);
	until(&end_handler, 1);
}

static void *
run_steps(void *arg)
{
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::
			     : "memory", "cc");
	*(unsigned *)arg = call_nops(10);
	return NULL;
}

static int
interrupted_in_nops(void)
{
	struct sigaction a = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
	static struct made m;
	struct native_report r;
	unsigned got = 0;
	pthread_t t;

	set_bound(SHORT_NS);
	MADE_ONE(&m, "nops", nops, nops_new);
	sigaction(SIGTRAP, &a, NULL);
	start(&t, run_steps, &got);
	until(&in_handler, 1);
	if (native_apply(&m.p, &r) != NATIVE_BUSY)
		return 1;
	store_int(&end_handler, 1);
	pthread_join(t, NULL);
	if (got != 31)
		return 2;
	return native_apply(&m.p, &r) == NATIVE_OK && call_nops(10) == 117 ? 0
									   : 3;
}

/* The thread cannot be ended, so it is a child's. */
static int
stuck_in_prologue(void)
{
	static struct made m;
	struct native_report r;
	int64_t begin_ns = 0;
	pthread_t t;
	int ready = 0, i;

	set_bound(SHORT_NS);
	made_begin(&m, "stuck");
	made_func(&m, "stuck", stuck, (size_t)(stuck_end - stuck), 0, 0,
	    made_code(&m, BODY(nops_new)));
	start(&t, run_stuck, &ready);
	until(&ready, 1);
	/* It has said so before it is there: BUSY is asked for when the
	 * handler has seen it inside. */
	for (i = 0; i < 1000; i++) {
		if (park_halt(clock_mono_ns() + NATIVE_BOUND_NS) != PARK_OK)
			return 1;
		ready = park_pc(0) == (uintptr_t)stuck + 1;
		park_release();
		if (ready)
			break;
		sched_yield();
	}
	begin_ns = clock_mono_ns();
	if (native_apply(&m.p, &r) != NATIVE_BUSY)
		return 2;
	if (clock_mono_ns() - begin_ns < SHORT_NS)
		return 3;
	if (strstr(r.text, "stays in the first instructions of stuck") == NULL)
		return 4;
	return stuck[0] == 0x90 && stuck[1] == 0xeb ? 0 : 5;
}

/* A loop through its own entry, where its thread is most of the time. */
extern uint8_t loop[], loop_end[];
__asm__(".pushsection .text.loop, \"ax\", %progbits\n"
	"loop:\n"
	".byte 0x90, 0x90, 0x90, 0x90, 0x90\n"
	".byte 0xeb, 0xf9, 0xc3\n"
	"loop_end:\n"
	".popsection\n");

static void *
run_loop(void *arg)
{
	store_int(arg, 1);
	((void (*)(void))(uintptr_t)loop)();
	return NULL;
}

/* The new function counts, and goes back to the entry. */
static size_t
counting_code(struct made *m, const int *count)
{
	uint64_t to[2] = {(uintptr_t)count, (uintptr_t)loop};
	uint8_t code[24] = {0x48, 0xb8, [10] = 0xff, 0x00, /* inc *count */
	    0x48, 0xb8, [22] = 0xff, 0xe0};                /* jmp loop */

	memcpy(code + 2, &to[0], 8);
	memcpy(code + 14, &to[1], 8);
	return made_code(m, code, sizeof code);
}

static int
moved_out_of_nops(void)
{
	static struct made m;
	static int count;
	pthread_t t;
	int ready = 0, i, before;

	made_begin(&m, "loop");
	made_func(&m, "loop", loop, (size_t)(loop_end - loop), 0, PAD,
	    counting_code(&m, &count));
	start(&t, run_loop, &ready);
	until(&ready, 1);
	for (i = 0; i < FLIPS; i++) {
		before = load_int(&count);
		if (native_apply(&m.p, &report) != NATIVE_OK)
			return 1;
		while (load_int(&count) == before)
			sched_yield();
		if (native_revert("loop", &report) != NATIVE_OK)
			return 2;
	}
	return 0;
}
#endif

/* The first thread has ended, and stays in the list of threads. */
static void *
apply_alone(void *arg)
{
	static struct native_report r;
	static struct made m;
	int i;

	(void)arg;
	MADE_ONE(&m, "nops", nops, nops_new);
	/* It may still be about to end. */
	for (i = 0; i < 20; i++) {
		if (native_apply(&m.p, &r) != NATIVE_OK)
			_exit(1);
		if (native_revert("nops", &r) != NATIVE_OK)
			_exit(2);
	}
	_exit(0);
}

static int
first_thread_ends(void)
{
	pthread_t t;

	start(&t, apply_alone, NULL);
	pthread_exit(NULL);
}

int
main(void)
{
	static struct made m;

	WANT(native_init(NULL, &report), OK, "this program can be patched");
	printf("# %s\n", report.text);
	if (strstr(report.text, "threads are not halted") != NULL) {
		tap_skip("in an emulator threads are not halted");
		return tap_done();
	}
	check_inside();
	check_deaf();
	check_lock();
	check_safepoint();
	IS(in_child(signal_taken_before), 0,
	    "a signal that the program uses is not taken");
	IS(in_child(signal_taken_after), 0,
	    "nor is anything done when it took ours");
	IS(in_child_that_ends(pages_under_locks), 0,
	    "pages are swapped while threads have locks of the C library");
#ifdef __x86_64__
	IS(in_child(interrupted_in_nops), 0,
	    "a handler that would go back among the NOPs is waited for");
	IS(in_child(stuck_in_prologue), 0,
	    "a thread that stays in the first instructions is waited for");
	IS(in_child(moved_out_of_nops), 0,
	    "one among NOPs begins the function anew");
#endif
	IS(in_child(first_thread_ends), 0, "a first thread that ended is none");
	MADE_ONE(&m, "nops", nops, nops_new);
	/* Its last threads may still be about to end: after what counts them.
	 */
	check_stillness();
	check_flips();
	return tap_done();
}
