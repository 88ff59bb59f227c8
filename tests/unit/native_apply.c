/* Native patches of this program itself, made by hand. */
#include "tests/native.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hex.h"
#include "native/write.h"

/* The first instructions of a function of its own, none of them NOPs. */
FN(plain, 0) int plain(int n)
{
	return n * 7 + 3;
}

static int (*volatile call_plain)(int) = plain;

/* Code that this machine's tests of relocations are made of. */
#ifdef __aarch64__
/* adrp x1, V; ldr w0, [x1, V]; add w0, w0, 1; str w0, [x1, V]; ret */
static const uint8_t count_code[] = {0x01, 0, 0, 0x90, 0x20, 0, 0x40, 0xb9, 0,
    4, 0, 0x11, 0x20, 0, 0, 0xb9, 0xc0, 0x03, 0x5f, 0xd6};
#else
/* inc V; mov V, %eax; ret */
static const uint8_t count_code[] = {
    0xff, 0x05, 0, 0, 0, 0, 0x8b, 0x05, 0, 0, 0, 0, 0xc3};
#endif

static struct native_report report;
/* The result's name, so that a failure shows both. */
#define WANT(got, want, what)                       \
	(IS_STR(native_code_name(got), #want, what) \
		? 0                                 \
		: printf("#   %s\n", report.text))

static enum native_code
apply(const struct made *m)
{
	return native_apply(&m->p, &report);
}

/* Bytes of the running code, whoever they belong to. */
static void
poke(const uint8_t *at, const uint8_t *bytes, size_t len)
{
	struct write_job job = {(uintptr_t)at, bytes, len};
	struct writer w = WRITER_INIT;

	if (writer_open(&w, NATIVE_PROC_MEM, &job, 1) != 0 ||
	    writer_run(&w) != 0) {
		writer_close(&w);
		if (writer_open(&w, NATIVE_PAGE_SWAP, &job, 1) != 0 ||
		    writer_run(&w) != 0) {
			printf("Bail out! code cannot be written\n");
			exit(1);
		}
	}
	writer_close(&w);
}

static void
check_before(void)
{
	static struct made m;

	MADE_ONE(&m, "p1", damage, damage_1);
	WANT(apply(&m), DISABLED, "before the init nothing is applied");
	WANT(native_revert("p1", &report), DISABLED, "nor reverted");
	WANT(native_status(&report), DISABLED, "and the status tells");
	IS_STR(report.text, "patchable: no: hotfix_native_init was not called",
	    "why");
}

static void
check_init(void)
{
	WANT(native_init(NULL, &report), OK, "this program can be patched");
	OK(strncmp(report.text, "patchable: yes (", 16) == 0, "and it says so");
	printf("# %s\n", report.text);
	IS(report.code_left, HOTFIX_NATIVE_RESERVE, "all of the code reserve");
	IS(report.data_left, HOTFIX_NATIVE_RESERVE, "and of that of data");
	WANT(native_init(NULL, &report), OK, "a second time is no harm");
}

static void
check_one(void)
{
	struct listed told = {.n = 0};
	static struct made m;
	uint8_t before[64];
	size_t left =
	    native_status(&report) == NATIVE_OK ? report.code_left : 0;

	memcpy(before, AT(damage), LEN(damage));
	MADE_ONE(&m, "p1", damage, damage_1);
	WANT(native_try(&m.p, &report), OK, "a patch fits");
	IS_MEM(AT(damage), before, LEN(damage), "trying changes nothing");
	IS(call_damage(10), 31, "and the old function is in force");
	WANT(apply(&m), OK, "it is applied");
	IS(call_damage(10), 1110, "a call takes the new function");
	IS(call_heal(10), 52, "others are as before");
	OK(strncmp(report.text, "applied p1: 1 function(s), ", 27) == 0,
	    "the line for people");
	printf("# %s\n", report.text);
	IS_STR(report.id, "p1", "the report names it");
	IS(report.funcs, 1, "and how many functions");
	IS(left - report.code_left, (size_t)sysconf(_SC_PAGESIZE),
	    "it took a page");
	IS(native_is_live("p1"), 1, "it is live");
	IS(native_list(on_line, &told), 1, "one is in the list");
	OK(strncmp(told.lines[0], "p1: 1 function (damage), ", 25) == 0,
	    "and its line tells of what");
	WANT(apply(&m), DUP, "the same again is known");
	IS_STR(report.text, "p1 is live already", "which is no failure");
	m.p.digest[0]++;
	WANT(apply(&m), ORDER, "another one of its id is not");
	m.p.digest[0]--;
	WANT(native_revert("p1", &report), OK, "it is reverted");
	IS(call_damage(10), 31, "the old function is in force");
	IS_MEM(AT(damage), before, LEN(damage), "byte for byte");
	WANT(native_revert("p1", &report), NOTFOUND, "once");
	IS(native_list(NULL, NULL), 0, "the list is empty");
}

static void
check_two_functions(void)
{
	struct listed told = {.n = 0};
	static struct made m;

	made_begin(&m, "both");
	made_func(&m, "damage", BODY(damage), 0, PAD,
	    made_code(&m, BODY(damage_2)));
	made_func(&m, "heal", BODY(heal), 0, PAD, made_code(&m, BODY(heal_1)));
	WANT(apply(&m), OK, "two functions in one patch");
	OK(call_damage(10) == 2130 && call_heal(10) == 3170, "both are new");
	IS(report.funcs, 2, "both are counted");
	native_list(on_line, &told);
	OK(strncmp(told.lines[0], "both: 2 functions (damage, heal), ", 34) ==
		0,
	    "and listed");
	WANT(native_revert("both", &report), OK, "are reverted");
	OK(call_damage(10) == 31 && call_heal(10) == 52, "both are old");

	m.p.funcs[1].sha512[7] ^= 1;
	WANT(apply(&m), MISMATCH, "when one of two does not fit");
	OK(strncmp(report.text, "heal: ", 6) == 0, "it is named");
	OK(call_damage(10) == 31 && call_heal(10) == 52, "neither is changed");
}

static void
check_stack(void)
{
	static struct made one, two, other;

	MADE_ONE(&one, "p1", damage, damage_1);
	made_begin(&two, "p2");
	made_func(&two, "damage", BODY(damage), 0, PAD,
	    made_code(&two, BODY(damage_2)));
	made_func(&two, "heal", BODY(heal), 0, PAD,
	    made_code(&two, BODY(heal_1)));
	MADE_ONE(&other, "other", plain, heal_1);
	other.p.funcs[0].pad = 0;

	WANT(apply(&one), OK, "one patch");
	WANT(apply(&two), OK, "over it another, made for the same build");
	WANT(apply(&other), OK, "and one of another function");
	IS(call_damage(10), 2130, "the upper one is in force");
	WANT(native_revert("p1", &report), ORDER, "the lower one stays");
	IS_STR(report.text, "p2 lies over damage of p1: revert it first",
	    "both and the function are named");
	IS(call_damage(10), 2130, "and nothing is changed");
	WANT(native_revert("p2", &report), OK, "the upper one is reverted");
	OK(call_damage(10) == 1110 && call_heal(10) == 52,
	    "the lower one is in force");
	WANT(native_revert("p1", &report), OK,
	    "and reverted under one of another function");
	OK(call_damage(10) == 31 && call_plain(10) == 3170, "alone");
	WANT(native_revert("other", &report), OK, "then that one");
	IS(call_plain(10), 73, "whose entry was a real one");
}

static void
check_needs(void)
{
	static struct made one, two;

	MADE_ONE(&one, "base", damage, damage_1);
	MADE_ONE(&two, "more", heal, heal_1);
	snprintf(two.p.needs, sizeof two.p.needs, "base");
	WANT(apply(&two), NEEDS, "what it needs is not live");
	IS_STR(report.text, "more needs base, which is not live", "is named");
	WANT(apply(&one), OK, "then it is");
	WANT(apply(&two), OK, "and it comes");
	WANT(native_revert("base", &report), ORDER, "what is needed stays");
	IS_STR(report.text, "more needs base: revert it first", "it says why");
	WANT(native_revert("more", &report), OK, "first the one");
	WANT(native_revert("base", &report), OK, "then the other");
}

static void
check_other_builds(void)
{
	static struct made m;
	char its[2 * NATIVE_BUILD_ID + 1], ours[2 * NATIVE_BUILD_ID + 1];
	struct self self;

	MADE_ONE(&m, "p1", damage, damage_1);
	m.p.build_id[3] ^= 1;
	WANT(apply(&m), BUILD, "another build is refused");
	self = made_self();
	hex_encode(its, m.p.build_id, m.p.build_id_len);
	hex_encode(ours, self.build_id, self.build_id_len);
	OK(strstr(report.text, its) != NULL &&
		strstr(report.text, ours) != NULL,
	    "both ids are told");
	m.p.build_id[3] ^= 1;
	m.p.build_id_len--;
	WANT(apply(&m), BUILD, "so is a shorter id");
	m.p.build_id_len++;
	m.p.arch = OTHER_ARCH;
	WANT(apply(&m), ARCH, "and another machine");
	m.p.arch = OWN_ARCH;
	m.p.funcs[0].off += (uint64_t)1 << 40;
	m.p.funcs[0].site += (uint64_t)1 << 40;
	WANT(apply(&m), MODULE, "an address outside of the program");
	m.p.funcs[0].off = (uintptr_t)native_reserve_data - made_self().base;
	m.p.funcs[0].site = m.p.funcs[0].off;
	WANT(apply(&m), MODULE, "one that is not code");
	m.p.funcs[0].off = (uintptr_t)native_reserve_code - made_self().base;
	m.p.funcs[0].site = m.p.funcs[0].off;
	WANT(apply(&m), MODULE, "and the reserve itself");
	IS(call_damage(10), 31, "nothing is changed");
}

static void
check_contradictions(void)
{
	static struct made good, m;
	static const struct {
		const char *what;
		size_t off;
		enum native_kind kind;
		char where, base;
	} relocs[] = {
	    {"a relocation past the end", MADE_BYTES, NATIVE_ABS64, 'c', 'm'},
	    {"one in data that is not there", 0, NATIVE_ABS32, 'd', 'm'},
	    {"one in nothing", 0, NATIVE_ABS64, 'x', 'm'},
	    {"one from nothing", 0, NATIVE_ABS64, 'c', 'x'},
	    {"one of no kind", 0, (enum native_kind)NATIVE_KINDS, 'c', 'm'},
	    {"one whose offset wraps", SIZE_MAX - 3, NATIVE_ABS64, 'c', 'm'},
	};
	size_t i;

	MADE_ONE(&good, "p1", damage, damage_1);
	m = good;
	m.p.nfuncs = 0;
	WANT(apply(&m), FORMAT, "no function");
	m = good;
	m.p.nfuncs = NATIVE_FUNCS + 1;
	WANT(apply(&m), FORMAT, "too many of them");
	m = good;
	m.p.funcs[0].new_off = m.p.code;
	WANT(apply(&m), FORMAT, "a new function behind the code");
	m = good;
	m.p.funcs[0].size = JUMP - 1;
	WANT(apply(&m), FORMAT, "an old one shorter than the jump");
	m = good;
	m.p.funcs[0].site = m.p.funcs[0].off + m.p.funcs[0].size - JUMP + 1;
	WANT(apply(&m), FORMAT, "a jump past the end");
	m = good;
	m.p.funcs[0].site--;
	WANT(apply(&m), FORMAT, "a jump before it");
	m = good;
	m.p.funcs[m.p.nfuncs++] = m.p.funcs[0];
	WANT(apply(&m), FORMAT, "a function twice");
	m = good;
	m.p.code = NATIVE_AREA + 1;
	WANT(apply(&m), FORMAT, "more code than a patch may have");
	for (i = 0; i < sizeof relocs / sizeof *relocs; i++) {
		m = good;
		m.p.relocs = m.relocs;
		made_reloc(&m, relocs[i].where, relocs[i].off, relocs[i].kind,
		    relocs[i].base, 0);
		WANT(apply(&m), FORMAT, relocs[i].what);
	}
	IS(call_damage(10), 31, "nothing is changed");
}

static void
check_old_code(void)
{
	static const uint8_t trap[1] = {0xcc};
	static struct made m, over;
	const uint8_t *at = AT(damage) + LEN(damage) - 1;
	uint8_t byte = *at, flipped = byte ^ 0x10, entry = *AT(damage);

	MADE_ONE(&m, "p1", damage, damage_1);
	MADE_ONE(&over, "p2", damage, damage_2);
	poke(at, &flipped, 1);
	WANT(apply(&m), MISMATCH, "a byte of the old function differs");
	poke(at, &byte, 1);
	poke(AT(damage), trap, 1);
	WANT(apply(&m), MISMATCH, "a breakpoint at its entry");
	IS(*AT(damage), 0xcc, "stays there");
	poke(AT(damage), &entry, 1);
	WANT(apply(&m), OK, "without it is applied");
	entry = *AT(damage);
	poke(AT(damage), trap, 1);
	WANT(apply(&over), MISMATCH, "a breakpoint over our jump: no second");
	WANT(native_revert("p1", &report), MISMATCH, "and no revert");
	IS(*AT(damage), 0xcc, "it stays there");
	poke(AT(damage), &entry, 1);
	WANT(native_revert("p1", &report), OK, "without it is reverted");
	IS(call_damage(10), 31, "and as it was");
}

/* A part of another function as if it were one of its own. */
static void
check_overlap(void)
{
	static struct made m, inner;

	MADE_ONE(&m, "p1", damage, damage_1);
	made_begin(&inner, "p2");
	made_func(&inner, "inner", AT(damage) + 1, LEN(damage) - 1, 0, 0,
	    made_code(&inner, BODY(damage_2)));
	WANT(apply(&m), OK, "a function is patched");
	WANT(apply(&inner), MISMATCH, "what begins in its jump is not");
	WANT(native_revert("p1", &report), OK, "and it is reverted");
	made_func(&m, "inner", AT(damage) + 1, LEN(damage) - 1, 0, 0, 0);
	WANT(apply(&m), FORMAT, "nor both in one patch");
}

static void
check_relocations(void)
{
	static struct made m;
	struct self self = made_self();
	uint64_t pointers[4];
	size_t code, left;
	int value = 41;

	/* A counter in data that begins with 41, and cells that tell where
	 * things are. */
	made_begin(&m, "count");
	code = made_code(&m, count_code, sizeof count_code);
	made_func(&m, "damage", BODY(damage), 0, PAD, code);
	m.p.rodata = 5;
	m.p.data = 8 + sizeof pointers;
	m.p.bss = 24;
	memcpy(m.bytes + m.p.code + m.p.rodata, &value, sizeof value);
#ifdef __aarch64__
	made_reloc(&m, 'c', 0, NATIVE_ADRP, 'd', 0);
	made_reloc(&m, 'c', 4, NATIVE_LO12_2, 'd', 0);
	made_reloc(&m, 'c', 12, NATIVE_LO12_2, 'd', 0);
#else
	made_reloc(&m, 'c', 2, NATIVE_REL32, 'd', -4);
	made_reloc(&m, 'c', 8, NATIVE_REL32, 'd', -4);
#endif
	made_reloc(&m, 'd', 8, NATIVE_ABS64, 'c', 3);
	made_reloc(&m, 'd', 16, NATIVE_ABS64, 'm', 0x10);
	made_reloc(&m, 'd', 24, NATIVE_REL64, 'd', 0);
	left = native_status(&report) == NATIVE_OK ? report.data_left : 0;
	WANT(apply(&m), OK, "code that refers to data of its own");
	OK(call_damage(0) == 42 && call_damage(0) == 43, "counts in it");
	memcpy(pointers, native_reserve_data + HOTFIX_NATIVE_RESERVE - left + 8,
	    sizeof pointers);
	OK(pointers[0] - (uintptr_t)native_reserve_code <
		    HOTFIX_NATIVE_RESERVE &&
		memcmp((const void *)(uintptr_t)(pointers[0] - 3 +
						 sizeof count_code - 1),
		    count_code + sizeof count_code - 1, 1) == 0,
	    "a pointer to its code");
	IS(pointers[1], self.base + 0x10, "one into the program");
	IS(pointers[2], (uint64_t)-24, "a difference");

	left = report.code_left;
	WANT(native_revert("count", &report), OK, "it is reverted");
	WANT(apply(&m), OK, "and applied again");
	IS(report.code_left, left, "for which it has its pages back");
	IS(call_damage(0), 44, "and its variables as they were");
	WANT(native_revert("count", &report), OK, "it is reverted");
	m.bytes[m.p.code + m.p.rodata]++;
	WANT(apply(&m), OK, "one of its name, but with other data");
	IS(report.code_left, left - (size_t)sysconf(_SC_PAGESIZE),
	    "has new pages");
	IS(call_damage(0), 43, "and new variables");
	WANT(native_revert("count", &report), OK, "it is reverted");

	m.p.relocs[0].value = INT64_C(1) << 40;
	WANT(native_try(&m.p, &report), RANGE, "trying finds what is too far");
	WANT(apply(&m), RANGE, "and so does applying");
	OK(strncmp(report.text, "symbol is out of reach", 22) == 0,
	    "it is named");
	IS(call_damage(10), 31, "nothing is changed");
}

/* What is in the reserve is looked at before it is used again. */
static void
check_again(void)
{
	static const uint8_t trap[1] = {0xcc};
	static struct made m;
	size_t left;

	MADE_ONE(&m, "again", damage, damage_1);
	native_status(&report);
	left = report.code_left;
	WANT(apply(&m), OK, "a patch is applied");
	WANT(native_revert("again", &report), OK, "and reverted");
	poke(native_reserve_code + HOTFIX_NATIVE_RESERVE - left, trap, 1);
	WANT(apply(&m), OK, "somebody changed its pages: it is applied");
	OK(call_damage(10) == 1110 &&
		report.code_left + 2 * (size_t)sysconf(_SC_PAGESIZE) == left,
	    "from new ones");
	WANT(native_revert("again", &report), OK, "and reverted");
}

static void
check_space(void)
{
	static struct made m;
	size_t left =
	    native_status(&report) == NATIVE_OK ? report.code_left : 0;
	size_t data_left = report.data_left;

	MADE_ONE(&m, "big", damage, damage_1);
	m.p.bss = data_left + 1;
	WANT(apply(&m), SPACE, "more data than there is room for");
	m.p.bss = data_left;
	/* The code area is the new function and as much behind it. */
	m.p.bytes = calloc(1, left + 1);
	memcpy(m.p.bytes, m.bytes, m.p.code);
	m.p.rodata = left + 1 - m.p.code;
	WANT(apply(&m), SPACE, "more code than there is room for");
	IS(call_damage(10), 31, "nothing is changed");
	m.p.rodata--;
	WANT(apply(&m), OK, "exactly as much as there is");
	OK(call_damage(10) == 1110 && report.code_left == 0 &&
		report.data_left == 0,
	    "is all of it");
	free(m.p.bytes);
	WANT(native_revert("big", &report), OK, "it is reverted");
	IS(report.code_left, 0, "its pages are not given to others");
	MADE_ONE(&m, "small", damage, damage_1);
	WANT(apply(&m), SPACE, "so nothing more comes");
	OK(strstr(report.text, "until the program is restarted") != NULL,
	    "and it says what helps");
}

#ifdef __x86_64__
extern const uint8_t branch_target[], branch_target_end[];
__asm__(".pushsection .text.branch_target, \"ax\", %progbits\n"
	"branch_target:\n"
	".byte 0xf3, 0x0f, 0x1e, 0xfa\n" /* endbr64 */
	".byte 0x90, 0x90, 0x90, 0x90, 0x90\n"
	".byte 0x8d, 0x47, 0x07, 0xc3\n" /* lea 7(%rdi), %eax; ret */
	"branch_target_end:\n"
	".popsection\n");

static void
check_endbr(void)
{
	static struct made m;
	int (*volatile call)(int) = (int (*)(int))(uintptr_t)branch_target;

	made_begin(&m, "endbr");
	made_func(&m, "branch_target", branch_target,
	    (size_t)(branch_target_end - branch_target), 4, PAD,
	    made_code(&m, BODY(damage_1)));
	IS(call(10), 17, "a function with endbr64");
	WANT(apply(&m), OK, "is patched behind it");
	OK(call(10) == 1110 &&
		memcmp(branch_target, "\xf3\x0f\x1e\xfa", 4) == 0,
	    "and it stays");
	WANT(native_revert("endbr", &report), OK, "is reverted");
	IS(call(10), 17, "to what it was");
}
#endif

/* --- from inside --------------------------------------------------------- */

static struct made recursion;
static int (*volatile call_deep)(int);
static enum native_code applied_inside;

static void
apply_inside(void)
{
	applied_inside = apply(&recursion);
}

static void (*volatile call_apply_inside)(void) = apply_inside;

FN(deep, NOPS) int deep(int n)
{
	if (n == 0) {
		call_apply_inside();
		return 1;
	}
	return call_deep(n - 1) + 1;
}

static void
check_recursion(void)
{
	call_deep = deep;
	MADE_ONE(&recursion, "deep", deep, damage_1);
	IS(call_deep(3), 4, "four calls of the old one end in it");
	WANT(applied_inside, OK, "although it was patched from inside");
	IS(call_deep(3), 1033, "the next call takes the new one");
	WANT(native_revert("deep", &report), OK, "it is reverted");
}

/* A child has what its parent had, and changes nothing of it. */
static void
check_fork(void)
{
	static struct made m;
	int status = -1;
	pid_t pid;

	MADE_ONE(&m, "p1", damage, damage_1);
	apply(&m);
	pid = fork();
	if (pid == 0) {
		if (call_damage(10) != 1110)
			_exit(1);
		if (native_revert("p1", NULL) != NATIVE_OK)
			_exit(2);
		_exit(call_damage(10) == 31 ? 0 : 3);
	}
	waitpid(pid, &status, 0);
	IS(status, 0, "a forked child reverts");
	IS(call_damage(10), 1110, "for itself alone");
	WANT(native_revert("p1", &report), OK, "the parent does later");
}

/* Who is told of a patch may look at the others. */
static void
on_line_ask(void *arg, const char *line)
{
	(void)line;
	*(int *)arg += native_is_live("p1");
}

static void
check_list(void)
{
	struct listed told = {.n = 0};
	static struct made one, two;
	char left[100], build[2 * NATIVE_BUILD_ID + 1];
	struct self self;
	int seen = 0;

	MADE_ONE(&one, "p1", damage, damage_1);
	MADE_ONE(&two, "p2", heal, heal_1);
	apply(&one);
	apply(&two);
	IS(native_list(on_line, &told), 2, "two are listed");
	OK(strncmp(told.lines[0], "p1: ", 4) == 0 &&
		strncmp(told.lines[1], "p2: ", 4) == 0,
	    "the first one first");
	native_list(on_line_ask, &seen);
	IS(seen, 2, "who is told may ask");
	WANT(native_status(&report), OK, "the status");
	snprintf(left, sizeof left,
	    "; 2 live; left: code %zu, data %zu; build ", report.code_left,
	    report.data_left);
	OK(strstr(report.text, left) != NULL,
	    "counts them, and tells what is left of the reserve");
	self = made_self();
	hex_encode(build, self.build_id, self.build_id_len);
	OK(strstr(report.text, build) != NULL, "and which build this is");
	native_revert("p1", NULL);
	apply(&one);
	told.n = 0;
	native_list(on_line, &told);
	OK(strncmp(told.lines[0], "p2: ", 4) == 0,
	    "one that comes again is last");
	native_revert("p1", NULL);
	native_revert("p2", NULL);
}

int
main(void)
{
	check_before();
	check_init();
	check_one();
	check_two_functions();
	check_stack();
	check_needs();
	check_other_builds();
	check_contradictions();
	check_old_code();
	check_overlap();
	check_relocations();
#ifdef __x86_64__
	check_endbr();
#endif
	check_recursion();
	check_fork();
	check_list();
	check_again();
	check_space();
	return tap_done();
}
