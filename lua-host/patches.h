#ifndef LUA_HOST_PATCHES_H
#define LUA_HOST_PATCHES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "update/word.h"

/*
 * The native patches of a host's updates: which update has brought which, and
 * which of them are live in this process (native/apply.h).
 *
 * An update that supersedes another lies over it: when its patch has all
 * functions of the older one, that one stays live below it, and no thread sees
 * the code of before in between; with it, both leave. When it has not, or has
 * no patch at all, the older one is taken off first, since a program that is
 * started anew is given the newer one alone and both must run the same.
 *
 * Updates may have the same patch; it is taken off with the last of them. One
 * that supersedes an update of the same patch takes its place, and what lay
 * over that of its feature is taken off; where another feature's patch lies
 * over it, the update is refused, for a program that is started anew would have
 * the two the other way round.
 *
 * A change is made, then kept or undone: what else belongs to the update comes
 * in between. All of these append lines for people to text, each with its LF;
 * the first one is of what failed or, when all went well, of what was applied.
 * Changes halt the program's threads for a moment, see native/apply.h.
 */

struct patches;

struct patches *patches_new(void); /* NULL: out of memory */
/* What is live in the process stays so. */
void patches_free(struct patches *p);

/* Is this patch file for this executable, and can that be patched? WORD_OK, or
 * with the reason WORD_NOT_FOR_ME: it is for another one; WORD_UNSUPPORTED: it
 * may be for this one, and nothing can be patched here. What is no patch file
 * is nobody's, and WORD_OK: patches_enter tells. */
enum word patches_fit(const void *file, size_t len, struct refusal *why);

struct patches_change {
	uint64_t id;
	const void *file; /* NULL: the update has no native part */
	size_t len;
	const uint64_t *drop; /* updates that leave */
	size_t ndrop;
	int waits; /* it is not applied before patches_release */
	int alone; /* the update has nothing else for a host */
	int back;  /* what was dropped for those in drop comes back */
};

/* What patches_enter would do; nothing changes. 0, or -1. */
int patches_check(const struct patches *p, const struct patches_change *c,
    struct buf *text);
/* The update comes in, those in drop leave. 0, or -1: nothing has changed. */
int patches_enter(struct patches *p, const struct patches_change *c,
    struct buf *text);
/* What waited is applied; one that does not wait is no failure. */
int patches_release(struct patches *p, uint64_t id, struct buf *text);
/* The update leaves, and what lies below it; but what another feature's patch
 * hides lies below that one from then on. One that is not here has left. Where
 * another one keeps it here the text names that, too. */
int patches_leave(struct patches *p, uint64_t id, struct buf *text);

/* After each of the last three, when it went well. Undo may fail where a
 * thread does not halt; the text tells then what is left. */
void patches_keep(struct patches *p);
void patches_undo(struct patches *p, struct buf *text);

/* 1 when the update is here and has nothing but its patch. */
int patches_is_alone(const struct patches *p, uint64_t id);

/* Lines for STATUS: "patchable: ...", and for each update with a patch "patch:
 * ID live|below|waits update=ID functions=NAME,... code=BYTES data=BYTES". */
void patches_put_status(const struct patches *p, struct buf *out);

#endif
