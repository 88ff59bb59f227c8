#ifndef PACK_STORE_H
#define PACK_STORE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/md5.h"
#include "net/ftp.h"

/*
 * A place that releases are published to: a folder, here or on an FTP server.
 * Names are relative to it, their parts parted by '/'.
 *
 * Everything blocks. Functions return 0, or another number that is told with
 * them, or -1 with err, which names the place. ERR_PEER: the connection is
 * broken or the server asks for patience; store_reopen and another try may
 * help. What was asked for may have happened all the same. ERR_DENIED: not
 * allowed there. ERR_NO: not there, or refused. ERR_LOCAL: a disk is full, on
 * either side, or a local file.
 */
struct store;

#define STORE_PATH                                                 \
	512 /* room for any path that is made of names of releases \
	     */

struct store_ftp_config {
	const struct ftp_url *url; /* the place */
	const char *user, *password;
	int64_t idle_ms;     /* without a byte; 0: FTP_IDLE_MS */
	int64_t deadline_ns; /* of all, clock_mono_ns(); 0: none */
	void (*trace)(void *arg, const char *line); /* net/ftp.h; or NULL */
	void *arg;
	const volatile sig_atomic_t *stop; /* or NULL */
};

/* The store is not connected yet: store_reopen. NULL with err: out of memory.
 * What config points to stays the caller's, and has to live as long as the
 * store. */
struct store *store_open_ftp(const struct store_ftp_config *c, struct err *e);
/* The folder need not be there yet. NULL with err. */
struct store *store_open_dir(const char *dir, struct err *e);
void store_close(struct store *s); /* NULL is fine */

/* Connect, also anew after ERR_PEER. 0 or -1. */
int store_reopen(struct store *s, struct err *e);

/* Begin to connect while the caller does something else: the next store_reopen
 * has what came of it, unless that is old news by then. A hint: not where
 * lines are told to trace, which would come in between others. */
void store_begin(struct store *s);

/* Who was stopped wants to leave in good order: until the end stop counts no
 * more, and what does not answer soon is left. Connect anew after it. */
void store_leave(struct store *s);

/*
 * Small things to be done. None depends on how another ends: all are
 * tried, in their order; where there is a way to a server, in one round trip.
 */
enum store_verb {
	STORE_MKDIR,
	STORE_RMDIR, /* an empty one */
	STORE_DELETE,
	STORE_RENAME,
	STORE_EXISTS, /* file or folder */
	STORE_SIZE,
};

struct store_step {
	enum store_verb verb;
	const char *path, *to;
	/* RENAME: to may be a file whose place is taken. A server that will
	 * not have it so has it deleted first: for a moment there is none. */
	int replace;
	/* 0: done, is there; 1: MKDIR: it was there already, as far as the
	 * place tells; all others: nothing of the name is there; 2: SIZE cannot
	 * be told; -1: refused. */
	int result;
	uint64_t size;  /* SIZE */
	struct err why; /* with -1, and with MKDIR's 1 */
};

/* 0: each step has its result; -1: some may have none, and be done or not. */
int store_run(struct store *s, struct store_step *steps, size_t n,
    struct err *e);

/* Hints that save round trips, and promise nothing: a transfer follows the next
 * store_run; the next transfer is of a file of len bytes, and what is got will
 * be compared, or what is put read back. */
void store_expect(struct store *s);
void store_hurry(struct store *s, uint64_t len);

/* Make the place itself, with the folders above it as far as they are missing.
 * 0, or -1 for a broken connection alone: what is refused shows later. */
int store_make_base(struct store *s, struct err *e);

/*
 * The bytes from..len of fd to the places from..len of a file; from 0 makes it
 * anew. moved (or NULL) is told how far it is and returns 0, or -1 with err,
 * which ends it; a connection may be broken then. fd may still be written
 * meanwhile: it is read at most STORE_AHEAD behind from, and behind what moved
 * was told last. 1: it cannot begin at `from`.
 */
#define STORE_AHEAD ((uint64_t)1 << 20) /* no place reads more at a time */

int store_put(struct store *s, const char *path, uint64_t from, int fd,
    uint64_t len, int (*moved)(void *arg, uint64_t so_far, struct err *e),
    void *arg, struct err *e);

/* A file of at most max bytes, one more is ERR_NO; the sink takes them in
 * order. 1: there is no such file, and the sink was not called. */
int store_get(struct store *s, const char *path, uint64_t max,
    int (*sink)(void *arg, const void *bytes, size_t len, struct err *e),
    void *arg, struct err *e);

/* The names in a folder, in no order, to be compared and shown; each returns 0
 * to go on. 1: there is no such folder, or nothing in it. */
int store_names(struct store *s, const char *dir,
    int (*each)(void *arg, const char *name), void *arg, struct err *e);

/* When a file or folder was last written. 1: untold. */
int store_mtime(struct store *s, const char *path, int64_t *us, struct err *e);

/* The MD5 of a file as the place itself makes it out. 1: it does not. */
int store_md5(struct store *s, const char *path, uint8_t md5[MD5_SIZE],
    struct err *e);

/* What a place of another kind has to do: the functions above, with the same
 * meaning. close frees impl. */
struct store_ops {
	int (*reopen)(void *impl, struct err *e);
	void (*begin)(void *impl); /* or NULL */
	int (*run)(void *impl, struct store_step *steps, size_t n,
	    struct err *e);
	int (*make_base)(void *impl, struct err *e);
	int (*put)(void *impl, const char *path, uint64_t from, int fd,
	    uint64_t len,
	    int (*moved)(void *arg, uint64_t so_far, struct err *e), void *arg,
	    struct err *e);
	int (*get)(void *impl, const char *path, uint64_t max,
	    int (*sink)(void *arg, const void *b, size_t n, struct err *e),
	    void *arg, struct err *e);
	int (*names)(void *impl, const char *dir,
	    int (*each)(void *arg, const char *name), void *arg, struct err *e);
	int (*mtime)(void *impl, const char *path, int64_t *us, struct err *e);
	int (*md5)(void *impl, const char *path, uint8_t md5[MD5_SIZE],
	    struct err *e);
	void (*expect)(void *impl);              /* or NULL */
	void (*hurry)(void *impl, uint64_t len); /* or NULL */
	void (*leave)(void *impl);
	void (*close)(void *impl);
};

/* Takes impl over. NULL: out of memory, impl is still the caller's. */
struct store *store_new(const struct store_ops *ops, void *impl);

#endif
