#ifndef PACK_SUMS_H
#define PACK_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/md5.h"

/*
 * Lists of digests as md5sum(1) writes them for plain names, one grammar: 32
 * lower-case hex digits, two blanks, the name, LF. No escapes, no '*', no
 * comments, no empty lines, no CR; the last line has its LF too. Pure.
 */

#define SUMS_NAME_MAX 4095 /* bytes of a name: as long as a path may be */
#define SUMS_PREFIX   ((size_t)2 * MD5_SIZE + 2) /* in front of the name */
#define SUMS_LINE_MAX (SUMS_PREFIX + SUMS_NAME_MAX + 1) /* with its LF */

struct sums_line {
	const char *name; /* within the text; not NUL-terminated */
	size_t name_len;
	uint8_t md5[MD5_SIZE];
};

/*
 * The line at *at, which moves behind its LF: 1; 0 when *at is end; -1 when
 * it is no such line. A name is one byte or more, none of them a control
 * character; whether it is fit to be a path is the caller's question.
 */
int sums_next(const char **at, const char *end, struct sums_line *out);

/* The SUMS_PREFIX characters in front of a name; no NUL. */
void sums_prefix(char out[SUMS_PREFIX], const uint8_t md5[MD5_SIZE]);

#endif
