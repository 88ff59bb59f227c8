/*
 * The reader of ELF files: real ones as readelf has them, from the compilers
 * and linkers that are here; broken ones are refused or do no harm.
 */

#include "native/elf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/file.h"
#include "tests/elf_walk.h"
#include "tests/tap.h"

#define TEST_FILE_MAX ((size_t)256 << 20)

#if defined __aarch64__
#define HERE ELF_MACHINE_AARCH64
#else
#define HERE ELF_MACHINE_X86_64
#endif

/* No headers: compilers for other machines have none here. */
static const char source_a[] =
    "int puts(const char *);\n"
    "__SIZE_TYPE__ strlen(const char *);\n"
    "int counter = 5;\n"
    "int zeros[100];\n"
    "_Thread_local int mine = 3, zero;\n"
    "static int hidden = 3;\n"
    "static const char *const names[] = {\"one\", \"two\", \"three\"};\n"
    "__attribute__((noinline, used)) static int\n"
    "helper(int i) { static int calls; calls++; return (hidden ^= i); }\n"
    "__attribute__((noinline)) int damage(const char *s, int i)\n"
    "{ switch (i) { case 0: return 7; case 1: return 99; case 2: return -4;\n"
    "  case 3: return 8; case 4: counter++; return 1; case 5: return 77; }\n"
    "  return (int)strlen(s) + helper(i) + counter + mine + zero; }\n"
    "int main(int c, char **v)\n"
    "{ puts(names[c % 3]); return damage(v[0], c) + zeros[c]; }\n";

static const char source_b[] =
    "static int hidden = 4;\n"
    "__attribute__((noinline, used)) static int\n"
    "helper(int i) { return (hidden += i); }\n"
    "__attribute__((visibility(\"hidden\"), noinline)) int\n"
    "secret(int i) { return hidden - i; }\n"
    "int other(int i) { return helper(i) + secret(i); }\n";

/* A program without a C library, with an indirect function. */
static const char source_c[] =
    "static int one(void) { return 1; }\n"
    "static int (*choose(void))(void) { return one; }\n"
    "int which(void) __attribute__((ifunc(\"choose\")));\n"
    "int counter = 1;\n"
    "void _start(void) { counter = which(); for (;;) {} }\n";

/* A library that asks for two symbols of others. */
static const char source_d[] =
    "int outside(int); extern int foreign;\n"
    "__attribute__((weak)) int maybe(void);\n"
    "int (*where(void))(int) { return outside; }\n"
    "int inside(int i) { return outside(i) + foreign + maybe(); }\n";

/* --- tools --------------------------------------------------------------- */

static void
put(const char *path, const char *text)
{
	struct err e;

	if (file_write(path, text, strlen(text), 0600, &e) != 0)
		abort();
}

static int
run(const char *command)
{
	char text[1024];

	snprintf(text, sizeof text, "{ %s; } >out 2>&1", command);
	return system(text) == 0 ? 0 : -1;
}

struct file {
	struct buf buf;
	struct elf *elf;
};

static int
file_open(struct file *f, const char *path)
{
	struct err e = {ERR_NONE, ""};

	buf_init(&f->buf);
	f->elf = NULL;
	if (file_read(path, TEST_FILE_MAX, &f->buf, &e) == 0 &&
	    elf_open(&f->elf, f->buf.data, f->buf.len, &e) == 0)
		return 0;
	printf("# %s: %s\n", path, e.text);
	return -1;
}

static void
file_close(struct file *f)
{
	elf_close(f->elf);
	buf_free(&f->buf);
}

/* --- what readelf says --------------------------------------------------- */

static FILE *
readelf(const char *option, const char *path)
{
	char text[256];
	FILE *f;

	snprintf(text, sizeof text, "readelf -W %s %s 2>/dev/null", option,
	    path);
	f = popen(text, "r");
	if (f == NULL)
		abort();
	return f;
}

static const char *
type_word(unsigned type)
{
	switch (type) {
	case ELF_TYPE_NONE:
		return "NOTYPE";
	case ELF_TYPE_OBJECT:
		return "OBJECT";
	case ELF_TYPE_FUNC:
		return "FUNC";
	case ELF_TYPE_SECTION:
		return "SECTION";
	case ELF_TYPE_FILE:
		return "FILE";
	case ELF_TYPE_COMMON:
		return "COMMON";
	case ELF_TYPE_TLS:
		return "TLS";
	case ELF_TYPE_IFUNC:
		return "IFUNC";
	}
	return "?";
}

static const char *
bind_word(unsigned bind)
{
	switch (bind) {
	case ELF_BIND_LOCAL:
		return "LOCAL";
	case ELF_BIND_GLOBAL:
		return "GLOBAL";
	case ELF_BIND_WEAK:
		return "WEAK";
	case ELF_BIND_UNIQUE:
		return "UNIQUE";
	}
	return "?";
}

static const char *
place_word(size_t section)
{
	static char text[24];

	switch (section) {
	case ELF_UNDEFINED:
		return "UND";
	case ELF_ABSOLUTE:
		return "ABS";
	case ELF_COMMON:
		return "COM";
	}
	snprintf(text, sizeof text, "%zu", section);
	return text;
}

static const char *const visibility_words[] = {
    "DEFAULT", "INTERNAL", "HIDDEN", "PROTECTED"};

static int
same_words(const struct elf *elf, const char *line)
{
	char value[32], size[32], type[16], bind[16], visibility[16], place[16],
	    name[4096] = "";
	const struct elf_symbol *s;
	size_t i;

	if (sscanf(line, " %zu: %31s %31s %15s %15s %15s %15s %4095s", &i,
		value, size, type, bind, visibility, place, name) < 7)
		return 0;
	s = elf_symbol(elf, i);
	if (s == NULL || s->index != i ||
	    s->value != strtoull(value, NULL, 16) ||
	    s->size != strtoull(size, NULL, 0) ||
	    strcmp(type_word(s->type), type) != 0 ||
	    strcmp(bind_word(s->bind), bind) != 0 ||
	    strcmp(visibility_words[s->visibility], visibility) != 0 ||
	    strcmp(place_word(s->section), place) != 0)
		return 0;
	/* Sections have no name; readelf shows theirs. */
	return s->type == ELF_TYPE_SECTION || strcmp(s->name, name) == 0;
}

/* 1 when a line of its table is the same. */
static int
same_symbol(const struct elf *elf, char *line)
{
	static const char unknown[] = "<OS specific>: 10";
	char *at = strstr(line, unknown);

	/* Where nothing says that the file is GNU's. */
	if (at != NULL)
		memcpy(at, "IFUNC            ", sizeof unknown - 1);
	return same_words(elf, line);
}

static void
compare_symbols(const struct elf *elf, const char *path)
{
	char line[8192];
	FILE *f = readelf("-s", path);
	size_t n = 0, bad = 0;
	int in = 0;

	while (fgets(line, sizeof line, f) != NULL) {
		if (strstr(line, "Symbol table") != NULL)
			in = strstr(line, "'.symtab'") != NULL;
		else if (in && strchr(line, ':') != NULL &&
			 strstr(line, "Num:") == NULL) {
			n++;
			if (!same_symbol(elf, line) && bad++ == 0)
				printf("# %s", line);
		}
	}
	pclose(f);
	IS(n, elf_symbol_count(elf), "as many symbols as readelf shows");
	IS(bad, 0, "and they are the same");
	OK(elf_symbol(elf, n) == NULL, "no symbol behind the last");
}

