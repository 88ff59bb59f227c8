/*
 * The hint which functions were inlined: by compilers' own debug information
 * of all kinds, and by hand what no compiler would write.
 */

#include "native/dwarf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "tests/tap.h"

#define TEST_FILE_MAX ((size_t)64 << 20)

/* small goes into caller, large does not. */
static const char source_a[] =
    "extern int sink(int);\n"
    "static int small(int i) { return sink(i) * 3 + 1; }\n"
    "__attribute__((noinline)) static int large(int i)\n"
    "{ return sink(i) - 7; }\n"
    "int middle(int i) { return sink(i) + i; }\n"
    "int caller(int i) { return small(i) + large(i) + middle(i); }\n";

/* Here a large is inlined, and no small there. */
static const char source_b[] =
    "int sink(int i) { static volatile int n; return n += i; }\n"
    "extern int caller(int);\n"
    "static int large(int i) { return sink(i) * i; }\n"
    "int other(int i) { return large(i) + large(i + 1); }\n"
    "int main(int c, char **v) { (void)v; return caller(other(c)); }\n";

static void
put(const char *path, const char *text)
{
	struct err e;

	if (file_write(path, text, strlen(text), 0600, &e) != 0)
		abort();
}

/* A file that is open; the bytes are exactly as long as it is. */
struct file {
	uint8_t *bytes;
	size_t len;
	struct elf *elf;
	struct dwarf *dwarf;
};

static int
file_open(struct file *f, const void *bytes, size_t len)
{
	struct err e;

	f->elf = NULL;
	f->dwarf = NULL;
	f->len = len;
	f->bytes = malloc(len);
	if (f->bytes == NULL)
		abort();
	memcpy(f->bytes, bytes, len);
	if (elf_open(&f->elf, f->bytes, len, &e) != 0)
		return -1;
	if (dwarf_open(&f->dwarf, f->elf, &e) != 0)
		abort();
	return 0;
}

static void
file_close(struct file *f)
{
	dwarf_close(f->dwarf);
	elf_close(f->elf);
	free(f->bytes);
}

/* What a command makes, or -1: what it needs is not here. */
static int
make(struct file *f, const char *command)
{
	char text[512];
	struct buf b = BUF_INIT;
	struct err e;
	int r;

	snprintf(text, sizeof text, "{ %s; } >out 2>&1", command);
	if (system(text) != 0) {
		tap_skip("a compiler or library is missing here");
		return -1;
	}
	if (file_read("t", TEST_FILE_MAX, &b, &e) != 0)
		abort();
	r = OK(file_open(f, b.data, b.len) == 0, "%s", command) ? 0 : -1;
	if (r != 0)
		file_close(f);
	buf_free(&b);
	return r;
}

/* --- compilers ----------------------------------------------------------- */

static void
test_object(const char *command)
{
	struct file f;

	if (make(&f, command) != 0)
		return;
	OK(dwarf_gap(f.dwarf) == NULL, "all of it is read");
	IS(dwarf_inlined(f.dwarf, "small", NULL), 1, "what is inlined");
	IS(dwarf_inlined(f.dwarf, "small", "a.c"), 1, "in its file");
	IS(dwarf_inlined(f.dwarf, "small", "src/a.c"), 1,
	    "whatever its folder");
	IS(dwarf_inlined(f.dwarf, "small", "b.c"), 0, "in no other");
	IS(dwarf_inlined(f.dwarf, "middle", NULL), 1, "a global one");
	IS(dwarf_inlined(f.dwarf, "large", NULL), 0, "what is not inlined");
	IS(dwarf_inlined(f.dwarf, "caller", NULL), 0, "nor who inlines");
	IS(dwarf_inlined(f.dwarf, "sink", NULL), 0, "nor what is elsewhere");
	IS(dwarf_inlined(f.dwarf, "", NULL), 0, "nor who has no name");
	IS(dwarf_covers(f.dwarf, "src/a.c"), 1, "a file that is covered");
	IS(dwarf_covers(f.dwarf, "c.c"), 0, "one that is not");
	file_close(&f);
}

