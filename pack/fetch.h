#ifndef PACK_FETCH_H
#define PACK_FETCH_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"
#include "net/netrc.h"
#include "pack/digests.h"

/*
 * Fetch what an address names, in one or several tries, within limits of time
 * and size, and compare it with what is known of it. Blocks.
 */

/* Of one try. A gigabyte at 15 Mbit/s, and a server that sends a byte now and
 * then is left after so long; silence ends a try much earlier (net/ftp.h). */
#define FETCH_TIMEOUT_MS 600000
#define FETCH_TRIES      3
#define FETCH_TRIES_MAX  1000
/* Where the size is not known. No disk should be filled by an address. */
#define FETCH_SIZE_MAX   ((uint64_t)1 << 36)

struct fetch_result {
	uint64_t size;
	uint8_t md5[MD5_SIZE];
	uint8_t sha512[SHA512_SIZE];
	unsigned tries; /* that were made, also after a failure */
};

/* Zeros and NULLs are good for all that is not said. */
struct fetch_spec {
	const char *url;
	uint64_t size; /* exact, with has_size */
	int has_size;
	const uint8_t *md5;    /* or NULL */
	const uint8_t *sha512; /* or NULL */
	enum ftp_giver giver;  /* of the address: whose login it gets */
	int64_t timeout_ms;    /* of a try; 0: FETCH_TIMEOUT_MS */
	unsigned tries;        /* 0: FETCH_TRIES */
	/* A command line that is run by sh as "COMMAND URL FILE" and has to
	 * make FILE and to exit with 0. NULL: ftp:// alone can be fetched. */
	const char *command;
	int fresh; /* a file that has the name already is an error */
	/* What else is worked out of all its bytes in their order as they come,
	 * so that check need not read them: called before the first one, and
	 * again where it is begun anew. 0, or -1 with err. Or NULL. */
	int (*begin)(void *arg, struct digests_work *work, struct err *e);
	/* The last word: the whole, equal file, open for reading at its front;
	 * 0, or -1 with err, and it does not get its name. Or NULL. */
	int (*check)(void *arg, int fd, struct err *e);
	void (*trace)(void *arg, const char *line); /* net/ftp.h; or NULL */
	/* May be called often; size is 0 where it is not known. Or NULL. */
	void (*progress)(void *arg, uint64_t so_far, uint64_t size);
	/* A try failed, for this reason, and there will be another; or NULL. */
	void (*again)(void *arg, const struct err *why);
	void *arg;
	const volatile sig_atomic_t *stop; /* or NULL */
	struct fetch_result *result;       /* or NULL */
};

/*
 * Into a file: 0 once it is whole, equal, checked, synced and has its name
 * (mode 0644). Until then it is PATH.part (0600), one at a time: what an
 * earlier try or run left is gone on with where a digest of the whole is
 * known, and started anew, once, where that does not fit. Between tries it
 * waits, 250 ms at first, twice as long each time up to 8 s.
 *
 * -1, and nothing new under the name: ERR_PEER gave up after the tries (the
 * .part stays where it can be gone on with, otherwise it is removed), ERR_NO
 * it is not there, longer or other than told, or the name is taken, ERR_DENIED,
 * ERR_LOCAL, ERR_USAGE as in net/ftp.h.
 */
int fetch_file(const struct fetch_spec *s, const char *path, struct err *e);

/* Append to memory, at most max bytes; ftp:// alone, command, fresh, begin and
 * check are not looked at. 0, or -1 as above with nothing appended. */
int fetch_memory(const struct fetch_spec *s, size_t max, struct buf *out,
    struct err *e);

#endif