static void
compare_sections(const struct elf *elf, const uint8_t *bytes, const char *path)
{
	unsigned long long addr, offset, size;
	size_t i, n = 0, bad = 0;
	char line[1024], name[256], type[64];
	const struct elf_section *s;
	FILE *f = readelf("-S", path);

	while (fgets(line, sizeof line, f) != NULL) {
		const char *at = strchr(line, ']');

		if (at == NULL || sscanf(line, " [%zu]", &i) != 1)
			continue;
		n++;
		s = elf_section(elf, i);
		if (i == 0)
			bad += s == NULL || s->type != ELF_SECTION_NULL;
		else if (s == NULL || s->index != i ||
			 sscanf(at + 1, "%255s %63s %llx %llx %llx", name, type,
			     &addr, &offset, &size) != 5 ||
			 strcmp(s->name, name) != 0 || s->addr != addr ||
			 s->size != size ||
			 (strcmp(type, "NOBITS") == 0) !=
			     (s->type == ELF_SECTION_NOBITS) ||
			 (s->bytes != NULL && s->bytes != bytes + offset) ||
			 (s->bytes == NULL && s->size != 0 &&
			     s->type != ELF_SECTION_NOBITS)) {
			if (bad++ == 0)
				printf("# %s", line);
		}
	}
	pclose(f);
	IS(n, elf_section_count(elf), "as many sections as readelf shows");
	IS(bad, 0, "and they are the same");
	OK(elf_section(elf, n) == NULL, "no section behind the last");
	if (elf_kind(elf) == ELF_KIND_OBJECT)
		return;
	for (i = 0, bad = 0; i < n; i++) {
		s = elf_section(elf, i);
		/* Those of threads are nowhere; readers of their address
		 * mean what comes behind them. */
		if ((s->flags & ELF_FLAG_ALLOC) == 0 || s->size == 0 ||
		    (s->flags & ELF_FLAG_TLS) != 0)
			continue;
		bad += elf_section_at(elf, s->addr) != s;
		bad += elf_section_at(elf, s->addr + s->size - 1) != s;
		bad += elf_section_at(elf, s->addr + s->size) == s;
	}
	IS(bad, 0, "each is found at its address");
}

/* The section that is named in a heading of readelf -r. */
static const struct elf_section *
heading(const struct elf *elf, char *line)
{
	char *from = strstr(line, "'.rela"), *to;

	if (from == NULL || (to = strchr(from + 1, '\'')) == NULL)
		return NULL;
	*to = '\0';
	return elf_section_named(elf, from + strlen("'.rela"), NULL);
}

static int
same_reloc(const struct elf_reloc *r, const char *line)
{
	unsigned long long offset, info, addend;
	const char *last = strrchr(line, ' ');

	if (sscanf(line, "%llx %llx", &offset, &info) != 2 || last == NULL)
		return 0;
	addend = strtoull(last, NULL, 16);
	if (last > line && last[-1] == '-')
		addend = -addend;
	return r->offset == offset && r->type == (info & 0xffffffff) &&
	       r->symbol == info >> 32 && r->addend == (int64_t)addend;
}

static void
compare_relocs(const struct elf *elf, const char *path)
{
	const struct elf_section *s = NULL;
	size_t i = 0, n = 0, all = 0, bad = 0;
	struct elf_reloc r;
	char line[1024];
	FILE *f = readelf("-r", path);

	while (fgets(line, sizeof line, f) != NULL) {
		if (strstr(line, "Relocation section") != NULL) {
			s = heading(elf, line);
			i = 0;
		} else if (s != NULL && strstr(line, " R_") != NULL) {
			n++;
			if (i >= elf_reloc_count(elf, s->index)) {
				bad++;
				continue;
			}
			r = elf_reloc(elf, s->index, i++);
			if (!same_reloc(&r, line) && bad++ == 0)
				printf("# %s", line);
		}
	}
	pclose(f);
	for (i = 0; i < elf_section_count(elf); i++)
		all += elf_reloc_count(elf, i);
	IS(n, all, "as many relocations as readelf shows");
	OK(n > 0, "and there are some");
	IS(bad, 0, "and they are the same");
}

static void
compare_segments(const struct elf *elf, const uint8_t *bytes, const char *path)
{
	unsigned long long offset, addr, phys, file_len, mem_len, first = 0;
	char line[1024], type[64];
	const struct elf_segment *g;
	size_t n = 0, bad = 0, loads = 0;
	uint64_t base = 1;
	FILE *f = readelf("-l", path);

	while (fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, " %63s 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx",
			type, &offset, &addr, &phys, &file_len, &mem_len) != 6)
			continue;
		g = elf_segment(elf, n++);
		if (g == NULL || g->offset != offset || g->addr != addr ||
		    g->file_len != file_len || g->mem_len != mem_len ||
		    (strcmp(type, "LOAD") == 0) !=
			(g->type == ELF_SEGMENT_LOAD)) {
			if (bad++ == 0)
				printf("# %s", line);
			continue;
		}
		if (g->type != ELF_SEGMENT_LOAD)
			continue;
		if (loads++ == 0)
			first = addr;
		if (file_len == 0)
			continue;
		bad += elf_bytes(elf, addr, (size_t)file_len) != bytes + offset;
		bad += elf_bytes(elf, addr + file_len - 1, 1) !=
		       bytes + offset + file_len - 1;
		bad += elf_bytes(elf, addr + file_len - 1, 2) != NULL;
		bad += elf_bytes(elf, addr, (size_t)file_len + 1) != NULL;
		bad += elf_bytes(elf, addr, SIZE_MAX) != NULL;
	}
	pclose(f);
	IS(n, elf_segment_count(elf), "as many segments as readelf shows");
	IS(bad, 0, "and they are the same, and their bytes are there");
	IS(elf_base(elf, &base), 0, "its header is loaded");
	IS(base, first, "at the address of the first segment");
	OK(memcmp(elf_bytes(elf, base, 4),
	       "\x7f"
	       "ELF",
	       4) == 0,
	    "and there it is");
	OK(elf_bytes(elf, UINT64_MAX, 1) == NULL,
	    "nothing at the last address");
}

static void
compare_build_id(const struct elf *elf, const char *path)
{
	char line[1024],
	    want[2 * ELF_BUILD_ID_MAX + 1] = "",
					got[2 * ELF_BUILD_ID_MAX + 1] = "";
	const uint8_t *id;
	size_t i, len;
	FILE *f = readelf("-n", path);

	while (fgets(line, sizeof line, f) != NULL)
		if (strstr(line, "Build ID: ") != NULL)
			sscanf(strstr(line, "Build ID: "), "Build ID: %128s",
			    want);
	pclose(f);
	id = elf_build_id(elf, &len);
	for (i = 0; id != NULL && i < len; i++)
		snprintf(got + 2 * i, 3, "%02x", id[i]);
	IS_STR(got, want, "the build-id is readelf's");
	OK((id == NULL) == (len == 0), "and its length goes with it");
}

/* --- lookups ------------------------------------------------------------- */

static size_t
count_named(const struct elf *elf, const char *name)
{
	const struct elf_symbol *s = NULL;
	size_t n = 0, last = 0;

	while ((s = elf_symbol_named(elf, name, s)) != NULL) {
		size_t len = strcspn(s->name, "@");

		if (len != strlen(name) || memcmp(s->name, name, len) != 0 ||
		    s->index <= last)
			return SIZE_MAX;
		last = s->index;
		n++;
	}
	return n;
}

static int
is_found(const struct elf *elf, const struct elf_symbol *s)
{
	const struct elf_symbol *t = NULL;
	size_t len;

	len = strcspn(s->name, "@");
	if (len == 0 || s->type == ELF_TYPE_SECTION || s->type == ELF_TYPE_FILE)
		len = 0;
	while ((t = elf_symbol_named(elf, s->name, t)) != NULL && t != s)
		if (t->index > s->index)
			return 0;
	return (t == s) == (len != 0);
}

