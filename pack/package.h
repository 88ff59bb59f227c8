#ifndef PACK_PACKAGE_H
#define PACK_PACKAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"
#include "pack/digests.h"
#include "pack/name.h"
#include "pack/release.h"

/*
 * Release packages (hotfix-package(5)): one strict ustar archive whose first
 * entries are MD5SUMS and RELEASE, all others sorted by bytes, each folder
 * before what is in it. A package that was made --since another holds what
 * changed and names what is gone; unpacked onto its base it becomes the same
 * folder that the full package becomes, byte for byte.
 *
 * Memory grows with the names alone: some 50 bytes and the name for each
 * file or folder; making one takes KEPT_MAX (pack/kept.h) beside at most.
 * Everything here blocks. Functions return 0, or -1 with err filled: ERR_NO
 * where the package or the folder is to blame, ERR_LOCAL for files, memory and
 * space. Names in messages are escaped.
 */

#define PACKAGE_ENTRIES_MAX 1000000             /* files and folders */
#define PACKAGE_FILE_MAX    (UINT64_C(4) << 30) /* bytes of one file */
#define PACKAGE_LUA_MAX     ((size_t)16 << 20)  /* of a source to be checked */
#define PACKAGE_MISSES_MAX  100 /* told one by one; the rest is a count */

#define PACKAGE_SUMS    "MD5SUMS"
#define PACKAGE_RELEASE "RELEASE"

struct package_info {
	/* What RELEASE says; files and bytes are those of the whole release,
	 * without MD5SUMS and RELEASE. */
	struct release release;
	/* The package's file itself; 0 of an unpacked folder. */
	uint64_t len;
	uint8_t md5[MD5_SIZE];
	uint8_t sha512[SHA512_SIZE];
	uint64_t nheld;    /* files in it, without MD5SUMS and RELEASE */
	uint64_t nremoved; /* of a package --since: names that are gone */
};

/* --- making ----------------------------------------------------------------
 */

struct package_spec {
	const char *dir;
	const char *name, *release; /* release_is_word() */
	const char *since;          /* a full package of this name, or NULL */
	/* Globs (base/glob.h) that leave out what they fit: its whole name, or
	 * the last part of it; with a folder goes what is in it. */
	const char *const *exclude;
	size_t nexclude;
	const char *const *unchecked; /* globs, as exclude */
	size_t nunchecked;
	int64_t time_us; /* "created:" and, in seconds, of all entries */
	/* Each file *.lua with its text, but for those that a glob of unchecked
	 * fits, before anything is written. 0, or -1 with the reason, which
	 * ends it. NULL: none is checked. */
	int (*check)(void *arg, const char *name, const void *text, size_t len,
	    struct err *e);
	/* Gets all bytes of the package as they are written; or NULL. */
	const struct digests_work *also;
	/* The package is written, also has had all of it, but it has no name
	 * yet: sign it. 0, or -1, which ends it. fd is readable by pread(2).
	 * Or NULL. */
	int (*seal)(void *arg, int fd, const struct package_info *info,
	    struct err *e);
	/* seal makes a child process: no thread runs beside it. */
	int seal_forks;
	/* So many bytes of all were digested or written (each file is both); or
	 * NULL. */
	void (*progress)(void *arg, uint64_t so_far, uint64_t total);
	/* So many bytes of the package can be read by package_draft_fd; or
	 * NULL. */
	void (*written)(void *arg, uint64_t so_far);
	/* Asked before each file and piece that is read: not 0 ends it, as
	 * ERR_PEER. Or NULL. */
	int (*stopped)(void *arg);
	void *arg; /* of the five above */
};

/*
 * Pack dir. The same files, names and time give the same bytes. path appears
 * whole or not at all; one that exists with these very bytes is left alone
 * (after seal), with other bytes it is ERR_NO, and so is a dir without any file
 * (or of which all are left out). A symbolic link, a device, a
 * name that name_check refuses, a file that changes meanwhile end it, by
 * name. Where neither length nor time tells of it, a small file is in the
 * package as it was at first. MD5SUMS and RELEASE of an unpacked package at the
 * top of dir are left out; other files of these names are refused. path itself
 * (and path.sig), when they lie in dir, are left out.
 */
int package_create(const struct package_spec *s, const char *path,
    struct package_info *out, struct err *e);

/*
 * The same in three steps. package_draft reads dir and works out RELEASE and
 * the length, which out has then; NULL with err. package_write writes it, which
 * fills out, without a name and not sealed. package_finish syncs and seals it
 * and gives it its name. These two: 0, or -1 with err, once. They may be done
 * by another thread, which then calls what s has; meanwhile what was written
 * can be read by package_draft_fd. What s points to, and out, live as long.
 * Without package_finish nothing is left of it.
 */
