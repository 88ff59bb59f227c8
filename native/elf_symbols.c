#include "native/elf.h"

#include <stdlib.h>
#include <string.h>

#include "native/elf_impl.h"

/*
 * Names may share their bytes (one is the end of another), so all of them
 * together may be longer than the file. Real ones hardly are; more than this
 * many times is an attempt to keep us busy.
 */
#define NAMES_PER_LEN 4

enum {
	SYMBOL_INDEX_EXTENDED = 0xffff,
	SYMBOL_INDEX_RESERVED = 0xff00,
};

/* --- one table of symbols ------------------------------------------------ */

/* The only section of a type, or NULL: none or, with *several, more. */
static const struct elf_section *
only_section(const struct elf *elf, uint32_t type, int *several)
{
	const struct elf_section *found = NULL;
	size_t i;

	*several = 0;
	for (i = 0; i < elf->nsections; i++) {
		if (elf->sections[i].type != type)
			continue;
		if (found != NULL) {
			*several = 1;
			return NULL;
		}
		found = &elf->sections[i];
	}
	return found;
}

int
elf_find_table(const struct elf *elf, uint32_t type, struct elf_table *t,
    struct err *e)
{
	const struct elf_section *s, *strings;
	int several;

	memset(t, 0, sizeof *t);
	s = only_section(elf, type, &several);
	if (several)
		return elf_broken(e, "it has two symbol tables of a kind");
	if (s == NULL || s->size == 0)
		return 0;
	if (s->entsize != ELF_SYMBOL_LEN || s->size % ELF_SYMBOL_LEN != 0)
		return elf_broken(e, "its symbols have another size");
	strings = &elf->sections[s->link];
	if (strings->type != ELF_SECTION_STRTAB || strings->bytes == NULL ||
	    strings->bytes[strings->size - 1] != '\0')
		return elf_broken(e, "its symbols have no table of names");
	t->bytes = s->bytes;
	t->count = (size_t)(s->size / ELF_SYMBOL_LEN);
	t->strings = strings;
	return 0;
}

const char *
elf_table_name(const struct elf_table *t, size_t i)
{
	uint32_t at = elf_u32(t->bytes + i * ELF_SYMBOL_LEN);

	return at < t->strings->size ? (const char *)t->strings->bytes + at
				     : NULL;
}

uint64_t
elf_names_max(const struct elf *elf)
{
	return (uint64_t)elf->len * NAMES_PER_LEN;
}

size_t
elf_name_len(const char *name)
{
	return strcspn(name, "@");
}

/* --- symbols ------------------------------------------------------------- */

/* Whether relocations to it and its bytes stay inside of its section. */
static int
check_place(const struct elf *elf, const struct elf_symbol *s, struct err *e)
{
	const struct elf_section *in;

	if (s->section == ELF_ABSOLUTE || s->section == ELF_COMMON)
		return 0;
	if (s->section == SYMBOL_INDEX_EXTENDED)
		return elf_broken(e, "symbol %zu has an extended section index",
		    s->index);
	if (s->section >= SYMBOL_INDEX_RESERVED || s->section >= elf->nsections)
		return elf_broken(e,
		    "symbol %zu is in a section that is not there", s->index);
	if (elf->kind != ELF_KIND_OBJECT || s->section == ELF_UNDEFINED)
		return 0;
	in = &elf->sections[s->section];
	if (s->value > in->size)
		return elf_broken(e, "symbol %zu is behind its section",
		    s->index);
	switch (s->type) {
	case ELF_TYPE_OBJECT:
	case ELF_TYPE_FUNC:
	case ELF_TYPE_TLS:
	case ELF_TYPE_IFUNC:
		if (s->size > in->size - s->value)
			return elf_broken(e, "symbol %zu passes its section",
			    s->index);
		break;
	default:
		break;
	}
	return 0;
}

static int
read_symbol(const struct elf *elf, struct elf_symbol *s,
    const struct elf_table *t, size_t i, struct err *e)
{
	const uint8_t *p = t->bytes + i * ELF_SYMBOL_LEN;

	s->index = i;
	s->name = elf_table_name(t, i);
	if (s->name == NULL)
		return elf_broken(e,
		    "the name of symbol %zu is not in the "
		    "table",
		    i);
	s->type = p[4] & 0xf;
	s->bind = p[4] >> 4;
	s->visibility = p[5] & 3;
	s->section = elf_u16(p + 6);
	s->value = elf_u64(p + 8);
	s->size = elf_u64(p + 16);
	return check_place(elf, s, e);
}

/* 1 when a lookup by name may find it. */
static int
has_name(const struct elf_symbol *s)
{
	return s->name[0] != '\0' && s->name[0] != '@' &&
	       s->type != ELF_TYPE_SECTION && s->type != ELF_TYPE_FILE;
}

/* 1 when it names code or data in its section. */
static int
has_place(const struct elf *elf, const struct elf_symbol *s)
{
	if (!has_name(s) || s->type == ELF_TYPE_TLS ||
	    s->section == ELF_UNDEFINED || s->section >= SYMBOL_INDEX_RESERVED)
		return 0;
	/* AAELF64 4.5.4: "$x" code, "$d" data, a suffix behind a dot. */
	return elf->machine != ELF_MACHINE_AARCH64 || s->name[0] != '$' ||
	       (s->name[1] != 'x' && s->name[1] != 'd') ||
	       (s->name[2] != '\0' && s->name[2] != '.');
}

