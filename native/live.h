#ifndef NATIVE_LIVE_H
#define NATIVE_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/sha512.h"
#include "native/entry.h"
#include "native/patch.h"

/*
 * The patches of a process: those that are live, in the order in which they
 * came, and those that were taken off, whose pages are kept for them.
 */

struct live_func {
	char name[NATIVE_NAME + 1];
	uintptr_t body, size; /* of the old function */
	uintptr_t site;
	int sled; /* what is overwritten are NOPs, and a thread among them may
		   * begin anew */
	uintptr_t target;               /* the new one */
	uint8_t before[ENTRY_JUMP_MAX]; /* what was at the site: the function's
					 * own, or an earlier patch's jump */
	uint8_t jump[ENTRY_JUMP_MAX];   /* what is there now */
};

struct live {
	struct live *next;
	char id[NATIVE_ID + 1];
	char needs[NATIVE_ID + 1];
	/* Where it is in the reserve, and how much of it: of code, code and
	 * rodata; of data, data and bss. */
	size_t code_at, code_len, data_at, data_len;
	/* Of what was loaded there, relocated. */
	uint8_t digest[SHA512_SIZE];
	uint8_t patch[SHA512_SIZE]; /* native_patch's digest */
	struct live_func funcs[NATIVE_FUNCS];
	size_t nfuncs;
	size_t jump_len;
};

struct live_set {
	struct live *live; /* first come, first */
	struct live *off;
};

struct live *live_find(const struct live_set *s, const char *id);

/* Put it (owned from now on) last. One that is off is taken from there. */
void live_add(struct live_set *s, struct live *l);
/* From the live ones to those that are off. */
void live_remove(struct live_set *s, struct live *l);

/* How many are live. */
size_t live_count(const struct live_set *s);

/*
 * Who stands in the way of taking l off: a later one that has the same
 * function (*f: which of l's) or needs it (*f NULL). NULL: nobody.
 */
const struct live *live_above(const struct live *l, const struct live_func **f);

/* What is at a site now: the last one there, or NULL. */
const struct live_func *live_top(const struct live_set *s, uintptr_t site);

/*
 * Make of the len bytes that are in memory at `at` those that were there
 * before all patches. 0, or -1: some jump is not as it was written, so
 * somebody else has been there.
 */
int live_restore(const struct live_set *s, uint8_t *bytes, uintptr_t at,
    size_t len);

/* 1 when a jump at site would meet another's, but not lie just over it. */
int live_meets(const struct live_set *s, uintptr_t site, size_t len);

#endif
