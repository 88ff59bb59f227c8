#ifndef NATIVE_ELF_H
#define NATIVE_ELF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Reads ELF files: 64 bits, little endian, x86-64 or aarch64; objects and
 * linked programs (System V gABI, chapters 4 and 5). Pure: bytes in, what they
 * say out. A hostile file is the normal case: everything that these functions
 * give out was checked against the length of the file when it was opened,
 * memory and time are bounded by that length.
 *
 * All that is given out belongs to the struct elf or lies in the bytes, and
 * lives as long as both. Whatever has more than one of a thing is walked with
 * `after`: NULL gives the first, the last one that was given the next; NULL
 * is returned behind the last.
 */

#define ELF_LEN_MAX      ((size_t)2 << 30) /* nobody's program; fits 32 bits */
#define ELF_SECTIONS_MAX 0xff00            /* above: numbers with a meaning */
#define ELF_SEGMENTS_MAX 1170 /* kernels read 64 KiB of their headers */
#define ELF_BUILD_ID_MAX 64   /* the longest digest that linkers know */

enum elf_kind {
	ELF_KIND_OBJECT = 1,  /* ET_REL */
	ELF_KIND_EXEC = 2,    /* ET_EXEC: linked for one address */
	ELF_KIND_DYNAMIC = 3, /* ET_DYN: a PIE, static-PIE or a library */
};

enum elf_machine {
	ELF_MACHINE_X86_64 = 62,
	ELF_MACHINE_AARCH64 = 183,
};

/* The types and flags of sections that anybody here asks for. */
enum {
	ELF_SECTION_NULL = 0,
	ELF_SECTION_PROGBITS = 1,
	ELF_SECTION_SYMTAB = 2,
	ELF_SECTION_STRTAB = 3,
	ELF_SECTION_RELA = 4,
	ELF_SECTION_DYNAMIC = 6,
	ELF_SECTION_NOTE = 7,
	ELF_SECTION_NOBITS = 8,
	ELF_SECTION_REL = 9,
	ELF_SECTION_DYNSYM = 11,
	ELF_SECTION_INIT_ARRAY = 14,
	ELF_SECTION_FINI_ARRAY = 15,
	ELF_SECTION_PREINIT_ARRAY = 16,
	ELF_SECTION_GROUP = 17,

	ELF_FLAG_WRITE = 0x1,
	ELF_FLAG_ALLOC = 0x2,
	ELF_FLAG_EXEC = 0x4,
	ELF_FLAG_MERGE = 0x10,
	ELF_FLAG_STRINGS = 0x20,
	ELF_FLAG_TLS = 0x400,
	ELF_FLAG_COMPRESSED = 0x800,
};

struct elf_section {
	const char *name;
	size_t index;
	uint32_t type; /* ELF_SECTION_..., or another */
	uint32_t link; /* a section, as the type says; below their number */
	uint32_t info; /* as the type says; not checked */
	uint64_t flags;
	uint64_t addr;  /* 0 in objects */
	uint64_t size;  /* in memory */
	uint64_t align; /* a power of two, at least 1 */
	uint64_t entsize;
	const uint8_t *bytes; /* size of them; NULL where there are none */
};

/* Where a symbol is that is in no section. */
enum {
	ELF_UNDEFINED = 0,
	ELF_ABSOLUTE = 0xfff1,
	ELF_COMMON = 0xfff2, /* value: its alignment */
};

enum {
	ELF_TYPE_NONE = 0,
	ELF_TYPE_OBJECT = 1,
	ELF_TYPE_FUNC = 2,
	ELF_TYPE_SECTION = 3,
	ELF_TYPE_FILE = 4,
	ELF_TYPE_COMMON = 5,
	ELF_TYPE_TLS = 6,
	ELF_TYPE_IFUNC = 10, /* its value is a resolver's */

	ELF_BIND_LOCAL = 0,
	ELF_BIND_GLOBAL = 1,
	ELF_BIND_WEAK = 2,
	ELF_BIND_UNIQUE = 10, /* global in the whole process */
};

struct elf_symbol {
	const char *name; /* "" of none; a version follows '@' */
	const char *file; /* whose local it is, see below; NULL: nobody's */
	size_t index;     /* what relocations call it by */
	size_t section;   /* a section's index, or one of those above */
	uint64_t value;   /* address; in objects: place in its section */
	uint64_t size;
	unsigned type;       /* ELF_TYPE_..., or another */
	unsigned bind;       /* ELF_BIND_..., or another */
	unsigned visibility; /* 0 default, 1 internal, 2 hidden, 3 protected */
};

struct elf_reloc {
	uint64_t offset; /* in its section, inside of it */
	uint32_t type;   /* the machine's number */
	size_t symbol;   /* its index; 0: none, the value is 0 */
	int64_t addend;
};

/* The types of segments. */
enum {
	ELF_SEGMENT_LOAD = 1,
	ELF_SEGMENT_DYNAMIC = 2,
	ELF_SEGMENT_INTERP = 3,
	ELF_SEGMENT_NOTE = 4,
	ELF_SEGMENT_TLS = 7,
};

enum {
	ELF_SEGMENT_X = 1,
	ELF_SEGMENT_W = 2,
	ELF_SEGMENT_R = 4,
};

