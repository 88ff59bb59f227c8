#include "native/elf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native/elf_impl.h"

enum {
	IDENT_CLASS = 4,
	IDENT_DATA = 5,
	IDENT_VERSION = 6,
	IDENT_OSABI = 7,

	CLASS_64 = 2,
	DATA_LITTLE = 1,
	VERSION_CURRENT = 1,
	OSABI_SYSV = 0,
	OSABI_GNU = 3, /* System V with indirect functions */

	NOTE_HEADER_LEN = 12,
	NOTE_BUILD_ID = 3,

	DYNAMIC_LEN = 16,
};

#define DT_NULL_TAG    UINT64_C(0)
#define DT_FLAGS_1_TAG UINT64_C(0x6ffffffb)
#define DF_1_PIE_BIT   UINT64_C(0x08000000)

uint16_t
elf_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
elf_u32(const uint8_t *p)
{
	return elf_u16(p) | (uint32_t)elf_u16(p + 2) << 16;
}

uint64_t
elf_u64(const uint8_t *p)
{
	return elf_u32(p) | (uint64_t)elf_u32(p + 4) << 32;
}

int
elf_broken(struct err *e, const char *fmt, ...)
{
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_set(e, ERR_NO, "broken ELF file: %s", text);
}

/* --- what kind of file it is --------------------------------------------- */

static int
begins(const struct elf *elf, const char *magic, size_t len)
{
	return elf->len >= len && memcmp(elf->bytes, magic, len) == 0;
}

static int
not_elf(const struct elf *elf, struct err *e)
{
	if (elf->len == 0)
		return err_set(e, ERR_NO, "the file is empty");
	if (begins(elf, "!<arch>\n", 8) || begins(elf, "!<thin>\n", 8))
		return err_set(e, ERR_NO,
		    "an archive (.a), not an ELF file: take one object out of "
		    "it with ar x");
	if (begins(elf, "BC\xc0\xde", 4) || begins(elf, "\xde\xc0\x17\x0b", 4))
		return err_set(e, ERR_NO,
		    "LLVM bitcode, not an ELF file: compile with -fno-lto");
	return err_set(e, ERR_NO, "not an ELF file");
}

static int
read_ident(const struct elf *elf, struct err *e)
{
	const uint8_t *p = elf->bytes;

	if (!begins(elf,
		"\x7f"
		"ELF",
		4))
		return not_elf(elf, e);
	if (elf->len < ELF_HEADER_LEN)
		return elf_broken(e, "it ends inside its header");
	if (p[IDENT_CLASS] != CLASS_64)
		return err_set(e, ERR_NO, "not an ELF file of 64 bits");
	if (p[IDENT_DATA] != DATA_LITTLE)
		return err_set(e, ERR_NO, "not a little-endian ELF file");
	if (p[IDENT_VERSION] != VERSION_CURRENT ||
	    elf_u32(p + 20) != VERSION_CURRENT)
		return elf_broken(e, "a version other than 1");
	if (p[IDENT_OSABI] != OSABI_SYSV && p[IDENT_OSABI] != OSABI_GNU)
		return err_set(e, ERR_NO,
		    "an ELF file for another system (OS/ABI %u)",
		    p[IDENT_OSABI]);
	return 0;
}

static int
read_kind(struct elf *elf, struct err *e)
{
	unsigned kind = elf_u16(elf->bytes + 16);
	unsigned machine = elf_u16(elf->bytes + 18);

	switch (kind) {
	case ELF_KIND_OBJECT:
	case ELF_KIND_EXEC:
	case ELF_KIND_DYNAMIC:
		elf->kind = (enum elf_kind)kind;
		break;
	default:
		return err_set(e, ERR_NO,
		    "neither an object nor a linked file (ELF type %u)", kind);
	}
	switch (machine) {
	case ELF_MACHINE_X86_64:
	case ELF_MACHINE_AARCH64:
		elf->machine = (enum elf_machine)machine;
		break;
	default:
		return err_set(e, ERR_NO,
		    "for another processor than x86_64 or aarch64 "
		    "(ELF machine %u)",
		    machine);
	}
	return 0;
}

