/*
 * A program whose functions the tests replace: reads lines, does what they
 * say, answers each with one line on standard output; what is for people
 * goes to standard error.
 *
 *	usage: target [-m METHODS] [-a] [-x]
 *
 * -m: only these ways to write (proc, swap, rwx; with commas). -a: mprotect
 * to writable and executable is allowed. -x: no mapping may be both or become
 * executable (PR_SET_MDWE), from the beginning.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "native/apply.h"
#include "native/patch.h"
#include "tests/native/rules.h"

#define MDWE_SET     65 /* PR_SET_MDWE, which older headers lack */
#define MDWE_NO_GAIN 1

#define FILE_MAX (1u << 20) /* of patches here */
#define THREADS  4
#define WORDS    6
#define BURST    20000 /* calls: some 50 us */
#define BUSY_MAX 20    /* times in a row: a machine under load may need a few */

static const struct {
	const char *name;
	void (*at)(void);
} functions[] = {
    {"damage", (void (*)(void))rules_damage},
    {"heal", (void (*)(void))rules_heal},
    {"report", (void (*)(void))rules_report},
    {"deep", (void (*)(void))rules_deep},
    {"hammer", (void (*)(void))rules_hammer},
    {"one", (void (*)(void))rules_one},
    {"step", (void (*)(void))rules_step},
#if defined(__x86_64__)
    {"short", (void (*)(void))rules_short},
    {"tight", (void (*)(void))rules_tight},
    {"loop", (void (*)(void))rules_loop},
    {"long", (void (*)(void))rules_long},
#endif
};

enum { OLD = 1, NEW = 2, BOTH = OLD | NEW };

struct worker {
	pthread_t thread;
	int (*function)(int);
	int before[2], after[2]; /* factor and addend: what is right */
	int naps;                /* after each burst */
	unsigned long calls, old, mended, bad;
};

static int hammering;
/* Off, being applied, applied, being taken off. */
static unsigned long turns;
static const int may_be[4] = {OLD, BOTH, NEW, BOTH};
static uint8_t kept[16];          /* of a function's first bytes */
static int blocked[2] = {-1, -1}; /* the pipe that ends the blocking thread */
static pthread_t blocker;
static const char *inner_file; /* of deepapply */
static enum native_code inner_code;

/* --- helpers -------------------------------------------------------------- */

static void (*find(const char *name))(void)
{
	size_t i;

	for (i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (strcmp(functions[i].name, name) == 0)
			return functions[i].at;
	fprintf(stderr, "target: no function %s\n", name);
	exit(2);
}

static long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* NULL when there is no patch in the file, which is said. */
static struct native_patch *
patch_of(const char *path)
{
	static uint8_t bytes[FILE_MAX];
	struct native_patch *p = NULL;
	struct err e = {ERR_NONE, ""};
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return NULL;
	}
	n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	if (native_patch_parse(&p, bytes, n, &e) < 0) {
		fprintf(stderr, "%s: %s\n", path, e.text);
		return NULL;
	}
	return p;
}

/* FORMAT also for what the parser refuses: it has no codes of its own. */
static enum native_code
with_file(const char *path,
    enum native_code (*verb)(const struct native_patch *,
	struct native_report *))
{
	struct native_patch *p = patch_of(path);
	struct native_report r;

	if (p == NULL)
		return NATIVE_FORMAT;
	(void)verb(p, &r);
	fprintf(stderr, "%s: %s\n", path, r.text);
	native_patch_free(p);
	return r.code;
}

/* Past what protects the text, as a debugger does it; the byte before. */
static uint8_t
poke(void (*at)(void), uint8_t byte)
{
	int fd = open("/proc/self/mem", O_RDWR);
	uint8_t before = *(const volatile uint8_t *)(uintptr_t)at;

	if (fd < 0 || pwrite(fd, &byte, 1, (off_t)(uintptr_t)at) != 1) {
		perror("target: poke");
		exit(2);
	}
	close(fd);
	return before;
}

/* --- threads -------------------------------------------------------------- */

static void *
hammer(void *arg)
{
	static const struct timespec nap = {0, 100000};
	struct worker *w = arg;
	int x = 1;

	while (__atomic_load_n(&hammering, __ATOMIC_ACQUIRE)) {
		unsigned long at = __atomic_load_n(&turns, __ATOMIC_SEQ_CST);
		int got = w->function(x), may = BOTH;

		if (at == __atomic_load_n(&turns, __ATOMIC_SEQ_CST))
			may = may_be[at % 4];
		if ((may & OLD) != 0 && got == w->before[0] * x + w->before[1])
			w->old++;
		else if ((may & NEW) != 0 &&
			 got == w->after[0] * x + w->after[1])
			w->mended++;
		else
			w->bad++;
		x = x % 10000 + 1;
		__atomic_store_n(&w->calls, w->calls + 1, __ATOMIC_RELAXED);
		if (w->naps && w->calls % BURST == 0)
			nanosleep(&nap, NULL);
	}
	return NULL;
}

/* Until one of them has made some calls more: else a flip may be over before
 * any thread has had a turn. */
