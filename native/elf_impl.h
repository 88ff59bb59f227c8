#ifndef NATIVE_ELF_IMPL_H
#define NATIVE_ELF_IMPL_H

#include "base/map.h"
#include "native/elf.h"

/* What the parts of native/elf.h share; nobody else includes it. */

#define ELF_HEADER_LEN  64
#define ELF_SEGMENT_LEN 56
#define ELF_SECTION_LEN 64
#define ELF_SYMBOL_LEN  24
#define ELF_RELA_LEN    24
#define ELF_SLOT_LEN    8

struct elf {
	const uint8_t *bytes; /* the caller's */
	size_t len;
	enum elf_kind kind;
	enum elf_machine machine;
	struct elf_section *sections;
	size_t nsections;
	struct elf_segment *segments;
	size_t nsegments;
	const uint8_t *build_id;
	size_t build_id_len;
	const char *interp;

	struct elf_symbol *symbols;
	size_t nsymbols;
	struct map by_name; /* the first symbol of a name */
	uint32_t *next;     /* by symbol: the next one of its name, 0: none */
	struct elf_symbol **by_place; /* section, value, index */
	size_t nplaces;
	uint32_t *rela; /* by section of an object: its relocations' section */

	struct elf_slot *slots;
	size_t nslots;
	struct map slot_by_name; /* the first one; values are slots */
	uint32_t *next_slot;     /* 0: none (none comes before the first) */
	struct map slot_by_resolver;
};

/* Numbers of the file, at any alignment. */
uint16_t elf_u16(const uint8_t *p);
uint32_t elf_u32(const uint8_t *p);
uint64_t elf_u64(const uint8_t *p);

/* The err of a file that breaks the rules. Returns -1. */
int elf_broken(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One of the two tables of symbols. */
struct elf_table {
	const uint8_t *bytes;
	size_t count;
	const struct elf_section *strings; /* every one ends */
};

/* The table of a section type. Leaves *t without symbols where the file has
 * none. 0 or -1 with err. */
int elf_find_table(const struct elf *elf, uint32_t type, struct elf_table *t,
    struct err *e);

/* The name of symbol i of those that are there; NULL: it is not in the
 * table. */
const char *elf_table_name(const struct elf_table *t, size_t i);

/* How long all names together may be that are put into one map. */
uint64_t elf_names_max(const struct elf *elf);

/* A name's length without "@VERSION". */
size_t elf_name_len(const char *name);

/* What is to be done when sections and segments are known, in this order.
 * 0 or -1 with err. */
int elf_read_symbols(struct elf *elf, struct err *e);
int elf_read_relocs(struct elf *elf, struct err *e);
int elf_read_slots(struct elf *elf, struct err *e);
void elf_free_symbols(struct elf *elf);
void elf_free_relocs(struct elf *elf);

#endif
