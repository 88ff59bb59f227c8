/*
 * Debug information. The input is its sections one after the other, each with
 * its length before it; an object is made around them.
 */

#include "native/dwarf.h"

#include <stdlib.h>
#include <string.h>

#define FUZZ_MAX 32768 /* more would only be slow */
#define SECTIONS 5     /* of debug information */
#define HEADER   64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
put(uint8_t *p, uint64_t n, size_t width)
{
	for (; width > 0; width--, n >>= 8)
		*p++ = (uint8_t)n;
}

static void
section(uint8_t *p, uint64_t name, uint64_t type, uint64_t at, uint64_t len)
{
	put(p, name, 4);
	put(p + 4, type, 4);
	put(p + 24, at, 8);
	put(p + 32, len, 8);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char names[] =
	    "\0.debug_info\0.debug_abbrev\0.debug_str\0.debug_line_str\0"
	    ".debug_str_offsets";
	static const uint64_t at_names[SECTIONS] = {1, 13, 27, 38, 54};
	size_t headers, all, i, at, left, part;
	struct dwarf *dwarf;
	struct elf *elf;
	struct err e;
	uint8_t *p;

	if (len > FUZZ_MAX)
		return 0;
	headers = HEADER + len + sizeof names;
	all = headers + (SECTIONS + 2) * HEADER;
	p = calloc(1, all);
	if (p == NULL)
		abort();
	memcpy(p,
	    "\x7f"
	    "ELF\x02\x01\x01",
	    7);
	put(p + 16, ELF_KIND_OBJECT, 2);
	put(p + 18, ELF_MACHINE_X86_64, 2);
	put(p + 20, 1, 4);
	put(p + 40, headers, 8);
	put(p + 58, HEADER, 2);
	put(p + 60, SECTIONS + 2, 2);
	put(p + 62, SECTIONS + 1, 2);
	if (len != 0)
		memcpy(p + HEADER, bytes, len);
	memcpy(p + HEADER + len, names, sizeof names);
	for (i = 0, at = 0; i < SECTIONS; i++) {
		left = len - at;
		part = left;
		if (left >= 2) {
			part = bytes[at] | (size_t)bytes[at + 1] << 8;
			at += 2;
			if (part > left - 2)
				part = left - 2;
		}
		section(p + headers + (i + 1) * HEADER, at_names[i],
		    ELF_SECTION_PROGBITS, HEADER + at, part);
		at += part;
	}
	section(p + headers + (SECTIONS + 1) * HEADER, 0, ELF_SECTION_STRTAB,
	    HEADER + len, sizeof names);
	if (elf_open(&elf, p, all, &e) != 0)
		abort();
	if (dwarf_open(&dwarf, elf, &e) != 0)
		abort();
	if (dwarf_inlined(dwarf, "", NULL))
		abort();
	dwarf_inlined(dwarf, "small", "a.c");
	dwarf_close(dwarf);
	elf_close(elf);
	free(p);
	return 0;
}
