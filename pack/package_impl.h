#ifndef PACK_PACKAGE_IMPL_H
#define PACK_PACKAGE_IMPL_H

#include "pack/entries.h"
#include "pack/listing.h"
#include "pack/package.h"

/* What the parts of pack/package.h share; but for the fuzzer nobody else
 * includes it. */

struct place { /* of bytes in the archive */
	uint64_t at, len;
};

struct package {
	int fd;      /* the caller's */
	char *shown; /* its name in messages; owned */
	struct package_info info;
	struct entries files; /* in the order of the archive; at: their bytes */
	struct entries folders;
	struct entries removed;
	struct place sums, release;
};

/* The text of RELEASE: fills out->release and appends the removed names. 0,
 * or -1 with err. */
int package_parse_release(struct package_info *out, struct entries *removed,
    const char *shown, const void *text, size_t len, struct err *e);

/* A folder's descriptor, or -1 with err. */
int package_open_dir(const char *dir, struct err *e);

/* The files that MD5SUMS of the folder behind root lists, but RELEASE, whose
 * digest goes to release_md5. 0, or -1 with err. */
int package_read_sums(int root, const char *dir, struct entries *out,
    uint8_t release_md5[MD5_SIZE], struct err *e);

/* RELEASE of the folder behind root, which must be that of a whole release,
 * and its digest. 0, or -1 with err. */
int package_read_release(int root, const char *dir, struct package_info *out,
    uint8_t md5[MD5_SIZE], struct err *e);

/* The digest of a release with these files (hotfix-package(5), tree). */
void package_tree(const struct entries *files, uint8_t out[SHA512_SIZE]);

#endif