static void
let_work(struct worker *w, size_t n)
{
	static const struct timespec turn = {0, 20000};
	unsigned long before[THREADS];
	size_t i;

	for (i = 0; i < n; i++)
		before[i] = __atomic_load_n(&w[i].calls, __ATOMIC_RELAXED);
	for (i = 0;; i = (i + 1) % n) {
		if (__atomic_load_n(&w[i].calls, __ATOMIC_RELAXED) >
		    before[i] + 2)
			return;
		nanosleep(&turn, NULL);
	}
}

/* Again and again, for a machine under load may miss the bound. Old and new
 * answers are right meanwhile, not before and after. */
static enum native_code
persist(const struct native_patch *p, int on, struct native_report *r)
{
	int i;

	__atomic_add_fetch(&turns, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < BUSY_MAX; i++) {
		(void)(on ? native_apply(p, r) : native_revert(p->id, r));
		if (r->code != NATIVE_BUSY)
			break;
		fprintf(stderr, "busy: %s\n", r->text);
	}
	__atomic_add_fetch(&turns, 1, __ATOMIC_SEQ_CST);
	return r->code;
}

static void
flips(const char *name, const char *path, int n, int naps)
{
	struct native_patch *p = patch_of(path);
	struct worker workers[THREADS];
	struct native_report r = {0};
	enum native_code code = NATIVE_OK;
	unsigned long old = 0, mended = 0, bad = 0;
	int64_t worst = 0;
	const size_t nworkers = THREADS;
	size_t i;
	int done;

	if (p == NULL) {
		printf("no patch");
		return;
	}
	__atomic_store_n(&turns, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&hammering, 1, __ATOMIC_RELEASE);
	memset(workers, 0, sizeof workers);
	for (i = 0; i < nworkers; i++) {
		struct worker *w = &workers[i];

		w->naps = naps;
		w->function = (int (*)(int))find(name);
		w->before[0] = w->function(2) - w->function(1);
		w->before[1] = w->function(1) - w->before[0];
		w->after[0] = w->before[0] + 2;
		w->after[1] = w->before[1] + 1;
		if (pthread_create(&w->thread, NULL, hammer, w) != 0)
			exit(2);
	}
	for (done = 0; done < n && code == NATIVE_OK; done++) {
		code = persist(p, 1, &r);
		if (code == NATIVE_OK) {
			worst = r.pause_ns > worst ? r.pause_ns : worst;
			let_work(workers, nworkers);
			code = persist(p, 0, &r);
			let_work(workers, nworkers);
		}
	}
	__atomic_store_n(&hammering, 0, __ATOMIC_RELEASE);
	for (i = 0; i < nworkers; i++) {
		pthread_join(workers[i].thread, NULL);
		old += workers[i].old;
		mended += workers[i].mended;
		bad += workers[i].bad;
	}
	fprintf(stderr,
	    "flips: old %lu mended %lu bad %lu, longest pause %lld us, %s\n",
	    old, mended, bad, (long long)worst / 1000, r.text);
	printf("%s done %d old %s mended %s bad %lu", native_code_name(code),
	    done, old > 0 ? "seen" : "never", mended > 0 ? "seen" : "never",
	    bad);
	native_patch_free(p);
}

/* Waits with all signals blocked, until there is something to read. */
static void *
deaf(void *arg)
{
	char c;

	(void)arg;
	if (read(blocked[0], &c, 1) != 1)
		exit(2);
	return NULL;
}

static void
block(int on)
{
	sigset_t all, before;

	if (on) {
		if (pipe(blocked) < 0)
			exit(2);
		/* Inherited, so that there is no moment in between. */
		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, &before);
		if (pthread_create(&blocker, NULL, deaf, NULL) != 0)
			exit(2);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		return;
	}
	if (write(blocked[1], ".", 1) != 1)
		exit(2);
	pthread_join(blocker, NULL);
	close(blocked[0]);
	close(blocked[1]);
}

/* --- what lines say ------------------------------------------------------- */

static void
nothing(void)
{
}

static void
apply_inner(void)
{
	inner_code = with_file(inner_file, native_apply);
}

static void
call(int argc, char **argv)
{
	static const char *const one[] = {
	    "heal", "hammer", "step", "short", "tight", "loop", "long"};
	const char *name = argc > 1 ? argv[1] : "";
	int a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0;
	char text[64] = "";
	size_t i;

	if (strcmp(name, "damage") == 0)
		printf("%d", rules_damage(a, b));
	else if (strcmp(name, "report") == 0) {
		int n = rules_report(text, sizeof text, a, b);

		printf("%d %s", n, text);
	} else if (strcmp(name, "deep") == 0)
		printf("%d", rules_deep(a, nothing));
	else if (strcmp(name, "roll_a") == 0)
		printf("%d", rules_roll_a(a));
	else if (strcmp(name, "roll_b") == 0)
		printf("%d", rules_roll_b(a));
	else if (strcmp(name, "three") == 0)
		printf("%d", rules_three());
	else if (strcmp(name, "walk") == 0)
		printf("%d", rules_walk(a, b));
	else {
		for (i = 0; i < sizeof one / sizeof one[0]; i++)
			if (strcmp(name, one[i]) == 0)
				break;
		if (i == sizeof one / sizeof one[0])
			printf("no such call");
		else
			printf("%d", ((int (*)(int))find(name))(a));
	}
}