static int
is_placed(const struct elf *elf, const struct elf_symbol *s)
{
	const struct elf_symbol *t = NULL;
	int want;

	want = s->section != ELF_UNDEFINED && s->section < 0xff00 &&
	       s->name[0] != '\0' && s->name[0] != '@' &&
	       s->type != ELF_TYPE_SECTION && s->type != ELF_TYPE_FILE &&
	       s->type != ELF_TYPE_TLS;
	if (elf_machine(elf) == ELF_MACHINE_AARCH64 &&
	    (strncmp(s->name, "$x", 2) == 0 || strncmp(s->name, "$d", 2) == 0))
		want = 0;
	while ((t = elf_symbol_at(elf, s->section, s->value, t)) != NULL &&
	       t != s)
		if (want && t->index > s->index)
			return 0;
	if ((t == s) != want)
		return 0;
	t = elf_symbol_above(elf, s->section, s->value);
	return t == NULL || (t->section == s->section && t->value > s->value);
}

/* Every symbol is found by its name and in its place, no other in between. */
static void
check_lookups(const struct elf *elf)
{
	size_t i, n = elf_symbol_count(elf), bad = 0;

	for (i = 1; i < n; i++) {
		const struct elf_symbol *s = elf_symbol(elf, i);

		if (!is_found(elf, s) || !is_placed(elf, s) ||
		    (s->file != NULL && s->file[0] == '\0')) {
			if (bad++ == 0)
				printf("# symbol %zu: %s\n", i, s->name);
		}
	}
	IS(bad, 0, "every symbol is found by name and by place");
	OK(elf_symbol_named(elf, "", NULL) == NULL, "none without a name");
	OK(elf_symbol_named(elf, "nobody_has_this", NULL) == NULL,
	    "none that is not there");
}

/* Above a value comes the nearest one. */
static void
check_above(const struct elf *elf, const struct elf_symbol *s)
{
	const struct elf_symbol *t =
	    elf_symbol_above(elf, s->section, s->value);
	uint64_t nearest = UINT64_MAX;
	size_t i;

	for (i = 1; i < elf_symbol_count(elf); i++) {
		const struct elf_symbol *u = elf_symbol(elf, i);

		if (u->section == s->section && u->value > s->value &&
		    u->value < nearest && u->name[0] != '\0' &&
		    u->name[0] != '$' && u->type != ELF_TYPE_SECTION &&
		    u->type != ELF_TYPE_FILE && u->type != ELF_TYPE_TLS)
			nearest = u->value;
	}
	OK(t == NULL ? nearest == UINT64_MAX : t->value == nearest,
	    "above %s comes the nearest symbol", s->name);
}

/* What is in source_a and source_b. */
static void
check_sources(const struct elf *elf, int both)
{
	const struct elf_symbol *s, *t;
	size_t n = count_named(elf, "helper");

	s = elf_symbol_named(elf, "damage", NULL);
	if (!OK(s != NULL && s->type == ELF_TYPE_FUNC &&
		    s->bind == ELF_BIND_GLOBAL && s->size > 10 &&
		    s->file == NULL,
		"a global function"))
		return;
	OK(elf_symbol_named(elf, "damage", s) == NULL, "once");
	OK(elf_symbol_at(elf, s->section, s->value, NULL) == s,
	    "it alone is there");
	check_above(elf, s);
	s = elf_symbol_named(elf, "counter", NULL);
	OK(s != NULL && s->type == ELF_TYPE_OBJECT && s->size == 4,
	    "a variable");
	IS(n, both ? 2 : 1, "static functions of one name");
	s = elf_symbol_named(elf, "helper", NULL);
	OK(s != NULL && s->file != NULL && strcmp(s->file, "a.c") == 0,
	    "the first one is a.c's");
	t = elf_symbol_named(elf, "helper", s);
	if (both)
		OK(t != NULL && t->file != NULL && strcmp(t->file, "b.c") == 0,
		    "the second one is b.c's");
	else
		OK(t == NULL, "there is no second one");
	s = elf_symbol_named(elf, "secret", NULL);
	OK(both ? s != NULL && s->file == NULL : s == NULL,
	    "a hidden one is no file's");
}

/* --- real files ---------------------------------------------------------- */

struct build {
	const char *what;
	const char *command; /* makes t */
	enum elf_kind kind;
	enum elf_machine machine;
	int is_program;
	int has_interp;
	int always; /* gcc and its library are needed anyway */
};

static const struct build builds[] = {
    {"gcc's object", "gcc -O2 -c a.c -o t", ELF_KIND_OBJECT, HERE, 0, 0, 1},
    {"gcc's object with sections and debug information",
	"gcc -O1 -g -fPIE -ffunction-sections -fdata-sections -c a.c -o t",
	ELF_KIND_OBJECT, HERE, 0, 0, 1},
    {"gcc's object for any address", "gcc -O0 -fPIC -c a.c -o t",
	ELF_KIND_OBJECT, HERE, 0, 0, 1},
    {"clang's object", "clang -O2 -c a.c -o t", ELF_KIND_OBJECT, HERE, 0, 0, 0},
    {"clang's object with sections and debug information",
	"clang -O2 -g -fPIE -ffunction-sections -c a.c -o t", ELF_KIND_OBJECT,
	HERE, 0, 0, 0},
    {"an object for aarch64",
	"clang --target=aarch64-linux-gnu -O2 -fPIE -c a.c -o t",
	ELF_KIND_OBJECT, ELF_MACHINE_AARCH64, 0, 0, 0},
    {"an object for x86_64",
	"clang --target=x86_64-linux-gnu -O2 -fPIE -g -c a.c -o t",
	ELF_KIND_OBJECT, ELF_MACHINE_X86_64, 0, 0, 0},
    {"a PIE", "gcc -O2 -fPIE -pie a.c b.c -o t -Wl,--build-id=sha1",
	ELF_KIND_DYNAMIC, HERE, 1, 1, 1},
    {"a program for one address",
	"gcc -O2 -fno-pie -no-pie a.c b.c -o t -Wl,--build-id=md5",
	ELF_KIND_EXEC, HERE, 1, 1, 1},
    {"a static program",
	"gcc -O2 -fno-pie -no-pie -static a.c b.c -o t -Wl,--build-id=sha1",
	ELF_KIND_EXEC, HERE, 1, 0, 1},
    {"a static-PIE",
	"gcc -O2 -fPIE -static-pie a.c b.c -o t -Wl,--build-id=sha1",
	ELF_KIND_DYNAMIC, HERE, 1, 0, 1},
    {"a static program of musl",
	"musl-gcc -O2 -fno-pie -no-pie -static a.c b.c -o t "
	"-Wl,--build-id=sha1",
	ELF_KIND_EXEC, HERE, 1, 0, 0},
    {"a static program without a build-id",
	"musl-gcc -O2 -fno-pie -no-pie -static a.c b.c -o t "
	"-Wl,--build-id=none",
	ELF_KIND_EXEC, HERE, 1, 0, 0},
    {"a PIE by lld",
	"clang -O2 -fPIE -pie -fuse-ld=lld a.c b.c -o t -Wl,--build-id=sha1",
	ELF_KIND_DYNAMIC, HERE, 1, 1, 0},
    {"a static program by lld",
	"clang -O2 -fno-pie -no-pie -static -fuse-ld=lld a.c b.c -o t "
	"-Wl,--build-id=sha1",
	ELF_KIND_EXEC, HERE, 1, 0, 0},
    {"a library", "gcc -O2 -fPIC -shared a.c b.c -o t -Wl,--build-id=sha1",
	ELF_KIND_DYNAMIC, HERE, 0, 0, 1},
    {"a program for aarch64",
	"clang --target=aarch64-linux-gnu -O1 -nostdlib -static "
	"-fuse-ld=lld c.c -o t -Wl,--build-id=sha1",
	ELF_KIND_EXEC, ELF_MACHINE_AARCH64, 1, 0, 0},
    {"a static-PIE for aarch64",
	"clang --target=aarch64-linux-gnu -O1 -fPIE -nostdlib -static-pie "
	"-fuse-ld=lld c.c -o t -Wl,--build-id=sha1",
	ELF_KIND_DYNAMIC, ELF_MACHINE_AARCH64, 1, 0, 0},
    {"a library for aarch64",
	"clang --target=aarch64-linux-gnu -O1 -fPIC -nostdlib -shared "
	"-fuse-ld=lld d.c -o t -Wl,--build-id=sha1",
	ELF_KIND_DYNAMIC, ELF_MACHINE_AARCH64, 0, 0, 0},
};

