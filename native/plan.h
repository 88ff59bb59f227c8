#ifndef NATIVE_PLAN_H
#define NATIVE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "native/apply.h"
#include "native/live.h"
#include "native/self.h"

/* What the program is, and what it has in reserve. */
struct program {
	enum native_arch arch;
	struct self self;
	struct live_set set;
	size_t code_used, data_used; /* bytes, whole pages */
};

/*
 * A patch as it would be in this process: all is checked and worked out,
 * nothing is changed.
 */
struct native_plan {
	struct live *live; /* new and the plan's, or (again) one that is off */
	int again;         /* its pages have what is needed already */
	uint8_t *code;     /* the code area, relocated: live->code_len */
	uint8_t *data;     /* the data area: live->data_len, or NULL */
	char why[NATIVE_TEXT];
};

/* NATIVE_OK, or what stands against it, in words in why. */
enum native_code native_plan_make(struct native_plan *plan,
    const struct program *prog, const struct native_patch *p);
void native_plan_free(struct native_plan
	*plan); /* not a live that the plan gave away */

#endif