static void
bytes(const char *name, int n)
{
	const uint8_t *at = (const uint8_t *)(uintptr_t)find(name);

	for (; n > 0; n--)
		printf("%02x", *at++);
}

static void
exhaust(const char *path)
{
	struct native_patch *p = patch_of(path);
	struct native_report r = {0};
	int n = 0;

	if (p == NULL)
		return;
	do {
		(void)snprintf(p->id, sizeof p->id, "x%d", ++n);
		(void)native_apply(p, &r);
	} while (r.code == NATIVE_OK);
	fprintf(stderr, "exhaust: %d applied, %s\n", n - 1, r.text);
	printf("%s after %s", native_code_name(r.code),
	    n > 1 ? "some" : "none");
	native_patch_free(p);
}

static void
one_line(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "list: %s\n", line);
}

static void
obey(int argc, char **argv)
{
	const char *verb = argv[0], *name = argc > 1 ? argv[1] : "";
	struct native_report r = {0};

	if (strcmp(verb, "call") == 0)
		call(argc, argv);
	else if (strcmp(verb, "apply") == 0)
		printf("%s", native_code_name(with_file(name, native_apply)));
	else if (strcmp(verb, "try") == 0)
		printf("%s", native_code_name(with_file(name, native_try)));
	else if (strcmp(verb, "revert") == 0) {
		(void)native_revert(name, &r);
		fprintf(stderr, "revert %s: %s\n", name, r.text);
		printf("%s", native_code_name(r.code));
	} else if (strcmp(verb, "slow") == 0) {
		long long t = now_ms();

		printf("%s", native_code_name(with_file(name, native_apply)));
		t = now_ms() - t;
		printf(" %s", t >= 900 && t < 5000 ? "in about 1 s" : "");
		fprintf(stderr, "slow: %lld ms\n", t);
	} else if (strcmp(verb, "list") == 0)
		printf("%zu", native_list(one_line, NULL));
	else if (strcmp(verb, "live") == 0)
		printf("%d", native_is_live(name));
	else if (strcmp(verb, "deepapply") == 0 && argc > 2) {
		int levels;

		inner_file = argv[2];
		levels = rules_deep(atoi(name), apply_inner);
		printf("%s %d", native_code_name(inner_code), levels);
	} else if (strcmp(verb, "flips") == 0 && argc > 3)
		flips(name, argv[2], atoi(argv[3]), argc > 4);
	else if (strcmp(verb, "block") == 0 || strcmp(verb, "unblock") == 0) {
		block(verb[0] == 'b');
		printf("done");
	} else if (strcmp(verb, "keep") == 0) {
		memcpy(kept, (const void *)(uintptr_t)find(name), sizeof kept);
		printf("kept");
	} else if (strcmp(verb, "same") == 0)
		printf("%s", memcmp(kept, (const void *)(uintptr_t)find(name),
				 sizeof kept) == 0
				 ? "yes"
				 : "no");
	else if (strcmp(verb, "bytes") == 0 && argc > 2)
		bytes(name, atoi(argv[2]));
	else if (strcmp(verb, "poke") == 0 && argc > 2)
		printf("%02x",
		    poke(find(name), (uint8_t)strtol(argv[2], NULL, 16)));
	else if (strcmp(verb, "exhaust") == 0)
		exhaust(name);
	else
		printf("what?");
}

/* --- main ----------------------------------------------------------------- */

static unsigned
methods_of(const char *names)
{
	unsigned m = 0;

	if (strstr(names, "proc") != NULL)
		m |= 1u << NATIVE_PROC_MEM;
	if (strstr(names, "swap") != NULL)
		m |= 1u << NATIVE_PAGE_SWAP;
	if (strstr(names, "rwx") != NULL)
		m |= 1u << NATIVE_MPROTECT;
	return m;
}

int
main(int argc, char **argv)
{
	struct native_options o = {0};
	struct native_report r = {0};
	char line[512], *words[WORDS], *w;
	int c, n;

	while ((c = getopt(argc, argv, "m:ax")) != -1) {
		switch (c) {
		case 'm':
			o.methods = methods_of(optarg);
			break;
		case 'a':
			o.allow_rwx = 1;
			break;
		case 'x':
			if (prctl(MDWE_SET, MDWE_NO_GAIN, 0L, 0L, 0L) < 0) {
				printf("start: no MDWE here\n");
				return 0;
			}
			break;
		default:
			return 2;
		}
	}
	(void)native_init(&o, &r);
	fprintf(stderr, "start: %s\n", r.text);
	printf("start: %s\n", native_code_name(r.code));
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		printf("%s: ", line);
		n = 0;
		for (w = strtok(line, " "); w != NULL && n < WORDS;
		     w = strtok(NULL, " "))
			words[n++] = w;
		if (n > 0)
			obey(n, words);
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
