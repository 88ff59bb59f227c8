#ifndef PACK_NAME_H
#define PACK_NAME_H

#include <stddef.h>

/* Names of files in a package: paths below its folder, one spelling each. */

#define NAME_LEN_MAX   255 /* bytes: what a ustar header can say */
#define NAME_DEPTH_MAX 16  /* parts: folders and the file */

/*
 * NULL when the name is good, else the reason in words: not empty, at most
 * NAME_LEN_MAX bytes and NAME_DEPTH_MAX parts; no part is empty, "." or
 * ".."; UTF-8 without control characters or a backslash (where that parts
 * folders, one name would be two).
 */
const char *name_check(const char *name, size_t len);

#endif