static void
test_build(const struct build *b)
{
	struct file f;

	if (run(b->command) != 0) {
		if (b->always)
			OK(0, "%s: %s", b->what, b->command);
		else
			tap_skip("a compiler or library is missing here");
		return;
	}
	if (OK(file_open(&f, "t") == 0, "%s", b->what)) {
		IS(elf_kind(f.elf), b->kind, "its kind");
		IS(elf_machine(f.elf), b->machine, "its machine");
		IS(elf_is_program(f.elf), b->is_program, "a program, or not");
		IS(elf_interp(f.elf) != NULL, b->has_interp, "its loader");
		compare_sections(f.elf, f.buf.data, "t");
		compare_symbols(f.elf, "t");
		check_lookups(f.elf);
		compare_build_id(f.elf, "t");
		if (b->kind == ELF_KIND_OBJECT)
			compare_relocs(f.elf, "t");
		else
			compare_segments(f.elf, f.buf.data, "t");
		if (strstr(b->command, "a.c") != NULL)
			check_sources(f.elf, strstr(b->command, "b.c") != NULL);
	}
	file_close(&f);
}

/* --- slots --------------------------------------------------------------- */

static int
has_slot(const struct elf *elf, char *line)
{
	const struct elf_slot *s = NULL;
	unsigned long long offset, info, value;
	char type[64], name[512];

	if (sscanf(line, "%llx %llx %63s", &offset, &info, type) != 3)
		return 0;
	if (strstr(type, "IRELATIV") != NULL) {
		if (sscanf(line, "%*s %*s %*s %llx", &value) != 1)
			return 0;
		s = elf_slot_ifunc(elf, value);
		return s != NULL && s->addr == offset && s->resolver == value &&
		       s->kind == ELF_SLOT_IFUNC;
	}
	if (sscanf(line, "%*s %*s %*s %*s %511s", name) != 1)
		return 0;
	name[strcspn(name, "@")] = '\0';
	while ((s = elf_slot_named(elf, name, s)) != NULL)
		if (s->addr == offset &&
		    strcspn(s->name, "@") == strlen(name) &&
		    s->kind == (strstr(type, "JUMP_SLO") != NULL
				       ? ELF_SLOT_JUMP
				       : ELF_SLOT_DATA))
			return 1;
	return 0;
}

static void
compare_slots(const struct elf *elf, size_t at_least)
{
	char line[1024];
	FILE *f = readelf("-r", "t");
	size_t n = 0, bad = 0;

	while (fgets(line, sizeof line, f) != NULL) {
		if (strstr(line, "IRELATIV") == NULL &&
		    strstr(line, "JUMP_SLO") == NULL &&
		    strstr(line, "GLOB_DAT") == NULL)
			continue;
		n++;
		if (!has_slot(elf, line) && bad++ == 0)
			printf("# %s", line);
	}
	pclose(f);
	OK(n >= at_least, "it has %zu slots", n);
	IS(bad, 0, "they are readelf's");
	OK(elf_slot_named(elf, "nobody_has_this", NULL) == NULL &&
		elf_slot_named(elf, "", NULL) == NULL &&
		elf_slot_ifunc(elf, 1) == NULL,
	    "and no others");
}

static int
make(struct file *f, const char *command)
{
	if (run(command) != 0) {
		tap_skip("a compiler or library is missing here");
		return -1;
	}
	if (OK(file_open(f, "t") == 0, "%s", command))
		return 0;
	file_close(f);
	return -1;
}

static void
test_slots(void)
{
	const struct elf_symbol *s;
	const struct elf_slot *slot;
	struct file f;

	if (make(&f, "gcc -O2 -fPIE -pie a.c -o t") == 0) {
		compare_slots(f.elf, 3);
		s = elf_symbol_named(f.elf, "puts", NULL);
		OK(s != NULL && s->section == ELF_UNDEFINED,
		    "a symbol is found without its version");
		slot = elf_slot_named(f.elf, "puts", NULL);
		OK(slot != NULL && !slot->weak, "puts has one");
		slot = elf_slot_named(f.elf, "__gmon_start__", NULL);
		OK(slot != NULL && slot->weak && slot->kind == ELF_SLOT_DATA,
		    "one that may stay 0");
		file_close(&f);
	}
	if (make(&f, "gcc -O2 -fno-pie -no-pie -static a.c -o t") == 0) {
		compare_slots(f.elf, 0);
		s = elf_symbol_named(f.elf, "strlen", NULL);
		if (s != NULL && s->type == ELF_TYPE_IFUNC)
			OK(elf_slot_ifunc(f.elf, s->value) != NULL,
			    "strlen is called by a slot");
		else
			tap_skip("strlen is no indirect function here");
		file_close(&f);
	}
	if (make(&f, "gcc -O2 -fPIE -static-pie a.c -o t") == 0) {
		compare_slots(f.elf, 0);
		file_close(&f);
	}
	if (make(&f, "clang --target=aarch64-linux-gnu -O1 -nostdlib -static "
		     "-fuse-ld=lld c.c -o t") == 0) {
		compare_slots(f.elf, 1);
		file_close(&f);
	}
	if (make(&f, "clang --target=aarch64-linux-gnu -O1 -fPIC -nostdlib "
		     "-shared -fuse-ld=lld d.c -o t") == 0) {
		compare_slots(f.elf, 3);
		slot = elf_slot_named(f.elf, "outside", NULL);
		OK(slot != NULL && !slot->weak, "a function of others");
		OK(slot == NULL ||
			elf_slot_named(f.elf, "outside", slot) != NULL,
		    "whose address is taken too");
		slot = elf_slot_named(f.elf, "foreign", NULL);
		OK(slot != NULL && slot->kind == ELF_SLOT_DATA,
		    "data of others");
		slot = elf_slot_named(f.elf, "maybe", NULL);
		OK(slot != NULL && slot->weak, "what may be missing");
		file_close(&f);
	}
	if (make(&f, "gcc -fPIC -c d.c -o t") == 0) {
		OK(elf_slot_named(f.elf, "outside", NULL) == NULL,
		    "an object has no slots");
		file_close(&f);
	}
}

/* --- more of what compilers leave ---------------------------------------- */

static int
says(const struct elf *elf, const char *option)
{
	const char *s = NULL;
	int found = 0;

	while ((s = elf_command_line(elf, s)) != NULL) {
		if (s[0] == '\0')
			return -1;
		found |= strstr(s, option) != NULL;
	}
	return found;
}

