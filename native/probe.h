#ifndef NATIVE_PROBE_H
#define NATIVE_PROBE_H

#include <stddef.h>

#include "native/apply.h"

/* Which methods of writing code take effect in this process. */

enum probe_result {
	PROBE_WORKS,
	PROBE_FAILS, /* with errno */
	/* It is written and can be read, but not executed: an emulator that
	 * does not see it. */
	PROBE_UNSEEN,
};

/* Try one, on a function that is there for it: by writing and calling. */
enum probe_result probe_method(enum native_method method);

/*
 * The first of the allowed ones (bits 1 << method) that works: 0. -1: none,
 * why has a few words on each.
 */
int probe_choose(enum native_method *out, unsigned allowed, char *why,
    size_t size);

#endif
