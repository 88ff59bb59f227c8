/*
 * Patches that are made of this very program and of objects that compilers
 * make here: applied to it, they do what their source says. Broken files do
 * no harm.
 */

#include "native/link.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "native/apply.h"

#include "tests/tap.h"

#define TEST_FILE_MAX ((size_t)256 << 20)

#ifdef __clang__
#define WHOLE noinline /* it has no noipa */
#else
#define WHOLE noipa
#endif
#define OF_ITSELF                                                \
	__attribute__((WHOLE, used, section("hotfix_patchable"), \
	    patchable_function_entry(5)))

int damage(int a, const char *name);
int heal(int a);
int calls_of_damage;
static volatile int secret =
    5; /* or compilers fold it, which nobody changes here */

OF_ITSELF static int
twist(int a)
{
	return a * 3 + secret;
}

OF_ITSELF int
damage(int a, const char *name)
{
	calls_of_damage++;
	return a + (int)strlen(name);
}

OF_ITSELF int
heal(int a)
{
	return twist(a);
}

/* Literals, a table of them, a jump table, statics that live on, doubles, a
 * tentative variable, functions and variables of the program, of the C
 * library, and their addresses. */
static const char fix[] =
    "int snprintf(char *, __SIZE_TYPE__, const char *, ...);\n"
    "__SIZE_TYPE__ strlen(const char *);\n"
    "extern int calls_of_damage, secret; int twist(int);\n"
    "int maybe;\n"
    "static const char *const words[] = {\"zero\", \"one\", \"two\"};\n"
    "__SIZE_TYPE__ (*length)(const char *) = strlen;\n"
    "static int *pointer = &calls_of_damage;\n"
    "static double half = 0.5;\n"
    "static int pick(int a) { switch (a) {\n"
    "  case 0: return 7; case 1: return 99; case 2: return -4;\n"
    "  case 3: return maybe++; case 4: return 1; case 5: return 77; }\n"
    "  return (int)strlen(words[a % 3]); }\n"
    "int mended(int a, const char *name) {\n"
    "  char text[40]; static int calls = 100;\n"
    "  snprintf(text, sizeof text, \"%s %d\", words[a % 3], a);\n"
    "  half *= 2; secret++; *pointer += 10;\n"
    "  return pick(a) * 1000 + (int)length(text) + (int)length(name) +\n"
    "      twist(1) + calls++ + (int)(half * 10); }\n"
    "int healed(int a) { return mended(a, \"abc\") + 1; }\n";

/* What mended answers when it is called for the n-th time (from 0). */
static int
expected(int a, const char *name, int n, int before, int maybe)
{
	static const char *const words[] = {"zero", "one", "two"};
	static const int picks[] = {7, 99, -4, 0, 1, 77};
	int pick = a == 3  ? maybe
		   : a < 6 ? picks[a]
			   : (int)strlen(words[a % 3]);
	char text[40];

	snprintf(text, sizeof text, "%s %d", words[a % 3], a);
	return pick * 1000 + (int)strlen(text) + (int)strlen(name) + 3 +
	       before + n + 1 + 100 + n + (10 << n);
}

/* --- tools -----------------------------------------------------------------
 */

static void
put(const char *path, const char *text)
{
	struct err e;

	if (file_write(path, text, strlen(text), 0600, &e) != 0)
		abort();
}

/* A command in three pieces. */
static int
run(const char *a, const char *b, const char *c)
{
	char command[1100];

	snprintf(command, sizeof command, "{ %s%s%s; } >out 2>&1", a, b, c);
	return system(command) == 0 ? 0 : -1;
}

static void
get(struct buf *out, const char *path)
{
	struct err e;

	buf_reset(out);
	if (file_read(path, TEST_FILE_MAX, out, &e) != 0) {
		printf("# %s\n", e.text);
		abort();
	}
}

static void
on_line(void *arg, const char *line)
{
	struct buf *lines = arg;

	if (lines != NULL)
		buf_printf(lines, "%s\n", line);
}

static int
link_it(struct native_patch **out, const struct buf *exe,
    const struct buf *object, const char *const *names, size_t npairs,
    struct buf *lines, struct err *e)
{
	const struct native_told told = {on_line, NULL, lines};
	struct native_pair pairs[2];
	struct native_link_spec spec = {.exe = exe->data,
	    .exe_len = exe->len,
	    .object = object->data,
	    .object_len = object->len,
	    .pairs = pairs,
	    .npairs = npairs};
	size_t i;

	for (i = 0; i < npairs; i++) {
		pairs[i].old_name = names[2 * i];
		pairs[i].new_name = names[2 * i + 1];
	}
	*out = NULL;
	return native_link(out, &spec, &told, e);
}

