#ifndef PACK_USTAR_H
#define PACK_USTAR_H

#include <stddef.h>
#include <stdint.h>

#include "pack/name.h"

/*
 * Headers of POSIX ustar archives, strict: one reading, or none. Regular
 * files and folders alone; no links, no extensions of names or sizes. Pure.
 */

#define USTAR_BLOCK    ((size_t)512)
#define USTAR_SIZE_MAX UINT64_C(077777777777) /* eleven octal digits */

struct ustar_entry {
	char name[NAME_LEN_MAX + 2]; /* a folder's ends with '/' */
	uint64_t size;               /* 0 of a folder */
	int64_t mtime_s;             /* written, not read */
};

/*
 * Parse a header that is not all zeros. 0, or -1 with *why in words. The
 * name went through name_check. Mode, owner and time are not looked at.
 */
int ustar_parse(struct ustar_entry *out, const uint8_t block[USTAR_BLOCK],
    const char **why);

/*
 * Build a header: files 0644, folders 0755, owner 0 without names. The name
 * is good but for how a header can part it: -1 when it has no '/' at which a
 * prefix of at most 155 bytes leaves at most 100. Else 0.
 */
int ustar_build(uint8_t block[USTAR_BLOCK], const struct ustar_entry *e);

/* 1 when all bytes are 0. */
int ustar_is_zero(const uint8_t *bytes, size_t len);

/* Bytes of zeros that follow size bytes of content. */
size_t ustar_padding(uint64_t size);

#endif