static int
compare_place(const struct elf_symbol *s, size_t section, uint64_t value,
    size_t index)
{
	if (s->section != section)
		return s->section < section ? -1 : 1;
	if (s->value != value)
		return s->value < value ? -1 : 1;
	return s->index < index ? -1 : s->index > index;
}

static int
compare_symbols(const void *a, const void *b)
{
	const struct elf_symbol *const *s = a, *const *t = b;

	return compare_place(*s, (*t)->section, (*t)->value, (*t)->index);
}

/* Whose local each symbol is: a file's locals stand behind its symbol. One that
 * is hidden was global before it was linked. */
static void
give_files(struct elf *elf)
{
	const char *file = NULL;
	size_t i;

	for (i = 1; i < elf->nsymbols; i++) {
		struct elf_symbol *s = &elf->symbols[i];

		/* An empty one begins what linkers made themselves. */
		if (s->type == ELF_TYPE_FILE)
			file = s->name[0] != '\0' ? s->name : NULL;
		else if (s->bind == ELF_BIND_LOCAL && s->visibility == 0)
			s->file = file;
	}
}

static int
index_names(struct elf *elf, struct err *e)
{
	uint64_t left = elf_names_max(elf);
	struct elf_symbol *s, *first;
	size_t i, len;

	/* From the last to the first, so that each is put before the others
	 * of its name. */
	for (i = elf->nsymbols; i-- > 1;) {
		s = &elf->symbols[i];
		len = strlen(s->name);
		if (len > left)
			return elf_broken(e,
			    "the names of its symbols are too long");
		left -= len;
		if (!has_name(s))
			continue;
		len = elf_name_len(s->name);
		first = map_get(&elf->by_name, s->name, len);
		elf->next[i] = first != NULL ? (uint32_t)first->index : 0;
		if (map_put(&elf->by_name, s->name, len, s) != 0)
			return err_errno(e, ERR_LOCAL, "symbols");
	}
	return 0;
}

static void
index_places(struct elf *elf)
{
	size_t i;

	for (i = 1; i < elf->nsymbols; i++)
		if (has_place(elf, &elf->symbols[i]))
			elf->by_place[elf->nplaces++] = &elf->symbols[i];
	qsort(elf->by_place, elf->nplaces, sizeof(struct elf_symbol *),
	    compare_symbols);
}

int
elf_read_symbols(struct elf *elf, struct err *e)
{
	struct elf_table t;
	size_t i;

	if (elf_find_table(elf, ELF_SECTION_SYMTAB, &t, e) != 0)
		return -1;
	if (map_init(&elf->by_name) != 0)
		return err_set(e, ERR_LOCAL, "no random bytes");
	if (t.count == 0)
		return 0;
	elf->symbols = calloc(t.count, sizeof *elf->symbols);
	elf->next = calloc(t.count, sizeof *elf->next);
	elf->by_place = calloc(t.count, sizeof(struct elf_symbol *));
	if (elf->symbols == NULL || elf->next == NULL || elf->by_place == NULL)
		return err_errno(e, ERR_LOCAL, "symbols");
	elf->nsymbols = t.count;
	elf->symbols[0].name = "";
	for (i = 1; i < t.count; i++)
		if (read_symbol(elf, &elf->symbols[i], &t, i, e) != 0)
			return -1;
	give_files(elf);
	index_places(elf);
	return index_names(elf, e);
}

void
elf_free_symbols(struct elf *elf)
{
	map_free(&elf->by_name);
	free(elf->by_place);
	free(elf->next);
	free(elf->symbols);
}

size_t
elf_symbol_count(const struct elf *elf)
{
	return elf->nsymbols;
}

const struct elf_symbol *
elf_symbol(const struct elf *elf, size_t index)
{
	return index < elf->nsymbols ? &elf->symbols[index] : NULL;
}

const struct elf_symbol *
elf_symbol_named(const struct elf *elf, const char *name,
    const struct elf_symbol *after)
{
	uint32_t next;

	if (after == NULL)
		return map_get(&elf->by_name, name, elf_name_len(name));
	next = elf->next[after->index];
	return next != 0 ? &elf->symbols[next] : NULL;
}

/* The first one in the order of places that is not before this. */
static size_t
place_from(const struct elf *elf, size_t section, uint64_t value, size_t index)
{
	size_t low = 0, high = elf->nplaces, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (compare_place(elf->by_place[mid], section, value, index) <
		    0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct elf_symbol *
elf_symbol_at(const struct elf *elf, size_t section, uint64_t value,
    const struct elf_symbol *after)
{
	size_t i = place_from(elf, section, value,
	    after != NULL ? after->index + 1 : 0);
	const struct elf_symbol *s;

	if (i == elf->nplaces)
		return NULL;
	s = elf->by_place[i];
	return s->section == section && s->value == value ? s : NULL;
}

const struct elf_symbol *
elf_symbol_above(const struct elf *elf, size_t section, uint64_t value)
{
	size_t i;

	if (value == UINT64_MAX)
		return NULL;
	i = place_from(elf, section, value + 1, 0);
	return i < elf->nplaces && elf->by_place[i]->section == section
		   ? elf->by_place[i]
		   : NULL;
}