static void
test_program(const char *command)
{
	struct file f;

	if (make(&f, command) != 0)
		return;
	OK(dwarf_gap(f.dwarf) == NULL, "all of it is read");
	IS(dwarf_inlined(f.dwarf, "small", "a.c"), 1, "inlined in a.c");
	IS(dwarf_inlined(f.dwarf, "small", "b.c"), 0, "not in b.c");
	IS(dwarf_inlined(f.dwarf, "large", "b.c"), 1, "inlined in b.c");
	IS(dwarf_inlined(f.dwarf, "large", "a.c"), 0, "not in a.c");
	IS(dwarf_inlined(f.dwarf, "large", NULL), 1, "somewhere");
	IS(dwarf_inlined(f.dwarf, "main", NULL), 0, "never");
	file_close(&f);
}

static void
test_without(const char *command, const char *why)
{
	struct file f;

	if (make(&f, command) != 0)
		return;
	OK(dwarf_gap(f.dwarf) != NULL &&
		strstr(dwarf_gap(f.dwarf), why) != NULL,
	    "says why there is no hint");
	IS(dwarf_inlined(f.dwarf, "small", NULL), 0, "and gives none");
	file_close(&f);
}

static void
test_compilers(void)
{
	test_object("gcc -g -O2 -c a.c -o t");
	test_object("gcc -gdwarf-5 -O2 -c a.c -o t");
	test_object("gcc -gdwarf-4 -O2 -c a.c -o t");
	test_object("gcc -gdwarf-3 -gstrict-dwarf -O2 -c a.c -o t");
	test_object("gcc -gdwarf-4 -fdebug-types-section -O2 -c a.c -o t");
	test_object("gcc -gdwarf-5 -gdwarf64 -O2 -c a.c -o t");
	test_object("gcc -g -O2 -c ./a.c -o t");
	test_object("clang -g -O2 -c a.c -o t");
	test_object("clang -gdwarf-5 -O2 -c a.c -o t");
	test_object("clang -gdwarf-4 -O2 -c a.c -o t");
	test_object("clang -gdwarf-5 -gdwarf64 -O2 -c a.c -o t");
	test_object("clang --target=aarch64-linux-gnu -g -O2 -c a.c -o t");
	test_program("gcc -g -O2 a.c b.c -o t");
	test_program("gcc -gdwarf-4 -O2 -static a.c b.c -o t");
	test_program("gcc -g -O2 -c a.c -o 1.o && "
		     "gcc -gdwarf-4 -O2 -c b.c -o 2.o && gcc 1.o 2.o -o t");
	test_program("clang -g -O2 -fuse-ld=lld a.c b.c -o t");
	test_program("clang -gdwarf-4 -O2 a.c b.c -o t");
	test_without("gcc -O2 -c a.c -o t", "no debug information");
	test_without("gcc -g -O2 -gz=zlib -c a.c -o t", "-gz=none");
	test_without("clang -g -O2 -gz -c a.c -o t", "-gz=none");
	test_without("gcc -g -O2 -gsplit-dwarf -c a.c -o t", "-gsplit-dwarf");
	test_without("clang -g -O2 -gsplit-dwarf -c a.c -o t", "-gsplit-dwarf");
}

/* --- by hand ------------------------------------------------------------- */

/* A file with these sections, none of them loaded. */
struct made {
	struct buf info, abbrev, str, str_offsets;
};

static void
u8(struct buf *b, unsigned n)
{
	uint8_t byte = (uint8_t)n;

	if (buf_append(b, &byte, 1) != 0)
		abort();
}

static void
number(struct buf *b, uint64_t n, size_t width)
{
	for (; width > 0; width--, n >>= 8)
		u8(b, (unsigned)(n & 0xff));
}