/* --- of this program -------------------------------------------------------
 */

static void
try_fix(const struct buf *exe, const struct buf *object, const char *how)
{
	static const char *const names[] = {
	    "damage", "mended", "heal", "healed"};
	struct buf lines = BUF_INIT, first = BUF_INIT, second = BUF_INIT;
	struct native_patch *p = NULL, *again = NULL;
	const int before = secret;
	struct native_report r;
	struct err e = {0};
	int i, bad = 0;

	if (!IS(link_it(&p, exe, object, names, 2, &lines, &e), 0, how)) {
		printf("# %s\n%s", e.text,
		    buf_text(&lines) != NULL ? buf_text(&lines) : "");
		goto out;
	}
	if (link_it(&again, exe, object, names, 2, NULL, &e) == 0) {
		native_patch_format(&first, p, &e);
		native_patch_format(&second, again, &e);
		OK(first.len == second.len &&
			memcmp(first.data, second.data, first.len) == 0,
		    "the same again gives the same bytes");
	}
	calls_of_damage = 0;
	if (!IS(native_apply(p, &r), NATIVE_OK, "it is applied")) {
		printf("# %s\n", r.text);
		goto out;
	}
	for (i = 0; i < 7; i++) {
		/* The third is asked for once: then maybe counts on. */
		int got = damage(i, "abcd");

		if (got != expected(i, "abcd", i, before, 0)) {
			printf("# mended(%d): %d, not %d\n", i, got,
			    expected(i, "abcd", i, before, 0));
			bad++;
		}
	}
	IS(bad, 0, "it does what its source says");
	IS(heal(3), expected(3, "abc", 7, before, 1) + 1,
	    "and so does the other function, in the same data");
	IS(calls_of_damage, 80, "a variable of the program");
	IS(secret, before + 8, "a static one");
	IS(native_revert(p->id, &r), NATIVE_OK, "it is taken off");
	IS(damage(1, "abcd"), 5, "the old function is back");
	IS(heal(1), 3 + secret, "and the other one");
out:
	native_patch_free(again);
	native_patch_free(p);
	buf_free(&first);
	buf_free(&second);
	buf_free(&lines);
}

static void
test_own(void)
{
	static const char *const how[] = {"-O0 -fPIE", "-O2 -fPIE", "-O2 -fPIC",
	    "-O3 -fPIC -fno-plt", "-Os -fPIE -fcommon",
	    "-O2 -fPIE -ffunction-sections -fdata-sections"};
	static const char *const compilers[] = {"gcc", "clang"};
	struct buf exe = BUF_INIT, object = BUF_INIT;
	struct native_report r;
	char what[200];
	size_t i, k;

	if (native_init(NULL, &r) != NATIVE_OK) {
		printf("# %s\n", r.text);
		tap_skip("this process cannot be patched");
		return;
	}
	get(&exe, "/proc/self/exe");
	put("fix.c", fix);
	IS(damage(1, "abcd"), 5, "as it was");
	for (i = 0; i < sizeof compilers / sizeof *compilers; i++)
		for (k = 0; k < sizeof how / sizeof *how; k++) {
			snprintf(what, sizeof what, "%s %s", compilers[i],
			    how[k]);
			if (run("command -v ", compilers[i], "") != 0) {
				tap_skip("this compiler is not here");
				continue;
			}
			if (!OK(run(what,
				    " -c -fno-builtin -fno-stack-protector -w",
				    " -o fix.o fix.c") == 0,
				"compiled: %s", what))
				continue;
			get(&object, "fix.o");
			try_fix(&exe, &object, what);
		}
	buf_free(&exe);
	buf_free(&object);
}

/* --- of broken files -------------------------------------------------------
 */

static const char small[] =
    "char native_reserve_code[4096] = {1}, native_reserve_data[4096];\n"
    "int rolls; static int luck = 3;\n"
    "__attribute__((noipa, patchable_function_entry(5))) static int\n"
    "twist(int a) { return a + luck++; }\n"
    "__attribute__((noipa, patchable_function_entry(5))) int\n"
    "damage(int a) { return twist(a) + rolls; }\n"
    "void _start(void) { rolls = damage(1); for (;;) {} }\n";
static const char small_fix[] =
    "extern int rolls, luck; int twist(int); static int own = 3; int common;\n"
    "int mended(int a) { static int n; switch (a) { case 1: return 7;\n"
    "  case 2: return own++; case 3: return n++; case 4: return twist(rolls);\n"
    "  case 5: return luck; case 6: return common; } return 9; }\n";

/* Every byte is another one once: refused with a line, or a patch that holds
 * together. */
