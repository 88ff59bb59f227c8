/* Relocations: of an object's sections, and those of a linked file that fill
 * its slots. */

#include "native/elf.h"

#include <stdlib.h>
#include <string.h>

#include "native/elf_impl.h"

/* What fills slots. */
struct slot_types {
	uint32_t jump, data, ifunc;
};

static const struct slot_types x86_64_types = {7, 6, 37};
static const struct slot_types aarch64_types = {1026, 1025, 1032};

/* Entry i of a section of relocations. */
static struct elf_reloc
entry(const struct elf_section *rela, size_t i)
{
	const uint8_t *p = rela->bytes + i * ELF_RELA_LEN;
	struct elf_reloc r;
	uint64_t addend = elf_u64(p + 16);

	r.offset = elf_u64(p);
	r.type = elf_u32(p + 8);
	r.symbol = elf_u32(p + 12);
	memcpy(&r.addend, &addend, sizeof r.addend);
	return r;
}

static size_t
entries(const struct elf_section *rela)
{
	return (size_t)(rela->size / ELF_RELA_LEN);
}

static int
check_entries(const struct elf_section *rela, struct err *e)
{
	if (rela->entsize != ELF_RELA_LEN || rela->size % ELF_RELA_LEN != 0)
		return elf_broken(e,
		    "the relocations of section %zu have another size",
		    rela->index);
	return 0;
}

/* --- an object's --------------------------------------------------------- */

static int
read_rela(struct elf *elf, const struct elf_section *rela, struct err *e)
{
	const struct elf_section *of;
	struct elf_reloc r;
	size_t i;

	if (check_entries(rela, e) != 0)
		return -1;
	if (rela->size == 0)
		return 0;
	of = elf_section(elf, rela->info);
	/* Their offsets are those of what is in there. */
	if (of != NULL && (of->flags & ELF_FLAG_COMPRESSED) != 0)
		return 0;
	if (of == NULL || of->bytes == NULL)
		return elf_broken(e,
		    "section %zu relocates one that has no bytes", rela->index);
	if (elf->sections[rela->link].type != ELF_SECTION_SYMTAB)
		return elf_broken(e,
		    "section %zu relocates without a symbol table",
		    rela->index);
	if (elf->rela[of->index] != 0)
		return elf_broken(e,
		    "two sections of relocations for section %zu", of->index);
	elf->rela[of->index] = (uint32_t)rela->index;
	for (i = 0; i < entries(rela); i++) {
		r = entry(rela, i);
		if (r.offset >= of->size)
			return elf_broken(e,
			    "a relocation is behind its section %zu",
			    of->index);
		if (r.symbol >= elf->nsymbols)
			return elf_broken(e,
			    "a relocation of section %zu has a symbol that is "
			    "not there",
			    of->index);
	}
	return 0;
}

int
elf_read_relocs(struct elf *elf, struct err *e)
{
	const struct elf_section *s, *of;
	size_t i;

	if (elf->kind != ELF_KIND_OBJECT || elf->nsections == 0)
		return 0;
	elf->rela = calloc(elf->nsections, sizeof *elf->rela);
	if (elf->rela == NULL)
		return err_errno(e, ERR_LOCAL, "relocations");
	for (i = 1; i < elf->nsections; i++) {
		s = &elf->sections[i];
		if (s->type == ELF_SECTION_RELA && read_rela(elf, s, e) != 0)
			return -1;
		/* Neither machine has addends in its code. */
		of = elf_section(elf, s->info);
		if (s->type == ELF_SECTION_REL && of != NULL &&
		    (of->flags & ELF_FLAG_ALLOC) != 0)
			return elf_broken(e,
			    "relocations without addends for section %zu",
			    of->index);
	}
	return 0;
}

size_t
elf_reloc_count(const struct elf *elf, size_t section)
{
	if (elf->rela == NULL || section >= elf->nsections ||
	    elf->rela[section] == 0)
		return 0;
	return entries(&elf->sections[elf->rela[section]]);
}

struct elf_reloc
elf_reloc(const struct elf *elf, size_t section, size_t i)
{
	return entry(&elf->sections[elf->rela[section]], i);
}

/* --- a linked file's ----------------------------------------------------- */

/* 1 when its program has the whole slot in memory. */
static int
is_loaded(const struct elf *elf, uint64_t addr)
{
	const struct elf_segment *g;

	for (g = elf->segments; g < elf->segments + elf->nsegments; g++)
		if (g->type == ELF_SEGMENT_LOAD && addr >= g->addr &&
		    addr - g->addr < g->mem_len)
			return g->mem_len - (addr - g->addr) >= ELF_SLOT_LEN;
	return 0;
}

static int
is_slot(const struct elf *elf, uint32_t type, enum elf_slot_kind *kind)
{
	const struct slot_types *t =
	    elf->machine == ELF_MACHINE_X86_64 ? &x86_64_types : &aarch64_types;

	if (type == t->jump)
		*kind = ELF_SLOT_JUMP;
	else if (type == t->data)
		*kind = ELF_SLOT_DATA;
	else if (type == t->ifunc)
		*kind = ELF_SLOT_IFUNC;
	else
		return 0;
	return 1;
}