/* 1 when len bytes at offset are in the file. */
static int
in_file(const struct elf *elf, uint64_t offset, uint64_t len)
{
	return offset <= elf->len && len <= elf->len - offset;
}

/* --- sections ------------------------------------------------------------ */

static int
read_section(const struct elf *elf, struct elf_section *s, const uint8_t *p,
    struct err *e)
{
	uint64_t offset = elf_u64(p + 24);

	s->type = elf_u32(p + 4);
	s->flags = elf_u64(p + 8);
	s->addr = elf_u64(p + 16);
	s->size = elf_u64(p + 32);
	s->link = elf_u32(p + 40);
	s->info = elf_u32(p + 44);
	s->align = elf_u64(p + 48);
	s->entsize = elf_u64(p + 56);
	s->name = "";
	if (s->type == ELF_SECTION_NULL) {
		s->size = s->link = s->info = 0;
		s->align = 1;
		return 0;
	}
	if (s->align == 0)
		s->align = 1;
	if ((s->align & (s->align - 1)) != 0)
		return elf_broken(e,
		    "the alignment of section %zu is no power of two",
		    s->index);
	if (s->link >= elf->nsections)
		return elf_broken(e,
		    "section %zu links to one that is not there", s->index);
	if (s->size > UINT64_MAX - s->addr)
		return elf_broken(e, "section %zu passes the last address",
		    s->index);
	if (s->type == ELF_SECTION_NOBITS)
		return 0;
	if (!in_file(elf, offset, s->size))
		return elf_broken(e,
		    "section %zu lies past the end of the file", s->index);
	if (s->size != 0)
		s->bytes = elf->bytes + offset;
	return 0;
}

/* 1 when it is a table of strings, all of which end. */
static int
is_strings(const struct elf_section *s)
{
	return s->type == ELF_SECTION_STRTAB && s->bytes != NULL &&
	       s->bytes[s->size - 1] == '\0';
}

static int
name_sections(struct elf *elf, const uint8_t *table, size_t names,
    struct err *e)
{
	const struct elf_section *strings;
	struct elf_section *s;
	uint32_t at;

	if (names == 0)
		return 0;
	strings = elf_section(elf, names);
	if (strings == NULL || !is_strings(strings))
		return elf_broken(e, "there is no table of section names");
	for (s = elf->sections; s < elf->sections + elf->nsections; s++) {
		at = elf_u32(table + s->index * ELF_SECTION_LEN);
		if (s->type == ELF_SECTION_NULL)
			continue;
		if (at >= strings->size)
			return elf_broken(e,
			    "the name of section %zu is not in the table",
			    s->index);
		s->name = (const char *)strings->bytes + at;
	}
	return 0;
}

static int
read_sections(struct elf *elf, struct err *e)
{
	const uint8_t *p = elf->bytes;
	uint64_t offset = elf_u64(p + 40), left = elf->len;
	size_t i, n = elf_u16(p + 60);

	if (offset == 0 && n == 0)
		return 0;
	if (n == 0 || n >= ELF_SECTIONS_MAX)
		return elf_broken(e, "more than %d sections",
		    ELF_SECTIONS_MAX - 1);
	if (elf_u16(p + 58) != ELF_SECTION_LEN)
		return elf_broken(e, "its section headers have another size");
	if (!in_file(elf, offset, (uint64_t)n * ELF_SECTION_LEN))
		return elf_broken(e,
		    "its section headers lie past the end of the file (is it "
		    "complete?)");
	elf->sections = calloc(n, sizeof *elf->sections);
	if (elf->sections == NULL)
		return err_errno(e, ERR_LOCAL, "sections");
	elf->nsections = n;
	for (i = 0; i < n; i++) {
		elf->sections[i].index = i;
		if (read_section(elf, &elf->sections[i],
			p + offset + i * ELF_SECTION_LEN, e) != 0)
			return -1;
		/* Else many could have us read the same bytes again. */
		if (elf->sections[i].bytes == NULL)
			continue;
		if (elf->sections[i].size > left)
			return elf_broken(e, "its sections overlap");
		left -= elf->sections[i].size;
	}
	if (elf->sections[0].type != ELF_SECTION_NULL)
		return elf_broken(e, "section 0 is not the empty one");
	return name_sections(elf, p + offset, elf_u16(p + 62), e);
}

