/* The patch's two areas: what of the object lies where, and the relocations
 * that follow from it. */

#include "native/link_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STUB_ALIGN 8 /* a slot's, and good for jumps */
#define CELL       8 /* bytes of an address */

/* What fills gaps in code: an instruction that stops whoever gets there. */
static uint8_t
filling(const struct linker *l)
{
	return l->arch == NATIVE_X86_64 ? 0xcc : 0;
}

static uint64_t
aligned(uint64_t at, uint64_t align)
{
	return (at + align - 1) & ~(align - 1);
}

static void
fill(struct buf *b, uint64_t align, uint8_t with)
{
	const uint64_t to = aligned(b->len, align);

	while (!b->oom && b->len < to)
		buf_append(b, &with, 1);
}

enum part { PART_CODE, PART_RODATA, PART_DATA, PART_BSS };

static enum part
part_of(const struct elf_section *s)
{
	if ((s->flags & ELF_FLAG_EXEC) != 0)
		return PART_CODE;
	if ((s->flags & ELF_FLAG_WRITE) == 0)
		return PART_RODATA;
	return s->type == ELF_SECTION_NOBITS ? PART_BSS : PART_DATA;
}

/* Append those of one part. */
static void
place(struct linker *l, enum part part, struct buf *b)
{
	size_t i;

	for (i = 0; i < elf_section_count(l->object); i++) {
		const struct elf_section *s = elf_section(l->object, i);
		struct link_place *p = &l->places[i];

		if (!p->needed || part_of(s) != part)
			continue;
		fill(b, s->align, part == PART_CODE ? filling(l) : 0);
		p->area = part == PART_CODE || part == PART_RODATA ? 'c' : 'd';
		p->off = b->len;
		/* A section of zeros that is not to be written has no bytes. */
		if (s->bytes != NULL)
			buf_append(b, s->bytes, (size_t)s->size);
		else if (s->size > 0)
			link_reason(l, "%.*s: a section without its bytes",
			    LINK_SHOWN, s->name);
	}
}

static uint64_t
largest_align(const struct linker *l, enum part part)
{
	uint64_t align = 1;
	size_t i;

	for (i = 0; i < elf_section_count(l->object); i++) {
		const struct elf_section *s = elf_section(l->object, i);

		if (l->places[i].needed && part_of(s) == part &&
		    s->align > align)
			align = s->align;
	}
	return align;
}

/* At at, or behind it; returns the end, NATIVE_AREA + 1 when it is too far. */
static uint64_t
reserve(uint64_t *off, uint64_t at, uint64_t size, uint64_t align)
{
	if (at > NATIVE_AREA || size > NATIVE_AREA || align > NATIVE_PAGE)
		return NATIVE_AREA + 1;
	*off = aligned(at, align);
	return *off + size > NATIVE_AREA ? NATIVE_AREA + 1 : *off + size;
}

/* What begins as zeros: sections, then tentative variables. */
static uint64_t
place_bss(struct linker *l, uint64_t at)
{
	size_t i;

	for (i = 0; i < elf_section_count(l->object); i++) {
		const struct elf_section *s = elf_section(l->object, i);
		struct link_place *p = &l->places[i];

		if (!p->needed || part_of(s) != PART_BSS)
			continue;
		p->area = 'd';
		at = reserve(&p->off, at, s->size, s->align);
	}
	for (i = 0; i < elf_symbol_count(l->object); i++) {
		const struct elf_symbol *s = elf_symbol(l->object, i);
		const uint64_t align = s->value;

		if (s->section != ELF_COMMON || l->symbols[i].found != LINK_OWN)
			continue;
		if (align == 0 || (align & (align - 1)) != 0 ||
		    align > NATIVE_PAGE) {
			link_reason(l,
			    "%.*s: it is aligned to %" PRIu64
			    " bytes, a patch can do powers of two up to %d",
			    LINK_SHOWN, s->name, align, NATIVE_PAGE);
			continue;
		}
		at = reserve(&l->symbols[i].common, at, s->size, align);
	}
	return at;
}