static int
read_slot(const struct elf *elf, struct elf_slot *s,
    const struct elf_section *rela, const struct elf_reloc *r,
    const struct elf_table *t, struct err *e)
{
	s->addr = r->offset;
	s->name = "";
	if (!is_loaded(elf, r->offset))
		return elf_broken(e, "a relocation outside of what is loaded");
	if (s->kind == ELF_SLOT_IFUNC) {
		memcpy(&s->resolver, &r->addend, sizeof s->resolver);
		return 0;
	}
	if (elf->sections[rela->link].type != ELF_SECTION_DYNSYM ||
	    r->symbol >= t->count)
		return elf_broken(e,
		    "a relocation has a symbol that is not there");
	s->name = elf_table_name(t, r->symbol);
	if (s->name == NULL)
		return elf_broken(e,
		    "the name of dynamic symbol %zu is not in the table",
		    r->symbol);
	s->weak =
	    t->bytes[r->symbol * ELF_SYMBOL_LEN + 4] >> 4 == ELF_BIND_WEAK;
	return 0;
}

static int
is_dynamic(const struct elf_section *s)
{
	return s->type == ELF_SECTION_RELA &&
	       (s->flags & ELF_FLAG_ALLOC) != 0 && s->size != 0;
}

static int
count_slots(const struct elf *elf, size_t *count, struct err *e)
{
	const struct elf_section *s;
	enum elf_slot_kind kind;
	size_t i;

	*count = 0;
	for (s = elf->sections; s < elf->sections + elf->nsections; s++) {
		if (!is_dynamic(s))
			continue;
		if (check_entries(s, e) != 0)
			return -1;
		for (i = 0; i < entries(s); i++)
			if (is_slot(elf, entry(s, i).type, &kind))
				(*count)++;
	}
	return 0;
}

static int
read_slots(struct elf *elf, const struct elf_section *rela,
    const struct elf_table *t, struct err *e)
{
	struct elf_reloc r;
	size_t i;

	for (i = 0; i < entries(rela); i++) {
		struct elf_slot *s = &elf->slots[elf->nslots];

		r = entry(rela, i);
		if (!is_slot(elf, r.type, &s->kind))
			continue;
		if (read_slot(elf, s, rela, &r, t, e) != 0)
			return -1;
		elf->nslots++;
	}
	return 0;
}

static int
index_slots(struct elf *elf, struct err *e)
{
	uint64_t left = elf_names_max(elf);
	struct elf_slot *s, *first;
	size_t i, len;
	int r;

	/* From the last to the first, as symbols. */
	for (i = elf->nslots; i-- > 0;) {
		s = &elf->slots[i];
		if (s->kind == ELF_SLOT_IFUNC) {
			r = map_put(&elf->slot_by_resolver, &s->resolver,
			    sizeof s->resolver, s);
		} else {
			len = strlen(s->name);
			if (len > left)
				return elf_broken(e,
				    "the names of its dynamic symbols are "
				    "too long");
			left -= len;
			len = elf_name_len(s->name);
			if (len == 0)
				continue;
			first = map_get(&elf->slot_by_name, s->name, len);
			if (first != NULL)
				elf->next_slot[i] =
				    (uint32_t)(first - elf->slots);
			r = map_put(&elf->slot_by_name, s->name, len, s);
		}
		if (r != 0)
			return err_errno(e, ERR_LOCAL, "relocations");
	}
	return 0;
}

int
elf_read_slots(struct elf *elf, struct err *e)
{
	struct elf_table t;
	size_t i, count;

	if (map_init(&elf->slot_by_name) != 0 ||
	    map_init(&elf->slot_by_resolver) != 0)
		return err_set(e, ERR_LOCAL, "no random bytes");
	if (elf->kind == ELF_KIND_OBJECT)
		return 0;
	if (elf_find_table(elf, ELF_SECTION_DYNSYM, &t, e) != 0 ||
	    count_slots(elf, &count, e) != 0)
		return -1;
	if (count == 0)
		return 0;
	/* One more: where the next one is read to. */
	elf->slots = calloc(count + 1, sizeof *elf->slots);
	elf->next_slot = calloc(count, sizeof *elf->next_slot);
	if (elf->slots == NULL || elf->next_slot == NULL)
		return err_errno(e, ERR_LOCAL, "relocations");
	for (i = 0; i < elf->nsections; i++)
		if (is_dynamic(&elf->sections[i]) &&
		    read_slots(elf, &elf->sections[i], &t, e) != 0)
			return -1;
	return index_slots(elf, e);
}

void
elf_free_relocs(struct elf *elf)
{
	map_free(&elf->slot_by_resolver);
	map_free(&elf->slot_by_name);
	free(elf->next_slot);
	free(elf->slots);
	free(elf->rela);
}

const struct elf_slot *
elf_slot_named(const struct elf *elf, const char *name,
    const struct elf_slot *after)
{
	uint32_t next;

	if (after != NULL) {
		next = elf->next_slot[after - elf->slots];
		return next != 0 ? &elf->slots[next] : NULL;
	}
	return map_get(&elf->slot_by_name, name, elf_name_len(name));
}

const struct elf_slot *
elf_slot_ifunc(const struct elf *elf, uint64_t resolver)
{
	return map_get(&elf->slot_by_resolver, &resolver, sizeof resolver);
}