struct elf_segment {
	uint32_t type;  /* ELF_SEGMENT_..., or another */
	uint32_t flags; /* ELF_SEGMENT_X, _W, _R */
	uint64_t offset;
	uint64_t addr;
	uint64_t file_len; /* at most mem_len when it is loaded */
	uint64_t mem_len;
	uint64_t align;
};

/*
 * An eight-byte cell of a linked file into which its loader or its start code
 * writes an address.
 */
enum elf_slot_kind {
	ELF_SLOT_JUMP,  /* of a function, perhaps not before its first call */
	ELF_SLOT_DATA,  /* GLOB_DAT: of a function or of data */
	ELF_SLOT_IFUNC, /* IRELATIVE: what a resolver answered */
};

struct elf_slot {
	enum elf_slot_kind kind;
	uint64_t addr;     /* of the cell */
	const char *name;  /* of the symbol; "" for ELF_SLOT_IFUNC */
	uint64_t resolver; /* its address, for ELF_SLOT_IFUNC */
	int weak;          /* may be 0 when the program runs */
};

struct elf;

/*
 * Read a file. *out is a new struct elf that borrows the bytes, which may be
 * at any alignment. 0, or -1: no such file (ERR_NO, saying what it is instead
 * and what to do), a broken one (ERR_NO), no memory (ERR_LOCAL). The text
 * does not name the file: the caller knows its name.
 */
int elf_open(struct elf **out, const void *bytes, size_t len, struct err *e);
void elf_close(struct elf *elf);

enum elf_kind elf_kind(const struct elf *elf);
enum elf_machine elf_machine(const struct elf *elf);
const char *elf_machine_name(enum elf_machine machine); /* as uname -m */

/* Of a linked file: 1 when it is a program, 0 when it is a library. */
int elf_is_program(const struct elf *elf);

/* Sections, the one of index 0 too (ELF_SECTION_NULL). NULL past the end. */
size_t elf_section_count(const struct elf *elf);
const struct elf_section *elf_section(const struct elf *elf, size_t index);
const struct elf_section *elf_section_named(const struct elf *elf,
    const char *name, const struct elf_section *after);

/* Of a linked file: the section that is loaded to addr, or NULL. */
const struct elf_section *elf_section_at(const struct elf *elf, uint64_t addr);

/*
 * The symbol table (.symtab), the empty one of index 0 too. A stripped file
 * has none: 0. NULL past the end. In objects a function or object lies in its
 * section with all of its size. In linked files a local whose object named no
 * source (assembly may not) seems to be one of the source before it.
 */
size_t elf_symbol_count(const struct elf *elf);
const struct elf_symbol *elf_symbol(const struct elf *elf, size_t index);

/*
 * Symbols of a name, in their order in the table: defined and undefined ones,
 * of all types but of sections and files. A version ("@GLIBC_2.2.5", "@@V1")
 * is no part of the name. None has the name "".
 */
const struct elf_symbol *elf_symbol_named(const struct elf *elf,
    const char *name, const struct elf_symbol *after);

/*
 * Symbols at a value of a section, in their order in the table; and one of
 * those at the next higher value that has one in this section. Only what
 * names code or data: no sections, files, thread-local ones, none without a
 * name, and not the marks of aarch64 ($x, $d).
 */
const struct elf_symbol *elf_symbol_at(const struct elf *elf, size_t section,
    uint64_t value, const struct elf_symbol *after);
const struct elf_symbol *elf_symbol_above(const struct elf *elf, size_t section,
    uint64_t value);

/*
 * Relocations of an object's section, as they stand in the file. Linked files
 * have none here, nor compressed sections. i is below the count; symbols and
 * offsets are in range, what lies at the offset may still be wider than what is
 * left.
 */
size_t elf_reloc_count(const struct elf *elf, size_t section);
struct elf_reloc elf_reloc(const struct elf *elf, size_t section, size_t i);

/* Program headers. Objects have none. NULL past the end. */
size_t elf_segment_count(const struct elf *elf);
const struct elf_segment *elf_segment(const struct elf *elf, size_t index);

/*
 * The module base: the address of the ELF header, which is the start of the
 * first loaded segment. 0, or -1 when it is not loaded.
 */
int elf_base(const struct elf *elf, uint64_t *base);

/*
 * len bytes (not 0) of a linked file at an address; NULL when not all of them
 * are in the file part of one loaded segment (so never what starts as zeros).
 */
const uint8_t *elf_bytes(const struct elf *elf, uint64_t addr, size_t len);

/* The build-id's bytes, *len of them (1 to ELF_BUILD_ID_MAX), or NULL. */
const uint8_t *elf_build_id(const struct elf *elf, size_t *len);

/* The dynamic loader that a program asks for (PT_INTERP), or NULL. */
const char *elf_interp(const struct elf *elf);

/*
 * What -frecord-gcc-switches or -frecord-command-line left: gcc's strings are
 * the options of one or more files (equal ones are merged), clang's whole
 * command lines. None is empty.
 */
const char *elf_command_line(const struct elf *elf, const char *after);

/*
 * Of a linked file: the slots of a symbol's name (without its version), those
 * for functions only (ELF_SLOT_JUMP) and for all (ELF_SLOT_DATA); and the one
 * that is filled by the resolver at an address, NULL when there is none.
 */
const struct elf_slot *elf_slot_named(const struct elf *elf, const char *name,
    const struct elf_slot *after);
const struct elf_slot *elf_slot_ifunc(const struct elf *elf, uint64_t resolver);

#endif
