#ifndef PACK_STAGING_H
#define PACK_STAGING_H

#include <stddef.h>

#include "base/err.h"
#include "pack/lock.h"
#include "pack/store.h"

/*
 * The names of what is on its way to a release, all in "staging":
 *
 *	FILE.new-RUN	a small file
 *	NAME.part-RUN	a package, while a run is at it
 *	NAME.part	a package that was not finished; the next run goes on
 *
 * RUN is the run's own (pack/lock.h). A server may be slow, and carry out the
 * last command of a run that has died when the next one is at work. By its
 * names that one command can only mean what its own run had staged, which was
 * whole when it was to be renamed; and once that is swept, nothing.
 */

void staging_small(char out[STORE_PATH], const char *file,
    const struct lock *l);
/* part: "NAME.part" */
void staging_part(char out[STORE_PATH], const char *part, const struct lock *l);
void staging_rest(char out[STORE_PATH], const char *part);

/*
 * What other runs left there: to be called with the lock, when it was taken
 * over, before anything else is looked at. Small files are deleted. A package
 * becomes NAME.part again, unless who wrote it may be alive (LOCK_BROKEN): it
 * could go on writing into a file that is ours by then, so it is deleted.
 * At most STAGING_SWEEP files, which is more than one run leaves. 0 or -1 with
 * err; what a place refuses stays where it is.
 */
#define STAGING_SWEEP 16
int staging_sweep(struct store *s, const struct lock *l, struct err *e);

#endif
