#ifndef PACK_LISTING_H
#define PACK_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/sha512.h"
#include "pack/entries.h"
#include "pack/name.h"
#include "pack/sums.h"

/*
 * The MD5SUMS of a package or an unpacked folder, in pieces as it is read:
 * names that name_check takes, sorted by bytes, none twice.
 */
struct listing {
	struct entries *out;
	const char *shown; /* whose it is, in messages */
	size_t used;
	char line[SUMS_PREFIX + NAME_LEN_MAX + 1];
};

void listing_begin(struct listing *l, struct entries *out, const char *shown);
/* 0, or -1 with err. */
int listing_feed(struct listing *l, const void *bytes, size_t len,
    struct err *e);
/* The last line was whole, and RELEASE was listed: its digest is in
 * release_md5, and it is no entry any more. 0, or -1 with err. */
int listing_end(struct listing *l, uint8_t release_md5[MD5_SIZE],
    struct err *e);

/* Add the line of one file to the digest of a tree. */
void listing_digest(struct sha512 *tree, const struct entry *it);

#endif