size_t
elf_section_count(const struct elf *elf)
{
	return elf->nsections;
}

const struct elf_section *
elf_section(const struct elf *elf, size_t index)
{
	return index < elf->nsections ? &elf->sections[index] : NULL;
}

const struct elf_section *
elf_section_named(const struct elf *elf, const char *name,
    const struct elf_section *after)
{
	size_t i;

	for (i = after != NULL ? after->index + 1 : 1; i < elf->nsections; i++)
		if (strcmp(elf->sections[i].name, name) == 0)
			return &elf->sections[i];
	return NULL;
}

const struct elf_section *
elf_section_at(const struct elf *elf, uint64_t addr)
{
	const struct elf_section *s;

	if (elf->kind == ELF_KIND_OBJECT)
		return NULL;
	for (s = elf->sections; s < elf->sections + elf->nsections; s++) {
		if ((s->flags & ELF_FLAG_ALLOC) == 0)
			continue;
		/* .tbss has an address, but each thread its own. */
		if (s->type == ELF_SECTION_NOBITS &&
		    (s->flags & ELF_FLAG_TLS) != 0)
			continue;
		if (addr >= s->addr && addr - s->addr < s->size)
			return s;
	}
	return NULL;
}

/* --- segments ------------------------------------------------------------ */

static int
read_segment(const struct elf *elf, struct elf_segment *g, size_t i,
    const uint8_t *p, struct err *e)
{
	g->type = elf_u32(p);
	g->flags = elf_u32(p + 4);
	g->offset = elf_u64(p + 8);
	g->addr = elf_u64(p + 16);
	g->file_len = elf_u64(p + 32);
	g->mem_len = elf_u64(p + 40);
	g->align = elf_u64(p + 48);
	if (g->file_len != 0 && !in_file(elf, g->offset, g->file_len))
		return elf_broken(e,
		    "segment %zu lies past the end of the file", i);
	if (g->type != ELF_SEGMENT_LOAD)
		return 0;
	if (g->file_len > g->mem_len)
		return elf_broken(e,
		    "segment %zu is longer in the file than in memory", i);
	if (g->mem_len > UINT64_MAX - g->addr)
		return elf_broken(e, "segment %zu passes the last address", i);
	return 0;
}

static int
read_segments(struct elf *elf, struct err *e)
{
	const uint8_t *p = elf->bytes;
	uint64_t offset = elf_u64(p + 32), end = 0;
	size_t i, n = elf_u16(p + 56);

	if (elf->kind == ELF_KIND_OBJECT || n == 0)
		return 0;
	if (n > ELF_SEGMENTS_MAX)
		return elf_broken(e, "more than %d segments", ELF_SEGMENTS_MAX);
	if (elf_u16(p + 54) != ELF_SEGMENT_LEN)
		return elf_broken(e, "its program headers have another size");
	if (!in_file(elf, offset, (uint64_t)n * ELF_SEGMENT_LEN))
		return elf_broken(e,
		    "its program headers lie past the end of the file");
	elf->segments = calloc(n, sizeof *elf->segments);
	if (elf->segments == NULL)
		return err_errno(e, ERR_LOCAL, "segments");
	elf->nsegments = n;
	for (i = 0; i < n; i++) {
		struct elf_segment *g = &elf->segments[i];

		if (read_segment(elf, g, i, p + offset + i * ELF_SEGMENT_LEN,
			e) != 0)
			return -1;
		if (g->type != ELF_SEGMENT_LOAD)
			continue;
		/* In order, so that an address has one place in the file. */
		if (g->addr < end)
			return elf_broken(e,
			    "segment %zu overlaps the one before it", i);
		end = g->addr + g->mem_len;
	}
	return 0;
}

