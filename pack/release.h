#ifndef PACK_RELEASE_H
#define PACK_RELEASE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/sha512.h"

/*
 * The file RELEASE of a package, lines "name: value" in this order, each with
 * LF, nothing else:
 *
 *	package: NAME
 *	release: RELEASE
 *	created: INSTANT
 *	files: N
 *	bytes: N
 *	tree: HEX
 *	base: RELEASE		(these of a package --since alone)
 *	base-tree: HEX
 *	removed: PATH		(any number, sorted by bytes)
 *
 * tree is the SHA-512 of the lines of MD5SUMS for all files of the whole
 * release but RELEASE itself. Pure.
 */

#define RELEASE_WORD 64 /* bytes of a name or release: in file names */
#define RELEASE_TEXT_MAX                               \
	((size_t)64 << 20) /* a quarter million of the \
			      longest removed names */

struct release {
	char name[RELEASE_WORD + 1];
	char release[RELEASE_WORD + 1];
	int64_t created_us;
	uint64_t files, bytes;
	uint8_t tree[SHA512_SIZE];
	char base[RELEASE_WORD + 1]; /* "": a full package */
	uint8_t base_tree[SHA512_SIZE];
};

/* 1 when the text may be a package's name or release: letters, digits and
 * "._+-", a letter or digit first, at most RELEASE_WORD bytes. */
int release_is_word(const char *s, size_t len);

/*
 * Parse the text. 0 with *removed_at set to where the removed lines begin
 * (len: there are none), which are checked too; or -1 with *why a sentence
 * and *line the number of the line.
 */
int release_parse(struct release *out, const char *text, size_t len,
    size_t *removed_at, const char **why, size_t *line);

/* The next removed path at *at, which moves behind its line: 1, or 0 at the
 * end. The text went through release_parse. */
int release_next_removed(const char *text, size_t len, size_t *at,
    const char **path, size_t *path_len);

/* Append the lines but those for removed paths, and one of those. */
int release_format(struct buf *out, const struct release *r);
int release_format_removed(struct buf *out, const char *path);

#endif