static void
check_room(struct linker *l, const char *what, uint64_t need, uint64_t have)
{
	if (need > NATIVE_AREA)
		link_reason(l,
		    "the patch has more than %zu bytes of %s, which no"
		    " reserve has",
		    NATIVE_AREA, what);
	else if (need > have)
		link_reason(l,
		    "the patch has %" PRIu64 " bytes of %s, the executable"
		    " reserves %" PRIu64 ": make the fix smaller, or the"
		    " reserve of the next build larger",
		    need, what, have);
}

int
link_lay_out(struct linker *l)
{
	const struct link_stub *stub =
	    l->arch == NATIVE_X86_64 ? link_stub_x86_64() : link_stub_aarch64();
	struct native_patch *p = l->p;
	static const uint8_t zeros[CELL];
	uint64_t end;
	size_t i;

	place(l, PART_CODE, &l->code);
	fill(&l->code, STUB_ALIGN, filling(l));
	l->stubs_at = l->code.len;
	for (i = 0; i < l->nstubs; i++)
		buf_append(&l->code, stub->bytes, stub->len);
	fill(&l->code, largest_align(l, PART_RODATA), filling(l));
	p->code = l->code.len;
	place(l, PART_RODATA, &l->code);
	p->rodata = l->code.len - p->code;
	place(l, PART_DATA, &l->data);
	if (l->ncells > 0)
		fill(&l->data, CELL, 0);
	l->cells_at = l->data.len;
	for (i = 0; i < l->ncells; i++)
		buf_append(&l->data, zeros, sizeof zeros);
	p->data = l->data.len;
	if (l->code.oom || l->data.oom)
		return link_no_memory(l);
	end = place_bss(l, p->data);
	p->bss = (size_t)(end - p->data);
	check_room(l, "code and constants", l->code.len,
	    link_reserve(l, LINK_RESERVE_CODE));
	check_room(l, "data", end, link_reserve(l, LINK_RESERVE_DATA));
	return 0;
}

/* --- relocations -----------------------------------------------------------
 */

static int
add(struct linker *l, const struct native_reloc *r, const char *symbol)
{
	struct native_patch *p = l->p;
	size_t i;

	if (p->nrelocs == l->room) {
		const size_t room = l->room > 0 ? 2 * l->room : 64;
		struct native_reloc *more =
		    realloc(p->relocs, room * sizeof *more);

		if (more == NULL)
			return link_no_memory(l);
		p->relocs = more;
		l->room = room;
	}
	p->relocs[p->nrelocs++] = *r;
	/* For people alone, so that no name can be wrong. */
	for (i = 0; i < NATIVE_NAME && symbol[i] != '\0'; i++) {
		const char c =
		    symbol[i] > ' ' && symbol[i] <= '~' ? symbol[i] : '?';

		buf_append(&l->names, &c, 1);
	}
	if (buf_append(&l->names, "", 1) != 0)
		return link_no_memory(l);
	return 0;
}

/* Where the symbol itself, or its stub, is: base and value. */
static void
set_value(const struct linker *l, size_t index, struct native_reloc *r)
{
	const struct elf_symbol *s = elf_symbol(l->object, index);
	const struct link_symbol *sym = &l->symbols[index];
	const size_t stub_len = (l->arch == NATIVE_X86_64 ? link_stub_x86_64()
							  : link_stub_aarch64())
				    ->len;

	if (sym->found == LINK_SLOT) {
		r->base = 'c';
		r->value = (int64_t)(l->stubs_at + sym->stub * stub_len);
	} else if (sym->found == LINK_TARGET) {
		r->base = 'm';
		r->value = (int64_t)sym->value;
	} else if (s->section == ELF_COMMON) {
		r->base = 'd';
		r->value = (int64_t)sym->common;
	} else {
		r->base = l->places[s->section].area;
		r->value = (int64_t)(l->places[s->section].off + s->value);
	}
}