static void
bend(const struct buf *exe, const struct buf *object, struct buf *bent,
    const char *what)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};
	static const char *const names[] = {"damage", "mended"};
	struct buf lines = BUF_INIT, file = BUF_INIT;
	int wrong = 0, made = 0, refused = 0;
	struct native_patch *p;
	struct err e;
	size_t i;

	for (i = 0; i < bent->len; i++) {
		const uint8_t flip = flips[i % sizeof flips];

		bent->data[i] ^= flip;
		buf_reset(&lines);
		buf_reset(&file);
		e.text[0] = '\0';
		if (link_it(&p, exe, object, names, 1, &lines, &e) == 0) {
			made++;
			if (native_patch_format(&file, p, &e) != 0)
				wrong++;
			native_patch_free(p);
		} else {
			refused++;
			if (e.text[0] == '\0' || p != NULL ||
			    (e.kind == ERR_LOCAL && lines.len == 0))
				wrong++;
		}
		bent->data[i] ^= flip;
	}
	IS(wrong, 0, what);
	OK(made > 0 && refused > 0, "%s: %d made, %d refused", what, made,
	    refused);
	buf_free(&lines);
	buf_free(&file);
}

static void
test_broken(void)
{
	static const char *const names[] = {"damage", "mended"};
	struct buf exe = BUF_INIT, object = BUF_INIT, lines = BUF_INIT;
	struct native_patch *p;
	size_t i, len;
	int made = 0;
	struct err e;

	put("small.c", small);
	put("small_fix.c", small_fix);
	if (run("gcc -O2 -w -fno-asynchronous-unwind-tables -nostdlib -static"
		" -flive-patching=inline-only-static -frecord-gcc-switches",
		" -fpatchable-function-entry=5 -Wl,--build-id=sha1"
		" -Wl,-z,noseparate-code",
		" -o small small.c") != 0 ||
	    run("gcc -O2 -w -fno-asynchronous-unwind-tables -c -fPIE",
		" -o small_fix.o", " small_fix.c") != 0) {
		tap_skip("there is no gcc to make files with");
		return;
	}
	get(&exe, "small");
	get(&object, "small_fix.o");
	if (!IS(link_it(&p, &exe, &object, names, 1, &lines, &e), 0,
		"two small files are linked"))
		printf("# %s\n%s", e.text,
		    buf_text(&lines) != NULL ? buf_text(&lines) : "");
	native_patch_free(p);
	bend(&exe, &object, &object, "a bent object does no harm");
	bend(&exe, &object, &exe, "a bent executable does no harm");
	/* Of its own length, so that reading past it is found. */
	len = object.len;
	for (i = 0; i < len; i++) {
		struct buf part = {malloc(i + 1), i, i + 1, 0};

		memcpy(part.data, object.data, i);
		if (link_it(&p, &exe, &part, names, 1, NULL, &e) == 0) {
			native_patch_free(p);
			made++;
		}
		free(part.data);
	}
	IS(made, 0, "nothing is made of an object that is cut off");
	buf_free(&exe);
	buf_free(&object);
	buf_free(&lines);
}

/* --- what is asked wrongly -------------------------------------------------
 */

static void
test_wrong(void)
{
	const struct native_told told = {on_line, NULL, NULL};
	struct native_pair pairs[NATIVE_FUNCS + 1];
	struct native_link_spec s = {.exe = "", .object = "", .pairs = pairs};
	struct native_patch *p = NULL;
	struct native_target t;
	struct err e;
	size_t i;

	for (i = 0; i <= NATIVE_FUNCS; i++)
		pairs[i] = (struct native_pair){"a", "b"};
	IS(native_link(&p, &s, &told, &e), -1, "no pair");
	IS(e.kind, ERR_USAGE, "is wrong use");
	s.npairs = NATIVE_FUNCS + 1;
	IS(native_link(&p, &s, &told, &e), -1, "too many of them");
	IS(e.kind, ERR_USAGE, "are wrong use");
	s.npairs = 1;
	s.id = "a b";
	IS(native_link(&p, &s, &told, &e), -1, "no id");
	IS(e.kind, ERR_USAGE, "is wrong use");
	s.id = NULL;
	IS(native_link(&p, &s, &told, &e), -1, "no bytes");
	IS(e.kind, ERR_NO, "are no executable");
	OK(strncmp(e.text, "the executable: ", 16) == 0, "told as that");
	IS(native_check_target(&t, "", 0, &told, &e), -1, "nor can be patched");
	OK(p == NULL, "nothing is given out");
}

int
main(void)
{
	test_wrong();
	test_broken();
	test_own();
	return tap_done();
}