static void
text(struct buf *b, const char *s)
{
	if (buf_append(b, s, strlen(s) + 1) != 0)
		abort();
}

/* A section's header; name is where it is in the names. */
static void
section(struct buf *b, uint64_t name, uint64_t type, uint64_t at, uint64_t len)
{
	number(b, name, 4);
	number(b, type, 4);
	number(b, 0, 16);
	number(b, at, 8);
	number(b, len, 8);
	number(b, 0, 8);
	number(b, 1, 8);
	number(b, 0, 8);
}

static void
open_made(struct file *f, const struct made *m)
{
	static const char names[] =
	    "\0.debug_info\0.debug_abbrev\0.debug_str\0.debug_str_offsets";
	const struct buf *parts[] = {
	    &m->info, &m->abbrev, &m->str, &m->str_offsets};
	static const uint64_t at_names[] = {1, 13, 27, 38};
	uint64_t at[4], at_strings;
	struct buf b = BUF_INIT;
	size_t i;

	if (buf_append(&b,
		"\x7f"
		"ELF\x02\x01\x01",
		7) != 0)
		abort();
	number(&b, 0, 9);
	number(&b, 1, 2);
	number(&b, 62, 2);
	number(&b, 1, 4);
	number(&b, 0, 16);
	number(&b, 0, 8); /* e_shoff, later */
	number(&b, 0, 4);
	number(&b, 64, 2);
	number(&b, 0, 4);
	number(&b, 64, 2);
	number(&b, 6, 2);
	number(&b, 5, 2);
	for (i = 0; i < 4; i++) {
		at[i] = b.len;
		if (parts[i]->len != 0 &&
		    buf_append(&b, parts[i]->data, parts[i]->len) != 0)
			abort();
	}
	at_strings = b.len;
	if (buf_append(&b, names, sizeof names) != 0)
		abort();
	for (i = 0; i < 4; i++)
		b.data[40 + i] = (uint8_t)(b.len >> 8 * i);
	section(&b, 0, ELF_SECTION_NULL, 0, 0);
	for (i = 0; i < 4; i++)
		section(&b, at_names[i], ELF_SECTION_PROGBITS, at[i],
		    parts[i]->len);
	section(&b, 0, ELF_SECTION_STRTAB, at_strings, sizeof names);
	if (!OK(file_open(f, b.data, b.len) == 0, "a file by hand"))
		abort();
	buf_free(&b);
}

static void
made_free(struct made *m)
{
	buf_free(&m->info);
	buf_free(&m->abbrev);
	buf_free(&m->str);
	buf_free(&m->str_offsets);
}

/* An abbreviation: pairs of attribute and form up to 0. */
static void
abbrev(struct made *m, unsigned code, unsigned tag, const unsigned *pairs)
{
	u8(&m->abbrev, code);
	u8(&m->abbrev, tag);
	u8(&m->abbrev, 0);
	for (; pairs[0] != 0; pairs += 2) {
		u8(&m->abbrev, pairs[0]);
		u8(&m->abbrev, pairs[1]);
	}
	number(&m->abbrev, 0, 2);
}

enum {
	UNIT = 1, /* codes of the abbreviations below, and their entries */
	CALL = 2,
	NAMED = 3,
	POINTS = 4,
	SPECIFIED = 5,
	LINKED = 6,
	SAYS = 7,
};

/* What most files by hand have. */
static void
abbrevs(struct made *m)
{
	static const unsigned unit[] = {0x03, 0x08, 0};
	static const unsigned call[] = {0x31, 0x13, 0};
	static const unsigned specified[] = {0x47, 0x13, 0};
	static const unsigned linked[] = {0x6e, 0x08, 0x03, 0x08, 0};
	static const unsigned says[] = {0x20, 0x0b, 0x03, 0x08, 0};

	memset(m, 0, sizeof *m);
	/* Not in the order of their codes. */
	abbrev(m, SPECIFIED, 0x2e, specified);
	abbrev(m, UNIT, 0x11, unit);
	abbrev(m, SAYS, 0x2e, says);
	abbrev(m, CALL, 0x1d, call);
	abbrev(m, NAMED, 0x2e, unit);
	abbrev(m, POINTS, 0x2e, call);
	abbrev(m, LINKED, 0x2e, linked);
	u8(&m->abbrev, 0);
}