static void
test_command_line(void)
{
	const struct elf_section *s;
	struct file f;

	if (make(&f,
		"gcc -O2 -frecord-gcc-switches -fno-inline-small-functions "
		"-c a.c -o t") == 0) {
		IS(says(f.elf, "-fno-inline-small-functions"), 1,
		    "gcc's options");
		IS(says(f.elf, "-O3"), 0, "no others");
		file_close(&f);
	}
	if (make(&f, "gcc -O2 -frecord-gcc-switches -c a.c -o 1.o && "
		     "gcc -O1 -frecord-gcc-switches -c b.c -o 2.o && "
		     "gcc 1.o 2.o -o t") == 0) {
		IS(says(f.elf, "-O2"), 1, "of one file of a program");
		IS(says(f.elf, "-O1"), 1, "of the other");
		file_close(&f);
	}
	if (make(&f, "gcc -O2 -frecord-gcc-switches -c a.c -o t") == 0) {
		s = elf_section_named(f.elf, ".GCC.command.line", NULL);
		if (OK(s != NULL && s->size > 1, "a section of options"))
			f.buf.data[s->bytes - f.buf.data + (ptrdiff_t)s->size -
				   1] = 'x';
		IS(says(f.elf, ""), 0, "what does not end is none");
		file_close(&f);
	}
	if (make(&f, "clang -O2 -frecord-command-line -c a.c -o t") == 0) {
		IS(says(f.elf, "-frecord-command-line"), 1,
		    "clang's command line");
		file_close(&f);
	}
	if (make(&f, "gcc -O2 -c a.c -o t") == 0) {
		OK(elf_command_line(f.elf, NULL) == NULL, "none");
		file_close(&f);
	}
}

/* Sections that only objects have, and what is asked of them. */
static void
test_object(void)
{
	const struct elf_section *s;
	const struct elf_symbol *y;
	struct file f;

	if (make(&f, "gcc -O2 -fcommon -c a.c -o t") != 0)
		return;
	s = elf_section_named(f.elf, ".text", NULL);
	OK(s != NULL && (s->flags & ELF_FLAG_EXEC) != 0 && s->bytes != NULL,
	    "code");
	OK(s == NULL || elf_section_named(f.elf, ".text", s) == NULL, "once");
	s = elf_section_named(f.elf, ".rodata.str1.1", NULL);
	OK(s != NULL && (s->flags & (ELF_FLAG_MERGE | ELF_FLAG_STRINGS)) != 0,
	    "texts");
	s = elf_section_named(f.elf, ".tdata", NULL);
	OK(s != NULL && (s->flags & ELF_FLAG_TLS) != 0,
	    "what each thread has its own of");
	y = elf_symbol_named(f.elf, "zeros", NULL);
	OK(y != NULL && y->section == ELF_COMMON && y->size == 400 &&
		y->value >= 4,
	    "a common variable: its alignment");
	y = elf_symbol_named(f.elf, "mine", NULL);
	OK(y != NULL && y->type == ELF_TYPE_TLS, "a thread's variable");
	y = elf_symbol_named(f.elf, "strlen", NULL);
	OK(y != NULL && y->section == ELF_UNDEFINED, "what it wants");
	IS(elf_segment_count(f.elf), 0, "no segments");
	OK(elf_segment(f.elf, 0) == NULL, "not one");
	OK(elf_bytes(f.elf, 0, 1) == NULL && elf_section_at(f.elf, 0) == NULL,
	    "nothing at an address");
	IS(elf_is_program(f.elf), 0, "no program");
	file_close(&f);

	if (make(&f, "gcc -g -gz=zlib -c a.c -o t") == 0) {
		s = elf_section_named(f.elf, ".debug_info", NULL);
		OK(s != NULL && (s->flags & ELF_FLAG_COMPRESSED) != 0 &&
			elf_reloc_count(f.elf, s->index) == 0,
		    "a compressed section shows no relocations");
		file_close(&f);
	}
	if (make(&f,
		"gcc -g -c a.c -o 1.o && gcc -g 1.o b.c -o t && strip t") ==
	    0) {
		IS(elf_symbol_count(f.elf), 0, "a stripped one has no symbols");
		OK(elf_symbol_named(f.elf, "damage", NULL) == NULL, "not one");
		OK(elf_slot_named(f.elf, "puts", NULL) != NULL,
		    "but its slots");
		file_close(&f);
	}
}

/* Its address here is its offset from where this program was loaded. */
int elf_test_landmark(int i);
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

int
elf_test_landmark(int i)
{
	return i * 3 + 1;
}

static void
test_self(void)
{
	const struct elf_symbol *s;
	const struct elf_section *in;
	const uint8_t *bytes, *here;
	int (*landmark)(int) = elf_test_landmark;
	uint64_t base;
	struct file f;

	if (!OK(file_open(&f, "/proc/self/exe") == 0, "this program")) {
		file_close(&f);
		return;
	}
	IS(elf_is_program(f.elf), 1, "it is one");
	check_lookups(f.elf);
	s = elf_symbol_named(f.elf, "elf_test_landmark", NULL);
	if (OK(s != NULL && elf_base(f.elf, &base) == 0, "a function of it")) {
		memcpy(&here, &landmark, sizeof here);
		IS(s->value - base, here - (const uint8_t *)__ehdr_start,
		    "lies as far from its start as here in memory");
		bytes = elf_bytes(f.elf, s->value, (size_t)s->size);
		OK(bytes != NULL && memcmp(bytes, here, (size_t)s->size) == 0,
		    "and is the same");
		in = elf_section_at(f.elf, s->value);
		OK(in != NULL && in->index == s->section &&
			(in->flags & ELF_FLAG_EXEC) != 0,
		    "in its section");
		IS(landmark(1), 4, "it runs");
	}
	file_close(&f);
}

static void
test_hotfix(void)
{
	const char *path = getenv("HOTFIX");
	const struct elf_symbol *s;
	struct file f;
	size_t len;

	if (path == NULL) {
		tap_skip("HOTFIX is not set");
		return;
	}
	if (OK(file_open(&f, path) == 0, "the executable of hotfix")) {
		IS(elf_is_program(f.elf), 1, "a program");
		compare_sections(f.elf, f.buf.data, path);
		compare_symbols(f.elf, path);
		compare_segments(f.elf, f.buf.data, path);
		compare_build_id(f.elf, path);
		check_lookups(f.elf);
		OK(elf_build_id(f.elf, &len) != NULL && len == 20,
		    "it has a build-id");
		s = elf_symbol_named(f.elf, "main", NULL);
		OK(s != NULL && s->type == ELF_TYPE_FUNC &&
			elf_bytes(f.elf, s->value, (size_t)s->size) != NULL,
		    "and a main");
	}
	file_close(&f);
}

/* --- broken files -------------------------------------------------------- */

/* Bytes in memory of exactly their length: what passes them is seen. 0 when
 * it opens, else -1 with the reason in e. */
static int
try(const void *bytes, size_t len, struct err *e)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);
	struct elf *elf = NULL;
	int r;

	if (copy == NULL)
		abort();
	if (len != 0)
		memcpy(copy, bytes, len);
	e->kind = ERR_NONE;
	e->text[0] = '\0';
	r = elf_open(&elf, copy, len, e);
	if (r == 0)
		elf_walk(elf);
	else if (elf != NULL || e->kind != ERR_NO || e->text[0] == '\0')
		abort();
	elf_close(elf);
	free(copy);
	return r;
}

