#ifndef NATIVE_SWITCH_H
#define NATIVE_SWITCH_H

#include <stddef.h>
#include <stdint.h>

#include "native/apply.h"
#include "native/live.h"

/* Writing the entries of a patch's functions, all or none, while every other
 * thread is halted. */

/* Code that is left by the switch, to count who is in there. */
struct switch_range {
	uintptr_t at;
	size_t len;
};

struct switch_spec {
	const struct live *live;
	int back; /* the bytes from before, instead of the jumps */
	enum native_method method;
	int park; /* are threads halted? */
	int64_t bound_ns;
	const struct switch_range *left;
	size_t nleft;
};

struct switch_told {
	unsigned threads, inside;
	int64_t pause_ns;
	int method_failed; /* the method could not be used at all */
	int written;       /* something was, for whatever time */
	char why[NATIVE_TEXT];
};

/*
 * NATIVE_OK; NATIVE_BUSY, NATIVE_MISMATCH (an entry is not what it should be),
 * NATIVE_PERM: as before. NATIVE_DISABLED: an entry was written, another one
 * not, and the first cannot be put back; both codes are valid, but this
 * process must not be patched again.
 */
enum native_code switch_entries(const struct switch_spec *s,
    struct switch_told *told);

#endif
