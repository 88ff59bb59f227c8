/* By which ways code is written, where some of them are forbidden. */
#include "tests/native.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native/probe.h"
#include "native/write.h"

/* Of linux/prctl.h, which musl's compiler does not find: from now on no page
 * of the process becomes executable that was not. */
#define SET_MDWE     65
#define MDWE_NO_GAIN 1UL

/* What a child found: exit statuses. */
enum outcome {
	WORKS,      /* applied by this method, and reverted */
	REFUSED,    /* PERM, and nothing was changed */
	WRONG,      /* anything else */
	OTHER_WAY,  /* applied by another method */
	IMPOSSIBLE, /* the kernel does not have what the test needs */
};

/* Apply and revert in a child with these methods; with no page becoming
 * executable if mdwe is set. */
static enum outcome
in_child(const struct native_options *o, enum native_method method, int mdwe)
{
	static struct native_report r;
	static struct made m;
	uint8_t before[64];
	enum native_code code;
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid != 0) {
		waitpid(pid, &status, 0);
		return WIFEXITED(status) ? (enum outcome)WEXITSTATUS(status)
					 : WRONG;
	}
	if (mdwe && prctl(SET_MDWE, MDWE_NO_GAIN, 0UL, 0UL, 0UL) != 0)
		_exit(IMPOSSIBLE);
	memcpy(before, AT(damage), LEN(damage));
	MADE_ONE(&m, "p1", damage, damage_1);
	code = native_init(o, &r);
	printf("# %s\n", r.text);
	fflush(stdout);
	if (code == NATIVE_PERM && native_apply(&m.p, &r) == NATIVE_PERM)
		_exit(call_damage(10) == 31 &&
			      memcmp(before, AT(damage), LEN(damage)) == 0
			  ? REFUSED
			  : WRONG);
	if (code != NATIVE_OK)
		_exit(WRONG);
	if (strstr(r.text, native_method_name(method)) == NULL)
		_exit(OTHER_WAY);
	if (native_apply(&m.p, &r) != NATIVE_OK || call_damage(10) != 1110 ||
	    native_revert("p1", &r) != NATIVE_OK || call_damage(10) != 31 ||
	    memcmp(before, AT(damage), LEN(damage)) != 0)
		_exit(WRONG);
	_exit(WORKS);
}

static int emulated;

static void
check(const char *what, enum native_method method, int mdwe, int allow_rwx,
    enum outcome want)
{
	struct native_options o = {
	    .methods = 1U << method, .allow_rwx = allow_rwx};
	enum outcome got;

	if (emulated && method == NATIVE_PROC_MEM) {
		tap_skip("an emulator does not see what is written so");
		return;
	}
	got = in_child(&o, method, mdwe);
	if (got == IMPOSSIBLE)
		tap_skip("this kernel has no PR_SET_MDWE");
	else
		IS(got, want, what);
}

static void
check_order(void)
{
	struct native_options all = {.allow_rwx = 1};
	struct native_options later = {
	    .allow_rwx = 1,
	    .methods = 1U << NATIVE_PAGE_SWAP | 1U << NATIVE_MPROTECT,
	};

	IS(in_child(&all, NATIVE_PROC_MEM, 0), emulated ? OTHER_WAY : WORKS,
	    "of all methods /proc/self/mem is the first");
	IS(in_child(&later, NATIVE_PAGE_SWAP, 0), WORKS,
	    "then that of swapping a page");
}

/* Two jobs in one page, one over two, one far away: pages are joined. */
static void
check_runs(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const uint8_t *base = native_reserve_code;
	static const uint8_t text[] = "0123456789";
	struct write_job jobs[4];
	struct writer w = WRITER_INIT;
	static const size_t at[4] = {7, 2, 0, 1};
	size_t i;

	for (i = 0; i < 4; i++) {
		jobs[i].at = (uintptr_t)base + at[i] * page + 100;
		jobs[i].bytes = text + i;
		jobs[i].len = 5;
	}
	jobs[2].at = (uintptr_t)base + 3 * page - 2;
	IS(writer_open(&w, NATIVE_PAGE_SWAP, jobs, 4), 0,
	    "four places on four pages, in no order");
	IS(w.nruns, 2, "are two runs of pages");
	OK(w.runs[0].at == (uintptr_t)base + page &&
		w.runs[0].len == 3 * page &&
		w.runs[1].at == (uintptr_t)base + 7 * page &&
		w.runs[1].len == page,
	    "each page once");
	IS(writer_run(&w), 0, "they are written");
	writer_close(&w);
	for (i = 0; i < 4; i++)
		IS_MEM((const void *)jobs[i].at, text + i, 5, "each one");
	OK(base[page + 99] == base[0] && base[page + 105] == base[0] &&
		base[3 * page + 3] == base[0],
	    "and what is around them is as it was");
}

int
main(void)
{
	emulated = probe_method(NATIVE_PROC_MEM) == PROBE_UNSEEN;
	check("by /proc/self/mem", NATIVE_PROC_MEM, 0, 0, WORKS);
	check("by swapping the page", NATIVE_PAGE_SWAP, 0, 0, WORKS);
	check("by mprotect, when it is allowed", NATIVE_MPROTECT, 0, 1, WORKS);
	check("which it is not by itself", NATIVE_MPROTECT, 0, 0, REFUSED);
	check("where nothing becomes executable: by /proc/self/mem",
	    NATIVE_PROC_MEM, 1, 0, WORKS);
	check("by swapping the page", NATIVE_PAGE_SWAP, 1, 0, WORKS);
	check("not by mprotect, and nothing is changed", NATIVE_MPROTECT, 1, 1,
	    REFUSED);
	check_order();
	check_runs();
	return tap_done();
}
