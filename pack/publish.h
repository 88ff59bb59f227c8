#ifndef PACK_PUBLISH_H
#define PACK_PUBLISH_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"
#include "pack/lock.h"
#include "pack/store.h"

/*
 * Publishing to a place (pack/store.h):
 *
 *	.lock/			one run at a time (pack/lock.h)
 *	staging/		what is on its way, not for anybody
 *				(pack/staging.h)
 *	release/FILE.sig	signatures, each there before its file
 *	release/FILE		packages; never changed once they are there
 *	release/NAME-RELEASE.update
 *				the document of a release that is not the
 *				latest any more
 *	release/NAME.latest	the document of the latest; the moment of
 *				release is when it takes its name
 *
 * Whatever gets a name in release was read back from the place and is equal
 * to what was meant, byte for byte, and gets the name by one rename. So nothing
 * partial and no package without its signature is ever seen there; and whatever
 * instant a run is killed at, the next run does what is missing.
 *
 * Functions block; a broken connection is made anew and the work gone on with,
 * as often as is said. They return 0, or another number that is told with
 * them, or -1 with err (pack/store.h; ERR_PEER: given up).
 */
struct publish;

#define PUBLISH_TRIES 5 /* in a row, without any byte in between */

struct publish_config {
	struct store *store; /* the caller's */
	const struct lock_self *self;
	const char *latest; /* NAME.latest */
	/* name and part of the first package, which are looked for while the
	 * lock is taken; or NULL. */
	const char *name, *part;
	int64_t now_us; /* by the right time */
	int break_lock;
	unsigned tries;  /* after a failure; PUBLISH_TRIES is a good number */
	int no_readback; /* where the place makes out digests itself */
	/* A line for people; or NULL. */
	void (*note)(void *arg, const char *text);
	/* What is under way ("upload", "read back"); or NULL. */
	void (*progress)(void *arg, const char *what, uint64_t so_far,
	    uint64_t total);
	/* Wait before another try, less when stop is set; NULL: by the clock.
	 */
	void (*pause)(void *arg, int64_t ms);
	void *arg;                         /* of the three */
	const volatile sig_atomic_t *stop; /* no more tries once it is set */
};

/* Connect, and take the lock. NULL with err; *busy is set where another has it.
 */
struct publish *publish_open(const struct publish_config *c, int *busy,
    struct err *e);

/* Put what was not finished where the next run finds it, let go of the lock,
 * and free it. 0, or -1 with err: the lock may still be there. NULL is fine. */
int publish_close(struct publish *p, struct err *e);

/* As if the process had died: free it, leave all as it is. */
void publish_abandon(struct publish *p);

/*
 * A package may be sent while others still look into it. Then check is given,
 * and the fields below it are not. It tells what came of that: 1, nobody knows
 * yet (never with wait set); 0, all is well, and it has filled in those fields;
 * -1 with err, the package is bad. It is asked now and then while bytes move,
 * and waited for before anything gets a name in release.
 */
struct publish_file {
	const char *part; /* its name in staging while no run is at it */
	const char *name; /* its name in release */
	int fd;           /* the package, read by pread(2) */
	uint64_t len;
	int (*check)(void *arg, struct publish_file *f, int wait,
	    struct err *e); /* NULL: all is known */
	/* Where the file may still be written: wait until its first upto bytes
	 * are there, or never will be, as check then tells. Or NULL. */
	void (*ready)(void *arg, uint64_t upto);
	void *arg; /* of the two */
	/* These bytes have never been before: what an earlier run left is of
	 * others, and is deleted. */
	int is_new;
	uint8_t md5[MD5_SIZE];
	/* For publish_check alone: a copy is compared with the file itself, and
	 * equal bytes have equal digests. */
	uint8_t sha512[SHA512_SIZE];
	const void *sig; /* the bytes of name.sig */
	size_t sig_len;
};

struct publish_outcome {
	uint8_t md5[MD5_SIZE]; /* of the copy in the place */
	int was_there;         /* it had its name already, and these bytes */
	int by_place;          /* the place's own word; not read back */
	uint64_t sent;         /* bytes that were uploaded */
};

/*
 * A package and its signature get their names. The copy is read back and
 * compared with fd as it comes; its MD5 is worked out too, and must be f's: so
 * fd still holds what it held when that was made. A file of the name with other
 * bytes stays, and is ERR_NO, "release exists". A copy that is not equal is
 * deleted, and sent once more if part of it was there before; then ERR_NO. So
 * is the copy of a package that turns out to be bad, and the error is that of
 * f->check. f->check is NULL once it has answered.
 */
int publish_package(struct publish *p, struct publish_file *f,
    struct publish_outcome *out, struct err *e);

/* A file of release of at most max bytes, appended. 1: there is none. */
int publish_read(struct publish *p, const char *name, size_t max,
    struct buf *out, struct err *e);

/* A small file gets its name in release and takes the place of one that has
 * it: as package above. The lock must still be ours, or it is ERR_PEER. */
int publish_write(struct publish *p, const char *name, const void *bytes,
    size_t len, struct err *e);

/* Is a package still there, whole? md5, sha512 and len as f says; part, fd and
 * sig are not used. 0; -1 with ERR_NO: it is not. */
int publish_check(struct publish *p, const struct publish_file *f,
    struct err *e);

#endif