/* A unit of version 4 begins; returns where its length stands. */
static size_t
unit_begin(struct made *m, unsigned version, uint64_t abbrevs_at,
    const char *path)
{
	size_t at = m->info.len;

	number(&m->info, 0, 4);
	number(&m->info, version, 2);
	number(&m->info, abbrevs_at, 4);
	u8(&m->info, 8);
	u8(&m->info, UNIT);
	text(&m->info, path);
	return at;
}

static void
unit_end(struct made *m, size_t at)
{
	size_t i, len = m->info.len - at - 4;

	for (i = 0; i < 4; i++)
		m->info.data[at + i] = (uint8_t)(len >> 8 * i);
}

/* An entry that is one reference; returns where it is in its unit. */
static uint64_t
refers(struct made *m, unsigned code, size_t unit, uint64_t to)
{
	uint64_t at = m->info.len - unit;

	u8(&m->info, code);
	number(&m->info, to, 4);
	return at;
}

static uint64_t
named(struct made *m, size_t unit, const char *name)
{
	uint64_t at = m->info.len - unit;

	u8(&m->info, NAMED);
	text(&m->info, name);
	return at;
}

/* Opened, and freed; gap: a word of it, or NULL for none. */
static void
gives(struct made *m, const char *name, const char *file, int want,
    const char *why, const char *what)
{
	const char *got;
	struct file f;

	open_made(&f, m);
	got = dwarf_gap(f.dwarf);
	IS(dwarf_inlined(f.dwarf, name, file), want, what);
	if (!OK(why == NULL ? got == NULL
			    : got != NULL && strstr(got, why) != NULL,
		"and says %s", why != NULL ? why : "nothing"))
		printf("# %s\n", got != NULL ? got : "(none)");
	file_close(&f);
	made_free(m);
}

static void
test_chains(void)
{
	struct made m;
	uint64_t to;
	size_t u;
	int i;

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "x/y.c");
	to = named(&m, u, "f");
	refers(&m, CALL, u, to);
	unit_end(&m, u);
	gives(&m, "f", "y.c", 1, NULL, "a call that goes back to a name");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	named(&m, u, "f");
	unit_end(&m, u);
	gives(&m, "f", NULL, 0, NULL, "a function without such a call");

	for (i = 0; i < 2; i++) {
		abbrevs(&m);
		u = unit_begin(&m, 4, 0, "y.c");
		to = named(&m, u, "f");
		refers(&m, CALL, u, to);
		unit_end(&m, u);
		u = unit_begin(&m, 4, 0, "z.c");
		to = named(&m, u, "f");
		refers(&m, CALL, u, to);
		unit_end(&m, u);
		gives(&m, "f", i == 0 ? "y.c" : "z.c", 1, NULL,
		    "one of a name in each of two files");
	}

	/* A unit of a type has a longer header. */
	abbrevs(&m);
	number(&m.info, 0, 4);
	number(&m.info, 5, 2);
	u8(&m.info, 2);
	u8(&m.info, 8);
	number(&m.info, 0, 4);
	number(&m.info, UINT64_MAX, 8);
	number(&m.info, 0, 4);
	u8(&m.info, UNIT);
	text(&m.info, "y.c");
	to = named(&m, 0, "f");
	refers(&m, CALL, 0, to);
	unit_end(&m, 0);
	gives(&m, "f", "y.c", 1, NULL, "in the unit of a type");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	to = named(&m, u, "f");
	to = refers(&m, SPECIFIED, u, to);
	to = refers(&m, POINTS, u, to);
	refers(&m, CALL, u, to);
	unit_end(&m, u);
	gives(&m, "f", NULL, 1, NULL, "over two more entries");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	to = named(&m, u, "f");
	for (i = 0; i < 10; i++)
		to = refers(&m, POINTS, u, to);
	refers(&m, CALL, u, to);
	unit_end(&m, u);
	gives(&m, "f", NULL, 0, NULL, "over too many");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	to = m.info.len - u;
	refers(&m, POINTS, u, to);
	refers(&m, CALL, u, to);
	unit_end(&m, u);
	gives(&m, "f", NULL, 0, NULL, "an entry that goes back to itself");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	to = m.info.len - u;
	u8(&m.info, LINKED);
	text(&m.info, "symbol");
	text(&m.info, "f");
	refers(&m, CALL, u, to);
	unit_end(&m, u);
	gives(&m, "symbol", NULL, 1, NULL, "the name that symbols have");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	u8(&m.info, SAYS);
	u8(&m.info, 1);
	text(&m.info, "f");
	unit_end(&m, u);
	gives(&m, "f", "y.c", 1, NULL, "a function that says so itself");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	u8(&m.info, SAYS);
	u8(&m.info, 2);
	text(&m.info, "f");
	unit_end(&m, u);
	gives(&m, "f", NULL, 0, NULL, "declared inline, and was not inlined");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	refers(&m, CALL, u, 0);
	refers(&m, CALL, u, 5);
	refers(&m, CALL, u, UINT32_MAX);
	unit_end(&m, u);
	gives(&m, "f", NULL, 0, "broken", "calls that go back to nowhere");
}

