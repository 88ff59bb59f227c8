/* Sections of debug information, and their bytes. */

#include "native/dwarf_impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * Bounds against files that would keep us busy: attributes without bytes in
 * an entry, tables of abbreviations that all units share in turns, names that
 * lie in one another. What compilers make is far below.
 */
#define STEPS_PER_BYTE   8
#define ABBREVS_PER_BYTE 16
#define NAMES_PER_BYTE   4

/* --- bytes --------------------------------------------------------------- */

struct dwarf_cursor
dwarf_cursor_at(const struct dwarf_span *s, size_t from, size_t to)
{
	struct dwarf_cursor c = {s->linked + from, s->linked + to, 0};

	return c;
}

void
dwarf_skip(struct dwarf_cursor *c, uint64_t len)
{
	if (c->bad || len > (uint64_t)(c->end - c->p)) {
		c->bad = 1;
		c->p = c->end;
		return;
	}
	c->p += len;
}

uint64_t
dwarf_number(struct dwarf_cursor *c, size_t width)
{
	const uint8_t *p = c->p;
	uint64_t n = 0;

	dwarf_skip(c, width);
	if (c->bad)
		return 0;
	while (width-- > 0)
		n = n << 8 | p[width];
	return n;
}

uint64_t
dwarf_leb(struct dwarf_cursor *c)
{
	uint64_t n = 0;
	unsigned shift;
	uint8_t byte;

	for (shift = 0; shift < 70; shift += 7) {
		byte = (uint8_t)dwarf_number(c, 1);
		if (c->bad)
			return 0;
		if (shift < 64)
			n |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return n;
	}
	c->bad = 1;
	return 0;
}

/* --- what can go wrong ---------------------------------------------------- */

int
dwarf_give_up(struct dwarf_reader *r, const char *why)
{
	if (r->gap == NULL)
		r->gap = why;
	return -1;
}

int
dwarf_grow(struct dwarf_reader *r, void **items, size_t len, size_t *cap,
    size_t size)
{
	size_t more = *cap != 0 ? *cap * 2 : 16;
	void *p;

	if (len < *cap)
		return 0;
	p = more <= SIZE_MAX / 2 / size ? realloc(*items, more * size) : NULL;
	if (p == NULL) {
		r->oom = 1;
		return -1;
	}
	*items = p;
	*cap = more;
	return 0;
}

/* --- sections ------------------------------------------------------------ */

enum {
	X86_64_ABS64 = 1,
	X86_64_ABS32 = 10,
	AARCH64_ABS64 = 257,
	AARCH64_ABS32 = 258,
};

static size_t
reloc_width(const struct elf *elf, uint32_t type)
{
	if (elf_machine(elf) == ELF_MACHINE_X86_64)
		return type == X86_64_ABS64 ? 8 : type == X86_64_ABS32 ? 4 : 0;
	return type == AARCH64_ABS64 ? 8 : type == AARCH64_ABS32 ? 4 : 0;
}

/* An object's offsets into other sections stand in its relocations. */
static void
relocate(struct dwarf_span *s, const struct elf *elf, size_t section)
{
	size_t i, j, width;
	uint64_t value;

	for (i = 0; i < elf_reloc_count(elf, section); i++) {
		struct elf_reloc l = elf_reloc(elf, section, i);

		width = reloc_width(elf, l.type);
		if (width > s->len - l.offset)
			continue;
		value = elf_symbol(elf, l.symbol)->value + (uint64_t)l.addend;
		for (j = 0; j < width; j++)
			s->own[l.offset + j] = (uint8_t)(value >> 8 * j);
	}
}

/* Leaves it empty where there is none. */
static void
find_span(struct dwarf_reader *r, const struct elf *elf, const char *name,
    struct dwarf_span *s)
{
	const struct elf_section *e = elf_section_named(elf, name, NULL);

	if (e == NULL || e->bytes == NULL)
		return;
	if ((e->flags & ELF_FLAG_COMPRESSED) != 0) {
		dwarf_give_up(r,
		    "its debug information is compressed: link with "
		    "-gz=none");
		return;
	}
	s->bytes = s->linked = e->bytes;
	s->len = (size_t)e->size;
	if (elf_reloc_count(elf, e->index) == 0)
		return;
	s->own = malloc(s->len);
	if (s->own == NULL) {
		r->oom = 1;
		return;
	}
	memcpy(s->own, s->bytes, s->len);
	s->linked = s->own;
	relocate(s, elf, e->index);
}

void
dwarf_find_sections(struct dwarf_reader *r, const struct elf *elf)
{
	find_span(r, elf, ".debug_info", &r->info);
	find_span(r, elf, ".debug_abbrev", &r->abbrev);
	find_span(r, elf, ".debug_str", &r->str);
	find_span(r, elf, ".debug_line_str", &r->line_str);
	find_span(r, elf, ".debug_str_offsets", &r->str_offsets);
	if (r->info.len == 0)
		dwarf_give_up(r, "it has no debug information (-g)");
	r->steps_left = (uint64_t)r->info.len * STEPS_PER_BYTE;
	r->abbrevs_left = (uint64_t)r->abbrev.len * ABBREVS_PER_BYTE;
	r->names_left = ((uint64_t)r->info.len + r->str.len + r->line_str.len) *
			NAMES_PER_BYTE;
}

void
dwarf_free_reader(struct dwarf_reader *r)
{
	free(r->abbrevs);
	free(r->units);
	free(r->info.own);
	free(r->abbrev.own);
	free(r->str.own);
	free(r->line_str.own);
	free(r->str_offsets.own);
}
