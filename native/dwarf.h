#ifndef NATIVE_DWARF_H
#define NATIVE_DWARF_H

#include "native/elf.h"

/*
 * Which functions a compiler inlined somewhere, as far as the debug
 * information tells (DWARF 2 to 5: DW_AT_inline, DW_TAG_inlined_subroutine and
 * what its DW_AT_abstract_origin names). A hint, no proof: -g1 leaves functions
 * out, and some compilers propagate results without a trace. So a "no" means
 * nothing; a "yes" is one more reason to refuse. Pure; hostile bytes are the
 * normal case.
 */

struct dwarf;

/*
 * Read the debug information of a file. The elf is borrowed. What cannot be
 * read (none at all, compressed, another version, broken) gives no hint and
 * is no failure: dwarf_gap then says why there is none or not all, in words,
 * else it is NULL. 0, or -1 without memory (e filled).
 */
int dwarf_open(struct dwarf **out, const struct elf *elf, struct err *e);
void dwarf_close(struct dwarf *dwarf);
const char *dwarf_gap(const struct dwarf *dwarf);

/*
 * 1 when a function of this name was inlined somewhere, else 0. With a file
 * (as elf_symbol's; NULL: any) only in units whose source has this name, the
 * folders left out.
 */
int dwarf_inlined(const struct dwarf *dwarf, const char *name,
    const char *file);

/* 1 when there is debug information of a source of this name, the folders left
 * out, and all of it was read. */
int dwarf_covers(const struct dwarf *dwarf, const char *file);

#endif