/* What one unit lacks is no harm to the next one. */
static void
good_unit(struct made *m)
{
	size_t u = unit_begin(m, 4, 0, "good.c");
	uint64_t to = named(m, u, "good");

	refers(m, CALL, u, to);
	unit_end(m, u);
}

static void
test_broken(void)
{
	static const unsigned strange[] = {0x03, 0x7d, 0};
	struct made m;
	size_t u;

	abbrevs(&m);
	u = unit_begin(&m, 6, 0, "y.c");
	unit_end(&m, u);
	good_unit(&m);
	gives(&m, "good", "good.c", 1, "DWARF 2 to 5",
	    "what follows another version");

	abbrevs(&m);
	u = unit_begin(&m, 4, 0, "y.c");
	u8(&m.info, 99);
	unit_end(&m, u);
	good_unit(&m);
	gives(&m, "good", NULL, 1, "broken",
	    "what follows an unknown abbreviation");

	abbrevs(&m);
	u = unit_begin(&m, 4, 99999, "y.c");
	unit_end(&m, u);
	good_unit(&m);
	gives(&m, "good", NULL, 1, "broken",
	    "what follows abbreviations that are not there");

	abbrevs(&m);
	m.abbrev.len--;
	abbrev(&m, 9, 0x2e, strange);
	u8(&m.abbrev, 0);
	u = unit_begin(&m, 4, 0, "y.c");
	u8(&m.info, 9);
	unit_end(&m, u);
	good_unit(&m);
	gives(&m, "good", NULL, 1, "not known", "what follows a strange form");

	abbrevs(&m);
	good_unit(&m);
	number(&m.info, 0xfffffff0, 4);
	number(&m.info, 0, 8);
	gives(&m, "good", NULL, 1, "broken", "what is before a strange length");

	abbrevs(&m);
	good_unit(&m);
	number(&m.info, 1000, 4);
	number(&m.info, 0, 8);
	gives(&m, "good", NULL, 1, "broken", "what is before a cut unit");

	abbrevs(&m);
	good_unit(&m);
	number(&m.info, 0xffffffff, 4);
	number(&m.info, UINT64_MAX, 8);
	gives(&m, "good", NULL, 1, "broken", "what is before an endless unit");

	abbrevs(&m);
	good_unit(&m);
	number(&m.info, 0, 3);
	gives(&m, "good", NULL, 1, "broken", "what is before a piece of one");
}