static void
refused(const void *bytes, size_t len, const char *why, const char *what)
{
	struct err e;

	if (OK(try(bytes, len, &e) != 0, "%s", what) &&
	    !OK(strstr(e.text, why) != NULL, "for the right reason"))
		printf("# %s\n", e.text);
}

/* A good file with one number of it changed. */
static void
bent(const struct buf *good, size_t at, size_t width, uint64_t value,
    const char *why, const char *what)
{
	uint8_t *bytes = malloc(good->len);
	size_t i;

	if (bytes == NULL || at + width > good->len)
		abort();
	memcpy(bytes, good->data, good->len);
	for (i = 0; i < width; i++)
		bytes[at + i] = (uint8_t)(value >> 8 * i);
	refused(bytes, good->len, why, what);
	free(bytes);
}

static uint64_t
number(const struct buf *b, size_t at, size_t width)
{
	uint64_t n = 0;

	while (width-- > 0)
		n = n << 8 | b->data[at + width];
	return n;
}

/* Where the header of a section or segment stands. */
static size_t
header_of(const struct buf *b, const struct elf_section *s)
{
	return (size_t)number(b, 40, 8) + s->index * 64;
}

static const struct elf_section *
of_type(const struct elf *elf, uint32_t type)
{
	size_t i;

	for (i = 0; i < elf_section_count(elf); i++)
		if (elf_section(elf, i)->type == type)
			return elf_section(elf, i);
	return elf_section(elf, 0);
}

static size_t
segment_header(const struct file *f, uint32_t type, size_t nth)
{
	size_t i;

	for (i = 0; i < elf_segment_count(f->elf); i++)
		if (elf_segment(f->elf, i)->type == type && nth-- == 0)
			return (size_t)number(&f->buf, 32, 8) + i * 56;
	abort();
}

static void
test_refused_header(const struct buf *b)
{
	char text[64] = "#!/bin/sh\n";
	size_t at;

	refused("", 0, "empty", "nothing");
	refused(text, sizeof text, "not an ELF file", "a script");
	refused("\x7f"
		"EL",
	    3, "not an ELF file", "three bytes");
	refused("\x7f"
		"ELF",
	    4, "ends inside its header", "four bytes");
	refused("!<arch>\nx", 9, "ar x", "an archive");
	refused("!<thin>\nx", 9, "ar x", "a thin archive");
	refused("BC\xc0\xde....", 8, "-fno-lto", "bitcode");
	bent(b, 4, 1, 1, "64 bits", "32 bits");
	bent(b, 5, 1, 2, "little-endian", "big-endian");
	bent(b, 6, 1, 2, "version", "another version");
	bent(b, 20, 4, 2, "version", "another version of the file");
	bent(b, 7, 1, 9, "another system", "another system");
	bent(b, 16, 2, 4, "ELF type 4", "a core file");
	bent(b, 16, 2, 0, "ELF type 0", "no type");
	bent(b, 18, 2, 243, "machine 243", "RISC-V");
	bent(b, 40, 8, b->len, "past the end", "section headers behind it");
	bent(b, 40, 8, UINT64_MAX, "past the end", "and far behind it");
	bent(b, 58, 2, 40, "another size", "section headers of 32 bits");
	bent(b, 60, 2, 0, "sections", "sections without a number");
	bent(b, 60, 2, 0xff00, "sections", "too many sections");
	bent(b, 60, 2, number(b, 60, 2) + 1, "past the end",
	    "one section more");
	bent(b, 62, 2, 0xffff, "section names", "no names of sections");
	bent(b, 62, 2, 1, "section names", "names that are code");
	at = (size_t)number(b, 40, 8) + (size_t)number(b, 62, 2) * 64;
	bent(b, (size_t)(number(b, at + 24, 8) + number(b, at + 32, 8)) - 1, 1,
	    'x', "section names", "a last name that does not end");
}

static void
test_refused_object(void)
{
	const struct elf_section *sym, *rela, *text, *str;
	struct file f;
	struct err e;
	size_t sh, p, i, local = 0;

	if (make(&f, "gcc -O2 -c a.c -o t") != 0)
		return;
	test_refused_header(&f.buf);
	sym = of_type(f.elf, ELF_SECTION_SYMTAB);
	rela = elf_section_named(f.elf, ".rela.text", NULL);
	text = elf_section_named(f.elf, ".text", NULL);
	if (!OK(sym->index != 0 && rela != NULL && text != NULL,
		"what is bent is there"))
		return;
	str = elf_section(f.elf, sym->link);

	sh = header_of(&f.buf, elf_section(f.elf, 0));
	bent(&f.buf, sh + 4, 4, 1, "section 0", "a section 0 with bytes");
	sh = header_of(&f.buf, text);
	bent(&f.buf, sh, 4, 0xffffff, "not in the table", "a section's name");
	bent(&f.buf, sh + 24, 8, f.buf.len, "past the end",
	    "a section behind the file");
	bent(&f.buf, sh + 24, 8, UINT64_MAX, "past the end",
	    "a section far behind it");
	bent(&f.buf, sh + 32, 8, UINT64_MAX, "section", "an endless section");
	bent(&f.buf, sh + 32, 8, f.buf.len - text->size, "overlap",
	    "a section as long as the file");
	bent(&f.buf, sh + 16, 8, UINT64_MAX, "last address",
	    "a section past the last address");
	bent(&f.buf, sh + 40, 4, 0xffff, "links", "a link to nowhere");
	bent(&f.buf, sh + 48, 8, 3, "power of two", "an alignment of three");

	sh = header_of(&f.buf, sym);
	bent(&f.buf, sh + 56, 8, 16, "another size", "symbols of 32 bits");
	bent(&f.buf, sh + 32, 8, sym->size - 1, "another size",
	    "a piece of a symbol");
	bent(&f.buf, sh + 32, 8, 24, "not there", "one symbol alone");
	bent(&f.buf, sh + 40, 4, text->index, "names", "names that are code");
	bent(&f.buf, sh + 4, 4, 0x70000001, "without a symbol table",
	    "symbols of another type");
	bent(&f.buf, header_of(&f.buf, rela) + 4, 4, ELF_SECTION_SYMTAB,
	    "two symbol tables", "a second table");
	bent(&f.buf, (size_t)(str->bytes - f.buf.data) + (size_t)str->size - 1,
	    1, 'x', "names", "a last name that does not end");

	for (i = 1; i < elf_symbol_count(f.elf); i++)
		if (elf_symbol(f.elf, i)->type == ELF_TYPE_FUNC &&
		    elf_symbol(f.elf, i)->section == text->index)
			local = i;
	p = (size_t)(sym->bytes - f.buf.data) + local * 24;
	bent(&f.buf, p, 4, 0xffffffff, "not in the table", "a symbol's name");
	bent(&f.buf, p + 6, 2, elf_section_count(f.elf), "not there",
	    "a symbol's section");
	bent(&f.buf, p + 6, 2, 0xff00, "not there", "a reserved one");
	bent(&f.buf, p + 6, 2, 0xffff, "extended", "an extended one");
	bent(&f.buf, p + 8, 8, text->size + 1, "behind its section",
	    "a symbol behind its section");
	bent(&f.buf, p + 16, 8, UINT64_MAX, "passes its section",
	    "a function past its section");
	bent(&f.buf, p + 16, 8, text->size + 1, "passes its section",
	    "a function longer than it");

	sh = header_of(&f.buf, rela);
	bent(&f.buf, sh + 44, 4, 0xffff, "no bytes",
	    "relocations of no section");
	bent(&f.buf, sh + 44, 4, 0, "no bytes", "relocations of section 0");
	bent(&f.buf, sh + 40, 4, text->index, "without a symbol table",
	    "relocations of other symbols");
	bent(&f.buf, sh + 56, 8, 16, "another size", "relocations of 16");
	bent(&f.buf, sh + 32, 8, rela->size - 1, "another size",
	    "a piece of one");
	bent(&f.buf, sh + 4, 4, ELF_SECTION_REL, "without addends",
	    "relocations without addends");
	p = (size_t)(rela->bytes - f.buf.data);
	bent(&f.buf, p, 8, text->size, "behind its section",
	    "a relocation behind its section");
	bent(&f.buf, p + 12, 4, elf_symbol_count(f.elf), "not there",
	    "a relocation's symbol");
	for (i = rela->index + 1; i < elf_section_count(f.elf); i++)
		if (elf_section(f.elf, i)->type == ELF_SECTION_RELA &&
		    elf_section(f.elf, i)->size != 0)
			break;
	if (OK(i < elf_section_count(f.elf), "other relocations"))
		bent(&f.buf, header_of(&f.buf, elf_section(f.elf, i)) + 44, 4,
		    text->index, "two sections of relocations",
		    "which are moved to the first one's section");
	file_close(&f);

	if (make(&f, "gcc -g -c a.c -o t") != 0)
		return;
	rela = elf_section_named(f.elf, ".rela.debug_info", NULL);
	if (OK(rela != NULL, "relocations of what is not loaded")) {
		f.buf.data[header_of(&f.buf, rela) + 4] = ELF_SECTION_REL;
		IS(try(f.buf.data, f.buf.len, &e), 0, "which may lack addends");
	}
	file_close(&f);
}

