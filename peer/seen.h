#ifndef PEER_SEEN_H
#define PEER_SEEN_H

#include <stdint.h>

#include "base/err.h"

/*
 * The latest time that the owner of a state folder saw, so that what had
 * expired is not fresh again after a start with a clock that was set back.
 *
 *	hotfix-time: 1
 *	seen: 2026-11-22T10:15:00.123456Z
 *
 * It is written often and never synced: whoever serves players does not wait
 * for a disk. It is replaced by a rename, and bears no more weight than that:
 * after a power cut it may be an older one, none, or broken. The folder is
 * locked by its owner.
 */

/* In the folder. The second one is there while it is written, and after a kill
 * just then. */
#define SEEN_FILE     "time"
#define SEEN_FILE_NEW "time.new"

/* Between two writings. So much of what was seen last may be forgotten. */
#define SEEN_EACH_NS INT64_C(60000000000)

/* 0: *us is the instant, or 0 where there is no file. -1 with err, naming the
 * file, and *us 0: it cannot be read, or is not what seen_write makes. */
int seen_read(const char *dir, int64_t *us, struct err *e);

/* 0, or -1 with err: the file is as it was. */
int seen_write(const char *dir, int64_t us, struct err *e);

#endif