/* Strings by their number, whose table begins where the unit says. */
static void
test_indexed(uint64_t index, uint64_t base, int want, const char *what)
{
	static const unsigned unit[] = {0x03, 0x25, 0x72, 0x17, 0};
	static const unsigned call[] = {0x31, 0x13, 0};
	static const unsigned function[] = {0x03, 0x1a, 0};
	struct made m = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
	uint64_t to;

	abbrev(&m, UNIT, 0x11, unit);
	abbrev(&m, CALL, 0x1d, call);
	abbrev(&m, NAMED, 0x2e, function);
	u8(&m.abbrev, 0);
	text(&m.str, "");
	text(&m.str, "y.c");
	text(&m.str, "f");
	number(&m.str_offsets, 16, 4);
	number(&m.str_offsets, 5, 4);
	number(&m.str_offsets, 1, 4);
	number(&m.str_offsets, 5, 4);
	number(&m.str_offsets, 999, 4);
	number(&m.info, 0, 4);
	number(&m.info, 5, 2);
	u8(&m.info, 1);
	u8(&m.info, 8);
	number(&m.info, 0, 4);
	u8(&m.info, UNIT);
	u8(&m.info, 0);
	number(&m.info, base, 4);
	to = m.info.len;
	u8(&m.info, NAMED);
	u8(&m.info, (unsigned)index);
	refers(&m, CALL, 0, to);
	unit_end(&m, 0);
	gives(&m, "f", want ? "y.c" : NULL, want, NULL, what);
}

/* Work that has no end is given up. */
static void
test_bounds(void)
{
	char path[400];
	struct made m;
	uint64_t to;
	size_t u, i;

	/* Entries of one byte that have a thousand attributes. */
	memset(&m, 0, sizeof m);
	u8(&m.abbrev, UNIT);
	u8(&m.abbrev, 0x11);
	u8(&m.abbrev, 0);
	for (i = 0; i < 1000; i++) {
		u8(&m.abbrev, 0x3f);
		u8(&m.abbrev, 0x19);
	}
	number(&m.abbrev, 0, 3);
	number(&m.info, 0, 4);
	number(&m.info, 4, 2);
	number(&m.info, 0, 4);
	u8(&m.info, 8);
	for (i = 0; i < 1000; i++)
		u8(&m.info, UNIT);
	unit_end(&m, 0);
	gives(&m, "f", NULL, 0, "too long", "attributes without bytes");

	/* Two long tables in turns. */
	abbrevs(&m);
	for (i = 0; i < 1000; i++) {
		u = unit_begin(&m, 4, i % 2 * 7, "y.c");
		unit_end(&m, u);
	}
	gives(&m, "f", NULL, 0, "too long", "many units with the same table");

	/* One name that all functions have by their own place in it. */
	memset(&m, 0, sizeof m);
	{
		static const unsigned unit[] = {0x3f, 0x19, 0};
		static const unsigned function[] = {0x20, 0x21, 0x03, 0x0e, 0};

		abbrev(&m, UNIT, 0x11, unit);
		u8(&m.abbrev, NAMED);
		u8(&m.abbrev, 0x2e);
		u8(&m.abbrev, 0);
		u8(&m.abbrev, function[0]);
		u8(&m.abbrev, function[1]);
		u8(&m.abbrev, 1); /* DW_INL_inlined */
		u8(&m.abbrev, function[2]);
		u8(&m.abbrev, function[3]);
		number(&m.abbrev, 0, 3);
	}
	for (i = 0; i < 20000; i++)
		u8(&m.str, 'n');
	u8(&m.str, 0);
	number(&m.info, 0, 4);
	number(&m.info, 4, 2);
	number(&m.info, 0, 4);
	u8(&m.info, 8);
	u8(&m.info, UNIT);
	for (i = 0; i < 1000; i++) {
		u8(&m.info, NAMED);
		number(&m.info, i, 4);
	}
	unit_end(&m, 0);
	gives(&m, "f", NULL, 0, "no end", "very many very long names");

	/* The longest name of a file, and one longer. */
	for (i = 255; i <= 256; i++) {
		memset(path, 'y', i);
		path[i] = '\0';
		abbrevs(&m);
		u = unit_begin(&m, 4, 0, path);
		to = named(&m, u, "f");
		refers(&m, CALL, u, to);
		unit_end(&m, u);
		gives(&m, "f", path, 1, NULL, "a long name of a file");
	}
}

