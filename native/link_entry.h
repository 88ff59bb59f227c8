#ifndef NATIVE_LINK_ENTRY_H
#define NATIVE_LINK_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "native/patch.h"

/*
 * What the bytes at a function's entry are: is there room for a jump? Pure.
 * No disassembler: whatever could be read as an obstacle is one.
 */

struct native_entry {
	size_t mark;    /* bytes of an endbr64 or bti: the site is behind */
	unsigned pad;   /* of NOPs at the site; 0: not enough for the jump */
	int one_by_one; /* the NOPs are single bytes, as gcc leaves them */
	size_t size;    /* of what the old function is compared by */
};

/*
 * Look at a function of size bytes, with room bytes (not less) up to what
 * comes next. unmarked: it may do without NOPs. NULL, or the reason against
 * it in words that go behind its name.
 */
const char *native_entry_look(struct native_entry *out, enum native_arch arch,
    const uint8_t *bytes, size_t size, size_t room, int unmarked);

/*
 * 1 when code that lies at addr may branch to one of the addresses lo to
 * hi - 1. For x86-64 every byte may begin a branch. A call of lo itself is
 * none: it is a call of the function.
 */
int native_branches_into(enum native_arch arch, const uint8_t *bytes,
    size_t len, uint64_t addr, uint64_t lo, uint64_t hi);

#endif
