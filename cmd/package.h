#ifndef CMD_PACKAGE_H
#define CMD_PACKAGE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/options.h"
#include "cmd/say.h"
#include "cmd/signer.h"
#include "crypto/sha512.h"
#include "pack/package.h"
#include "update/keyring.h"

/* What the verbs that make and open packages share. */

/* How a package is made. */
struct package_job {
	const struct say *say;
	const char *dir, *name, *release;
	const char *since, *build; /* or NULL */
	const struct option_list *exclude, *unchecked;
	const struct signer *signer; /* NULL: not signed */
	int64_t time_us;             /* package_time() */
	void (*progress)(void *arg, uint64_t so_far,
	    uint64_t total); /* or NULL */
	void *arg;
};

/*
 * Run the build command in dir (its output goes to standard error), check the
 * sources, pack, and sign: path and path.sig appear whole, the signature
 * first. 0, or -1 with err.
 */
int package_make(const struct package_job *j, const char *path,
    struct package_info *out, struct err *e);

/* The instant that SOURCE_DATE_EPOCH names, else now_us. 0, or -1 with err. */
int package_time(int64_t now_us, int64_t *us, struct err *e);

/* "NAME-RELEASE.tar" and "PATH.sig", to free; NULL: out of memory. */
char *package_file_name(const char *name, const char *release);
char *package_sig_name(const char *path);

/*
 * Check a signature over the file behind fd: that text, or (sig NULL) the file
 * path.sig. 0 with the digest of what was signed and the key (which may be
 * NULL: nobody asks), or -1 with err.
 */
int package_check_sig(const struct keyring *keys, const char *path,
    const struct buf *sig, int fd, const struct trust_key **key,
    uint8_t sha512[SHA512_SIZE], struct err *e);

/*
 * Open path and check it: its signature first (keys NULL: none is looked at),
 * by a key that may sign packages. What is missing, in excess or damaged is
 * told by say. *fd is open as long as the package is; NULL with err, and
 * nothing open.
 */
struct package *package_open_file(const struct say *say,
    const struct keyring *keys, const char *path, int *fd, struct err *e);
/* The same for what is open already, and stays so; sig as above. */
struct package *package_open_fd(const struct say *say,
    const struct keyring *keys, const char *path, const struct buf *sig, int fd,
    struct err *e);

/* Fields of a record: package, release and what it is based on. */
void package_say(struct say *s, const struct package_info *info);

#endif