/* Where its address can be read. */
static void
set_cell(const struct linker *l, size_t index, struct native_reloc *r)
{
	const struct link_symbol *sym = &l->symbols[index];

	if (sym->found == LINK_SLOT) {
		r->base = 'm';
		r->value = (int64_t)sym->value;
	} else {
		r->base = 'd';
		r->value = (int64_t)(l->cells_at + sym->cell * CELL);
	}
}

static int
relocate(struct linker *l, size_t section, const struct elf_reloc *r)
{
	const struct link_how how = l->arch == NATIVE_X86_64
					? link_how_x86_64(r->type)
					: link_how_aarch64(r->type);
	const struct elf_section *in = elf_section(l->object, section);
	const struct link_place *place = &l->places[section];
	const char *name =
	    link_symbol_name(l, elf_symbol(l->object, r->symbol));
	struct native_reloc out = {.where = place->area,
	    .off = place->off + r->offset,
	    .kind = how.kind};

	if (how.way == LINK_SKIP)
		return 0;
	if (in->size - r->offset < native_kind_size(how.kind)) {
		link_reason(l,
		    "%.*s: the object is broken: a relocation goes over the"
		    " end of %.*s",
		    LINK_SHOWN, name, LINK_SHOWN, in->name);
		return 0;
	}
	if (how.way == LINK_CELL)
		set_cell(l, r->symbol, &out);
	else
		set_value(l, r->symbol, &out);
	/* Far too much to be meant; so the sum does not wrap. */
	if (r->addend <= -NATIVE_VALUE || r->addend >= NATIVE_VALUE) {
		link_reason(l, "%.*s: the object is broken: its addend",
		    LINK_SHOWN, name);
		return 0;
	}
	out.value += r->addend;
	return add(l, &out, name);
}

/* What is in the stubs and cells that were made for a symbol. */
static int
relocate_made(struct linker *l, size_t index)
{
	const struct link_stub *stub =
	    l->arch == NATIVE_X86_64 ? link_stub_x86_64() : link_stub_aarch64();
	const struct link_symbol *sym = &l->symbols[index];
	const char *name = link_symbol_name(l, elf_symbol(l->object, index));
	struct native_reloc r;
	size_t i;

	for (i = 0; sym->stub != LINK_NONE && i < stub->nrelocs; i++) {
		r = (struct native_reloc){'c',
		    l->stubs_at + sym->stub * stub->len + stub->relocs[i].off,
		    stub->relocs[i].kind, 'm',
		    (int64_t)sym->value + stub->relocs[i].addend, NULL};
		if (add(l, &r, name) != 0)
			return -1;
	}
	if (sym->cell != LINK_NONE) {
		r = (struct native_reloc){'d', l->cells_at + sym->cell * CELL,
		    NATIVE_ABS64, 0, 0, NULL};
		set_value(l, index, &r);
		return add(l, &r, name);
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct native_reloc *x = a, *y = b;

	if (x->where != y->where)
		return x->where < y->where ? -1 : 1;
	return (x->off > y->off) - (x->off < y->off);
}

int
link_relocate(struct linker *l)
{
	struct native_patch *p = l->p;
	size_t i, k;
	char *s;

	for (i = 0; i < elf_section_count(l->object); i++)
		for (k = 0;
		     l->places[i].needed && k < elf_reloc_count(l->object, i);
		     k++) {
			const struct elf_reloc r = elf_reloc(l->object, i, k);

			if (relocate(l, i, &r) != 0)
				return -1;
		}
	for (i = 0; i < elf_symbol_count(l->object); i++)
		if (relocate_made(l, i) != 0)
			return -1;
	/* The names do not move any more. */
	s = (char *)l->names.data;
	for (i = 0; i < p->nrelocs; i++) {
		p->relocs[i].symbol = s;
		s += strlen(s) + 1;
	}
	if (p->nrelocs > 0)
		qsort(p->relocs, p->nrelocs, sizeof *p->relocs, compare);
	return 0;
}