static void
test_refused_program(void)
{
	const struct elf_section *rela, *dyn;
	struct file f;
	size_t g, p, n;

	if (make(&f, "gcc -O2 -fPIE -pie a.c -o t -Wl,--build-id=sha1") != 0)
		return;
	bent(&f.buf, 56, 2, 0xffff, "segments", "uncounted segments");
	bent(&f.buf, 56, 2, ELF_SEGMENTS_MAX + 1, "segments",
	    "too many segments");
	bent(&f.buf, 54, 2, 32, "another size", "segments of 32 bits");
	bent(&f.buf, 32, 8, f.buf.len, "past the end",
	    "program headers behind the file");
	g = segment_header(&f, ELF_SEGMENT_LOAD, 1);
	bent(&f.buf, g + 8, 8, f.buf.len, "past the end",
	    "a segment behind the file");
	bent(&f.buf, g + 32, 8, UINT64_MAX, "past the end",
	    "an endless segment");
	bent(&f.buf, g + 40, 8, 1, "longer in the file",
	    "a segment that is short in memory");
	bent(&f.buf, g + 40, 8, UINT64_MAX, "last address",
	    "a segment past the last address");
	bent(&f.buf, g + 16, 8, 0, "overlaps", "segments over each other");
	g = segment_header(&f, ELF_SEGMENT_INTERP, 0);
	bent(&f.buf,
	    (size_t)number(&f.buf, g + 8, 8) +
		(size_t)number(&f.buf, g + 32, 8) - 1,
	    1, 'x', "interpreter", "an interpreter's name that does not end");
	bent(&f.buf, g + 32, 8, 0, "interpreter", "one without a name");

	rela = elf_section_named(f.elf, ".rela.plt", NULL);
	if (rela == NULL)
		rela = elf_section_named(f.elf, ".rela.dyn", NULL);
	dyn = of_type(f.elf, ELF_SECTION_DYNSYM);
	if (!OK(rela != NULL && rela->size != 0 && dyn->index != 0,
		"it has dynamic relocations"))
		return;
	/* The last one is of a symbol in both sections. */
	p = (size_t)(rela->bytes - f.buf.data) + (size_t)rela->size - 24;
	bent(&f.buf, p, 8, UINT64_MAX, "outside", "a slot that is nowhere");
	for (g = 0, n = 0; n < elf_segment_count(f.elf); n++) {
		const struct elf_segment *l = elf_segment(f.elf, n);

		if (l->type == ELF_SEGMENT_LOAD)
			g = (size_t)(l->addr + l->mem_len);
	}
	bent(&f.buf, p, 8, g - 4, "outside", "a slot that passes the end");
	bent(&f.buf, p + 12, 4, (uint64_t)(dyn->size / 24), "not there",
	    "a slot's symbol");
	n = (size_t)number(&f.buf, p + 12, 4);
	bent(&f.buf, (size_t)(dyn->bytes - f.buf.data) + n * 24, 4, 0xffffff,
	    "not in the table", "a slot's name");
	bent(&f.buf, header_of(&f.buf, rela) + 40, 4, 0, "not there",
	    "slots without symbols");
	bent(&f.buf, header_of(&f.buf, rela) + 56, 8, 8, "another size",
	    "slots of another size");
	file_close(&f);
}

/* Notes, by a segment that was made another one's before. */
static void
test_refused_notes(void)
{
	size_t at, len;
	const uint8_t *id;
	struct file f;

	if (make(&f, "gcc -O2 -fPIE -pie a.c -o t -Wl,--build-id=sha1") != 0)
		return;
	id = elf_build_id(f.elf, &len);
	if (!OK(id != NULL && len == 20, "a build-id of 20 bytes"))
		return;
	at = (size_t)(id - f.buf.data);
	bent(&f.buf, at - 12, 4, UINT32_MAX, "passes", "an endless note");
	bent(&f.buf, at - 16, 4, UINT32_MAX, "passes", "a note's name");
	bent(&f.buf, at - 12, 4, 0, "of 0 bytes", "an empty build-id");
	/* PT_PHDR comes first; it becomes a second place of the same note. */
	at = (size_t)number(&f.buf, 32, 8);
	for (; number(&f.buf, at, 4) != ELF_SEGMENT_NOTE ||
	       number(&f.buf, at + 8, 8) + number(&f.buf, at + 32, 8) <=
		   (size_t)(id - f.buf.data) ||
	       number(&f.buf, at + 8, 8) > (size_t)(id - f.buf.data);
	     at += 56)
		;
	memcpy(f.buf.data + number(&f.buf, 32, 8), f.buf.data + at, 56);
	refused(f.buf.data, f.buf.len, "two build-ids", "a second build-id");
	file_close(&f);
}

/* A program that is nothing but notes; count segments hold all of them. */
static size_t
notes_file(uint8_t *p, const void *notes, size_t len, size_t align,
    size_t count)
{
	size_t i, at = 64 + 56 * count;
	uint8_t *g;

	memset(p, 0, at);
	memcpy(p,
	    "\x7f"
	    "ELF\x02\x01\x01",
	    7);
	p[16] = ELF_KIND_EXEC;
	p[18] = ELF_MACHINE_X86_64;
	p[20] = 1;
	p[32] = 64;
	p[54] = 56;
	p[56] = (uint8_t)count;
	for (i = 0; i < count; i++) {
		g = p + 64 + 56 * i;
		g[0] = ELF_SEGMENT_NOTE;
		g[8] = (uint8_t)at;
		g[9] = (uint8_t)(at >> 8);
		g[32] = (uint8_t)len;
		g[33] = (uint8_t)(len >> 8);
		g[48] = (uint8_t)align;
	}
	memcpy(p + at, notes, len);
	return at + len;
}