size_t
elf_segment_count(const struct elf *elf)
{
	return elf->nsegments;
}

const struct elf_segment *
elf_segment(const struct elf *elf, size_t index)
{
	return index < elf->nsegments ? &elf->segments[index] : NULL;
}

/* The first segment of a type, or NULL. */
static const struct elf_segment *
segment_of(const struct elf *elf, uint32_t type)
{
	size_t i;

	for (i = 0; i < elf->nsegments; i++)
		if (elf->segments[i].type == type)
			return &elf->segments[i];
	return NULL;
}

int
elf_base(const struct elf *elf, uint64_t *base)
{
	const struct elf_segment *g = segment_of(elf, ELF_SEGMENT_LOAD);

	if (g == NULL || g->offset != 0 || g->file_len < ELF_HEADER_LEN)
		return -1;
	*base = g->addr;
	return 0;
}

const uint8_t *
elf_bytes(const struct elf *elf, uint64_t addr, size_t len)
{
	const struct elf_segment *g;

	for (g = elf->segments; g < elf->segments + elf->nsegments; g++)
		if (g->type == ELF_SEGMENT_LOAD && addr >= g->addr &&
		    addr - g->addr < g->file_len)
			return len <= g->file_len - (addr - g->addr)
				   ? elf->bytes + g->offset + (addr - g->addr)
				   : NULL;
	return NULL;
}

/* --- notes and the like -------------------------------------------------- */

static uint64_t
padded(uint64_t len, uint64_t align)
{
	return (len + align - 1) & ~(align - 1);
}

static int
read_note(struct elf *elf, const uint8_t *p, size_t name_len, size_t desc_at,
    size_t desc_len, struct err *e)
{
	if (elf_u32(p + 8) != NOTE_BUILD_ID || name_len != 4 ||
	    memcmp(p + NOTE_HEADER_LEN, "GNU", 4) != 0)
		return 0;
	if (desc_len == 0 || desc_len > ELF_BUILD_ID_MAX)
		return elf_broken(e, "a build-id of %zu bytes", desc_len);
	if (elf->build_id != NULL)
		return elf_broken(e, "it has two build-ids");
	elf->build_id = p + desc_at;
	elf->build_id_len = desc_len;
	return 0;
}

static int
read_notes(struct elf *elf, const struct elf_segment *g, struct err *e)
{
	const uint8_t *p = elf->bytes + g->offset;
	uint64_t left = g->file_len, name_len, desc_len, desc_at, all;
	uint64_t align = g->align == 8 ? 8 : 4;

	while (left >= NOTE_HEADER_LEN) {
		name_len = elf_u32(p);
		desc_len = elf_u32(p + 4);
		desc_at = padded(NOTE_HEADER_LEN + name_len, align);
		if (desc_at + desc_len > left)
			return elf_broken(e, "a note passes its segment");
		if (read_note(elf, p, (size_t)name_len, (size_t)desc_at,
			(size_t)desc_len, e) != 0)
			return -1;
		/* The last one need not be padded. */
		all = padded(desc_at + desc_len, align);
		if (all > left)
			all = left;
		p += all;
		left -= all;
	}
	return 0;
}

static int
read_interp(struct elf *elf, struct err *e)
{
	const struct elf_segment *g = segment_of(elf, ELF_SEGMENT_INTERP);

	if (g == NULL)
		return 0;
	if (g->file_len == 0 || elf->bytes[g->offset + g->file_len - 1] != '\0')
		return elf_broken(e, "its interpreter's name does not end");
	elf->interp = (const char *)elf->bytes + g->offset;
	return 0;
}

