#ifndef LUA_HOST_PACKAGE_FETCH_H
#define LUA_HOST_PACKAGE_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lua-host/job.h"
#include "pack/package.h"
#include "update/doc.h"

/* How hosts and clients fetch the packages of documents: in jobs. */

struct package_fetch {
	int64_t timeout_ms; /* of a try */
	unsigned tries;     /* of an address */
	char *command;      /* owned; "COMMAND URL FILE", or NULL: ftp alone */
};

/*
 * Of one try, where nothing else is said. Clients: a player's connection takes
 * the few megabytes of a usual release in a minute, and what is larger goes on
 * at the next try where this one ended. Hosts: what they fetch comes from a
 * server nearby, may be gigabytes, and a hundred clients wait for it. The waits
 * between the tries are some 8 s in all: a server is restarted in that.
 */
#define PACKAGE_CLIENT_TIMEOUT_MS 60000
#define PACKAGE_HOST_TIMEOUT_MS   600000
#define PACKAGE_TRIES             6
#define PACKAGE_TRIES_MAX         1000
#define PACKAGE_TIMEOUT_MAX_MS    (INT64_C(24) * 3600 * 1000)

/* 0 for what is not told: the standard. 0, or -1 with err (ERR_USAGE, or no
 * memory). */
int package_fetch_init(struct package_fetch *f, int64_t timeout_ms,
    int64_t standard_ms, unsigned tries, const char *command, struct err *e);
void package_fetch_free(struct package_fetch *f);

/* For how long a job that tries so many addresses may fetch, verify and
 * unpack. */
int64_t package_fetch_deadline_ns(const struct package_fetch *f,
    size_t addresses);

/* --- in the job ------------------------------------------------------------
 */

/*
 * Fetch the package into path: from the first address (NULL: none), then from
 * its own. check as of struct fetch_spec. 0, or -1 with err, whose text names
 * the address that was tried last; *gave_up is 1 when the addresses are to
 * blame, 0 when it is this machine or the package itself.
 */
int package_fetch_file(const struct package_fetch *f,
    const struct doc_package *p, const char *from, const char *path,
    int (*check)(void *arg, int fd, struct err *e), void *arg,
    struct job_pipe *pipe, uint64_t before, int *gave_up, struct err *e);

/* Check the fetched file behind fd: whole, and what the document says it is,
 * not only by its digests. base: of a package --since, else NULL. NULL with
 * err. */
struct package *package_fetch_open(int fd, const struct doc_package *p,
    const char *base, struct err *e);

/* The status of a job's body. */
enum package_status {
	PACKAGE_IS_HERE,
	PACKAGE_FAILED,
	PACKAGE_GAVE_UP,
};

#endif