static void
test_notes(void)
{
	/* A name of 6 bytes, no text: padded to 20 or to 24. */
	static const uint8_t four[] = "\6\0\0\0\0\0\0\0\1\0\0\0ABCDE\0\0\0"
				      "\4\0\0\0\2\0\0\0\3\0\0\0GNU\0xy";
	static const uint8_t eight[] =
	    "\6\0\0\0\0\0\0\0\1\0\0\0ABCDE\0\0\0\0\0\0\0"
	    "\4\0\0\0\2\0\0\0\3\0\0\0GNU\0xy";
	static const uint8_t empty[1200];
	uint8_t p[2048];
	const uint8_t *id;
	struct elf *elf;
	struct err e;
	size_t len, id_len;

	len = notes_file(p, four, sizeof four - 1, 4, 1);
	if (OK(elf_open(&elf, p, len, &e) == 0, "notes of four bytes")) {
		id = elf_build_id(elf, &id_len);
		OK(id != NULL && id_len == 2 && memcmp(id, "xy", 2) == 0,
		    "a build-id behind another note");
		IS(elf_section_count(elf), 0, "no sections");
		OK(elf_section_at(elf, 0) == NULL &&
			elf_section_named(elf, "", NULL) == NULL &&
			elf_symbol_count(elf) == 0 &&
			elf_symbol(elf, 0) == NULL,
		    "not one");
		elf_close(elf);
	}
	len = notes_file(p, eight, sizeof eight - 1, 8, 1);
	if (OK(elf_open(&elf, p, len, &e) == 0, "notes of eight bytes")) {
		id = elf_build_id(elf, &id_len);
		OK(id != NULL && id_len == 2 && memcmp(id, "xy", 2) == 0,
		    "a build-id behind another note");
		elf_close(elf);
	}
	len = notes_file(p, empty, sizeof empty, 4, 1);
	IS(try(p, len, &e), 0, "empty notes");
	len = notes_file(p, empty, sizeof empty, 4, 2);
	refused(p, len, "notes overlap", "the same notes twice");
}

static void
test_truncated(const char *command)
{
	size_t len, opened = 0;
	struct err e;
	struct file f;

	if (make(&f, command) != 0)
		return;
	for (len = 0; len < f.buf.len; len++)
		if (try(f.buf.data, len, &e) == 0)
			opened++;
	IS(opened, 0, "none of its beginnings opens");
	IS(try(f.buf.data, f.buf.len, &e), 0, "but all of it");
	file_close(&f);
}

/* Each byte from one place to another takes other values. */
static void
bend_all(struct buf *b, size_t from, size_t to, size_t *opened, size_t * not )
{
	static const uint8_t masks[] = {0x01, 0x80, 0xff, 0x10};
	struct err e;
	uint8_t was;
	size_t i, j;

	for (i = from; i < to && i < b->len; i++) {
		was = b->data[i];
		for (j = 0; j < sizeof masks; j++) {
			b->data[i] = was ^ masks[j];
			if (try(b->data, b->len, &e) == 0)
				++*opened;
			else
				++*not ;
		}
		b->data[i] = was;
	}
}

static void
test_bent(const char *command)
{
	size_t i, opened = 0, not = 0;
	struct file f;

	if (make(&f, command) != 0)
		return;
	bend_all(&f.buf, 0, 64, &opened, &not );
	bend_all(&f.buf, (size_t)number(&f.buf, 40, 8),
	    (size_t)number(&f.buf, 40, 8) + elf_section_count(f.elf) * 64,
	    &opened, &not );
	bend_all(&f.buf, (size_t)number(&f.buf, 32, 8),
	    (size_t)number(&f.buf, 32, 8) + elf_segment_count(f.elf) * 56,
	    &opened, &not );
	for (i = 0; i < elf_section_count(f.elf); i++) {
		const struct elf_section *s = elf_section(f.elf, i);
		size_t at;

		if (s->bytes == NULL || s->type == ELF_SECTION_PROGBITS)
			continue;
		at = (size_t)(s->bytes - f.buf.data);
		bend_all(&f.buf, at,
		    at + (s->size < 480 ? (size_t)s->size : 480), &opened,
		    &not );
	}
	OK(opened > 0 && not > 0, "%zu bent ones are refused, %zu harmless",
	    not, opened);
	file_close(&f);
}

/* Some bytes at once, anywhere. */
static void
test_random(const char *command)
{
	uint64_t seed = tap_seed(20261122), r;
	size_t i, j, opened = 0;
	struct err e;
	struct buf b = BUF_INIT;
	struct file f;

	if (make(&f, command) != 0)
		return;
	for (i = 0; i < 3000; i++) {
		buf_reset(&b);
		if (buf_append(&b, f.buf.data, f.buf.len) != 0)
			abort();
		for (j = tap_random(&seed) % 8 + 1; j > 0; j--) {
			r = tap_random(&seed);
			b.data[r % b.len] = (uint8_t)(r >> 32);
		}
		opened += try(b.data, b.len, &e) == 0;
	}
	OK(opened < 3000, "%zu of 3000 open", opened);
	buf_free(&b);
	file_close(&f);
}

/*
 * Names that lie in one another: each of many symbols has a long one, all of
 * one table.
 */
static void
test_long_names(void)
{
	enum { LEN = 1 << 16, SYMBOLS = 2000 };
	size_t at_sym = 64, at_str = at_sym + SYMBOLS * 24,
	       at_sh = at_str + LEN, len = at_sh + 4 * 64, i;
	uint8_t *p = calloc(1, len), *s;
	struct err e;

	if (p == NULL)
		abort();
	memcpy(p,
	    "\x7f"
	    "ELF\x02\x01\x01",
	    7);
	p[16] = 1;
	p[18] = 62;
	p[20] = 1;
	for (i = 0; i < 4; i++)
		p[40 + i] = (uint8_t)(at_sh >> 8 * i);
	p[58] = 64;
	p[60] = 3;
	memset(p + at_str, 'n', LEN - 1);
	for (i = 1; i < SYMBOLS; i++) {
		s = p + at_sym + i * 24;
		s[0] = (uint8_t)i;
		s[1] = (uint8_t)(i >> 8);
		s[4] = 0x10;
	}
	s = p + at_sh + 64;
	s[4] = ELF_SECTION_SYMTAB;
	s[40] = 2;
	s[56] = 24;
	for (i = 0; i < 4; i++) {
		s[24 + i] = (uint8_t)(at_sym >> 8 * i);
		s[32 + i] = (uint8_t)((size_t)SYMBOLS * 24 >> 8 * i);
	}
	s += 64;
	s[4] = ELF_SECTION_STRTAB;
	for (i = 0; i < 4; i++) {
		s[24 + i] = (uint8_t)(at_str >> 8 * i);
		s[32 + i] = (uint8_t)((size_t)LEN >> 8 * i);
	}
	refused(p, len, "too long", "very many very long names");
	memset(p + at_str, 0, LEN - 64);
	IS(try(p, len, &e), 0, "short ones are fine");
	free(p);
}

int
main(void)
{
	size_t i;

	put("a.c", source_a);
	put("b.c", source_b);
	put("c.c", source_c);
	put("d.c", source_d);
	for (i = 0; i < sizeof builds / sizeof *builds; i++)
		test_build(&builds[i]);
	test_slots();
	test_command_line();
	test_object();
	test_self();
	test_hotfix();
	test_refused_object();
	test_refused_program();
	test_refused_notes();
	test_notes();
	test_long_names();
	test_truncated("gcc -O2 -fPIC -c b.c -o t");
	test_truncated("gcc -O2 -fPIE -pie a.c -o t");
	test_bent("gcc -O2 -fPIC -c a.c -o t");
	test_bent("gcc -O2 -fPIE -pie b.c a.c -o t");
	test_bent("clang --target=aarch64-linux-gnu -O1 -nostdlib -static "
		  "-fuse-ld=lld c.c -o t");
	test_random("gcc -O2 -c a.c -o t");
	return tap_done();
}
