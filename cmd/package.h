#ifndef CMD_PACKAGE_H
#define CMD_PACKAGE_H

#include <signal.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cmd/options.h"
#include "cmd/say.h"
#include "cmd/signer.h"
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
	/* So many bytes of the package are in its file; or NULL. */
	void (*written)(void *arg, uint64_t so_far);
	void *written_arg;
	/* Ends it when it is not 0, as ERR_PEER; or NULL. */
	const volatile sig_atomic_t *stop;
};

/*
 * Run the build command in dir (its output goes to standard error), check the
 * sources, pack, and sign: path and path.sig appear whole, the signature
 * first. 0, or -1 with err.
 */
int package_make(const struct package_job *j, const char *path,
    struct package_info *out, struct err *e);

/*
 * The same in steps: the build command; what is to be packed is read, out has
 * its release and length (NULL with err); it is written, which fills out; the
 * signature, whose bytes sig gets, and the names (0, or -1 with err). Where no
 * command signs the last two may be done by another thread: it calls what the
 * job has, unless package_apart was called before. Meanwhile what was written,
 * which the job's written tells, is read by package_fd. What the job points to
 * and out live until the end.
 */
int package_build(const struct package_job *j, struct err *e);
struct package_making *package_begin(const struct package_job *j,
    const char *path, struct package_info *out, struct err *e);
int package_fd(const struct package_making *m);
/* It goes on beside an upload: no more progress is told and, because who goes
 * on with the upload another time needs it whole, the job's stop does not end
 * it.
 */
void package_apart(struct package_making *m);
int package_fill(struct package_making *m, struct err *e);
int package_end(struct package_making *m, struct buf *sig, struct err *e);
void package_drop(struct package_making *m); /* NULL is fine */

/* The instant that SOURCE_DATE_EPOCH names, else now_us. 0, or -1 with err. */
int package_time(int64_t now_us, int64_t *us, struct err *e);

/* "NAME-RELEASE.tar" and "PATH.sig", to free; NULL: out of memory. */
char *package_file_name(const char *name, const char *release);
char *package_sig_name(const char *path);

/* Check a signature over the file behind fd: that text, or (sig_text NULL) the
 * file path.sig. 0, or -1 with err. */
int package_check_sig(const struct keyring *keys, const char *path,
    const struct buf *sig_text, int fd, struct err *e);

/*
 * Check the package behind fd, which path leads to, and in the same read its
 * signature, which must be by a key that may sign packages (keys NULL: none is
 * looked at). What is missing, in excess or damaged is told by say, once the
 * signature is known to be good. sig_text as above. without: PACKAGE_NO_*,
 * or-ed. sig (or NULL) gets the bytes of the signature. NULL with err.
 */
struct package *package_open_fd(const struct say *say,
    const struct keyring *keys, const char *path, const struct buf *sig_text,
    int fd, unsigned without, struct buf *sig, struct err *e);

/* The same, where miss is told the lines, or (NULL) nobody. */
struct package *package_open_for(void (*miss)(void *arg, const char *line),
    void *arg, const struct keyring *keys, const char *path,
    const struct buf *sig_text, int fd, unsigned without, struct buf *sig,
    struct err *e);

/* Fields of a record: package, release and what it is based on. */
void package_say(struct say *s, const struct package_info *info);

/* What a check of a signature does with the bytes, for pack/digests.h. */
struct digests_work package_check_work(struct keyring_check *c);

#endif
