/*
 * What a native patch costs: a call that goes through the jump, beside one that
 * does not; how long a program stands still when a patch comes, with threads
 * that wait in the kernel and with such that work.
 *
 *	usage: native
 *
 * Figures of calls are the best of several, taken in turns. Those of halts
 * are means and the worst: threads that work and are more than the processors
 * wait for their turn first.
 */

#include "tests/native.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"

#define ROUNDS  9
#define CALLS   20000000
#define FLIPS   200
#define THREADS 16

FN(hit, NOPS) unsigned hit(unsigned n)
{
	return n * 3 + 1;
}

FN(hit_new, 0) unsigned hit_new(unsigned n)
{
	return n * 3 + 1;
}

static unsigned (*volatile call_hit)(unsigned) = hit;

static void
must(enum native_code code, const struct native_report *r)
{
	if (code == NATIVE_OK)
		return;
	fprintf(stderr, "native: %s\n", r->text);
	exit(1);
}

static double
call_ns(void)
{
	int64_t begin_ns = clock_mono_ns();
	unsigned n = 1, i;

	for (i = 0; i < CALLS; i++)
		n = call_hit(n);
	return (double)(clock_mono_ns() - begin_ns) / CALLS;
}

static void
measure_calls(const struct made *m)
{
	double plain = 0, patched = 0, t;
	struct native_report r;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		t = call_ns();
		if (i == 0 || t < plain)
			plain = t;
		must(native_apply(&m->p, &r), &r);
		t = call_ns();
		if (i == 0 || t < patched)
			patched = t;
		must(native_revert(m->p.id, &r), &r);
	}
	printf("a call %.2f ns, patched %.2f ns: %.2f times\n", plain, patched,
	    patched / plain);
}

struct crew {
	int works, stop, pipe[2];
};

static void *
run(void *arg)
{
	struct crew *c = arg;
	unsigned n = 1;
	char byte;

	while (c->works && !__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
		n = call_hit(n);
	/* Until the other end is closed; a signal restarts it. */
	while (!c->works && read(c->pipe[0], &byte, 1) > 0)
		;
	return NULL;
}

static void
measure_halts(struct made *m, int threads, int works)
{
	struct crew c = {.works = works};
	int64_t sum_ns = 0, worst_ns = 0, load_ns = 0;
	struct native_report r;
	pthread_t t[THREADS];
	int i, halts = 0;

	if (pipe(c.pipe) != 0)
		exit(1);
	for (i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, run, &c) != 0)
			exit(1);
	for (i = 0; i < FLIPS; i++) {
		/* Another one each time, or it would have its pages back. */
		snprintf(m->p.id, sizeof m->p.id, "bench-%d-%d-%d", threads,
		    works, i);
		must(native_apply(&m->p, &r), &r);
		load_ns += r.load_ns;
		sum_ns += r.pause_ns;
		if (r.pause_ns > worst_ns)
			worst_ns = r.pause_ns;
		halts++;
		must(native_revert(m->p.id, &r), &r);
	}
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
	close(c.pipe[1]);
	for (i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	close(c.pipe[0]);
	printf("%2d threads that %s: halted %.1f us, at worst %.1f us; "
	       "checks and loading %.1f us\n",
	    threads, works ? "work" : "wait", (double)sum_ns / halts / 1e3,
	    (double)worst_ns / 1e3, (double)load_ns / halts / 1e3);
}

int
main(void)
{
	static struct made m;
	struct native_report r;

	must(native_init(NULL, &r), &r);
	printf("%s\n", r.text);
	MADE_ONE(&m, "bench", hit, hit_new);
	measure_calls(&m);
	measure_halts(&m, 0, 0);
	measure_halts(&m, 4, 0);
	measure_halts(&m, 16, 0);
	measure_halts(&m, 4, 1);
	measure_halts(&m, 16, 1);
	return 0;
}