struct package_draft;

struct package_draft *package_draft(const struct package_spec *s,
    const char *path, struct package_info *out, struct err *e);
int package_draft_fd(const struct package_draft *d);
int package_write(struct package_draft *d, struct err *e);
int package_finish(struct package_draft *d, struct err *e);
void package_draft_free(struct package_draft *d); /* NULL is fine */

/* --- reading ---------------------------------------------------------------
 */

struct package_ask {
	uint64_t max_bytes;    /* of the package's file; 0: no limit but those
				  above */
	const uint8_t *sha512; /* that the whole file must have; or NULL */
	unsigned without;      /* PACKAGE_NO_*, or-ed */
	/* Gets all bytes of the file, from the very read that is parsed; or
	 * NULL. It is how a signature is checked: */
	const struct digests_work *also;
	/* The file was read to its end and also has had it; nothing is known
	 * yet of what was found in it. 0, or -1 with the reason why nothing of
	 * it may be told: the package is not opened, whatever it holds. NULL:
	 * there is nothing to be asked. */
	int (*settle)(void *arg, struct err *e);
	/* One line, escaped, for each file that is missing, in excess or
	 * damaged, at most PACKAGE_MISSES_MAX + 1; or NULL. */
	void (*miss)(void *arg, const char *line);
	void (*progress)(void *arg, uint64_t so_far,
	    uint64_t total); /* or NULL */
	void *arg;           /* of the three above */
};

/* Digests that nobody needs are not worked out, and are 0 in package_info. */
#define PACKAGE_NO_MD5    1u /* of the package's file */
#define PACKAGE_NO_SHA512 2u /* nor can it be unpacked; sha512 overrules it */

struct package; /* one that was checked */

/*
 * Check the package behind fd, from its first byte to its last, in one pass;
 * ask may be NULL. fd is a regular file, read by pread(2), and stays the
 * caller's, open as long as the package is used: it is never opened anew by a
 * name. shown is its name in messages. No signature is looked at here: that is
 * for also and settle. With settle, what is wrong with the package is told only
 * when settle said yes; parsing before that keeps what it finds to itself, and
 * takes no more memory than any package does. Only that the file could not be
 * read is told in any case. NULL with err.
 */
struct package *package_open(int fd, const char *shown,
    const struct package_ask *ask, struct err *e);
void package_free(struct package *p);
const struct package_info *package_info(const struct package *p);

/* What the package behind fd says of itself, read from its front: nothing is
 * checked but that it has the form. 0 with the release and the file's length;
 * or -1 with err. */
int package_peek(int fd, const char *shown, struct release *out, uint64_t *len,
    struct err *e);

/* --- folders ---------------------------------------------------------------
 */

/*
 * Unpack into the new folder dir, whose parent exists. It is written aside as
 * "DIR.new-XXXXXX" (file_is_unfinished(); only a kill leaves one behind),
 * synced, and renamed when the bytes were once more those that were checked:
 * dir is complete, or it is not there. base_dir: the unpacked base, for a
 * package --since and only then, else NULL; its files are hard-linked where
 * that goes and they are our own with mode 0644, or copied, and each is
 * digested. A dir that exists is ERR_NO.
 */
int package_unpack(struct package *p, const char *dir, const char *base_dir,
    struct err *e);

enum package_sum {
	PACKAGE_SUM_OK,
	PACKAGE_SUM_FAILED,  /* other bytes, or no regular file */
	PACKAGE_SUM_MISSING, /* listed, but not there or not readable */
	PACKAGE_SUM_EXTRA,   /* there, but not listed */
};

/*
 * Check an unpacked folder against its MD5SUMS and RELEASE; out and each may
 * be NULL. each is called in the order of the list, then for what is in
 * excess; errnum says why something is missing, else 0; name is as it came.
 * 0 when all are PACKAGE_SUM_OK and RELEASE fits to the list.
 */
int package_check_dir(const char *dir, struct package_info *out,
    void (*each)(void *arg, const char *name, enum package_sum r, int errnum),
    void *arg, struct err *e);

/* What RELEASE of an unpacked folder says; nothing is digested. */
int package_read_dir(const char *dir, struct package_info *out, struct err *e);

/* Make the symbolic link lead to target, by one rename; it is new, or was a
 * symbolic link before. target is taken as it is (relative: to the link's
 * folder). */
int package_switch(const char *link, const char *target, struct err *e);

/* Remove a folder and all in it; links are not followed. One that is not
 * there is fine. */
int package_remove_dir(const char *dir, struct err *e);

#endif
