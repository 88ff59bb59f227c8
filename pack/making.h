#ifndef PACK_MAKING_H
#define PACK_MAKING_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/md5.h"
#include "crypto/sha512.h"
#include "pack/dirs.h"
#include "pack/entries.h"
#include "pack/kept.h"
#include "pack/output.h"
#include "pack/package.h"
#include "pack/tree.h"
#include "pack/ustar.h"

/*
 * A package while it is made: first its folder is looked through and read
 * (making_read.c), then RELEASE is worked out (package_create.c), then the
 * archive is written (making_write.c). But for these three nobody includes
 * this. Functions return 0, or -1 with making's err.
 */

#define MAKING_PIECE ((size_t)256 << 10) /* of a file, read at a time */

struct making {
	const struct package_spec *spec;
	struct package_info *info;
	struct err *err;
	int root;
	struct dirs dirs; /* below root */
	/* Files and folders in the order of the archive; seen: the base has
	 * the same file, so that it is not held. */
	struct entries all;
	struct entries removed;
	struct buf release; /* the text of RELEASE */
	uint8_t release_md5[MD5_SIZE];
	uint64_t so_far, total;
	uint8_t *piece;   /* MAKING_PIECE bytes and one more */
	struct kept kept; /* small files are read once */
	/* Of the package. */
	struct md5 md5;
	struct sha512 sha512;
};

/* What is wrong with a file of the folder; -1. */
int making_fail(const struct making *m, const char *name, const char *why);
int making_fail_memory(const struct making *m);

/* It is not, or not any more, as it was seen first; -1. */
int making_fail_changed(const struct making *m, const struct entry *it);

/* 0: go on; -1: it is to end. */
int making_go_on(const struct making *m);

/* So many bytes more were read, or written. */
void making_moved(struct making *m, uint64_t more);

/* The next file at or behind *i, folders passed over; NULL: none. */
struct entry *making_next_file(const struct making *m, size_t *i);

/* 1 for what goes into the archive: folders, and files that are not in the base
 * as they are. */
int making_is_held(const struct entry *it);

/* The header of a file or folder. */
int making_header(const struct making *m, const char *name, uint64_t len,
    uint8_t block[USTAR_BLOCK]);

/* Fill in all, total: what is in the folder, but for what is excluded and the
 * files own[], which a package of an earlier time and its signature would be.
 */
int making_look(struct making *m, const struct tree_file *own, size_t n);

/* Read every file for its digest, and check the sources among them. */
int making_read(struct making *m);

/*
 * Read the file of the entry, which has the length and the time that were
 * seen, piece by piece into sink, which also puts them into the hash. The
 * digest is that of what sink was given.
 */
int making_read_file(struct making *m, const struct entry *it,
    uint8_t digest[MD5_SIZE],
    int (*sink)(void *arg, struct md5 *hash, const void *bytes, size_t len),
    void *arg);

/* The length of the archive. */
uint64_t making_length(const struct making *m);

/* Write the archive, and tell its digests in info. */
int making_write(struct making *m, struct output *o);

#endif