static int
read_notes_all(struct elf *elf, struct err *e)
{
	const struct elf_segment *g;
	uint64_t left = elf->len;

	for (g = elf->segments; g < elf->segments + elf->nsegments; g++) {
		if (g->type != ELF_SEGMENT_NOTE)
			continue;
		if (g->file_len > left)
			return elf_broken(e, "its notes overlap");
		left -= g->file_len;
		if (read_notes(elf, g, e) != 0)
			return -1;
	}
	return 0;
}

const uint8_t *
elf_build_id(const struct elf *elf, size_t *len)
{
	*len = elf->build_id_len;
	return elf->build_id;
}

const char *
elf_interp(const struct elf *elf)
{
	return elf->interp;
}

/* What the linker was told by -pie; static-PIEs have no interpreter. */
static int
says_pie(const struct elf *elf)
{
	const struct elf_segment *g = segment_of(elf, ELF_SEGMENT_DYNAMIC);
	const uint8_t *p;
	uint64_t left;

	if (g == NULL)
		return 0;
	p = elf->bytes + g->offset;
	for (left = g->file_len; left >= DYNAMIC_LEN; left -= DYNAMIC_LEN) {
		if (elf_u64(p) == DT_NULL_TAG)
			return 0;
		if (elf_u64(p) == DT_FLAGS_1_TAG)
			return (elf_u64(p + 8) & DF_1_PIE_BIT) != 0;
		p += DYNAMIC_LEN;
	}
	return 0;
}

int
elf_is_program(const struct elf *elf)
{
	switch (elf->kind) {
	case ELF_KIND_OBJECT:
		return 0;
	case ELF_KIND_EXEC:
		return 1;
	case ELF_KIND_DYNAMIC:
		break;
	}
	return elf->interp != NULL || says_pie(elf);
}

const char *
elf_command_line(const struct elf *elf, const char *after)
{
	const struct elf_section *s =
	    elf_section_named(elf, ".GCC.command.line", NULL);
	const char *p, *end;

	if (s == NULL || s->bytes == NULL ||
	    (s->flags & ELF_FLAG_COMPRESSED) != 0)
		return NULL;
	p = (const char *)s->bytes;
	end = p + s->size;
	if (after != NULL)
		p = after + strlen(after);
	while (p < end && *p == '\0')
		p++;
	/* The last one may not end. */
	if (p == end || memchr(p, '\0', (size_t)(end - p)) == NULL)
		return NULL;
	return p;
}

/* --- all of it ----------------------------------------------------------- */

enum elf_kind
elf_kind(const struct elf *elf)
{
	return elf->kind;
}

enum elf_machine
elf_machine(const struct elf *elf)
{
	return elf->machine;
}

const char *
elf_machine_name(enum elf_machine machine)
{
	return machine == ELF_MACHINE_X86_64 ? "x86_64" : "aarch64";
}

int
elf_open(struct elf **out, const void *bytes, size_t len, struct err *e)
{
	struct elf *elf = calloc(1, sizeof *elf);

	if (elf == NULL)
		return err_errno(e, ERR_LOCAL, "elf");
	elf->bytes = bytes;
	elf->len = len;
	if (len > ELF_LEN_MAX) {
		err_set(e, ERR_NO, "the file is longer than %zu bytes",
		    ELF_LEN_MAX);
		goto fail;
	}
	if (read_ident(elf, e) != 0 || read_kind(elf, e) != 0 ||
	    read_sections(elf, e) != 0 || read_segments(elf, e) != 0 ||
	    read_interp(elf, e) != 0 || read_notes_all(elf, e) != 0 ||
	    elf_read_symbols(elf, e) != 0 || elf_read_relocs(elf, e) != 0 ||
	    elf_read_slots(elf, e) != 0)
		goto fail;
	*out = elf;
	return 0;
fail:
	elf_close(elf);
	return -1;
}

void
elf_close(struct elf *elf)
{
	if (elf == NULL)
		return;
	elf_free_relocs(elf);
	elf_free_symbols(elf);
	free(elf->segments);
	free(elf->sections);
	free(elf);
}
