#ifndef NATIVE_DWARF_IMPL_H
#define NATIVE_DWARF_IMPL_H

/*
 * What the files that read debug information share (native/dwarf*.c): sections
 * and their bytes (dwarf_section.c), abbreviations (dwarf_abbrev.c), entries
 * (dwarf_entry.c), units and strings (dwarf_unit.c), and from these the
 * functions that were inlined (dwarf.c).
 *
 * Whatever cannot be read is a gap, told by dwarf_give_up, and no failure;
 * memory alone is: oom is set then, and nothing more is to be read.
 */

#include "native/dwarf.h"

/* A section. In an object what is relocated is a copy. */
struct dwarf_span {
	const uint8_t *bytes; /* as they are in the file */
	const uint8_t *linked;
	uint8_t *own;
	size_t len;
};

/* After reading past the end all is 0, and bad set. */
struct dwarf_cursor {
	const uint8_t *p, *end;
	int bad;
};

struct dwarf_unit {
	size_t at, entries, end; /* in .debug_info */
	uint64_t abbrevs;        /* in .debug_abbrev */
	uint64_t str_base;       /* of indexed strings; its first entry's */
	const char *file;        /* likewise; "": not known */
	unsigned version;
	size_t offset_len, addr_len;
};

struct dwarf_abbrev {
	uint64_t code, tag;
	size_t attributes; /* where they stand in .debug_abbrev */
};

enum dwarf_kind {
	DWARF_OTHER,
	DWARF_NUMBER,
	DWARF_OFFSET, /* into another section */
	DWARF_ENTRY,  /* in .debug_info */
	DWARF_STRING, /* in .debug_info */
	DWARF_STR,
	DWARF_LINE_STR,
	DWARF_INDEX, /* of a string */
};

struct dwarf_value {
	enum dwarf_kind kind;
	uint64_t n;
};

/* What is wanted of one; DWARF_OTHER, 0 where it has no such attribute. */
struct dwarf_entry {
	uint64_t tag;
	size_t at;
	struct dwarf_value inlined, name, linkage_name, origin, specification,
	    str_base;
};

/* The reading of one file: zeros, but abbrevs_at. */
struct dwarf_reader {
	struct dwarf_span info, abbrev, str, line_str, str_offsets;
	struct dwarf_unit *units; /* those that were kept */
	size_t nunits, units_cap;
	struct dwarf_abbrev *abbrevs; /* of the last unit, by code */
	size_t nabbrevs, abbrevs_cap;
	uint64_t abbrevs_at; /* UINT64_MAX: none */
	/* What may still be read: attributes, bytes of tables and of names. */
	uint64_t steps_left, abbrevs_left, names_left;
	const char *gap; /* why not all was read; NULL: it was */
	int oom;
};

/* --- dwarf_section.c --- */

/* The bytes from and to of a section; they lie in it. */
struct dwarf_cursor dwarf_cursor_at(const struct dwarf_span *s, size_t from,
    size_t to);
void dwarf_skip(struct dwarf_cursor *c, uint64_t len);
/* A number of 1 to 8 bytes. */
uint64_t dwarf_number(struct dwarf_cursor *c, size_t width);
/* LEB128, unsigned; a signed one is passed over by the same bytes. */
uint64_t dwarf_leb(struct dwarf_cursor *c);

/* The first reason is kept. Returns -1. */
int dwarf_give_up(struct dwarf_reader *r, const char *why);
/* Room for one more. 0, or -1: out of memory. */
int dwarf_grow(struct dwarf_reader *r, void **items, size_t len, size_t *cap,
    size_t size);

/* The sections of the file, which is borrowed, and how much of them may be
 * read. */
void dwarf_find_sections(struct dwarf_reader *r, const struct elf *elf);
void dwarf_free_reader(struct dwarf_reader *r);

/* --- dwarf_abbrev.c --- */

/* The one form whose value stands in the table, behind it. */
#define DWARF_FORM_IMPLICIT_CONST 0x21

/* The table of a unit, unless it is the one that is here. 0 or -1. */
int dwarf_load_abbrevs(struct dwarf_reader *r, uint64_t at);
/* Of the table that was loaded; NULL: it has none with this code. */
const struct dwarf_abbrev *dwarf_find_abbrev(const struct dwarf_reader *r,
    uint64_t code);

/* --- dwarf_entry.c --- */

/* The entry at the cursor. 1; 0: the mark that a list of them ends; -1: the
 * unit cannot be read on. The unit's abbreviations are loaded. */
int dwarf_read_entry(struct dwarf_reader *r, struct dwarf_cursor *c,
    const struct dwarf_unit *u, struct dwarf_entry *e);

/* --- dwarf_unit.c --- */

/* The header of the unit at *at, which is in .debug_info; *at is where it ends
 * then. 1; 0: this one cannot be read; -1: nor can what follows. */
int dwarf_next_unit(struct dwarf_reader *r, size_t *at, struct dwarf_unit *u);
/* For dwarf_unit_of, in the order of the file. 0, or -1: out of memory. */
int dwarf_keep_unit(struct dwarf_reader *r, const struct dwarf_unit *u);
/* The kept unit that has the entry at this offset; NULL: none. */
const struct dwarf_unit *dwarf_unit_of(const struct dwarf_reader *r,
    uint64_t at);

/* The string that a value of the unit names, as it lies in the file; NULL:
 * there is none. */
const char *dwarf_text(struct dwarf_reader *r, const struct dwarf_unit *u,
    struct dwarf_value v);

#endif