/* --- what is broken ------------------------------------------------------ */

/* Bytes of the debug information take other values, one at a time. */
static void
test_bent(const char *command)
{
	static const char *const names[] = {".debug_info", ".debug_abbrev",
	    ".debug_str_offsets", ".rela.debug_info"};
	static const uint8_t masks[] = {0x01, 0x80, 0xff};
	const struct elf_section *s;
	size_t i, j, k, opened = 0, hints = 0;
	struct file f, g;
	uint8_t *at;

	if (make(&f, command) != 0)
		return;
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		s = elf_section_named(f.elf, names[i], NULL);
		if (s == NULL)
			continue;
		at = f.bytes + (s->bytes - f.bytes);
		for (j = 0; j < s->size; j++)
			for (k = 0; k < sizeof masks; k++) {
				at[j] ^= masks[k];
				if (file_open(&g, f.bytes, f.len) == 0) {
					opened++;
					hints += (size_t)dwarf_inlined(g.dwarf,
					    "small", NULL);
				}
				file_close(&g);
				at[j] ^= masks[k];
			}
	}
	OK(hints > 0 && hints < opened, "%zu of %zu give the hint", hints,
	    opened);
	file_close(&f);
}

/* A section ends early. */
static void
test_cut(const char *command, const char *name)
{
	const struct elf_section *s;
	size_t i, len, header, hints = 0;
	struct file f, g;

	if (make(&f, command) != 0)
		return;
	s = elf_section_named(f.elf, name, NULL);
	if (!OK(s != NULL && s->size > 1, "%s", name))
		return;
	header = 0;
	for (i = 0; i < 8; i++)
		header |= (size_t)f.bytes[40 + i] << 8 * i;
	header += s->index * 64 + 32;
	for (len = (size_t)s->size; len-- > 0;) {
		for (i = 0; i < 8; i++)
			f.bytes[header + i] = (uint8_t)((uint64_t)len >> 8 * i);
		if (file_open(&g, f.bytes, f.len) == 0)
			hints += (size_t)dwarf_inlined(g.dwarf, "small", NULL);
		file_close(&g);
	}
	OK(hints < s->size, "%zu of %zu lengths give the hint", hints,
	    (size_t)s->size);
	file_close(&f);
}

int
main(void)
{
	put("a.c", source_a);
	put("b.c", source_b);
	test_compilers();
	test_chains();
	test_broken();
	test_indexed(1, 8, 1, "a string by its number");
	test_indexed(2, 8, 0, "one that is not in the strings");
	test_indexed(3, 8, 0, "one that is not in the table");
	test_indexed(4, 8, 0, "one behind the table");
	test_indexed(1, 9999, 0, "a table that is not there");
	test_bounds();
	test_bent("gcc -g -O2 -c a.c -o t");
	test_bent("clang -g -O2 -c a.c -o t");
	test_cut("gcc -g -O2 a.c b.c -o t", ".debug_abbrev");
	test_cut("gcc -g -O2 a.c b.c -o t", ".debug_info");
	test_cut("clang -g -O2 a.c b.c -o t", ".debug_str");
	test_cut("clang -g -O2 a.c b.c -o t", ".debug_str_offsets");
	return tap_done();
}
